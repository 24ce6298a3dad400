import os

import torch
from torchvision import datasets, transforms
from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification
from trainyard_sdk import job
from trainyard_sdk.transformers import TrainyardCallback

size = job.config.imgsz
transform = transforms.Compose([transforms.Resize((size, size)), transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)])

if job.operation == "train":
    names = job.dataset.classes
    number = lambda k: names.index(sorted(names)[k])  # torchvision sorts the classes by name
    train, val = (datasets.ImageFolder(os.path.join(job.dataset.path, each), transform, number) for each in ("train", "val"))
    config = ViTConfig(image_size=size, patch_size=8, hidden_size=96, num_hidden_layers=4, num_attention_heads=4, intermediate_size=192)
    config.id2label = dict(enumerate(names))
    model = ViTForImageClassification(config) if job.start is None else ViTForImageClassification.from_pretrained(job.start.path)
    collate = lambda items: {"pixel_values": torch.stack([x for x, _ in items]), "labels": torch.tensor([y for _, y in items])}
    arguments = TrainingArguments(job.work_dir, num_train_epochs=job.config.epochs, per_device_train_batch_size=job.config.batch, seed=job.config.seed, learning_rate=job.config.learning_rate,
        eval_strategy="epoch", save_strategy="epoch", load_best_model_at_end=True, metric_for_best_model="top1_accuracy", report_to=[], disable_tqdm=True, save_total_limit=2)
    accuracy = lambda result: {"top1_accuracy": (result.predictions.argmax(-1) == result.label_ids).mean()}
    trainer = Trainer(model=model, args=arguments, train_dataset=train, eval_dataset=val, data_collator=collate, compute_metrics=accuracy, callbacks=[TrainyardCallback()])
    trainer.train(resume_from_checkpoint=job.resume_from)
else:
    model = ViTForImageClassification.from_pretrained(job.start.path).eval()
    for image in job.images():
        scores = model(transform(datasets.folder.pil_loader(image["path"]))[None]).logits.softmax(-1)[0].tolist()
        objects = [{"classId": k, "className": model.config.id2label[k], "confidence": score} for k, score in enumerate(scores)]
        job.prediction(image["name"], objects)
