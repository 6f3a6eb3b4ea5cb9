"""A bias field of magnetic resonance: the coil hears one side louder than the other."""

import itertools

import numpy as np

from evaluators.corruptions.registry import IMAGE, VOLUME, corruption, sides

ORDER = 3  # of the polynomial, as in Sudre et al. 2017 and TorchIO


@corruption(
    title="Bias field",
    says="Multiplied by the exponential of a smooth polynomial of order 3 that reaches 0.3 and 0.7 somewhere.",
    severities=(0.3, 0.7),
    spaces=(IMAGE, VOLUME),
    mr=True,
)
def bias_field(x: np.ndarray, severity: float, random: np.random.Generator, spatial: int) -> np.ndarray:
    axes = np.meshgrid(
        *(np.linspace(-1, 1, n, dtype=np.float32) for n in sides(x, spatial)), indexing="ij", sparse=True
    )
    field = np.zeros(sides(x, spatial), np.float32)
    for powers in itertools.product(range(ORDER + 1), repeat=spatial):
        if 0 < sum(powers) <= ORDER:
            term = random.uniform(-1, 1)
            for axis, power in zip(axes, powers, strict=True):
                term = term * axis**power
            field += np.asarray(term, np.float32)
    field *= severity / max(float(np.abs(field).max()), 1e-12)
    return x * np.exp(field if x.ndim == spatial else field[..., None])
