"""Sliding windows and mirrored views: MONAI's sliding_window_inference and a mean written out give the same."""

import json

import numpy as np
import pytest

from evaluators import windows
from evaluators.faults import Faults
from tests.evaluators.predicting import by_torch

CASE = np.random.default_rng(0).normal(size=(2, 13, 21, 9)).astype(np.float32)


def network(arrays):
    """Two channels that depend on where in its window a voxel lies, so that blending shows."""
    ramp = np.linspace(0, 1, arrays[0].shape[1], dtype=np.float32)[:, None, None]
    return [np.stack([one[0] * ramp, one[1] + ramp]) for one in arrays]


def test_windows_are_blended_as_monai_does(tmp_path):
    plans = [((8, 8, 8), 0.5, "gaussian"), ((16, 10, 12), 0.25, "constant"), ((12, 20, 9), 0.75, "gaussian")]
    code = """
from monai.inferers import sliding_window_inference
def network(x):
    ramp = torch.linspace(0, 1, x.shape[2])[:, None, None]
    return torch.stack([x[:, 0] * ramp, x[:, 1] + ramp], 1)
x = torch.from_numpy(np.load(sys.argv[1]))[None]
show(torch.stack([sliding_window_inference(x, patch, 4, network, overlap=overlap, mode=blend)[0]
                  for patch, overlap, blend in json.loads(sys.argv[2])]))
"""
    np.save(tmp_path / "x.npy", CASE)
    for plan, expected in zip(plans, by_torch(code, tmp_path / "x.npy", json.dumps(plans)), strict=True):
        assert windows.answer(CASE, windows.Plan(*plan), network) == pytest.approx(expected, abs=1e-5)


def test_every_combination_of_flips_counts_once_and_is_taken_back():
    seen = []

    def shifted(arrays):
        seen.extend(arrays)
        return [one + np.arange(13, dtype=np.float32)[:, None, None] for one in arrays]

    found = windows.answer(CASE, windows.Plan(flips=(0, 2)), shifted)

    assert found == pytest.approx(CASE + 6, abs=1e-5)  # a ramp and its mirror image have the mean 6
    assert [np.array_equal(one, np.flip(CASE, axes)) for one, axes in zip(seen, [(), 1, 3, (1, 3)], strict=True)] == [
        True
    ] * 4
    rows = windows.answer(CASE, windows.Plan(flips=(0,)), lambda arrays: [one[0, 0, 0, :2] for one in arrays])
    assert rows == pytest.approx((CASE[0, 0, 0, :2] + CASE[0, -1, 0, :2]) / 2)


@pytest.mark.parametrize(
    "given",
    [{"patch": [0]}, {"patch": 8}, {"overlap": 1}, {"overlap": True}, {"blend": "none"}, {"flips": [3]}, {"flips": [0, 0]},
     {"exec": 1}, [], {"patch": [8.5]}],
)  # fmt: skip
def test_a_declaration_at_fault_is_refused(given):
    with pytest.raises(Faults):
        windows.plan({"inference": given})


@pytest.mark.parametrize("how", [windows.Plan((8, 8)), windows.Plan(flips=(3,)), windows.Plan((2, 1, 1), 0.5)])
def test_what_does_not_fit_a_case_is_refused(how):
    large = np.zeros((1, 400, 400, 9), np.float32)
    with pytest.raises(Faults):
        windows.answer(large, how, network)
    with pytest.raises(Faults):
        windows.answer(CASE, windows.Plan((8, 8, 8)), lambda arrays: [one[:, :4] for one in arrays])
