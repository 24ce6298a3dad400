"""Starts programs that use the package, with a bridge that this test plays."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

SOURCE = str(Path(__file__).resolve().parent.parent / "src")


class BridgeCase(unittest.TestCase):
    """A run of a program with a `job.json`, and with the events that it wrote."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.job = {
            "protocol": 1,
            "jobId": 7,
            "attempt": 1,
            "operation": "train",
            "taskType": "classification",
            "framework": "python",
            "model": "small",
            "traceId": "0" * 32,
            "isLocal": False,
            "config": {"basic": {"epochs": 3, "batch": 4}, "advanced": {"mixup": 0.2}},
            "workDir": str(self.folder),
            "dataset": {
                "dir": "/data",
                "format": "imagefolder",
                "classes": [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}],
                "splits": ["train"],
                "counts": {},
            },
            "checkpoint": None,
        }

    def environment(self, **more):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
        return {**kept, "PYTHONPATH": SOURCE, **more}

    def start(self, program, **environment):
        """Starts a program. The events are those that a FIFO received, as under `trainyard exec`."""
        job_file, pipe = self.folder / "job.json", self.folder / "events"
        job_file.write_text(json.dumps(self.job))
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDWR)
        self.lines = []
        self.on_line = getattr(self, "on_line", lambda line: None)

        def read():
            with os.fdopen(reader, "rb", buffering=0) as file:
                rest = b""
                while b"\0" not in rest:
                    rest += file.read(65536)
                    *whole, rest = rest.split(b"\n")
                    for line in whole:
                        self.lines.append(line)
                        self.on_line(line)

        thread = threading.Thread(target=read)
        thread.start()
        script = self.folder / "program.py"
        script.write_text(program)
        process = subprocess.Popen(
            [sys.executable, str(script)],
            env=self.environment(TRAINYARD_JOB_FILE=str(job_file), TRAINYARD_EVENTS=str(pipe), **environment),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

        def finish():
            self.output, self.errors = process.communicate(timeout=600)
            writer = os.open(pipe, os.O_WRONLY)
            os.write(writer, b"\0")
            os.close(writer)
            thread.join()
            self.events = [json.loads(line) for line in self.lines]
            return process.returncode

        self.process = process
        return finish

    def run_program(self, program, **environment):
        return self.start(program, **environment)()

    def of_type(self, kind):
        return [event for event in self.events if event["type"] == kind]

    def continue_from(self, saved):
        """The next program starts where the attempt with this checkpoint ended."""
        resume = {"attempt": 1, "epoch": saved["epoch"]}
        self.job["checkpoint"] = {"path": saved["file"], "name": "last", "sizeBytes": 1, "resume": resume}
        (self.folder / "events").unlink()

    def cancel_after(self, kind):
        """Cancels the program that was started once it has sent an event of this kind."""
        while not any(f'"{kind}"'.encode() in line for line in self.lines):
            self.assertIsNone(self.process.poll())
            time.sleep(0.05)
        self.process.send_signal(signal.SIGTERM)
