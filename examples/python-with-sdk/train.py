"""Softmax regression on small images, with Python's standard library and trainyard-sdk."""

import json
import math
import os
import random

from trainyard_sdk import job

FILE = os.path.join(job.work_dir, "model.json")


def scores(weights, pixels):
    logits = [sum(w * p / 255 for w, p in zip(row, pixels + [255])) for row in weights]
    exps = [math.exp(each - max(logits)) for each in logits]
    return [each / sum(exps) for each in exps]


def train_one_epoch(weights, samples, learning_rate):
    loss = 0.0
    for each in random.sample(samples, len(samples)):
        guess = scores(weights, each["pixels"])
        loss -= math.log(max(guess[each["classId"]], 1e-12)) / len(samples)
        for k, row in enumerate(weights):
            slope = learning_rate * (guess[k] - (k == each["classId"])) / 255
            weights[k] = [w - slope * p for w, p in zip(row, each["pixels"] + [255])]
    return loss


def train():
    random.seed(job.config.seed)
    images, classes = list(job.pixels()), job.dataset.classes
    samples = [each for each in images if each["split"] == "train"]
    held_out = [each for each in images if each["split"] == "val"] or samples
    weights = [[0.0] * (len(images[0]["pixels"]) + 1) for _ in classes]
    if job.resume_from:
        weights = json.load(open(job.resume_from))["weights"]
    for epoch in job.epochs():
        loss = train_one_epoch(weights, samples, job.config.learning_rate)
        counts = [[0] * len(classes) for _ in classes]
        for each in held_out:
            guess = scores(weights, each["pixels"])
            counts[each["classId"]][guess.index(max(guess))] += 1
        accuracy = sum(counts[k][k] for k in range(len(classes))) / len(held_out)
        job.progress(loss=loss, top1_accuracy=accuracy)
        job.validation(top1_accuracy=accuracy, split="val", confusion_matrix=counts)
        with open(FILE, "w") as file:
            json.dump({"classes": classes, "weights": weights}, file)
        job.checkpoint("last", FILE)
        if job.best("top1_accuracy", accuracy):
            job.checkpoint("best", FILE)


def predict():
    model = json.load(open(job.start.path))
    for image in job.pixels():
        found = scores(model["weights"], image["pixels"])
        k = found.index(max(found))
        job.prediction(image["name"], [{"classId": k, "className": model["classes"][k], "confidence": found[k]}])


{"train": train, "predict": predict}[job.operation]()
