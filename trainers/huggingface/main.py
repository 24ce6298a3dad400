"""Classification, detection and segmentation with Transformers of Hugging Face: train, predict and export."""

import os

from trainyard_sdk import job

# Read when the libraries are imported: nothing is downloaded or reported, and what they keep is the job's own.
os.environ.update(HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", HF_HOME=job.work_dir, MPLCONFIGDIR=job.work_dir, ORT_DISABLE_TELEMETRY="1")

if job.operation == "train":
    from train import train as run
elif job.operation == "predict":
    from predict import predict as run
else:
    from export import export as run

run()
