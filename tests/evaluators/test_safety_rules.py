"""Safety constraints: broken by the estimate, holding by the one-sided bound, else not shown."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from evaluators import safety

CLASSES = ["none", "mild", "severe"]
NEVER = {"never": {"truth": ["severe"], "predicted": ["none"]}, "at_most": 0}


def judged(rule, truth, said, patients=None, split=None):
    """The verdict on all cases of a rule, from class numbers."""
    truth, said = np.asarray(truth), np.asarray(said)
    manifest = {"slug": "x", "version": 1, "kind": "classification", "classes": CLASSES, "safety": [rule]}
    cases = SimpleNamespace(
        ids=[str(i) for i in range(len(truth))], reference=truth, split=split,
        patients=np.arange(len(truth)) if patients is None else np.asarray(patients),
    )  # fmt: skip
    return safety.judge(manifest, cases, np.eye(3)[said])


def test_one_forbidden_confusion_breaks_and_none_of_ten_is_not_shown():
    truth = [2] * 10 + [0] * 10
    assert judged(NEVER, truth, truth[:9] + [0] + truth[10:])[0].verdict == "broken"
    found = judged(NEVER, truth, truth)[0]
    assert (found.verdict, found.events, found.trials) == ("not shown", 0, 10) and round(found.bound, 2) == 0.26
    assert judged(NEVER | {"at_most": 0.3}, truth, truth)[0].verdict == "holds"
    assert judged(NEVER | {"at_most": 0.2}, truth, truth)[0].verdict == "not shown"
    assert judged(NEVER, [0] * 5, [0] * 5)[0].trials == 0


@pytest.mark.parametrize(("missed", "verdict"), [(0, "holds"), (3, "not shown"), (11, "broken")])
def test_a_sensitivity_is_judged_by_its_bound(missed, verdict):
    rule = {"sensitivity": {"positive": ["mild", "severe"]}, "at_least": 0.9}
    truth = [1] * 50 + [2] * 50 + [0] * 20
    said = [0] * missed + truth[missed:]
    if missed == 3:
        truth, said = truth[:50] + truth[100:], said[:50] + said[100:]
    found = judged(rule, truth, said)[0]
    trials = found.trials
    wanted = stats.binomtest(trials - missed, trials, alternative="greater").proportion_ci(0.95, "exact").low
    assert found.verdict == verdict and found.bound == pytest.approx(wanted, abs=1e-9)
    assert judged({"specificity": rule["sensitivity"], "at_least": 0.9}, truth, said)[0].events == 20


def test_cases_of_one_patient_are_not_independent():
    truth = [2] * 100
    alone = judged(NEVER | {"at_most": 0.05}, truth, truth)[0]
    together = judged(NEVER | {"at_most": 0.05}, truth, truth, patients=np.arange(100) // 10)[0]
    assert (alone.verdict, together.verdict) == ("holds", "not shown") and together.bound > alone.bound


def test_a_threshold_moves_the_operating_point():
    rule = {"sensitivity": {"positive": ["severe"], "threshold": 0.3}, "at_least": 0.5}
    manifest = {"slug": "x", "version": 1, "kind": "classification", "classes": CLASSES, "safety": [rule]}
    cases = SimpleNamespace(ids=["a", "b"], reference=np.array([2, 2]), split=None, patients=np.arange(2))
    found = safety.judge(manifest, cases, np.array([[0.6, 0.0, 0.4], [0.75, 0.0, 0.25]]))[0]
    assert (found.events, found.value) == (1, 0.5)


def test_a_mean_cost_is_judged_and_each_share_has_its_own_verdict():
    rule = {"cost": {"matrix": [[0, 1, 1], [1, 0, 1], [5, 1, 0]]}, "at_most": 1.0}
    truth = np.tile([0, 1, 2, 2], 50)
    said = np.where(np.arange(200) % 8 == 2, 0, truth)  # every second severe one called none: mean cost 5 / 8
    split = np.where(np.arange(200) < 100, "public", "private")
    found = judged(rule, truth, said, split=split)
    assert [one.subset for one in found] == ["all", "public", "private"]
    assert found[0].value == pytest.approx(0.625) and found[0].verdict == "holds" and 0.625 < found[0].bound < 1
    assert judged(rule | {"at_most": 0.5}, truth, said)[0].verdict == "broken"
    assert judged(rule | {"at_most": 0.63}, truth, said)[0].verdict == "not shown"
    assert judged(rule, truth, truth)[0].verdict == "not shown"  # no cost was ever seen: nothing bounds it
