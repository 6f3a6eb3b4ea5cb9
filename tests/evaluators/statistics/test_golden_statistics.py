"""The shared reference values of the statistics: DeLong, proportions, paired tests, ranking, reader study, ladder."""

import numpy as np
import pytest

from evaluators import statistics
from evaluators.statistics.ranks import test_then_rank as by_wins
from tests.evaluators.metrics.golden import cases


def close(case, value, wanted=None):
    wanted = case["expected"] if wanted is None else wanted
    assert np.asarray(value) == pytest.approx(np.asarray(wanted), abs=case["abs_tol"], rel=0)


@pytest.mark.parametrize("case", cases("delong"))
def test_delong(case):
    y, scores = case["inputs"]["y"], np.array(case["inputs"]["scores"])
    auc, covariance = statistics.delong(y, scores)
    if isinstance(case["expected"], list):
        close(case, [auc[0], covariance[0, 0]])
        return
    close(case, auc, case["expected"]["auc"])
    close(case, covariance, case["expected"]["cov"])
    z, p = statistics.delong_test(y, scores)
    assert z[0, 1] == pytest.approx(case["expected"]["z"], abs=1e-8)
    assert p[0, 1] == pytest.approx(case["expected"]["p"], abs=1e-8)


@pytest.mark.parametrize("case", cases("proportion_ci"))
def test_wilson(case):
    close(case, statistics.wilson(case["inputs"]["successes"], case["inputs"]["n"]))


@pytest.mark.parametrize("case", cases("paired_tests"))
def test_paired(case):
    if "table" in case["inputs"]:
        close(case, statistics.mcnemar(case["inputs"]["table"]))
        return
    i = case["inputs"]
    t, p = statistics.corrected_t(i["diff"], i["n_test"], i["n_train"])
    close(case, [t, p], [case["expected"]["t"], case["expected"]["p"]])


@pytest.mark.parametrize("case", cases("ranking"))
def test_ranking(case):
    i = case["inputs"]
    if "rank_a" in i:
        return close(case, statistics.kendall_tau(i["rank_a"], i["rank_b"]))
    values = np.array(i["scores_cases_by_entry"]).T
    if "draws" in i:
        counts = np.stack([np.bincount(d, minlength=values.shape[1]) for d in np.array(i["draws"])])
        found = statistics.rank(values, draws=statistics.Draws.of(counts), tests=False)
        return close(case, found.histogram)
    if "alpha" in i:
        return close(case, by_wins(values, alpha=i["alpha"]))
    return close(case, statistics.rank(values, tests=False).ranks["mean_then_rank"])


@pytest.mark.parametrize("case", cases("mrmc"))
def test_reader_study(case):
    i = case["inputs"]
    readers = np.array(i["readers"])
    readers = readers.T if readers.shape[0] == len(i["disease"]) else readers
    study = statistics.reader_study(i["disease"], i["model"], readers, i["margin"])
    wanted = case["expected"]
    close(case, [study.effect, study.statistic, study.p], [wanted["effect"], wanted["statistic"], wanted["pvalue"]])
    close(case, [study.low, study.high], wanted["ci"])
    assert study.non_inferior


@pytest.mark.parametrize("case", cases("ladder"))
def test_ladder(case):
    close(case, statistics.ladder(case["inputs"]["per_case_loss"]))
