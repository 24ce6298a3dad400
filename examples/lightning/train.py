import os

import torch
from lightning import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from torchvision import datasets, models, transforms
from trainyard_sdk import job
from trainyard_sdk.lightning import TrainyardCallback, TrainyardLogger

size = job.config.imgsz
transform = transforms.Compose([transforms.Resize((size, size)), transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)])


class Classifier(LightningModule):
    def __init__(self, classes, learning_rate):
        super().__init__()
        self.save_hyperparameters()
        self.network = models.get_model("resnet18", weights=None, num_classes=len(classes))

    def training_step(self, batch, _):
        loss = torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1])
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, _):
        self.log("val_top1_accuracy", (self.network(batch[0]).argmax(1) == batch[1]).float().mean())

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.hparams.learning_rate)


def train():
    seed_everything(job.config.seed)
    names = job.dataset.classes
    number = lambda k: names.index(sorted(names)[k])  # torchvision sorts the classes by name
    splits = [datasets.ImageFolder(os.path.join(job.dataset.path, each), transform, number) for each in ("train", "val")]
    loaders = [torch.utils.data.DataLoader(each, job.config.batch, shuffle=each is splits[0]) for each in splits]
    model = Classifier(names, job.config.learning_rate)
    best = ModelCheckpoint(job.work_dir, monitor="val_top1_accuracy", mode="max", save_last=True)
    options = {"enable_progress_bar": False, "enable_model_summary": False, "default_root_dir": job.work_dir}
    trainer = Trainer(max_epochs=job.config.epochs, logger=TrainyardLogger(), callbacks=[TrainyardCallback(), best], **options)
    trainer.fit(model, *loaders, ckpt_path=job.resume_from)


def predict():
    model = Classifier.load_from_checkpoint(job.start.path, map_location="cpu", weights_only=True).eval()
    for image in job.images():
        with torch.no_grad():
            scores = model.network(transform(datasets.folder.pil_loader(image["path"]))[None]).softmax(1)[0].tolist()
        objects = [{"classId": k, "className": model.hparams.classes[k], "confidence": score} for k, score in enumerate(scores)]
        job.prediction(image["name"], objects)


{"train": train, "predict": predict}[job.operation]()
