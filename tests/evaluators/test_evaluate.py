"""evaluate.score, kind by kind, from a package as an organiser writes it: values as independent libraries give them."""

import csv

import nibabel
import numpy as np
import pytest
from lifelines.utils import concordance_index
from sklearn.metrics import average_precision_score, cohen_kappa_score, mean_absolute_error, roc_auc_score

from evaluators import evaluate, package, predictions
from evaluators.faults import Faults
from tests.packages import binary, write_manifest

METRICS = {"primary": "auroc", "also": ["average_precision", "balanced_accuracy"]}


def made(folder, rows, **manifest):
    """Manifest and cases of a package written from rows of cases.csv."""
    write_manifest(folder, **{"resample": {"unit": "patient_id", "resamples": 200}} | manifest)
    with open(folder / "cases.csv", "w", newline="") as out:
        table = csv.DictWriter(out, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    with package.read(folder) as read:
        return read.manifest, read.cases


def rows(n, **columns):
    return [
        {"case_id": f"c{i:03d}", "patient_id": f"p{i // 2:03d}"} | {name: values[i] for name, values in columns.items()}
        for i in range(n)
    ]


def row(result, metric, subset="all", part=""):
    (found,) = [s for s in result.scores if (s.metric, s.subset, s.part) == (metric, subset, part)]
    return found


@pytest.fixture
def random():
    return np.random.default_rng(5)


def test_binary_on_all_public_private_and_groups(tmp_path, random):
    n, sex = 120, np.array(["f", "m", "f"] * 40)
    labels = random.integers(0, 2, n)
    share = np.where(np.arange(n) // 2 % 2, "public", "private")
    names = np.array(["benign", "malignant"])[labels]
    manifest, cases = made(
        tmp_path, rows(n, label=names, split=share, sex=sex), split={"column": "split"}, groups=["sex"], metrics=METRICS
    )
    p = 0.3 * labels + 0.7 * random.random(n)

    result = evaluate.score(manifest, cases, np.column_stack([1 - p, p]))

    for subset, chosen in {"all": share != "", "public": share == "public", "private": share == "private"}.items():
        found = row(result, "auroc", subset)
        assert found.value == pytest.approx(roc_auc_score(labels[chosen], p[chosen]), abs=1e-12)
        assert found.low < found.value < found.high and found.n == chosen.sum()
        expected = average_precision_score(labels[chosen], p[chosen])
        assert row(result, "average_precision", subset).value == pytest.approx(expected, abs=1e-12)
    assert row(result, "auroc", "sex=f").value == pytest.approx(roc_auc_score(labels[sex == "f"], p[sex == "f"]))
    assert not [s for s in result.scores if s.subset == "sex=f" and s.metric != "auroc"]
    assert result.details["resampled:auroc:all"].shape == (200,)


def test_the_same_answer_gives_the_same_numbers_and_another_shares_its_draws(tmp_path, random):
    n = 60
    names = np.array(["benign", "malignant"])[np.arange(n) % 2]
    manifest, cases = made(tmp_path, rows(n, label=names), metrics=METRICS)
    p = random.random(n)
    first, again = (evaluate.score(manifest, cases, np.column_stack([1 - p, p])) for _ in range(2))
    assert first.scores == again.scores
    worst = evaluate.score(manifest, cases, np.column_stack([p, 1 - p]))
    assert worst.details["resampled:auroc:all"] == pytest.approx(1 - first.details["resampled:auroc:all"])


def test_grades_and_several_classes(tmp_path, random):
    n, classes = 90, ["none", "mild", "severe"]
    labels = np.arange(n) % 3
    manifest, cases = made(
        tmp_path, rows(n, label=np.array(classes)[labels]), classes=classes, ordinal=True,
        metrics={"primary": "quadratic_weighted_kappa", "also": ["auroc"]},
    )  # fmt: skip
    p = random.dirichlet([1, 1, 1], n) + np.eye(3)[labels] * 0.3
    p /= p.sum(axis=1, keepdims=True)

    result = evaluate.score(manifest, cases, p)

    kappa = cohen_kappa_score(labels, p.argmax(axis=1), weights="quadratic")
    assert row(result, "quadratic_weighted_kappa").value == pytest.approx(kappa, abs=1e-12)
    assert row(result, "auroc").value == pytest.approx(roc_auc_score(labels, p, multi_class="ovr"), abs=1e-12)


def test_several_labels_at_once(tmp_path, random):
    n = 80
    truth = random.integers(0, 2, (n, 2))
    manifest, cases = made(
        tmp_path, rows(n, oedema=truth[:, 0], effusion=truth[:, 1]), classes=["oedema", "effusion"], multilabel=True,
        metrics={"primary": "auroc"},
    )  # fmt: skip
    p = random.random((n, 2))
    assert row(evaluate.score(manifest, cases, p), "auroc").value == pytest.approx(roc_auc_score(truth, p), abs=1e-12)


def test_survival_by_risk_and_by_curves(tmp_path, random):
    n = 100
    time, event = random.exponential(10, n).round(2) + 0.1, random.integers(0, 2, n)
    manifest, cases = made(
        tmp_path, rows(n, time=time, event=event), kind="survival", classes=None,
        metrics={
            "primary": "concordance_index", "also": ["brier_at"], "parameters": {"brier_at": {"times": [5.0]}},
        },
    )  # fmt: skip
    risk = -time + random.normal(0, 8, n)

    alone = evaluate.score(manifest, cases, {"risk": risk})
    times = np.array([2.0, 5.0, 9.0])
    curves = np.exp(-np.outer(np.exp(risk / 10), times) / 10)
    both = evaluate.score(manifest, cases, {"risk": risk, "times": times, "survival": curves})

    assert row(alone, "concordance_index").value == pytest.approx(concordance_index(time, -risk, event), abs=1e-12)
    assert row(alone, "brier_at").value is None and row(alone, "brier_at").reason
    assert 0 < row(both, "brier_at").value < 1
    assert row(both, "concordance_index") == row(alone, "concordance_index")


def test_regression(tmp_path, random):
    truth = random.normal(size=50).round(3)
    manifest, cases = made(tmp_path, rows(50, label=truth), kind="regression", classes=None, metrics={"primary": "mae"})
    answer = truth + random.normal(size=50)
    found = row(evaluate.score(manifest, cases, answer), "mae")
    assert found.value == pytest.approx(mean_absolute_error(truth, answer), abs=1e-12) and found.low < found.high


def volumes(tmp_path, truths):
    (tmp_path / "reference").mkdir(parents=True)
    for number, truth in enumerate(truths):
        nibabel.Nifti1Image(truth, np.diag([1, 1, 2, 1])).to_filename(tmp_path / "reference" / f"{number}.nii.gz")
    return rows(len(truths), reference=[f"reference/{number}.nii.gz" for number in range(len(truths))])


def test_segmentation_by_label_with_the_spacing_of_the_reference(tmp_path, random):
    truths = [random.integers(0, 3, (6, 7, 5)).astype(np.uint8) for _ in range(6)]
    truths[0][truths[0] == 2] = 0  # this case has no label 2
    manifest, cases = made(
        tmp_path / "p", volumes(tmp_path / "p", truths), kind="segmentation", classes=["background", "a", "b"],
        metrics={"primary": "dice", "also": ["hd"]},
    )  # fmt: skip
    answers = [np.where(random.random(truth.shape) < 0.7, truth, 1).astype(np.uint8) for truth in truths]
    out = tmp_path / "out"
    out.mkdir()
    for number, answer in enumerate(answers):
        predictions.save_case(out, number, answer)

    result = evaluate.score(manifest, cases, predictions.load(out, "segmentation", 6), root=tmp_path / "p")

    def dice(truth, answer, label):
        return 2 * ((truth == label) & (answer == label)).sum() / ((truth == label).sum() + (answer == label).sum())

    a = [dice(*pair, 1) for pair in zip(truths, answers, strict=True)]
    b = [dice(*pair, 2) for pair in zip(truths[1:], answers[1:], strict=True)]
    assert row(result, "dice", part="a").value == pytest.approx(np.mean(a), abs=1e-12)
    assert row(result, "dice", part="b").value == pytest.approx(np.mean(b), abs=1e-12)
    assert row(result, "dice").value == pytest.approx((np.mean(a) + np.mean(b)) / 2, abs=1e-12)
    assert np.isnan(result.details["per_case:dice:b"][0])
    steps = result.details["per_case:hd:a"] ** 2  # squared distances on a 1 x 1 x 2 mm grid are whole numbers
    assert steps == pytest.approx(np.rint(steps)) and row(result, "hd").value > 0


def test_a_volume_of_another_shape_is_the_participants_fault_and_tells_nothing(tmp_path):
    manifest, cases = made(
        tmp_path / "p", volumes(tmp_path / "p", [np.ones((4, 5, 6), np.uint8)] * 2), kind="segmentation", classes=["a"],
        metrics={"primary": "dice"},
    )  # fmt: skip
    predictions.save_case(tmp_path, 0, np.ones((4, 5, 6), np.uint8))
    predictions.save_case(tmp_path, 1, np.ones((9, 9, 9), np.uint8))
    with pytest.raises(Faults) as caught:
        evaluate.score(manifest, cases, predictions.load(tmp_path, "segmentation", 2), root=tmp_path / "p")
    assert "c001" in str(caught.value) and "9 x 9 x 9" in str(caught.value) and "6" not in str(caught.value)


def test_detection_of_two_classes(tmp_path):
    (tmp_path / "reference").mkdir()
    lines = ["case_id,label,x,y,w,h", "c000,cell,10,10,5,5", "c001,cell,20,20,6,6", "c001,nucleus,3,3,2,2"]
    (tmp_path / "reference" / "boxes.csv").write_text("\n".join(lines) + "\n")
    manifest, cases = made(
        tmp_path, rows(4, reference=["reference/boxes.csv"] * 4), kind="detection", classes=["cell", "nucleus"],
        metrics={"primary": "froc"},
    )  # fmt: skip
    none = np.zeros((0, 5))
    perfect = [np.array([[10, 10, 5, 5, 0.9]]), np.array([[20, 20, 6, 6, 0.8]]), none, none]
    missed = [none, none, none, none]
    folder = tmp_path / "out"
    folder.mkdir()
    predictions.save(folder, {"cell": perfect, "nucleus": missed})

    result = evaluate.score(manifest, cases, predictions.load(folder, "detection", 4), root=tmp_path)

    assert row(result, "froc", part="cell").value == 1 and row(result, "froc", part="nucleus").value == 0
    assert row(result, "froc").value == 0.5


def test_one_patient_alone_has_no_interval_and_says_why(tmp_path):
    table = [r | {"patient_id": "p"} for r in rows(10, label=["benign", "malignant"] * 5)]
    manifest, cases = made(tmp_path, table, metrics=METRICS)
    found = row(evaluate.score(manifest, cases, np.column_stack([np.linspace(0, 1, 10)] * 2)), "auroc")
    assert found.low is None and found.high is None and "patient" in found.reason


def test_arrays_of_another_form_are_not_scored(tmp_path):
    binary(tmp_path / "p", n=6)
    predictions.save(tmp_path, np.full((6, 2), np.nan))
    with pytest.raises(predictions.Malformed):
        predictions.load(tmp_path, "classification", 6)
    predictions.save(tmp_path, np.zeros((5, 2)))
    with pytest.raises(predictions.Malformed):
        predictions.load(tmp_path, "classification", 6)
    np.save(tmp_path / "evil.npy", np.array([{"a": 1}], object), allow_pickle=True)
    (tmp_path / "cases").mkdir()
    (tmp_path / "evil.npy").rename(tmp_path / "cases" / "0000000.npy")
    with pytest.raises(ValueError, match="allow_pickle"):
        predictions.load(tmp_path, "segmentation", 1)[0]
