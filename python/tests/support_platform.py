"""A platform that a test plays: the endpoints below `CALLBACK_URL`, and a storage beside them."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SOURCE = str(Path(__file__).resolve().parent.parent / "src")


class PlatformCase(unittest.TestCase):
    """`self.events` are those that the platform stored, each once, in order."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.work_dir = self.folder / "work"
        self.work_dir.mkdir()
        self.cache = self.folder / "cache"
        (self.cache / ("a" * 64) / "files").mkdir(parents=True)
        self.events, self.stored, self.names, self.requests = [], {}, {}, []
        self.should_continue = True
        self.checkpoint = None
        self.token = "first"
        #: Called with method, path and body before the answer; returns an answer (status, JSON, headers) of its own, or None.
        self.fault = lambda method, path, body: None
        self.lock = threading.Lock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def _handler(self):
        case = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                with case.lock:
                    case.requests.append((self.command, self.path))
                    own = case.fault(self.command, self.path, body)
                    if own == "reset":
                        self.close_connection = True
                        return
                    status, value, headers = own or case._answer(self.command, self.path, body, self.headers)
                text = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                for name, each in headers.items():
                    self.send_header(name, each)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = answer

        return Handler

    def _answer(self, method, path, body, headers):
        if path.startswith("/storage/"):
            name = path[len("/storage/") :]
            if method == "PUT":
                self.stored[name] = body
                return 200, b"", {"ETag": f'"{name}"'}
            return 200, self.stored[name], {}
        if headers.get("Authorization") != f"Bearer {self.token}":
            return 401, {"code": "token_expired"}, {}
        route = path.split("?")[0].removeprefix("/v1/jobs/7") if hasattr(str, "removeprefix") else path
        if route == "/events":
            return self._take_events(json.loads(body))
        if route == "/artifacts":
            described = json.loads(body)
            identity = f"art{len(self.names) + 1}"
            self.names[identity] = described
            request = {"method": "PUT", "url": f"{self.url}/storage/{identity}", "headers": {}, "expiresAt": "2100-01-01T00:00:00Z"}
            return 200, {"id": identity, "upload": {"type": "single", "request": request}}, {}
        if route.startswith("/artifacts/"):
            identity = route.split("/")[2]
            content = self.stored[identity]
            described = self.names[identity]
            right = len(content) == described["sizeBytes"] and hashlib.sha256(content).hexdigest() == described["sha256"]
            return (200, {}, {}) if right else (422, {"code": "invalid_request", "detail": "other bytes"}, {})
        if route == "/inputs/checkpoint":
            return (404, {"code": "not_found"}, {}) if self.checkpoint is None else (200, self.checkpoint, {})
        if route == "/inputs/images":
            return 404, {"code": "not_found"}, {}
        if route == "/dataset":
            counts = {"images": 2, "labelled": 2, "annotations": 2, "splits": {"train": 1, "val": 0, "test": 1}}
            return 200, {"format": "dice", "classes": [{"id": 0, "name": "cat"}], "counts": counts, "annotationFiles": []}, {}
        if route == "/dataset/cache":
            return 200, {"state": "ready", "folder": f"{'a' * 64}/files"}, {}
        if route == "/dataset/files":
            files = [{"path": f"images/{split}.png", "sizeBytes": 1, "split": split, "url": self.url} for split in ("train", "test")]
            return 200, {"files": files}, {}
        return 404, {"code": "not_found"}, {}

    def _take_events(self, request):
        held = len(self.events)
        for event in request["events"]:
            if event["seq"] <= len(self.events):
                continue
            if event["seq"] != len(self.events) + 1:
                return 409, {"code": "sequence_gap", "acknowledged": held}, {}
            self.events.append(event)
        answer = {"acknowledged": len(self.events), "shouldContinue": self.should_continue, "heartbeatSeconds": 0.5}
        return 200, answer if self.should_continue else {**answer, "reason": "cancelled"}, {}

    def environment(self, **more):
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
        return {
            **kept,
            "PYTHONPATH": SOURCE,
            "JOB_ID": "7",
            "JOB_ATTEMPT": "1",
            "OPERATION": "train",
            "CALLBACK_URL": f"{self.url}/v1/jobs/7",
            "CALLBACK_TOKEN": "first",
            "TRACE_ID": "0" * 32,
            "TASK_TYPE": "classification",
            "FRAMEWORK": "python",
            "MODEL_NAME": "small",
            "CONFIG": '{"basic": {"epochs": 3}, "advanced": {"mixup": 0.2}}',
            "WORK_DIR": str(self.work_dir),
            "DATASET_CACHE_DIR": str(self.cache),
            "DATASET_CACHE_FILLED_BY": "platform",
            **more,
        }

    def start(self, program, **environment):
        script = self.folder / "program.py"
        script.write_text(program)
        process = subprocess.Popen(
            [sys.executable, str(script)],
            env=self.environment(**environment),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

        def stop():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)

        self.addCleanup(stop)
        return process

    def run_program(self, program, **environment):
        process = self.start(program, **environment)
        self.output, self.errors = process.communicate(timeout=600)
        return process.returncode

    def of_type(self, kind):
        return [event for event in self.events if event["type"] == kind]

    def until(self, reached):
        """Waits for what the program does next; a program that ended without it fails the test through its own output."""
        done = threading.Event()
        for _ in range(3000):
            with self.lock:
                if reached():
                    return
            done.wait(0.02)
        self.fail("it did not happen within a minute")
