"""A peer's statistics as a program of its own: python describe_peer.py PEER SOURCE."""

import json
import resource
import sys
from pathlib import Path

# A peer that needs more fails here, and does not take the memory of the whole machine.
resource.setrlimit(resource.RLIMIT_DATA, (10 << 30, 10 << 30))

peer, source = sys.argv[1:3]
annotations = next(Path(source, "annotations").glob("*.json"))

if peer == "globox":
    from globox import AnnotationSet

    AnnotationSet.from_coco(annotations).show_stats(verbose=False)
elif peer == "datumaro":
    from datumaro import Dataset
    from datumaro.components.operations import compute_ann_statistics

    # It requires the image folder to exist, even when it is empty.
    Path(source, "images", annotations.stem.split("_")[-1]).mkdir(parents=True, exist_ok=True)
    compute_ann_statistics(Dataset.import_from(source, "coco_instances"))
elif peer == "supervision":
    import numpy
    from supervision import DetectionDataset

    # It has no statistics of its own: it reads, and numpy counts objects by class, their sides and their sizes.
    data = DetectionDataset.from_coco(str(annotations.parent), str(annotations), force_masks=False)
    per_class = numpy.zeros(len(data.classes), dtype=numpy.int64)
    for detections in data.annotations.values():
        numpy.add.at(per_class, detections.class_id, 1)
        numpy.histogram(numpy.sqrt(detections.box_area), bins=12)
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
