import json
import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from support import BridgeCase


class Input(BridgeCase):
    def test_settings_are_keys_and_attributes_and_an_unknown_one_names_the_known(self):
        code = self.run_program(
            "from trainyard_sdk import job\n"
            "assert job.config.epochs == 3 and job.config['mixup'] == 0.2 and job.config.advanced == {'mixup': 0.2}\n"
            "assert job.dataset.path == '/data' and job.dataset.classes == ['cat', 'dog']\n"
            "job.config.lr0\n"
        )
        self.assertEqual(code, 1)
        self.assertIn('the job has no setting "lr0". Its settings: batch, epochs, mixup', self.errors)

    def test_a_program_without_a_job_says_how_to_start_it(self):
        ran = subprocess.run(
            [sys.executable, "-c", "from trainyard_sdk import job"], env=self.environment(), stderr=subprocess.PIPE, text=True
        )
        self.assertEqual(ran.returncode, 1)
        self.assertIn("trainyard dev train --dataset FOLDER", ran.stderr)
        self.assertIn("TRAINYARD_LOCAL=1", ran.stderr)

    def test_no_framework_is_imported(self):
        self.run_program(
            "import sys\nbefore = set(sys.modules)\nfrom trainyard_sdk import job\n"
            "print(sorted({'torch', 'numpy', 'transformers'} & set(sys.modules)))"
        )
        self.assertEqual(self.output.strip(), "[]")


class Course(BridgeCase):
    def test_epochs_start_after_the_last_attempt(self):
        self.job["checkpoint"] = {"path": "/last.pt", "name": "last", "sizeBytes": 1, "resume": {"attempt": 1, "epoch": 2}}
        self.run_program("from trainyard_sdk import job\nprint(job.resume_from, list(job.epochs()))")
        self.assertEqual(self.output.strip(), "/last.pt [3]")

    def test_a_checkpoint_of_another_job_starts_at_the_first_epoch(self):
        self.job["checkpoint"] = {"path": "/best.pt", "name": "best", "sizeBytes": 1}
        self.run_program("from trainyard_sdk import job\nprint(job.resume_from, job.start.path, list(job.epochs()))")
        self.assertEqual(self.output.strip(), "None /best.pt [1, 2, 3]")

    def test_a_cancel_ends_the_epochs_and_the_program_can_finish(self):
        finish = self.start(
            "import time\nfrom trainyard_sdk import job\n"
            "for epoch in job.epochs(100000):\n    job.progress(loss=1)\n    time.sleep(0.01)\n"
            "print('saved', job.is_cancelled)\n"
        )
        while not self.lines:
            time.sleep(0.01)
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(finish(), 0)
        self.assertEqual(self.output.strip(), "saved True")

    def test_a_program_that_does_not_look_ends_on_a_cancel_at_once(self):
        finish = self.start("import time\nfrom trainyard_sdk import job\njob.log('up')\ntime.sleep(60)")
        while not self.lines:
            time.sleep(0.01)
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(finish(), -signal.SIGTERM)

    def test_best_knows_which_way_is_better_and_ignores_nan(self):
        self.run_program(
            "from trainyard_sdk import job\n"
            "print([job.best('val_loss', x) for x in (2, 3, float('nan'), 1)], [job.best('acc', x) for x in (0.5, 0.5, 0.6)],"
            " [job.best('fid', x, goal='minimize') for x in (5, 4)])"
        )
        self.assertEqual(self.output.strip(), "[True, False, False, True] [True, False, True] [True, True]")


class Metrics(BridgeCase):
    def test_scalars_of_frameworks_are_numbers(self):
        self.run_program(
            "import decimal\nfrom trainyard_sdk import job\n"
            "class Scalar:\n    def item(self): return 0.25\n"
            "class Array:\n    def item(self): raise ValueError('only one element')\n"
            "job.progress(epoch=1, a=Scalar(), b=decimal.Decimal('0.5'), c=True, d=float('inf'), e=None, f=Array(),"
            " g={'h': 1})\n"
            "job.progress({'val/loss': float('nan')}, step=5, total_steps=9)\n"
        )
        first, second = self.of_type("progress")
        self.assertEqual(first["metrics"], {"a": 0.25, "b": 0.5, "c": 1, "d": "Infinity", "g/h": 1})
        self.assertEqual(second, {"type": "progress", "step": 5, "totalSteps": 9, "metrics": {"val/loss": "NaN"}})
        self.assertEqual([e["message"] for e in self.of_type("log")], ['The metric "f" is not one number but Array; it is left out'])

    def test_a_validation_has_everything_that_the_bridge_knows(self):
        self.run_program(
            "from trainyard_sdk import job\n"
            "for epoch in job.epochs(1):\n"
            "    job.validation(top1_accuracy=0.5, split='val', primary='top1_accuracy', goal='maximize',\n"
            "        per_class={'cat': {'recall': 1}}, confusion_matrix=[[1, 0], [1.0, 0]])\n"
        )
        self.assertEqual(
            self.of_type("validation"),
            [
                {
                    "type": "validation",
                    "epoch": 1,
                    "split": "val",
                    "metrics": {"top1_accuracy": 0.5},
                    "primary": {"name": "top1_accuracy", "goal": "maximize"},
                    "perClass": {"cat": {"recall": 1}},
                    "confusionMatrix": {"classes": ["cat", "dog"], "counts": [[1, 0], [1, 0]]},
                }
            ],
        )

    def test_lines_of_many_threads_stay_whole(self):
        self.run_program(
            "import threading\nfrom trainyard_sdk import job\n"
            "def write(n):\n    for i in range(50): job.log('x' * 20000, n=n)\n"
            "threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]\n"
            "[t.start() for t in threads]; [t.join() for t in threads]\n"
        )
        self.assertEqual(len(self.of_type("log")), 200)


class Files(BridgeCase):
    def acknowledge(self, *states):
        path = self.folder / "acks.jsonl"
        path.write_text("")

        def answer(line):
            event = json.loads(line)
            if "id" not in event:
                return
            for state in states:
                time.sleep(0.05)
                self.seen = Path(event["file"]).read_text()
                with open(path, "a") as file:
                    file.write(json.dumps({"id": event["id"], **state}) + "\n")

        self.on_line = answer
        return {"TRAINYARD_ACKS_FILE": str(path)}

    def test_a_checkpoint_returns_when_it_is_copied_so_that_its_path_can_be_written_again(self):
        acks = self.acknowledge({"state": "copied"})
        self.run_program(
            "from trainyard_sdk import job\n"
            "open('last.bin', 'w').write('first')\njob.checkpoint('last', 'last.bin', metrics={'loss': 1})\n"
            "open('last.bin', 'w').write('second')\n",
            **acks,
        )
        self.assertEqual(self.seen, "first")
        (event,) = self.of_type("checkpoint")
        self.assertEqual(event["file"], os.path.realpath(self.folder / "last.bin"))
        self.assertEqual(event["metrics"], {"loss": 1})

    def test_an_upload_that_is_waited_for_has_an_id(self):
        acks = self.acknowledge({"state": "copied"}, {"state": "uploaded", "artifactId": "a1"})
        self.run_program(
            "from trainyard_sdk import job\nopen('p.png', 'w').write('x')\n"
            "print(job.artifact('p.png', kind='plot', name='plots/p.png', wait='uploaded'))",
            **acks,
        )
        self.assertEqual(self.output.strip(), "a1")

    def test_a_refused_file_raises_with_the_reason(self):
        acks = self.acknowledge({"state": "failed", "error": "it is empty"})
        self.run_program("from trainyard_sdk import job\nopen('a', 'w').close()\njob.checkpoint('last', 'a')", **acks)
        self.assertIn("was not saved: it is empty", self.of_type("failed")[0]["message"])
        self.assertEqual(self.of_type("failed")[0]["errorType"], "CheckpointError")

    def test_without_acknowledgements_a_copy_is_named(self):
        self.run_program(
            "import os\nfrom trainyard_sdk import job\nos.mkdir('m')\nopen('m/w', 'w').write('first')\n"
            "job.checkpoint('last', 'm')\nopen('m/w', 'w').write('second')\n"
        )
        (event,) = self.of_type("checkpoint")
        self.assertEqual((Path(event["file"]) / "w").read_text(), "first")

    def test_a_missing_file_is_an_error_at_its_line(self):
        self.assertEqual(self.run_program("from trainyard_sdk import job\njob.checkpoint('best', 'no.pt')"), 1)
        self.assertIn('no.pt" does not exist, and cannot be saved as best', self.errors)


class Failures(BridgeCase):
    def failure(self, program, **environment):
        self.assertNotEqual(self.run_program("from trainyard_sdk import job\n" + program, **environment), 0)
        (event,) = self.of_type("failed")
        return event

    def test_an_uncaught_exception_has_its_type_and_traceback(self):
        event = self.failure("def step():\n    raise ValueError('bad shape')\nstep()")
        self.assertEqual(event["message"], "ValueError: bad shape")
        self.assertIn("in step", event["traceback"])
        self.assertNotIn("errorType", event)
        self.assertIn("ValueError: bad shape", self.errors)

    def test_memory_of_the_gpu_that_ran_out_is_a_resource_error(self):
        event = self.failure("class OutOfMemoryError(RuntimeError): pass\nraise OutOfMemoryError('CUDA out of memory. Tried')")
        self.assertEqual((event["errorType"], event["retryable"]), ("ResourceError", True))
        self.assertEqual(event["message"], "OutOfMemoryError: CUDA out of memory. Tried")

    def test_the_classes_of_this_package_are_the_types_of_the_contract(self):
        event = self.failure("from trainyard_sdk import DatasetError\nraise DatasetError('no images')")
        self.assertEqual((event["errorType"], event["message"], event["retryable"]), ("DatasetError", "no images", False))

    def test_a_missing_module_is_a_matter_of_configuration(self):
        event = self.failure("import not_there")
        self.assertEqual((event["errorType"], event["retryable"]), ("ConfigError", False))

    def test_the_end_of_a_thread_is_logged_and_does_not_fail_the_job(self):
        program = "import threading\nfrom trainyard_sdk import job\nt = threading.Thread(target=lambda: 1 / 0, name='w')\nt.start()\nt.join()"
        self.assertEqual(self.run_program(program), 0)
        (log,) = self.of_type("log")
        self.assertEqual((log["level"], log["message"]), ("error", "The thread w ended with ZeroDivisionError: division by zero"))

    def test_an_interrupt_and_an_exit_are_no_failures_of_the_training(self):
        self.run_program("from trainyard_sdk import job\nraise SystemExit(3)")
        self.assertEqual(self.events, [])


class Logging(BridgeCase):
    def test_levels_tracebacks_and_warnings_reach_the_log(self):
        self.run_program(
            "import logging, warnings\nfrom trainyard_sdk import job\njob.capture_logging()\n"
            "log = logging.getLogger('train')\nlog.info('a %s', 1)\nlog.debug('no')\nlog.critical('c')\nwarnings.warn('old')\n"
            "try: 1 / 0\nexcept Exception: log.exception('e')\n"
        )
        logs = self.of_type("log")
        self.assertEqual([each["level"] for each in logs], ["info", "error", "warning", "error"])
        self.assertEqual(logs[0]["message"], "a 1")
        self.assertIn("UserWarning: old", logs[2]["message"])
        self.assertIn("ZeroDivisionError", logs[3]["data"]["traceback"])


class Processes(BridgeCase):
    def test_only_rank_0_speaks(self):
        self.run_program("from trainyard_sdk import job\njob.progress(loss=1)\nassert job.checkpoint('best', 'none') is None", RANK="1")
        self.assertEqual(self.events, [])

    def test_another_rank_that_fails_says_so_in_one_short_line(self):
        program = "from trainyard_sdk import job\ndef f(n):\n    if n: f(n - 1)\n    raise ValueError('é' * 3000)\nf(200)"
        self.run_program(program, RANK="2")
        (event,) = self.of_type("failed")
        self.assertLessEqual(len(self.lines[0]) + 1, 4096)
        self.assertIn("é", event["message"])

    def test_what_follows_from_the_failure_of_another_process_is_not_its_reason(self):
        self.run_program("from trainyard_sdk import job\nclass DistBackendError(RuntimeError): pass\nraise DistBackendError('peer')")
        self.assertEqual(self.events, [])

    def test_workers_that_load_data_are_silent_and_write_no_half_lines(self):
        self.run_program(
            "import multiprocessing as mp, threading\nfrom trainyard_sdk import job\n"
            "def work(n):\n    job.log('from a worker'); job.progress(loss=n)\n"
            "if __name__ == '__main__':\n"
            "    writer = threading.Thread(target=lambda: [job.log('y' * 9000) for _ in range(100)])\n"
            "    writer.start()\n"
            "    for kind in ('fork', 'spawn'):\n"
            "        each = [mp.get_context(kind).Process(target=work, args=(n,)) for n in range(3)]\n"
            "        [p.start() for p in each]; [p.join() for p in each]\n"
            "        assert [p.exitcode for p in each] == [0, 0, 0]\n"
            "    writer.join()\n",
            RANK="0",
        )
        self.assertEqual(self.errors, "")
        self.assertEqual({event["message"][:2] for event in self.events}, {"yy"})
        self.assertEqual(len(self.events), 100)

    def test_rank_0_of_processes_that_the_program_started_itself_speaks(self):
        self.run_program(
            "import multiprocessing as mp, os\nfrom trainyard_sdk import job\n"
            "def load(): job.log('loader')\n"
            "def train(rank):\n"
            "    os.environ['RANK'] = str(rank)\n    job.progress(rank=rank)\n"
            "    p = mp.get_context('fork').Process(target=load); p.start(); p.join()\n"
            "if __name__ == '__main__':\n"
            "    job.log('start')\n"
            "    each = [mp.get_context('spawn').Process(target=train, args=(n,)) for n in range(2)]\n"
            "    [p.start() for p in each]; [p.join() for p in each]\n"
        )
        self.assertEqual([event["type"] for event in self.events], ["log", "progress"])
        self.assertEqual(self.of_type("progress")[0]["metrics"], {"rank": 0})

    def test_a_worker_can_be_ended_after_the_program_listens_for_a_cancel(self):
        code = self.run_program(
            "import multiprocessing as mp, time\nfrom trainyard_sdk import job\n"
            "if __name__ == '__main__':\n"
            "    for epoch in job.epochs(1):\n"
            "        p = mp.get_context('fork').Process(target=time.sleep, args=(60,)); p.start(); time.sleep(0.1)\n"
            "        p.terminate(); p.join(20); print(p.exitcode)\n"
        )
        self.assertEqual((code, self.output.strip()), (0, "-15"))

    def test_a_bridge_that_is_gone_stops_nothing(self):
        (self.folder / "events").touch()
        job_file = self.folder / "job.json"
        job_file.write_text(json.dumps(self.job))
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        ran = subprocess.run(
            [sys.executable, "-c", "from trainyard_sdk import job\njob.log('a')\njob.log('b')\nprint('done')"],
            env=self.environment(TRAINYARD_JOB_FILE=str(job_file), TRAINYARD_EVENTS=str(pipe)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        self.assertEqual((ran.returncode, ran.stdout), (0, "done\n"))
        self.assertEqual(ran.stderr.count("events are no longer read"), 1)


class Local(BridgeCase):
    def run_local(self, program, **environment):
        (self.folder / "program.py").write_text(program)
        return subprocess.run(
            [sys.executable, "program.py"],
            env=self.environment(TRAINYARD_LOCAL="1", **environment),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )

    def test_a_run_alone_takes_the_defaults_of_the_manifest_and_keeps_results_in_runs(self):
        fields = {"epochs": {"default": 2}, "mixup": {"default": 0.1, "x-group": "advanced"}}
        manifest = {"config": {"schema": {"properties": fields}}, "taskTypes": ["detection"], "models": [{"name": "m"}]}
        (self.folder / "trainer.json").write_text(json.dumps(manifest))
        ran = self.run_local(
            "from trainyard_sdk import job\nassert (job.task_type, job.model, job.config.mixup) == ('detection', 'm', 0.1)\n"
            "for epoch in job.epochs():\n    job.progress(loss=1 / epoch)\n"
            "    open('w.pt', 'w').write(str(epoch)); job.checkpoint('last', 'w.pt')\n",
            EPOCHS="3",
        )
        self.assertEqual((ran.returncode, ran.stdout), (0, ""), ran.stderr)
        self.assertIn("epoch 3/3  loss 0.33333", ran.stderr)
        self.assertEqual((self.folder / "runs/1/last.pt").read_text(), "3")
        events = [json.loads(line) for line in (self.folder / "runs/1/events.jsonl").read_text().splitlines()]
        self.assertEqual(len(events), 6)
        self.run_local("from trainyard_sdk import job\njob.log('again')")
        self.assertTrue((self.folder / "runs/2/events.jsonl").exists())

    def test_a_missing_dataset_names_the_variable(self):
        ran = self.run_local("from trainyard_sdk import job\njob.dataset.path")
        self.assertIn("Set TRAINYARD_DATASET to a folder", ran.stderr)


if __name__ == "__main__":
    unittest.main()
