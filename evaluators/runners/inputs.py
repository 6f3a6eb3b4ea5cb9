"""Declared preprocessing: `inputs` of config.json as data, from a case as it was read to the array a network takes.

`kind`: what the case is taken for (default: what it is). Then either `steps`, a list of those in evaluators/steps, or the
short form, which stands for the usual ones. Short form of images: `channels` 1 or 3, `size` [height, width] with
`interpolation`, `scale` (default 255 for whole numbers), `mean`, `std`, `multiple`, `layout`; of volumes: `normalise`,
`scale`, `mean`, `std`, `multiple`; of rows of a table: `mean`, `std`. No network library is loaded here.
"""

import numpy as np

from evaluators import steps
from evaluators.faults import Fault, Faults
from evaluators.runners import refusal
from evaluators.steps import Prepared
from evaluators.steps.geometry import PILLOW
from evaluators.steps.registry import IMAGE, TABLE, VOLUME

KEYS = {
    "kind": str, "name": str, "steps": list, "size": list, "channels": int, "scale": (int, float),
    "mean": (list, int, float), "std": (list, int, float), "interpolation": str, "layout": str, "normalise": str,
    "multiple": int,
}  # fmt: skip
CHOICES = {
    "kind": tuple(steps.KINDS),
    "interpolation": tuple(PILLOW),
    "layout": ("NCHW", "NHWC"),
    "normalise": ("none", "zscore", "minmax", "percentile"),
    "channels": (1, 3),
}
WITH_STEPS = ("kind", "name", "steps")
MAX_SIDE = 4096


def check(inputs) -> dict:
    """The declaration, checked: all faults at once."""
    if not isinstance(inputs, dict):
        raise refusal(
            "`inputs` in config.json is not an object", 'Write {"size": [224, 224], "mean": [0.5], "std": [0.5]}.'
        )
    faults = []
    for key, value in inputs.items():
        if key not in KEYS:
            faults.append(Fault(f"`inputs.{key}` is not known", f"Known are {', '.join(KEYS)}.", file="config.json"))
        elif not isinstance(value, KEYS[key]) or isinstance(value, bool):
            faults.append(
                Fault(f"`inputs.{key}` has the wrong type", "See the documentation of weights.", file="config.json")
            )
        elif key in CHOICES and value not in CHOICES[key]:
            choices = ", ".join(map(str, CHOICES[key]))
            faults.append(Fault(f"`inputs.{key}` is {str(value)[:40]!r}", f"Choose {choices}.", file="config.json"))
        elif "steps" in inputs and key not in WITH_STEPS:
            faults.append(Fault(f"`inputs.{key}` beside steps", "Write it as a step.", file="config.json"))
    if not faults:
        faults = [Fault(text, file="config.json") for text in _numbers(inputs)]
    if faults:
        raise Faults(faults)
    return inputs | ({"steps": steps.check(inputs["steps"])} if "steps" in inputs else {})


def _numbers(inputs: dict) -> list[str]:
    wrong = []
    size = inputs.get("size")
    if size is not None and (len(size) != 2 or not all(type(n) is int and 1 <= n <= MAX_SIDE for n in size)):
        wrong.append(f"`inputs.size` is not [height, width] of 1 to {MAX_SIDE}")
    for key in ("mean", "std"):
        values = np.atleast_1d(np.array(inputs.get(key, 1.0), object))
        if not all(isinstance(n, int | float) and np.isfinite(n) and (key == "mean" or n > 0) for n in values):
            wrong.append(f"`inputs.{key}` holds something else than {'positive ' * (key == 'std')}numbers")
    if not np.isfinite(inputs.get("scale", 1)) or inputs.get("scale", 1) == 0:
        wrong.append("`inputs.scale` is not a number other than 0")
    if not 1 <= inputs.get("multiple", 1) <= 1024:
        wrong.append("`inputs.multiple` is not 1 to 1024")
    return wrong


def prepare(array: np.ndarray, facts: dict, inputs: dict) -> Prepared:
    """A case as the network takes it, float32. `facts`: what the format told of it, see readers.read_input."""
    kind = inputs.get("kind")
    listed = inputs.get("steps")
    if listed is None:
        listed = _listed(inputs, steps.space_of(array, facts, kind), array)
    return steps.prepare(array, facts, kind, listed)


def _listed(inputs: dict, space: int, array: np.ndarray) -> list[dict]:
    """The short form as steps."""
    found: list[dict] = []
    standard = {key: np.atleast_1d(inputs[key]).tolist() for key in ("mean", "std") if key in inputs}
    if space == IMAGE:
        colour = array.ndim == 3
        found.append({"step": "float"})
        found.append({"step": "channels", "count": inputs.get("channels", 3 if colour else 1)})
    if "size" in inputs and space == IMAGE:
        how = inputs.get("interpolation", "bilinear")
        found.append({"step": "resize", "size": inputs["size"], "interpolation": how})
    if "normalise" in inputs and space != TABLE:
        found.append({"step": "normalise", "how": inputs["normalise"]})
    if space != TABLE:
        found.append({"step": "scale", "by": inputs.get("scale", 0)})
    if standard:
        found.append({"step": "standardise", **standard})
    if inputs.get("multiple", 1) > 1 and space in (IMAGE, VOLUME):
        found.append({"step": "multiple", "of": [inputs["multiple"]]})
    if inputs.get("layout") == "NHWC" and space == IMAGE:
        found.append({"step": "channels_last"})
    return steps.check(found)


def size_of(inputs: dict) -> list[int] | None:
    """The size in space of every prepared case, where the declaration fixes it: by a resize, or a crop and a pad."""
    size, cut, filled = inputs.get("size"), None, None
    for step in inputs.get("steps", ()):
        name = step["step"]
        if name == "resize" and step["fit"] == "stretch":
            size = step["size"]
        elif name in ("crop", "pad"):
            cut, filled = (step["size"], filled) if name == "crop" else (cut, step["size"])
            size = cut if cut == filled else size
        elif name in ("resample", "resize", "multiple", "rate", "flatten", "kmers", "reorient"):
            size = cut = filled = None
    return size
