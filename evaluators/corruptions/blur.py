"""Gaussian blur, as of a lens out of focus."""

import numpy as np
from scipy import ndimage

from evaluators.corruptions.registry import IMAGE, VOLUME, corruption, each, sides

LEAST = 0.6  # pixels


@corruption(
    title="Blur",
    says="Gaussian blur with a standard deviation of 1 and 2.5 per cent of the shortest side, at least 0.6 and 1.5 pixels.",
    severities=(0.01, 0.025),
    spaces=(IMAGE, VOLUME),
)
def blur(x: np.ndarray, severity: float, random: np.random.Generator, spatial: int) -> np.ndarray:
    sigma = severity * max(min(sides(x, spatial)), LEAST / 0.01)
    return each(x, spatial, lambda channel: ndimage.gaussian_filter(channel, sigma, mode="nearest"))
