"""Packages: every fault at once with file, line and remedy; what is right is read, stored once, and released in part."""

import io
import json
import os
import stat
import zipfile

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evaluators import package, readers
from evaluators.faults import Faults
from evaluators.models import Package
from tests import packages
from tests.evaluators.answers import nifti, npz
from zoo.models import Blob


def manifest(folder, **changes) -> None:
    """benchmark.yaml of a package whose cases name no patients."""
    packages.write_manifest(folder, **({"resample": {"resamples": 500}} | changes))


def faults_of(folder) -> Faults:
    with pytest.raises(Faults) as caught:
        package.read(folder)
    assert all(fault.file and fault.message for fault in caught.value.faults)
    return caught.value


def told(folder, file: str, words: str):
    """The one fault of this file with these words."""
    faults = faults_of(folder).faults
    found = [fault for fault in faults if fault.file == file and words in fault.message]
    assert found, "\n".join(map(str, faults))
    return found[0]


def stated(folder, text: str) -> tuple[int, int]:
    """Line and column of a text in benchmark.yaml."""
    lines = (folder / "benchmark.yaml").read_text().splitlines()
    line = next(number for number, line in enumerate(lines, 1) if text in line)
    return line, lines[line - 1].index(text) + 1


def rewrite(path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)


MANIFESTS = [
    ("a mistyped key", {"clases": ["a", "b"]}, "clases", "unknown key 'clases'", "Did you mean classes"),
    ("a mistyped metric", {"metrics": {"primary": "aurocc"}}, "aurocc", "no metric is called 'aurocc'", "auroc"),
    ("a metric of another kind", {"metrics": {"primary": "dice"}}, "dice", "dice cannot measure classification", "segmentation"),
    ("a metric of grades", {"metrics": {"primary": "quadratic_weighted_kappa"}}, "quadratic", "compares grades", "ordinal: true"),
    ("a parameter of another metric", {"metrics": {"primary": "auroc", "parameters": {"auroc": {"tau": 1}}}}, "tau: 1", "no parameter 'tau'", ""),
    ("an unknown kind", {"kind": "clasification"}, "clasification", "kind 'clasification' is not known", "classification"),
    ("an upper-case slug", {"slug": "Retina DR"}, "Retina", "cannot be part of an address", "such as retina-dr"),
    ("a version of 0", {"version": 0}, "version: 0", "version must be a whole number from 1", "'0'"),
    ("one class alone", {"classes": ["malignant"]}, "- malignant", "classes names 1", ""),
    ("a class twice", {"classes": ["a", "b", "a"]}, "", "classes holds 'a' twice", ""),
    ("a class with a comma", {"classes": ["benign", "malignant, or so"]}, "", "cannot be a column", ""),
    ("an unknown answer", {"accepts": ["prediction"]}, "prediction\n", "accepts holds 'prediction'", "predictions"),
    ("a licence that is missing", {"source": {"name": "x"}}, "name: x", "source.licence is missing", "Name the licence"),
    ("no task", {"task": {"title": "x"}}, "title: x", "task.slug is missing", ""),
    ("flags that are words", {"release_inputs": "maybe"}, "maybe", "must be true or false", ""),
    ("too few resamples", {"resample": {"resamples": 5}}, "resamples: 5", "whole number from 100", ""),
    ("a rule about an unknown class", {"safety": [{"never": {"truth": ["x"], "predicted": ["benign"]}, "at_most": 0}]}, "- x", "safety.never.truth holds 'x'", "benign"),
    ("a rule without a bound", {"safety": [{"sensitivity": {"positive": ["malignant"]}}]}, "", "has no at_least", "at_least: 0.9"),
    ("a rule of another shape", {"safety": [{"always": "right"}]}, "always", "neither never, sensitivity, specificity nor cost", "never"),
    ("a rule with a matrix of another size", {"safety": [{"cost": {"matrix": [[0, 1]]}, "at_most": 1}]}, "- - 0", "must be 2 rows of 2 numbers", "true class"),
    ("a reader's class that is not known", {"readers": {"positive": ["x"]}}, "- x", "readers.positive holds 'x'", "benign"),
    ("a rule that is no list", {"safety": {"never": 1}}, "", "safety must be a list", ""),
    ("labels neither hidden nor public", {"labels": "secret"}, "secret", "labels 'secret' is not known", "hidden"),
    ("a limit below 1", {"limits": {"per_day": 0}}, "per_day: 0", "limits.per_day must be", ""),
    ("a resampling unit that is no column", {"resample": {"unit": "subject"}}, None, "'subject' is missing: resample.unit", ""),
    ("a group that is no column", {"groups": ["sex"]}, None, "'sex' is missing: groups", "Add the column"),
    ("weights without inputs", {"accepts": ["weights"]}, None, "'input' is missing: accepts: weights", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "at", "words", "remedy"), [row[1:] for row in MANIFESTS], ids=[row[0] for row in MANIFESTS]
)
def test_a_bad_manifest_is_told_its_fault_and_the_place(tmp_path, changes, at, words, remedy):
    packages.binary(tmp_path, n=20, **changes)
    fault = told(tmp_path, "cases.csv" if at is None else "benchmark.yaml", words)
    assert remedy in fault.hint
    assert fault.line
    if at:
        assert fault.line == stated(tmp_path, at.strip())[0]


YAML = [
    ("no YAML", b"slug: [a\n", "this is not YAML", 2),
    ("tabs", b"slug: a\n\tversion: 1\n", "this is not YAML", 2),
    ("a key twice", b"slug: a\nslug: b\n", "the key 'slug' is given twice", 2),
    ("an alias", b"a: &x [1]\nb: [*x, *x]\n", "anchors (&) and aliases (*)", 1),
    ("a tag", b"a: !!python/object/apply:os.system [id]\n", "tags such as", 1),
    ("UTF-16", "slug: a".encode("utf-16"), "UTF-16", 1),
    ("Latin-1", "slug: a\ntitle: \xe9\n".encode("latin-1"), "not UTF-8", 2),
    ("nothing", b"", "the file is empty", 1),
    ("a list", b"- a\n", "must be a mapping", 1),
    ("deep", b"a: " + b"[" * 5000, "nested more than 20 deep", 1),
]


@pytest.mark.parametrize(("data", "words", "line"), [row[1:] for row in YAML], ids=[row[0] for row in YAML])
def test_yaml_that_cannot_be_read_is_told_its_line(tmp_path, data, words, line):
    packages.binary(tmp_path, n=20)
    (tmp_path / "benchmark.yaml").write_bytes(data)
    assert told(tmp_path, "benchmark.yaml", words).line == line


CASES = [
    ("an unknown class", ("case-0003,patient-0001,", "case-0003,patient-0001,X"), "is not one of the classes", 5, 3),
    ("a case twice", ("case-0003,", "case-0002,"), "case 'case-0002' is there twice", 5, 1),
    ("a case id that is no file name", ("case-0003,", "../0003,"), "'../0003' cannot be a case id", 5, 1),
    ("no patient", ("case-0003,patient-0001", "case-0003,"), "patient_id is empty", 5, 2),
    ("a field less", ("case-0003,patient-0001,", "case-0003,"), "2 fields where the header has 3", 5, 2),
    ("a mistyped column", ("label", "lable"), "the column 'label' is missing", 1, None),
    ("a column in other letters", ("patient_id", "Patient_ID"), "'Patient_ID' is written otherwise", 1, 2),
    ("ids that differ in case alone", ("case-0003,", "Case-0002,"), "differ in case alone", 4, 1),
]


@pytest.mark.parametrize(
    ("change", "words", "line", "column"), [row[1:] for row in CASES], ids=[row[0] for row in CASES]
)
def test_a_bad_case_list_is_told_its_fault_and_the_place(tmp_path, change, words, line, column):
    packages.binary(tmp_path, n=20)
    rewrite(tmp_path / "cases.csv", change)
    fault = told(tmp_path, "cases.csv", words)
    assert (fault.line, fault.column) == (line, column)


def test_a_patient_on_both_sides_of_the_split_is_a_fault(tmp_path):
    packages.binary(tmp_path, n=20, split=True)
    rewrite(tmp_path / "cases.csv", ("case-0003,patient-0001,public", "case-0003,patient-0001,private"))
    fault = told(tmp_path, "cases.csv", "patient_id 'patient-0001' is private here and public on line 4")
    assert (fault.line, fault.column) == (5, 3)


@pytest.mark.parametrize(
    ("write", "words", "line"),
    [
        (lambda text: text.replace(",", ";").encode(), "separated by semicolons", 1),
        (lambda text: text.encode("utf-16"), "UTF-16", None),
        (
            lambda text: text.replace("patient-0001", "患者", 1).encode("shift-jis"),
            "'patient_id' is not UTF-8 from here on",
            4,
        ),
        (lambda text: text.replace("label", "ラベル").encode("shift-jis"), "the header is not UTF-8", 1),
        (lambda text: b"", "the file is empty", None),
        (lambda text: text.encode() + b"\0\0\0\n", "a zero byte", 22),
    ],
)
def test_a_case_list_from_a_spreadsheet_gone_wrong_is_told_how_to_save_it(tmp_path, write, words, line):
    packages.binary(tmp_path, n=20)
    (tmp_path / "cases.csv").write_bytes(write((tmp_path / "cases.csv").read_text()))
    assert told(tmp_path, "cases.csv", words).line == line


def test_windows_lines_and_a_byte_order_mark_are_taken(tmp_path):
    labels = packages.binary(tmp_path, n=20)
    text = "\ufeff" + (tmp_path / "cases.csv").read_text().replace("\n", "\r\n")
    (tmp_path / "cases.csv").write_bytes(text.encode())
    with package.read(tmp_path) as folder:
        assert (folder.cases.reference == labels).all()


def test_a_split_that_is_no_column_is_a_fault(tmp_path):
    packages.binary(tmp_path, n=20, split=True)
    rewrite(tmp_path / "benchmark.yaml", ("column: split", "column: share"))
    assert (
        told(tmp_path, "cases.csv", "the column 'share' is missing: split.column names it").hint
        == "Add the column share."
    )


def test_a_share_of_another_name_and_an_empty_share_are_faults(tmp_path):
    packages.binary(tmp_path, n=20, split=True)
    rewrite(tmp_path / "cases.csv", ("public", "pubic"))
    assert told(tmp_path, "cases.csv", "'pubic' is neither public nor private").hint == "Did you mean public?"
    (tmp_path / "cases.csv").write_text(
        (tmp_path / "cases.csv").read_text().replace("private", "public").replace("pubic", "public")
    )
    assert told(tmp_path, "cases.csv", "no case is private")


def test_every_fault_of_a_package_is_told_at_once(tmp_path):
    packages.binary(tmp_path, n=20, version="one", clases=["x"])
    rewrite(tmp_path / "cases.csv", ("case-0003,patient-0001,", "case-0003,,X"))
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference/extra.png").write_bytes(b"x")
    (tmp_path / "cases.xlsx").write_bytes(b"x")
    os.symlink("/etc/passwd", tmp_path / "inputs")
    files = {fault.file for fault in faults_of(tmp_path).faults}
    assert files == {"benchmark.yaml", "cases.csv", "reference/extra.png", "cases.xlsx", "inputs"}
    assert faults_of(tmp_path).count == 7


def test_an_imbalanced_benchmark_does_not_rank_by_accuracy(tmp_path):
    packages.binary(tmp_path, n=20, metrics={"primary": "accuracy"})
    text = (tmp_path / "cases.csv").read_text()
    (tmp_path / "cases.csv").write_text(text.replace("malignant", "benign").replace("benign", "malignant", 1))
    assert (
        "balanced_accuracy" in told(tmp_path, "benchmark.yaml", "accuracy cannot be the primary metric: 19 of 20").hint
    )
    text = text.replace("malignant", "benign").splitlines()
    text[1::2] = [line.replace("benign", "malignant") for line in text[1::2]]
    (tmp_path / "cases.csv").write_text("\n".join(text))
    with package.read(tmp_path) as folder:
        assert folder.manifest["metrics"]["primary"] == "accuracy"


def test_two_classes_need_cases_of_both(tmp_path):
    packages.binary(tmp_path, n=20)
    (tmp_path / "cases.csv").write_text((tmp_path / "cases.csv").read_text().replace("malignant", "benign"))
    assert told(tmp_path, "cases.csv", "no case is malignant")


def survival(folder, *rows: str) -> None:
    manifest(folder, kind="survival", classes=None, metrics={"primary": "concordance_index"})
    (folder / "cases.csv").write_text("case_id,time,event\n" + "\n".join(rows))


@pytest.mark.parametrize(
    ("row", "words", "column"),
    [
        ("c2,0,1", "the time '0' is not above 0", 2), ("c2,-3,1", "the time '-3' is not above 0", 2),
        ("c2,soon,1", "'soon' is not a finite number", 2), ("c2,nan,1", "'nan' is not a finite", 2), ("c2,5,2", "'2' is neither 0 nor 1", 3),
        ("c2,5,yes", "'yes' is neither 0 nor 1", 3),
    ],
)  # fmt: skip
def test_times_are_above_0_and_events_0_or_1(tmp_path, row, words, column):
    survival(tmp_path, "c1,5,1", row)
    fault = told(tmp_path, "cases.csv", words)
    assert (fault.line, fault.column) == (3, column)


def test_survival_is_read_without_patients(tmp_path):
    survival(tmp_path, "b,5,1", "a,7.5,0")
    with package.read(tmp_path) as folder:
        assert folder.cases.ids == ["a", "b"]
        assert folder.cases.reference["time"].tolist() == [7.5, 5]
        assert folder.cases.reference["event"].tolist() == [0, 1]
        assert folder.manifest["resample"]["unit"] == "case_id"
        assert len(set(folder.cases.patients)) == 2


def test_several_labels_are_0_or_1(tmp_path):
    manifest(tmp_path, multilabel=True, classes=["effusion", "nodule"])
    (tmp_path / "cases.csv").write_text("case_id,effusion,nodule\na,1,0\nb,1,maybe\n")
    fault = told(tmp_path, "cases.csv", "'maybe' is neither 0 nor 1")
    assert (fault.line, fault.column) == (3, 3)
    rewrite(tmp_path / "cases.csv", ("maybe", "1"))
    with package.read(tmp_path) as folder:
        assert folder.cases.reference.tolist() == [[1, 0], [1, 1]]


def test_regression_takes_finite_numbers(tmp_path):
    manifest(tmp_path, kind="regression", classes=None, metrics={"primary": "mae"})
    (tmp_path / "cases.csv").write_text("case_id,label\na,1.5\nb,inf\n")
    assert told(tmp_path, "cases.csv", "'inf' is not a finite number").line == 3


MASK = np.zeros((4, 5, 6), np.uint8)
MASK[1, 1, 1], MASK[2, 2, 2] = 1, 2


def segmentation(folder, files: dict[str, bytes] | None = None, **changes) -> None:
    changes = {
        "classes": ["background", "anterior", "posterior"],
        "accepts": ["weights", "predictions"],
        "release_inputs": True,
    } | changes
    manifest(folder, kind="segmentation", metrics={"primary": "dice"}, **changes)
    files = {
        "reference/x1.nii.gz": nifti(MASK),
        "reference/x2.npz": npz(MASK),
        "inputs/x1.nii.gz": nifti(MASK),
        "inputs/x2.npz": npz(MASK),
    } | (files or {})
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        if data is not None:
            (folder / name).write_bytes(data)
    rows = ["case_id,reference,input", "scan-2,x2.npz,x2.npz", "scan-1,reference/x1.nii.gz,inputs/x1.nii.gz"]
    (folder / "cases.csv").write_text("\n".join(rows))


def test_a_segmentation_package_knows_the_geometry_of_its_cases(tmp_path):
    segmentation(tmp_path)
    with package.read(tmp_path) as folder:
        assert folder.cases.reference == ["x1.nii.gz", "x2.npz"]
        assert folder.cases.inputs == ["inputs/x1.nii.gz", "inputs/x2.npz"]
        assert folder.manifest["geometry"] == {
            "distinct": [{"shape": [4, 5, 6], "spacing": [1.0, 1.0, 2.0], "axes": "RAS"}, {"shape": [4, 5, 6]}],
            "cases": [0, 1],
        }
        assert readers.label_values(folder.manifest) == [1, 2]
        assert readers.label_names(folder.manifest) == ["anterior", "posterior"]
        mask, facts = readers.read_reference(folder.manifest, tmp_path / "reference/x1.nii.gz")
        assert (mask == MASK).all()
        assert facts["spacing"] == (1, 1, 2)


REFERENCES = [
    ("a missing reference", {"reference/x2.npz": None}, "cases.csv", "there is no file reference/x2.npz"),
    ("a missing input", {"inputs/x2.npz": None}, "cases.csv", "there is no file inputs/x2.npz"),
    ("a reference of no case", {"reference/x9.npz": b"x"}, "reference/x9.npz", "this file belongs to no case"),
    ("a value that is no label", {"reference/x2.npz": npz(MASK * 2)}, "reference/x2.npz", "it holds the value 4, which is no label"),
    ("a damaged reference", {"reference/x1.nii.gz": nifti(MASK)[:-40]}, "reference/x1.nii.gz", "cut off or damaged"),
    ("an unreadable picture", {"inputs/x2.npz": b"PK"}, "inputs/x2.npz", "cut off or damaged"),
    ("an input on another grid", {"inputs/x2.npz": npz(MASK[1:])}, "inputs/x2.npz", "the input is (3, 5, 6), its label map (4, 5, 6)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("files", "file", "words"), [row[1:] for row in REFERENCES], ids=[row[0] for row in REFERENCES]
)
def test_a_bad_file_of_a_package_is_told_by_name(tmp_path, files, file, words):
    segmentation(tmp_path, files)
    assert told(tmp_path, file, words).hint


def test_instances_are_of_one_class(tmp_path):
    segmentation(tmp_path, instances=True)
    assert "Keep one class" in told(tmp_path, "benchmark.yaml", "instances: true counts one class, there are 2").hint


def test_label_values_may_be_stated(tmp_path):
    segmentation(tmp_path, classes={0: "background", 1: "anterior", 2: "posterior", 5: "other"})
    with package.read(tmp_path) as folder:
        assert folder.manifest["label_values"] == {"anterior": 1, "posterior": 2, "other": 5}


def detection(folder, boxes: str, name="boxes.csv") -> None:
    manifest(folder, kind="detection", classes=["RBC", "WBC"], metrics={"primary": "froc"})
    (folder / "reference").mkdir(exist_ok=True)
    (folder / "reference" / name).write_text(boxes)
    (folder / "cases.csv").write_text(f"case_id,reference\nb,{name}\na,{name}\n")


COCO = {
    "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}], "categories": [{"id": 7, "name": "WBC"}],
    "annotations": [{"id": 1, "image_id": 2, "category_id": 7, "bbox": [1, 2, 3, 4]}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "boxes"), [("boxes.csv", "case_id,label,x,y,w,h\nb,WBC,1,2,3,4\n"), ("boxes.json", json.dumps(COCO))]
)
def test_reference_boxes_come_as_table_or_coco(tmp_path, name, boxes):
    detection(tmp_path, boxes, name)
    with package.read(tmp_path) as folder:
        assert folder.manifest["dimensions"] == 2
        first, second = (
            readers.read_reference(folder.manifest, tmp_path / "reference" / item) for item in folder.cases.reference
        )
        assert first["WBC"].shape == (0, 4)
        assert second["WBC"].tolist() == [[1, 2, 3, 4]]
        assert second["RBC"].shape == (0, 4)


def test_a_box_without_width_in_the_reference_is_told(tmp_path):
    detection(tmp_path, "case_id,label,x,y,w,h\nb,WBC,1,2,0,4\n")
    assert told(tmp_path, "reference/boxes.csv", "line 2: '0' is not above 0")


def zipped(folder, around="") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                target.write(path, around + str(path.relative_to(folder)))
    return out.getvalue()


@pytest.mark.parametrize("around", ["", "my-package/"])
def test_a_zip_of_a_package_reads_as_the_folder_does(tmp_path, around):
    segmentation(tmp_path / "folder")
    (tmp_path / "package.zip").write_bytes(zipped(tmp_path / "folder", around))
    with package.read(tmp_path / "folder") as folder, package.read(tmp_path / "package.zip") as unpacked:
        assert package.digest(folder) == package.digest(unpacked)
        root = unpacked.root
        assert root.is_dir()
    assert not root.exists()


def link(name: str) -> zipfile.ZipInfo:
    item = zipfile.ZipInfo(name)
    item.external_attr = (stat.S_IFLNK | 0o777) << 16
    return item


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("../../etc/cron.d/x", "leads out of the archive"), ("/etc/passwd", "absolute name"), ("inputs\\x.png", "backslash"),
        (link("inputs/x.png"), "is a link"), ("cases.csv/x", "both a file and a folder"),
    ],
)  # fmt: skip
def test_a_hostile_zip_is_refused_before_it_is_unpacked(tmp_path, entry, words):
    packages.binary(tmp_path / "folder", n=20)
    (tmp_path / "package.zip").write_bytes(zipped(tmp_path / "folder"))
    with zipfile.ZipFile(tmp_path / "package.zip", "a") as target:
        target.writestr(entry, b"/etc/passwd")
    assert told(tmp_path / "package.zip", "package.zip", words)


@pytest.mark.parametrize(
    ("data", "words"), [(b"x" * 99, "this is text, not a zip"), (b"PK\x03\x04" + b"x" * 99, "cut off")]
)
def test_a_file_that_is_no_package_is_refused(tmp_path, data, words):
    (tmp_path / "package.zip").write_bytes(data)
    assert told(tmp_path / "package.zip", "package.zip", words)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    assert told(tmp_path / "nothing", "nothing", "there is no such folder or file")


@pytest.mark.django_db
def test_a_package_with_a_fault_leaves_nothing_behind(tmp_path):
    packages.binary(tmp_path, n=20, clases=[])
    blobs = Blob.objects.count()
    faults_of(tmp_path)
    assert not Package.objects.exists()
    assert Blob.objects.count() == blobs


@pytest.mark.django_db
def test_the_same_package_is_stored_once(tmp_path):
    labels = packages.binary(tmp_path, n=20)
    with package.read(tmp_path) as folder:
        first = package.store(folder)
        assert package.store(folder) == first
    assert (first.cases, first.patients) == (20, 10)
    assert set(first.files) == {"benchmark.yaml", "cases.csv"}
    assert len(first.salt) == 64
    cases = package._stored_cases(first)
    assert (cases.reference == labels).all()
    (tmp_path / "benchmark.yaml").write_text("# a remark\n" + (tmp_path / "benchmark.yaml").read_text())
    with package.read(tmp_path) as folder:
        assert package.store(folder) == first, "a remark changes nothing"
    rewrite(tmp_path / "cases.csv", ("benign", "malignant"))
    with package.read(tmp_path) as folder:
        assert package.store(folder) != first


def everything(folder, kind: str) -> None:
    if kind == "segmentation":
        segmentation(folder)
    elif kind == "restoration":
        segmentation(folder)
        manifest(folder, kind="restoration", classes=None, metrics={"primary": "psnr"})
    elif kind == "detection":
        detection(folder, "case_id,label,x,y,w,h\nb,WBC,1,2,3,4\n")
    elif kind == "detection in volumes":
        detection(folder, "case_id,label,x,y,z,w,h,d\nb,WBC,1,2,3,4,5,6\n")
    elif kind == "survival":
        survival(folder, "b,5,1", "a,7.5,0")
    elif kind == "regression":
        manifest(folder, kind="regression", classes=None, metrics={"primary": "mae"})
        (folder / "cases.csv").write_text("case_id,label\na,1.5\nb,2\n")
    elif kind == "labels":
        manifest(folder, multilabel=True, classes=["effusion", "nodule"])
        (folder / "cases.csv").write_text("case_id,effusion,nodule\na,1,0\nb,1,1\n")
    else:
        packages.binary(folder, n=20)


@pytest.mark.parametrize(
    "kind",
    ["binary", "labels", "survival", "regression", "detection", "detection in volumes", "segmentation", "restoration"],
)
def test_the_sample_submission_is_a_right_answer_with_every_case(tmp_path, kind):
    everything(tmp_path / "package", kind)
    with package.read(tmp_path / "package") as folder:
        out = io.BytesIO()
        name = package.sample_submission(folder.manifest, folder.cases, out)
        (tmp_path / name).write_bytes(out.getvalue())
        readers.check(folder.manifest, folder.cases.ids, tmp_path / name, name)
        readers.read_predictions(folder.manifest, folder.cases.ids, tmp_path / name, tmp_path)
        json.dumps(folder.manifest)  # as the database keeps it


@pytest.mark.django_db
def test_released_inputs_are_renamed_to_their_cases_and_hold_no_reference(tmp_path):
    segmentation(tmp_path)
    with package.read(tmp_path) as folder:
        row = package.store(folder)
    data = b"".join(package.released_inputs(row))
    assert data == b"".join(package.released_inputs(row)), "the same bytes every time"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {item.date_time for item in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.testzip() is None
        assert archive.namelist() == ["scan-1.nii.gz", "scan-2.npz", "inputs.csv"]
        assert archive.read("scan-1.nii.gz") == (tmp_path / "inputs/x1.nii.gz").read_bytes()
        assert archive.read("inputs.csv") == b"case_id,input\nscan-1,scan-1.nii.gz\nscan-2,scan-2.npz\n"


@pytest.mark.django_db
def test_rows_of_one_file_are_released_in_the_order_of_the_cases(tmp_path):
    packages.binary(tmp_path, n=4, release_inputs=True)
    (tmp_path / "inputs").mkdir()
    np.savez(tmp_path / "inputs/x.npz", x=np.arange(12).reshape(6, 2))
    (tmp_path / "inputs/t.csv").write_text("age,case_id\n50,p\n60,q\n")
    lines = (tmp_path / "cases.csv").read_text().split()
    inputs = ["input", "x.npz#5", "x.npz#0", "t.csv#1", "t.csv#p"]
    (tmp_path / "cases.csv").write_text("\n".join(f"{line},{name}" for line, name in zip(lines, inputs, strict=True)))
    with package.read(tmp_path) as folder:
        assert readers.read_input(tmp_path / folder.cases.inputs[0])[0].tolist() == [10, 11]
        assert readers.read_input(tmp_path / folder.cases.inputs[3])[0].tolist() == [50]
        row = package.store(folder)
    with zipfile.ZipFile(io.BytesIO(b"".join(package.released_inputs(row)))) as archive:
        with np.load(io.BytesIO(archive.read("x.npz"))) as arrays:
            assert arrays["inputs"].tolist() == [[10, 11], [0, 1]]
            assert arrays["case_id"].tolist() == ["case-0000", "case-0001"]
        assert archive.read("t.csv") == b"case_id,age\ncase-0002,60\ncase-0003,50\n"
        assert b"case-0001,x.npz#1" in archive.read("inputs.csv")


@pytest.mark.django_db
def test_inputs_that_are_not_released_are_not_sent(tmp_path):
    segmentation(tmp_path, release_inputs=False)
    with package.read(tmp_path) as folder:
        row = package.store(folder)
    with pytest.raises(PermissionError):
        package.released_inputs(row)


def test_the_manifest_of_the_documentation_is_a_right_one(tmp_path):
    """The example of the design, with its classes, rules and parameters."""
    text = """
slug: retina-dr-grading
version: 1
title: Diabetic retinopathy grading, RetinaMNIST test set
task: {slug: diabetic-retinopathy-grading, specialty: ophthalmology, modality: fundus photography, anatomy: retina}
kind: classification          # classification | segmentation | detection | survival | restoration | regression
classes: [none, mild, moderate, severe, proliferative]
ordinal: true
accepts: [predictions]
labels: hidden
release_inputs: false
metrics: {primary: quadratic_weighted_kappa, also: [auroc, balanced_accuracy, sensitivity_at_specificity]}
resample: {unit: patient_id, resamples: 2000}
split: {column: split}
groups: [sex, site]
safety:
  - {never: {truth: [severe, proliferative], predicted: [none]}, at_most: 0}
  - {sensitivity: {positive: [moderate, severe, proliferative]}, at_least: 0.90}
source: {name: RetinaMNIST (MedMNIST v2), licence: CC BY 4.0, citation: "...", url: "https://medmnist.com"}
"""
    (tmp_path / "benchmark.yaml").write_text(text)
    rows = [
        f"c{n},p{n},{'public' if n % 2 else 'private'},{'mf'[n % 2]},{n % 3},{grade}"
        for n, grade in enumerate(yaml.safe_load(text)["classes"])
    ]
    (tmp_path / "cases.csv").write_text("case_id,patient_id,split,sex,site,label\n" + "\n".join(rows))
    with package.read(tmp_path) as folder:
        assert folder.manifest["safety"][0] == {
            "never": {"truth": ["severe", "proliferative"], "predicted": ["none"]},
            "at_most": 0,
        }
        assert folder.manifest["safety"][1] == {
            "sensitivity": {"positive": ["moderate", "severe", "proliferative"]},
            "at_least": 0.9,
        }
        assert folder.cases.groups["sex"].tolist() == ["m", "f", "m", "f", "m"]
        assert folder.cases.reference.tolist() == [0, 1, 2, 3, 4]


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["auroc", "dice", "survival"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = ["slug", "version", "title", "task", "kind", "classes", "ordinal", "multilabel", "accepts", "labels", "release_inputs", "release",
        "metrics", "resample", "split", "groups", "safety", "source", "limits", "traps", "owner", "instances", "readers",
        "time_unit"]  # fmt: skip
INNER = [
    "primary",
    "also",
    "parameters",
    "why",
    "unit",
    "resamples",
    "column",
    "never",
    "sensitivity",
    "at_most",
    "truth",
    "positive",
]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(KEYS), VALUES | st.dictionaries(st.sampled_from(INNER), VALUES, max_size=4), max_size=3
    )
)
def test_no_manifest_raises_anything_but_faults(tmp_path_factory, changes):
    folder = tmp_path_factory.mktemp("fuzz")
    packages.binary(folder, n=4, **changes)
    try:
        with package.read(folder) as read:
            json.dumps(read.manifest)
    except Faults as faults:
        assert all(fault.message and fault.file for fault in faults.faults)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_damage_to_a_file_raises_anything_but_faults(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    segmentation(folder)
    path = folder / data.draw(st.sampled_from(["benchmark.yaml", "cases.csv", "reference/x1.nii.gz", "inputs/x2.npz"]))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        with package.read(folder) as read:
            assert len(read.cases) == 2
    except Faults as faults:
        assert all(fault.message and fault.file for fault in faults.faults)
