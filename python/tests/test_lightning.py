import importlib.util
import unittest

from support import BridgeCase

PROGRAM = """
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader
from trainyard_sdk import job
from trainyard_sdk.lightning import TrainyardCallback, TrainyardLogger

class Model(LightningModule):
    def __init__(self, width=4):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(width, 1)
    def training_step(self, batch, _):
        loss = self.layer(batch).square().mean()
        self.log("loss", loss, on_step=True, on_epoch=False)
        self.log("train_error", loss, on_step=False, on_epoch=True)
        return loss
    def validation_step(self, batch, _):
        self.log("val_loss", self.layer(batch).square().mean())
        self.log("mistakes", 0.5)
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

torch.manual_seed(0)
data = DataLoader(torch.rand(16, 4), batch_size=4)
trainer = Trainer(max_epochs=job.config.epochs, min_epochs=1, accelerator="cpu", log_every_n_steps=2, enable_progress_bar=False,
    enable_model_summary=False, logger=TrainyardLogger(),
    callbacks=[TrainyardCallback(), ModelCheckpoint(job.work_dir, monitor="val_loss", save_last=True)])
trainer.fit(Model(), data, data, ckpt_path=job.resume_from)
print("after", trainer.current_epoch, trainer.global_step)
"""


@unittest.skipUnless(importlib.util.find_spec("lightning"), "lightning is not installed")
class Lightning(BridgeCase):
    def test_a_training_reports_steps_validations_and_checkpoints_and_continues(self):
        self.assertEqual(self.run_program(PROGRAM), 0, getattr(self, "errors", ""))
        progress = self.of_type("progress")
        steps = [event for event in progress if "loss" in event["metrics"]]
        self.assertEqual([event["step"] for event in steps], [2, 4, 6, 8, 10, 12])
        self.assertEqual([event["epoch"] for event in steps], [1, 1, 2, 2, 3, 3])
        self.assertEqual(steps[0]["totalEpochs"], 3)
        self.assertEqual([event["epoch"] for event in progress if "train_error" in event["metrics"]], [1, 2, 3])
        validations = self.of_type("validation")
        self.assertEqual([event["epoch"] for event in validations], [1, 2, 3])
        for event in validations:
            self.assertEqual(set(event["metrics"]), {"val_loss", "mistakes"})
        saved = self.of_type("checkpoint")
        self.assertEqual([event["epoch"] for event in saved if event["name"] == "last"], [1, 2, 3])
        self.assertEqual([event["epoch"] for event in saved if event["name"] == "best"], [1, 2, 3])
        self.assertEqual(self.output.strip(), "after 3 12")
        second = next(event for event in saved if event["name"] == "last" and event["epoch"] == 2)
        self.continue_from(second)
        self.assertEqual(self.run_program(PROGRAM), 0, self.errors)
        self.assertEqual([event["epoch"] for event in self.of_type("validation")], [3])

    def test_a_cancel_ends_the_training_after_its_batch_with_a_checkpoint_and_the_program_goes_on(self):
        self.job["config"]["basic"]["epochs"] = 100000
        finish = self.start(PROGRAM)
        self.cancel_after("progress")
        self.assertEqual(finish(), 0, getattr(self, "errors", ""))
        self.assertIn("after ", self.output, self.errors)
        last = [event for event in self.of_type("checkpoint") if event["name"] == "last"][-1]
        self.job["config"]["basic"]["epochs"] = last["epoch"] + 1
        self.continue_from(last)
        self.assertEqual(self.run_program(PROGRAM), 0, self.errors)
        # An older Lightning repeats the batch after which it was ended.
        steps = 4 * (last["epoch"] + 1)
        self.assertIn(self.output.strip(), [f"after {last['epoch'] + 1} {each}" for each in (steps, steps + 1)])


if __name__ == "__main__":
    unittest.main()
