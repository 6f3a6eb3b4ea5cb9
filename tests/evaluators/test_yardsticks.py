"""What entries are measured against: every kind has a predictor that looks at nothing, and readers become rows."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from evaluators import evaluate, package, yardsticks
from evaluators.readers import KINDS
from evaluators.statistics.free_response import wafroc, wafroc_jackknife
from tests import reader_packages
from tests.evaluators.test_evaluate import made, rows, volumes
from tests.packages import binary


def by_name(found, kind="trivial"):
    return {(one["name"], one["arm"]): one for one in found if one["kind"] == kind}


def value(one, metric, subset="all"):
    return next(row["value"] for row in one["scores"] if (row["metric"], row["subset"]) == (metric, subset))


def _classification(folder):
    labels = np.array(["none"] * 60 + ["mild"] * 25 + ["severe"] * 15)
    return made(folder, rows(100, label=labels), classes=["none", "mild", "severe"],
                metrics={"primary": "balanced_accuracy", "also": ["accuracy"]})  # fmt: skip


def _multilabel(folder):
    truth = np.arange(80).reshape(40, 2) % 3 == 0
    return made(folder, rows(40, a=truth[:, 0].astype(int), b=truth[:, 1].astype(int)), classes=["a", "b"], multilabel=True,
                metrics={"primary": "auroc"})  # fmt: skip


def _regression(folder):
    return made(folder, rows(30, label=np.arange(30.0)), kind="regression", classes=None, metrics={"primary": "mae"})


def _survival(folder):
    time, event = np.arange(1.0, 61.0), np.arange(60) % 2
    return made(folder, rows(60, time=time, event=event), kind="survival", classes=None,
                metrics={"primary": "concordance_index", "also": ["integrated_brier_score"]})  # fmt: skip


def _segmentation(folder):
    truths = [np.full((4, 5, 3), number % 2, np.uint8) for number in range(4)]
    return made(folder, volumes(folder, truths), kind="segmentation", classes=["a"], metrics={"primary": "dice"})


def _detection(folder):
    (folder / "reference").mkdir(parents=True)
    (folder / "reference" / "boxes.csv").write_text("case_id,label,x,y,w,h\nc000,cell,10,10,5,5\nc001,cell,20,20,6,6\n")
    return made(folder, rows(4, reference=["reference/boxes.csv"] * 4), kind="detection", classes=["cell"],
                metrics={"primary": "froc"})  # fmt: skip


WANTED = {  # a value that each kind's first predictor must have
    _classification: ("majority", "accuracy", 0.6), _multilabel: ("prevalence", "auroc", 0.5),
    _regression: ("median", "mae", 7.5), _survival: ("prevalence", "concordance_index", 0.5),
    _segmentation: ("nothing", "dice", 0.0), _detection: ("nothing", "froc", 0.0),
}  # fmt: skip


@pytest.mark.parametrize("make", WANTED, ids=lambda make: make.__name__)
def test_every_kind_has_a_predictor_that_looks_at_nothing(tmp_path, make):
    manifest, cases = make(tmp_path)
    name, metric, wanted = WANTED[make]
    found = by_name(yardsticks.measure(manifest, cases, tmp_path))
    assert value(found[name, ""], metric) == pytest.approx(wanted)
    assert set(yardsticks.KINDS) == set(KINDS)
    again = by_name(yardsticks.measure(manifest, cases, tmp_path))
    assert found == again, "the random predictor is the same each time"


def test_trivial_predictors_learn_from_public_cases_alone(tmp_path):
    """The private cases are of the other class: a predictor that saw them would say so."""
    share = np.array(["public"] * 40 + ["private"] * 40)
    labels = np.where(np.arange(80) < 40, np.arange(80) % 4 == 0, np.arange(80) % 4 != 0).astype(int)
    manifest, cases = made(
        tmp_path, rows(80, label=np.array(["benign", "malignant"])[labels], split=share), split={"column": "split"},
        metrics={"primary": "auroc", "also": ["accuracy"]},
    )  # fmt: skip
    majority = by_name(yardsticks.measure(manifest, cases, tmp_path))["majority", ""]
    assert value(majority, "accuracy", "public") == 0.75 and value(majority, "accuracy", "private") == 0.25


@pytest.mark.skipif(not reader_packages.DATA.is_dir(), reason="the reader studies are not there")
def test_marks_become_rows_points_and_areas(tmp_path):
    reader_packages.tomosynthesis(tmp_path)
    with package.read(tmp_path) as folder:
        found = by_name(yardsticks.measure(folder.manifest, folder.cases, tmp_path), "reader")
    assert len(found) == 10
    first = found["1", "BT"]
    assert first["areas"]["wafroc"]["value"] == pytest.approx(0.7602704, abs=5e-8)  # RJafroc's published value
    assert value(first, "auroc") == first["areas"]["auroc"]["value"] and first["areas"]["auroc"]["low"] < 0.796
    loosest, strictest = first["points"][0], first["points"][-1]
    assert loosest["sensitivity"] > strictest["sensitivity"] and loosest["specificity"] < strictest["specificity"]


@pytest.mark.skipif(not reader_packages.DATA.is_dir(), reason="the reader studies are not there")
def test_two_ways_of_reading_are_compared_as_mrmcaov_prints_it(tmp_path):
    """VanDyke: F = 4.456319 on 1 and 15.25967 degrees of freedom, p = 0.05166569 (empirical AUROC, jackknife)."""
    reader_packages.van_dyke(tmp_path)
    with package.read(tmp_path) as folder:
        rows = [row for row in yardsticks.measure(folder.manifest, folder.cases, tmp_path) if row["kind"] == "reader"]
    (arms,) = rows[0]["areas"]["arms"]
    assert not any("arms" in row["areas"] for row in rows[1:])
    assert (arms["arms"], arms["area"], arms["readers"], arms["n"]) == (["1", "2"], "auroc", 5, 114)
    assert arms["p"] == pytest.approx(0.05166569, abs=5e-9)
    assert arms["degrees_of_freedom"] == pytest.approx(15.25967, abs=5e-6)
    assert arms["means"] == pytest.approx([0.8970370, 0.9408374], abs=5e-8)
    assert arms["low"] < 0 < arms["effect"] < arms["high"]


@pytest.mark.skipif(not reader_packages.DATA.is_dir(), reason="the reader studies are not there")
def test_marks_are_compared_by_both_areas(tmp_path):
    reader_packages.tomosynthesis(tmp_path)
    with package.read(tmp_path) as folder:
        rows = [row for row in yardsticks.measure(folder.manifest, folder.cases, tmp_path) if row["kind"] == "reader"]
    found = {one["area"]: one for one in rows[0]["areas"]["arms"]}
    for area in ("auroc", "wafroc"):
        means = [np.mean([row["areas"][area]["value"] for row in rows if row["arm"] == arm]) for arm in ("BT", "DM")]
        assert found[area]["means"] == pytest.approx(means)


def test_an_area_without_each_case_is_that_of_the_other_cases():
    random = np.random.default_rng(0)
    lesions = np.array([0] * 6 + [1, 2, 1, 3])
    case = random.integers(0, 10, 40)
    lesion = np.where(lesions[case] > 0, random.integers(0, 1 + lesions[case]), 0)
    rating = random.integers(1, 5, 40).astype(float)
    area, left_out = wafroc_jackknife(lesions, case, rating, lesion)
    assert area == pytest.approx(wafroc(lesions, case, rating, lesion))
    for out in range(10):
        kept = case != out
        places = case[kept] - (case[kept] > out)
        assert left_out[out] == pytest.approx(wafroc(np.delete(lesions, out), places, rating[kept], lesion[kept]))


def test_decisions_become_one_point_and_agreement_with_oneself(tmp_path):
    labels = binary(tmp_path, n=40, metrics={"primary": "auroc", "also": ["balanced_accuracy"]})
    random = np.random.default_rng(1)
    said = [np.where(random.random(40) < 0.8, labels, 1 - labels) for _ in range(2)]
    lines = [
        f"A,case-{i:04d},{repeat + 1},{['benign', 'malignant'][said[repeat][i]]}"
        for repeat in (0, 1)
        for i in range(40)
    ]
    (tmp_path / "readers.csv").write_text("reader,case_id,repeat,decision\n" + "\n".join(lines) + "\n")
    with package.read(tmp_path) as folder:
        one = by_name(yardsticks.measure(folder.manifest, folder.cases, tmp_path), "reader")["A", ""]
    point = one["points"][0]
    assert point["sensitivity"] == (said[0] & labels).sum() / labels.sum()
    assert value(one, "balanced_accuracy") == pytest.approx((point["sensitivity"] + point["specificity"]) / 2)
    assert one["agreement"]["value"] == pytest.approx(cohen_kappa_score(*said)) and one["agreement"]["n"] == 40
    assert {row["metric"] for row in one["scores"]} == {"balanced_accuracy"}, "a decision has no ROC curve"


def test_an_answer_leaves_its_predictions_and_safety_verdicts(tmp_path):
    rule = {"sensitivity": {"positive": ["malignant"]}, "at_least": 0.9}
    labels = binary(tmp_path, n=160, safety=[rule])
    with package.read(tmp_path) as folder:
        score = np.column_stack([1.0 - labels, labels])
        result = evaluate.score(folder.manifest, folder.cases, score, resamples=100)
        assert (result.details["prediction"] == score).all() and result.safety[0]["verdict"] == "holds"


def test_a_group_with_few_events_is_not_shown(tmp_path):
    sex = np.array(["f"] * 100 + ["m"] * 20)
    labels = np.where(np.arange(120) < 100, np.arange(120) % 2, np.arange(120) % 4 == 0)
    manifest, cases = made(tmp_path, rows(120, label=np.array(["benign", "malignant"])[labels], sex=sex), groups=["sex"],
                           metrics={"primary": "auroc"})  # fmt: skip
    result = evaluate.score(manifest, cases, np.column_stack([1 - labels / 2, labels / 2]))
    shown = {row.subset: (row.value, row.reason, row.n) for row in result.scores}
    assert shown["sex=f"] == (1.0, "", 100) and shown["sex=m"] == (None, "fewer than 10 events: not shown", 20)
