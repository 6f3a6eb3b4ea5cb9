"""The one-pixel attack (Su, Vargas and Sakurai 2019): the pixel that does most harm, sought by differential evolution.

Black box: it asks the network alone, and sees no label. What it lowers is the probability of the network's own answer.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import differential_evolution

PEOPLE, GENERATIONS = 20, 10  # questions to the network per generation, and generations, at most
VERSION = 1


def attack(case: np.ndarray, ask: Callable[[list[np.ndarray]], np.ndarray], seed: int) -> np.ndarray:
    """The case with one pixel changed; the search ends where the network's answer has changed.

    case: an image as it was read. ask(cases) -> (n, classes) probabilities.
    """
    own = int(ask([case])[0].argmax())
    low, high = float(case.min()), float(case.max())
    if case.dtype == np.uint8:
        low, high = 0.0, 255.0
    channels = 1 if case.ndim == 2 else case.shape[-1]
    bounds = [(0, n - 1e-6) for n in case.shape[:2]] + [(low, high)] * channels
    lowest = [1.0]

    def probabilities(vectors: np.ndarray) -> np.ndarray:
        found = ask([_changed(case, vector) for vector in np.atleast_2d(vectors.T)])
        other = found.copy()
        other[:, own] = -1
        margin = found[:, own] - other.max(axis=1)  # below 0 the answer has changed
        lowest[0] = min(lowest[0], float(margin.min()))
        return margin

    best = differential_evolution(
        probabilities, bounds, maxiter=GENERATIONS - 1, popsize=1, init=_first(bounds, seed), mutation=0.5, recombination=1.0,
        rng=seed, polish=False, vectorized=True, updating="deferred", tol=0, callback=lambda *_, **__: lowest[0] < 0,
    )  # fmt: skip
    return _changed(case, best.x)


def _first(bounds, seed: int) -> np.ndarray:
    low, high = np.array(bounds).T
    return np.random.default_rng(seed).uniform(low, high, (PEOPLE, len(bounds)))


def _changed(case: np.ndarray, vector: np.ndarray) -> np.ndarray:
    changed = case.copy()
    row, column = int(vector[0]), int(vector[1])
    values = vector[2:] if case.dtype.kind == "f" else np.rint(vector[2:])
    changed[row, column] = values[0] if case.ndim == 2 else values
    return changed
