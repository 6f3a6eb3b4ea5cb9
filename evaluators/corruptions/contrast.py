"""Less contrast around the mean, as of another display curve or a faded stain."""

import numpy as np

from evaluators.corruptions.registry import IMAGE, VOLUME, corruption


@corruption(
    title="Contrast",
    says="Distances to the case's mean multiplied by 0.6 and 0.3.",
    severities=(0.6, 0.3),
    spaces=(IMAGE, VOLUME),
)
def contrast(x: np.ndarray, severity: float, random: np.random.Generator, spatial: int) -> np.ndarray:
    mean = x.mean()
    return (x - mean) * np.float32(severity) + mean
