"""
Write a Trainyard trainer in Python.

    from trainyard_sdk import job

    for epoch in job.epochs():
        loss, accuracy = train_one_epoch(job.dataset.path)
        job.progress(loss=loss, top1_accuracy=accuracy)
        if job.best("top1_accuracy", accuracy):
            job.checkpoint("best", save(model))
"""

from __future__ import annotations

import threading as _threading
from typing import TYPE_CHECKING, Any, Optional

from ._errors import (
    CheckpointError,
    ConfigError,
    DatasetError,
    FrameworkError,
    NetworkError,
    OutsideRunError,
    ResourceError,
    TrainyardError,
    ValidationError,
)
from ._hooks import LogHandler
from ._hooks import install as _install
from ._job import Checkpoint, Config, Dataset, Job

__version__ = "0.1.0"
__all__ = [
    "Checkpoint",
    "CheckpointError",
    "Config",
    "ConfigError",
    "Dataset",
    "DatasetError",
    "FrameworkError",
    "Job",
    "LogHandler",
    "NetworkError",
    "OutsideRunError",
    "ResourceError",
    "TrainyardError",
    "ValidationError",
    "get_job",
    "job",
]

if TYPE_CHECKING:
    job: Job

_job: Optional[Job] = None
_lock = _threading.Lock()


def get_job() -> Job:
    """The job of this process. Raises `OutsideRunError` without one."""
    global _job
    with _lock:
        if _job is None:
            _job = Job()
            _install(_job)
        return _job


def __getattr__(name: str) -> Any:
    if name == "job":
        return get_job()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
