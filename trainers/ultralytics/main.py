# SPDX-License-Identifier: AGPL-3.0-only
"""Detection, segmentation, pose, oriented boxes and classification with Ultralytics: train, predict and export."""

import os
import shutil
from pathlib import Path

from trainyard_sdk import CheckpointError, ConfigError, job

# Read when Ultralytics is imported: its settings are the job's own. Nothing is reported.
os.environ.update(YOLO_CONFIG_DIR=job.work_dir, MPLCONFIGDIR=job.work_dir, ORT_DISABLE_TELEMETRY="1")

import torch  # noqa: E402
from trainyard_sdk.ultralytics import attach  # noqa: E402
from ultralytics import YOLO  # noqa: E402

SUFFIXES = {"detection": "", "segmentation": "-seg", "pose": "-pose", "obb": "-obb", "classification": "-cls"}
NO_AUGMENTATION = ("hsv_h", "hsv_s", "hsv_v", "degrees", "translate", "scale", "shear", "perspective", "flipud", "mosaic", "mixup", "erasing")

#: The processors that trainer.json declares.
torch.set_num_threads(min(torch.get_num_threads(), 4))


def choose_device():
    wanted = job.config.get("device", "auto")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError('device is "cuda", but PyTorch finds no GPU here. Choose "auto" or "cpu"')
    return "cpu" if wanted == "cpu" or not torch.cuda.is_available() else "0"


def load_checkpoint():
    """The checkpoint of the job, as a copy: Ultralytics writes an export beside it."""
    if job.start is None:
        raise CheckpointError(f"The operation {job.operation} needs a checkpoint of Ultralytics (.pt)")
    path = shutil.copyfile(job.start.path, os.path.join(job.work_dir, "start.pt"))
    try:
        model = YOLO(path)
        model.names  # noqa: B018  (reads the file)
    except Exception as error:
        raise CheckpointError(f'"{job.start.name}" is not a checkpoint of Ultralytics: {error}') from error
    return model


def folders_of_classes(model):
    """
    Ultralytics numbers the classes by the names of their folders. The dataset has an order of its own: links with numbers for names
    keep it, and the model gets the names back before its first step.
    """
    names = job.dataset.classes or sorted(os.listdir(os.path.join(job.dataset.path, "train")))
    root = os.path.join(job.work_dir, "classes")
    shutil.rmtree(root, ignore_errors=True)  # an earlier attempt had the same folder
    for split in ("train", "val", "test"):
        if not os.path.isdir(os.path.join(job.dataset.path, split)):
            continue
        for number, name in enumerate(names):
            folder = Path(job.dataset.path, split, name)
            own = Path(root, split, f"{number:05}")
            own.mkdir(parents=True)
            for file in folder.rglob("*"):
                if file.is_file():
                    (own / "-".join(file.relative_to(folder).parts)).symlink_to(file)

    def rename(trainer):
        trainer.data["names"] = dict(enumerate(names))
        for each in (trainer.model, trainer.ema.ema):
            each.names = dict(enumerate(names))

    model.add_callback("on_pretrain_routine_end", rename)
    return root


def train():
    settings = job.config
    model = attach(load_checkpoint() if job.start else YOLO(f"{job.model}{SUFFIXES[job.task_type]}.yaml"))
    is_classification = job.task_type == "classification"
    augmentation = {"fliplr": settings.flip} if settings.augment else dict.fromkeys((*NO_AUGMENTATION, "fliplr"), 0.0)
    if not settings.augment and is_classification:
        augmentation["auto_augment"] = None
    model.train(
        data=folders_of_classes(model) if is_classification else os.path.join(job.dataset.path, "data.yaml"),
        epochs=settings.epochs,
        imgsz=settings.imgsz,
        batch=settings.batch,
        lr0=settings.learning_rate,
        optimizer=settings.optimizer,
        patience=settings.patience or settings.epochs + 1,
        seed=settings.seed,
        device=choose_device(),
        workers=settings.workers,
        amp=settings.amp,
        close_mosaic=min(10, settings.epochs // 3),
        verbose=False,
        **augmentation,
    )


def predict():
    model, settings = load_checkpoint(), job.config
    for image in job.images():
        if job.is_cancelled:
            return
        result = model.predict(
            image["path"], imgsz=settings.imgsz, conf=settings.confidence, iou=settings.iou, device=choose_device(), verbose=False
        )[0]
        job.prediction(image["name"], list_objects(result), inference_ms=result.speed["inference"])


def list_objects(result):
    """What Ultralytics found in an image, in the words of the contract."""
    if result.probs is not None:
        return [describe(result.names, number, result.probs.data[number]) for number in result.probs.top5]
    if result.obb is not None:
        turned = zip(result.obb.cls, result.obb.conf, result.obb.xyxyxyxy, result.obb.xyxy)
        return [
            describe(result.names, number, confidence, obb=corners.flatten().tolist(), bbox=box.tolist())
            for number, confidence, corners, box in turned
        ]
    objects = []
    for at, (number, confidence, box) in enumerate(zip(result.boxes.cls, result.boxes.conf, result.boxes.xyxy)):
        more = {"bbox": box.tolist()}
        if result.masks is not None:
            more["polygon"] = result.masks.xy[at].flatten().tolist()
        if result.keypoints is not None:
            more["keypoints"] = result.keypoints.data[at].flatten().tolist()
        objects.append(describe(result.names, number, confidence, **more))
    return objects


def describe(names, number, confidence, **more):
    return {"classId": int(number), "className": names[int(number)], "confidence": float(confidence), **more}


def export():
    model, kind = load_checkpoint(), job.export_format
    path = model.export(format=kind, imgsz=job.config.imgsz, device="cpu", verbose=False)
    job.artifact(path, kind="export", name=f"model{os.path.splitext(path)[1]}")
    job.complete(metadata={"classes": list(model.names.values()), "task": model.task, "imgsz": job.config.imgsz})


{"train": train, "predict": predict, "export": export}[job.operation]()
