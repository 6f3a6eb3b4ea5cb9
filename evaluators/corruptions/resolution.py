"""Fewer pixels: scaled down and up again, as of a smaller detector or thicker slices."""

import numpy as np
from scipy import ndimage

from evaluators.corruptions.registry import IMAGE, VOLUME, corruption, each


@corruption(
    title="Resolution",
    says="Scaled to one half and one quarter of each side, and back, linearly.",
    severities=(2, 4),
    spaces=(IMAGE, VOLUME),
)
def resolution(x: np.ndarray, severity: float, random: np.random.Generator, spatial: int) -> np.ndarray:
    def coarse(channel):
        small = ndimage.zoom(
            channel, [max(1, round(n / severity)) / n for n in channel.shape], order=1, grid_mode=True, mode="nearest"
        )
        back = [n / m for n, m in zip(channel.shape, small.shape, strict=True)]
        return ndimage.zoom(small, back, order=1, grid_mode=True, mode="nearest")

    return each(x, spatial, coarse)
