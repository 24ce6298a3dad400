import os

import timm
import torch
from PIL import Image
from timm.data import create_transform
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from trainyard_sdk import job

device = "cuda" if torch.cuda.is_available() else "cpu"
transform = create_transform(job.config.imgsz, crop_pct=1.0)
saved = torch.load(job.start.path, map_location=device, weights_only=True) if job.start else {}

if job.operation == "train":
    torch.manual_seed(job.config.seed)
    names, path = job.dataset.classes, os.path.join(job.work_dir, "model.pt")
    number = lambda k: names.index(sorted(names)[k])  # torchvision sorts the classes by name
    data, held_out = (ImageFolder(os.path.join(job.dataset.path, each), transform, number) for each in ("train", "val"))
    model = timm.create_model(job.model, num_classes=len(names)).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=job.config.learning_rate)
    if saved:
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
    for epoch in job.epochs():
        model.train()
        for images, labels in DataLoader(data, job.config.batch, shuffle=True):
            loss = torch.nn.functional.cross_entropy(model(images.to(device)), labels.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            right = sum((model(images.to(device)).argmax(1).cpu() == labels).sum().item() for images, labels in DataLoader(held_out, 64))
        job.progress(loss=loss.item(), top1_accuracy=right / len(held_out))
        torch.save({"classes": names, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
        for name in ["last", "best"] if job.best("top1_accuracy", right) else ["last"]:
            job.checkpoint(name, path)
else:
    model = timm.create_model(job.model, num_classes=len(saved["classes"])).to(device).eval()
    model.load_state_dict(saved["model"])
    for image in job.images():
        scores = model(transform(Image.open(image["path"]).convert("RGB"))[None].to(device)).softmax(1)[0].tolist()
        objects = [{"classId": k, "className": name, "confidence": scores[k]} for k, name in enumerate(saved["classes"])]
        job.prediction(image["name"], objects)
