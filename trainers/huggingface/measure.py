"""Figures of a model on a split, as Transformers' `Trainer` asks for them."""

import contextlib
import io

import numpy
import torch
from trainyard_sdk import job

#: What each task is judged by.
PRIMARY = {"classification": "top1_accuracy", "detection": "mAP50-95", "segmentation": "mIoU"}
#: The most objects of an image that COCO counts.
MOST_OBJECTS = 100


class Measure:
    """`Trainer` calls it with each batch, and with `compute_result` for the last one, so that no logits of a whole split are kept."""

    def __init__(self, classes):
        self.classes = classes
        #: The best figures so far, and what they were measured on.
        self.best = self.best_found = self.best_actual = None
        self.clear()

    def clear(self):
        self.found, self.actual = [], []
        self.confusion = None

    def __call__(self, result, compute_result=True):
        getattr(self, f"_add_{job.task_type}")(result.predictions, result.label_ids)
        return getattr(self, f"_{job.task_type}")() if compute_result else {}

    def _end(self, metrics, per_class, confusion, names):
        if self.best is None or metrics[PRIMARY[job.task_type]] > self.best:
            self.best, self.best_found, self.best_actual = metrics[PRIMARY[job.task_type]], self.found, self.actual
        self.clear()
        metrics = {name: float(value) for name, value in metrics.items()}
        metrics["per_class"] = {name: {key: float(value) for key, value in each.items()} for name, each in per_class.items()}
        if confusion is not None:
            metrics["confusion_matrix"] = {"classes": list(names), "counts": confusion.tolist()}
        return metrics

    # Classification

    def _add_classification(self, logits, labels):
        self.found.append(logits.float().softmax(-1).cpu().numpy())
        self.actual.append(labels.cpu().numpy())

    def _classification(self):
        probabilities, labels = numpy.concatenate(self.found), numpy.concatenate(self.actual)
        self.found, self.actual = probabilities, labels
        count = len(self.classes)
        predicted = probabilities.argmax(1)
        confusion = _count(labels, predicted, count)
        top = numpy.argsort(-probabilities, 1)[:, : min(5, count)]
        per_class = _shares(confusion, self.classes)
        metrics = {
            "top1_accuracy": (predicted == labels).mean(),
            "top5_accuracy": (top == labels[:, None]).any(1).mean(),
            "f1": numpy.mean([each["f1"] for each in per_class.values()]),
        }
        return self._end(metrics, per_class, confusion, self.classes)

    # Segmentation

    def _add_segmentation(self, logits, labels):
        sized = torch.nn.functional.interpolate(logits.float(), size=labels.shape[-2:], mode="bilinear", align_corners=False)
        predicted, labels = sized.argmax(1).cpu().numpy(), labels.cpu().numpy()
        counts = _count(labels.ravel(), predicted.ravel(), len(self.classes) + 1)
        self.confusion = counts if self.confusion is None else self.confusion + counts

    def _segmentation(self):
        confusion, names = self.confusion, ["background", *self.classes]
        hits = confusion.diagonal()
        either = confusion.sum(0) + confusion.sum(1) - hits
        per_class = {
            name: {"IoU": hits[at] / either[at], "recall": hits[at] / max(confusion[at].sum(), 1), "pixels": confusion[at].sum()}
            for at, name in enumerate(names)
            if confusion[at].sum() > 0
        }
        metrics = {
            "mIoU": numpy.mean([each["IoU"] for each in per_class.values()]),
            "pixel_accuracy": hits.sum() / confusion.sum(),
        }
        return self._end(metrics, per_class, confusion, names)

    # Detection

    def _add_detection(self, outputs, labels):
        logits, boxes = outputs
        for at, label in enumerate(labels):
            height, width = label["orig_size"].tolist()
            self.found.append(best_objects(logits[at], boxes[at], width, height))
            corners = to_corners(label["boxes"], width, height)
            self.actual.append((label["class_labels"].cpu().numpy(), corners, (width, height)))

    def _detection(self):
        precision = judge_boxes(self.found, self.actual, self.classes)
        per_class = {
            name: {"mAP50": _mean(precision[0, :, at]), "mAP50-95": _mean(precision[:, :, at])}
            for at, name in enumerate(self.classes)
            if (precision[:, :, at] > -1).any()
        }
        metrics = {
            name: numpy.mean([each[name] for each in per_class.values()]) if per_class else 0.0 for name in ("mAP50", "mAP50-95")
        }
        return self._end(metrics, per_class, None, self.classes)


def _count(actual, predicted, count):
    return numpy.bincount(actual * count + predicted, minlength=count * count).reshape(count, count)


def _shares(confusion, names):
    hits = confusion.diagonal()
    precision = hits / numpy.maximum(confusion.sum(0), 1)
    recall = hits / numpy.maximum(confusion.sum(1), 1)
    f1 = 2 * precision * recall / numpy.maximum(precision + recall, 1e-12)
    return {
        name: {"precision": precision[at], "recall": recall[at], "f1": f1[at], "images": confusion[at].sum()}
        for at, name in enumerate(names)
        if confusion[at].sum() > 0
    }


def _mean(values):
    known = values[values > -1]
    return known.mean() if len(known) else 0.0


def to_corners(boxes, width, height):
    """x1, y1, x2, y2 in pixels, from shares with the centre."""
    x, y, w, h = boxes.float().cpu().unbind(-1)
    corners = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1).clamp(0, 1)
    return (corners * torch.tensor([width, height, width, height])).numpy()


def best_objects(logits, boxes, width, height, most=MOST_OBJECTS):
    """Classes, confidences and corners of the objects that a detector is surest of."""
    scores = logits.sigmoid().cpu()
    values, places = scores.flatten().topk(min(most, scores.numel()))
    queries, kinds = places // scores.shape[-1], places % scores.shape[-1]
    return kinds.numpy(), values.numpy(), to_corners(boxes.cpu()[queries], width, height)


def judge_boxes(found, actual, classes):
    """Precision by overlap, recall and class, as COCO measures it: pycocotools does."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def width_and_height(corners):
        return [float(corners[0]), float(corners[1]), float(corners[2] - corners[0]), float(corners[3] - corners[1])]

    images, boxes, results = [], [], []
    for number, ((kinds, scores, corners), (labels, own, (width, height))) in enumerate(zip(found, actual)):
        images.append({"id": number, "width": width, "height": height})
        for kind, each in zip(labels, own):
            box = width_and_height(each)
            boxes.append({"id": len(boxes) + 1, "image_id": number, "category_id": int(kind), "bbox": box, "area": box[2] * box[3], "iscrowd": 0})
        for kind, score, each in zip(kinds, scores, corners):
            results.append({"image_id": number, "category_id": int(kind), "bbox": width_and_height(each), "score": float(score)})
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"info": {}, "images": images, "annotations": boxes, "categories": [{"id": at, "name": name} for at, name in enumerate(classes)]}
        truth.createIndex()
        judge = COCOeval(truth, truth.loadRes(results), "bbox")
        judge.evaluate()
        judge.accumulate()
    # Overlaps × recalls × classes, for all sizes and the most objects of an image.
    return judge.eval["precision"][:, :, :, 0, -1]
