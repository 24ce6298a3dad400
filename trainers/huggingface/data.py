"""
Images of the dataset, as the models get them. The layout is that of Ultralytics: `{split}/{class}/*` for classification,
`images/{split}/*` with `labels/{split}/*.txt` for detection and segmentation.
"""

import random
from pathlib import Path

import numpy
import torch
from PIL import Image, ImageDraw, ImageOps
from torchvision.transforms import v2
from trainyard_sdk import DatasetError, job

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
MEAN = STD = 0.5
BACKGROUND = 0


def class_names():
    """In the order of the dataset. Without a platform, the folders tell them."""
    names = job.dataset.classes or sorted(each.name for each in Path(job.dataset.path, "train").glob("*/"))
    if not names:
        raise DatasetError("The dataset has no classes")
    return names


def open_image(path):
    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise DatasetError(f'"{Path(path).name}" is not an image that can be read: {error}') from error


def to_pixels(image, imgsz):
    """Three channels of numbers around 0, `imgsz` wide and high."""
    resized = image.resize((imgsz, imgsz), Image.Resampling.BILINEAR)
    return torch.from_numpy((numpy.asarray(resized, dtype="float32").transpose(2, 0, 1) / 255 - MEAN) / STD)


def read_label(path, classes):
    """The objects of an image: (class, numbers), where four numbers are a box and more are a polygon, as shares of the image."""
    found = []
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        try:
            kind, *numbers = [float(word) for word in line.split()]
        except ValueError as error:
            raise DatasetError(f"{path.name}, line {number}: {error}") from error
        if not 0 <= kind < len(classes) or len(numbers) < 4 or len(numbers) % 2:
            raise DatasetError(f"{path.name}, line {number}: expected a class below {len(classes)} and a box or a polygon, got {line[:80]!r}")
        found.append((int(kind), numbers))
    return found


def box_of(numbers):
    """Centre, width and height."""
    if len(numbers) == 4:
        return numbers
    xs, ys = numbers[::2], numbers[1::2]
    return [(min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2, max(xs) - min(xs), max(ys) - min(ys)]


class Examples(torch.utils.data.Dataset):
    """A split of the dataset."""

    def __init__(self, split, classes, *, augment=False):
        self.split, self.classes, self.augment, self.imgsz = split, classes, augment, job.config.imgsz
        root = Path(job.dataset.path)
        if job.task_type == "classification":
            self.items = [(path, number) for number, name in enumerate(classes) for path in _images_in(root / split / name)]
        else:
            folder = root / "images" / split
            self.items = [
                (path, read_label((root / "labels" / split / path.relative_to(folder)).with_suffix(".txt"), classes))
                for path in _images_in(folder)
            ]
        self.recolour = v2.ColorJitter(0.2, 0.2, 0.2)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, at):
        path, label = self.items[at]
        image = open_image(path)
        size = image.size
        mirrored = self.augment and random.random() < job.config.flip
        if mirrored:
            image = ImageOps.mirror(image)
        if self.augment:
            image = self.recolour(image)
        example = {"pixel_values": to_pixels(image, self.imgsz)}
        if job.task_type == "classification":
            return {**example, "labels": label}
        if job.task_type == "segmentation":
            return {**example, "labels": self.draw(label, mirrored)}
        boxes = torch.tensor([box_of(numbers) for _, numbers in label], dtype=torch.float32).reshape(-1, 4)
        if mirrored:
            boxes[:, 0] = 1 - boxes[:, 0]
        kinds = torch.tensor([kind for kind, _ in label], dtype=torch.int64)
        return {**example, "labels": {"class_labels": kinds, "boxes": boxes, "image_id": torch.tensor([at]), "orig_size": torch.tensor(size[::-1])}}

    def draw(self, label, mirrored):
        """The class of each pixel, counted from 1: 0 is the background."""
        picture = Image.new("L", (self.imgsz, self.imgsz), BACKGROUND)
        pen = ImageDraw.Draw(picture)
        for kind, numbers in label:
            if len(numbers) == 4:
                x, y, width, height = numbers
                numbers = [x - width / 2, y - height / 2, x + width / 2, y - height / 2, x + width / 2, y + height / 2, x - width / 2, y + height / 2]
            pen.polygon([value * self.imgsz for value in numbers], fill=kind + 1)
        return torch.from_numpy(numpy.array(ImageOps.mirror(picture) if mirrored else picture, dtype="int64"))


def _images_in(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def choose_splits(classes):
    """The examples to train with and those to validate with."""
    train = Examples("train", classes, augment=job.config.augment)
    if not len(train):
        raise DatasetError(f"The split train has no images. Splits of this dataset: {', '.join(job.dataset.splits) or 'unknown'}")
    for split in ("val", "test"):
        examples = Examples(split, classes)
        if len(examples):
            return train, examples
    job.log.warning("The dataset has no split val and no split test: the figures are those of the images of the training")
    return train, Examples("train", classes)


def collate(examples):
    labels = [each["labels"] for each in examples]
    if job.task_type == "classification":
        labels = torch.tensor(labels)
    elif job.task_type == "segmentation":
        labels = torch.stack(labels)
    return {"pixel_values": torch.stack([each["pixel_values"] for each in examples]), "labels": labels}
