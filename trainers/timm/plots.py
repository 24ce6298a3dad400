"""Pictures of a result: the confusion matrix, precision and recall, and images with what was found in them."""

import os

import matplotlib
import numpy

matplotlib.use("Agg")

from matplotlib import pyplot  # noqa: E402
from trainyard_sdk import job  # noqa: E402

from data import open_image  # noqa: E402

#: More lines or cells cannot be read.
MAX_CLASSES = 30


def save_all(result, images, classes):
    _save("confusion_matrix", _confusion_matrix(result.confusion, classes))
    _save("pr_curve", _pr_curve(result, classes))
    _save("samples", _samples(result, images, classes))


def _save(name, figure):
    path = os.path.join(job.work_dir, f"{name}.png")
    figure.savefig(path, dpi=120, bbox_inches="tight")
    pyplot.close(figure)
    job.artifact(path, kind="plot", name=f"plots/{name}.png")


def _confusion_matrix(counts, classes):
    shown = range(min(len(classes), MAX_CLASSES))
    shares = counts / numpy.maximum(counts.sum(1, keepdims=True), 1)
    side = 3 + 0.35 * len(shown)
    figure, axes = pyplot.subplots(figsize=(side, side))
    axes.imshow(shares[: len(shown), : len(shown)], cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(shown, [classes[at] for at in shown], rotation=90)
    axes.set_yticks(shown, [classes[at] for at in shown])
    axes.set_xlabel("predicted")
    axes.set_ylabel("actual")
    for row in shown:
        for column in shown:
            if counts[row, column]:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=7)
    return figure


def _pr_curve(result, classes):
    figure, axes = pyplot.subplots(figsize=(6, 5))
    for at, name in enumerate(classes[:MAX_CLASSES]):
        positive = result.labels == at
        if not positive.any():
            continue
        order = numpy.argsort(-result.probabilities[:, at], kind="stable")
        found = numpy.cumsum(positive[order])
        axes.plot(found / positive.sum(), found / numpy.arange(1, len(order) + 1), label=name)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(fontsize=7, loc="lower left")
    return figure


def _samples(result, images, classes):
    """Errors first: they tell most."""
    predicted = result.probabilities.argmax(1)
    order = numpy.argsort(predicted == result.labels, kind="stable")[:16]
    figure, grid = pyplot.subplots(4, 4, figsize=(8, 9))
    for axes in grid.flat:
        axes.axis("off")
    for axes, at in zip(grid.flat, order):
        axes.imshow(open_image(images[at][0]))
        guess, actual = predicted[at], result.labels[at]
        title = f"{classes[guess]} {result.probabilities[at, guess]:.2f}"
        axes.set_title(title if guess == actual else f"{title}\nis {classes[actual]}", fontsize=7, color="green" if guess == actual else "red")
    return figure
