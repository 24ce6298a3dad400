"""Calls of a job's own endpoints, without a bridge: with the job's token, and again after what passes."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import json
import os
import random
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import IO, Any, Callable, Optional
from urllib.parse import quote

from ._errors import CheckpointError, DatasetError, NetworkError, ResourceError, TrainyardError, ValidationError

#: A call is tried again after these answers, as after none.
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_CALL_SECONDS = 30.0
_BLOCK = 1024 * 1024
#: An answer with a file needs no more than this between two pieces of it.
_FILE_SECONDS = 60.0
_COMPRESS_FROM = 1024
_MAX_RENEWALS = 3


class Refused(Exception):
    """The platform answered, and the same call would be answered in the same way."""

    def __init__(self, where: str, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code") or f"http_{status}")
        self.problem = problem
        detail = problem.get("detail") or problem.get("title") or ""
        issues = "; ".join(f"{each.get('path')}: {each.get('detail')}" for each in problem.get("issues") or [])
        super().__init__(f"The platform answered {where} with {status}: {self.code} {detail}{f' ({issues})' if issues else ''}".rstrip())


class Passing(Exception):
    """There was no answer, or one that passes. `after` is the time in seconds that the platform asks for."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class Renewed(Passing):
    """The URL had expired, and there is another one."""


class Token:
    """The job's token. It changes: answers carry its successor, and its file may be rewritten."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._file = environment.get("CALLBACK_TOKEN_FILE") or None
        self._value = self._read() or environment.get("CALLBACK_TOKEN") or ""
        self._lock = threading.Lock()

    @property
    def value(self) -> str:
        return self._value

    def adopt(self, value: str) -> None:
        with self._lock:
            self._value = value

    def replace(self, refused: str) -> bool:
        """Whether there is another token than the one that was refused."""
        with self._lock:
            if self._value != refused:
                return True
            found = self._read()
            if found is None or found == refused:
                return False
            self._value = found
            return True

    def _read(self) -> Optional[str]:
        if self._file is None:
            return None
        try:
            with open(self._file, encoding="utf-8") as file:
                return file.read().strip() or None
        except OSError:
            return None


class Api:
    """The endpoints below `CALLBACK_URL`. Safe for threads."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.base = environment["CALLBACK_URL"].rstrip("/")
        self.token = Token(environment)
        self._traceparent = environment.get("TRACEPARENT")
        self._takes_gzip = True

    def once(self, method: str, path: str, body: Any = None, timeout: float = _CALL_SECONDS) -> Any:
        """One try. Raises `Refused` or `Passing`."""
        where = f"{method} …{path.split('?')[0]}"
        for _ in range(3):
            sent = self.token.value
            headers = {"Authorization": f"Bearer {sent}", "Accept": "application/json"}
            data = None
            if body is not None:
                data = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
                headers["Content-Type"] = "application/json"
                if self._takes_gzip and path == "/events" and len(data) >= _COMPRESS_FROM:
                    data = gzip.compress(data, 1)
                    headers["Content-Encoding"] = "gzip"
            if self._traceparent:
                headers["traceparent"] = self._traceparent
            status, text, answered = _send(urllib.request.Request(self.base + path, data, headers, method=method), timeout)
            found = _parse(text)
            if 200 <= status < 300:
                return found
            if status == 415 and "Content-Encoding" in headers:
                self._takes_gzip = False
                continue
            if status == 401 and self.token.replace(sent):
                continue
            problem = found if isinstance(found, dict) else {}
            if status in _PASSING:
                raise Passing(f"the platform answered {where} with {status}", _retry_after(answered))
            raise Refused(where, status, problem)
        raise Refused(where, 401, {"code": "unauthenticated", "detail": "no token was accepted"})

    def call(self, method: str, path: str, body: Any = None, seconds: float = 600.0) -> Any:
        """Tries again for that many seconds. Raises `Refused`, or `NetworkError` when the time is over."""
        return again(lambda: self.once(method, path, body), seconds)


def again(work: Callable[[], Any], seconds: float) -> Any:
    """Does something until it neither raises `Passing`, nor the time is over."""
    end, tries = time.monotonic() + seconds, 0
    while True:
        try:
            return work()
        except Renewed:
            continue
        except Passing as error:
            tries += 1
            pause = max(error.after, backoff(tries))
            if time.monotonic() + pause > end:
                raise NetworkError(f"{error}; tried {tries} times") from error
            time.sleep(pause)


def backoff(tries: int) -> float:
    """The pause after that many failures in a row, in seconds: up to 30, at random, so that many trainers do not come at once."""
    return random.uniform(0.5, 1.0) * min(30.0, 0.25 * 2 ** min(tries, 10))


def _send(request: urllib.request.Request, timeout: float) -> tuple[int, bytes, Mapping[str, str]]:
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return response.status, response.read(), response.headers
    except urllib.error.HTTPError as error:
        with error:
            try:
                return error.code, error.read(), error.headers
            except (OSError, http.client.HTTPException):
                return error.code, b"", error.headers
    except (OSError, http.client.HTTPException) as error:
        # `URLError` is an `OSError`.
        raise Passing(f"there was no answer from {request.host}: {getattr(error, 'reason', error) or type(error).__name__}") from error


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def _retry_after(headers: Mapping[str, str]) -> float:
    value = headers.get("Retry-After") or ""
    return min(float(value), 300.0) if value.replace(".", "", 1).isdigit() else 0.0


# Files that come


def download(
    request: Callable[[], Mapping[str, Any]], path: str, size: int, digest: Optional[str], damaged: type[TrainyardError] = DatasetError
) -> None:
    """
    Writes a file of a signed URL. `request` gives the URL, and another one when it has expired. Raises `NetworkError` when it does
    not arrive, and `damaged` when other bytes arrive than were promised.
    """
    os.makedirs(os.path.dirname(path), exist_ok=True)
    part = f"{path}.part-{os.getpid()}-{threading.get_ident()}"
    state = {"request": request(), "renewals": 0, "damaged": 0}

    def get() -> None:
        signed = state["request"]
        sent = urllib.request.Request(signed["url"], headers=dict(signed.get("headers") or {}))
        found, count = hashlib.sha256(), 0
        try:
            with urllib.request.urlopen(sent, timeout=_FILE_SECONDS) as response, open(part, "wb") as file:
                while block := response.read(_BLOCK):
                    count += len(block)
                    if count > size:
                        break
                    found.update(block)
                    file.write(block)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in _PASSING:
                raise Passing(f"storage answered with {error.code}", _retry_after(error.headers)) from error
            if error.code in (401, 403) and state["renewals"] < _MAX_RENEWALS:
                state["renewals"] += 1
                state["request"] = request()
                raise Renewed("the URL has expired") from error
            raise NetworkError(f'"{os.path.basename(path)}": storage answered with {error.code}') from error
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            raise Passing(f"storage: {getattr(error, 'reason', error) or type(error).__name__}") from error
        if count < size:
            raise Passing(f"{count} of {size} bytes arrived")
        if count > size or (digest is not None and found.hexdigest() != digest):
            state["damaged"] += 1
            if state["damaged"] < 3:
                raise Passing("the bytes were damaged")
            raise damaged(f'"{os.path.basename(path)}" is not what the platform promised: {size} bytes, SHA-256 {digest}')
        os.replace(part, path)

    try:
        again(get, 600.0)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(part)


# Files that go


class _Range:
    """Some bytes of a file, as `http.client` reads them."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._rest = file, size

    def read(self, count: int = -1) -> bytes:
        wanted = self._rest if count < 0 else min(count, self._rest)
        block = self._file.read(wanted) if wanted else b""
        self._rest -= len(block)
        if wanted and not block:
            raise ResourceError("the file was shortened while it was uploaded")
        return block

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(_BLOCK):
            yield block


def upload(api: Api, path: str, description: Mapping[str, Any]) -> str:
    """Uploads a file or a folder (as a tar), and returns the id of the artifact. `description`: kind, name, contentType, metadata."""
    name = str(description["name"])
    if os.path.isdir(path):
        with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as folder:
            archive = os.path.join(folder, "folder.tar")
            _pack(path, archive)
            return upload(api, archive, {**description, "name": name if name.endswith(".tar") else f"{name}.tar"})
    size, digest = os.path.getsize(path), _digest(path)
    if description["kind"] == "checkpoint" and size == 0:
        raise CheckpointError(f'"{name}" is empty')
    body = {**description, "sizeBytes": size, "sha256": digest}

    def announce() -> Any:
        try:
            return api.call("POST", "/artifacts", body)
        except Refused as error:
            if error.status == 413:
                raise ResourceError(f'"{name}" cannot be uploaded. {error}') from error
            if error.status in (400, 422):
                raise ValidationError(f'"{name}" cannot be uploaded. {error}') from error
            raise

    answer = announce()
    complete: dict[str, Any] = {}
    if answer["upload"]["type"] == "none":
        return answer["id"]
    if answer["upload"]["type"] == "single":

        def renew() -> Any:
            nonlocal answer
            answer = announce()
            return answer["upload"].get("request")

        if answer["upload"]["type"] == "single":
            _put(path, answer["upload"]["request"], 0, size, renew)
    else:
        held = {each["partNumber"]: each["etag"] for each in answer["upload"].get("held") or []}
        for part in answer["upload"]["parts"]:
            number = part["partNumber"]

            def renew_part(number: int = number) -> Any:
                found = announce()["upload"]
                return next((each for each in found.get("parts") or [] if each["partNumber"] == number), None)

            held[number] = _put(path, part, part["offset"], part["sizeBytes"], renew_part)
        complete["parts"] = [{"partNumber": number, "etag": held[number]} for number in sorted(held)]
    api.call("POST", f"/artifacts/{quote(answer['id'], safe='')}/complete", complete)
    return answer["id"]


def _put(path: str, request: Mapping[str, Any], offset: int, size: int, renew: Callable[[], Any]) -> str:
    state = {"request": request, "renewals": 0}

    def put() -> str:
        signed = state["request"]
        if signed is None:
            return ""
        headers = {**(signed.get("headers") or {}), "Content-Length": str(size)}
        with open(path, "rb") as file:
            file.seek(offset)
            sent = urllib.request.Request(signed["url"], _Range(file, size) if size else b"", headers, method="PUT")
            status, _, answered = _send(sent, _FILE_SECONDS)
        if 200 <= status < 300:
            return answered.get("ETag") or ""
        if status in _PASSING:
            raise Passing(f"storage answered with {status}", _retry_after(answered))
        if status in (401, 403) and state["renewals"] < _MAX_RENEWALS:
            state["renewals"] += 1
            state["request"] = renew()
            raise Renewed("the URL has expired")
        raise NetworkError(f'"{os.path.basename(path)}": storage answered with {status}')

    return again(put, 600.0)


def _digest(path: str) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def _pack(folder: str, archive: str) -> None:
    """The same files give the same bytes."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime = entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for parent, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(files):
                path = os.path.join(parent, name)
                tar.add(path, os.path.relpath(path, folder), recursive=False, filter=plain)
