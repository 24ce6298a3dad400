import importlib.util
import unittest
from pathlib import Path

from support import BridgeCase

PROGRAM = """
import torch
from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification
from trainyard_sdk import job
from trainyard_sdk.transformers import TrainyardCallback

config = ViTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=8, patch_size=4, num_labels=2)
torch.manual_seed(0)
data = [{"pixel_values": torch.rand(3, 8, 8) + n % 2, "labels": n % 2} for n in range(16)]
args = TrainingArguments("out", num_train_epochs=job.config.epochs, per_device_train_batch_size=4, eval_strategy="epoch", save_strategy="epoch",
    logging_steps=2, save_total_limit=1, load_best_model_at_end=True, metric_for_best_model="accuracy", report_to=[], use_cpu=True, disable_tqdm=True)
trainer = Trainer(model=ViTForImageClassification(config), args=args, train_dataset=data, eval_dataset=data, callbacks=[TrainyardCallback()],
    compute_metrics=lambda p: {"accuracy": (p.predictions.argmax(-1) == p.label_ids).mean()})
trainer.train(resume_from_checkpoint=job.resume_from)
print("steps", trainer.state.global_step)
"""

METRICS = {"loss", "grad_norm", "learning_rate", "train_loss", "eval_loss", "eval_accuracy"}


@unittest.skipUnless(importlib.util.find_spec("transformers") and importlib.util.find_spec("torch"), "transformers is not installed")
class Transformers(BridgeCase):
    def test_a_training_reports_steps_evaluations_and_checkpoints_and_continues(self):
        self.assertEqual(self.run_program(PROGRAM), 0, getattr(self, "errors", ""))
        progress = self.of_type("progress")
        self.assertEqual([event["step"] for event in progress if "loss" in event["metrics"]], [2, 4, 6, 8, 10, 12])
        self.assertEqual((progress[0]["totalEpochs"], progress[0]["totalSteps"]), (3, 12))
        validations = self.of_type("validation")
        self.assertEqual([event["epoch"] for event in validations], [1, 2, 3])
        self.assertLessEqual({"eval_loss", "eval_accuracy"}, set(validations[0]["metrics"]))
        # How long the run took, and how fast it was, is not a metric of the model.
        self.assertEqual({name for event in progress + validations for name in event["metrics"]}, METRICS)
        saved = self.of_type("checkpoint")
        self.assertEqual([event["epoch"] for event in saved if event["name"] == "last"], [1, 2, 3])
        self.assertIn("best", [event["name"] for event in saved])
        # The trainer keeps one folder alone. The bridge has the others, and the training continues from one of them.
        second = next(event for event in saved if event["name"] == "last" and event["epoch"] == 2)
        self.continue_from(second)
        self.assertEqual(self.run_program(PROGRAM), 0, self.errors)
        self.assertEqual([event["epoch"] for event in self.of_type("validation")], [3])

    def test_figures_of_each_class_and_a_confusion_matrix_are_reported_for_the_split_under_the_names_that_were_asked_for(self):
        self.job["config"]["basic"]["epochs"] = 1
        figures = '{"accuracy": 0.5, "per_class": {"cat": {"f1": 0.25}}, "confusion_matrix": {"classes": ["cat", "dog"], "counts": [[3, 1], [0, 4]]}}'
        start = PROGRAM.index("compute_metrics=")
        program = PROGRAM[:start] + f"compute_metrics=lambda p: {figures})" + PROGRAM[PROGRAM.index("\ntrainer.train") :]
        program = program.replace("TrainyardCallback()", 'TrainyardCallback(split="test", eval_prefix="")')
        self.assertEqual(self.run_program(program), 0, getattr(self, "errors", ""))
        validation = self.of_type("validation")[0]
        self.assertEqual(validation["split"], "test")
        self.assertEqual(validation["metrics"]["accuracy"], 0.5)
        self.assertEqual(validation["perClass"], {"cat": {"f1": 0.25}})
        self.assertEqual(validation["confusionMatrix"], {"classes": ["cat", "dog"], "counts": [[3, 1], [0, 4]]})

    def test_a_cancel_ends_the_training_with_a_checkpoint(self):
        self.job["config"]["basic"]["epochs"] = 100000
        finish = self.start(PROGRAM)
        self.cancel_after("progress")
        self.assertEqual(finish(), 0, getattr(self, "errors", ""))
        self.assertTrue(Path(self.of_type("checkpoint")[-1]["file"]).is_dir())
        self.assertIn("steps ", self.output)


if __name__ == "__main__":
    unittest.main()
