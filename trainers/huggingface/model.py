"""The models, and the checkpoints that hold them."""


import torch
from trainyard_sdk import CheckpointError, ConfigError, job
from transformers import (
    AutoConfig,
    AutoModelForImageClassification,
    AutoModelForObjectDetection,
    AutoModelForSemanticSegmentation,
    ConvNextV2Config,
    ResNetConfig,
    RTDetrConfig,
    RTDetrResNetConfig,
    SegformerConfig,
    ViTConfig,
)
from transformers.utils.logging import disable_progress_bar

disable_progress_bar()

CLASSES = {
    "classification": AutoModelForImageClassification,
    "detection": AutoModelForObjectDetection,
    "segmentation": AutoModelForSemanticSegmentation,
}

#: The processors that trainer.json declares.
torch.set_num_threads(min(torch.get_num_threads(), 4))


def _resnet(depths, widths, kind):
    return lambda imgsz: ResNetConfig(embedding_size=64, depths=depths, hidden_sizes=widths, layer_type=kind)


def _vit(width, heads, layers=12, patch=16):
    return lambda imgsz: ViTConfig(
        image_size=imgsz, patch_size=patch, hidden_size=width, num_attention_heads=heads, num_hidden_layers=layers, intermediate_size=width * 4
    )


def _segformer(widths, depths, decoder):
    return lambda imgsz: SegformerConfig(hidden_sizes=widths, depths=depths, decoder_hidden_size=decoder)


def _rtdetr(width, layers, queries, backbone):
    def configure(imgsz):
        # No more queries than the three maps of features have positions.
        count = min(queries, sum((imgsz // stride) ** 2 for stride in (8, 16, 32)))
        inner = RTDetrResNetConfig(out_features=["stage2", "stage3", "stage4"], **backbone)
        return RTDetrConfig(
            backbone_config=inner,
            backbone=None,
            encoder_in_channels=backbone["hidden_sizes"][1:],
            encoder_hidden_dim=width,
            encoder_ffn_dim=width * 4,
            encoder_attention_heads=8,
            d_model=width,
            decoder_in_channels=[width] * 3,
            decoder_layers=layers,
            decoder_ffn_dim=width * 4,
            decoder_attention_heads=8,
            num_queries=count,
            num_denoising=count,
            freeze_backbone_batch_norms=False,
        )

    return configure


BASIC = {"layer_type": "basic", "embedding_size": 64, "hidden_sizes": [64, 128, 256, 512]}
MODELS = {
    "resnet-10": _resnet([1, 1, 1, 1], [64, 128, 256, 512], "basic"),
    "resnet-18": _resnet([2, 2, 2, 2], [64, 128, 256, 512], "basic"),
    "resnet-50": _resnet([3, 4, 6, 3], [256, 512, 1024, 2048], "bottleneck"),
    "convnextv2-atto": lambda imgsz: ConvNextV2Config(depths=[2, 2, 6, 2], hidden_sizes=[40, 80, 160, 320]),
    "vit-tiny": _vit(192, 3),
    "vit-small": _vit(384, 6),
    "rtdetr-nano": _rtdetr(64, 2, 30, {**BASIC, "embedding_size": 32, "hidden_sizes": [32, 64, 128, 128], "depths": [1, 1, 1, 1]}),
    "rtdetr-r18": _rtdetr(256, 3, 300, {**BASIC, "depths": [2, 2, 2, 2]}),
    "segformer-nano": _segformer([16, 32, 64, 96], [1, 1, 1, 1], 64),
    "segformer-b0": _segformer([32, 64, 160, 256], [2, 2, 2, 2], 256),
    "segformer-b1": _segformer([64, 128, 320, 512], [2, 2, 2, 2], 256),
}


def use_cpu():
    wanted = job.config.get("device", "auto")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError('device is "cuda", but PyTorch finds no GPU here. Choose "auto" or "cpu"')
    return wanted == "cpu" or not torch.cuda.is_available()


def create_model(classes):
    """The model of the job for these classes, with weights of its checkpoint where they fit."""
    if job.start is not None:
        config = read_config(job.start.path)
    elif job.model in MODELS:
        config = MODELS[job.model](job.config.imgsz)
    else:
        raise ConfigError(f'model is "{job.model}"; expected one of {", ".join(MODELS)}')
    names = ["background", *classes] if job.task_type == "segmentation" else classes
    config.id2label = dict(enumerate(names))
    config.label2id = {name: number for number, name in enumerate(names)}
    config.imgsz = job.config.imgsz
    kind = CLASSES[job.task_type]
    return kind.from_config(config) if job.start is None else _from_folder(kind, config)


def read_config(path):
    try:
        return AutoConfig.from_pretrained(path, local_files_only=True)
    except Exception as error:
        raise CheckpointError(f'"{job.start.name}" is not a folder that Transformers saved: {error}') from error


def _from_folder(kind, config):
    try:
        return kind.from_pretrained(
            job.start.path, config=config, ignore_mismatched_sizes=True, local_files_only=True, use_safetensors=True
        )
    except Exception as error:
        raise CheckpointError(f'"{job.start.name}" has no weights for {job.task_type}: {error}') from error


def load_model():
    """The model of the checkpoint that the job was given, ready to predict, with its classes."""
    if job.start is None:
        raise CheckpointError(f"The operation {job.operation} needs a checkpoint of this trainer")
    config = read_config(job.start.path)
    if not hasattr(config, "imgsz"):
        raise CheckpointError(f'"{job.start.name}" is not a checkpoint of this trainer: its config.json has no imgsz')
    task = task_of(config)
    model = _from_folder(CLASSES[task], config).eval()
    return model, task, [config.id2label[number] for number in range(len(config.id2label))]


def task_of(config):
    name = (config.architectures or [""])[0]
    return "segmentation" if "Segmentation" in name else "detection" if "Detection" in name else "classification"
