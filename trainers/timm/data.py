"""Images of the dataset, as the network gets them."""

from pathlib import Path

from PIL import Image, ImageOps
from timm.data import create_transform
from torch.utils.data import DataLoader, Dataset
from trainyard_sdk import DatasetError, job

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


def class_names():
    """In the order of the dataset. Without a platform, the folders tell them."""
    return job.dataset.classes or sorted(each.name for each in Path(job.dataset.path, "train").glob("*/"))


def list_images(split):
    """Paths with the number of their class: `{split}/{class}/…`."""
    root = Path(job.dataset.path, split)
    return [
        (path, number)
        for number, name in enumerate(class_names())
        for path in sorted((root / name).rglob("*"))
        if path.suffix.lower() in SUFFIXES
    ]


def choose_splits():
    """The images to train with and those to validate with, and the name of the split of the latter."""
    train = list_images("train")
    if not train:
        raise DatasetError(f"The split train has no images. Splits of this dataset: {', '.join(job.dataset.splits) or 'unknown'}")
    for split in ("val", "test"):
        images = list_images(split)
        if images:
            return train, images, split
    job.log.warning("The dataset has no split val and no split test: the accuracy is that on the images of the training")
    return train, train, "train"


class Images(Dataset):
    def __init__(self, images, transform):
        self.images, self.transform = images, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, at):
        path, label = self.images[at]
        return self.transform(open_image(path)), label


def open_image(path):
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise DatasetError(f'"{Path(path).name}" is not an image that can be read: {error}') from error


def transform_for(imgsz, normalisation, *, augment=False):
    if augment:
        return create_transform(
            (3, imgsz, imgsz), is_training=True, scale=(0.7, 1), ratio=(0.85, 1.18), hflip=job.config.flip, color_jitter=0.2, **normalisation
        )
    return create_transform((3, imgsz, imgsz), crop_pct=1.0, crop_mode="squash", **normalisation)


def loader(images, transform, *, device, generator=None):
    return DataLoader(
        Images(images, transform),
        batch_size=job.config.batch,
        shuffle=generator is not None,
        generator=generator,
        num_workers=min(job.config.workers, len(images)),
        pin_memory=device.type == "cuda",
    )
