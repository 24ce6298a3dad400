"""The trainer `trainers/ultralytics`, with a bridge that the test plays. Needs Python with Ultralytics: see `.ci/python-frameworks`."""

import importlib.util
import json
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python/tests"))
sys.path.insert(0, str(Path(__file__).parent / "support"))

from trainer_case import TrainerCase  # noqa: E402

TRAINER = ROOT / "trainers/ultralytics"
PROGRAM = f"""
import runpy, sys
sys.dont_write_bytecode = True
runpy.run_path({str(TRAINER / "main.py")!r}, run_name="__main__")
"""
SHAPES = ["square", "disc", "triangle"]
TASKS = {"detection": "detect", "segmentation": "segment", "pose": "pose", "obb": "obb", "classification": "classify"}
PRIMARY = {
    "detection": "mAP50-95",
    "segmentation": "mask_mAP50-95",
    "pose": "pose_mAP50-95",
    "obb": "mAP50-95",
    "classification": "top1_accuracy",
}


@unittest.skipUnless(importlib.util.find_spec("ultralytics"), "ultralytics is not installed")
class UltralyticsTrainer(TrainerCase):
    trainer = TRAINER
    program = PROGRAM

    def use(self, task, **settings):
        import make_dataset

        make_dataset.COUNTS = {"train": 12, "val": 6, "test": 3}
        data = self.folder / "data"
        make_dataset.shapes(TASKS[task], str(data))
        self.job["dataset"].update(dir=str(data), format="yolo", classes=[{"id": n, "name": name} for n, name in enumerate(SHAPES)])
        chosen = self.default_settings()
        chosen.update(epochs=1, imgsz=32, workers=0, batch=6, **settings)
        self.job.update(taskType=task, model="yolov8n", config={"basic": chosen, "advanced": {}})

    def train_and_predict(self, task):
        self.use(task)
        self.run_trainer()
        self.assertIn(PRIMARY[task], self.of_type("validation")[0]["metrics"])
        saved = {event["name"]: event["file"] for event in self.of_type("checkpoint")}
        self.assertEqual(set(saved), {"best", "last"})
        self.give(saved["best"])
        # A model that has hardly been trained is sure of nothing: everything counts.
        self.job["config"]["basic"].update(confidence=0.0001)
        images = sorted(Path(self.job["dataset"]["dir"]).rglob("val/**/*.png"))[:2]
        (self.folder / "images.jsonl").write_text("\n".join(json.dumps({"name": each.name, "path": str(each)}) for each in images))
        self.job.update(operation="predict", imagesFile=str(self.folder / "images.jsonl"))
        self.run_trainer()
        predictions = self.of_type("prediction")
        self.assertEqual([event["imageName"] for event in predictions], [each.name for each in images])
        objects = [found for event in predictions for found in event["predictions"]]
        for found in objects:
            self.assertEqual(found["className"], SHAPES[found["classId"]])
        return objects

    def test_a_classifier_trains_predicts_and_is_exported_to_a_file_that_onnxruntime_agrees_with(self):
        objects = self.train_and_predict("classification")
        self.assertEqual(len(objects), 6)
        self.job.update(operation="export", exportFormat="onnx")
        self.run_trainer()
        exported = self.of_type("artifact")[0]
        self.assertEqual(exported["kind"], "export")
        self.assertEqual(self.of_type("completed")[0]["metadata"]["classes"], SHAPES)
        self.compare_with_onnxruntime(exported["file"], objects)

    def compare_with_onnxruntime(self, path, objects):
        """A reader that has nothing of Ultralytics."""
        import numpy
        import onnxruntime
        from PIL import Image

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        images = [json.loads(line)["path"] for line in (self.folder / "images.jsonl").read_text().splitlines()]
        for at, image in enumerate(images):
            pixels = numpy.asarray(Image.open(image).convert("RGB").resize((32, 32), Image.Resampling.BILINEAR), dtype="float32") / 255
            found = session.run(None, {session.get_inputs()[0].name: pixels.transpose(2, 0, 1)[None]})[0][0]
            for each in objects[at * 3 : at * 3 + 3]:
                self.assertAlmostEqual(float(found[each["classId"]]), each["confidence"], delta=1e-3)

    def test_a_detector_trains_and_predicts_boxes(self):
        for found in self.train_and_predict("detection"):
            left, top, right, bottom = found["bbox"]
            self.assertTrue(0 <= left <= right <= 96 and 0 <= top <= bottom <= 96, found)

    def test_a_segmenter_trains_and_predicts_polygons(self):
        for found in self.train_and_predict("segmentation"):
            self.assertEqual(len(found["polygon"]) % 2, 0)

    def test_a_pose_model_trains_and_predicts_keypoints(self):
        for found in self.train_and_predict("pose"):
            self.assertEqual(len(found["keypoints"]), 9)

    def test_a_model_of_oriented_boxes_trains_and_predicts_corners(self):
        for found in self.train_and_predict("obb"):
            self.assertEqual(len(found["obb"]), 8)

    def test_a_training_continues_after_its_last_epoch_and_a_cancel_ends_it_after_a_step(self):
        self.use("classification")
        self.job["config"]["basic"]["epochs"] = 2
        self.run_trainer()
        saved = self.saved("last")
        self.assertEqual([event["epoch"] for event in saved], [1, 2])
        self.give(saved[0]["file"], {"attempt": 1, "epoch": 1})
        self.run_trainer()
        self.assertEqual([event["epoch"] for event in self.saved("last")], [2])
        self.job["checkpoint"] = None
        self.job["config"]["basic"]["epochs"] = 10000
        (self.folder / "events").unlink()
        finish = self.start(PROGRAM)
        self.cancel_after("checkpoint")
        self.assertEqual(finish(), 0, getattr(self, "errors", ""))
        self.assertEqual(self.of_type("failed"), [])

    def test_a_file_that_is_no_checkpoint_is_a_clear_error(self):
        self.use("detection")
        (self.folder / "text.pt").write_text("no weights")
        self.give(self.folder / "text.pt")
        self.assertNotEqual(self.run_program(PROGRAM), 0)
        failed = self.of_type("failed")[0]
        self.assertEqual(failed["errorType"], "CheckpointError")
        self.assertIn("is not a checkpoint of Ultralytics", failed["message"])


if __name__ == "__main__":
    unittest.main()
