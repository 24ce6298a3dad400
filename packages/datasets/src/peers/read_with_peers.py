"""What other people's loaders see in a dataset, as JSON: one object an image, with its objects.

    python read_with_peers.py PEER PATH [EXTRA]

PEER: pycocotools, torchvision (PATH: a COCO file; EXTRA: folder of the images), datumaro-yolo, datumaro-voc (PATH: a
folder), ultralytics (PATH: a folder; EXTRA: detect, segment, pose or obb).
Boxes are x, y, width and height in pixels. Exit code 3: the peer is not installed.
"""

import json
import logging
import os
import sys

logging.disable(logging.WARNING)


def pycocotools(path, _task):
    from pycocotools import mask as masks
    from pycocotools.coco import COCO

    coco = COCO(path)
    for image in coco.loadImgs(sorted(coco.getImgIds())):
        objects = []
        for annotation in coco.loadAnns(coco.getAnnIds(image["id"], iscrowd=None)):
            seen = {
                "label": coco.loadCats(annotation["category_id"])[0]["name"],
                "box": annotation["bbox"],
                "isCrowd": annotation["iscrowd"],
            }
            if annotation.get("segmentation"):
                seen["mask"] = masks.encode(coco.annToMask(annotation).copy(order="F"))["counts"].decode()
            if annotation.get("keypoints"):
                seen["keypoints"] = annotation["keypoints"]
                seen["keypointCount"] = annotation["num_keypoints"]
            objects.append(seen)
        yield {"image": image["file_name"], "size": [image["width"], image["height"]], "objects": objects}


def torchvision(path, root):
    from torchvision.datasets import CocoDetection

    dataset = CocoDetection(root, path)
    for index in range(len(dataset)):
        picture, annotations = dataset[index]
        objects = [
            {"label": dataset.coco.loadCats(a["category_id"])[0]["name"], "box": a["bbox"]} for a in annotations
        ]
        name = dataset.coco.loadImgs(dataset.ids[index])[0]["file_name"]
        yield {"image": name, "size": list(picture.size), "objects": objects}


def datumaro(format):
    def read(path, _task):
        from datumaro import AnnotationType, Dataset

        dataset = Dataset.import_from(path, format)
        labels = dataset.categories()[AnnotationType.label]
        for item in dataset:
            objects = [
                {"label": labels[a.label].name, "box": list(a.get_bbox())}
                for a in item.annotations
                if a.type == AnnotationType.bbox
            ]
            size = item.media.size
            yield {
                "image": item.id,
                "split": item.subset,
                "size": None if size is None else [size[1], size[0]],
                "objects": objects,
            }

    return read


def ultralytics(path, task):
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    data = check_det_dataset(os.path.join(path, "data.yaml"), autodownload=False)
    for split in ("train", "val"):
        if not os.listdir(data[split]):
            continue
        dataset = YOLODataset(img_path=data[split], data=data, task=task, augment=False)
        for label in dataset.labels:
            height, width = label["shape"]
            objects = []
            for index, (number, box) in enumerate(zip(label["cls"], label["bboxes"])):
                x, y, w, h = (float(value) for value in box)
                seen = {
                    "label": data["names"][int(number[0])],
                    "box": [(x - w / 2) * width, (y - h / 2) * height, w * width, h * height],
                }
                if label["segments"]:
                    seen["outline"] = [v for px, py in label["segments"][index].tolist() for v in (px * width, py * height)]
                if label["keypoints"] is not None:
                    points = label["keypoints"][index].tolist()
                    seen["keypoints"] = [v for px, py, visible in points for v in (px * width, py * height, visible)]
                objects.append(seen)
            name = os.path.relpath(label["im_file"], os.path.realpath(path))
            yield {"image": name, "split": split, "size": [width, height], "objects": objects}


PEERS = {
    "pycocotools": pycocotools,
    "torchvision": torchvision,
    "datumaro-yolo": datumaro("yolo"),
    "datumaro-voc": datumaro("voc"),
    "ultralytics": ultralytics,
}

if __name__ == "__main__":
    answer = os.dup(1)
    # Loaders print what they do: only the answer goes out.
    os.dup2(2, 1)
    try:
        images = list(PEERS[sys.argv[1]](sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "detect"))
    except ModuleNotFoundError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
    with os.fdopen(answer, "w") as out:
        json.dump(sorted(images, key=lambda image: image["image"]), out)
