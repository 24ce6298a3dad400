"""Prediction: classes, boxes or polygons of each image."""

import time

import contourpy
import numpy
import scipy.ndimage
import torch
from trainyard_sdk import job

from data import open_image, to_pixels
from measure import best_objects
from model import load_model, use_cpu

MOST_CLASSES = 5
#: Smaller specks are no objects.
LEAST_PIXELS = 16


def predict():
    model, task, classes = load_model()
    model.to("cpu" if use_cpu() else "cuda")
    for image in job.images():
        if job.is_cancelled:
            return
        picture = open_image(image["path"])
        started = time.perf_counter()
        found = find(model, task, classes, picture)
        job.prediction(image["name"], found, inference_ms=(time.perf_counter() - started) * 1000)


@torch.no_grad()
def find(model, task, classes, picture):
    """The objects of an image, in the words of the contract."""
    model.eval()
    output = model(pixel_values=to_pixels(picture, model.config.imgsz)[None].to(model.device))
    logits = output.logits[0].float().cpu()
    if task == "classification":
        probabilities = logits.softmax(-1)
        best = probabilities.argsort(descending=True)[:MOST_CLASSES].tolist()
        return [_object(classes, at, probabilities[at]) for at in best]
    confidence = job.config.confidence
    if task == "detection":
        kinds, scores, corners = best_objects(logits, output.pred_boxes[0], *picture.size)
        found = zip(kinds, scores, corners)
        return [_object(classes, kind, score, bbox=box.tolist()) for kind, score, box in found if score >= confidence]
    side = model.config.imgsz
    sized = torch.nn.functional.interpolate(logits[None], size=(side, side), mode="bilinear", align_corners=False)[0]
    return list(_areas(sized.softmax(0).numpy(), classes, picture.size, confidence))


def _areas(probabilities, classes, size, confidence):
    """Each area of one class is an object. Class 0 is the background."""
    predicted = probabilities.argmax(0)
    scale = numpy.array(size) / predicted.shape[::-1]
    for kind in range(1, len(classes)):
        areas, count = scipy.ndimage.label(predicted == kind)
        for number in range(1, count + 1):
            mask = areas == number
            score = probabilities[kind][mask].mean()
            if mask.sum() < LEAST_PIXELS or score < confidence:
                continue
            # A margin of one pixel, so that an area at the edge of the image has a closed line.
            lines = contourpy.contour_generator(z=numpy.pad(mask, 1).astype("float32")).lines(0.5)
            outline = (max(lines, key=len)[:-1] - 0.5) * scale
            rows, columns = numpy.nonzero(mask)
            x1, y1 = numpy.array([columns.min(), rows.min()]) * scale
            x2, y2 = numpy.array([columns.max() + 1, rows.max() + 1]) * scale
            yield _object(classes[1:], kind - 1, score, bbox=[float(x1), float(y1), float(x2), float(y2)], polygon=outline.ravel().tolist())


def _object(classes, kind, score, **more):
    return {"classId": int(kind), "className": classes[int(kind)], "confidence": float(score), **more}
