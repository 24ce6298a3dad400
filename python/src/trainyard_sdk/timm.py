"""
Reports a training that uses timm. In a program of one's own, `CheckpointSaver` and `update_summary` take the place of those of timm:

    saver = CheckpointSaver(model, optimizer, checkpoint_dir=job.work_dir)

For timm's own train script, unchanged, `attach()` before it replaces them:

    import runpy, trainyard_sdk.timm
    trainyard_sdk.timm.attach()
    runpy.run_path("timm_train.py", run_name="__main__")
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Optional

from timm import utils as _utils

from . import get_job

#: timm reports percentages under its own names.
_NAMES = {"top1": "top1_accuracy", "top5": "top5_accuracy"}
_summary = _utils.update_summary


def contract_metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """`{"top1": 75.0}` becomes `{"top1_accuracy": 0.75}`."""
    return {_NAMES.get(name, name): value / 100 if name in _NAMES else value for name, value in metrics.items()}


class CheckpointSaver(_utils.CheckpointSaver):
    """timm's `CheckpointSaver`, which also saves each checkpoint as `last` of the job, and the best one as `best`."""

    #: Whether a cancel ends the loop over the epochs, as Ctrl+C does in timm's train script.
    _interrupts = False

    def save_checkpoint(self, epoch: int, metric: Any = None) -> Any:
        before = self.best_epoch
        result = super().save_checkpoint(epoch, metric)
        job, extension = get_job(), self.extension
        # timm counts from 0.
        job.checkpoint("last", os.path.join(self.checkpoint_dir, f"last{extension}"), epoch=epoch + 1)
        if self.best_epoch == epoch and before != epoch:
            # The same state: newer versions of timm keep no file with a name of its own.
            job.checkpoint("best", os.path.join(self.checkpoint_dir, f"last{extension}"), epoch=epoch + 1)
        if self._interrupts and job.is_cancelled:
            raise KeyboardInterrupt
        return result


class _ScriptSaver(CheckpointSaver):
    _interrupts = True


def update_summary(
    epoch: int, train_metrics: Mapping[str, Any], eval_metrics: Optional[Mapping[str, Any]], *args: Any, **options: Any
) -> None:
    """timm's `update_summary`, which also reports the epoch and its validation to the job."""
    job = get_job()
    job.progress(contract_metrics(train_metrics), epoch=epoch + 1)
    if eval_metrics:
        job.validation(contract_metrics(eval_metrics), epoch=epoch + 1, split="val")
    _summary(epoch, train_metrics, eval_metrics, *args, **options)


def attach() -> None:
    """Makes timm's own train script report to the job, and end on a cancel after its epoch. Call it before the script."""
    get_job()._listen()
    for name, own in (("CheckpointSaver", _ScriptSaver), ("update_summary", update_summary)):
        setattr(_utils, name, own)
