"""The held-out cases of a package, as the server needs them. Labels are in it: never hand it to a page."""

import functools

import numpy as np

from evaluators import package as packages
from evaluators.cases import Cases
from evaluators.models import Package
from zoo import blobs


def of(package: Package) -> Cases:
    """The package's cases, sorted by case id."""
    return _read(package.digest)


@functools.lru_cache(maxsize=16)
def _read(digest: str) -> Cases:
    package = Package.objects.get(digest=digest)
    return packages.read_cases(package.manifest, blobs.path(package.files["cases.csv"]["sha256"]))


def chosen(package: Package, subset: str) -> np.ndarray:
    """Which cases, in order of their ids, belong to a subset: all, public, private, or <column>=<value>."""
    if subset == "all":
        return np.ones(package.cases, bool)
    cases = of(package)
    if subset in ("public", "private") and cases.split is not None:
        return np.asarray(cases.split) == subset
    column, equals, value = subset.partition("=")
    if equals and column in cases.groups:
        return np.asarray(cases.groups[column]) == value
    return np.ones(len(cases.ids), bool)


def count(package: Package, subset: str) -> tuple[int, int]:
    """Cases and patients of a subset; how many there are of each is no secret."""
    if subset == "all":
        return package.cases, package.patients
    mask = chosen(package, subset)
    return int(mask.sum()), len(np.unique(np.asarray(of(package).patients)[mask]))
