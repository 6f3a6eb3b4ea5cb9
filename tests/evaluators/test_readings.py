"""Human readers: readers.csv is checked whole, and the reader studies of the field give their published areas."""

import numpy as np
import pytest

from evaluators import contents, readings
from evaluators.faults import Faults
from evaluators.metrics import METRICS
from evaluators.statistics.free_response import wafroc, wafroc_interval
from tests import reader_packages
from tests.packages import binary

needs_data = pytest.mark.skipif(not reader_packages.DATA.is_dir(), reason=f"the reader studies are not in {reader_packages.DATA}")  # fmt: skip

# Chakraborty, RJafroc quick start, "OR applications": UtilFigureOfMerit(dataset02, FOM = "Wilcoxon").
VAN_DYKE = [[0.9196457, 0.8587762, 0.9038647, 0.9731079, 0.8297907], [0.9478261, 0.9053140, 0.9217391, 0.9993559, 0.9299517]]  # fmt: skip
# Chakraborty, RJafroc FROC book, "Empirical plots": UtilFigureOfMerit(dsTony, FOM = "wAFROC").
TONY = [[0.7602704, 0.8406191, 0.8171524, 0.8153090, 0.8278324], [0.6425854, 0.7049977, 0.7518434, 0.7724426, 0.6836962]]  # fmt: skip


def read(folder):
    with contents.read(folder) as package:
        return package, readings.read(package.manifest, package.cases, folder / "readers.csv")


@needs_data
def test_van_dyke_gives_its_published_areas(tmp_path):
    reader_packages.van_dyke(tmp_path)
    package, found = read(tmp_path)
    assert (found.form, found.readers, found.arms) == ("ratings", list("12345"), ["1", "2"])
    truth = readings.truth(package.manifest, package.cases.reference)
    areas = [[METRICS["auroc"](truth, one.values) for one in found.of(arm)] for arm in found.arms]
    assert np.asarray(areas) == pytest.approx(np.asarray(VAN_DYKE), abs=5e-8)


@needs_data
def test_the_tomosynthesis_study_gives_its_published_areas(tmp_path):
    reader_packages.tomosynthesis(tmp_path)
    package, found = read(tmp_path)
    assert (found.form, found.arms, package.cases.lesions.sum()) == ("marks", ["BT", "DM"], 95)
    marks = [[(m.case, m.rating, m.lesion) for m in (one.marks for one in found.of(arm))] for arm in found.arms]
    areas = [[wafroc(package.cases.lesions, *one) for one in arm] for arm in marks]
    assert np.asarray(areas) == pytest.approx(np.asarray(TONY), abs=5e-8)
    value, low, high, error = wafroc_interval(package.cases.lesions, marks[0][0], resamples=500)
    assert low < value < high and value == areas[0][0] and 0.02 < error < 0.05


def test_an_unmarked_case_counts_as_read(tmp_path):
    labels = binary(tmp_path, n=8, readers={"lesions": "lesions"}, resample={"resamples": 500})
    rows = [f"case-{i:04d},p{i},{int(label)},{['benign', 'malignant'][label]}" for i, label in enumerate(labels)]
    (tmp_path / "cases.csv").write_text("case_id,patient_id,lesions,label\n" + "\n".join(rows) + "\n")
    ill = int(np.flatnonzero(labels)[0])
    (tmp_path / "readers.csv").write_text(f"reader,case_id,rating,lesion\nA,case-{ill:04d},3,1\nB,case-0000,,\n")
    _, found = read(tmp_path)
    first, second = found.readings
    assert np.isneginf(first.values).sum() == 7 and first.values[ill] == 3 and np.isneginf(second.values).all()


@pytest.mark.parametrize(
    ("text", "line", "words", "hint"),
    [
        ("reader,case_id\nA,case-0000\n", 1, "rating and decision", "rating is a number"),
        ("reader,case_id,rating\nA,case-9999,1\n", 2, "there is no case 'case-9999'", ""),
        ("reader,case_id,rating\nA,case-0000,high\n", 2, "'high' is not a number", "A rating is a number"),
        ("reader,case_id,rating\nA,case-0000,1\nA,case-0000,2\n", 3, "twice, also on line 2", "repeat"),
        ("reader,case_id,decision\nA,case-0000,malignent\n", 2, "'malignent' is not one of the classes", "malignant"),
        ("reader,case_id,rating,lesion\nA,case-0000,1,1\n", 1, "how many lesions", "readers: {lesions: lesions}"),
        ("reader,case_id,rating,mood\nA,case-0000,1,good\n", 1, "'mood' has no meaning", "There"),
        ("reader,case_id,rating,repeat\nA,case-0000,1,x\n", 2, "'x' is no number of a repeat", "from 1"),
    ],
)
def test_a_bad_table_of_readers_is_told_its_line(tmp_path, text, line, words, hint):
    binary(tmp_path, n=8)
    (tmp_path / "readers.csv").write_text(text)
    with pytest.raises(Faults) as caught:
        contents.read(tmp_path)
    fault = next(fault for fault in caught.value.faults if words in fault.message)
    assert (fault.file, fault.line) == ("readers.csv", line) and (hint in fault.hint or hint == "There")


def test_classes_that_a_rating_speaks_for_must_be_named(tmp_path):
    binary(tmp_path, n=8, classes=["benign", "malignant", "unclear"])
    (tmp_path / "readers.csv").write_text("reader,case_id,rating\nA,case-0000,1\n")
    with pytest.raises(Faults, match="which classes a reader's rating speaks for"):
        contents.read(tmp_path)
    binary(
        tmp_path, n=8, classes=["benign", "malignant", "unclear"], readers={"positive": ["malignant"], "margin": 0.05}
    )
    with contents.read(tmp_path) as package:
        assert package.manifest["readers"] | {"citation": ""} == {
            "positive": ["malignant"], "lesions": "", "margin": 0.05, "citation": "", "form": "ratings", "names": ["A"],
            "arms": [""],
        }  # fmt: skip


def test_lesions_must_fit_the_labels(tmp_path):
    labels = binary(tmp_path, n=8, readers={"lesions": "lesions"})
    rows = [f"case-{i:04d},p{i},1,{['benign', 'malignant'][label]}" for i, label in enumerate(labels)]
    (tmp_path / "cases.csv").write_text("case_id,patient_id,lesions,label\n" + "\n".join(rows) + "\n")
    (tmp_path / "readers.csv").write_text("reader,case_id,rating,lesion\nA,case-0000,1,1\n")
    with pytest.raises(Faults, match="1 lesions do not fit the label of case"):
        contents.read(tmp_path)
