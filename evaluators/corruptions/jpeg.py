"""JPEG compression, as of pictures sent by mail or stored to save room."""

import io

import numpy as np
from PIL import Image

from evaluators.corruptions.registry import IMAGE, corruption, each


@corruption(
    title="JPEG", says="Saved as JPEG of quality 30 and 10, and read again.", severities=(30, 10), spaces=(IMAGE,)
)
def jpeg(x: np.ndarray, severity: float, random: np.random.Generator, spatial: int) -> np.ndarray:
    pixels = np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)
    if pixels.ndim == 3 and pixels.shape[-1] != 3:
        return each(pixels, spatial, lambda channel: _saved(channel, int(severity))).astype(np.float32) / 255
    return _saved(pixels, int(severity)).astype(np.float32) / 255


def _saved(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))
