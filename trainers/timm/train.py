"""Training, with a validation after each epoch."""

import os
import random
import time

import numpy
import torch
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from trainyard_sdk import job

import plots
from data import choose_splits, class_names, loader, transform_for
from measure import evaluate
from model import choose_device, create_network, normalisation, read_checkpoint, start_from

SECONDS_BETWEEN_REPORTS = 2.0


def seed(number):
    random.seed(number)
    numpy.random.seed(number % 2**32)
    torch.manual_seed(number)


class Training:
    """What changes from epoch to epoch, and is saved with each."""

    def __init__(self, device):
        settings = job.config
        seed(settings.seed)
        self.classes, self.device = class_names(), device
        self.network = create_network(job.model, self.classes, settings.imgsz)
        self.best, self.best_epoch = None, 0
        if job.start is not None and not job.start.is_resume:
            start_from(self.network, job.start.path)
        self.network.to(device)
        self.optimizer = create_optimizer_v2(
            self.network, opt=settings.optimizer, lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self.scheduler, _ = create_scheduler_v2(
            self.optimizer, sched="cosine", num_epochs=settings.epochs, warmup_epochs=min(3, settings.epochs // 5), warmup_lr=settings.learning_rate / 10
        )
        self.scaler = torch.amp.GradScaler(device.type, enabled=settings.amp and device.type == "cuda")
        if job.resume_from:
            self.load(read_checkpoint(job.resume_from))

    def load(self, saved):
        self.network.load_state_dict(saved["weights"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.scaler.load_state_dict(saved["scaler"])
        self.best, self.best_epoch = saved["best"], saved["best_epoch"]
        job.best("top1_accuracy", self.best)

    def save(self, path, epoch):
        state = {
            "network": job.model,
            "classes": self.classes,
            "imgsz": job.config.imgsz,
            "weights": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "epoch": epoch,
            "best": self.best,
            "best_epoch": self.best_epoch,
        }
        torch.save(state, path)
        return path

    def train_one_epoch(self, epoch, batches):
        """The loss of the epoch. Ends early on a cancel."""
        self.network.train()
        compute_loss = torch.nn.CrossEntropyLoss(label_smoothing=job.config.label_smoothing)
        total = count = 0
        reported_at = time.monotonic()
        for step, (images, labels) in enumerate(batches, 1):
            if job.is_cancelled:
                break
            if len(labels) == 1:  # The mean and the variance of one image are no use to batch normalisation.
                images, labels = torch.cat([images, images]), torch.cat([labels, labels])
            images, labels = images.to(self.device, non_blocking=True), labels.to(self.device, non_blocking=True)
            self.optimizer.zero_grad(set_to_none=True)
            with torch.autocast(self.device.type, enabled=self.scaler.is_enabled()):
                loss = compute_loss(self.network(images), labels)
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            total, count = total + loss.item() * len(labels), count + len(labels)
            if time.monotonic() - reported_at >= SECONDS_BETWEEN_REPORTS:
                reported_at = time.monotonic()
                job.progress(epoch=epoch, step=step, total_steps=len(batches), loss=total / count)
        return total / max(count, 1)


def train():
    settings, device = job.config, choose_device()
    training = Training(device)
    normal = normalisation(training.network)
    train_images, val_images, split = choose_splits()
    generator = torch.Generator()
    batches = loader(train_images, transform_for(settings.imgsz, normal, augment=settings.augment), device=device, generator=generator)
    val_batches = loader(val_images, transform_for(settings.imgsz, normal), device=device)
    job.log(f"{job.model} on {device}: {len(train_images)} images to train with, {len(val_images)} to validate with ({split})")
    last, best = os.path.join(job.work_dir, "last.pt"), os.path.join(job.work_dir, "best.pt")
    result = None
    for epoch in job.epochs():
        # An epoch depends on its number alone, so that a training that continues is the same training.
        seed(settings.seed + epoch)
        generator.manual_seed(settings.seed + epoch)
        training.scheduler.step(epoch - 1)
        loss = training.train_one_epoch(epoch, batches)
        if job.is_cancelled:
            return
        found = evaluate(training.network, val_batches, training.classes, device)
        is_best = job.best("top1_accuracy", found.metrics["top1_accuracy"])
        if is_best:
            training.best, training.best_epoch, result = found.metrics["top1_accuracy"], epoch, found
        job.progress(loss=loss, learning_rate=training.optimizer.param_groups[0]["lr"])
        found.report(split)
        job.checkpoint("last", training.save(last, epoch), metrics=found.metrics)
        if is_best:
            job.checkpoint("best", training.save(best, epoch), metrics=found.metrics)
        if settings.patience and epoch - training.best_epoch >= settings.patience:
            job.log(f"Stopped early: no better accuracy for {settings.patience} epochs since epoch {training.best_epoch}")
            break
    if result is None:  # The best epoch was one of an earlier attempt.
        result = evaluate(training.network, val_batches, training.classes, device)
    plots.save_all(result, val_images, training.classes)
    job.complete({**result.metrics, "top1_accuracy": training.best}, best_epoch=training.best_epoch)
