"""Prediction: the most probable classes of each image."""

import time

import torch
from trainyard_sdk import job

from data import open_image, transform_for
from model import choose_device, load_network, normalisation

MOST = 5


@torch.no_grad()
def predict():
    network, saved = load_network()
    device, classes = choose_device(), saved["classes"]
    network.to(device)
    transform = transform_for(saved["imgsz"], normalisation(network))
    for image in job.images():
        if job.is_cancelled:
            return
        started = time.perf_counter()
        batch = transform(open_image(image["path"]))[None].to(device)
        probabilities = network(batch).float().softmax(1)[0].cpu()
        milliseconds = (time.perf_counter() - started) * 1000
        best = probabilities.argsort(descending=True)[:MOST].tolist()
        found = [{"classId": at, "className": classes[at], "confidence": float(probabilities[at])} for at in best]
        job.prediction(image["name"], found, inference_ms=milliseconds)
