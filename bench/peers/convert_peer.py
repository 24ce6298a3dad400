"""A peer's conversion as a program of its own: python convert_peer.py PEER SOURCE TARGET TASK."""

import json
import resource
import sys
from pathlib import Path

peer, source, target, task = sys.argv[1:5]
annotations = next(Path(source, "annotations").glob("*.json"))

if peer == "globox":
    if task != "detection":
        sys.exit("globox has boxes only")
    from globox import AnnotationSet

    data = AnnotationSet.from_coco(annotations)
    names = sorted({box.label for annotation in data for box in annotation.boxes})
    data.save_yolo_v5(target, label_to_id={name: index for index, name in enumerate(names)})
elif peer == "datumaro":
    from datumaro import Dataset

    # It requires the image folder to exist, even when it is empty.
    Path(source, "images", annotations.stem.split("_")[-1]).mkdir(parents=True, exist_ok=True)
    data = Dataset.import_from(source, "coco_instances")
    # Its exporter wants two subsets.
    data.transform("random_split", splits=[("train", 0.99), ("val", 0.01)])
    data.export(target, "yolo_ultralytics", save_media=False)
elif peer == "ultralytics":
    from ultralytics.data.converter import convert_coco

    convert_coco(
        str(annotations.parent), save_dir=target, use_segments=task == "segmentation", cls91to80=False
    )
else:
    sys.exit(f"no peer {peer}")

own = resource.getrusage(resource.RUSAGE_SELF)
children = resource.getrusage(resource.RUSAGE_CHILDREN)
print(
    json.dumps(
        {
            "cpuSeconds": own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime,
            "peakMegabytes": max(own.ru_maxrss, children.ru_maxrss) / 1024,
        }
    )
)
