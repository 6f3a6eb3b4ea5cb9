"""Inputs and references: one array from a file of any format, by name and index; damage is ours and not a participant's fault."""

import gzip
from pathlib import Path

import numpy as np
import pandas
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from evaluators import readers
from evaluators.faults import Faults
from evaluators.readers import FORMATS
from tests.evaluators.answers import SEGMENTATION, nifti

VOLUME = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)


def write(folder, suffix: str) -> tuple[str, np.ndarray, dict]:
    """A file of a format: its name, what must be read from it, and what else is told."""
    name = f"x{suffix}"
    if suffix.startswith(".nii"):
        data = nifti(VOLUME)
        (folder / name).write_bytes(data if suffix.endswith(".gz") else gzip.decompress(data))
        return name, VOLUME, {"spacing": (1.0, 1.0, 2.0), "spatial": 3, "axes": "RAS"}
    if suffix in (".png", ".jpg", ".jpeg", ".tiff", ".tif"):
        grey = np.full((8, 8), 77, np.uint8) if "j" in suffix else GREY
        Image.fromarray(grey).save(folder / name)
        return name, grey, {"spatial": 2}
    if suffix == ".npy":
        np.save(folder / name, VOLUME)
        return name, VOLUME, {}
    if suffix == ".npz":
        np.savez(folder / name, x=VOLUME, spacing=[0.5, 0.5, 3])
        return name, VOLUME, {"spacing": (0.5, 0.5, 3.0)}
    if suffix == ".dcm":
        data = Path(get_testdata_file("MR_small.dcm")).read_bytes()
        start = data.rindex(b"\xe0\x7f\x10\x00") + 12  # the element of the pixels, with its length
        (folder / name).write_bytes(data[: start + 64 * 64 * 2])  # without the padding behind it
        stored = np.frombuffer(data[start : start + 64 * 64 * 2], "<i2").reshape(64, 64)
        return name, stored, {"spacing": (0.3125, 0.3125), "spatial": 2, "window": (600.0, 1600.0)}
    if suffix == ".hea":
        (folder / name).write_text(
            "x 2 120 12\nx.dat 16 200(0)/mV 16 0 0 0 0 MLII\nx.dat 16 100(10)/mV 16 0 0 0 0 V1\n"
        )
        (folder / "x.dat").write_bytes(np.arange(24, dtype="<i2").tobytes())
        leads = np.stack([np.arange(0, 24, 2) / 200, (np.arange(1, 24, 2) - 10) / 100], axis=1).astype(np.float32)
        return name, leads, {"spacing": (1 / 120,), "spatial": 1, "names": ("MLII", "V1")}
    if suffix in (".fasta", ".fa"):
        (folder / name).write_text(">a first\nACG\nTTn\n>b\nGG\n")
        return f"{name}#a", np.frombuffer(b"ACGTTn", np.uint8), {"spatial": 1, "letters": True}
    if suffix == ".parquet":
        pandas.DataFrame({"case_id": ["a", "b"], "age": [50, None], "sex": [1, 0]}).to_parquet(folder / name)
        return f"{name}#0", np.array([50.0, 1.0]), {"spatial": 0, "names": ("age", "sex")}
    (folder / name).write_text("case_id,age,sex\na,50,1\nb,,0\n")
    return f"{name}#0", np.array([50.0, 1.0]), {"spatial": 0, "names": ("age", "sex")}


@pytest.mark.parametrize("suffix", [suffix for item in FORMATS.values() for suffix in item.suffixes])
def test_every_format_gives_its_array_and_what_it_knows(tmp_path, suffix):
    name, array, facts = write(tmp_path, suffix)
    read, told = readers.read_input(tmp_path / name)
    assert np.array_equal(read, array)
    assert {key: told[key] for key in facts} == facts
    assert set(told) - {"affine"} == set(facts)


@pytest.mark.parametrize("suffix", [suffix for item in FORMATS.values() for suffix in item.suffixes])
@pytest.mark.parametrize("damage", [b"", b"\0" * 40, b"garbage,more\n1", "half"])
def test_damage_is_never_told_as_a_participants_fault(tmp_path, suffix, damage):
    name, _, _ = write(tmp_path, suffix)
    path = tmp_path / name.partition("#")[0]
    path.write_bytes(path.read_bytes()[:-30] if damage == "half" else damage)
    with pytest.raises(readers.Damaged):
        readers.read_input(tmp_path / name)
    with pytest.raises(readers.Damaged):
        readers.read_reference(SEGMENTATION, tmp_path / name)


@pytest.mark.parametrize(
    "name",
    ["x.npz#7", "x.npz#-1", "x.npz#y:0", "x.npy#9", "x.csv#2", "x.csv#z", "x.png#0", "x.nii#0", "z.dcm", "y.png"],
)
def test_what_is_not_there_is_damage(tmp_path, name):
    for suffix in (".npz", ".npy", ".csv", ".png", ".nii"):
        write(tmp_path, suffix)
    with pytest.raises(readers.Damaged):
        readers.read_input(tmp_path / name)


@pytest.mark.parametrize("name", ["x.npz#1", "x.npy#1", "x.npz#x:1"])
def test_an_index_is_a_row_along_the_first_axis(tmp_path, name):
    write(tmp_path, ".npz")
    write(tmp_path, ".npy")
    assert np.array_equal(readers.read_input(tmp_path / name)[0], VOLUME[1])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_row_of_a_table_may_be_named_by_its_case_and_empty_fields_are_nan(tmp_path, suffix):
    write(tmp_path, suffix)
    row = readers.read_input(tmp_path / f"x{suffix}#b")[0]
    assert np.isnan(row[0])
    assert row[1] == 0


def test_a_palette_is_colour_for_a_network_and_numbers_for_a_label_map(tmp_path):
    picture = Image.new("P", (4, 3), 2)
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    picture.save(tmp_path / "x.png")
    assert readers.read_input(tmp_path / "x.png")[0].tolist()[0][0] == [0, 255, 0]
    assert (readers.read_reference(SEGMENTATION, tmp_path / "x.png")[0] == 2).all()


def test_a_page_of_a_tiff_is_named_by_its_number(tmp_path):
    deep = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    Image.fromarray(GREY).save(tmp_path / "x.tif", save_all=True, append_images=[Image.fromarray(deep)])
    assert np.array_equal(readers.read_input(tmp_path / "x.tif#1")[0], deep)
    for name in ("x.tif", "x.tif#2"):
        with pytest.raises(readers.Damaged):
            readers.read_input(tmp_path / name)


def test_a_pickle_in_an_array_file_is_never_loaded(tmp_path):
    opened = tmp_path / "opened"

    class Bomb:
        def __reduce__(self):
            return (open, (str(opened), "w"))

    np.save(tmp_path / "x.npy", np.array([Bomb()], object), allow_pickle=True)
    np.savez(tmp_path / "x.npz", x=np.array([Bomb()], object))
    for name in ("x.npy", "x.npz", "x.npy#0", "x.npz#0"):
        with pytest.raises(readers.Damaged, match="type object"):
            readers.read_input(tmp_path / name)
    assert not opened.exists()


def test_a_long_line_is_cut_around_the_field_that_is_meant(tmp_path):
    wide = {"kind": "classification", "classes": [f"class-{number}" for number in range(200)], "multilabel": True}
    row = ["0.5"] * 200
    row[150] = "oops"
    (tmp_path / "x.csv").write_text(f"case_id,{','.join(wide['classes'])}\na,{','.join(row)}\n")
    with pytest.raises(Faults) as caught:
        readers.check(wide, ["a"], tmp_path / "x.csv")
    fault = caught.value.faults[0]
    assert fault.text[slice(*fault.mark)] == "oops"
    assert (fault.line, fault.column, fault.name) == (2, 152, "class-150")
    assert len(fault.text) < 200


def test_every_format_stands_in_the_documentation():
    text = (Path(__file__).resolve().parents[2] / "docs" / "weights.md").read_text()
    assert not [suffix for item in FORMATS.values() for suffix in item.suffixes if f"`{suffix}`" not in text]
