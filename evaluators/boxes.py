"""Boxes that a detector gives for a case: from the network's grid back to the pixels of the case itself, by class."""

import numpy as np

from evaluators import runners
from evaluators.steps import Prepared

MOST = 10_000  # of one case
HINT = "Give (n, boxes, 6): x, y, width, height in pixels of the network's input, score, number of the class."


def by_class(output: np.ndarray, prepared: Prepared, classes: list[str]) -> dict[str, np.ndarray]:
    """An output (m, 6) as (k, 5) boxes of each class, score last; boxes of score 0 or without area are left out.

    Raises Faults for another shape, NaN, an unknown class, or preprocessing that turns the picture.
    """
    rows = np.asarray(output, np.float64)
    if len(prepared.shape) != 2:
        raise runners.refusal("boxes of weights are for pictures", "Send the boxes of volumes as a file.")
    if rows.ndim != 2 or rows.shape[1] != 6 or len(rows) > MOST:
        found = " x ".join(map(str, rows.shape))
        raise runners.refusal(f"the network gives {found} for a case, where boxes are needed", HINT)
    if not np.isfinite(rows).all():
        raise runners.refusal("the network gives NaN or infinity", "Check the weights and the declared preprocessing.")
    rows = rows[(rows[:, 4] > 0) & (rows[:, 2] > 0) & (rows[:, 3] > 0)]
    number = np.rint(rows[:, 5]).astype(int)
    if len(rows) and not 0 <= number.min() <= number.max() < len(classes):
        raise runners.refusal(f"the network names the class {number.max()} of {len(classes)}", HINT)
    sides = _back(rows[:, :4], prepared)
    whole = np.column_stack([sides, rows[:, 4]])
    return {name: whole[number == place] for place, name in enumerate(classes)}


def _back(sides: np.ndarray, prepared: Prepared) -> np.ndarray:
    """x, y, width, height on the grid of the case: what was resized is scaled, what was cut or filled up is shifted."""
    corner, size, grid = sides[:, :2].copy(), sides[:, 2:].copy(), prepared.grid
    for record in reversed(prepared.undo):
        if record["step"] == "resample":
            scale = np.divide(record["size"], grid)[::-1]
            corner, size, grid = corner * scale, size * scale, record["size"]
        elif record["step"] == "crop":
            corner, grid = corner + record["start"][::-1], record["shape"]
        elif record["step"] == "pad":
            corner, grid = corner - record["before"][::-1], record["shape"]
        elif record["step"] != "channels_last":
            raise runners.refusal(
                f"boxes cannot be taken back through the step {record['step']}", "Resize, crop or pad alone."
            )
    return np.column_stack([corner, size])
