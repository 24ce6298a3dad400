import importlib.util
import unittest

from support import BridgeCase

# The course of timm's own train script: epochs from 0, percentages, Ctrl+C ends the loop.
PROGRAM = """
import os, timm, torch
from timm import utils
from timm.models import resume_checkpoint
import trainyard_sdk.timm
from trainyard_sdk import job

trainyard_sdk.timm.attach()
torch.manual_seed(0)
model = timm.create_model("resnet10t", num_classes=2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
first = resume_checkpoint(model, job.resume_from, optimizer) or 0 if job.resume_from else 0
saver = utils.CheckpointSaver(model, optimizer, checkpoint_dir=job.work_dir, recovery_dir=job.work_dir, max_history=2)
try:
    for epoch in range(first, job.config.epochs):
        loss = torch.nn.functional.cross_entropy(model(torch.rand(2, 3, 32, 32)), torch.tensor([0, 1]))
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        top1 = [50.0, 75.0, 25.0][epoch % 3]
        utils.update_summary(epoch, {"loss": loss.item()}, {"loss": 1.0, "top1": top1, "top5": 100.0}, os.path.join(job.work_dir, "summary.csv"), write_header=epoch == 0)
        saver.save_checkpoint(epoch, metric=top1)
except KeyboardInterrupt:
    pass
print("after", epoch)
"""


@unittest.skipUnless(importlib.util.find_spec("timm"), "timm is not installed")
class Timm(BridgeCase):
    def test_a_training_reports_epochs_validations_and_checkpoints_and_continues(self):
        self.assertEqual(self.run_program(PROGRAM), 0, getattr(self, "errors", ""))
        self.assertEqual([event["epoch"] for event in self.of_type("progress")], [1, 2, 3])
        validations = self.of_type("validation")
        self.assertEqual([event["epoch"] for event in validations], [1, 2, 3])
        self.assertEqual(validations[1]["metrics"], {"loss": 1.0, "top1_accuracy": 0.75, "top5_accuracy": 1.0})
        saved = self.of_type("checkpoint")
        self.assertEqual([event["epoch"] for event in saved if event["name"] == "last"], [1, 2, 3])
        self.assertEqual([event["epoch"] for event in saved if event["name"] == "best"], [1, 2])
        self.assertEqual(len((self.folder / "summary.csv").read_text().splitlines()), 4)
        second = next(event for event in saved if event["name"] == "last" and event["epoch"] == 2)
        self.continue_from(second)
        self.assertEqual(self.run_program(PROGRAM), 0, self.errors)
        self.assertEqual([event["epoch"] for event in self.of_type("validation")], [3])

    def test_a_cancel_ends_the_training_after_its_epoch_with_a_checkpoint(self):
        self.job["config"]["basic"]["epochs"] = 100000
        finish = self.start(PROGRAM)
        self.cancel_after("checkpoint")
        self.assertEqual(finish(), 0, getattr(self, "errors", ""))
        last = [event for event in self.of_type("checkpoint") if event["name"] == "last"][-1]
        self.assertEqual(self.output.strip(), f"after {last['epoch'] - 1}")


if __name__ == "__main__":
    unittest.main()
