"""What a run leaves beside its scores: everything that a repetition needs to know, and what the network cost.

The numbers of a sandboxed child are kept to two digits: a network could write its inputs into more. The device is named by
the worker where a child names another.
"""

import functools
import hashlib
import math
from importlib import metadata
from pathlib import Path

import evaluators
from evaluators import sandbox, statistics
from evaluators.models import Run

LIBRARIES = ("numpy", "scipy", "scikit-learn", "numba", "torch", "timm", "onnxruntime")
WEIGHTS = (".safetensors", ".onnx", ".onnx.data", ".onnx_data")
COST = ("parameters", "macs", "latency_median", "latency_p95", "throughput", "device_memory")
DRIVER = Path("/proc/driver/nvidia/version")


def of(run: Run, predicted: sandbox.Outcome, scored: sandbox.Outcome, answer: Path) -> dict:
    """The organiser's, except for what the receipt repeats and `cost`, which everyone sees."""
    manifest, told = run.package.manifest, predicted.value
    found = {
        "evaluator": evaluators.__version__,
        "code": code_digest(),
        "lock": lock_digest(),
        "versions": {name: metadata.version(name) for name in LIBRARIES},
        "package": run.package.digest,
        "files": run.answer["files"],
        "attempt": run.attempt,
        "seconds": {"predict": two(predicted.seconds), "score": two(scored.seconds)},
        "memory": {"predict": two(predicted.memory), "score": two(scored.memory)},
        # of the resamples of all cases; the network's own generators start from 0 in every run
        "seed": {"resamples": statistics.seed_of(manifest["slug"], manifest["version"], "all"), "network": 0},
    }
    found["device"] = "cpu"  # where nothing is run but the metrics
    if run.kind == Run.Kind.WEIGHTS:
        found |= {"device": str(told.get("device", ""))[:60], "precision": str(told.get("precision", ""))[:10]}
        found |= {"driver": driver(), "cost": cost(predicted, answer)}
    return found


@functools.cache
def code_digest() -> str:
    """SHA-256 over the evaluator's own source files: which code it was, where a version number says too little."""
    folder = Path(__file__).resolve().parent
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        found.update(f"{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def lock_digest() -> str:
    """SHA-256 of the file that pins every library; "" where the installation has none."""
    path = Path(__file__).resolve().parent.parent / "requirements.txt"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def driver() -> str:
    """The NVIDIA driver of this machine; "" without one."""
    text = DRIVER.read_text(errors="replace") if DRIVER.exists() else ""
    return next((word for word in text.split() if word[:1].isdigit() and "." in word), "")


def cost(predicted: sandbox.Outcome, answer: Path) -> dict:
    """What the network costs: `file_bytes` exactly; parameters, macs, seconds, cases a second and bytes to two digits."""
    told = predicted.value.get("cost")
    told = told if isinstance(told, dict) else {}
    found = {"file_bytes": sum(path.stat().st_size for path in answer.rglob("*") if path.name.endswith(WEIGHTS))}
    found |= {name: two(told[name]) for name in COST if _positive(told.get(name))}
    return found | {"memory": two(predicted.memory)}


def _positive(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value > 0


def two(value: float) -> float | int:
    """Two digits; whole numbers stay whole."""
    rounded = float(f"{value:.2g}")
    return int(rounded) if isinstance(value, int) else rounded
