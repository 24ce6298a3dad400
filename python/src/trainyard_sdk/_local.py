"""A run without a platform: settings from the manifest and the environment, results in `runs/`, progress on the terminal."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any, Mapping, Optional

from ._errors import ConfigError


class LocalRun:
    """Writes events to `runs/NUMBER/events.jsonl` and copies files beside it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._bar = False

    def send(self, event: dict[str, Any]) -> None:
        with open(os.path.join(self.folder, "events.jsonl"), "a", encoding="utf-8") as file:
            file.write(json.dumps(event, allow_nan=False) + "\n")
        kind = event["type"]
        if kind == "progress":
            self._show_progress(event)
        elif kind == "log":
            self._print(f"[{event.get('level', 'info').upper()}] {event['message']}")
        elif kind == "validation":
            self._print(f"validation  {_metrics(event)}")

    def send_short(self, event: dict[str, Any]) -> None:
        self.send(event)

    def send_file(self, event: dict[str, Any], path: str, until: Optional[str]) -> Optional[dict[str, Any]]:
        name = str(event.get("name") or os.path.basename(path))
        if event["type"] == "checkpoint":
            name += os.path.splitext(path)[1]
        target = os.path.join(self.folder, *[part for part in name.split("/") if part not in ("", ".", "..")])
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.isdir(path):
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(path, target)
        else:
            shutil.copy2(path, target + ".part")
            os.replace(target + ".part", target)
        self.send({**event, "file": target})
        self._print(f"{event['type']}  {target}")
        return None

    def _show_progress(self, event: Mapping[str, Any]) -> None:
        done, total = event.get("epoch"), event.get("totalEpochs")
        text = _metrics(event)
        is_step = done is None and event.get("step") is not None
        if is_step:
            done, total = event["step"], event.get("totalSteps")
        head = f"{'step' if is_step else 'epoch'} {done}" if done is not None else str(event.get("phase", ""))
        if not sys.stderr.isatty():
            if not is_step:
                self._print(f"{head}{f'/{total}' if total else ''}  {text}")
            return
        bar = ""
        if total and done is not None:
            filled = round(20 * min(1, done / total))
            bar = f"/{total} [{'#' * filled}{'-' * (20 - filled)}]"
        width = shutil.get_terminal_size().columns - 1
        print(f"\r\033[K{head}{bar}  {text}"[: width + 4], end="", file=sys.stderr, flush=True)
        self._bar = True
        if not is_step and total and done == total:
            self._print("")

    def _print(self, text: str) -> None:
        if self._bar:
            self._bar = False
            print(file=sys.stderr)
        if text:
            print(text, file=sys.stderr, flush=True)


def _metrics(event: Mapping[str, Any]) -> str:
    values = event.get("metrics") or {}
    return "  ".join(f"{name} {value:.5g}" if isinstance(value, float) else f"{name} {value}" for name, value in values.items())


def local_job(environment: Mapping[str, str]) -> dict[str, Any]:
    """What `job.json` contains, for a run without a platform."""
    manifest = find_manifest()
    basic, advanced = defaults(manifest)
    given = json.loads(environment.get("CONFIG") or "{}")
    basic.update(given.get("basic", given if "advanced" not in given else {}))
    advanced.update(given.get("advanced", {}))
    basic.update(basic_variables(environment))
    models = manifest.get("models") or [{}]
    folder = _new_folder(environment.get("TRAINYARD_RUNS") or "runs")
    job: dict[str, Any] = {
        "protocol": 1,
        "jobId": 0,
        "attempt": 1,
        "operation": environment.get("OPERATION") or "train",
        "taskType": environment.get("TASK_TYPE") or (manifest.get("taskTypes") or ["classification"])[0],
        "framework": manifest.get("framework") or "python",
        "model": environment.get("MODEL_NAME") or models[0].get("name") or "",
        "traceId": "0" * 32,
        "isLocal": True,
        "config": {"basic": basic, "advanced": advanced},
        "workDir": folder,
        "checkpoint": None,
    }
    dataset, checkpoint = environment.get("TRAINYARD_DATASET"), environment.get("TRAINYARD_CHECKPOINT")
    if dataset:
        job["dataset"] = {"dir": os.path.abspath(dataset), "classes": [], "splits": [], "counts": {}}
    if checkpoint:
        job["checkpoint"] = {"path": os.path.abspath(checkpoint), "name": os.path.basename(checkpoint)}
    return job


_VARIABLES = (
    ("EPOCHS", "epochs", int),
    ("BATCH_SIZE", "batch", int),
    ("LEARNING_RATE", "learning_rate", float),
    ("IMGSZ", "imgsz", int),
    ("DEVICE", "device", str),
)


def basic_variables(environment: Mapping[str, str]) -> dict[str, Any]:
    """The basic settings that have a variable of their own."""
    found: dict[str, Any] = {}
    for variable, name, read in _VARIABLES:
        value = environment.get(variable)
        if not value:
            continue
        try:
            found[name] = read(value)
        except ValueError as error:
            raise ConfigError(f"{variable} is {value!r}; expected a number") from error
    return found


def defaults(manifest: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The basic and the advanced settings of a manifest, with their defaults."""
    basic: dict[str, Any] = {}
    advanced: dict[str, Any] = {}
    schema = (manifest.get("config") or {}).get("schema") or {}
    for name, field in (schema.get("properties") or {}).items():
        if "default" in field:
            (advanced if field.get("x-group") == "advanced" or field.get("x-advanced") else basic)[name] = field["default"]
    return basic, advanced


def find_manifest() -> dict[str, Any]:
    """The `trainer.json` of the folder, or of that of the program. Empty: there is none."""
    script = os.path.dirname(os.path.abspath(getattr(sys.modules.get("__main__"), "__file__", None) or "x"))
    for folder in (os.getcwd(), script):
        path = os.path.join(folder, "trainer.json")
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                return json.load(file)
    return {}


def _new_folder(parent: str) -> str:
    os.makedirs(parent, exist_ok=True)
    number = 1 + max((int(name) for name in os.listdir(parent) if name.isdigit()), default=0)
    while True:
        try:
            folder = os.path.abspath(os.path.join(parent, str(number)))
            os.mkdir(folder)
            return folder
        except FileExistsError:
            number += 1
