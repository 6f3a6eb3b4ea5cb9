"""A network over the inputs of a benchmark: batches that shrink when memory is short, one file per predicted volume.

First one synthetic case, so that a network that does not fit is refused before a real case is opened; then one real case,
then the rest. Pure: no Django, no Celery; torch and onnxruntime come in with the runner.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from evaluators import batches as batching
from evaluators import boxes, predictions, prepared, readers, runners, steps
from evaluators.batches import Batches
from evaluators.faults import Faults
from evaluators.meter import Meter
from evaluators.runners import heads
from evaluators.runners import inputs as declared
from evaluators.steps import Prepared


def look(folder: Path, names: list[str], manifest: dict, first: Path, *, threads: int = 1) -> None:
    """The first look: everything about a revision that shows without a real case. Raises Faults, or MemoryError.

    The network answers a made-up case of the shape and type of the file `first`, through its declared preprocessing: zeros, or
    ones for a row of a table, whose terms may be logarithms.
    """
    network = runners.open_network(folder, names, manifest, threads)
    batches = Batches(network)
    _try(network, batches, manifest)
    case, facts = _read(first)
    made_up = np.ones_like(case) if case.ndim == 1 else np.zeros_like(case)
    prepared = declared.prepare(made_up, facts, network.inputs)
    _judge(network, batches.run([prepared.array])[0], prepared, manifest)


def _try(network, batches: Batches, manifest: dict) -> None:
    """One synthetic case, where the network says of what size."""
    zeros = network.synthetic()
    if zeros is not None:
        outputs = batches.run([zeros])[0]
        if not _mapped(manifest) and not _boxed(manifest):
            _rows(network, outputs.reshape(1, -1), manifest)


def _judge(network, output: np.ndarray, prepared: Prepared, manifest: dict) -> None:
    """Raises Faults where an output for this case is not what the benchmark needs."""
    if _mapped(manifest):
        _map(network, output, prepared, manifest)
    elif _boxed(manifest):
        boxes.by_class(output, prepared, manifest["classes"])
    else:
        _rows(network, np.ravel(output)[None], manifest)


def run(
    folder: Path,
    names: list[str],
    manifest: dict,
    inputs: Sequence[Path],
    out: Path,
    *,
    threads: int = 1,
    progress: Callable[[float, bool], None] = lambda share, opened: None,
    ready: Path | None = None,
    declare: Callable[[dict], None] = lambda inputs: None,
) -> dict:
    """Predict every input, in order, into `out`; facts about the network. Raises Faults, or MemoryError at a batch of one.

    `progress(share, opened)`: share 0 to 1 of the cases; opened once a real case is read. `ready`: the folder where
    another process puts the inputs, see prepared.py, once `declare` has told it how; without it they are prepared here.
    """
    network = runners.open_network(folder, names, manifest, threads)
    batches = Batches(network)
    _try(network, batches, manifest)
    progress(0.0, True)
    declare(network.inputs)
    cases = prepared.read(ready, inputs, network.inputs) if ready else map(_read, inputs)
    cost = predict(network, batches, manifest, cases, out, lambda done: progress(done / len(inputs), True))
    cost |= {"parameters": int(network.parameters)}
    return {"device": network.device, "precision": network.precision, "cost": cost}


def predict(
    network,
    batches: Batches,
    manifest: dict,
    cases: Iterable,
    out: Path,
    done: Callable[[int], None] = lambda n: None,
    *,
    measure: bool = True,
) -> dict:
    """The answers to `cases`, in order, into `out`; what they cost, if asked. A case: its array as read, and what its format
    tells of it; or one that is Prepared already. `done(n)`: so many cases are answered.
    """
    mapped, meter = _mapped(manifest), Meter()
    made = (case if isinstance(case, Prepared) else declared.prepare(*case, network.inputs) for case in cases)
    groups = batching.groups(made, batches)
    rows, count = [], 0
    for group, staged in batching.ahead(groups, lambda group: batches.stage([one.array for one in group])):
        arrays = [one.array for one in group]
        outputs = meter.batch(lambda arrays=arrays, staged=staged: batches.run(arrays, staged), len(group))
        for one, output in zip(group, outputs, strict=True):
            if mapped:
                predictions.save_case(out, count, _map(network, output, one, manifest))
            elif _boxed(manifest):
                rows.append(boxes.by_class(output, one, manifest["classes"]))
            else:
                rows.append(np.ravel(output))
            count += 1
        done(count)
    if _boxed(manifest):
        predictions.save(out, {name: [case[name] for case in rows] for name in manifest["classes"]})
    elif not mapped:
        _same_length(rows)
        predictions.save(out, _rows(network, np.stack(rows), manifest))
    if not measure:
        return {}
    last = group[-1].array
    part, times = batches.part(last)
    macs = runners.macs(network, part)
    cost = meter.facts(lambda: batches.run([last])) | {"macs": macs and macs * times}
    return cost | {"device_memory": runners.device_memory()}


def rows(network, batches: "Batches", manifest: dict, cases: list) -> np.ndarray:
    """The answers to a few cases at once, (n, classes) probabilities or (n,) values."""
    arrays = [declared.prepare(*case, network.inputs).array for case in cases]
    return _rows(network, np.stack([np.ravel(output) for output in batches.run(arrays)]), manifest)


def _mapped(manifest: dict) -> bool:
    """Whether the answer to a case is an array of its shape."""
    return manifest["kind"] in ("segmentation", "restoration")


def _boxed(manifest: dict) -> bool:
    """Whether the answer to a case is any number of boxes."""
    return manifest["kind"] == "detection"


def _rows(network, outputs: np.ndarray, manifest: dict):
    """Outputs (n, outputs) as predictions.save takes them: probabilities in the order of the classes, values, risks."""
    classes = manifest.get("classes") or []
    values = heads.apply(network.head, outputs, len(classes))
    if manifest["kind"] == "survival":
        return {"risk": values} | (network.curves(values) if hasattr(network, "curves") else {})
    places = heads.places(network.config, classes) if manifest["kind"] == "classification" else None
    return values[:, np.argsort(places)] if places and sorted(places) == list(range(len(classes))) else values


def _map(network, output: np.ndarray, prepared: Prepared, manifest: dict) -> np.ndarray:
    """An output (channels, *space) or (*space) as the case's own grid has it. Raises Faults."""
    shape = prepared.shape
    if prepared.channels_last and output.ndim == len(shape) + 1:
        output = np.moveaxis(output, -1, 0)
    if manifest["kind"] == "restoration" and (enlarged := _enlarged(output, prepared)) is not None:
        return enlarged
    if output.ndim not in (len(shape), len(shape) + 1) or output.shape[-len(shape) :] != prepared.grid:
        found, wanted = (" x ".join(map(str, one)) for one in (output.shape, prepared.grid))
        raise runners.refusal(
            f"the network gives {found} for a case of {wanted}", "Give one value per class for every pixel or voxel."
        )
    output = output.reshape(-1, *output.shape[-len(shape) :])
    output = steps.back(output, prepared.undo, nearest=network.head == "labels")
    if manifest["kind"] == "restoration":
        if len(output) != 1:
            raise runners.refusal(f"the network gives {len(output)} channels, where one is needed")
        return np.asarray(output[0], np.float32)
    values = [0, *manifest["label_values"].values()]
    places = heads.places(network.config, ["background", *manifest["label_values"]])
    if places:  # outputs of classes that the benchmark does not have count as background
        values = [0 if place < 0 else values[place] for place in places]
    found = heads.label_map(network.head, output, shape, values)
    return _components(found) if manifest.get("instances") else found


def _enlarged(output: np.ndarray, prepared: Prepared) -> np.ndarray | None:
    """The output of a network that gives several pixels for each of its input, as many along every axis; else None."""
    grid, space = prepared.grid, output.shape[-len(prepared.shape) :]
    factors = {new // old for new, old in zip(space, grid, strict=False) if new % old == 0}
    if len(factors) != 1 or factors == {1} or tuple(max(factors) * side for side in grid) != space:
        return None
    if output.size != np.prod(space) or any(record["step"] != "channels_last" for record in prepared.undo):
        raise runners.refusal(
            "an enlarged answer cannot be taken back", "Give one channel; change no size in `inputs`."
        )
    return np.asarray(output, np.float32).reshape(space)


def _components(mask: np.ndarray) -> np.ndarray:
    """The connected components of a mask, numbered from 1; neighbours across corners included."""
    found, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    return found.astype(np.uint16 if count < 1 << 16 else np.uint32)


def _same_length(rows: list[np.ndarray]) -> None:
    if len({len(row) for row in rows}) != 1:
        raise runners.refusal("the network gives outputs of different length for different cases")


def _read(path: Path) -> tuple[np.ndarray, dict]:
    """An input, and what its format tells of it."""
    try:
        return readers.read_input(path)
    except Faults as faults:  # the package's own file: not for the participant to see
        raise RuntimeError(f"an input cannot be read: {faults}") from None
