"""Kernels: compiled once, for one signature, and loaded from the cache afterwards, also where nothing can be written."""

import subprocess
import sys

import numpy as np
import pytest

from evaluators.kernels import KERNELS, LANES, kernel, lanes
from evaluators.kernels.draws import multiplicities


@pytest.mark.parametrize("one", KERNELS, ids=lambda k: f"{k.__module__.rpartition('.')[2]}.{k.__name__}")
def test_a_kernel_has_one_signature(one):
    assert len(one.compiled.signatures) == 1


def test_warming_twice_compiles_nothing():
    command = [sys.executable, "-m", "evaluators", "warm"]
    subprocess.run(command, check=True, capture_output=True)
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert " 0 compiled" in again.stderr


def test_read_only_arrays_are_taken():
    out = np.zeros((3, 4), np.uint64)
    multiplicities(np.uint64(1), np.int64(0), out)
    assert out.view(np.uint8).sum() == 3 * LANES


@kernel("f8[:,::1]", "f8[:,::1]!")
def _exponentials(values, out):
    for i in range(values.shape[0]):
        lanes.store(out, i, lanes.exp(lanes.load(values, i)))


def test_the_exponential_of_lanes_is_right_to_the_last_digits():
    values = np.random.default_rng(0).uniform(-690, 690, (200, LANES))
    values[0] = 0
    out = np.empty_like(values)
    _exponentials(values, out)
    assert out == pytest.approx(np.exp(values), rel=1e-14)
