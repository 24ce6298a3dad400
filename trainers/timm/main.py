"""Image classification with timm: train, predict and export."""

from trainyard_sdk import job

if job.operation == "train":
    from train import train as run
elif job.operation == "predict":
    from predict import predict as run
else:
    from export import export as run

run()
