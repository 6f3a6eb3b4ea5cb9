"""Ranks, intervals and tests of many entries: what holds by definition, and by a small simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators import statistics
from evaluators.statistics.ranks import order


def field(k, n, spread, seed):
    rng = np.random.default_rng(seed)
    return np.linspace(spread, 0, k)[:, None] + rng.normal(0, 1, n) + rng.normal(0, 0.5, (k, n))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12), st.floats(0, 3))
def test_rank_intervals_hold_the_rank_and_agree_with_the_significance_map(seed, k, spread):
    found = statistics.rank(field(k, 40, spread, seed), resamples=200, tests=False).max_t
    assert (found.low <= found.rank).all()
    assert (found.rank <= found.high).all()
    assert (found.low == 1 + found.significant.sum(axis=0)).all()
    assert (found.high == k - found.significant.sum(axis=1)).all()
    assert not (found.significant & found.significant.T).any()
    assert found.tied_with_first[found.rank == 1].all()


def test_the_map_equals_one_made_pair_by_pair():
    values = field(6, 60, 1.0, 3)
    found = statistics.rank(values, resamples=500, tests=False)
    r, v = found.resampled, values.mean(axis=1)
    errors = np.array([[np.std(a - b, ddof=1) for b in r] for a in r])
    tops = [
        max(abs((r[i, b] - r[j, b]) - (v[i] - v[j])) / errors[i, j] for i in range(6) for j in range(i))
        for b in range(500)
    ]
    critical = np.quantile(tops, 0.95, method="higher")
    plain = statistics.max_t(v, r)
    assert plain.critical == pytest.approx(critical)
    assert plain.standard_error == pytest.approx(errors, abs=1e-12)
    assert (plain.significant == (v[:, None] - v[None, :] > critical * errors)).all()
    assert found.max_t.critical > critical  # with the small-sample correction


def test_nan_never_ranks():
    values = [0.5, np.nan, 0.9]
    resampled = np.array([[0.5], [np.nan], [0.9]]) + np.random.default_rng(0).normal(0, 0.01, (3, 300))
    found = statistics.max_t(values, resampled)
    assert found.rank.tolist() == [2, 0, 1]
    assert not found.tied_with_first[1]
    assert not found.significant[:, 1].any()
    assert order([np.nan, 1.0]).tolist() == [0, 1]


def test_identical_entries_are_tied():
    values = field(3, 50, 2.0, 1)
    found = statistics.rank(np.vstack([values, values[:1]]), resamples=300, tests=False).max_t
    assert found.rank[0] == found.rank[3]
    assert not found.significant[0, 3]
    assert found.tied_with_first[[0, 3]].all()


def test_lower_is_better_turns_the_order_round():
    values = field(4, 50, 2.0, 1)
    up, down = (statistics.rank(v, direction=d, resamples=200) for v, d in ((values, "higher"), (-values, "lower")))
    for scheme in up.ranks:
        assert (up.ranks[scheme] == down.ranks[scheme]).all()
    assert (up.histogram == down.histogram).all()


def test_patients_not_cases_are_resampled():
    values = np.repeat(field(2, 30, 0.5, 2), 10, axis=1)
    alone = statistics.rank(values, resamples=500, tests=False).max_t.standard_error[0, 1]
    grouped = statistics.rank(values, np.repeat(np.arange(30), 10), resamples=500, tests=False).max_t.standard_error[
        0, 1
    ]
    assert grouped > 2 * alone


@pytest.mark.parametrize("k", [2, 10])
def test_equal_entries_are_seldom_split(k):
    """400 draws of a field without differences; the full count is in `make coverage`."""
    split = 0
    for seed in range(400):
        found = statistics.rank(field(k, 100, 0.0, seed), resamples=300, seed=seed, tests=False)
        split += not found.tied_with_first.all()
    assert split / 400 < 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 400)


def test_sign_flip_agrees_with_the_t_test_where_that_holds():
    from scipy import stats

    d = np.random.default_rng(4).normal(0.15, 1, 200)
    assert statistics.sign_flip(d[None], 20_000)[0] == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.01)


def test_sign_flip_keeps_patients_together():
    d = np.repeat(np.random.default_rng(4).normal(0.3, 1, 20), 10)
    alone, together = (statistics.sign_flip(d[None], 5_000, groups=g)[0] for g in (None, np.repeat(np.arange(20), 10)))
    assert together > 10 * alone


def test_compare_is_paired():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    a = truth + rng.normal(size=400)
    b = a + rng.normal(0, 0.3, 400)
    difference, low, high, p, method = statistics.compare("auroc", truth, a, b)
    apart = statistics.estimate("auroc", truth, a).error * np.sqrt(2)
    assert low < difference < high
    assert high - low < 0.6 * 2 * 1.96 * apart
    assert method == "paired bootstrap"
    assert (p < 0.05) == (low > 0 or high < 0)


def test_compare_by_delong_agrees_with_the_bootstrap():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 300)
    a, b = truth + rng.normal(size=300), truth + rng.normal(0, 1.3, 300)
    one, two = (statistics.compare("auroc", truth, a, b, method=m, resamples=4000) for m in ("bootstrap", "delong"))
    assert one[0] == two[0]
    assert one[1:3] == pytest.approx(two[1:3], abs=0.012)


def test_p_values_never_fall_below_what_the_resamples_can_say():
    truth = np.arange(100) % 2
    p = statistics.compare("auroc", truth, truth + 0.0, 1.0 - truth, resamples=2000)[3]
    assert p == pytest.approx(2 / 2001)


def test_newcombe_is_wilder_than_delong_near_one():
    rng = np.random.default_rng(0)
    truth = np.r_[np.ones(10, int), np.zeros(90, int)]
    score = truth * 3.2 + rng.normal(size=100)
    auc, covariance = statistics.delong(truth, [score])
    low, high = statistics.newcombe(auc[0], 10, 90)
    assert low < auc[0] - 1.96 * np.sqrt(covariance[0, 0])
    assert auc[0] < high <= 1


def test_power_at_the_smallest_resolvable_difference_is_eighty_per_cent():
    assert statistics.power(statistics.smallest_resolvable_difference(0.02), 0.02) == pytest.approx(0.8, abs=0.005)


@pytest.mark.parametrize("flip", [lambda t: t, lambda t: t[::-1]])
def test_holm_is_monotone_and_at_least_the_p_value(flip):
    p = flip(np.array([0.001, 0.02, 0.03, 0.5]))
    adjusted = statistics.holm(p)
    assert (adjusted >= p).all()
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()


def test_cohen_kappa_equals_scikit_learn():
    from sklearn.metrics import cohen_kappa_score

    rng = np.random.default_rng(0)
    for weights in (None, "linear", "quadratic"):
        for _ in range(50):
            a = rng.integers(0, 4, 30)
            b = np.clip(a + rng.integers(-1, 2, 30), 0, 3)
            wanted = cohen_kappa_score(a, b, weights=weights, labels=range(4))
            assert statistics.cohen_kappa(a, b, weights) == pytest.approx(wanted, abs=1e-12)
