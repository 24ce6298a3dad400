"""Measures a network on images with labels."""

from dataclasses import dataclass

import numpy
import torch
from trainyard_sdk import job


@dataclass
class Result:
    metrics: dict
    per_class: dict
    #: counts[actual][predicted]
    confusion: numpy.ndarray
    #: The probability of each class, for each image.
    probabilities: numpy.ndarray
    labels: numpy.ndarray

    def report(self, split):
        job.validation(self.metrics, split=split, per_class=self.per_class, confusion_matrix=self.confusion)


@torch.no_grad()
def evaluate(network, batches, classes, device):
    network.eval()
    logits, labels = [], []
    for images, actual in batches:
        logits.append(network(images.to(device)).float().cpu())
        labels.append(actual)
    logits, labels = torch.cat(logits), torch.cat(labels)
    loss = torch.nn.functional.cross_entropy(logits, labels).item()
    return measure(logits.softmax(1).numpy(), labels.numpy(), classes, loss)


def measure(probabilities, labels, classes, loss):
    count = len(classes)
    predicted = probabilities.argmax(1)
    confusion = numpy.zeros((count, count), dtype=int)
    numpy.add.at(confusion, (labels, predicted), 1)
    hits = confusion.diagonal()
    precision = hits / numpy.maximum(confusion.sum(0), 1)
    recall = hits / numpy.maximum(confusion.sum(1), 1)
    f1 = 2 * precision * recall / numpy.maximum(precision + recall, 1e-12)
    top = numpy.argsort(-probabilities, 1)[:, : min(5, count)]
    per_class = {
        name: {"precision": precision[at], "recall": recall[at], "f1": f1[at], "images": confusion[at].sum()}
        for at, name in enumerate(classes)
        if confusion[at].sum() > 0
    }
    metrics = {
        "loss": loss,
        "top1_accuracy": float((predicted == labels).mean()),
        "top5_accuracy": float((top == labels[:, None]).any(1).mean()),
        "f1": float(numpy.mean([each["f1"] for each in per_class.values()])),
    }
    return Result(metrics, per_class, confusion, probabilities, labels)
