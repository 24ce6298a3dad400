"""
The journal of a job without a bridge: events in a file until the platform has acknowledged them, in order and once.

The file has the format of `@trainyard/sdk` (`spool.ts` of the contract): the runner delivers what a killed trainer left in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import threading
import time
import zlib
from collections import deque
from datetime import datetime, timezone
from typing import Any, Callable, Optional

from ._http import Api, Passing, Refused, backoff

TERMINAL = ("completed", "failed", "cancelled")
_MAX_EVENTS = 500
_MAX_BYTES = 256 * 1024
#: Above it, steps and log lines are left out and counted.
_MAX_PENDING = 48 * 1024 * 1024
_COMPACT_FROM = 8 * 1024 * 1024
#: Time to collect events for one request, in seconds.
_DELAY = 0.5
_HEADER = struct.Struct("<II")


class Journal:
    """Appends never wait for the network. One thread sends. Safe for threads."""

    def __init__(self, api: Api, attempt: int, path: str, on_stop: Callable[[str], None], warn: Callable[[str], None]) -> None:
        self._api, self._attempt, self._path = api, attempt, path
        self._on_stop, self._warn = on_stop, warn
        #: The number of each event, and its JSON without it.
        self._pending: deque[tuple[int, str]] = deque()
        self._bytes = 0
        self._next, self._id = 1, 0
        self._left_out = 0
        self._limit = _MAX_EVENTS
        self._heartbeat = 15.0
        self._changed = threading.Condition()
        self._urgent = False
        #: When the first of the waiting events came.
        self._since = 0.0
        self.stopped: Optional[str] = None
        self.is_refused = False
        self.terminal: Optional[str] = None
        self._file, self.is_resumed = self._open()
        self._thread = threading.Thread(target=self._run, name="trainyard-journal", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def append(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        with self._changed:
            if self.terminal is not None or self.is_refused:
                return
            if self._bytes > _MAX_PENDING and kind in ("log", "progress") and "epoch" not in event:
                self._left_out += 1
                return
            if self._left_out and self._bytes < _MAX_PENDING // 2:
                count, self._left_out = self._left_out, 0
                self._add({"type": "log", "level": "warning", "message": f"{count} events were left out while the platform was away"})
            self._add(event)
            if kind in TERMINAL:
                self.terminal = kind
            self._urgent = self._urgent or kind != "progress"
            self._changed.notify_all()

    def _add(self, event: dict[str, Any]) -> None:
        time_text = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        text = json.dumps({"time": time_text, **event}, separators=(",", ":"), allow_nan=False)
        self._id += 1
        if not self._pending:
            self._since = time.monotonic()
        self._pending.append((self._next, text))
        self._bytes += len(text)
        self._write(f"e{self._id} {5 if event['type'] in TERMINAL else 3} {text}", {"op": "number", "first": self._next, "count": 1})
        self._next += 1

    def close(self, seconds: float) -> bool:
        """Waits until everything has arrived. Returns whether it has."""
        end = time.monotonic() + seconds
        with self._changed:
            self._urgent = True
            self._changed.notify_all()
            while self._pending and not self.is_refused and time.monotonic() < end:
                self._changed.wait(0.2)
            return not self._pending

    # The file

    def _open(self) -> tuple[Optional[int], bool]:
        try:
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._warn(f"The journal is kept in memory only: {error}")
            return None, False
        with os.fdopen(os.dup(fd), "rb") as file:
            content = file.read()
        offset = 0
        unnumbered: dict[int, str] = {}
        while offset + _HEADER.size <= len(content):
            length, check = _HEADER.unpack_from(content, offset)
            payload = content[offset + _HEADER.size : offset + _HEADER.size + length]
            if length == 0 or len(payload) < length or zlib.crc32(payload) != check:
                break
            offset += _HEADER.size + length
            self._replay(payload.decode(), unnumbered)
        os.ftruncate(fd, offset)
        for number, text in self._pending:
            kind = json.loads(text)["type"]
            self.terminal = kind if kind in TERMINAL else self.terminal
            self._next = number + 1
        return fd, offset > 0

    def _replay(self, text: str, unnumbered: dict[int, str]) -> None:
        if text.startswith("e"):
            identity, _, event = text[1:].split(" ", 2)
            self._id = max(self._id, int(identity))
            unnumbered[int(identity)] = event
            return
        record = json.loads(text)
        if record["op"] == "number":
            for number, identity in zip(range(record["first"], record["first"] + record["count"]), list(unnumbered)):
                event = unnumbered.pop(identity)
                self._pending.append((number, event))
                self._bytes += len(event)
                self._next = number + 1
        elif record["op"] == "acknowledge":
            while self._pending and self._pending[0][0] <= record["seq"]:
                self._bytes -= len(self._pending.popleft()[1])
            self._next = max(self._next, record["seq"] + 1)
        elif record["op"] == "base":
            self._next = record["nextSeq"]

    def _write(self, *records: Any) -> None:
        if self._file is None:
            return
        frames = b"".join(_frame(record) for record in records)
        size = os.fstat(self._file).st_size
        try:
            while frames:
                frames = frames[os.write(self._file, frames) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, size)
            os.close(self._file)
            self._file = None
            self._warn(f"The journal is kept in memory only from here on: {error}")

    def _compact(self) -> None:
        """Writes the file again with what is pending, when most of it has arrived."""
        if self._file is None or os.fstat(self._file).st_size < max(_COMPACT_FROM, 2 * self._bytes):
            return
        first = self._pending[0][0] if self._pending else self._next
        other = f"{self._path}.tmp"
        with open(other, "wb") as file:
            file.write(_frame({"op": "base", "nextSeq": first}))
            for identity, (number, text) in enumerate(self._pending, 1):
                file.write(_frame(f"e{identity} 3 {text}") + _frame({"op": "number", "first": number, "count": 1}))
        self._id = len(self._pending)
        fd = os.open(other, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        os.replace(other, self._path)
        os.close(self._file)
        self._file = fd

    # The sender

    def _run(self) -> None:
        failures, synced, last = 0, False, 0.0
        while not self.is_refused:
            with self._changed:
                while synced and not self._urgent:
                    due = min(last + self._heartbeat * 0.8, self._since + _DELAY if self._pending else float("inf"))
                    if time.monotonic() >= due:
                        break
                    self._changed.wait(due - time.monotonic())
                if synced and self._urgent and self.terminal is None:
                    # What follows at once goes into the same request.
                    self._changed.wait(0.05)
                self._urgent = False
                batch = self._take()
            try:
                self._accept(self._post(batch))
                failures, synced, last = 0, True, time.monotonic()
            except Passing as error:
                failures += 1
                if failures == 1:
                    self._warn(f"The platform did not accept events ({error}); trying again")
                time.sleep(max(error.after, backoff(failures)))
                synced = False
            except Refused as error:
                synced = self._refuse(error, batch)
            except Exception as error:  # Without this thread, nothing would arrive any more.
                failures += 1
                self._warn(f"The answer to a request with events was not understood: {type(error).__name__}: {error}")
                time.sleep(backoff(failures))
                synced = False
            with self._changed:
                self._since = time.monotonic()
                self._urgent = self._urgent or len(self._pending) >= self._limit or bool(self._pending and self.terminal)
                self._changed.notify_all()

    def _take(self) -> list[tuple[int, str]]:
        batch: list[tuple[int, str]] = []
        size = 0
        for each in self._pending:
            size += len(each[1])
            if batch and (len(batch) >= self._limit or size > _MAX_BYTES):
                break
            batch.append(each)
        return batch

    def _post(self, batch: list[tuple[int, str]]) -> Any:
        events = ",".join(f'{{"seq":{number},{text[1:]}' for number, text in batch)
        answer = self._api.once("POST", "/events", f'{{"attempt":{self._attempt},"events":[{events}]}}'.encode())
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(answer, dict) or not isinstance(answer.get("acknowledged"), int) or not isinstance(token, (dict, type(None))):
            raise Passing("its answer does not follow the contract")
        return answer

    def _accept(self, answer: dict[str, Any]) -> None:
        self._heartbeat = float(answer.get("heartbeatSeconds") or self._heartbeat)
        if isinstance(answer.get("token"), dict):
            self._api.token.adopt(str(answer["token"]["value"]))
        for each in answer.get("rejected") or []:
            self._warn(f"The platform rejected event {each.get('seq')}: {each.get('path')}: {each.get('detail')}")
        with self._changed:
            self._acknowledge(answer["acknowledged"])
            self._limit = min(_MAX_EVENTS, self._limit * 2)
        if answer.get("shouldContinue") is False:
            self._stop(str(answer.get("reason") or "cancelled"))

    def _acknowledge(self, number: int) -> None:
        if number >= self._next:
            # Another process of this attempt has sent more than this file holds.
            self._renumber(number)
            return
        while self._pending and self._pending[0][0] <= number:
            self._bytes -= len(self._pending.popleft()[1])
        self._write({"op": "acknowledge", "seq": number})
        self._compact()

    def _renumber(self, held: int) -> None:
        texts = [text for _, text in self._pending]
        self._pending = deque((held + 1 + index, text) for index, text in enumerate(texts))
        self._next = held + 1 + len(texts)

    def _refuse(self, error: Refused, batch: list[tuple[int, str]]) -> bool:
        """Returns whether the next request need not wait."""
        held = error.problem.get("acknowledged")
        if error.code == "sequence_gap" and isinstance(held, int):
            with self._changed:
                first = self._pending[0][0] if self._pending else self._next
                if first <= held < self._next:
                    self._acknowledge(held)
                elif held + 1 != first:
                    self._renumber(held)
                self._urgent = True
            return True
        if error.status in (400, 413, 422) and batch:
            if len(batch) > 1:
                self._limit = max(1, len(batch) // 2)
                self._urgent = True
                return True
            kind = json.loads(batch[0][1])["type"]
            if kind not in TERMINAL:
                self._warn(f"An event of type {kind} and {len(batch[0][1])} bytes was refused by the platform ({error.status})")
                self._replace_first(kind, error)
                return True
        self.is_refused = True
        self._warn(f"The platform accepts no more events of this job: {error}")
        self._stop("superseded" if error.code == "attempt_superseded" else "refused")
        return False

    def _replace_first(self, kind: str, error: Refused) -> None:
        with self._changed:
            number, text = self._pending.popleft()
            event = {
                "time": json.loads(text)["time"],
                "type": "log",
                "level": "error",
                "eventType": "event-refused",
                "message": f"An event of type {kind} was refused by the platform ({error.status})",
            }
            self._pending.appendleft((number, json.dumps(event)))
            self._urgent = True

    def _stop(self, reason: str) -> None:
        if self.stopped is None:
            self.stopped = reason
            self._on_stop(reason)


def _frame(record: Any) -> bytes:
    payload = (record if isinstance(record, str) else json.dumps(record, separators=(",", ":"))).encode()
    return _HEADER.pack(len(payload), zlib.crc32(payload)) + payload
