"""
Reports a training of Hugging Face's `Trainer`.

    trainer = Trainer(model=model, args=args, callbacks=[TrainyardCallback()], …)
    trainer.train(resume_from_checkpoint=job.resume_from)

`compute_metrics` can return `per_class` (figures by name of the class) and `confusion_matrix` (`{"classes", "counts"}`) among its metrics.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Optional

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from . import get_job
from ._job import Job

if TYPE_CHECKING:
    from .types import SplitName

#: Figures of the run and not of the model.
_LEFT_OUT = {"epoch", "total_flos", "num_input_tokens_seen"}
_LEFT_OUT_ENDS = ("_runtime", "_samples_per_second", "_steps_per_second", "_tokens_per_second", "_model_preparation_time")


class TrainyardCallback(TrainerCallback):
    """
    Logs, evaluations, checkpoints when the `Trainer` saves them, and the end of the training on a cancel. Figures of an evaluation
    are reported as figures of `split`; their names begin with `eval_prefix`.
    """

    def __init__(self, job: Optional[Job] = None, *, split: SplitName = "val", eval_prefix: str = "eval_") -> None:
        self._job = get_job() if job is None else job
        self._split: SplitName = split
        self._eval_prefix = eval_prefix
        self._saved_step: Optional[int] = None

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._stop(control)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if self._stop(control):
            # The checkpoint to continue from.
            control.should_save = True

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: Any = None, **_: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        metrics = _of_model(logs or {})
        if any(name.startswith("eval_") for name in metrics):
            return  # They come as a validation.
        self._job.progress(
            metrics,
            epoch=_epoch(state),
            total_epochs=_total_epochs(args),
            step=state.global_step,
            total_steps=max(state.max_steps, state.global_step),
        )

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, metrics: Any = None, **_: Any
    ) -> None:
        if not state.is_world_process_zero or not metrics:
            return
        own = _of_model(metrics)
        per_class, confusion_matrix = own.pop("eval_per_class", None), own.pop("eval_confusion_matrix", None)
        if self._eval_prefix != "eval_":
            own = {self._eval_prefix + name[5:] if name.startswith("eval_") else name: value for name, value in own.items()}
        self._job.validation(
            own, epoch=_epoch(state), split=self._split, per_class=per_class, confusion_matrix=confusion_matrix
        )

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if not state.is_world_process_zero:
            return
        folder = os.path.join(args.output_dir or ".", f"checkpoint-{state.global_step}")
        # Versions before 5 report the save of the last step twice.
        if not os.path.isdir(folder) or self._saved_step == state.global_step:
            return
        self._saved_step = state.global_step
        self._job.checkpoint("last", folder, epoch=_epoch(state))
        best = state.best_model_checkpoint
        if best is not None and os.path.abspath(best) == os.path.abspath(folder):
            self._job.checkpoint("best", folder, epoch=_epoch(state))

    def _stop(self, control: TrainerControl) -> bool:
        if not self._job.is_cancelled or control.should_training_stop:
            return False
        control.should_training_stop = True
        return True


def _of_model(figures: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if name not in _LEFT_OUT and not name.endswith(_LEFT_OUT_ENDS)}


def _epoch(state: TrainerState) -> int:
    """Finished epochs: the trainer counts 2.9999 for 3."""
    return int((state.epoch or 0) + 1e-3)


def _total_epochs(args: TrainingArguments) -> Optional[int]:
    return int(args.num_train_epochs) if args.max_steps <= 0 else None
