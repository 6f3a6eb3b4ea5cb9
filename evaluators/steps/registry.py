"""The registry of preprocessing steps, and the case that goes through them. One file registers steps; no edit elsewhere.

A step is data, `{"step": "resize", "size": [224, 224]}`; its parameters are checked against what it declares, so that a
checked list is canonical: two lists that mean the same are equal.
"""

import importlib
import math
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from evaluators.faults import Fault, Faults

CONFIG = "config.json"
MOST_VALUES = 1 << 29  # numbers in one prepared case
MOST_STEPS = 32
MOST_ITEMS = 4096  # in one list
TABLE, SERIES, IMAGE, VOLUME = 0, 1, 2, 3  # axes in space: a row of a table, a signal or sequence, an image, a volume
SPACES = {TABLE: "table", SERIES: "signal or sequence", IMAGE: "image", VOLUME: "volume"}
REQUIRED = object()


@dataclass
class Case:
    """One case on its way to a network.

    `array`: (channels, *space) for signals, images and volumes; (columns,) for a row of a table; (letters,) bytes for a
    sequence. `spacing`: mm per axis of space, seconds for a signal. `axes`: orientation of a volume, such as "RAS".
    `names`: of columns or leads. `whole`: it was read as whole numbers. `window`: (centre, width) that its file proposes.
    `undo`: what brings an answer back to the case's own grid, last step last.
    """

    array: np.ndarray
    space: int
    spacing: tuple[float, ...] | None = None
    axes: str = ""
    names: tuple[str, ...] = ()
    whole: bool = False
    window: tuple[float, float] | None = None
    undo: list[dict] = field(default_factory=list)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a step. `kind`: number, whole, flag, text, or with an s a list of them. A list of `each` items has
    one per axis of space. `choices`: what it may be; `low`, `high`: bounds of each number."""

    kind: str
    says: str
    default: object = REQUIRED
    choices: tuple = ()
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True)
class Step:
    """`apply(case, **parameters)` changes the case; `undo(array, record)` takes a (channels, *space) answer back by what
    `apply` appended to `case.undo`. Raises Faults where a case does not suit. `spaces`: the cases that it is for."""

    name: str
    says: str
    spaces: tuple[int, ...]
    apply: Callable
    parameters: dict[str, Parameter] = field(default_factory=dict)
    undo: Callable[[np.ndarray, dict], np.ndarray] | None = None


STEPS: dict[str, Step] = {}


def register(step: Step) -> None:
    if step.name in STEPS:
        raise ValueError(f"{step.name} is registered twice")
    STEPS[step.name] = step


def load(package: str) -> None:
    for module in sorted(item.name for item in pkgutil.iter_modules(importlib.import_module(package).__path__)):
        if module != "registry":
            importlib.import_module(f"{package}.{module}")


def unfit(message: str, hint: str = "Check `inputs` in config.json.") -> Faults:
    """What to raise where a step does not suit a case."""
    return Faults([Fault(message, hint, file=CONFIG)])


def check(steps, place: str = "inputs.steps") -> list[dict]:
    """A list of steps, checked and with every default filled in. Raises Faults with all that is wrong."""
    if not isinstance(steps, list) or len(steps) > MOST_STEPS:
        raise unfit(f"`{place}` is not a list of at most {MOST_STEPS} steps", 'Write [{"step": "normalise"}, ...].')
    found: list[dict] = []
    faults: list[Fault] = []
    for number, given in enumerate(steps, 1):
        where = f"step {number} of `{place}`"
        if not isinstance(given, dict) or given.get("step") not in STEPS:
            name = given.get("step") if isinstance(given, dict) else given
            faults.append(Fault(f"{where}: {str(name)[:40]!r} is not known", f"Known are {', '.join(sorted(STEPS))}."))
            continue
        step = STEPS[given["step"]]
        surplus = sorted(map(str, given.keys() - {"step"} - step.parameters.keys()))
        if surplus:
            known = ", ".join(step.parameters) or "none"
            faults.append(Fault(f"{where}: {step.name} takes no {surplus[0][:40]!r}", f"It takes {known}."))
        values = {"step": step.name}
        for name, parameter in step.parameters.items():
            value = given.get(name, parameter.default)
            wrong = _wrong(value, parameter)
            if wrong and (value is REQUIRED or value is not parameter.default):
                faults.append(Fault(f"{where}: {step.name} needs `{name}`, {wrong}", parameter.says))
            values[name] = value
        found.append(values)
    if faults:
        raise Faults([Fault(fault.message, fault.hint, file=CONFIG) for fault in faults])
    return found


TYPES = {"number": (int, float), "whole": int, "flag": bool, "text": str}


def _wrong(value, parameter: Parameter) -> str:
    """What a value should be; empty where it is."""
    many = parameter.kind.endswith("s")
    kind = parameter.kind.removesuffix("s")
    words = {"number": "number", "whole": "whole number", "flag": "true or false", "text": "text"}[kind]
    if many and (not isinstance(value, list) or not 1 <= len(value) <= MOST_ITEMS):
        return f"a list of {words}s"
    for item in value if many else [value]:
        if not isinstance(item, TYPES[kind]) or (isinstance(item, bool) and kind != "flag"):
            return f"a list of {words}s" if many else f"a {words}"
        if kind in ("number", "whole") and not (math.isfinite(item) and parameter.low <= item <= parameter.high):
            return f"from {parameter.low:g} to {parameter.high:g}"
        if parameter.choices and item not in parameter.choices:
            return f"one of {', '.join(map(str, parameter.choices))}"
        if kind == "text" and len(item) > MOST_ITEMS:
            return "a shorter text"
    return ""


def per_axis(values: list, case: Case, what: str) -> list:
    """One value for each axis of space: the list itself, or its one value for all. Raises Faults."""
    if len(values) not in (1, case.space):
        raise unfit(f"`{what}` has {len(values)} values for the {case.space} axes of a {SPACES[case.space]}")
    return list(values) * (case.space if len(values) == 1 else 1)


def bounded(shape) -> None:
    """Raise Faults where a step would make more numbers than a case may have."""
    if math.prod(int(n) for n in shape) > MOST_VALUES:
        raise unfit(
            f"preparing a case makes {' x '.join(str(int(n)) for n in shape)} numbers", f"At most {MOST_VALUES:,}."
        )
