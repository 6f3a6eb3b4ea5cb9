"""Runners: how weights of one framework become a network that answers. One file each; a new one needs no edit elsewhere.

A runner is chosen by `config.json` of the revision: `"framework"` is the name of its file here. Without it, an
`"architecture"` means timm's own format, and a file that ends in .onnx ONNX.
Weights and a declarative configuration only: nothing here executes code that a participant wrote. Modules of this folder
are imported in the sandbox alone, and they alone import torch, timm, MONAI and onnxruntime.
"""

import importlib
import json
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from evaluators.faults import Fault, Faults

CONFIG = "config.json"
MAX_CONFIG = 1 << 20  # bytes


class TooMuch(Exception):
    """The network needs more memory for a batch than there is; a smaller batch may do."""


class Network(Protocol):
    """A loaded network. `inputs`: its checked declaration, see inputs.py; `head`: what its outputs mean, see heads.py.

    Optional: `batch`, a fixed batch size; `config`, for sliding windows and flips, see evaluators/inference.py;
    `stage(batch)`, which brings a batch to the device beside the one that is computed; `curves(risks)`, survival curves.
    """

    inputs: dict
    head: str
    device: str  # "cpu", or the name of the GPU
    precision: str  # "float32"
    parameters: int

    def synthetic(self) -> np.ndarray | None:
        """One made-up case, prepared; None where only real cases tell its size."""

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Outputs of a batch, first axis as in `batch`. Raises TooMuch, or Faults for what the network itself cannot do."""


@dataclass(frozen=True)
class Runner:
    """`open(folder, config, manifest, threads) -> Network`; raises Faults for weights or a configuration that are at fault."""

    name: str
    open: Callable[[Path, dict, dict, int], Network]


NOT_RUNNERS = ("heads", "inputs", "parameters")


def frameworks() -> list[str]:
    """The names that `framework` may have."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [name for name in names if name not in NOT_RUNNERS and not name.startswith("_")]


def open_network(folder: Path, names: list[str], manifest: dict, threads: int) -> Network:
    """The network in `folder`. Raises Faults naming the place in the participant's own files."""
    config = read_config(folder)
    framework = config.get("framework")
    if framework is None:
        framework = "timm" if "architecture" in config else "onnx" if any(n.endswith(".onnx") for n in names) else None
    if framework not in frameworks():
        raise refusal(
            "config.json names no network that can be run here",
            f'`framework` is one of {", ".join(frameworks())}; or name a timm network: {{"architecture": "resnet18"}}.',
        )
    try:
        runner = importlib.import_module(f"{__name__}.{framework}").RUNNER
    except ModuleNotFoundError as missing:
        if missing.name != framework:
            raise
        raise refusal(
            f"{framework} networks are not run on this site", "Its operator can install what they need."
        ) from missing
    return runner.open(folder, config, manifest, threads)


def macs(network: Network, array: np.ndarray) -> int | None:
    """Multiply-adds of one prepared case, where they can be counted."""
    return importlib.import_module(f"{__name__}._macs").count(network, array)


def device_memory() -> int | None:
    """Peak bytes on the GPU; None without one."""
    return importlib.import_module(f"{__name__}._macs").device_memory()


def read_config(folder: Path) -> dict:
    """config.json as a mapping; empty where there is none."""
    path = folder / CONFIG
    if not path.exists():
        return {}
    if path.stat().st_size > MAX_CONFIG:
        raise refusal(f"config.json has {path.stat().st_size:,} bytes", f"At most {MAX_CONFIG:,} are read.")
    try:
        config = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise Faults([Fault(error.msg, "Write valid JSON.", error.lineno, error.colno, file=CONFIG)]) from None
    except (UnicodeDecodeError, RecursionError):
        raise refusal("config.json is not JSON in UTF-8", "Write valid JSON.") from None
    if not isinstance(config, dict):
        raise refusal("config.json is not an object", 'Write {"architecture": ...} or {"framework": ..., ...}.')
    return config


def refusal(message: str, hint: str = "", file: str = CONFIG) -> Faults:
    """What to raise where an answer is refused for one reason."""
    return Faults([Fault(message, hint, file=file)])
