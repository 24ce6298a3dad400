"""
Reports a training of Ultralytics' `YOLO`.

    model = attach(YOLO(job.resume_from or "yolo11n.yaml"))
    model.train(data=os.path.join(job.dataset.path, "data.yaml"), epochs=job.config.epochs)

Import it before `ultralytics`: then nothing looks for a network. Uses the public callbacks of the model alone. This package has nothing of Ultralytics in it, whose license is AGPL-3.0.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import re
import shutil
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Optional

from . import get_job
from ._errors import ConfigError
from ._job import Job

_PREFIXES = {"B": "", "M": "mask_", "P": "pose_"}
_NAMES = {"accuracy_top1": "top1_accuracy", "accuracy_top5": "top5_accuracy"}
_SECONDS_BETWEEN_STEPS = 2.0
_MAX_SECONDS_OF_A_PLOT = 30.0
#: Ultralytics downloads these for the text in its plots where its settings folder does not have them.
_FONTS = ("Arial.ttf", "Arial.Unicode.ttf")


def _stay_offline() -> None:
    """
    Ultralytics looks for a network when it is imported, and downloads fonts when it trains: a sandbox refuses both. Variables that the
    author has set stay. The font is that of Matplotlib.
    """
    settings = os.environ.get("YOLO_CONFIG_DIR")
    if not settings:
        settings = tempfile.mkdtemp(prefix="ultralytics-")
        atexit.register(shutil.rmtree, settings, ignore_errors=True)
    for name, value in (("YOLO_OFFLINE", "true"), ("YOLO_AUTOINSTALL", "false"), ("YOLO_CONFIG_DIR", settings)):
        os.environ.setdefault(name, value)
    found = importlib.util.find_spec("matplotlib")
    for place in (found.submodule_search_locations or ()) if found else ():
        font = os.path.join(place, "mpl-data", "fonts", "ttf", "DejaVuSans.ttf")
        # Versions differ in whether they add a folder.
        for folder in (settings, os.path.join(settings, "Ultralytics")) if os.path.exists(font) else ():
            os.makedirs(folder, exist_ok=True)
            for name in _FONTS:
                if not os.path.exists(os.path.join(folder, name)):
                    shutil.copyfile(font, os.path.join(folder, name))


_stay_offline()


class _Cancelled(Exception):
    """Leaves the training after a batch."""


def contract_metrics(metrics: Any) -> dict[str, Any]:
    """`{"metrics/mAP50(M)": 0.5}` becomes `{"mask_mAP50": 0.5}`."""
    return {_contract_name(name): value for name, value in dict(metrics or {}).items()}


def _contract_name(name: str) -> str:
    found = re.fullmatch(r"metrics/([^(]+)(?:\((\w)\))?", name)
    if found is None:
        return name
    return _PREFIXES.get(found[2] or "B", "") + _NAMES.get(found[1], found[1])


def attach(model: Any, job: Optional[Job] = None) -> Any:
    """
    Reports the metrics of steps and epochs, each class, the confusion matrix, plots, and the checkpoints `last` and `best`.
    `model.train` continues from `job.resume_from` when the model was loaded from it, writes below `job.work_dir`, and returns
    None after a cancel. Returns the model.
    """
    reporter = _Reporter(get_job() if job is None else job)
    for name in ("on_pretrain_routine_start", "on_train_batch_end", "on_train_epoch_end", "on_fit_epoch_end", "on_model_save", "on_train_end"):
        model.add_callback(name, getattr(reporter, name))
    train = model.train

    def train_and_report(*args: Any, **settings: Any) -> Any:
        return reporter.train(train, args, settings)

    model.train = train_and_report
    return model


class _Reporter:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._folder = ""
        self._step = 0
        self._reported_at = 0.0
        #: Whether an epoch ended. The validation of the best model at the end belongs to none.
        self._is_epoch = False
        self._best: Optional[int] = None

    def train(self, train: Any, args: Any, settings: dict[str, Any]) -> Any:
        devices = settings.get("device", "")
        if len(devices.split(",") if isinstance(devices, str) else devices if isinstance(devices, (list, tuple)) else [0]) > 1:
            raise ConfigError(
                f"device is {devices!r}: Ultralytics trains on several devices in programs of its own, which report nothing. "
                "Name one device"
            )
        settings = {"project": self._job.work_dir, "name": "train", "exist_ok": True, **settings}
        self._folder = os.path.join(settings["project"], settings["name"])
        if self._job.resume_from is not None:
            settings.setdefault("resume", True)
        before = set(threading.enumerate())
        try:
            return None if self._job.is_cancelled else train(*args, **settings)
        except _Cancelled:
            self._job.log("The training was cancelled. It continues from the last whole epoch")
            # Its plots are drawn by daemon threads. One that is in native code while Python ends aborts the program.
            for thread in set(threading.enumerate()) - before:
                if str(getattr(getattr(thread, "_target", None), "__module__", "")).startswith("ultralytics."):
                    thread.join(_MAX_SECONDS_OF_A_PLOT)
            return None

    def on_pretrain_routine_start(self, trainer: Any) -> None:
        # A checkpoint brings the folder of the attempt that saved it.
        folder = Path(self._folder)
        if self._job.resume_from is None or Path(trainer.save_dir) == folder:
            return
        trainer.save_dir = folder
        trainer.args.save_dir = str(folder)
        trainer.wdir = folder / "weights"
        trainer.wdir.mkdir(parents=True, exist_ok=True)
        trainer.last, trainer.best, trainer.csv = trainer.wdir / "last.pt", trainer.wdir / "best.pt", folder / "results.csv"

    def on_train_batch_end(self, trainer: Any) -> None:
        self._step += 1
        if self._job.is_cancelled:
            raise _Cancelled
        if time.monotonic() - self._reported_at < _SECONDS_BETWEEN_STEPS:
            return
        self._reported_at = time.monotonic()
        self._job.progress(
            _losses(trainer),
            epoch=trainer.epoch + 1,
            total_epochs=trainer.epochs,
            step=self._step,
            total_steps=len(trainer.train_loader),
        )

    def on_train_epoch_end(self, trainer: Any) -> None:
        self._step = 0
        self._is_epoch = True

    def on_fit_epoch_end(self, trainer: Any) -> None:
        if self._is_epoch:
            self._is_epoch = False
            self._job.progress(_losses(trainer), epoch=trainer.epoch + 1, total_epochs=trainer.epochs)
            self._validation(trainer, epoch=trainer.epoch + 1)
        else:
            self._validation(trainer, epoch=None)

    def _validation(self, trainer: Any, epoch: Optional[int]) -> None:
        metrics = contract_metrics({name: value for name, value in trainer.metrics.items() if not name.startswith("train/")})
        if not metrics:
            return
        names = list(trainer.validator.names.values())
        matrix = _matrix(trainer.validator)
        self._job.validation(
            metrics,
            epoch=epoch,
            split="val",
            per_class=_per_class(trainer.validator) or None,
            confusion_matrix=matrix,
            classes=[*names, "background"][: len(matrix)] if matrix is not None else None,
        )

    def on_model_save(self, trainer: Any) -> None:
        self._job.checkpoint("last", trainer.last, epoch=trainer.epoch + 1)
        self._save_best(trainer, epoch=trainer.epoch + 1)

    def _save_best(self, trainer: Any, epoch: Optional[int]) -> None:
        written = os.stat(trainer.best).st_mtime_ns if os.path.exists(trainer.best) else None
        if written not in (None, self._best):
            self._best = written
            self._job.checkpoint("best", trainer.best, epoch=epoch)

    def on_train_end(self, trainer: Any) -> None:
        # Without the state of the optimizer: half as large.
        self._save_best(trainer, epoch=None)
        for name in sorted(os.listdir(trainer.save_dir)):
            if name.endswith((".png", ".jpg")):
                self._job.artifact(os.path.join(trainer.save_dir, name), kind="plot", name=f"plots/{name}")


def _losses(trainer: Any) -> dict[str, Any]:
    losses = dict(trainer.label_loss_items(trainer.tloss, prefix="train"))
    return {"loss": sum(float(value) for value in losses.values()), **losses}


def _per_class(validator: Any) -> dict[str, dict[str, Any]]:
    metrics = validator.metrics
    found = getattr(metrics, "ap_class_index", None)
    if found is None:
        return {}
    keys = [_contract_name(key) for key in metrics.keys]
    return {validator.names[int(each)]: dict(zip(keys, metrics.class_result(at))) for at, each in enumerate(found)}


def _matrix(validator: Any) -> Optional[list[list[int]]]:
    """`[actual][predicted]`. Ultralytics has them the other way round, and fills them in the last validation only."""
    matrix = getattr(getattr(validator, "confusion_matrix", None), "matrix", None)
    if matrix is None or matrix.sum() == 0:
        return None
    return [[int(each) for each in row] for row in matrix.T.tolist()]
