"""Random masks and label maps with what breaks metrics: empties, specks, borders touched, thick slices, hopeless answers."""

import numpy as np
from scipy import ndimage

SPACINGS = (0.4, 1.0, 1.5, 5.0)


def mask(draw: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A mask of one of five kinds; one in twelve is empty."""
    kind = draw.integers(12)
    if kind == 0:
        return np.zeros(shape, bool)
    if kind < 4:  # noise, from specks to almost full
        return draw.random(shape) < draw.choice([0.01, 0.1, 0.5, 0.95])
    if kind < 8:  # blobs that touch the border
        return ndimage.gaussian_filter(draw.standard_normal(shape), 1.5) > draw.choice([-0.1, 0.0, 0.1])
    box = np.zeros(shape, bool)
    corner = [draw.integers(0, n) for n in shape]
    box[tuple(slice(low, low + draw.integers(1, 8)) for low in corner)] = True
    return box


def pair(seed: int, axes: int | None = None) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Two masks of one shape and a spacing; half the time the second is a shifted copy of the first."""
    draw = np.random.default_rng(seed)
    axes = axes or int(draw.integers(2, 4))
    shape = tuple(int(n) for n in draw.integers(2, 40 if axes == 2 else 16, axes))
    first = mask(draw, shape)
    second = mask(draw, shape) if draw.random() < 0.5 else np.roll(first, draw.integers(-2, 3, axes), range(axes))
    return first, second, tuple(float(step) for step in draw.choice(SPACINGS, axes))


def surface(mask: np.ndarray) -> np.ndarray:
    """Voxels of a mask with a face neighbour outside it or outside the image, by erosion."""
    return mask & ~ndimage.binary_erosion(mask, ndimage.generate_binary_structure(mask.ndim, 1))


def distances(first: np.ndarray, second: np.ndarray, spacing) -> np.ndarray:
    """From each surface voxel of the first mask to the surface of the second, by a distance transform."""
    return ndimage.distance_transform_edt(~surface(second), sampling=spacing)[surface(first)]
