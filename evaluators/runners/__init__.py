"""Runners: how weights of one framework become a network that answers. One file each; a new one needs no edit elsewhere.

A runner is chosen by `config.json` of the revision: `"framework"`, or for timm the `"architecture"` of its own format.
Weights and a declarative configuration only: nothing here executes code that a participant wrote. Modules of this folder
are imported in the sandbox alone, and they alone import torch, timm and onnxruntime.
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
    """A loaded network. `inputs` declares its preprocessing, see inputs.py; `head` what its outputs mean, see heads.py."""

    inputs: dict
    head: str
    device: str  # "cpu", or the name of the GPU
    precision: str  # "float32"
    parameters: int

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Outputs of a batch, first axis as in `batch`. Raises TooMuch, or Faults for what the network itself cannot do."""


@dataclass(frozen=True)
class Runner:
    """`open(folder, config, manifest, threads) -> Network`; raises Faults for weights or a configuration that are at fault."""

    name: str
    accepts: Callable[[dict, list[str]], bool]
    open: Callable[[Path, dict, dict, int], Network]


def open_network(folder: Path, names: list[str], manifest: dict, threads: int) -> Network:
    """The network in `folder`. Raises Faults naming the place in the participant's own files."""
    config = read_config(folder)
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        runner = None if module in NOT_RUNNERS else importlib.import_module(f"{__name__}.{module}").RUNNER
        if runner and runner.accepts(config, names):
            return runner.open(folder, config, manifest, threads)
    raise refusal(
        "config.json names no network that can be run here",
        'Name a timm network: {"architecture": "resnet18", "num_classes": 5}, or an ONNX file: {"framework": "onnx"}.',
    )


NOT_RUNNERS = ("heads", "inputs", "parameters")


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
        raise refusal("config.json is not an object", 'Write {"architecture": ...} or {"framework": "onnx", ...}.')
    return config


def refusal(message: str, hint: str = "", file: str = CONFIG) -> Faults:
    """What to raise where an answer is refused for one reason."""
    return Faults([Fault(message, hint, file=file)])
