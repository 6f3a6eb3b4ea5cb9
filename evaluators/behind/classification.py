"""Classification: ROC and precision-recall with operating points, calibration, confusion; each class against the rest."""

import numpy as np

from evaluators.behind import curves

CLASSES = 10  # the most frequent ones have curves
MATRIX = 60  # classes that a confusion matrix may have


def _parts(manifest: dict, reference, prediction):
    """(name, truth (n,), score (n,)) of each class; of two classes the second alone, which is the positive one."""
    names = manifest["classes"]
    binary = len(names) == 2 and np.ndim(reference) == 1
    several = np.ndim(reference) == 2
    counts = reference.sum(axis=0) if several else np.bincount(reference, minlength=len(names))
    chosen = [1] if binary else sorted(np.argsort(-counts, kind="stable")[:CLASSES].tolist())
    for place in chosen:
        truth = (reference[:, place] if several else reference == place).astype(np.int64)
        if 0 < truth.sum() < len(truth):
            yield names[place], truth, np.ascontiguousarray(prediction[:, place])


def curves_of_each(manifest, reference, prediction, draws, codes):
    """All that belongs to one class against the rest: two curves with bands, operating points, calibration, coarse curve."""
    found = {}
    for name, truth, score in _parts(manifest, reference, prediction):
        figures = curves.curves(truth, score, draws, codes) | {
            "operating_points": curves.operating_points(truth, score),
            "calibration": curves.calibration(truth, score),
            "coarse_roc": _coarse(truth, score),
        }
        found |= {(figure, name, column): a for figure, made in figures.items() for column, a in made.items()}
    return found


def _coarse(truth, score):
    """Empty where a class has too few cases, so that the other classes keep their curve."""
    return curves.coarse(truth, score) if min(truth.sum(), len(truth) - truth.sum()) >= curves.COARSE_CASES else {}


def confusion(manifest, reference, prediction, draws, codes):
    """counts (classes, classes): rows are the truth, columns the most probable class."""
    k = len(manifest["classes"])
    if np.ndim(reference) == 2 or k > MATRIX:
        return {}
    answer = prediction.argmax(axis=1)
    counts = np.bincount(np.asarray(reference, np.int64) * k + answer, minlength=k * k).reshape(k, k)
    return {("confusion", "", "counts"): counts}


FIGURES = (curves_of_each, confusion)
