"""Networks as a list of layers: `{"framework": "layers", "layers": [{"layer": "conv3d", "in_channels": 1, ...}, ...]}`.

Each layer is one of PyTorch's own below, with its own arguments; `block` holds a list of its own, `residual` adds its input
to its outcome, `skip` puts its input beside it as further channels. Parameters carry the names that nn.Sequential gives.
"""

import inspect
from pathlib import Path

import torch
from torch import nn

from evaluators.runners import Runner, refusal
from evaluators.runners import inputs as declared
from evaluators.runners._torch import TorchNetwork, settle

LAYERS = {
    name.lower(): getattr(nn, name)
    for name in (
        *(f"{name}{n}d" for n in (1, 2, 3) for name in (
            "Conv", "ConvTranspose", "BatchNorm", "InstanceNorm", "MaxPool", "AvgPool", "AdaptiveAvgPool",
            "AdaptiveMaxPool", "Dropout")),
        "GroupNorm", "LayerNorm", "Linear", "Flatten", "Upsample", "Identity", "Dropout", "ReLU", "LeakyReLU", "PReLU",
        "ELU", "GELU", "SELU", "SiLU", "Mish", "Softplus", "Sigmoid", "Tanh", "Hardswish", "PixelShuffle",
    )
}  # fmt: skip
NESTED = ("block", "residual", "skip")
REFUSED = ("device", "dtype", "inplace")
MOST, DEEPEST = 2000, 8
SYNTHETIC_SIDE = {1: 256, 2: 64, 3: 32}  # of a case of zeros, where nothing fixes the size


class Residual(nn.Sequential):
    """x + f(x)"""

    def forward(self, x):
        return x + super().forward(x)


class Skip(nn.Sequential):
    """x and f(x) beside each other, as channels."""

    def forward(self, x):
        return torch.cat([x, super().forward(x)], dim=1)


def build(layers, place: str = "layers", depth: int = 0) -> nn.Sequential:
    """The layers as modules, on whatever device is current. Raises Faults naming the layer at fault."""
    if not isinstance(layers, list) or not 1 <= len(layers) <= MOST or depth > DEEPEST:
        raise refusal(f"`{place}` in config.json is not a list of 1 to {MOST} layers", "Nest at most 8 deep.")
    return nn.Sequential(*(_layer(item, f"{place}[{number}]", depth) for number, item in enumerate(layers)))


def _layer(item, place: str, depth: int) -> nn.Module:
    name = item.get("layer") if isinstance(item, dict) else None
    if name in NESTED:
        inner = build(item.get("layers"), f"{place}.layers", depth + 1)
        kind = {"block": nn.Sequential, "residual": Residual, "skip": Skip}[name]
        return kind(*inner)
    if not isinstance(name, str) or name not in LAYERS:
        raise refusal(f"{place}: {str(name)[:40]!r} is no layer known here", f"Known are {', '.join(NESTED)}, "
                      f"{', '.join(sorted(LAYERS))}.")  # fmt: skip
    arguments = {key: value for key, value in item.items() if key != "layer"}
    known = [key for key in inspect.signature(LAYERS[name]).parameters if key not in REFUSED]
    surplus = sorted(arguments.keys() - set(known))
    if surplus or not all(_plain(value) for value in arguments.values()):
        wrong = surplus[0] if surplus else "a value that is no number, text or list of numbers"
        raise refusal(f"{place}: {name} takes no {wrong[:40]!r}", f"It takes {', '.join(known) or 'nothing'}.")
    try:
        return LAYERS[name](**{key: tuple(v) if isinstance(v, list) else v for key, v in arguments.items()})
    except MemoryError:
        raise
    except Exception as error:
        raise refusal(
            f"{place}: {name} cannot be made from these arguments", f"PyTorch says: {str(error)[:200]}"
        ) from None


def _plain(value) -> bool:
    if isinstance(value, list):
        return 1 <= len(value) <= 8 and all(type(n) in (int, float) for n in value)
    return value is None or isinstance(value, bool | int | float | str)


class Layers(TorchNetwork):
    """A list of layers with its parameters."""

    def __init__(self, folder: Path, config: dict, manifest: dict, threads: int, layers: list | None = None):
        settle(threads)
        inputs = declared.check(config.get("inputs", {}))
        with torch.device("meta"):  # nothing is allocated before the file was seen to fit
            module = build(config.get("layers") if layers is None else layers)
        self._last = _outputs(module)
        super().__init__(module, folder, config, manifest, inputs)
        self.shape = _shape(self._network, inputs)

    def outputs(self) -> int | None:
        return self._last


def _outputs(module: nn.Module) -> int | None:
    last = [part for part in module.modules() if hasattr(part, "out_features") or hasattr(part, "out_channels")][-1:]
    return getattr(last[0], "out_features", None) or getattr(last[0], "out_channels", None) if last else None


def _shape(module: nn.Module, inputs: dict) -> tuple[int, ...] | None:
    """The shape of a case of zeros; None where the layers do not tell how many axes there are, or the size matters."""
    parts = [part for part in module.modules() if not isinstance(part, nn.Sequential)]
    axes = next((int(type(part).__name__[-2]) for part in parts if type(part).__name__[-2:] in ("1d", "2d", "3d")), 0)
    first = parts[0]
    if isinstance(first, nn.Linear):
        return (first.in_features,)
    channels = next((part.in_channels for part in parts if hasattr(part, "in_channels")), None)
    if not axes or channels is None:
        return None
    size = declared.size_of(inputs)
    size = None if size is None else (size * axes)[:axes] if len(size) == 1 else size
    if any(isinstance(part, nn.Linear | nn.Flatten | nn.LayerNorm) for part in parts):
        pooled = any("Adaptive" in type(part).__name__ for part in parts)
        return (channels, *size) if size else (channels, *[SYNTHETIC_SIDE[axes]] * axes) if pooled else None
    side = SYNTHETIC_SIDE[axes]
    return (channels, *(min(n, side) for n in size)) if size else (channels, *[side] * axes)


RUNNER = Runner("layers", Layers)
