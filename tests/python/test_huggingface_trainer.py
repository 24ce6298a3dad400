"""The trainer `trainers/huggingface`, with a bridge that the test plays. Needs Python with Transformers: see `.ci/python-frameworks`."""

import importlib.util
import json
import shutil
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python/tests"))
sys.path.insert(0, str(Path(__file__).parent / "support"))

from trainer_case import TrainerCase  # noqa: E402

TRAINER = ROOT / "trainers/huggingface"
PROGRAM = f"""
import runpy, sys
sys.dont_write_bytecode = True
sys.path.insert(0, {str(TRAINER)!r})
runpy.run_path({str(TRAINER / "main.py")!r}, run_name="__main__")
"""
SHAPES = ["square", "disc", "triangle"]
TASKS = {"detection": "detect", "segmentation": "segment", "classification": "classify"}
MODELS = {"detection": "rtdetr-nano", "segmentation": "segformer-nano", "classification": "resnet-10"}


@unittest.skipUnless(importlib.util.find_spec("transformers"), "transformers is not installed")
class HuggingfaceTrainer(TrainerCase):
    trainer = TRAINER
    program = PROGRAM

    def use(self, task, counts, **settings):
        import make_dataset

        make_dataset.COUNTS = dict(zip(("train", "val", "test"), counts))
        data = self.folder / "data"
        make_dataset.shapes(TASKS[task], str(data))
        self.job["dataset"].update(
            dir=str(data), format="yolo", splits=["train", "val", "test"], classes=[{"id": n, "name": name} for n, name in enumerate(SHAPES)]
        )
        chosen = self.default_settings()
        chosen.update({"workers": 0, "batch": 8, **settings})
        self.job.update(taskType=task, model=MODELS[task], config={"basic": chosen, "advanced": {}})

    def predict(self):
        """What the best checkpoint finds in the images of the validation."""
        self.give(self.saved("best")[-1]["file"])
        images = sorted(Path(self.job["dataset"]["dir"]).rglob("val/**/*.png"))
        (self.folder / "images.jsonl").write_text("\n".join(json.dumps({"name": each.name, "path": str(each)}) for each in images))
        self.job.update(operation="predict", dataset=None, imagesFile=str(self.folder / "images.jsonl"))
        self.run_trainer()
        found = {event["imageName"]: event["predictions"] for event in self.of_type("prediction")}
        self.assertEqual(list(found), [each.name for each in images])
        return images, found

    def export(self, images):
        """The outputs of the exported file. What it says about itself is enough for a reader that has nothing of this trainer."""
        import numpy
        import onnxruntime
        from PIL import Image

        self.job.update(operation="export", exportFormat="onnx")
        self.run_trainer()
        exported = self.of_type("artifact")[0]
        self.assertEqual(exported["kind"], "export")
        self.assertLess(self.of_type("completed")[0]["metadata"]["maxDifference"], 1e-3)
        session = onnxruntime.InferenceSession(exported["file"], providers=["CPUExecutionProvider"])
        about = {name: json.loads(text) for name, text in session.get_modelmeta().custom_metadata_map.items()}
        side, outputs = about["imgsz"], []
        for image in images:
            resized = Image.open(image).convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
            normal = (numpy.asarray(resized, dtype="float32") / 255 - numpy.float32(about["mean"])) / numpy.float32(about["std"])
            outputs.append([each[0] for each in session.run(None, {"images": normal.transpose(2, 0, 1)[None]})])
        return outputs

    def plots(self):
        return {event["name"].removeprefix("plots/").removesuffix(".png") for event in self.of_type("artifact")}

    def test_a_classifier_learns_predicts_and_is_exported(self):
        self.use("classification", (96, 24, 3), epochs=8, imgsz=32, batch=4)
        self.run_trainer()
        validations = self.of_type("validation")
        self.assertEqual([event["epoch"] for event in validations], list(range(1, 9)))
        best = max(event["metrics"]["top1_accuracy"] for event in validations)
        self.assertGreaterEqual(best, 0.9)
        self.assertEqual(set(validations[-1]["perClass"]), set(SHAPES))
        self.assertEqual([sum(row) for row in validations[-1]["confusionMatrix"]["counts"]], [8, 8, 8])
        self.assertEqual(self.plots(), {"confusion_matrix", "pr_curve", "samples"})
        self.assertEqual(self.of_type("completed")[0]["metrics"]["top1_accuracy"], best)

        images, found = self.predict()
        right = [path for path in images if found[path.name][0]["className"] == path.parent.name]
        self.assertAlmostEqual(len(right) / len(images), best, delta=0.05)
        for path, (probabilities,) in zip(images, self.export(images)):
            for each in found[path.name]:
                self.assertAlmostEqual(float(probabilities[each["classId"]]), each["confidence"], delta=1e-3)

    def test_a_detector_learns_and_torchvision_finds_its_boxes_on_the_objects(self):
        import torch
        from torchvision.ops import box_iou

        self.use("detection", (160, 24, 3), epochs=12, imgsz=96)
        self.run_trainer()
        best = max(event["metrics"]["mAP50"] for event in self.of_type("validation"))
        self.assertGreaterEqual(best, 0.8)
        self.assertEqual(set(self.of_type("validation")[-1]["perClass"]), set(SHAPES))
        self.assertEqual(self.plots(), {"pr_curve", "samples"})

        images, found = self.predict()
        hits = total = 0
        for image in images:
            label = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt")
            for line in label.read_text().splitlines():
                kind, x, y, width, height = [float(word) for word in line.split()]
                box = torch.tensor([[x - width / 2, y - height / 2, x + width / 2, y + height / 2]]) * 96
                same = [each["bbox"] for each in found[image.name] if each["classId"] == kind]
                total += 1
                hits += bool(same) and box_iou(box, torch.tensor(same)).max().item() >= 0.5
        self.assertGreaterEqual(hits / total, 0.8)
        for image, (scores, boxes) in zip(images, self.export(images)):
            self.assertEqual(boxes.shape[-1], 4)
            for each in found[image.name]:
                nearest = abs(scores[:, each["classId"]] - each["confidence"]).min()
                self.assertLess(nearest, 1e-3)

    def test_a_segmenter_learns_and_its_polygons_cover_the_objects(self):
        import numpy
        from matplotlib.path import Path as Outline

        self.use("segmentation", (160, 24, 3), epochs=16, imgsz=96, learning_rate=0.002)
        self.run_trainer()
        best = max(event["metrics"]["mIoU"] for event in self.of_type("validation"))
        self.assertGreaterEqual(best, 0.8)
        self.assertEqual(set(self.of_type("validation")[-1]["perClass"]), {"background", *SHAPES})
        self.assertEqual(self.plots(), {"confusion_matrix", "samples"})

        centres = numpy.stack(numpy.meshgrid(numpy.arange(96), numpy.arange(96)), -1).reshape(-1, 2) + 0.5

        def draw(polygons):
            """The pixels whose centre is in a polygon."""
            inside = [Outline(numpy.reshape(each, (-1, 2))).contains_points(centres) for each in polygons]
            return numpy.any(inside, 0).reshape(96, 96) if inside else numpy.zeros((96, 96), bool)

        images, found = self.predict()
        both = either = 0
        for image in images:
            lines = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt").read_text().splitlines()
            actual = draw([[float(word) * 96 for word in line.split()[1:]] for line in lines])
            own = draw([each["polygon"] for each in found[image.name]])
            both, either = both + (actual & own).sum(), either + (actual | own).sum()
        self.assertGreaterEqual(both / either, 0.8)
        for (probabilities,), image in zip(self.export(images), images):
            self.assertEqual(probabilities.shape, (4, 96, 96))
            for each in found[image.name]:
                area = probabilities[each["classId"] + 1][draw([each["polygon"]])]
                self.assertAlmostEqual(float(area.mean()), each["confidence"], delta=1e-3)

    def test_a_training_that_continues_repeats_the_same_training(self):
        for task in TASKS:
            with self.subTest(task):
                self.job.update(checkpoint=None)
                (self.folder / "data").exists() and shutil.rmtree(self.folder / "data")
                self.use(task, (24, 12, 3), epochs=3, imgsz=32, augment=False, learning_rate=0.003)
                self.continue_and_compare()

    def continue_and_compare(self):
        self.run_trainer()
        self.assertNotIn("missing keys", self.errors)
        whole = {event["epoch"]: event["metrics"] for event in self.of_type("validation")}
        second = next(event for event in self.saved("last") if event["epoch"] == 2)
        self.give(second["file"], {"attempt": 1, "epoch": 2})
        self.run_trainer()
        self.assertNotIn("missing keys", self.errors)
        again = {event["epoch"]: event["metrics"] for event in self.of_type("validation")}
        self.assertEqual(list(again), [3])
        self.assertAlmostEqual(again[3]["loss"], whole[3]["loss"], places=4)

    def test_a_cancel_in_the_middle_of_an_epoch_ends_the_training_after_its_step(self):
        self.use("classification", (48, 12, 3), epochs=10000, imgsz=32)
        finish = self.start(PROGRAM)
        self.cancel_after("progress")
        started = time.monotonic()
        self.assertEqual(finish(), 0, getattr(self, "errors", ""))
        self.assertLess(time.monotonic() - started, 60)
        self.assertEqual(self.of_type("failed"), [])
        self.assertEqual(self.of_type("completed"), [])

    def test_a_training_without_progress_stops_early(self):
        self.use("classification", (12, 6, 3), epochs=50, imgsz=32, patience=2, learning_rate=1e-9, augment=False)
        # Without statistics of batches, which a training changes at any rate.
        self.job["model"] = "vit-tiny"
        self.run_trainer()
        self.assertEqual([event["epoch"] for event in self.of_type("validation")], [1, 2, 3])
        self.assertEqual(self.of_type("completed")[0]["bestEpoch"], 1)

    def test_a_file_that_is_no_checkpoint_an_image_and_a_label_that_cannot_be_read_are_named(self):
        self.use("detection", (6, 3, 3), epochs=1, imgsz=32)
        data = Path(self.job["dataset"]["dir"])

        def fail(error_type, text):
            (self.folder / "events").unlink(missing_ok=True)
            self.assertNotEqual(self.run_program(PROGRAM), 0)
            failed = self.of_type("failed")[0]
            self.assertEqual(failed["errorType"], error_type)
            self.assertIn(text, failed["message"])

        (self.folder / "text").mkdir()
        (self.folder / "text/config.json").write_text("no model")
        self.give(self.folder / "text")
        fail("CheckpointError", "is not a folder that Transformers saved")
        self.job["checkpoint"] = None
        (data / "labels/train/000.txt").write_text("7 0.5 0.5 0.1 0.1\n")
        fail("DatasetError", "000.txt, line 1")
        (data / "labels/train/000.txt").write_text("")
        (data / "images/train/000.png").write_bytes(b"not a picture")
        fail("DatasetError", "000.png")


if __name__ == "__main__":
    unittest.main()
