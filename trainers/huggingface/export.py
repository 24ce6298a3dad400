"""Export to ONNX: normalised images in, probabilities or boxes out. The file is compared with the model before it is saved."""

import json
import os

import numpy
import onnx
import onnxruntime
import torch
from trainyard_sdk import FrameworkError, job

from data import MEAN, STD
from model import load_model

MAX_DIFFERENCE = 1e-3
OUTPUTS = {"classification": ["probabilities"], "detection": ["scores", "boxes"], "segmentation": ["probabilities"]}


class Exported(torch.nn.Module):
    """The model with what follows it: no reader of the file needs Transformers."""

    def __init__(self, model, task):
        super().__init__()
        self.model, self.task = model, task

    def forward(self, images):
        output = self.model(pixel_values=images)
        if self.task == "classification":
            return output.logits.softmax(-1)
        if self.task == "detection":
            return output.logits.sigmoid(), output.pred_boxes
        sized = torch.nn.functional.interpolate(output.logits, size=images.shape[-2:], mode="bilinear", align_corners=False)
        return sized.softmax(1)


def export():
    model, task, classes = load_model()
    network, imgsz = Exported(model, task).eval(), model.config.imgsz
    path = os.path.join(job.work_dir, "model.onnx")
    torch.manual_seed(0)
    images = torch.rand(1, 3, imgsz, imgsz) * 2 - 1
    torch.onnx.export(
        network,
        (images,),
        path,
        input_names=["images"],
        output_names=OUTPUTS[task],
        opset_version=18,
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    exported = onnx.load(path)
    about = {"task": task, "classes": classes, "imgsz": imgsz, "mean": [MEAN] * 3, "std": [STD] * 3, "interpolation": "bilinear"}
    onnx.helper.set_model_props(exported, {name: json.dumps(value) for name, value in about.items()})
    onnx.save(exported, path)
    difference = compare(network, path, torch.rand(1, 3, imgsz, imgsz) * 2 - 1)
    if difference > MAX_DIFFERENCE:
        raise FrameworkError(f"The exported model differs from the model by {difference:.2g}; expected at most {MAX_DIFFERENCE}")
    job.artifact(path, kind="export", name="model.onnx")
    job.complete(metadata={**about, "opset": exported.opset_import[0].version, "maxDifference": difference})


@torch.no_grad()
def compare(network, path, images):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    expected = network(images)
    expected = expected if isinstance(expected, tuple) else (expected,)
    found = session.run(None, {"images": images.numpy()})
    return max(float(numpy.abs(there - here.numpy()).max()) for there, here in zip(found, expected))
