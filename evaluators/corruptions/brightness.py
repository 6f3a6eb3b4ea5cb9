"""Brighter or darker, as of another exposure; each case one or the other."""

import numpy as np

from evaluators.corruptions.registry import IMAGE, VOLUME, corruption


@corruption(
    title="Brightness",
    says="10 and 25 per cent of the range added or taken, drawn for each case.",
    severities=(0.1, 0.25),
    spaces=(IMAGE, VOLUME),
)
def brightness(x: np.ndarray, severity: float, random: np.random.Generator, spatial: int) -> np.ndarray:
    return x + np.float32(severity * random.choice((-1, 1)))
