"""The trainer `trainers/timm`, with a bridge that the test plays. Needs Python with timm: see `.ci/python-frameworks`."""

import importlib.util
import json
import signal
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python/tests"))
sys.path.insert(0, str(Path(__file__).parent / "support"))

from trainer_case import TrainerCase  # noqa: E402

TRAINER = ROOT / "trainers/timm"
PROGRAM = f"""
import runpy, sys
sys.dont_write_bytecode = True
sys.path.insert(0, {str(TRAINER)!r})
runpy.run_path({str(TRAINER / "main.py")!r}, run_name="__main__")
"""
SHAPES = ["disc", "square", "triangle"]


@unittest.skipUnless(importlib.util.find_spec("timm"), "timm is not installed")
class TimmTrainer(TrainerCase):
    trainer = TRAINER
    program = PROGRAM

    def setUp(self):
        super().setUp()
        import make_dataset

        self.data = self.folder / "data"
        make_dataset.COUNTS = {"train": 48, "val": 24, "test": 6}
        make_dataset.shapes("classify", str(self.data))
        self.use("data", SHAPES)
        settings = self.default_settings()
        settings.update(epochs=3, imgsz=32, workers=0, batch=16, learning_rate=0.003)
        self.job.update(model="resnet10t", config={"basic": settings, "advanced": {}})

    def use(self, name, classes, splits=("train", "val", "test")):
        about = [{"id": number, "name": each} for number, each in enumerate(classes)]
        self.job["dataset"].update(dir=str(self.folder / name), classes=about, splits=list(splits))

    def environment(self, **more):
        return super().environment(MPLCONFIGDIR=str(self.folder / "matplotlib"), **more)

    def test_a_training_learns_reports_and_its_checkpoint_predicts_and_is_exported(self):
        self.job["config"]["basic"]["epochs"] = 6
        self.run_trainer()
        validations = self.of_type("validation")
        self.assertEqual([event["epoch"] for event in validations], [1, 2, 3, 4, 5, 6])
        best = max(event["metrics"]["top1_accuracy"] for event in validations)
        self.assertGreaterEqual(best, 0.9)
        self.assertEqual(set(validations[-1]["perClass"]), set(SHAPES))
        self.assertEqual([sum(row) for row in validations[-1]["confusionMatrix"]["counts"]], [8, 8, 8])
        plots = {event["name"] for event in self.of_type("artifact")}
        self.assertEqual(plots, {"plots/confusion_matrix.png", "plots/pr_curve.png", "plots/samples.png"})
        completed = self.of_type("completed")[0]
        self.assertEqual(completed["metrics"]["top1_accuracy"], best)

        self.give(self.saved("best")[-1]["file"])
        self.job.update(operation="predict", dataset=None, imagesFile=str(self.folder / "images.jsonl"))
        images = sorted((self.data / "val").rglob("*.png"))
        lines = [json.dumps({"name": f"{each.parent.name}/{each.name}", "path": str(each)}) for each in images]
        (self.folder / "images.jsonl").write_text("\n".join(lines))
        self.run_trainer()
        found = {event["imageName"]: event["predictions"] for event in self.of_type("prediction")}
        right = [name for name, objects in found.items() if objects[0]["className"] == name.split("/")[0]]
        self.assertEqual(len(found), 24)
        self.assertAlmostEqual(len(right) / 24, best, delta=0.05)

        self.job.update(operation="export", exportFormat="onnx")
        self.run_trainer()
        exported = self.of_type("artifact")[0]
        self.assertEqual(exported["kind"], "export")
        self.compare_with_onnxruntime(exported["file"], images, found)

    def compare_with_onnxruntime(self, path, images, found):
        """A reader that has nothing of this trainer: what the file says about itself is enough."""
        import numpy
        import onnxruntime
        from PIL import Image

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        about = {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}
        side = about["imgsz"]
        how = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}[about["interpolation"]]
        for image in images:
            pixels = numpy.asarray(Image.open(image).convert("RGB").resize((side, side), how), dtype="float32") / 255
            normal = (pixels - numpy.float32(about["mean"])) / numpy.float32(about["std"])
            probabilities = session.run(None, {"images": normal.transpose(2, 0, 1)[None]})[0][0]
            for each in found[f"{image.parent.name}/{image.name}"]:
                self.assertEqual(about["classes"][each["classId"]], each["className"])
                self.assertAlmostEqual(float(probabilities[each["classId"]]), each["confidence"], delta=1e-3)

    def test_a_training_that_continues_is_the_same_training(self):
        self.run_trainer()
        whole = {event["epoch"]: event["metrics"] for event in self.of_type("validation")}
        second = next(event for event in self.saved("last") if event["epoch"] == 2)
        self.give(second["file"], {"attempt": 1, "epoch": 2})
        self.run_trainer()
        again = {event["epoch"]: event["metrics"] for event in self.of_type("validation")}
        self.assertEqual(list(again), [3])
        self.assertAlmostEqual(again[3]["loss"], whole[3]["loss"], places=4)

    def test_a_cancel_in_the_middle_of_an_epoch_ends_the_training_after_its_step(self):
        self.job["config"]["basic"].update(epochs=10000, batch=1)
        finish = self.start(PROGRAM)
        while not self.lines:
            self.assertIsNone(self.process.poll())
            time.sleep(0.05)
        started = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(finish(), 0, getattr(self, "errors", ""))
        self.assertLess(time.monotonic() - started, 60)
        self.assertEqual(self.of_type("failed"), [])

    def test_a_training_without_progress_stops_early(self):
        self.job["config"]["basic"].update(epochs=50, patience=2, learning_rate=1e-9, augment=False)
        self.run_trainer()
        self.assertEqual([event["epoch"] for event in self.of_type("validation")], [1, 2, 3])
        self.assertEqual(self.of_type("completed")[0]["bestEpoch"], 1)

    def test_weights_of_timm_itself_are_a_start_and_other_files_are_a_clear_error(self):
        import timm
        import torch
        from safetensors.torch import save_file

        network = timm.create_model("resnet10t", num_classes=1000)
        with torch.no_grad():
            network.conv1[0].weight.fill_(0.125)
        # Of the checkpoint of a thousand classes, everything but the last layer fits.
        save_file(network.state_dict(), self.folder / "timm.safetensors")
        torch.save({"state_dict": network.state_dict()}, self.folder / "timm.pth")
        self.job["config"]["basic"].update(epochs=1, learning_rate=1e-9)
        for name in ("timm.safetensors", "timm.pth"):
            self.give(self.folder / name)
            self.run_trainer()
            weights = torch.load(self.saved("last")[0]["file"], weights_only=True)["weights"]
            self.assertAlmostEqual(weights["conv1.0.weight"].mean().item(), 0.125, places=3)
        (self.folder / "text.pt").write_text("no weights")
        self.give(self.folder / "text.pt")
        (self.folder / "events").unlink()
        self.assertNotEqual(self.run_program(PROGRAM), 0)
        failed = self.of_type("failed")[0]
        self.assertEqual(failed["errorType"], "CheckpointError")
        self.assertIn("text.pt", failed["message"])

    def test_an_image_that_cannot_be_read_is_named(self):
        (self.data / "train/disc/broken.png").write_bytes(b"not a picture")
        self.assertNotEqual(self.run_program(PROGRAM), 0)
        failed = self.of_type("failed")[0]
        self.assertEqual(failed["errorType"], "DatasetError")
        self.assertIn("broken.png", failed["message"])


if __name__ == "__main__":
    unittest.main()
