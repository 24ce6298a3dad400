"""Pictures of a result: the confusion matrix, precision and recall, and images with what was found in them."""

import os

import matplotlib
import numpy

matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402
from trainyard_sdk import job  # noqa: E402

from data import open_image  # noqa: E402
from measure import judge_boxes  # noqa: E402
from predict import find  # noqa: E402

#: More lines or cells cannot be read.
MAX_CLASSES = 30
COLOURS = [f"C{number}" for number in range(10)]


def save_all(model, best, examples, measure):
    matrix = best.get("eval_confusion_matrix")
    if matrix is not None:
        _save("confusion_matrix", _confusion_matrix(matrix))
    if measure.best is not None and job.task_type != "segmentation":
        curves = _classification_curves(measure) if job.task_type == "classification" else _detection_curves(measure)
        _save("pr_curve", _pr_curve(curves))
    _save("samples", _samples(model, examples))


def _save(name, figure):
    path = os.path.join(job.work_dir, f"{name}.png")
    figure.savefig(path, dpi=120, bbox_inches="tight")
    pyplot.close(figure)
    job.artifact(path, kind="plot", name=f"plots/{name}.png")


def _confusion_matrix(matrix):
    names, counts = matrix["classes"][:MAX_CLASSES], numpy.array(matrix["counts"])
    shares = counts / numpy.maximum(counts.sum(1, keepdims=True), 1)
    places, side = range(len(names)), 3 + 0.35 * len(names)
    figure, axes = pyplot.subplots(figsize=(side, side))
    axes.imshow(shares[: len(names), : len(names)], cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(places, names, rotation=90)
    axes.set_yticks(places, names)
    axes.set(xlabel="predicted", ylabel="actual")
    for row in places:
        for column in places:
            if counts[row, column]:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, f"{shares[row, column]:.2f}", ha="center", va="center", color=colour, fontsize=7)
    return figure


def _classification_curves(measure):
    for at, name in enumerate(measure.classes[:MAX_CLASSES]):
        positive = measure.best_actual == at
        if positive.any():
            order = numpy.argsort(-measure.best_found[:, at], kind="stable")
            hits = numpy.cumsum(positive[order])
            yield name, hits / positive.sum(), hits / numpy.arange(1, len(order) + 1)


def _detection_curves(measure):
    """At an overlap of a half."""
    precision = judge_boxes(measure.best_found, measure.best_actual, measure.classes)[0]
    for at, name in enumerate(measure.classes[:MAX_CLASSES]):
        if (precision[:, at] > -1).any():
            yield name, numpy.linspace(0, 1, len(precision)), precision[:, at]


def _pr_curve(curves):
    figure, axes = pyplot.subplots(figsize=(6, 5))
    for name, recall, precision in curves:
        axes.plot(recall, precision, label=name)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(fontsize=7, loc="lower left")
    return figure


def _samples(model, examples):
    figure, grid = pyplot.subplots(3, 3, figsize=(9, 9))
    names = [model.config.id2label[number] for number in range(len(model.config.id2label))]
    for axes in grid.flat:
        axes.axis("off")
    for axes, (path, _) in zip(grid.flat, examples.items[:: max(1, len(examples) // 9)]):
        picture = open_image(path)
        axes.imshow(picture)
        found = find(model, job.task_type, names, picture)
        if job.task_type == "classification":
            axes.set_title(f"{found[0]['className']} {found[0]['confidence']:.2f}", fontsize=8)
            continue
        for each in found:
            colour = COLOURS[each["classId"] % len(COLOURS)]
            x1, y1, x2, y2 = each["bbox"]
            outline = numpy.array(each.get("polygon") or [x1, y1, x2, y1, x2, y2, x1, y2]).reshape(-1, 2)
            axes.add_patch(pyplot.Polygon(outline, fill=False, edgecolor=colour, linewidth=2))
            axes.text(x1, y1, f"{each['className']} {each['confidence']:.2f}", fontsize=7, color=colour, va="bottom")
    return figure
