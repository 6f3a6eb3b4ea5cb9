"""Motion in magnetic resonance: the patient moves while lines of k-space are read, which leaves ghosts."""

import numpy as np

from evaluators.corruptions.registry import IMAGE, VOLUME, corruption, each, sides

SHIFT = 0.04  # of a side


@corruption(
    title="Motion",
    says="One and four stretches of a tenth of the lines, in the middle half of k-space, are read with the patient moved by 4 per "
    "cent of a side, one way or the other.",
    severities=(1, 4),
    spaces=(IMAGE, VOLUME),
    mr=True,
)
def motion(x: np.ndarray, severity: float, random: np.random.Generator, spatial: int) -> np.ndarray:
    lines, across = sides(x, spatial)[:2]
    width = max(1, lines // 10)
    middle = lines // 4, max(lines // 4 + 1, lines - lines // 4 - width)
    moves = [(int(random.integers(*middle)), SHIFT * random.choice((-1, 1))) for _ in range(int(severity))]

    def ghosts(channel):
        space = np.fft.fftshift(np.fft.fftn(channel), axes=0)
        turns = np.fft.fftfreq(across).reshape(1, -1, *[1] * (channel.ndim - 2))
        for start, share in moves:
            space[start : start + width] *= np.exp(-2j * np.pi * turns * share * across)
        return np.abs(np.fft.ifftn(np.fft.ifftshift(space, axes=0))).astype(np.float32)

    return each(x, spatial, ghosts)
