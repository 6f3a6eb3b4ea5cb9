"""What the plots of one entry are made of: the arrays its run left behind, as fine as one viewer may see them."""

from dataclasses import dataclass

import numpy as np

from evaluators import behind
from evaluators.metrics import METRICS
from evaluators.models import Run
from leaderboard import access
from zoo import blobs


@dataclass
class Material:
    """One entry. `curves(figure)` and `per_case(metric)` read from its run; `coarse`: only what may be released after a
    reveal is there."""

    submission: object
    manifest: dict
    coarse: bool
    whole: bool
    arrays: dict[str, np.ndarray]

    def curves(self, figure: str) -> dict[str, dict[str, np.ndarray]]:
        """Arrays of one figure by part and column."""
        return behind.read(self.arrays, figure)

    def per_case(self, metric: str) -> dict[str, np.ndarray]:
        """Values of one metric of all cases, by label; NaN is left out."""
        prefix = f"per_case:{metric}:"
        found = {name.removeprefix(prefix): array for name, array in self.arrays.items() if name.startswith(prefix)}
        return {part: array[np.isfinite(array)] for part, array in found.items()}

    def starting(self, prefix: str) -> dict[str, np.ndarray]:
        return {name.removeprefix(prefix): array for name, array in self.arrays.items() if name.startswith(prefix)}

    @property
    def metrics(self) -> list:
        wanted = self.manifest["metrics"]
        return [METRICS[name] for name in dict.fromkeys([wanted["primary"], *wanted.get("also", [])])]

    @property
    def cases(self) -> int:
        return self.submission.benchmark.package.cases


def of(submission, viewer) -> Material:
    """Of a scored entry. What this viewer may not see is not even read."""
    benchmark, run = submission.benchmark, submission.run
    whole = access.detail(viewer, benchmark, access.FINER) == "whole"
    # Of the final entries alone: the points of many curves together would be as many equations for the labels.
    coarse = not whole and submission.final and access.detail(viewer, benchmark, access.CURVES) == "coarse"
    arrays = {}
    if run.status == Run.Status.SCORED and run.details and (whole or coarse):
        wanted = (f"{behind.PREFIX}:", "per_case:", "robustness:") if whole else (f"{behind.PREFIX}:coarse_",)
        with blobs.open(run.details) as file, np.load(file, allow_pickle=False) as details:
            arrays = {name: details[name] for name in details.files if name.startswith(wanted)}
    return Material(submission, benchmark.package.manifest, coarse, whole, arrays)
