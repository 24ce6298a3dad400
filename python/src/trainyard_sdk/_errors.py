"""Errors that a trainer can raise. The class decides how the job is reported, and whether it is tried again."""

from __future__ import annotations

import traceback as _traceback
from typing import Optional


class TrainyardError(Exception):
    """The base of all errors of this package."""


class OutsideRunError(TrainyardError):
    """The program was started without a job."""


class DatasetError(TrainyardError):
    """The dataset cannot be used."""


class CheckpointError(TrainyardError):
    """A checkpoint cannot be read or saved."""


class ConfigError(TrainyardError):
    """A setting of the job cannot be used."""


class ResourceError(TrainyardError):
    """Memory, disk space or another resource ran out."""


class NetworkError(TrainyardError):
    """A server cannot be reached."""


class FrameworkError(TrainyardError):
    """The training framework failed."""


class ValidationError(TrainyardError):
    """A value was reported that the platform refuses."""


_TYPES = {
    "DatasetError",
    "CheckpointError",
    "ConfigError",
    "ResourceError",
    "NetworkError",
    "FrameworkError",
    "ValidationError",
}
#: These follow when another process failed: that one tells the reason.
_CONSEQUENCES = {
    "DistBackendError",
    "DistNetworkError",
    "BrokenPipeError",
    "ConnectionResetError",
    "EOFError",
    "ChildFailedError",
    "ProcessExitedException",
}
#: The same code fails in the same way again.
_PERMANENT = (SyntaxError, NameError)
_OUT_OF_MEMORY = ("out of memory", "ALLOC_FAILED", "RESOURCE_EXHAUSTED")
_MAX_TRACEBACK = 100_000


def error_type(error: BaseException) -> Optional[str]:
    """The contract's type of an exception. None: its class does not tell."""
    for each in type(error).__mro__:
        if each.__name__ in _TYPES:
            return each.__name__
    text = str(error)
    names = {each.__name__ for each in type(error).__mro__}
    if isinstance(error, MemoryError) or "OutOfMemoryError" in names:
        return "ResourceError"
    if isinstance(error, RuntimeError) and any(each in text for each in _OUT_OF_MEMORY):
        return "ResourceError"
    if isinstance(error, ImportError):
        return "ConfigError"
    return None


def is_consequence(error: BaseException) -> bool:
    return type(error).__name__ in _CONSEQUENCES


def describe(error: BaseException) -> dict:
    """The fields of the event `failed` for an exception."""
    cls = type(error)
    name = cls.__name__ if cls.__module__ in ("builtins", "__main__") else f"{cls.__module__}.{cls.__name__}"
    kind = error_type(error)
    own = kind is not None and cls.__name__ == kind
    text = "".join(_traceback.format_exception(cls, error, error.__traceback__))
    fields = {
        "message": str(error) if own and str(error) else f"{name}: {error}",
        "traceback": text[-_MAX_TRACEBACK:],
        "retryable": kind in (None, "ResourceError", "NetworkError") and not isinstance(error, _PERMANENT),
    }
    if kind is not None:
        fields["errorType"] = kind
    return fields
