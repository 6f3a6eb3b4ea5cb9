"""What runs inside the sandbox: read and predict (untrusted bytes to plain arrays), score (plain arrays and labels to scores),
and the first look at an uploaded package.

Each tells its progress as lines of JSON and ends with an exit code: 0 done, 2 the answer is at fault, 3 memory, 4 an error
of ours, 5 disk. A fault names a place in the participant's own files; everything else goes to the log, which the organiser
reads.
"""

import json
import os
from pathlib import Path

import numpy as np

from evaluators import contents, evaluate, inference, predictions, prepared, readers, robustness, yardsticks
from evaluators.cases import read_cases
from evaluators.faults import Faults
from evaluators.runners import inputs as declared

DONE, AT_FAULT = 0, 2


def nothing(request: dict, paths: dict, fd: int) -> int:
    """The shortest task: what a worker tries before it takes work."""
    tell(fd, done={})
    return DONE


def read(request: dict, paths: dict, fd: int) -> int:
    """Parse an uploaded prediction file whole. Sees the upload; no label."""
    out = Path(paths["out"])
    try:
        path = Path(paths["answer"]) / request["names"][0]
        predictions.save(out, readers.read_predictions(request["manifest"], request["ids"], path, out))
    except Faults as faults:
        return _at_fault(fd, faults)
    tell(fd, progress=100)
    tell(fd, done={})
    return DONE


def package(request: dict, paths: dict, fd: int) -> int:
    """Read an uploaded benchmark package whole: every reference and input is opened here. Sees nothing else."""
    try:
        facts = contents.read(Path(paths["package"])).facts
    except Faults as faults:
        return _at_fault(fd, faults)
    tell(fd, done=facts)
    return DONE


def look(request: dict, paths: dict, fd: int) -> int:
    """The first look at a revision: files, configuration, parameters, and its answer to a made-up case. No label is seen."""
    _device(request)
    try:
        inference.look(
            Path(paths["answer"]),
            request["names"],
            request["manifest"],
            Path(paths["inputs"]).parent / request["inputs"][0],
            threads=request["threads"],
        )
    except Faults as faults:
        return _at_fault(fd, faults)
    tell(fd, done={})
    return DONE


def predict(request: dict, paths: dict, fd: int) -> int:
    """Run the network of a revision over the inputs. Sees weights and inputs; no label."""
    _device(request)
    try:
        facts = inference.run(
            Path(paths["answer"]),
            request["names"],
            request["manifest"],
            [Path(paths["inputs"]).parent / name for name in request["inputs"]],
            Path(paths["out"]),
            threads=request["threads"],
            progress=lambda share, opened: tell(fd, progress=100 * share, opened=opened),
            ready=Path(paths["ready"]) if "ready" in paths else None,
            declare=lambda inputs: tell(fd, progress=0, declares=inputs),
        )
    except Faults as faults:
        return _at_fault(fd, faults)
    tell(fd, done=facts)
    return DONE


def stress(request: dict, paths: dict, fd: int) -> int:
    """The network of a revision on corrupted copies of public cases. Sees weights and inputs; no label."""
    _device(request)
    try:
        robustness.predict(
            Path(paths["answer"]),
            request["names"],
            request["manifest"],
            request["public"],
            [Path(paths["inputs"]).parent / name for name in request["inputs"]],
            Path(paths["out"]),
            threads=request["threads"],
            progress=lambda share: tell(fd, progress=100 * share),
        )
    except Faults as faults:
        return _at_fault(fd, faults)
    tell(fd, done={})
    return DONE


def prepare(request: dict, paths: dict, fd: int) -> int:
    """Decode and prepare the inputs for a network. Sees inputs and a declaration, which is data; no weights, no label."""
    files = [Path(paths["inputs"]).parent / name for name in request["inputs"]]
    try:
        declaration = declared.check(request["declares"])
        room = prepared.write(files, declaration, Path(paths["out"]), most_bytes=request["most_bytes"])
    except Faults as faults:
        return _at_fault(fd, faults)
    tell(fd, done={"room": room})
    return DONE


def score(request: dict, paths: dict, fd: int) -> int:
    """Scores with intervals, from labels and the arrays that the first child left. Sees no untrusted byte but numbers."""
    _read_only_compiler_cache()
    package, manifest = Path(paths["package"]), request["manifest"]
    cases = read_cases(manifest, package / "cases.csv")
    prediction = predictions.load(Path(paths["predicted"]), manifest["kind"], len(cases.ids))
    try:
        result = evaluate.score(
            manifest, cases, prediction, root=package, progress=lambda share: tell(fd, progress=100 * share)
        )
    except Faults as faults:
        return _at_fault(fd, faults)
    told = {"scores": [row.as_dict() for row in result.scores], "safety": result.safety}
    if "stressed" in paths:
        told["robustness"], more = robustness.judge(
            manifest, cases, request["public"], package, Path(paths["stressed"])
        )
        result.details |= more
    np.savez_compressed(Path(paths["out"]) / "details.npz", allow_pickle=False, **result.details)
    tell(fd, done=told)
    return DONE


def measure(request: dict, paths: dict, fd: int) -> int:
    """The yardsticks of a package: trivial predictors and human readers. Sees the package alone."""
    _read_only_compiler_cache()
    package, manifest = Path(paths["package"]), request["manifest"]
    found = yardsticks.measure(manifest, read_cases(manifest, package / "cases.csv"), package)
    tell(fd, done={"yardsticks": found})
    return DONE


def _device(request: dict) -> None:
    """Show the network one GPU, before anything looks for them: the one that the worker lent this run."""
    if request.get("gpu"):
        os.environ["CUDA_VISIBLE_DEVICES"] = request["gpu"]


def tell(fd: int, **message) -> None:
    """One line of JSON to the worker."""
    data = json.dumps(message, allow_nan=False).encode() + b"\n"
    while data:
        data = data[os.write(fd, data) :]


def _at_fault(fd: int, faults: Faults) -> int:
    tell(fd, faults=[fault.as_dict() for fault in faults.faults], count=faults.count)
    return AT_FAULT


def _read_only_compiler_cache() -> None:
    """numba would write what it compiles beside the code, which is read-only here; it stays in memory instead."""
    from numba.core import caching

    caching.Cache.save_overload = lambda *_: None
