"""A trainer in Python's standard library: softmax regression on small PNGs, as in train.sh and learn.awk."""
import hashlib, json, math, os, pathlib, signal, sys, time, urllib.error, urllib.request, zlib

job, epochs, rate = os.environ["JOB_ID"], int(os.environ["EPOCHS"]), float(os.environ["LEARNING_RATE"])
api = os.environ["CALLBACK_URL"].rsplit("/v1/jobs/", 1)[0] + "/api/v1"


def headers():  # the platform can renew the token in the file while this program runs
    file = os.environ.get("CALLBACK_TOKEN_FILE")
    token = open(file).read().strip() if file else os.environ["CALLBACK_TOKEN"]
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def post(path, **body):
    return send(f"{api}/{path}", body)


def send(url, body):
    for tries in range(8):
        try:
            request = urllib.request.Request(url, json.dumps(body).encode(), headers())
            return json.load(urllib.request.urlopen(request, timeout=30))
        except urllib.error.HTTPError as error:
            if error.code not in (429, 500, 502, 503) or tries == 7: sys.exit(f"{url}: {error.read().decode()}")
            time.sleep(int(error.headers.get("Retry-After", 2**tries)))
        except OSError:
            if tries == 7: sys.exit(2)
            time.sleep(2**tries)


def upload(name, data):  # announce, PUT, complete: returns the id of the artifact
    url = os.environ["CALLBACK_URL"] + "/artifacts"
    created = send(url, {"kind": "checkpoint", "name": name, "sizeBytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    if created["upload"]["type"] == "single":  # otherwise the platform has these bytes already
        put = created["upload"]["request"]
        urllib.request.urlopen(urllib.request.Request(put["url"], data, put["headers"], method=put["method"]), timeout=30)
        send(f"{url}/{created['id']}/complete", {})
    return created["id"]


def stop(*_):
    post(f"training/jobs/{job}/callback/completion", status="cancelled")
    sys.exit(143)


def fail(kind, message):
    post(f"training/jobs/{job}/callback/completion", status="failed", error=f"[{kind}] {message}")
    sys.exit(3)


def fetch_dataset():  # the platform puts the dataset into its cache, as folders {split}/{class}/*.png
    if os.environ.get("DATASET_CACHE_FILLED_BY") != "platform": fail("ConfigError", "this trainer needs the dataset cache of the platform")
    while True:
        cached = send(os.environ["CALLBACK_URL"] + "/dataset/cache", {"as": "imagefolder"})
        if cached["state"] == "ready": return pathlib.Path(os.environ["DATASET_CACHE_DIR"], cached["folder"])
        if cached["state"] == "failed": fail("DatasetError", cached["message"])
        time.sleep(1)


def numbers(file):  # 1, the averages of 16 parts of the rows as the PNG stores them, and those of every third byte
    data = file.read_bytes()
    rows = zlib.decompressobj().decompress(data[data.index(b"IDAT") + 4:])
    parts = [rows[-(-i * len(rows) // 16):-(-(i + 1) * len(rows) // 16)] for i in range(16)] + [rows[i::3] for i in range(3)]
    return [1] + [sum(part) / 255 / max(len(part), 1) for part in parts]


def scores(x):
    logits = [sum(w * each for w, each in zip(row, x)) for row in weights]
    exps = [math.exp(each - max(logits)) for each in logits]
    return [each / sum(exps) for each in exps]


def train_one_epoch():  # returns the loss, and the accuracy on the images of "val"
    loss = right = 0
    for x, k in images["train"]:
        found = scores(x)
        loss -= math.log(found[k] + 1e-12)
        for c, row in enumerate(weights): row[:] = [w - rate * (found[c] - (c == k)) * each for w, each in zip(row, x)]
    for x, k in images["val"]: right += scores(x)[k] == max(scores(x))
    return loss / len(images["train"]), right / max(len(images["val"]), 1)


signal.signal(signal.SIGTERM, stop)
dataset = fetch_dataset()
classes = sorted({file.parent.name for file in dataset.glob("*/*/*.png")})
images = {split: [(numbers(file), classes.index(file.parent.name)) for file in sorted(dataset.glob(f"{split}/*/*.png"))] for split in ("train", "val")}
if not images["train"]: fail("DatasetError", "the dataset has no PNG in its split train")
weights = [[0.0] * 20 for _ in classes]
for epoch in range(1, epochs + 1):
    loss, accuracy = train_one_epoch()
    metrics = {"loss": loss, "accuracy": accuracy}
    if not post(f"training/jobs/{job}/callback/progress", epoch=epoch, total_epochs=epochs, metrics=metrics)["should_continue"]: stop()
checkpoint = upload("last.json", json.dumps({"classes": classes, "weights": weights}).encode())
post(f"training/jobs/{job}/callback/checkpoint", artifact_id=checkpoint, name="last", epoch=epochs, metrics=metrics)
post(f"validation/jobs/{job}/results", epoch=epochs, metrics={"accuracy": accuracy})
post(f"training/jobs/{job}/callback/completion", status="completed", final_metrics={"accuracy": accuracy})
