"""Training with the `Trainer` of Transformers, and a validation after each epoch."""

import os

import torch
from trainyard_sdk import job
from trainyard_sdk.transformers import TrainyardCallback
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainingArguments, set_seed

import plots
from data import choose_splits, class_names, collate
from measure import PRIMARY, Measure
from model import create_model, use_cpu

NO_FIGURES = {"epoch", "eval_runtime", "eval_samples_per_second", "eval_steps_per_second"}


def arguments(primary):
    settings, cpu = job.config, use_cpu()
    return TrainingArguments(
        os.path.join(job.work_dir, "checkpoints"),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch,
        per_device_eval_batch_size=settings.batch,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        max_grad_norm=0.5 if job.task_type == "detection" else 5.0,
        lr_scheduler_type="cosine",
        warmup_steps=0.1,
        label_smoothing_factor=settings.label_smoothing if job.task_type == "classification" else 0.0,
        seed=settings.seed,
        use_cpu=cpu,
        bf16=settings.amp and not cpu and torch.cuda.is_bf16_supported(),
        dataloader_num_workers=settings.workers,
        dataloader_pin_memory=not cpu,
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=2,
        logging_steps=10,
        load_best_model_at_end=True,
        metric_for_best_model=primary,
        greater_is_better=True,
        batch_eval_metrics=True,
        eval_do_concat_batches=False,
        remove_unused_columns=False,
        report_to=[],
        disable_tqdm=True,
    )


class OwnTrainer(Trainer):
    def _load_from_checkpoint(self, resume_from_checkpoint, model=None):
        """Its own way leaves out weights whose names the model has changed since older versions, such as those of SegFormer."""
        own = self.model if model is None else model
        saved = type(own).from_pretrained(resume_from_checkpoint, local_files_only=True, use_safetensors=True)
        own.load_state_dict(saved.state_dict())

    def _load_best_model(self):
        path = self.state.best_model_checkpoint
        if path and os.path.isdir(path):  # Otherwise the best epoch was one of an earlier attempt.
            self._load_from_checkpoint(path)

    def prediction_step(self, model, inputs, prediction_loss_only, ignore_keys=None):
        # Of a detector's outputs, the logits and the boxes alone: others are no tensors.
        if job.task_type != "detection":
            return super().prediction_step(model, inputs, prediction_loss_only, ignore_keys)
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            outputs = model(**inputs)
        return outputs.loss.detach(), (outputs.logits.float(), outputs.pred_boxes.float()), inputs["labels"]


def train():
    settings, classes, primary = job.config, class_names(), PRIMARY[job.task_type]
    set_seed(settings.seed)
    model = create_model(classes)
    examples, val_examples = choose_splits(classes)
    measure = Measure(classes)
    callbacks = [TrainyardCallback(split=val_examples.split, eval_prefix="")]
    if settings.patience:
        callbacks.append(EarlyStoppingCallback(settings.patience))
    trainer = OwnTrainer(
        model=model,
        args=arguments(primary),
        train_dataset=examples,
        eval_dataset=val_examples,
        data_collator=collate,
        compute_metrics=measure,
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)  # The job reports the figures.
    job.log(
        f"{job.model} on {trainer.args.device}: {len(examples)} images to train with, {len(val_examples)} to validate with ({val_examples.split})"
    )
    trainer.train(resume_from_checkpoint=job.resume_from)
    if job.is_cancelled:
        return
    state = trainer.state
    best = max((each for each in state.log_history if f"eval_{primary}" in each), key=lambda each: each[f"eval_{primary}"])
    if round(state.epoch) < settings.epochs:
        job.log(f"Stopped early: no better {primary} for {settings.patience} epochs since epoch {round(best['epoch'])}")
    plots.save_all(trainer.model, best, val_examples, measure)
    figures = {name.removeprefix("eval_"): value for name, value in best.items() if isinstance(value, float) and name not in NO_FIGURES}
    job.complete(figures, best_epoch=round(best["epoch"]))
