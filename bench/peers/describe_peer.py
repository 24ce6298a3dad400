"""A peer's statistics as a program of its own: python describe_peer.py PEER SOURCE."""

import json
import resource
import sys
from pathlib import Path

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
