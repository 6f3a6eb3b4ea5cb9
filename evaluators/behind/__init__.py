"""What lies behind a score: curve points, bins and tables, made once where the labels are, and bounded in size.

Each kind of benchmark has a module with `make(manifest, reference, prediction, groups, draws)`, which gives
`{(figure, part, column): array}`; `of` keeps them under `behind:<figure>:<column>:<part>` in the run's details. They
are for whoever may see labels; `coarse_roc` alone is made to be released (see curves.py).
"""

import sys

import numpy as np

from evaluators import statistics
from evaluators.behind import classification, detection, regression, survival
from evaluators.statistics.draws import patients_of

KINDS = {module.__name__.rpartition(".")[2]: module for module in (classification, detection, regression, survival)}
RESAMPLES = 200  # for the bands of curves; scores have their own
PREFIX = "behind"


def of(manifest: dict, reference, prediction, patients: np.ndarray) -> dict[str, np.ndarray]:
    """Arrays for a run's details. A figure that these cases do not allow is left out, for a reason that goes to the log."""
    module = KINDS.get(manifest["kind"])
    if module is None:
        return {}
    codes, count = patients_of(patients, len(patients))
    draws = statistics.draw(count, RESAMPLES, statistics.seed_of(manifest["slug"], manifest["version"], "curves"))
    found = {}
    for make in module.FIGURES:
        try:
            found |= make(manifest, reference, prediction, draws, codes)
        except ValueError as error:
            print(f"{make.__name__}: {error}", file=sys.stderr)
    return {f"{PREFIX}:{figure}:{column}:{part}": np.asarray(array) for (figure, part, column), array in found.items()}


def read(details, figure: str) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of one figure from a run's details, by part and column; empty where the run has none."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for name in details:
        prefix, _, rest = name.partition(":")
        own, _, rest = rest.partition(":")
        if prefix == PREFIX and own == figure:
            column, _, part = rest.partition(":")
            found.setdefault(part, {})[column] = details[name]
    return found
