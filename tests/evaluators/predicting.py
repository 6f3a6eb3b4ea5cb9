"""Run a model folder over a folder of inputs in the sandbox, and compute beside it, in processes that torch may enter."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from evaluators.sandbox import Limits, Outcome, Sandbox

CLASSES = {"slug": "t", "version": 1, "kind": "classification", "classes": ["no", "yes"], "multilabel": False}
SEGMENTS = CLASSES | {
    "kind": "segmentation",
    "classes": ["background", "low", "high"],
    "label_values": {"low": 1, "high": 5},
}


def predict(
    box: Sandbox, folder: Path, inputs: Path, manifest: dict, out: Path, cases: list[str] | None = None, **limits
) -> Outcome:
    """The outcome; predictions are in `out`. `cases`: the inputs by name, such as "table.csv#0"; by default every file."""
    out.mkdir()
    for path in folder.iterdir():
        path.chmod(0o644)  # as the worker's own copies are
    names = sorted(path.name for path in folder.iterdir())
    cases = [f"inputs/{name}" for name in cases or sorted(path.name for path in inputs.iterdir())]
    request = {"manifest": manifest, "names": names, "threads": 1, "ids": cases, "inputs": cases}
    limits = Limits(**({"memory": 4 << 30, "wall": 120, "cpu": 240, "disk": 1 << 30} | limits))
    given = {"answer": folder, "inputs": inputs}
    return box.run("evaluators.child:predict", request, work=out, given=given, limits=limits)


def by_torch(code: str, *arguments) -> np.ndarray:
    """What a program prints with `show(tensor)`: an independent computation, by torch alone."""
    head = (
        "import sys, json, numpy as np, torch; from torch import nn; torch.manual_seed(0); torch.set_num_threads(1)\n"
        "from safetensors.torch import save_file, load_file\n"
        "def show(x): print(json.dumps(x.double().tolist()))\n"
    )
    command = [sys.executable, "-c", head + code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return np.array(json.loads(done.stdout)) if done.stdout.strip() else np.zeros(0)


def save_config(folder: Path, **config) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    return folder
