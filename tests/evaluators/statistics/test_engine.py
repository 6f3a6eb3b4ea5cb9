"""The resampling engine: the same for any number of threads, fair, shared, and bounded in memory."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators import statistics
from evaluators.metrics import METRICS
from evaluators.statistics.draws import Draws, patients_of
from evaluators.statistics.estimates import plan_of


def answer(n=300, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    return truth, truth + rng.normal(size=n)


@pytest.mark.parametrize("name", ["auroc", "average_precision", "brier"])
def test_any_number_of_threads_gives_the_same_bits(name):
    truth, score = answer()
    score = 1 / (1 + np.exp(-score))
    plan = plan_of(METRICS[name], truth, score, {})
    one, three = (Draws(300, 500, 9).apply(plan, threads=t) for t in (1, 3))
    assert (one == three).all()


def test_every_resample_draws_as_many_patients_as_there_are():
    counts = Draws(57, 400, 3).counts()
    assert (counts.sum(axis=1) == 57).all()


def test_draws_are_fair_and_independent():
    counts = Draws(200, 6000, 11).counts().astype(float)
    assert abs(counts.mean(axis=0) - 1).max() < 5 / np.sqrt(6000)
    assert counts.var() == pytest.approx(1 - 1 / 200, rel=0.02)
    together = np.corrcoef(counts.T)
    assert abs(together[~np.eye(200, dtype=bool)] + 1 / 199).max() < 6 / np.sqrt(6000)
    after = np.corrcoef(counts[:-1, 0], counts[1:, 0])[0, 1]
    assert abs(after) < 5 / np.sqrt(6000)


def test_seeds_differ_and_repeat():
    assert (Draws(50, 64, 1).counts() == Draws(50, 64, 1).counts()).all()
    assert (Draws(50, 64, 1).counts() != Draws(50, 64, 2).counts()).any()
    assert (Draws(50, 64, 1).counts() == Draws(50, 640, 1).counts()[:64]).all()


def test_the_seed_comes_from_slug_version_and_subset_alone():
    assert statistics.seed_of("retina", 1) == 2286832714437001949
    assert len({statistics.seed_of("retina", v, s) for v in (1, 2) for s in ("all", "public")}) == 4


def test_rows_inherit_the_weight_of_their_patient():
    truth, score = answer(90)
    groups = np.repeat([f"p{i:02}" for i in range(30)], 3)
    found = statistics.estimate("mae", truth.astype(float), score, groups, resamples=64, seed=5)
    counts = Draws(30, 64, 5).counts()
    codes, _ = patients_of(groups, 90)
    error = np.abs(truth - score)
    wanted = [(counts[b][codes] * error).sum() / counts[b][codes].sum() for b in range(64)]
    assert found.resampled == pytest.approx(wanted)
    assert (found.n, found.patients) == (90, 30)


def test_one_patient_gives_a_value_but_no_interval():
    found = statistics.estimate("mae", [1.0, 2.0], [1.0, 3.0], groups=["a", "a"])
    assert (found.value, found.low, found.resampled) == (0.5, None, None)
    assert "patients" in found.reason


def test_an_undefined_value_says_why_and_has_no_interval():
    found = statistics.estimate("auroc", [1, 1, 1], [0.1, 0.2, 0.3])
    assert np.isnan(found.value)
    assert found.low is None
    assert "one class" in found.reason


def test_more_than_one_undefined_resample_in_twenty_gives_no_interval():
    truth = np.zeros(40, int)
    truth[0] = 1
    found = statistics.estimate("auroc", truth, np.linspace(0, 1, 40), resamples=500)
    assert found.undefined > 25
    assert found.low is None
    assert "undefined" in found.reason


def test_few_of_the_rarer_class_are_warned_of():
    truth = np.array([1] * 14 + [0] * 100)
    score = truth + np.random.default_rng(0).normal(size=114)
    assert "rarest class" in statistics.estimate("auroc", truth, score, resamples=100).warning
    assert statistics.estimate("auroc", np.r_[truth, 1], np.r_[score, 2.0], resamples=100).warning == ""
    assert "20 patients" in statistics.estimate("auroc", truth, score, np.arange(114) % 19, resamples=100).warning


def test_nan_and_infinity_are_refused_everywhere():
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="NaN"):
            statistics.estimate("auroc", [0, 1, 1], [0.1, bad, 0.3])


def test_a_perfect_auroc_has_an_interval_that_is_no_point():
    found = statistics.estimate("auroc", [0] * 20 + [1] * 10, np.arange(30.0))
    assert (found.value, found.high, found.method) == (1.0, 1.0, "newcombe")
    assert 0.8 < found.low < 0.95


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(["auroc", "f1", "mcc", "average_precision", "balanced_accuracy"]))
def test_order_of_cases_does_not_move_the_value(seed, name):
    truth, score = answer(60, seed)
    order = np.random.default_rng(seed).permutation(60)
    assert METRICS[name](truth, score) == pytest.approx(
        METRICS[name](truth[order], score[order]), abs=1e-12, nan_ok=True
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_monotone_transforms_leave_auroc_and_concordance_alone(seed):
    truth, score = answer(60, seed)
    score = np.round(score, 1)
    assert METRICS["auroc"](truth, score) == pytest.approx(
        METRICS["auroc"](truth, np.exp(score)), abs=1e-12, nan_ok=True
    )
    seen = {"time": np.random.default_rng(seed).exponential(size=60), "event": truth}
    a, b = (METRICS["concordance_index"](seen, r) for r in (score, score**3 + score))
    assert a == pytest.approx(b, abs=1e-12, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_classes_may_be_renumbered(seed):
    rng = np.random.default_rng(seed)
    truth, scores = rng.integers(0, 4, 50), rng.dirichlet(np.ones(4), 50)
    new = rng.permutation(4)
    moved = np.empty_like(scores)
    moved[:, new] = scores
    for name in ("auroc", "balanced_accuracy", "mcc", "f1", "brier", "log_loss"):
        a, b = METRICS[name](truth, scores), METRICS[name](new[truth], moved)
        assert a == pytest.approx(b, abs=1e-9, nan_ok=True)


def test_a_million_rows_stay_within_four_gibibytes():
    """Reduced resamples: memory does not depend on their number once a set is too large to keep."""
    program = (
        "import numpy as np, resource\n"
        "from evaluators.statistics import estimate\n"
        "rng = np.random.default_rng(0)\n"
        "y = rng.integers(0, 2, 1_000_000)\n"
        "e = estimate('auroc', y, y + rng.normal(size=y.size), resamples=96)\n"
        "assert e.low < e.value < e.high\n"
        "seen = {'time': rng.exponential(size=y.size), 'event': y}\n"
        "estimate('concordance_index_ipcw', seen, rng.normal(size=y.size), resamples=64, tau=1.0)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(out.stdout) * 1024 < 4 * 2**30


def test_the_library_imports_neither_django_nor_celery_nor_torch():
    program = "import sys, evaluators.metrics, evaluators.statistics; print([m for m in ('django', 'celery', 'torch', 'zoo') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
