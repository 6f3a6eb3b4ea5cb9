"""Networks of MONAI, by name from a list: `{"framework": "monai", "network": "UNet", "arguments": {"spatial_dims": 3, ...}}`.

A bundle's own `network_def`, `{"_target_": "UNet", "spatial_dims": 3, ...}`, is taken as well. Arguments are plain values, and
those of the network's own signature; nothing that names another module, loads a file or reaches out. MONAI is optional.
"""

import contextlib
import inspect
import logging
from pathlib import Path

import monai  # noqa: F401  a site without it is told so by this line
import torch
from monai.networks import nets

from evaluators.runners import Runner, refusal
from evaluators.runners import inputs as declared
from evaluators.runners import parameters as file
from evaluators.runners._torch import WEIGHTS, TorchNetwork, settle, weights

logging.getLogger("monai").setLevel(logging.ERROR)

# One tensor in, one out (or a list whose first is the full one).
NETWORKS = (
    "AttentionUnet", "AutoEncoder", "BasicUNet", "BasicUNetPlusPlus", "Classifier", "DenseNet", "DenseNet121", "DenseNet169",
    "DenseNet201", "DenseNet264", "DynUNet", "EfficientNetBN", "FlexibleUNet", "HighResNet", "MedNeXt", "Regressor", "ResNet",
    "SEResNet50", "SEResNet101", "SEResNeXt50", "SENet154", "SegResNet", "SegResNetDS", "SwinUNETR", "UNETR", "UNet", "ViT",
    "VNet",
)  # fmt: skip
PREFIXES = ("", "monai.networks.nets.")
REFUSED = ("pretrained", "progress", "preprocess", "norm_layer", "kwargs", "args")
FIXED = {"pretrained": False, "progress": False}
OUTPUTS = ("out_channels", "num_classes", "classes")
SIDE = {1: 128, 2: 96, 3: 96}  # of a case of zeros, where nothing fixes the size
SIDES = ("img_size", "in_shape")


class Monai(TorchNetwork):
    """A network of MONAI with its parameters."""

    def __init__(self, folder: Path, config: dict, manifest: dict, threads: int):
        settle(threads)
        inputs = declared.check(config.get("inputs", {}))
        self.name, self.arguments = named(config)
        planned = None
        with contextlib.suppress(Exception), torch.device("meta"):  # shapes alone; not every network can be built so
            planned = self._made()
        if planned is not None:
            file.compare(weights(folder), WEIGHTS, planned)
        super().__init__(self._built(), folder, config, manifest, inputs)
        self.shape = self._shape(inputs)

    def _made(self) -> torch.nn.Module:
        kind = getattr(nets, self.name)
        fixed = {key: value for key, value in FIXED.items() if key in inspect.signature(kind).parameters}
        return kind(**{key: _tuples(value) for key, value in self.arguments.items()}, **fixed)

    def _built(self) -> torch.nn.Module:
        """The network. Raises Faults where MONAI does not make it from these arguments."""
        try:
            return self._made()
        except MemoryError:
            raise
        except Exception as error:
            if "allocate memory" in str(error):
                raise MemoryError from None
            raise refusal(f"MONAI makes no {self.name} from these arguments", f"It says: {str(error)[:200]}") from None

    def outputs(self) -> int | None:
        return next((self.arguments[name] for name in OUTPUTS if type(self.arguments.get(name)) is int), None)

    def _shape(self, inputs: dict) -> tuple[int, ...] | None:
        if isinstance(self.arguments.get("in_shape"), list):
            return tuple(self.arguments["in_shape"])
        signature = inspect.signature(getattr(nets, self.name)).parameters
        axes = self.arguments.get("spatial_dims", getattr(signature.get("spatial_dims"), "default", 3))
        names = [name for name in ("in_channels", "n_input_channels") if name in signature]
        channels = self.arguments.get(names[0], signature[names[0]].default) if names else None
        if axes not in (1, 2, 3) or type(channels) is not int:
            return None
        size = declared.size_of(inputs) or self.arguments.get("img_size") or SIDE[axes]
        size = size if isinstance(size, list) else [size]
        patch = (
            (self.config.get("inference") or {}).get("patch")
            if isinstance(self.config.get("inference"), dict)
            else None
        )
        size = patch or size
        return (channels, *(size * axes)[:axes])


def named(config: dict) -> tuple[str, dict]:
    """The network and its arguments, checked. Raises Faults."""
    given = config.get("network", config.get("network_def"))
    arguments = config.get("arguments", {})
    if isinstance(given, dict):
        arguments = {key: value for key, value in given.items() if key not in ("_target_", "_desc_")}
        given = given.get("_target_")
    name = str(given)
    for prefix in PREFIXES[1:]:
        name = name.removeprefix(prefix)
    if name not in NETWORKS or not hasattr(nets, name):
        raise refusal(f"{str(given)[:60]!r} is no network that is run here", f"Choose {', '.join(NETWORKS)}.")
    if not isinstance(arguments, dict):
        raise refusal("`arguments` in config.json is not an object", "Write the arguments of the network by name.")
    known = _known(name)
    surplus = sorted(key for key in arguments if key not in known)
    if surplus:
        raise refusal(f"{name} takes no argument {surplus[0][:60]!r} here", f"It takes {', '.join(known)}.")
    wrong = sorted(key for key, value in arguments.items() if not _plain(value))
    if wrong:
        raise refusal(f"`{wrong[0]}` is no plain value", "Numbers, texts, and lists and objects of them.")
    return name, arguments


def _known(name: str) -> list[str]:
    """Names of arguments: those of the class, and where it passes others on, those of the class it is made from."""
    kind, known = getattr(nets, name), []
    for one in inspect.getmro(kind):
        if "__init__" in vars(one) and one is not torch.nn.Module and one is not object:
            parameters = inspect.signature(one.__init__).parameters
            known += [key for key in parameters if key not in ("self", *REFUSED)]
            if "kwargs" not in parameters:
                break
    return list(dict.fromkeys(known))


def _plain(value, depth: int = 0) -> bool:
    if isinstance(value, list | dict) and (depth > 4 or len(value) > 64):
        return False
    if isinstance(value, list):
        return all(_plain(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return not any(str(key).startswith("_") for key in value) and all(_plain(v, depth + 1) for v in value.values())
    if isinstance(value, str):
        return len(value) <= 40 and value.replace("-", "").replace("_", "").isalnum()
    return value is None or isinstance(value, bool | int | float)


def _tuples(value):
    """Lists within lists stay lists; a pair of a name and its options, such as a norm, is a tuple in MONAI."""
    if isinstance(value, list):
        items = [_tuples(item) for item in value]
        return tuple(items) if len(items) == 2 and isinstance(items[0], str) and isinstance(items[1], dict) else items
    return value


RUNNER = Runner("monai", Monai)
