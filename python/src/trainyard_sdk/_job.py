"""The job: what to train, and where to report it."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Optional, Union

from . import _hooks, _processes
from ._bridge import Bridge
from ._errors import ConfigError, DatasetError, OutsideRunError
from ._local import LocalRun, local_job
from ._values import flatten, metric, plain

if TYPE_CHECKING:
    from .types import ArtifactKind, LogLevel, MetricGoal, PredictedObject, SplitName

PathLike = Union[str, "os.PathLike[str]"]

_OUTSIDE = (
    "This program was started without a job: TRAINYARD_JOB_FILE is not set. "
    "Start it with `trainyard dev train --dataset FOLDER`, or set TRAINYARD_LOCAL=1 to run it alone, "
    "with results in the folder runs"
)


class Config(dict):
    """The settings of the job: as a dictionary, and as attributes. `basic` and `advanced` are its two groups."""

    basic: dict[str, Any]
    advanced: dict[str, Any]

    def __init__(self, basic: Mapping[str, Any], advanced: Mapping[str, Any]) -> None:
        super().__init__({**advanced, **basic})
        object.__setattr__(self, "basic", dict(basic))
        object.__setattr__(self, "advanced", dict(advanced))

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        known = ", ".join(sorted(self)) or "none"
        raise AttributeError(f'the job has no setting "{name}". Its settings: {known}')


@dataclass(frozen=True)
class Dataset:
    """The dataset of a training."""

    path: str
    format: Optional[str]
    classes: list[str]
    splits: list[str]
    counts: dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint to continue from, to start from, or to predict with."""

    path: str
    name: str
    #: The last epoch of an earlier attempt. None: the checkpoint is another job's.
    epoch: Optional[int]
    #: Whether an earlier attempt of this job saved it.
    is_resume: bool


class Log:
    """The job's log: `job.log("text")`, `job.log.warning("text", key=value)`."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, message: object, *, level: LogLevel = "info", **data: Any) -> None:
        event: dict[str, Any] = {"type": "log", "level": level, "message": str(message)}
        if data:
            event["data"] = plain(data)
        self._job._send(event)

    def debug(self, message: object, **data: Any) -> None:
        self(message, level="debug", **data)

    def info(self, message: object, **data: Any) -> None:
        self(message, level="info", **data)

    def warning(self, message: object, **data: Any) -> None:
        self(message, level="warning", **data)

    def error(self, message: object, **data: Any) -> None:
        self(message, level="error", **data)


class Job:
    """A run of a trainer. `from trainyard_sdk import job` gives the one of this process."""

    def __init__(self, environment: Optional[Mapping[str, str]] = None) -> None:
        given = dict(os.environ if environment is None else environment)
        path = given.get("TRAINYARD_JOB_FILE")
        self._spare_signals = 0
        if not path and given.get("CALLBACK_URL"):
            from ._platform import open_platform

            path = open_platform(given)
            # A cancel comes twice: as a signal, and in an answer to the process that reports.
            self._spare_signals = 1
        self._way: Optional[Union[Bridge, LocalRun]] = None
        if path:
            with open(path, encoding="utf-8") as file:
                about = json.load(file)
            self._way = Bridge(given, about["workDir"])
        elif given.get("TRAINYARD_LOCAL", "") not in ("", "0"):
            about = local_job(given)
            self._way = LocalRun(about["workDir"])
        else:
            raise OutsideRunError(_OUTSIDE)
        self.id: int = about["jobId"]
        self.attempt: int = about["attempt"]
        self.operation: str = about["operation"]
        self.task_type: str = about["taskType"]
        self.framework: str = about["framework"]
        self.model: str = about["model"]
        self.is_local: bool = about["isLocal"]
        #: Writable, private to the attempt, removed after it.
        self.work_dir: str = about["workDir"]
        self.export_format: Optional[str] = about.get("exportFormat")
        self.config = Config(about["config"].get("basic", {}), about["config"].get("advanced", {}))
        self.log = Log(self)
        self._about = about
        self._epoch: Optional[int] = None
        self._total: Optional[int] = None
        self._best: dict[str, float] = {}
        self._warned: set[str] = set()
        self._cancelled = threading.Event()
        self._listens = False

    # What goes in

    @property
    def dataset(self) -> Dataset:
        about = self._about.get("dataset")
        if about is None:
            raise DatasetError(
                "Set TRAINYARD_DATASET to a folder"
                if self.is_local and self._about["jobId"] == 0 and isinstance(self._way, LocalRun)
                else f'The operation "{self.operation}" has no dataset; its images are job.images()'
            )
        names = [each["name"] for each in about.get("classes", [])]
        return Dataset(about["dir"], about.get("format"), names, about.get("splits", []), about.get("counts", {}))

    @property
    def start(self) -> Optional[Checkpoint]:
        """The checkpoint that the job was given, or that an earlier attempt of it saved."""
        about = self._about.get("checkpoint")
        if about is None:
            return None
        resume = about.get("resume")
        return Checkpoint(about["path"], about["name"], (resume or {}).get("epoch"), resume is not None)

    @property
    def resume_from(self) -> Optional[str]:
        """The path of the checkpoint to continue from. None: the training starts at its first epoch."""
        start = self.start
        return start.path if start is not None and start.is_resume else None

    def images(self) -> Iterator[dict[str, Any]]:
        """The images to predict: `{"name", "path"}`."""
        return self._lines("imagesFile", "the operation predict")

    def pixels(self) -> Iterator[dict[str, Any]]:
        """The images as numbers."""
        return self._lines("pixelsFile", '"pixels" of "bridge" in trainer.json')

    def _lines(self, field: str, needs: str) -> Iterator[dict[str, Any]]:
        path = self._about.get(field)
        if path is None:
            raise ConfigError(f"This job has no images of that kind: they need {needs}")
        with open(path, encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)

    # The course of the training

    def epochs(self, total: Optional[int] = None) -> Iterator[int]:
        """The numbers of the epochs, from 1 or from the one after the last attempt. Ends on a cancel."""
        count = self.config.get("epochs") if total is None else total
        if count is None:
            raise ConfigError('The job has no setting "epochs". Declare it in trainer.json, or call job.epochs(10)')
        self._total = int(count)
        start = self.start
        first = 1 + ((start.epoch or 0) if start is not None and start.is_resume else 0)
        self._listen()
        for epoch in range(first, self._total + 1):
            if self.is_cancelled:
                return
            self._epoch = epoch
            yield epoch

    @property
    def is_cancelled(self) -> bool:
        """Whether the job was told to stop. From the first look on, the program itself has to end."""
        self._listen()
        return self._cancelled.is_set()

    def _listen(self, again: bool = False) -> None:
        """
        SIGTERM means cancel. A second one ends the program, and so does the first for a child process.
        `again` is for a framework that has put its own handler in front.
        """
        if (self._listens and not again) or threading.current_thread() is not threading.main_thread():
            return
        owner, before = os.getpid(), None if again else signal.getsignal(signal.SIGTERM)
        self._listens = True

        def stop(number: int, frame: Any) -> None:
            if os.getpid() == owner and self._cancelled.is_set() and self._spare_signals > 0:
                self._spare_signals -= 1
                return
            if os.getpid() != owner or self._cancelled.is_set():
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGTERM)
                return
            self._cancelled.set()
            if callable(before):
                before(number, frame)

        if not _processes.is_worker():
            signal.signal(signal.SIGTERM, stop)

    # What goes out

    def progress(
        self,
        metrics: Optional[Mapping[str, Any]] = None,
        *,
        epoch: Optional[int] = None,
        total_epochs: Optional[int] = None,
        step: Optional[int] = None,
        total_steps: Optional[int] = None,
        phase: Optional[str] = None,
        **more: Any,
    ) -> None:
        """Reports metrics of an epoch, or of a step: `job.progress(loss=loss, top1_accuracy=accuracy)`."""
        event: dict[str, Any] = {"type": "progress"}
        if epoch is None and step is None and phase is None:
            epoch = self._epoch
        fields = {
            "epoch": epoch,
            "totalEpochs": self._total if total_epochs is None else total_epochs,
            "step": step,
            "totalSteps": total_steps,
        }
        event.update({name: int(value) for name, value in fields.items() if value is not None})
        if phase is not None:
            event["phase"] = phase
        self._add_metrics(event, metrics, more)
        self._send(event)

    def validation(
        self,
        metrics: Optional[Mapping[str, Any]] = None,
        *,
        epoch: Optional[int] = None,
        split: Optional[SplitName] = None,
        primary: Optional[str] = None,
        goal: Optional[MetricGoal] = None,
        per_class: Optional[Mapping[str, Mapping[str, Any]]] = None,
        confusion_matrix: Optional[Any] = None,
        classes: Optional[list[str]] = None,
        **more: Any,
    ) -> None:
        """Reports a validation. `confusion_matrix[actual][predicted]` counts the `classes`."""
        event: dict[str, Any] = {"type": "validation"}
        epoch = self._epoch if epoch is None else epoch
        if epoch is not None:
            event["epoch"] = int(epoch)
        if split is not None:
            event["split"] = split
        self._add_metrics(event, metrics, more)
        if primary is not None:
            event["primary"] = {"name": primary, "goal": goal} if goal is not None else primary
        if per_class is not None:
            event["perClass"] = {str(name): self._numbers(each) for name, each in per_class.items()}
        if confusion_matrix is not None:
            counts = plain(confusion_matrix)
            names = [str(each) for each in (self.dataset.classes if classes is None else classes)]
            if isinstance(counts, dict):
                event["confusionMatrix"] = counts
            else:
                event["confusionMatrix"] = {"classes": names, "counts": [[int(n) for n in row] for row in counts]}
        self._send(event)

    def best(self, name: str, value: Any, *, goal: Optional[MetricGoal] = None) -> bool:
        """Whether the value is the best so far. Without `goal`, losses and errors are better when they are lower."""
        number = metric(value)
        if number is None or isinstance(number, str):
            return False
        if goal is None:
            lower = any(word in name.lower() for word in ("loss", "error"))
        elif goal in ("maximize", "minimize"):
            lower = goal == "minimize"
        else:
            raise ConfigError(f'goal is "{goal}"; expected maximize or minimize')
        before = self._best.get(name)
        if before is not None and not (number < before if lower else number > before):
            return False
        self._best[name] = number
        return True

    def checkpoint(
        self,
        name: str,
        path: PathLike,
        *,
        epoch: Optional[int] = None,
        metrics: Optional[Mapping[str, Any]] = None,
        wait: Optional[str] = "copied",
    ) -> Optional[str]:
        """
        Saves a file or a folder as the checkpoint `best`, `last` or another name. Then the path can be written to again.
        With `wait="uploaded"` it returns the id of the artifact when the platform has it; with `wait=None` it does not wait.
        """
        event: dict[str, Any] = {"type": "checkpoint", "name": name}
        epoch = self._epoch if epoch is None else epoch
        if epoch is not None:
            event["epoch"] = int(epoch)
        if metrics:
            event["metrics"] = self._numbers(metrics)
        return self._send_file(event, path, wait)

    def artifact(
        self,
        path: PathLike,
        *,
        kind: ArtifactKind = "other",
        name: Optional[str] = None,
        content_type: Optional[str] = None,
        metadata: Optional[Mapping[str, Any]] = None,
        wait: Optional[str] = "copied",
    ) -> Optional[str]:
        """Saves a plot, an export or another file or folder. `wait` is that of `checkpoint`."""
        event: dict[str, Any] = {"type": "artifact", "kind": kind}
        fields = {"name": name, "contentType": content_type, "metadata": None if metadata is None else plain(metadata)}
        event.update({key: value for key, value in fields.items() if value is not None})
        return self._send_file(event, path, wait)

    def prediction(
        self, image_name: str, objects: list[PredictedObject], *, inference_ms: Optional[float] = None
    ) -> None:
        """Reports what was found in an image: a list of `{"classId", "className", "confidence", "bbox", …}`."""
        event: dict[str, Any] = {"type": "prediction", "imageName": image_name, "predictions": plain(objects)}
        if inference_ms is not None:
            event["inferenceTimeMs"] = metric(inference_ms)
        self._send(event)

    def complete(
        self,
        metrics: Optional[Mapping[str, Any]] = None,
        *,
        best_epoch: Optional[int] = None,
        image_count: Optional[int] = None,
        metadata: Optional[Mapping[str, Any]] = None,
    ) -> None:
        """Reports the final result. Optional: without it, the last metrics are the final ones."""
        event: dict[str, Any] = {"type": "completed"}
        self._add_metrics(event, metrics, {})
        fields = {"bestEpoch": best_epoch, "imageCount": image_count, "metadata": metadata and plain(metadata)}
        event.update({key: value for key, value in fields.items() if value is not None})
        self._send(event)

    def fail(self, message: str, *, error_type: Optional[str] = None, retryable: Optional[bool] = None) -> None:
        """Reports that the job failed. An uncaught exception does so itself."""
        fields = {"message": message, "errorType": error_type, "retryable": retryable}
        self._fail({key: value for key, value in fields.items() if value is not None})

    def capture_logging(self, level: int = logging.INFO, logger: Optional[str] = None) -> _hooks.LogHandler:
        """Sends what `logging` and `warnings` record to the job's log, with its levels."""
        handler = _hooks.LogHandler(self, level)
        target = logging.getLogger(logger)
        target.addHandler(handler)
        if target.getEffectiveLevel() > level:
            target.setLevel(level)
        logging.captureWarnings(True)
        return handler

    # How it goes out

    def _send(self, event: dict[str, Any]) -> None:
        if self._way is not None and _processes.speaks():
            self._way.send(event)

    def _fail(self, fields: Mapping[str, Any]) -> None:
        """Also for the processes that are silent otherwise, in a line that no other process breaks."""
        if self._way is None:
            return
        event = {"type": "failed", **fields}
        if _processes.speaks():
            self._way.send(event)
        elif not _processes.is_worker():
            self._way.send_short({**event, "message": f"Process {_processes.rank()}: {fields.get('message')}"})

    def _send_file(self, event: dict[str, Any], path: PathLike, wait: Optional[str]) -> Optional[str]:
        if wait not in (None, "copied", "uploaded"):
            raise ConfigError(f'wait is "{wait}"; expected "copied", "uploaded" or None')
        whole = os.path.abspath(os.fspath(path))
        if self._way is None or not _processes.speaks():
            return None
        if not os.path.exists(whole):
            raise FileNotFoundError(f'"{whole}" does not exist, and cannot be saved as {event.get("name") or event["type"]}')
        answer = self._way.send_file(event, whole, wait)
        return None if answer is None else answer.get("artifactId")

    def _add_metrics(self, event: dict[str, Any], metrics: Optional[Mapping[str, Any]], more: Mapping[str, Any]) -> None:
        numbers = self._numbers({**(metrics or {}), **more})
        if numbers:
            event["metrics"] = numbers

    def _numbers(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in flatten(metrics).items():
            number = metric(value)
            if number is not None:
                found[name] = number
            elif isinstance(value, str):
                # The bridge reads text as well, and says which it cannot read.
                found[name] = value
            elif value is not None and name not in self._warned:
                self._warned.add(name)
                self.log.warning(f'The metric "{name}" is not one number but {type(value).__name__}; it is left out')
        return found
