"""
Judges what a trainer has made, with programs that have nothing of it: onnxruntime, torchvision, and Ultralytics' own `val`.

    judge.py TRAINER RESULTS DATASET METRIC

RESULTS has `predictions.json`, `export/` and `checkpoint/` of jobs, DATASET is what they had, METRIC is what the training reported.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy
import onnxruntime
import torch
import torchvision
from PIL import Image

TOLERANCE = 1e-3


def classifier(session, images, predictions):
    about = {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}
    how = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}[about["interpolation"]]
    worst = 0.0
    for name, objects in predictions.items():
        picture = Image.open(images[name]).convert("RGB").resize((about["imgsz"], about["imgsz"]), how)
        pixels = numpy.asarray(picture, dtype="float32") / 255
        normal = ((pixels - numpy.float32(about["mean"])) / numpy.float32(about["std"])).transpose(2, 0, 1)[None]
        probabilities = session.run(None, {"images": normal})[0][0]
        worst = max([worst, *(abs(float(probabilities[each["classId"]]) - each["confidence"]) for each in objects)])
    return worst


def detector(session, images, predictions):
    """Boxes with a confidence of 0.25, of which torchvision keeps one of those that overlap by more than 0.7."""
    worst = 0.0
    for name, objects in predictions.items():
        pixels = numpy.asarray(Image.open(images[name]).convert("RGB"), dtype="float32").transpose(2, 0, 1)[None] / 255
        rows = torch.from_numpy(session.run(None, {session.get_inputs()[0].name: pixels})[0][0]).T
        confidence, classes = rows[:, 4:].max(1)
        sure = confidence > 0.25
        boxes = torchvision.ops.box_convert(rows[sure, :4], "cxcywh", "xyxy")
        kept = torchvision.ops.batched_nms(boxes, confidence[sure], classes[sure], 0.7)
        found = sorted(zip(confidence[sure][kept].tolist(), boxes[kept].clamp(0, pixels.shape[-1]).tolist(), classes[sure][kept].tolist()), reverse=True)
        told = sorted(((each["confidence"], each["bbox"], each["classId"]) for each in objects), reverse=True)
        assert len(found) == len(told), f"{name}: {len(found)} boxes in onnxruntime, {len(told)} in the prediction"
        for ours, theirs in zip(told, found):
            assert ours[2] == theirs[2], f"{name}: another class"
            # Boxes as shares of the image.
            apart = max(abs(a - b) for a, b in zip(ours[1], theirs[1])) / pixels.shape[-1]
            worst = max(worst, abs(ours[0] - theirs[0]), apart)
    return worst


def own_val(results, dataset, metric):
    """Ultralytics' own `val` of the checkpoint, on what our conversion makes of the dataset."""
    from ultralytics import YOLO

    root = Path(__file__).resolve().parents[3]
    converted = results / "yolo"
    program = ["node", "--conditions=trainyard-source", str(root / "packages/cli/src/main.ts")]
    subprocess.run([*program, "dataset", "convert", str(dataset), str(converted), "--to", "yolo"], check=True, capture_output=True)
    checkpoint = next((results / "checkpoint").rglob("best.pt"))
    found = YOLO(checkpoint).val(data=str(converted / "data.yaml"), imgsz=96, batch=16, workers=0, device="cpu", plots=False, verbose=False, project=str(results), name="val")
    assert abs(found.box.map50 - metric) < 0.02, f"val of Ultralytics finds a mAP50 of {found.box.map50}, the training reported {metric}"
    return found.box.map50


def main(trainer, results, dataset, metric):
    results, dataset = Path(results), Path(dataset)
    predictions = {each["imageName"]: each["predictions"] for each in json.loads((results / "predictions.json").read_text())}
    files = [path for path in dataset.rglob("*") if path.suffix in (".png", ".jpg")]
    images = {name: next(path for path in files if str(path).endswith("/" + name)) for name in predictions}
    path = next((results / "export").rglob("*.onnx"))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    judge = detector if trainer == "ultralytics" else classifier
    worst = judge(session, images, predictions)
    assert worst < TOLERANCE, f"a prediction differs by {worst} in onnxruntime"
    more = f", val {own_val(results, dataset, float(metric)):.3f}" if trainer == "ultralytics" else ""
    print(f"onnxruntime {worst:.0e}{more}")


main(*sys.argv[1:])
