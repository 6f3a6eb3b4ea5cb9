"""Declared preprocessing: steps as data, from a case as it was read to the array a network takes, and an answer back.

Pure NumPy, SciPy and Pillow: no network library is loaded, so that inputs can be prepared by trusted code alone.
"""

from dataclasses import dataclass, field

import numpy as np

from evaluators.steps import registry
from evaluators.steps.registry import IMAGE, SERIES, SPACES, STEPS, TABLE, VOLUME, Case, check, unfit

registry.load(__name__)

KINDS = {"table": TABLE, "signal": SERIES, "sequence": SERIES, "image": IMAGE, "volume": VOLUME}


@dataclass
class Prepared:
    """What the network gets for one case (no batch axis), the shape of the case itself, and how an answer comes back."""

    array: np.ndarray
    shape: tuple[int, ...]
    undo: list[dict] = field(default_factory=list)

    @property
    def channels_last(self) -> bool:
        return {"step": "channels_last"} in self.undo

    @property
    def grid(self) -> tuple[int, ...]:
        """The shape in space that the network sees."""
        return self.array.shape[:-1] if self.channels_last else self.array.shape[1:]


def prepare(array: np.ndarray, facts: dict, kind: str | None, steps: list[dict]) -> Prepared:
    """A case through checked steps, float32. `facts`: what its format told, see readers.read_input. Raises Faults."""
    case = case_of(np.asarray(array), facts, kind)
    shape = case.array.shape[1:] if case.space else case.array.shape
    for given in steps:
        step = STEPS[given["step"]]
        if case.space not in step.spaces:
            raise unfit(f"the step {step.name} is not for a {SPACES[case.space]}")
        step.apply(case, **{name: value for name, value in given.items() if name != "step"})
    return Prepared(np.ascontiguousarray(case.array, np.float32), tuple(shape), case.undo)


def back(answer: np.ndarray, undo: list[dict], nearest: bool = False) -> np.ndarray:
    """An answer (channels, *space) on the grid of the case itself. nearest: it holds numbers of labels."""
    for record in reversed(undo):
        answer = STEPS[record["step"]].undo(answer, record | {"nearest": nearest})
    return answer


def space_of(array: np.ndarray, facts: dict, kind: str | None) -> int:
    """Axes in space: by the declared kind, by what the format tells, or by the shape of the array."""
    if kind:
        return KINDS[kind]
    if "spatial" in facts:
        return facts["spatial"]
    if array.ndim == 1:
        return TABLE
    return IMAGE if array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in (3, 4)) else VOLUME


def case_of(array: np.ndarray, facts: dict, kind: str | None) -> Case:
    """A case with its channels first. Raises Faults where it is not of the declared kind."""
    space = space_of(array, facts, kind)
    whole = array.dtype.kind in "ub"
    names = tuple(facts.get("names") or ())
    if space == TABLE:
        return Case(np.asarray(array, np.float32).ravel(), TABLE, names=names)
    letters = facts.get("letters", False)
    if (letters and array.ndim != 1) or (not letters and array.ndim not in (space, space + 1)):
        raise unfit("the inputs of this benchmark are not of the declared kind", "Check `inputs.kind` in config.json.")
    spacing = tuple(facts["spacing"])[:space] if facts.get("spacing") else None
    if not letters:
        array = array[None] if array.ndim == space else np.moveaxis(array, -1, 0)
        if space == IMAGE and len(array) == 4:  # transparency
            array = array[:3]
    return Case(array, space, spacing, facts.get("axes", ""), names, whole, facts.get("window"))


def table() -> str:
    """The steps as a table for the documentation."""
    rows = ["| step | does | for | its parameters |", "|---|---|---|---|"]
    for name, step in sorted(STEPS.items()):
        parameters = []
        for key, one in step.parameters.items():
            default = "" if one.default is registry.REQUIRED else f", default `{_written(one.default)}`"
            parameters.append(f"`{key}`: {one.says.rstrip('.')}{default}")
        spaces = ", ".join(SPACES[space] for space in step.spaces)
        rows.append(f"| `{name}` | {step.says} | {spaces} | {'; '.join(parameters)} |")
    return "\n".join(rows)


def _written(value) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value).replace("'", '"')


__all__ = ["KINDS", "SPACES", "STEPS", "Case", "Prepared", "back", "case_of", "check", "prepare", "space_of", "table"]
