"""timm networks: `config.json` in timm's own format, parameters in `model.safetensors`.

`{"architecture": "resnet18", "num_classes": 5, "model_args": {...}, "pretrained_cfg": {"input_size": [3, 224, 224],
"mean": [...], "std": [...], "interpolation": "bicubic", "crop_pct": 0.95, ...}, "head": "softmax"}`; `pretrained_cfg` is
honoured by timm's own evaluation transform.
"""

from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from timm.data import create_transform, resolve_data_config

from evaluators.runners import Runner, TooMuch, heads, parameters, refusal
from evaluators.runners.inputs import Prepared

WEIGHTS = "model.safetensors"
# Arguments that load files, reach out, or change how the network is compiled; never taken from a configuration.
REFUSED = {
    "pretrained", "checkpoint_path", "cache_dir", "pretrained_cfg", "pretrained_cfg_overlay", "scriptable", "exportable",
    "no_jit", "features_only", "out_indices", "kwargs", "model_name", "num_classes", "in_chans", "pretrained_strict",
}  # fmt: skip
CFG = {"input_size", "mean", "std", "interpolation", "crop_pct", "crop_mode"}


class Timm:
    """A timm network on the best device there is."""

    def __init__(self, folder: Path, config: dict, manifest: dict, threads: int):
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        torch.backends.cudnn.benchmark = False
        torch.use_deterministic_algorithms(True, warn_only=True)
        cfg = _cfg(config)
        self.config, self.size = config, tuple(cfg["input_size"])
        network = _build(config, self.size[0])
        self.parameters = parameters.load(folder / WEIGHTS, WEIGHTS, network)
        self.head = heads.choose(config, manifest, config.get("num_classes"))
        data = resolve_data_config(
            pretrained_cfg={key: tuple(v) if isinstance(v, list) else v for key, v in cfg.items()}
        )
        self.transform = create_transform(**data, is_training=False)
        cuda = torch.cuda.is_available()
        self.device = torch.cuda.get_device_name() if cuda else "cpu"
        self.precision = "float32"
        self._device = torch.device("cuda" if cuda else "cpu")
        self._network = network.eval().to(self._device)

    def prepare(self, case: np.ndarray, spatial: int) -> Prepared:
        """One image, through timm's evaluation transform: PIL resize, crop, normalise."""
        if spatial != 2:
            raise refusal("a timm network takes images, and this benchmark's inputs are none")
        array = case if case.dtype == np.uint8 else _to_bytes(case)
        image = Image.fromarray(array).convert("L" if self.size[0] == 1 else "RGB")
        return Prepared(self.transform(image).numpy(), case.shape[:2])

    def synthetic(self) -> np.ndarray:
        """A case of zeros, as the network takes it."""
        return np.zeros(self.size, np.float32)

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        try:
            with torch.inference_mode():
                return self._network(torch.from_numpy(batch).to(self._device)).float().cpu().numpy()
        except (torch.OutOfMemoryError, MemoryError):
            torch.cuda.empty_cache()
            raise TooMuch from None
        except (RuntimeError, AssertionError, ValueError, TypeError, AttributeError) as error:
            if "allocate memory" in str(error) or "out of memory" in str(error):
                raise TooMuch from None
            raise refusal(
                "the network fails on an input of the declared size", "Check input_size in pretrained_cfg."
            ) from None


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


def _to_bytes(case: np.ndarray) -> np.ndarray:
    """Images of 16 bits or of floats, from their own range to 0..255: timm's transforms take bytes."""
    low, high = float(case.min()), float(case.max())
    return np.round((case.astype(np.float32) - low) * (255 / max(high - low, 1e-8))).astype(np.uint8)


def _open(folder: Path, config: dict, manifest: dict, threads: int) -> Timm:
    if not (folder / WEIGHTS).exists():
        raise refusal(f"{WEIGHTS} is missing", "Save the parameters with safetensors.torch.save_file under this name.")
    return Timm(folder, config, manifest, threads)


RUNNER = Runner("timm", lambda config, names: "architecture" in config, _open)
