"""Softmax regression on small images, with Python's standard library and the input of `trainyard exec`."""

import json, math, os, random

job = json.load(open(os.environ["TRAINYARD_JOB_FILE"]))
events = open(os.environ["TRAINYARD_EVENTS"], "w", buffering=1)
say = lambda type, **fields: print(json.dumps({"type": type, **fields}), file=events)
images = [json.loads(line) for line in open(job["pixelsFile"])]


def scores(weights, pixels):
    logits = [sum(w * p / 255 for w, p in zip(row, pixels + [255])) for row in weights]
    exps = [math.exp(each - max(logits)) for each in logits]
    return [each / sum(exps) for each in exps]


def train(epochs, learning_rate, seed, **_):
    random.seed(seed)
    names, best = [each["name"] for each in job["dataset"]["classes"]], -1.0
    weights = [[0.0] * (len(images[0]["pixels"]) + 1) for _ in names]
    samples = [each for each in images if each["split"] == "train"]
    held_out = [each for each in images if each["split"] == "val"] or samples
    for epoch in range(1, epochs + 1):
        loss = 0.0
        for each in random.sample(samples, len(samples)):
            guess = scores(weights, each["pixels"])
            loss -= math.log(max(guess[each["classId"]], 1e-12)) / len(samples)
            for k, row in enumerate(weights):
                slope = learning_rate * (guess[k] - (k == each["classId"])) / 255
                weights[k] = [w - slope * p for w, p in zip(row, each["pixels"] + [255])]
        guesses = [scores(weights, each["pixels"]) for each in held_out]
        top1 = sum(guess[each["classId"]] == max(guess) for guess, each in zip(guesses, held_out)) / len(held_out)
        say("progress", epoch=epoch, metrics={"loss": loss, "top1_accuracy": top1})
        if top1 > best:
            best, file = top1, os.path.join(job["workDir"], "best.json")
            json.dump({"classes": names, "weights": weights}, open(file + ".tmp", "w"))
            os.replace(file + ".tmp", file)  # the file is complete before its name is reported
            say("checkpoint", name="best", file=file, metrics={"top1_accuracy": top1})


def predict(**_):
    model = json.load(open(job["checkpoint"]["path"]))
    for image in images:
        found = scores(model["weights"], image["pixels"])
        k = found.index(max(found))
        say("prediction", imageName=image["name"], predictions=[{"classId": k, "className": model["classes"][k], "confidence": found[k]}])


{"train": train, "predict": predict}[job["operation"]](**job["config"]["basic"])
