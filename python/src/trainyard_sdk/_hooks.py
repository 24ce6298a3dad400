"""An uncaught exception fails the job with its type and traceback. `logging` and `warnings` become entries of its log."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from ._errors import describe, is_consequence

if TYPE_CHECKING:
    from ._job import Job


def install(job: Job) -> None:
    """Reports exceptions, and then calls the earlier hooks."""
    before, before_in_threads, owner = sys.excepthook, threading.excepthook, os.getpid()

    def hook(kind: Any, error: Any, trace: Any) -> None:
        try:
            ends = issubclass(kind, Exception) and not is_consequence(error) and os.getpid() == owner
            if ends and not job.is_cancelled:
                job._fail(describe(error))
        finally:
            before(kind, error, trace)

    def hook_in_threads(args: Any) -> None:
        # The program continues without the thread: only its end decides about the job.
        try:
            if args.exc_value is not None and issubclass(args.exc_type, Exception):
                text = "".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback))
                name = args.thread.name if args.thread is not None else "unknown"
                job.log.error(f"The thread {name} ended with {args.exc_type.__name__}: {args.exc_value}", traceback=text)
        finally:
            before_in_threads(args)

    sys.excepthook = hook
    threading.excepthook = hook_in_threads


class LogHandler(logging.Handler):
    """Sends what `logging` records to the job's log, with its level."""

    def __init__(self, job: Job, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._job = job

    def emit(self, record: logging.LogRecord) -> None:
        try:
            data = {"logger": record.name}
            if record.exc_info:
                data["traceback"] = "".join(traceback.format_exception(*record.exc_info))
            self._job.log(record.getMessage(), level=level_of(record.levelno), **data)
        except Exception:
            self.handleError(record)


def level_of(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"
