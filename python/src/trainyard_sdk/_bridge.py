"""Writes events to `trainyard exec`, and reads what became of the files that they name."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import stat
import sys
import tempfile
import threading
import time
from typing import Any, Optional

from ._errors import CheckpointError, ResourceError

#: Lines up to this length of several processes never mix in a pipe (`PIPE_BUF` of Linux).
ATOMIC_BYTES = 4096


class Bridge:
    """The way to `trainyard exec`. Safe for threads. A forked child gets a lock of its own."""

    def __init__(self, environment: dict[str, str], work_dir: str) -> None:
        self._path = environment.get("TRAINYARD_EVENTS")
        number = environment.get("TRAINYARD_EVENTS_FD", "")
        self._number = int(number) if number.isdigit() else None
        self._acknowledgements = environment.get("TRAINYARD_ACKS_FILE")
        self._work_dir = work_dir
        self._lock = threading.Lock()
        self._fd: Optional[int] = None
        self._socket: Optional[socket.socket] = None
        self._is_gone = False
        self._count = 0
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def send(self, event: dict[str, Any]) -> None:
        line = (json.dumps(event, separators=(",", ":"), allow_nan=False) + "\n").encode()
        with self._lock:
            if self._is_gone:
                return
            try:
                self._write(line)
            except OSError as error:
                self._is_gone = True
                print(f"trainyard_sdk: events are no longer read ({error})", file=sys.stderr)

    def send_short(self, event: dict[str, Any]) -> None:
        """Sends a line that other processes cannot break: the start of a long traceback is left out."""
        event = dict(event)
        for name in ("traceback", "message"):
            excess = len(json.dumps(event, separators=(",", ":"))) + 1 - ATOMIC_BYTES
            text = event.get(name)
            while excess > 0 and isinstance(text, str) and text:
                text = text[min(len(text), max(1, excess // 6)) :]
                event[name] = text
                excess = len(json.dumps(event, separators=(",", ":"))) + 1 - ATOMIC_BYTES
        self.send(event)

    def send_file(self, event: dict[str, Any], path: str, until: Optional[str]) -> Optional[dict[str, Any]]:
        """Names a file, and returns when the author can write to it again: when the bridge has copied it."""
        if self._acknowledgements is None:
            self.send({**event, "file": self._copy(path)})
            return None
        self._count += 1
        identity = f"{os.getpid()}-{self._count}"
        start = _size(self._acknowledgements)
        self.send({**event, "file": path, "id": identity})
        return None if until is None else self._wait(identity, until, path, start)

    def _wait(self, identity: str, until: str, path: str, start: int) -> Optional[dict[str, Any]]:
        done = ("uploaded", "replaced") if until == "uploaded" else ("copied", "uploaded", "replaced")
        pause, looked = 0.002, time.monotonic()
        while not self._is_gone:
            for line in _lines_from(self._acknowledgements or "", start):
                if line.get("id") != identity:
                    continue
                if line.get("state") == "failed":
                    raise CheckpointError(f'"{path}" was not saved: {line.get("error")}')
                if line.get("state") in done:
                    return line
            time.sleep(pause)
            pause = min(pause * 1.5, 0.1)
            if time.monotonic() - looked > 1:
                looked = time.monotonic()
                if not self._is_read():
                    raise ResourceError(f'"{path}" was not saved: the process that reports for the job has ended')
        return None

    def _copy(self, path: str) -> str:
        """A copy under another path, for a bridge that does not say when it has the file."""
        parent = os.path.join(self._work_dir, "trainyard-sdk")
        os.makedirs(parent, exist_ok=True)
        target = os.path.join(tempfile.mkdtemp(dir=parent), os.path.basename(path.rstrip(os.sep)))
        if os.path.isdir(path):
            shutil.copytree(path, target)
        else:
            shutil.copy2(path, target)
        return target

    def _is_read(self) -> bool:
        if self._path is None or self._socket is not None:
            return True
        try:
            os.close(os.open(self._path, os.O_WRONLY | os.O_NONBLOCK))
            return True
        except OSError:
            return False

    def _write(self, line: bytes) -> None:
        if self._fd is None and self._socket is None:
            self._open()
        if self._socket is not None:
            self._socket.sendall(line)
            return
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(self._fd or 0, rest) :]

    def _open(self) -> None:
        if self._path is not None:
            if stat.S_ISSOCK(os.stat(self._path).st_mode):
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                self._socket.connect(self._path)
                return
            # Without waiting for a reader: without one, `open` would never return.
            self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
            os.set_blocking(self._fd, True)
        elif self._number is not None:
            os.fstat(self._number)
            self._fd = self._number
        else:
            raise OSError(errno.ENOENT, "neither TRAINYARD_EVENTS nor TRAINYARD_EVENTS_FD is set")


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _lines_from(path: str, start: int) -> list[dict[str, Any]]:
    try:
        with open(path, "rb") as file:
            file.seek(start)
            whole, _, _ = file.read().rpartition(b"\n")
    except OSError:
        return []
    return [json.loads(line) for line in whole.splitlines() if line.strip()]
