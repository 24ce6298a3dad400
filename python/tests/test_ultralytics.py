import importlib.metadata
import importlib.util
import random
import unittest

from support import BridgeCase

PROGRAM = """
import os, sys

def refuse(event, args):
    if event == "socket.getaddrinfo":
        raise SystemExit(f"looked for {args[0]}")

sys.addaudithook(refuse)
from trainyard_sdk import job
from trainyard_sdk.ultralytics import attach
from ultralytics import YOLO

model = attach(YOLO(job.resume_from or "yolov8n.yaml"))
model.train(data=os.path.join(job.dataset.path, "data.yaml"), epochs=job.config.epochs, imgsz=32, batch=8, workers=0, device="cpu",
    verbose=False)
print("after", job.is_cancelled)
"""


@unittest.skipUnless(importlib.util.find_spec("ultralytics"), "ultralytics is not installed")
class Ultralytics(BridgeCase):
    def setUp(self):
        super().setUp()
        from PIL import Image, ImageDraw

        root = self.folder / "data"
        random.seed(0)
        for split in ("train", "val"):
            for kind in ("images", "labels"):
                (root / kind / split).mkdir(parents=True)
            for number in range(8):
                image = Image.new("RGB", (32, 32), "gray")
                kind, left, top = number % 2, random.randint(1, 14), random.randint(1, 14)
                draw = ImageDraw.Draw(image)
                (draw.rectangle if kind else draw.ellipse)([left, top, left + 16, top + 16], fill="red" if kind else "blue")
                image.save(root / "images" / split / f"{number}.png")
                label = f"{kind} {(left + 8) / 32} {(top + 8) / 32} 0.5 0.5\n"
                (root / "labels" / split / f"{number}.txt").write_text(label)
        (root / "data.yaml").write_text(f"path: {root}\ntrain: images/train\nval: images/val\nnames: [disc, square]\n")
        self.job["dataset"]["dir"] = str(root)
        self.job["config"]["basic"]["epochs"] = 2

    def environment(self, **more):
        return super().environment(TMPDIR=str(self.folder), **more)

    def test_a_training_reports_epochs_classes_checkpoints_and_plots_and_continues(self):
        self.assertEqual(self.run_program(PROGRAM), 0, getattr(self, "errors", ""))
        epochs = [event for event in self.of_type("progress") if "step" not in event]
        self.assertEqual([(event["epoch"], event["totalEpochs"]) for event in epochs], [(1, 2), (2, 2)])
        self.assertLessEqual({"loss", "train/box_loss"}, set(epochs[0]["metrics"]))
        steps = [event for event in self.of_type("progress") if "step" in event]
        self.assertEqual((steps[0]["step"], steps[0]["totalSteps"]), (1, 1))
        validations = self.of_type("validation")
        self.assertEqual([event.get("epoch") for event in validations], [1, 2, None])
        self.assertLessEqual({"mAP50-95", "mAP50", "precision", "recall"}, set(validations[-1]["metrics"]))
        # An older Ultralytics has no figures of classes before something was found.
        if validations[-1]["metrics"]["mAP50"] > 0 or importlib.metadata.version("ultralytics") >= "8.4":
            self.assertEqual(set(validations[-1]["perClass"]), {"disc", "square"})
        matrix = validations[-1]["confusionMatrix"]
        self.assertEqual(matrix["classes"], ["disc", "square", "background"])
        # Each of the four discs of the validation is in its own row, also those that were not found.
        self.assertEqual(sum(matrix["counts"][0]), 4)
        saved = self.of_type("checkpoint")
        self.assertEqual([event["epoch"] for event in saved if event["name"] == "last"], [1, 2])
        self.assertIn("best", [event["name"] for event in saved])
        plots = {event["name"] for event in self.of_type("artifact")}
        self.assertLessEqual({"plots/confusion_matrix.png", "plots/results.png"}, plots)

        first = next(event for event in saved if event["name"] == "last")
        self.continue_from(first)
        second_dir = self.folder / "second"
        second_dir.mkdir()
        self.job["workDir"] = str(second_dir)
        # The dataset of an attempt on another machine.
        moved = (self.folder / "data").rename(self.folder / "moved")
        described = (moved / "data.yaml").read_text().replace(self.job["dataset"]["dir"], str(moved))
        (moved / "data.yaml").write_text(described)
        self.job["dataset"]["dir"] = str(moved)
        self.assertEqual(self.run_program(PROGRAM), 0, self.errors)
        self.assertEqual([event["epoch"] for event in self.of_type("checkpoint") if event["name"] == "last"], [2])
        self.assertTrue((second_dir / "train/weights/last.pt").exists(), "the second attempt writes into its own folder")

    def test_a_cancel_ends_the_training_after_its_batch_and_the_program_goes_on(self):
        self.job["config"]["basic"]["epochs"] = 100000
        finish = self.start(PROGRAM)
        self.cancel_after("checkpoint")
        self.assertEqual(finish(), 0, getattr(self, "errors", ""))
        self.assertIn("after True", self.output)

    def test_several_devices_are_refused_because_nothing_would_be_reported(self):
        self.assertEqual(self.run_program(PROGRAM.replace('device="cpu"', 'device="0,1"')), 1)
        self.assertIn("Name one device", self.of_type("failed")[0]["message"])


if __name__ == "__main__":
    unittest.main()
