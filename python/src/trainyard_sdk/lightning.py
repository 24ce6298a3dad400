"""
Reports a training of Lightning's `Trainer`.

    trainer = Trainer(logger=TrainyardLogger(), callbacks=[TrainyardCallback(), ModelCheckpoint(monitor="val_loss")])
    trainer.fit(model, data, ckpt_path=job.resume_from)
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Mapping
from typing import Any, Optional, Union

try:
    from lightning.pytorch.callbacks import Callback
    from lightning.pytorch.loggers.logger import Logger
except ImportError:  # the former name of the same package
    from pytorch_lightning.callbacks import Callback  # type: ignore[no-redef]
    from pytorch_lightning.loggers.logger import Logger  # type: ignore[no-redef]

from . import get_job
from ._job import Job
from ._values import plain


class TrainyardLogger(Logger):
    """Reports what `self.log` records, and each file that `ModelCheckpoint` saves: as `last`, and the best one as `best`."""

    def __init__(self, job: Optional[Job] = None) -> None:
        super().__init__()
        self._job = get_job() if job is None else job
        self._epoch: Optional[int] = None
        self._sent: dict[str, Any] = {}

    @property
    def name(self) -> str:
        return "trainyard"

    @property
    def version(self) -> Union[int, str]:
        return self._job.attempt

    @property
    def save_dir(self) -> str:
        return self._job.work_dir

    def log_hyperparams(self, params: Union[dict[str, Any], Namespace], *_: Any, **__: Any) -> None:
        given = vars(params) if isinstance(params, Namespace) else dict(params)
        if given:
            self._job.log("Hyperparameters of the model", **{str(name): plain(value) for name, value in given.items()})

    def log_metrics(self, metrics: Mapping[str, Any], step: Optional[int] = None) -> None:
        own = {name: value for name, value in metrics.items() if name != "epoch"}
        epoch = metrics.get("epoch")
        if epoch is not None:
            # Lightning counts from 0.
            self._epoch = int(epoch) + 1
        if own:
            self._job.progress(own, epoch=self._epoch, step=None if step is None else step + 1)

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        best = checkpoint_callback.best_model_path
        known = {*checkpoint_callback.best_k_models, checkpoint_callback.last_model_path, best}
        files = {path: os.stat(path).st_mtime_ns for path in known if path and os.path.exists(path)}
        if not files:
            return
        newest = max(files, key=lambda path: files[path])
        # With `save_last`, the same state is saved twice: under the name of its epoch, and as last.ckpt.
        # After a cancel, the callback has saved it, with the number of the last whole epoch.
        if not self._job._cancelled.is_set():
            self._send("last", newest, getattr(checkpoint_callback, "_last_global_step_saved", (newest, files[newest])))
        if best in files:
            self._send("best", best, (best, files[best]))

    def _send(self, name: str, path: str, state: Any) -> None:
        if self._sent.get(name) != state:
            self._sent[name] = state
            self._job.checkpoint(name, path, epoch=self._epoch)


class TrainyardCallback(Callback):
    """Reports validations and the length of the training. On a cancel, saves `last` and ends the training after its batch."""

    def __init__(self, job: Optional[Job] = None) -> None:
        self._job = get_job() if job is None else job
        self._before: dict[str, Any] = {}

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        # Lightning has its own reaction to SIGTERM, which ends the program.
        self._job._listen(again=True)
        if trainer.max_epochs is not None and trainer.max_epochs > 0:
            self._job._total = trainer.max_epochs

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any, **__: Any) -> None:
        # All processes stop after the same batch, whichever of them was told.
        if not trainer.strategy.reduce_boolean_decision(self._job.is_cancelled, all=False) or trainer.should_stop:
            return
        trainer.should_stop = True
        # Lightning continues up to these, whatever stops it.
        trainer.fit_loop.min_epochs = 0
        trainer.fit_loop.epoch_loop.min_steps = None
        path = os.path.join(self._job.work_dir, "cancelled.ckpt")
        trainer.save_checkpoint(path)
        if trainer.is_global_zero:
            self._job.checkpoint("last", path, epoch=trainer.current_epoch)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        self._before = dict(trainer.callback_metrics)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        # `callback_metrics` also has those of the training.
        new = {
            name: value
            for name, value in trainer.callback_metrics.items()
            if name.startswith("val") or self._before.get(name) is not value
        }
        if new:
            self._job.validation(new, epoch=trainer.current_epoch + 1, split="val")
