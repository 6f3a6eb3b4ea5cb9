"""timm networks: `config.json` in timm's own format, parameters in `model.safetensors`.

`{"architecture": "resnet18", "num_classes": 5, "model_args": {...}, "pretrained_cfg": {"input_size": [3, 224, 224],
"mean": [...], "std": [...], "interpolation": "bicubic", "crop_pct": 0.95, ...}, "head": "softmax"}`; `pretrained_cfg` is
honoured as timm's own evaluation transform does, by the same steps on the same bytes.
"""

import math
from pathlib import Path

import numpy as np
import timm
import torch

from evaluators.runners import Runner, refusal
from evaluators.runners import inputs as declared
from evaluators.runners._torch import TorchNetwork, settle, weights

# Arguments that load files, reach out, or change how the network is compiled; never taken from a configuration.
REFUSED = {
    "pretrained", "checkpoint_path", "cache_dir", "pretrained_cfg", "pretrained_cfg_overlay", "scriptable", "exportable",
    "no_jit", "features_only", "out_indices", "kwargs", "model_name", "num_classes", "in_chans", "pretrained_strict",
}  # fmt: skip
CFG = {"input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode"}


class Timm(TorchNetwork):
    """A timm network on the best device there is."""

    def __init__(self, folder: Path, config: dict, manifest: dict, threads: int):
        weights(folder)
        settle(threads)
        cfg = _cfg(config)
        inputs = declared.check({"kind": "image", "steps": steps(cfg)})
        super().__init__(_build(config, cfg["input_size"][0]), folder, config, manifest, inputs)
        self.shape = tuple(cfg["input_size"])

    def outputs(self) -> int | None:
        return self.config.get("num_classes")


def steps(cfg: dict) -> list[dict]:
    """timm's evaluation transform for a checked pretrained_cfg as steps: resize by Pillow on bytes, crop, normalise."""
    channels, *size = cfg["input_size"]
    scaled = [math.floor(n / cfg["crop_pct"]) for n in size]
    mode = cfg.get("crop_mode", "center")
    fit = {"squash": "stretch", "border": "longer"}.get(mode, "shorter")
    fill = [round(255 * value) for value in cfg["mean"]] if mode == "border" else [0]
    return [
        {"step": "bytes"},
        {"step": "channels", "count": channels},
        {"step": "resize", "size": scaled, "fit": fit, "interpolation": cfg["interpolation"]},
        {"step": "pad", "size": size, "value": fill},
        {"step": "crop", "size": size},
        {"step": "scale", "by": 255},
        {"step": "standardise", "mean": cfg["mean"], "std": cfg["std"]},
    ]


def _cfg(config: dict) -> dict:
    """The part of pretrained_cfg that says how inputs are prepared, checked."""
    given = config.get("pretrained_cfg") or {}
    if not isinstance(given, dict):
        raise refusal("`pretrained_cfg` in config.json is not an object")
    cfg = {"input_size": [3, 224, 224], "mean": [0.5], "std": [0.5], "interpolation": "bicubic", "crop_pct": 1.0}
    cfg |= {key: given[key] for key in CFG if given.get(key) is not None}
    size = cfg["input_size"]
    if not (isinstance(size, list) and len(size) == 3 and all(type(n) is int for n in size)):
        raise refusal("`input_size` in pretrained_cfg is not [channels, height, width]")
    if size[0] not in (1, 3) or not all(1 <= n <= 4096 for n in size[1:]):
        raise refusal("`input_size` must have 1 or 3 channels, and sides of 1 to 4096")
    for key in ("mean", "std"):
        values = cfg[key] if isinstance(cfg[key], list) else [cfg[key]]
        if len(values) == 1:
            values = values * size[0]
        if len(values) != size[0] or not all(isinstance(v, int | float) and np.isfinite(v) for v in values):
            raise refusal(f"`{key}` in pretrained_cfg needs one number per channel")
        if key == "std" and min(values) <= 0:
            raise refusal("`std` in pretrained_cfg must be positive")
        cfg[key] = values
    if cfg["interpolation"] not in ("nearest", "bilinear", "bicubic", "lanczos"):
        raise refusal("`interpolation` in pretrained_cfg is not known", "Choose nearest, bilinear, bicubic or lanczos.")
    if not isinstance(cfg["crop_pct"], int | float) or not 0.05 <= cfg["crop_pct"] <= 1:
        raise refusal("`crop_pct` in pretrained_cfg is not 0.05 to 1")
    if cfg.get("crop_mode", "center") not in ("center", "squash", "border"):
        raise refusal("`crop_mode` in pretrained_cfg is not known", "Choose center, squash or border.")
    return cfg


def _build(config: dict, channels: int) -> torch.nn.Module:
    name, classes, arguments = config.get("architecture"), config.get("num_classes"), config.get("model_args") or {}
    if not isinstance(name, str) or not timm.is_model(name.partition(".")[0]):
        near = timm.list_models(f"{str(name)[:12]}*")[:3]
        raise refusal(
            f"`architecture` {str(name)[:60]!r} is no network of timm", f"Perhaps {', '.join(near)}." if near else ""
        )
    if type(classes) is not int or not 1 <= classes <= 100_000:
        raise refusal("`num_classes` is not a whole number of 1 or more", "Give the number of outputs of the network.")
    if not isinstance(arguments, dict) or not all(_plain(value) for value in arguments.values()):
        raise refusal("`model_args` in config.json is not an object of plain values")
    # timm's own client needs in_chans here for anything but colour; it must say what input_size says.
    if type(arguments.get("in_chans")) is int and arguments["in_chans"] == channels:
        arguments = {key: value for key, value in arguments.items() if key != "in_chans"}
    refused = sorted(arguments.keys() & REFUSED)
    if refused:
        raise refusal(
            f"`model_args` may not hold {', '.join(refused)}", "Only arguments of the network itself are taken."
        )
    try:
        return timm.create_model(
            name.partition(".")[0], pretrained=False, num_classes=classes, in_chans=channels, **arguments
        )
    except MemoryError:
        raise
    except Exception as error:
        if "allocate memory" in str(error):
            raise MemoryError from None
        raise refusal(
            "timm cannot build this network from these arguments", "Try timm.create_model with them yourself."
        ) from None


def _plain(value) -> bool:
    if isinstance(value, list):
        return len(value) <= 100 and all(_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str)


RUNNER = Runner("timm", Timm)
