import hashlib
import json
import os
import signal
import time
from pathlib import Path

from support_platform import PlatformCase

TRAIN = """
import os
from trainyard_sdk import job
path = os.path.join(job.work_dir, "last.pt")
for epoch in job.epochs():
    job.progress(loss=1 / epoch, top1_accuracy=0.5)
    job.validation(top1_accuracy=0.5)
    with open(path, "w") as file:
        file.write(str(epoch))
    job.checkpoint("last", path)
"""


class Course(PlatformCase):
    def test_a_training_reports_epochs_validations_files_and_its_end_once_and_in_order(self):
        code = self.run_program(TRAIN + "print(job.dataset.path, job.dataset.classes, job.config.mixup, os.environ.get('CALLBACK_TOKEN'))\n")
        self.assertEqual(code, 0, self.errors)
        self.assertEqual(self.output.split(), [str(self.cache / ("a" * 64) / "files"), "['cat']", "0.2", "None"])
        self.assertEqual(self.events[0]["type"], "started")
        self.assertEqual([event["seq"] for event in self.events], list(range(1, len(self.events) + 1)))
        epochs = [event for event in self.of_type("progress") if "epoch" in event]
        self.assertEqual([(each["epoch"], each["totalEpochs"], each["metrics"]["loss"]) for each in epochs], [(n, 3, 1 / n) for n in (1, 2, 3)])
        self.assertEqual(self.of_type("validation")[2]["primary"], {"name": "top1_accuracy", "value": 0.5, "goal": "maximize"})
        last = self.of_type("checkpoint")[-1]
        self.assertEqual((last["epoch"], self.stored[last["artifactId"]], self.names[last["artifactId"]]["name"]), (3, b"3", "last.pt"))
        result = self.events[-1]["result"]
        self.assertEqual(self.events[-1]["type"], "completed")
        self.assertEqual((result["metrics"]["loss"], result["checkpointIds"][-1]), (1 / 3, last["artifactId"]))

    def test_a_prediction_counts_its_images_and_takes_those_of_the_test_split(self):
        self.run_program(
            "from trainyard_sdk import job\n"
            "for image in job.images():\n"
            "    print(image['path'])\n"
            "    job.prediction(image['name'], [], inference_ms=4)\n",
            OPERATION="predict",
        )
        self.assertEqual(self.output.strip(), str(self.cache / ("a" * 64) / "files" / "images" / "test.png"))
        self.assertEqual(self.events[-1]["result"], {"operation": "predict", "imageCount": 1, "totalInferenceTimeMs": 4, "avgInferenceTimeMs": 4})

    def test_an_export_names_its_file(self):
        self.run_program(
            "from trainyard_sdk import job\nopen('model.onnx', 'w').write('onnx')\n"
            "job.artifact('model.onnx', kind='export')\njob.complete(metadata={'opset': 17})\n",
            OPERATION="export",
            EXPORT_FORMAT="onnx",
        )
        self.assertEqual([event["type"] for event in self.events][-2:], ["export", "completed"])
        self.assertEqual(self.events[-1]["result"], {"operation": "export", "format": "onnx", "artifactId": "art1", "metadata": {"opset": 17}})

    def test_a_checkpoint_is_fetched_and_the_training_continues_after_it(self):
        self.stored["before"] = b"weights"
        self.checkpoint = self.saved("last.pt", hashlib.sha256(b"weights").hexdigest())
        self.run_program("from trainyard_sdk import job\nprint(open(job.resume_from).read(), list(job.epochs()))")
        self.assertEqual(self.output.strip(), "weights [3]")

    def test_other_bytes_than_promised_are_no_checkpoint(self):
        self.stored["before"] = b"weights"
        self.checkpoint = self.saved("last.pt", hashlib.sha256(b"other").hexdigest())
        self.assertEqual(self.run_program(TRAIN), 1)
        self.assertEqual(self.events[-1]["errorType"], "CheckpointError")
        self.assertEqual(self.requests.count(("GET", "/storage/before")), 3)

    def saved(self, name, digest):
        request = {"method": "GET", "url": f"{self.url}/storage/before", "headers": {}}
        resume = {"attempt": 1, "epoch": 2}
        return {"artifactId": "x", "name": name, "sizeBytes": 7, "sha256": digest, "request": request, "resume": resume}

    def test_steps_are_thinned_and_the_last_arrives(self):
        self.run_program("from trainyard_sdk import job\nfor step in range(1, 20001):\n    job.progress(step=step, total_steps=20000, loss=1)\n")
        steps = [event["step"] for event in self.of_type("progress") if "step" in event]
        self.assertEqual(steps[-1], 20000)
        self.assertLess(len(steps), 200)


class Ends(PlatformCase):
    def test_an_exception_fails_the_job_with_its_traceback(self):
        code = self.run_program("from trainyard_sdk import job\njob.log('up')\nraise MemoryError('too much')")
        self.assertEqual(code, 1)
        failed = self.events[-1]
        self.assertEqual((failed["type"], failed["errorType"], failed["retryable"]), ("failed", "ResourceError", True))
        self.assertIn("too much", failed["traceback"])

    def test_settings_that_cannot_be_used_exit_with_3(self):
        code = self.run_program("from trainyard_sdk import job, ConfigError\njob.log('up')\nraise ConfigError('imgsz is odd')")
        self.assertEqual((code, self.events[-1]["errorType"], self.events[-1]["message"]), (3, "ConfigError", "imgsz is odd"))

    def test_an_exit_code_fails_the_job_and_one_that_was_caught_does_not(self):
        self.run_program("import sys\nfrom trainyard_sdk import job\njob.log('up')\nsys.exit(4)")
        self.assertEqual(self.events[-1]["message"], "The program exited with 4")
        self.setUp()
        self.run_program("import sys\nfrom trainyard_sdk import job\ntry:\n    sys.exit(4)\nexcept SystemExit:\n    job.log('goes on')\n")
        self.assertEqual(self.events[-1]["type"], "completed")

    def test_a_program_that_is_killed_is_reported_by_the_process_beside_it(self):
        process = self.start("import time\nfrom trainyard_sdk import job\njob.progress(epoch=1, loss=1)\ntime.sleep(600)")
        self.until(lambda: any("epoch" in event for event in self.events))
        process.kill()
        self.until(lambda: self.of_type("failed"))
        self.assertIn("was killed", self.events[-1]["message"])

    def test_a_cancel_of_the_platform_ends_the_epochs(self):
        process = self.start("import time\n" + TRAIN.replace("job.epochs()", "job.epochs(100000)") + "    time.sleep(0.01)\nprint('saved')\n")
        self.until(lambda: self.of_type("checkpoint"))
        self.should_continue = False
        output, errors = process.communicate(timeout=60)
        self.assertEqual((output.strip(), self.events[-1]["type"]), ("saved", "cancelled"), errors)

    def test_a_cancel_that_comes_as_a_signal_and_as_an_answer_lets_the_program_save(self):
        program = TRAIN.replace("job.epochs()", "job.epochs(100000)") + "    time.sleep(0.01)\ntime.sleep(2)\nprint('saved')\n"
        process = self.start("import time\n" + program)
        self.until(lambda: self.of_type("checkpoint"))
        process.send_signal(signal.SIGTERM)
        self.should_continue = False
        output, errors = process.communicate(timeout=60)
        self.assertEqual((output.strip(), self.events[-1]["type"]), ("saved", "cancelled"), errors)

    def test_a_loss_that_is_no_number_ends_the_training(self):
        self.run_program("import time\nfrom trainyard_sdk import job\nfor epoch in job.epochs(100000):\n    job.progress(loss=float('nan'))\n    time.sleep(0.01)\n")
        self.assertEqual((self.events[-1]["type"], self.events[-1]["errorType"]), ("failed", "ValidationError"))

    def test_a_second_process_of_the_attempt_does_not_report(self):
        process = self.start("import time\nfrom trainyard_sdk import job\njob.log('up')\ntime.sleep(600)")
        self.until(lambda: self.events)
        self.assertEqual(self.run_program("from trainyard_sdk import job\njob.log('second')"), 1)
        self.assertIn("another process already runs attempt 1", self.errors)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    def test_variables_that_are_missing_are_named(self):
        self.run_program("from trainyard_sdk import job\njob.log('up')", MODEL_NAME="")
        self.assertIn("MODEL_NAME is not set, although CALLBACK_URL is", self.errors)


class Faults(PlatformCase):
    def test_a_platform_that_is_away_busy_or_cuts_connections_gets_everything_once(self):
        faults = [(503, {"code": "unavailable"}, {"Retry-After": "0"}), "reset", (429, {}, {"Retry-After": "0"}), (500, {}, {})] * 2

        def fault(method, path, body):
            return faults.pop() if faults and len(self.requests) % 2 else None

        self.fault = fault
        code = self.run_program(TRAIN)
        self.assertEqual(code, 0, self.errors)
        self.assertEqual([event["seq"] for event in self.events], list(range(1, len(self.events) + 1)))
        self.assertEqual([each["epoch"] for each in self.of_type("progress") if "epoch" in each], [1, 2, 3])
        self.assertEqual(self.events[-1]["type"], "completed")

    def test_answers_that_do_not_follow_the_contract_are_asked_for_again(self):
        answers = [b"", b"<html>", [], {"acknowledged": "1"}, {"acknowledged": 0, "token": {}}, {"acknowledged": 0, "rejected": [1]}]

        def fault(method, path, body):
            return (200, answers.pop(), {}) if path.endswith("/events") and answers and len(self.requests) % 2 else None

        self.fault = fault
        self.assertEqual(self.run_program(TRAIN), 0, getattr(self, "errors", ""))
        self.assertEqual([each["epoch"] for each in self.of_type("progress") if "epoch" in each], [1, 2, 3])
        self.assertEqual(self.events[-1]["type"], "completed")

    def test_an_answer_that_is_lost_is_no_second_event(self):
        lost = [True, True]

        def fault(method, path, body):
            if path.endswith("/events") and b"epoch" in body and lost:
                lost.pop()
                self._take_events(json.loads(body))
                return "reset"
            return None

        self.fault = fault
        self.assertEqual(self.run_program(TRAIN), 0, getattr(self, "errors", ""))
        self.assertEqual([each["epoch"] for each in self.of_type("progress") if "epoch" in each], [1, 2, 3])

    def test_the_file_of_the_token_is_read_again_when_it_was_renewed(self):
        file = Path(self.folder) / "token"
        file.write_text("first")

        def fault(method, path, body):
            if b'"epoch":1' in body and self.token == "first":
                self.token = "second"
                file.write_text("second")
            return None

        self.fault = fault
        self.assertEqual(self.run_program(TRAIN, CALLBACK_TOKEN="old", CALLBACK_TOKEN_FILE=str(file)), 0)
        self.assertEqual(self.events[-1]["type"], "completed")

    def test_what_was_not_sent_when_everything_was_killed_is_in_the_spool_and_the_next_process_sends_it(self):
        self.fault = lambda method, path, body: (503, {}, {}) if path.endswith("/events") else None
        process = self.start(TRAIN + "import time\nprint('trained', flush=True)\ntime.sleep(600)")
        self.assertEqual(process.stdout.readline(), "trained\n")
        spool = self.work_dir / ".trainyard" / "journal-1.spool"
        self.until(lambda: spool.read_bytes().count(b'"checkpoint"') >= 1)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        self.assertEqual(self.events, [])
        # The sender is in the same group; its lock is free once it has ended.
        time.sleep(0.1)
        self.fault = lambda method, path, body: None
        self.assertEqual(self.run_program("from trainyard_sdk import job\njob.log('again')"), 0, getattr(self, "errors", ""))
        self.assertEqual([each["epoch"] for each in self.of_type("progress") if "epoch" in each], [1, 2, 3])
        self.assertEqual([event["seq"] for event in self.events], list(range(1, len(self.events) + 1)))
        self.assertIn("restarted", [event.get("eventType") for event in self.events])
        self.assertEqual(self.events[-1]["type"], "completed")

    def test_an_event_that_the_platform_refuses_does_not_stop_those_after_it(self):
        def fault(method, path, body):
            if path.endswith("/events") and b"monster" in body:
                return 413, {"code": "payload_too_large"}, {}
            return None

        self.fault = fault
        self.run_program("from trainyard_sdk import job\njob.log('before')\njob.log('monster')\njob.log('after')\n")
        messages = [event["message"] for event in self.of_type("log")]
        self.assertEqual(messages[0], "before")
        self.assertIn("was refused by the platform (413)", messages[1])
        self.assertEqual(messages[2], "after")

    def test_a_checkpoint_that_cannot_be_stored_fails_the_job(self):
        self.fault = lambda method, path, body: (403, {}, {}) if path.startswith("/storage/") else None
        self.assertEqual(self.run_program(TRAIN), 0)
        self.assertEqual((self.events[-1]["type"], self.events[-1]["errorType"]), ("failed", "CheckpointError"))

    def test_an_end_that_cannot_be_delivered_is_exit_code_2(self):
        self.fault = lambda method, path, body: (409, {"code": "attempt_superseded"}, {}) if b"completed" in body else None
        self.assertEqual(self.run_program("from trainyard_sdk import job\njob.log('up')"), 2)
