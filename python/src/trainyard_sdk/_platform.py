"""A job without `trainyard exec`: fetches its inputs, and starts the process that reports for it."""

from __future__ import annotations

import atexit
import builtins
import contextlib
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Optional
from urllib.parse import urlencode

from . import _processes
from ._errors import CheckpointError, ConfigError, DatasetError, NetworkError, OutsideRunError, describe
from ._http import Api, Refused, download
from ._local import basic_variables, defaults, find_manifest
from ._sender import OVER, OWNED, UNDELIVERED, UNUSABLE
from .types import DEFAULT_BASIC_CONFIG

_REQUIRED = ("JOB_ID", "JOB_ATTEMPT", "OPERATION", "CALLBACK_URL", "TASK_TYPE", "MODEL_NAME", "WORK_DIR")
#: The program and its children use the process that reports, and need no token.
_WITHHELD = ("CALLBACK_URL", "CALLBACK_TOKEN", "CALLBACK_TOKEN_FILE")
#: Other ranks wait that long for the inputs of the first.
_WAIT_SECONDS = 3600.0
#: Longer than the process that reports waits itself.
_END_SECONDS = 800.0


def open_platform(environment: dict[str, str]) -> str:
    """
    Returns the path of `job.json`, as `trainyard exec` writes it, and sets the variables that `trainyard exec` sets. From then on
    this process and its children find a bridge.
    """
    missing = [name for name in _REQUIRED if not environment.get(name)]
    if missing:
        raise ConfigError(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set, although CALLBACK_URL is")
    attempt = environment["JOB_ATTEMPT"]
    folder = os.path.join(os.path.abspath(environment["WORK_DIR"]), ".trainyard")
    path = os.path.join(folder, f"job-{attempt}.json")
    variables = {
        "TRAINYARD_JOB_FILE": path,
        "TRAINYARD_EVENTS": os.path.join(folder, "events"),
        "TRAINYARD_ACKS_FILE": os.path.join(folder, "acknowledgements.jsonl"),
    }
    if _processes.speaks():
        _Reporter(environment, folder, path, variables).start()
    else:
        _wait_for(path)
    environment.update(variables)
    os.environ.update(variables)
    for name in _WITHHELD:
        os.environ.pop(name, None)
    return path


def _wait_for(path: str) -> None:
    end = time.monotonic() + _WAIT_SECONDS
    while not os.path.exists(path):
        if time.monotonic() > end:
            raise NetworkError("The process of rank 0 did not fetch the inputs of the job")
        time.sleep(0.2)


class _Reporter:
    def __init__(self, environment: Mapping[str, str], folder: str, path: str, variables: Mapping[str, str]) -> None:
        self._environment = environment
        self._folder, self._path, self._variables = folder, path, variables
        self._owner = os.getpid()
        self._process: Optional[subprocess.Popen] = None
        self.api = Api(environment)
        self.work_dir = os.path.dirname(folder)

    def start(self) -> None:
        manifest, given = find_manifest(), self._environment
        os.makedirs(self._folder, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(self._variables["TRAINYARD_EVENTS"], 0o600)
        with open(self._variables["TRAINYARD_ACKS_FILE"], "w"):
            pass
        primary = ((manifest.get("metrics") or {}).get("primary") or {}).get(given["TASK_TYPE"])
        sender = {
            "attempt": int(given["JOB_ATTEMPT"]),
            "operation": given["OPERATION"],
            "taskType": given["TASK_TYPE"],
            "exportFormat": given.get("EXPORT_FORMAT") or None,
            "primary": primary,
        }
        _write(os.path.join(self._folder, "sender.json"), sender)
        self._start_sender()
        self._watch_end()
        try:
            about = self._describe(manifest)
            self._fetch(about)
        except Exception as error:
            # The job does not exist yet, and cannot report this itself.
            self._send({"type": "failed", **describe(error)})
            raise
        _write(self._path, about)

    def _describe(self, manifest: dict[str, Any]) -> dict[str, Any]:
        given = self._environment
        return {
            "protocol": 1,
            "jobId": int(given["JOB_ID"]),
            "attempt": int(given["JOB_ATTEMPT"]),
            "operation": given["OPERATION"],
            "taskType": given["TASK_TYPE"],
            "framework": given.get("FRAMEWORK") or "python",
            "model": given["MODEL_NAME"],
            "traceId": given.get("TRACE_ID") or "0" * 32,
            "isLocal": False,
            "config": _config(given, manifest),
            "workDir": self.work_dir,
            "checkpoint": None,
            "exportFormat": given.get("EXPORT_FORMAT") or None,
        }

    # The process that reports

    def _start_sender(self) -> None:
        parent = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        code = "import sys; sys.path.insert(0, sys.argv[1]); from trainyard_sdk._sender import main; main(sys.argv[2])"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, parent, self._folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=dict(self._environment)
        )
        if self._process.stdout is not None and self._process.stdout.readline() == b"ready\n":
            return
        code_number = self._process.wait()
        why = {
            OWNED: f"another process already runs attempt {self._environment['JOB_ATTEMPT']} of this job",
            OVER: f"attempt {self._environment['JOB_ATTEMPT']} of this job has already ended",
            UNDELIVERED: "the platform accepts no events of it",
        }.get(code_number, f"the process that reports for it ended with {code_number}")
        raise OutsideRunError(f"This process does not run the job: {why}")

    def _send(self, event: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            fd = os.open(self._variables["TRAINYARD_EVENTS"], os.O_WRONLY | os.O_NONBLOCK)
            os.set_blocking(fd, True)
            with os.fdopen(fd, "wb") as file:
                file.write((json.dumps(event) + "\n").encode())

    def _watch_end(self) -> None:
        """Python does not tell with which code it ends: `sys.exit` and an uncaught exception do, unless the program goes on."""

        def watch(before: Any) -> Any:
            def leave(code: Any = None) -> None:
                self._tell_exit(code if isinstance(code, int) else int(code is not None))
                before(code)

            return leave

        sys.exit = watch(sys.exit)  # type: ignore[assignment]
        for name in ("exit", "quit"):
            if hasattr(builtins, name):
                setattr(builtins, name, watch(getattr(builtins, name)))
        before = sys.excepthook

        def hook(kind: Any, error: Any, trace: Any) -> None:
            self._tell_exit(1)
            before(kind, error, trace)

        sys.excepthook = hook
        atexit.register(self._end)

    def _tell_exit(self, code: int) -> None:
        if os.getpid() == self._owner:
            self._send({"type": "exiting", "code": code})

    def _end(self) -> None:
        if os.getpid() != self._owner or self._process is None:
            return
        import trainyard_sdk

        job = trainyard_sdk._job
        self._send({"type": "end", "cancelled": job is not None and job._cancelled.is_set()})
        try:
            result = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            result = UNDELIVERED
        if result != 0:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(result if result in (UNDELIVERED, UNUSABLE) else UNDELIVERED)

    # The inputs

    def _fetch(self, about: dict[str, Any]) -> None:
        about["checkpoint"] = self._checkpoint()
        if about["operation"] == "train":
            self._send({"type": "progress", "phase": "fetch"})
            about["dataset"] = self._dataset(about["taskType"])
            self._send({"type": "progress", "phase": "train"})
        elif about["operation"] == "predict":
            self._send({"type": "progress", "phase": "fetch"})
            images = os.path.join(self._folder, "images.jsonl")
            with open(images, "w", encoding="utf-8") as file:
                for image in self._images():
                    file.write(json.dumps(image) + "\n")
            about["imagesFile"] = images
            self._send({"type": "progress", "phase": "predict"})

    def _checkpoint(self) -> Optional[dict[str, Any]]:
        try:
            found = self.api.call("GET", "/inputs/checkpoint")
        except Refused as error:
            if error.status == 404:
                return None
            raise CheckpointError(str(error)) from error
        name = os.path.basename(found["name"].replace("\\", "/")) or "checkpoint"
        path = os.path.join(self.work_dir, "inputs", name)
        requests = iter([found["request"]])

        def request() -> Any:
            return next(requests, None) or self.api.call("GET", "/inputs/checkpoint")["request"]

        download(request, path, found["sizeBytes"], found["sha256"], CheckpointError)
        if name.endswith(".tar"):
            path = _unpack(path)
        about = {"path": path, "name": name, "sizeBytes": found["sizeBytes"]}
        return {**about, "resume": found["resume"]} if found.get("resume") else about

    def _dataset(self, task: str) -> dict[str, Any]:
        """As an image folder for classification, otherwise as DICE: what `trainyard exec` gives without `bridge.dataset`."""
        manifest = self.api.call("GET", "/dataset")
        target = self._environment.get("TRAINYARD_DATASET_FORMAT") or ("imagefolder" if task == "classification" else "dice")
        folder = self._cache({"as": target})
        if folder is None:
            if manifest["format"] != target:
                raise DatasetError(
                    f'The dataset has the format "{manifest["format"]}", and nothing here converts it to "{target}": '
                    'start the program behind `trainyard exec`, with "bridge" in trainer.json'
                )
            folder = os.path.join(self.work_dir, "dataset")
            self._download_all(folder, manifest, is_whole=False)
        counts = manifest["counts"]
        splits = [name for name, count in (counts.get("splits") or {}).items() if count]
        return {"dir": folder, "format": target, "classes": manifest["classes"], "splits": splits, "counts": counts}

    def _cache(self, request: dict[str, Any]) -> Optional[str]:
        """The folder that the platform fills. None: it fills none, or it cannot be read here."""
        parent = self._environment.get("DATASET_CACHE_DIR")
        if self._environment.get("DATASET_CACHE_FILLED_BY") != "platform" or not parent:
            return None
        pause, told = 0.02, ""
        while True:
            answer = self.api.call("POST", "/dataset/cache", request)
            if answer["state"] == "failed":
                kind = DatasetError if answer.get("errorType") == "DatasetError" else NetworkError
                raise kind(answer["message"])
            if answer["state"] == "ready":
                folder = os.path.join(parent, *answer["folder"].split("/"))
                return folder if os.path.isdir(folder) else None
            text = f"fetch {100 * answer['files'] // max(1, answer['totalFiles'])} %"
            if text != told:
                self._send({"type": "progress", "phase": text})
                told = text
            time.sleep(pause)
            pause = min(1.0, 1.5 * pause)

    def _pages(self, is_whole: bool) -> Any:
        cursor = None
        while True:
            query = {"limit": "1000", **({"all": "true"} if is_whole else {}), **({"cursor": cursor} if cursor else {})}
            page = self.api.call("GET", f"/dataset/files?{urlencode(query)}")
            yield page["files"]
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    def _download_all(self, folder: str, manifest: Mapping[str, Any], is_whole: bool) -> None:
        def get(file: Mapping[str, Any]) -> None:
            path = _inside(folder, file["path"])
            request = file.get("request") or {"url": file["url"]}
            if not os.path.exists(path):
                download(lambda: request, path, file["sizeBytes"], file.get("sha256"))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(get, manifest["annotationFiles"]))
            for files in self._pages(is_whole):
                list(pool.map(get, files))

    def _images(self) -> list[dict[str, str]]:
        """Pictures that people sent to the job; otherwise those of the split `test`, or all."""
        while True:
            try:
                given = self.api.call("GET", "/inputs/images?last=true")
            except Refused as error:
                if error.status != 404:
                    raise
                break
            if given["images"] or given["done"]:
                return [self._picture(each) for each in given["images"]]
        folder = self._cache({"all": True})
        if folder is None:
            folder = os.path.join(self.work_dir, "dataset")
            self._download_all(folder, self.api.call("GET", "/dataset"), is_whole=True)
        files = [each for page in self._pages(True) for each in page]
        tested = [each for each in files if each.get("split") == "test"]
        return [{"name": each["path"], "path": _inside(folder, each["path"])} for each in tested or files]

    def _picture(self, given: Mapping[str, Any]) -> dict[str, str]:
        path = os.path.join(self.work_dir, "pictures", os.path.basename(given["name"]))
        download(lambda: given["request"], path, given["sizeBytes"], given["sha256"])
        return {"name": given["name"], "path": path}


def _config(environment: Mapping[str, str], manifest: Mapping[str, Any]) -> dict[str, Any]:
    path = environment.get("CONFIG_FILE")
    text = environment.get("CONFIG") or "{}"
    if path:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except OSError as error:
            raise ConfigError(f'CONFIG_FILE is "{path}", which cannot be read: {error.strerror}') from error
    try:
        given = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{'CONFIG_FILE' if path else 'CONFIG'} is {text[:100]!r}; expected JSON of {{basic, advanced}}") from error
    basic, advanced = defaults(manifest)
    basic = {**DEFAULT_BASIC_CONFIG, **basic, **(given.get("basic") or {}), **basic_variables(environment)}
    advanced = {**advanced, **(given.get("advanced") or given.get("advanced_config") or {})}
    return {"basic": basic, "advanced": advanced}


def _inside(folder: str, path: str) -> str:
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in path:
        raise DatasetError(f'The dataset has a file named "{path}", which is not below its folder')
    return os.path.join(folder, *parts)


def _unpack(path: str) -> str:
    target = path[: -len(".tar")]
    with tarfile.open(path) as tar:
        for entry in tar:
            if not (entry.isfile() or entry.isdir()):
                raise CheckpointError(f'"{entry.name}" in "{os.path.basename(path)}" is neither a file nor a folder')
            place = _inside(target, entry.name.rstrip("/"))
            if entry.isdir():
                os.makedirs(place, exist_ok=True)
                continue
            os.makedirs(os.path.dirname(place), exist_ok=True)
            source = tar.extractfile(entry)
            if source is not None:
                with source, open(place, "wb") as file:
                    while block := source.read(1024 * 1024):
                        file.write(block)
    return target


def _write(path: str, content: Mapping[str, Any]) -> None:
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        json.dump(content, file)
    os.replace(f"{path}.part", path)
