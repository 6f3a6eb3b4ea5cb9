"""A turned head or a tilted slide."""

import numpy as np
from scipy import ndimage

from evaluators.corruptions.registry import IMAGE, VOLUME, corruption, each


@corruption(
    title="Rotation",
    says="Turned in the first two axes by 5 and 15 degrees, either way, drawn for each case; edges are repeated.",
    severities=(5, 15),
    spaces=(IMAGE, VOLUME),
    moves=True,
)
def rotation(x: np.ndarray, severity: float, random: np.random.Generator, spatial: int) -> np.ndarray:
    angle = severity * random.choice((-1, 1))
    return each(x, spatial, lambda c: ndimage.rotate(c, angle, axes=(0, 1), reshape=False, order=1, mode="nearest"))
