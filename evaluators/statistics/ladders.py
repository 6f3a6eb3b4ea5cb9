"""The Ladder: public scores that climb only on real steps, so that many submissions do not leak the held-out labels."""

import numpy as np


def ladder(per_case_loss) -> np.ndarray:
    """Released scores (submissions,) of a team's submissions in order, from per-case losses (submissions, n).

    Parameter-free form: a new score is released only if it beats the best by more than s / sqrt(n), s the standard
    deviation of the paired differences, rounded to 1 / n (Blum & Hardt 2015, ICML, arXiv 1502.04585).

    >>> ladder([[1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]]).tolist()
    [0.75, 0.75, 0.0]
    """
    losses = np.atleast_2d(np.asarray(per_case_loss, dtype=np.float64))
    n, best, score, released = losses.shape[1], None, np.inf, []
    for loss in losses:
        if best is None or climbs(loss, best, score):
            best, score = loss, np.round(loss.mean() * n) / n
        released.append(score)
    return np.array(released)


def climbs(loss, best, score: float) -> bool:
    """Whether a submission's losses (n,) beat the released score by more than s / sqrt(n) of its difference to the best."""
    loss, best = np.asarray(loss, np.float64), np.asarray(best, np.float64)
    return bool(loss.mean() < score - (loss - best).std(ddof=1) / np.sqrt(loss.size))
