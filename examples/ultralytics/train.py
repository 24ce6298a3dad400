# SPDX-License-Identifier: AGPL-3.0-only
import os
import shutil

from trainyard_sdk import job
from trainyard_sdk.ultralytics import attach
from ultralytics import YOLO

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # ONNX Runtime, which the export imports, reports to its makers
if job.operation == "train":
    model = attach(YOLO(job.start.path if job.start else f"{job.model}.yaml"))
    data = os.path.join(job.dataset.path, "data.yaml")
    model.train(data=data, epochs=job.config.epochs, imgsz=job.config.imgsz, batch=job.config.batch, seed=job.config.seed, workers=0)
else:
    model = YOLO(shutil.copy(job.start.path, os.path.join(job.work_dir, "model.pt")))
if job.operation == "export":
    job.artifact(model.export(format=job.export_format, imgsz=job.config.imgsz), kind="export")
for image in job.images() if job.operation == "predict" else ():
    boxes = model.predict(image["path"], imgsz=job.config.imgsz, verbose=False)[0].boxes
    found = zip(map(int, boxes.cls), boxes.conf.tolist(), boxes.xyxy.tolist())
    job.prediction(image["name"], [{"classId": n, "className": model.names[n], "confidence": c, "bbox": box} for n, c, box in found])
