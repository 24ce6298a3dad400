"""Classifies small PNGs by the class whose mean image is nearest. The standard library only; no SDK."""
import json, math, os, pathlib, random, struct, sys, zlib

job = json.load(open(os.environ["TRAINYARD_JOB_FILE"]))
events = os.fdopen(int(os.environ["TRAINYARD_EVENTS_FD"]), "w", buffering=1)
say = lambda type, **fields: print(json.dumps({"type": type, **fields}), file=events)
basic, work = job["config"]["basic"], pathlib.Path(job["workDir"])


def read_png(path, side):
    """8-bit grey, RGB or RGBA, not interlaced -> side * side grey values from 0 to 1."""
    data, at, packed = path.read_bytes(), 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        body, at = data[at + 8 : at + 8 + size], at + 12 + size
        if kind == b"IHDR": width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
        if kind == b"IDAT": packed += body
    if depth != 8 or interlaced or colour not in (0, 2, 6): raise ValueError(f"{path}: only plain 8-bit PNGs are read")
    step, raw, rows = {0: 1, 2: 3, 6: 4}[colour], zlib.decompress(packed), []
    for y in range(height):  # each row is filtered: https://www.w3.org/TR/png/#9Filters
        start, row, up = y * (width * step + 1), bytearray(), rows[-1] if rows else bytes(width * step)
        for x, value in enumerate(raw[start + 1 : start + 1 + width * step]):
            a, b, c = row[x - step] if x >= step else 0, up[x], up[x - step] if x >= step else 0
            paeth = min((a, b, c), key=lambda each: abs(a + b - c - each))
            row.append((value + (0, a, b, (a + b) // 2, paeth)[raw[start]]) & 255)
        rows.append(row)
    at = lambda x, y: sum(rows[y * height // side][x * width // side * step :][: min(step, 3)]) / min(step, 3) / 255
    return [at(x, y) for y in range(side) for x in range(side)]


def scores(model, pixels):
    """Softmax of a linear layer."""
    logits = [bias + sum(w * p for w, p in zip(weights, pixels)) for *weights, bias in model["weights"]]
    exps = [math.exp(each - max(logits)) for each in logits]
    return [each / sum(exps) for each in exps]


def train():
    dataset, side, random_ = job["dataset"], basic["imgsz"], random.Random(basic["seed"])
    names = [each["name"] for each in dataset["classes"]]
    load = lambda split: [(read_png(p, side), names.index(p.parent.name)) for p in sorted(pathlib.Path(dataset["dir"], split).glob("*/*.png"))]
    samples = load("train")
    held_out = load("val") or samples
    model = {"classes": names, "side": side, "weights": [[0.0] * (side * side + 1) for _ in names]}
    best = -1.0
    for epoch in range(1, basic["epochs"] + 1):
        random_.shuffle(samples)
        loss = 0.0
        for pixels, label in samples:
            guess = scores(model, pixels)
            loss -= math.log(max(guess[label], 1e-12)) / len(samples)
            for k, weights in enumerate(model["weights"]):
                slope = basic["learning_rate"] * (guess[k] - (k == label))
                model["weights"][k] = [w - slope * p for w, p in zip(weights, pixels + [1.0])]
        top1 = sum(max(range(len(names)), key=scores(model, p).__getitem__) == label for p, label in held_out) / len(held_out)
        say("progress", epoch=epoch, metrics={"loss": loss, "top1_accuracy": top1})
        if top1 > best:
            best = top1
            (work / "best.tmp").write_text(json.dumps(model))
            os.replace(work / "best.tmp", work / "best.json")  # never half a file under the name that is told
            say("checkpoint", name="best", file=str(work / "best.json"), metrics={"top1_accuracy": top1})
    say("completed", metrics={"top1_accuracy": best})


def predict():
    model = json.load(open(job["checkpoint"]["path"]))
    for line in open(job["imagesFile"]):
        image = json.loads(line)
        found = scores(model, read_png(pathlib.Path(image["path"]), model["side"]))
        k = max(range(len(found)), key=found.__getitem__)
        say("prediction", imageName=image["name"], predictions=[{"classId": k, "className": model["classes"][k], "confidence": found[k]}])


{"train": train, "predict": predict}[job["operation"]]()
