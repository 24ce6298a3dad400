"""The network, and the checkpoints that hold it."""

import timm
import torch
from timm.data import resolve_model_data_config
from trainyard_sdk import CheckpointError, ConfigError, job

#: The processors that trainer.json declares.
torch.set_num_threads(min(torch.get_num_threads(), 4))


def choose_device():
    wanted = job.config.get("device", "auto")
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError('device is "cuda", but PyTorch finds no GPU here. Choose "auto" or "cpu"')
    return torch.device(wanted)


def create_network(name, classes, imgsz, exportable=False):
    # A transformer has a position for each patch of its image.
    options = {"img_size": imgsz} if name.startswith("vit") else {}
    return timm.create_model(name, num_classes=len(classes), exportable=exportable, **options)


def normalisation(network):
    config = resolve_model_data_config(network)
    return {"mean": list(config["mean"]), "std": list(config["std"]), "interpolation": config["interpolation"]}


def read_checkpoint(path):
    """A checkpoint of this trainer: names and numbers, no code."""
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(f'"{path}" is not a checkpoint of this trainer: {error}') from error
    missing = {"network", "classes", "imgsz", "weights"} - set(saved if isinstance(saved, dict) else ())
    if missing:
        raise CheckpointError(f'"{path}" is not a checkpoint of this trainer: it lacks {", ".join(sorted(missing))}')
    return saved


def load_network(exportable=False):
    """The network of the checkpoint that the job was given, ready to predict."""
    if job.start is None:
        raise CheckpointError(f"The operation {job.operation} needs a checkpoint of this trainer")
    saved = read_checkpoint(job.start.path)
    network = create_network(saved["network"], saved["classes"], saved["imgsz"], exportable)
    network.load_state_dict(saved["weights"])
    return network.eval(), saved


def start_from(network, path):
    """Takes the weights of another training that fit: a checkpoint of this trainer, or one of timm, also as safetensors."""
    try:
        found = timm.models.load_state_dict(path, device="cpu", weights_only=True) if path.endswith(".safetensors") else _weights(path)
    except Exception as error:
        raise CheckpointError(f'"{path}" has no weights that can be read: {error}') from error
    own = network.state_dict()
    fitting = {name: value for name, value in found.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise CheckpointError(f'"{path}" has no weights for {job.model}: none of its {len(found)} tensors fits')
    network.load_state_dict(fitting, strict=False)
    job.log(f"Started from {len(fitting)} of {len(own)} tensors of {job.start.name}")


def _weights(path):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("weights", "state_dict_ema", "state_dict", "model"):
        if isinstance(saved.get(key), dict):
            saved = saved[key]
            break
    return {name.removeprefix("module."): value for name, value in saved.items() if isinstance(value, torch.Tensor)}
