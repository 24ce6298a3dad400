"""
The process that reports for a job without a bridge. It takes the same lines as `trainyard exec`, and sends them over HTTP.

A process of its own: its heartbeats go on while the program computes, and it sees how the program ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, Optional

from ._http import Api, Refused, upload
from ._journal import Journal
from ._values import metric
from .types import DEFAULT_PRIMARY_METRIC

#: Exit codes: those of the contract, and why the process does not report.
UNDELIVERED, UNUSABLE, OWNED, OVER = 2, 3, 75, 76
_MAX_MESSAGE = 16_384
_MAX_TRACEBACK = 65_536
#: Longest time to deliver the end, in seconds.
_CLOSE_SECONDS = {"completed": 120.0, "failed": 60.0, "cancelled": 8.0}
#: A loop reports thousands of steps a second: one a second is sent.
_STEP_SECONDS = 1.0


#: What to do about a resource that ran out: the words of `trainyard exec`.
_ADVICE = (
    (r"out of memory|OutOfMemoryError|ALLOC_FAILED|RESOURCE_EXHAUSTED", "The memory of the GPU ran out: use a smaller batch or image size, or a GPU with more memory"),
    (r"insufficient shared memory", "Shared memory ran out: raise resources.shmMb in trainer.json, or use fewer workers"),
    (r"No space left on device|Disk quota exceeded", "Disk space ran out: raise resources.diskGb in trainer.json"),
    (r"MemoryError|[Cc]an(?:no|')t allocate memory|Unable to allocate", "Memory ran out: raise resources.memoryMb in trainer.json, or use a smaller batch, image size or number of workers"),
)


class Sender:
    """Turns the lines of a program into events of the contract."""

    def __init__(self, environment: Mapping[str, str], about: Mapping[str, Any], folder: str) -> None:
        self._about = about
        self._folder = folder
        self._program = os.getppid()
        self._has_ended = False
        self._api = Api(environment)
        self._acknowledgements = os.path.join(folder, "acknowledgements.jsonl")
        path = os.path.join(folder, f"journal-{about['attempt']}.spool")
        self.journal = Journal(self._api, about["attempt"], path, self._stop_program, self._warn)
        self._lock = threading.Lock()
        self._queue: list[tuple[str, str, dict[str, Any]]] = []
        self._latest: dict[str, str] = {}
        self._wakes = threading.Condition()
        self._idle = True
        self._failures: dict[str, Exception] = {}
        self._lost: Optional[str] = None
        self._failed: Optional[dict[str, Any]] = None
        self._exit = 0
        self._completed: dict[str, Any] = {}
        self._metrics: dict[str, Any] = {}
        self._epoch: Optional[int] = None
        self._best_epoch: Optional[int] = None
        self._checkpoints: list[str] = []
        self._artifacts: dict[str, str] = {}
        self._images: set[str] = set()
        self._inference: list[float] = []
        self._step: Optional[dict[str, Any]] = None
        self._stepped = 0.0

    def _warn(self, message: str) -> None:
        print(f"trainyard_sdk: {message}", file=sys.stderr, flush=True)

    def _stop_program(self, reason: str) -> None:
        if os.getppid() == self._program and not self._has_ended:
            with contextlib.suppress(OSError):
                os.kill(self._program, signal.SIGTERM)

    # The lines

    def run(self, events: int) -> int:
        self.journal.start()
        if self.journal.is_resumed:
            self.journal.append({"type": "log", "level": "warning", "eventType": "restarted", "message": "The process was restarted within the attempt"})
        else:
            version = ".".join(map(str, sys.version_info[:3]))
            self.journal.append({"type": "started", "sdk": f"trainyard-sdk {_version()}", "runtime": f"python {version}", "pid": self._program})
        threading.Thread(target=self._upload_all, name="trainyard-uploads", daemon=True).start()
        end: Optional[dict[str, Any]] = None
        rest = b""
        while end is None:
            block = _read(events, 0.5)
            if block:
                *lines, rest = (rest + block).split(b"\n")
                for line in lines:
                    end = self._take(line) or end
            elif os.getppid() != self._program:
                break
            self._flush_step(time.monotonic() - self._stepped >= _STEP_SECONDS)
        return self._finish(end)

    def _take(self, line: bytes) -> Optional[dict[str, Any]]:
        """Returns the end of the program, if the line is that."""
        if not line.strip():
            return None
        try:
            event = json.loads(line)
            if event.get("type") == "end":
                return event
            # A program that goes on has caught its exit.
            self._exit = int(event["code"]) if event["type"] == "exiting" else 0
            self._apply(event)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._lost = f"an event could not be understood ({type(error).__name__}: {error}): {line[:80]!r}"
            self._warn(self._lost)
        return None

    def _apply(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind not in ("progress", "log"):
            self._flush_step(True)
        if kind == "progress":
            self._progress(event)
        elif kind == "validation":
            self._validation(event)
        elif kind in ("checkpoint", "artifact"):
            self._name_file(event)
        elif kind == "log":
            self.journal.append({**event, "message": str(event["message"])[:_MAX_MESSAGE]})
        elif kind == "prediction":
            self._images.add(event["imageName"])
            if event.get("inferenceTimeMs") is not None:
                self._inference.append(float(event["inferenceTimeMs"]))
            self.journal.append(event)
        elif kind == "completed":
            self._completed = {**event, "metrics": _numbers(event.get("metrics"))}
        elif kind == "failed":
            self._failed = self._failed or event

    def _progress(self, event: dict[str, Any]) -> None:
        if "metrics" in event:
            event["metrics"] = _numbers(event["metrics"])
            self._metrics.update(event["metrics"])
        for name, value in event.get("metrics", {}).items():
            if "loss" in name.lower() and isinstance(value, str) and self._failed is None:
                where = "" if self._epoch is None else f" in epoch {self._epoch}"
                message = f'Metric "{name}" is {value}{where}; expected a number (a lower learning rate often helps)'
                self._failed = {"type": "failed", "errorType": "ValidationError", "message": message, "retryable": False}
                self._stop_program("failed")
        if "epoch" in event or "step" not in event:
            self._flush_step(True)
            self._epoch = event.get("epoch", self._epoch)
            self.journal.append(event)
            return
        before = self._step or {}
        self._step = {**before, **event}
        if "metrics" in before or "metrics" in event:
            self._step["metrics"] = {**before.get("metrics", {}), **event.get("metrics", {})}
        self._flush_step(time.monotonic() - self._stepped >= _STEP_SECONDS)

    def _flush_step(self, is_due: bool) -> None:
        if self._step is not None and is_due:
            self.journal.append(self._step)
            self._step, self._stepped = None, time.monotonic()

    def _validation(self, event: dict[str, Any]) -> None:
        metrics = _numbers(event.get("metrics"))
        given = event.get("primary") or {}
        given = {"name": given} if isinstance(given, str) else given
        primary = self._about.get("primary") or DEFAULT_PRIMARY_METRIC.get(self._about["taskType"], {})
        name, goal = primary.get("name", ""), primary.get("goal", "maximize")
        if given.get("name"):
            wanted = given["name"]
            goal = given.get("goal") or (goal if wanted == name else _goal(wanted))
            name = wanted
        elif name not in metrics and metrics:
            name = next(iter(metrics))
            goal = _goal(name)
        value = given.get("value", metrics.get(name))
        if value is None:
            raise ValueError(f'the validation has no metric "{name}"')
        sent = {**event, "metrics": metrics, "primary": {"name": name, "value": value, "goal": goal}, "split": event.get("split") or "val"}
        if "perClass" in event:
            sent["perClass"] = {each: _numbers(values) for each, values in event["perClass"].items()}
        if sent.get("epoch") is None and self._epoch is not None:
            sent["epoch"] = self._epoch
        self._metrics.update(metrics)
        self.journal.append(sent)

    # The files

    def _name_file(self, event: dict[str, Any]) -> None:
        if event["type"] == "checkpoint" and event.get("epoch") is None and self._epoch is not None:
            event["epoch"] = self._epoch
        if event.get("name") == "best":
            self._best_epoch = event.get("epoch")
        identity = str(event.get("id") or "")
        key = f"{event['type']} {event.get('kind')} {event.get('name') or event['file']}"
        target = os.path.join(self._folder, "uploads", f"{time.monotonic_ns()}")
        try:
            copy = os.path.join(target, os.path.basename(event["file"].rstrip(os.sep)) or "file")
            os.makedirs(target)
            if os.path.isdir(event["file"]):
                shutil.copytree(event["file"], copy)
            else:
                _copy(event["file"], copy)
        except OSError as error:
            self._fail_file(key, identity, event, OSError(f'"{event["file"]}" cannot be uploaded: {error.strerror or error}'))
            return
        self._acknowledge(identity, event, "copied")
        with self._wakes:
            self._latest[key] = copy
            self._queue.append((key, copy, event))
            self._idle = False
            self._wakes.notify_all()

    def _upload_all(self) -> None:
        while True:
            with self._wakes:
                while not self._queue:
                    self._idle = True
                    self._wakes.notify_all()
                    self._wakes.wait()
                key, copy, event = self._queue.pop(0)
                is_latest = self._latest[key] == copy
            identity = str(event.get("id") or "")
            if is_latest:
                try:
                    self._upload(key, copy, event, identity)
                except Exception as error:  # A failed upload must not end the thread that does the next.
                    self._fail_file(key, identity, event, error)
            else:
                self._acknowledge(identity, event, "replaced")
            shutil.rmtree(os.path.dirname(copy), ignore_errors=True)

    def _upload(self, key: str, copy: str, event: dict[str, Any], identity: str) -> None:
        is_checkpoint = event["type"] == "checkpoint"
        kind = "checkpoint" if is_checkpoint else event.get("kind", "other")
        name = event.get("name") or ("last" if is_checkpoint else os.path.basename(copy))
        file_name = name + os.path.splitext(copy)[1] if is_checkpoint else name
        described = {"kind": kind, "name": file_name, "contentType": event.get("contentType") or "application/octet-stream"}
        metadata = {"epoch": event["epoch"]} if is_checkpoint and event.get("epoch") is not None else event.get("metadata")
        if metadata:
            described["metadata"] = metadata
        artifact = upload(self._api, copy, described)
        if is_checkpoint:
            if artifact not in self._checkpoints:
                self._checkpoints.append(artifact)
            sent = {"type": "checkpoint", "artifactId": artifact, "name": name}
            if event.get("epoch") is not None:
                sent["epoch"] = event["epoch"]
            if event.get("metrics"):
                sent["metrics"] = _numbers(event["metrics"])
        else:
            sent = {"type": "artifact", "artifactId": artifact, "kind": kind, "name": file_name}
        self._artifacts[kind] = artifact
        self._failures.pop(key, None)
        self.journal.append(sent)
        self._acknowledge(identity, event, "uploaded", artifactId=artifact)

    def _fail_file(self, key: str, identity: str, event: dict[str, Any], error: Exception) -> None:
        self._failures[key] = error
        self._acknowledge(identity, event, "failed", error=str(error))
        self.journal.append({"type": "log", "level": "error", "message": str(error)[:_MAX_MESSAGE]})

    def _acknowledge(self, identity: str, event: dict[str, Any], state: str, **more: str) -> None:
        line = {"id": identity, "type": event["type"], "file": event["file"], "state": state, **more}
        with self._lock, contextlib.suppress(OSError), open(self._acknowledgements, "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _drain(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._wakes:
            while (self._queue or not self._idle) and time.monotonic() < end:
                self._wakes.wait(0.2)

    # The end

    def _finish(self, end: Optional[dict[str, Any]]) -> int:
        self._has_ended = True
        self._flush_step(True)
        was_stopped = self.journal.stopped is not None or bool(end and end.get("cancelled"))
        if end is None and not was_stopped:
            # The answer tells whether the platform has ended it.
            self.journal.close(10.0)
            was_stopped = self.journal.stopped is not None
        self._drain(4.0 if was_stopped else 600.0)
        terminal = self._terminal(end, was_stopped)
        self.journal.append(terminal)
        if not self.journal.close(_CLOSE_SECONDS[terminal["type"]]):
            return UNDELIVERED
        with contextlib.suppress(OSError), open(os.path.join(self._folder, f"over-{self._about['attempt']}"), "w"):
            pass
        return UNUSABLE if terminal.get("errorType") in ("ConfigError", "DatasetError") else 0

    def _terminal(self, end: Optional[dict[str, Any]], was_stopped: bool) -> dict[str, Any]:
        failed = self._failed
        if was_stopped and failed is None:
            return {"type": "cancelled", "message": f"Stopped: {self.journal.stopped or 'cancelled'}"}
        if failed is None and end is None:
            failed = {"message": "The program ended without saying how: it was killed, crashed, or called os._exit", "retryable": True}
        elif failed is None and self._exit != 0:
            kind = {UNUSABLE: "ConfigError", UNDELIVERED: "NetworkError"}.get(self._exit, "UnknownError")
            failed = {"message": f"The program exited with {self._exit}", "errorType": kind, "retryable": self._exit != UNUSABLE}
        elif failed is None and self._failures:
            error = next(iter(self._failures.values()))
            kind = type(error).__name__ if type(error).__name__.endswith("Error") else "ResourceError"
            kind = "CheckpointError" if next(iter(self._failures)).startswith("checkpoint") else kind
            known = ("NetworkError", "ResourceError", "ValidationError", "CheckpointError")
            failed = {"message": str(error), "errorType": kind if kind in known else "ResourceError", "retryable": True}
        elif failed is None and self._lost is not None:
            failed = {"message": self._lost, "errorType": "ValidationError", "retryable": False}
        if failed is None:
            return self._result()
        message = str(failed.get("message") or "The program reported a failure without a message")
        advice = next((text for pattern, text in _ADVICE if re.search(pattern, message)), None)
        if advice is not None:
            failed = {"errorType": "ResourceError", **failed}
            message = f"{message[: _MAX_MESSAGE - 200].rstrip('. ')}. {advice}"
        sent: dict[str, Any] = {
            "type": "failed",
            "errorType": failed.get("errorType") or "UnknownError",
            "message": message[:_MAX_MESSAGE],
            "retryable": bool(failed.get("retryable", failed.get("errorType") in (None, "ResourceError", "NetworkError", "UnknownError"))),
        }
        if failed.get("traceback"):
            sent["traceback"] = str(failed["traceback"])[-_MAX_TRACEBACK:]
        return sent

    def _result(self) -> dict[str, Any]:
        done, operation = self._completed, self._about["operation"]
        result: dict[str, Any] = {"operation": operation}
        if operation == "train":
            best = done.get("bestEpoch", self._best_epoch)
            result.update(metrics=done.get("metrics") or self._metrics, checkpointIds=self._checkpoints)
            if best is not None:
                result["bestEpoch"] = best
        elif operation == "predict":
            result["imageCount"] = done.get("imageCount", len(self._images))
            if self._inference:
                result["totalInferenceTimeMs"] = sum(self._inference)
                result["avgInferenceTimeMs"] = sum(self._inference) / len(self._inference)
            if "prediction" in self._artifacts:
                result["artifactId"] = self._artifacts["prediction"]
        else:
            if "export" not in self._artifacts:
                message = 'The export has no file: save one with job.artifact(path, kind="export")'
                return {"type": "failed", "errorType": "ValidationError", "message": message, "retryable": False}
            exported = {"format": self._about["exportFormat"], "artifactId": self._artifacts["export"]}
            if done.get("metadata"):
                exported["metadata"] = done["metadata"]
            self.journal.append({"type": "export", **exported})
            result.update(exported)
        return {"type": "completed", "result": result}


def _version() -> str:
    from . import __version__

    return __version__


def _goal(name: str) -> str:
    return "minimize" if re.search("loss|error", name, re.IGNORECASE) else "maximize"


def _numbers(values: Optional[Mapping[str, Any]]) -> dict[str, Any]:
    found = {}
    for name, value in (values or {}).items():
        number = metric(value)
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                number = metric(float(value))
        if number is not None and name:
            found[str(name)[:250]] = number
    return found


def _copy(source: str, target: str) -> None:
    """A link where that is possible would share later writes: the program may write to the same file again."""
    before = os.stat(source)
    shutil.copyfile(source, target)
    after = os.stat(source)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or os.path.getsize(target) != after.st_size:
        raise OSError(0, "it changed while it was copied")


def _read(fd: int, seconds: float) -> bytes:
    import select

    ready, _, _ = select.select([fd], [], [], seconds)
    return os.read(fd, 65536) if ready else b""


def main(folder: str) -> None:
    """Runs the sender of the attempt whose `job.json` is in the folder."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with open(os.path.join(folder, "sender.json"), encoding="utf-8") as file:
        about = json.load(file)
    lock = os.open(os.path.join(folder, f"sender-{about['attempt']}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(OWNED)
    if os.path.exists(os.path.join(folder, f"over-{about['attempt']}")):
        sys.exit(OVER)
    events = os.open(os.path.join(folder, "events"), os.O_RDWR | os.O_CLOEXEC)
    shutil.rmtree(os.path.join(folder, "uploads"), ignore_errors=True)
    sender = Sender(os.environ, about, folder)
    if sender.journal.terminal is not None:
        # An earlier process of this attempt ended and could not report it.
        sender.journal.start()
        sys.exit(OVER if sender.journal.close(120.0) else UNDELIVERED)
    print("ready", flush=True)
    try:
        code = sender.run(events)
    except Refused as error:
        print(f"trainyard_sdk: {error}", file=sys.stderr)
        code = UNDELIVERED
    sys.stdout.flush()
    os._exit(code)
