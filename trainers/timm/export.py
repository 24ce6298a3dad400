"""Export to ONNX: normalised images in, probabilities out. The file is compared with the network before it is saved."""

import json
import os

import numpy
import onnx
import torch
from trainyard_sdk import FrameworkError, job

# It reports to its makers as soon as it is imported, which a trainer must not do.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime  # noqa: E402

from model import load_network, normalisation

MAX_DIFFERENCE = 1e-3


def export():
    network, saved = load_network(exportable=True)
    network = torch.nn.Sequential(network, torch.nn.Softmax(1)).eval()
    path = os.path.join(job.work_dir, "model.onnx")
    torch.manual_seed(0)
    images = torch.rand(2, 3, saved["imgsz"], saved["imgsz"])
    torch.onnx.export(
        network,
        (images,),
        path,
        input_names=["images"],
        output_names=["probabilities"],
        dynamic_shapes=({0: torch.export.Dim("batch")},),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    model = onnx.load(path)
    about = {"classes": saved["classes"], "imgsz": saved["imgsz"], **normalisation(network[0])}
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in about.items()})
    onnx.save(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    images = torch.rand(3, *images.shape[1:])
    with torch.no_grad():
        difference = float(numpy.abs(session.run(None, {"images": images.numpy()})[0] - network(images).numpy()).max())
    if difference > MAX_DIFFERENCE:
        raise FrameworkError(f"The exported model differs from the network by {difference:.2g}; expected at most {MAX_DIFFERENCE}")
    job.artifact(path, kind="export", name="model.onnx")
    job.complete(metadata={**about, "opset": model.opset_import[0].version, "maxDifference": difference})
