"""What the tests of trainers share: the trainer's program, its settings by default, and checkpoints that are given to it."""

import json

from support import BridgeCase


class TrainerCase(BridgeCase):
    """`trainer` is the folder of the trainer, `program` starts it."""

    trainer = None
    program = None

    def environment(self, **more):
        return super().environment(OMP_NUM_THREADS="1", **more)

    def default_settings(self):
        properties = json.loads((self.trainer / "trainer.json").read_text())["config"]["schema"]["properties"]
        return {name: each["default"] for name, each in properties.items()}

    def run_trainer(self):
        (self.folder / "events").unlink(missing_ok=True)
        self.assertEqual(self.run_program(self.program), 0, self.errors)

    def saved(self, name):
        return [event for event in self.of_type("checkpoint") if event["name"] == name]

    def give(self, path, resume=None):
        self.job["checkpoint"] = {"path": str(path), "name": "last", "sizeBytes": 1, "resume": resume}
