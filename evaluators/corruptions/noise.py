"""Gaussian noise, as of a short exposure or a low dose."""

import numpy as np

from evaluators.corruptions.registry import IMAGE, SIGNAL, VOLUME, corruption


@corruption(
    title="Noise",
    says="Gaussian noise with a standard deviation of 5 and 15 per cent of the range.",
    severities=(0.05, 0.15),
    spaces=(SIGNAL, IMAGE, VOLUME),
)
def noise(x: np.ndarray, severity: float, random: np.random.Generator, spatial: int) -> np.ndarray:
    return x + severity * random.standard_normal(x.shape, dtype=np.float32)
