"""Two ways to read held-out labels out of released scores, as an attacker with an account would go about it.

`ask(scores) -> {metric: value}` hands in one file, with a probability of the second class for each case, and gives back what
was released. Each attack answers with its belief (n,) that a case is of the second class, 0.5 where it learnt nothing.
"""

import numpy as np


def by_log_loss(ask, n: int, queries: int, told_cases: int, bits: int = 4) -> np.ndarray:
    """Whitehill (2018, AAAI Workshops, arXiv 1707.01825): the log loss of a file whose errors weigh 1, 2, 4, ... units says
    which of them were made. Each query asks about `bits` cases, all others are left at one half. told_cases: over how many
    cases the score is a mean, which the page of a competition says."""
    belief = np.full(n, 0.5)
    before = ask(np.full(n, 0.5)).get("log_loss")
    for number in range(1, queries):
        asked = np.arange((number - 1) * bits, min(number * bits, n))
        if not len(asked):
            break
        scores = np.full(n, 0.5)
        weights = 2.0 ** np.arange(len(asked))
        scores[asked] = 1 / (1 + np.exp(-1.2 * weights))
        told = ask(scores).get("log_loss")
        if told is None or before is None:
            continue
        moved = (told - before) * told_cases
        best, likely = None, None
        for answer in range(3 ** len(asked)):  # each case: second class, first class, or private
            state = [(answer // 3**place) % 3 for place in range(len(asked))]
            expected = sum(
                -np.log(scores[case]) + np.log(0.5)
                if one == 0
                else -np.log(1 - scores[case]) + np.log(0.5)
                if one == 1
                else 0
                for case, one in zip(asked, state, strict=True)
            )
            if best is None or abs(expected - moved) < best:
                best, likely = abs(expected - moved), state
        for case, one in zip(asked, likely, strict=True):
            belief[case] = {0: 1.0, 1: 0.0, 2: 0.5}[one]
    return belief


def bit_by_bit(ask, n: int, queries: int, told_cases: int, metric: str = "auroc") -> np.ndarray:
    """One case at a time: all others tied, it alone above them; the score rises if it is of the second class."""
    belief = np.full(n, 0.5)
    for case in range(min(n, queries)):
        scores = np.full(n, 0.5)
        scores[case] = 0.9
        told = ask(scores).get(metric)
        if told is not None and told != 0.5:
            belief[case] = 1.0 if told > 0.5 else 0.0
    return belief
