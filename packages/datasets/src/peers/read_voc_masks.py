"""The masks of a Pascal VOC folder as others read them, as JSON: by image, its objects with class and pixels.

    python read_voc_masks.py PEER PATH

PEER: pillow (the devkit's own words: indexed PNGs, one number an object), torchvision (VOCSegmentation: classes only),
datumaro, or pycocotools (PATH: a COCO file, for comparison). Pixels are COCO's run lengths. Exit code 3: not installed.
"""

import json
import logging
import os
import sys
import tempfile

logging.disable(logging.WARNING)
VOID = 255


def encode(pixels):
    import numpy
    from pycocotools import mask as masks

    return masks.encode(numpy.asfortranarray(pixels.astype(numpy.uint8)))["counts"].decode()


def class_names(path):
    with open(os.path.join(path, "labelmap.txt")) as lines:
        return [line.split(":")[0] for line in lines if line.strip() and not line.startswith("#")]


def pillow(path):
    import numpy
    from PIL import Image

    names = class_names(path)
    with open(os.path.join(path, "ImageSets", "Segmentation", "train.txt")) as lines:
        stems = lines.read().split()
    for stem in stems:
        classes, objects = (Image.open(os.path.join(path, f"Segmentation{kind}", f"{stem}.png")) for kind in ("Class", "Object"))
        assert classes.mode == objects.mode == "P", (classes.mode, objects.mode)
        # The devkit's palette: black, dark red, dark green; void is cream.
        assert classes.getpalette()[:9] == [0, 0, 0, 128, 0, 0, 0, 128, 0], classes.getpalette()[:9]
        assert classes.getpalette()[3 * VOID : 3 * VOID + 3] == [224, 224, 192]
        classes, objects = numpy.array(classes), numpy.array(objects)
        assert ((classes == 0) == (objects == 0)).all()
        found = []
        for number in sorted(set(numpy.unique(objects)) - {0, VOID}):
            own = objects == number
            (label,) = numpy.unique(classes[own])
            found.append([names[label], encode(own)])
        yield stem, found


def torchvision(path):
    import numpy
    from torchvision.datasets import VOCSegmentation

    names = class_names(path)
    # It knows one place, and one suffix.
    with tempfile.TemporaryDirectory() as root:
        devkit = os.path.join(root, "VOCdevkit", "VOC2012")
        os.makedirs(os.path.join(devkit, "JPEGImages"))
        for folder in ("SegmentationClass", "ImageSets"):
            os.symlink(os.path.join(path, folder), os.path.join(devkit, folder))
        for name in os.listdir(os.path.join(path, "JPEGImages")):
            link = os.path.join(devkit, "JPEGImages", os.path.splitext(name)[0] + ".jpg")
            os.symlink(os.path.join(path, "JPEGImages", name), link)
        dataset = VOCSegmentation(root, year="2012", image_set="train", download=False)
        for index in range(len(dataset)):
            picture, mask = dataset[index]
            assert picture.size == mask.size
            pixels = numpy.array(mask)
            numbers = sorted(set(numpy.unique(pixels)) - {0, VOID})
            stem = os.path.splitext(os.path.basename(dataset.images[index]))[0]
            yield stem, [[names[number], encode(pixels == number)] for number in numbers]


def datumaro(path):
    from datumaro import AnnotationType, Dataset

    dataset = Dataset.import_from(path, "voc_segmentation")
    labels = dataset.categories()[AnnotationType.label]
    for item in dataset:
        found = [[labels[a.label].name, encode(a.image)] for a in item.annotations if a.type == AnnotationType.mask]
        yield item.id, found


def pycocotools(path):
    from pycocotools.coco import COCO

    coco = COCO(path)
    for image in coco.loadImgs(coco.getImgIds()):
        annotations = coco.loadAnns(coco.getAnnIds(image["id"]))
        names = [coco.loadCats(annotation["category_id"])[0]["name"] for annotation in annotations]
        found = [[name, encode(coco.annToMask(annotation))] for name, annotation in zip(names, annotations)]
        yield os.path.splitext(image["file_name"])[0], found


if __name__ == "__main__":
    answer = os.dup(1)
    # Loaders print what they do: only the answer goes out.
    os.dup2(2, 1)
    try:
        images = dict(globals()[sys.argv[1]](sys.argv[2]))
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
    with os.fdopen(answer, "w") as out:
        json.dump({image: sorted(objects) for image, objects in images.items()}, out)
