"""Prints what the readers of Datumaro, Hugging Face, labelme, supervision, torchvision and WebDataset find in a folder, as JSON."""
import glob
import json
import os
import sys

peer, path = sys.argv[1:3]
try:
    if peer == "masks":
        import numpy as np
        from datumaro import Dataset

        dataset = Dataset.import_from(path, "common_semantic_segmentation")
        names = [label.name for label in dataset.categories()[next(k for k in dataset.categories() if k.name == "label")]]
        found = [
            {"image": item.id, "pixels": {names[mask.label]: int(np.sum(mask.image)) for mask in item.annotations}}
            for item in dataset
        ]
    elif peer == "huggingface":
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_DATASETS_CACHE"] = os.path.join(path, "..", "cache-" + os.path.basename(path))
        from datasets import load_dataset

        loaded = load_dataset("imagefolder", data_dir=path)
        found = [
            {"split": split, "size": list(row["image"].size), **{k: v for k, v in row.items() if k != "image"}}
            for split, rows in loaded.items()
            for row in rows
        ]
    elif peer == "webdataset":
        import webdataset

        found = []
        for shard in sorted(glob.glob(os.path.join(path, "*.tar"))):
            for sample in webdataset.WebDataset(shard, shardshuffle=False).decode("pil"):
                found.append(
                    {
                        "split": os.path.basename(shard).split("-")[0],
                        "key": sample["__key__"],
                        "size": list(sample["png"].size),
                        "cls": sample.get("cls"),
                        "objects": sample["json"]["objects"],
                    }
                )
    elif peer == "datumaro":
        from datumaro import Dataset

        dataset = Dataset.import_from(path, sys.argv[3])
        names = [label.name for label in dataset.categories()[next(k for k in dataset.categories() if k.name == "label")]]
        found = [
            {
                "split": item.subset,
                "label": names[each.label],
                "box": [round(float(value), 3) for value in each.get_bbox()] if hasattr(each, "get_bbox") else None,
            }
            for item in dataset
            for each in item.annotations
        ]
    elif peer == "torchvision":
        from torchvision.datasets import ImageFolder

        found = []
        for split in ("train", "val", "test"):
            data = ImageFolder(os.path.join(path, split), allow_empty=True)
            found += [{"split": split, "label": data.classes[label], "number": label} for _, label in data.samples]
    elif peer == "supervision":
        import supervision

        found = []
        for split in ("train", "val", "test"):
            if sys.argv[3] == "yolo":
                at = [os.path.join(path, part, split) for part in ("images", "labels")]
                data = supervision.DetectionDataset.from_yolo(*at, os.path.join(path, "data.yaml"))
            else:
                [file] = glob.glob(os.path.join(path, "annotations", f"*{split}.json"))
                data = supervision.DetectionDataset.from_coco(path, file)
            for _, _, seen in data:
                for (left, top, right, bottom), label in zip(seen.xyxy.tolist(), seen.class_id):
                    box = [round(value, 3) for value in (left, top, right - left, bottom - top)]
                    found.append({"split": split, "label": data.classes[label], "box": box})
    elif peer == "labelme":
        from labelme._label_file import LabelFile

        found = []
        for split in ("train", "val", "test"):
            for file in sorted(glob.glob(os.path.join(path, split, "**", "*.json"), recursive=True)):
                for shape in LabelFile(file).shapes:
                    found.append({"split": split, "label": shape["label"], "kind": shape["shape_type"], "points": shape["points"]})
    else:
        sys.exit(2)
except ImportError:
    sys.exit(3)
print(json.dumps(found))
