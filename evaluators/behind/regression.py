"""Regression: the Bland-Altman plot (Bland & Altman 1986, Lancet 327:307, doi:10.1016/S0140-6736(86)90837-8)."""

import numpy as np

POINTS = 1500


def bland_altman(manifest, reference, prediction, draws, codes):
    """mean and difference (prediction minus reference) of at most POINTS cases, evenly by mean; bias and limits of all,
    (3,) with low and high over resampled patients."""
    reference, prediction = np.asarray(reference, float), np.asarray(prediction, float)
    if len(reference) < 3:
        raise ValueError("limits of agreement need three cases")
    mean, difference = (reference + prediction) / 2, prediction - reference
    order = np.argsort(mean, kind="stable")
    kept = order[np.unique(np.linspace(0, len(order) - 1, min(len(order), POINTS)).round().astype(int))]

    def plan(weights):
        total = weights.sum(axis=0, dtype=float)
        centre = (weights * difference[:, None]).sum(axis=0) / np.maximum(total, 1)
        spread = (weights * (difference[:, None] - centre) ** 2).sum(axis=0) / np.maximum(total - 1, 1)
        return centre + np.array([-1.96, 0, 1.96])[:, None] * np.sqrt(spread)

    low, high = np.quantile(draws.apply(plan, codes), [0.025, 0.975], axis=1)
    at = difference.mean() + np.array([-1.96, 0, 1.96]) * difference.std(ddof=1)
    found = {"mean": mean[kept], "difference": difference[kept], "limits": at, "low": low, "high": high}
    return {("bland_altman", "", name): array for name, array in found.items()}


FIGURES = (bland_altman,)
