"""DICOM: pydicom's own test files against their bytes, and series made of them against the geometry they were given."""

import warnings
from pathlib import Path

import nibabel.nicom.dicomwrappers as dicomwrappers
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid

from evaluators import contents, readers
from tests.packages import write_manifest


@pytest.fixture
def read(tmp_path):
    def open_(name):
        (tmp_path / "x.dcm").write_bytes(Path(get_testdata_file(name)).read_bytes())
        return readers.read_input(tmp_path / "x.dcm")

    return open_


def test_computed_tomography_comes_in_hounsfield_units(read):
    image = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    stored = np.frombuffer(image.PixelData, "<i2").reshape(128, 128)
    array, told = read("CT_small.dcm")
    assert np.array_equal(array, stored * float(image.RescaleSlope) + float(image.RescaleIntercept))
    assert told["spatial"] == 2 and told["spacing"] == pytest.approx((0.661468, 0.661468))


@pytest.mark.parametrize(
    "name",
    ["MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "MR_small_expb.dcm", "MR_small_jp2klossless.dcm"],
)  # fmt: skip
def test_every_way_to_store_a_slice_gives_the_same_values_and_its_window(read, name):
    image = pydicom.dcmread(get_testdata_file("MR_small.dcm"))
    array, told = read(name)
    assert np.array_equal(array, np.frombuffer(image.PixelData, "<i2").reshape(64, 64))
    assert told["window"] == (600, 1600)


def test_monochrome1_is_turned_so_that_larger_is_brighter(tmp_path):
    image = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    stored = np.frombuffer(image.PixelData, "<i2").reshape(128, 128).astype(float)
    image.PhotometricInterpretation, image.RescaleSlope, image.RescaleIntercept = "MONOCHROME1", 2, 10
    image.save_as(tmp_path / "x.dcm")
    array, _ = readers.read_input(tmp_path / "x.dcm")
    assert np.array_equal(array, (-32_768 + 32_767) * 2 + 2 * 10 - (stored * 2 + 10))


def test_colour_comes_as_rgb_whatever_the_file_holds(read):
    array, told = read("examples_palette.dcm")
    image = pydicom.dcmread(get_testdata_file("examples_palette.dcm"))
    red = np.frombuffer(image.RedPaletteColorLookupTableData, "<u2")
    numbers = np.frombuffer(image.PixelData, np.uint8)[: image.Rows * image.Columns].reshape(image.Rows, image.Columns)
    assert array.dtype == np.uint8 and array.shape == (*numbers.shape, 3) and told["spatial"] == 2
    assert np.array_equal(array[..., 0], red[numbers] >> 8)
    colour, _ = read("SC_rgb_dcmtk_+eb+cy+np.dcm")  # YBR 4:2:2, JPEG: red, green and blue bars from the top
    assert [int(colour[row, 50].argmax()) for row in (5, 15, 25)] == [0, 0, 1] or colour[5, 50].tolist()[0] > 250


def test_frames_are_a_volume(read):
    array, told = read("rtdose.dcm")
    image = pydicom.dcmread(get_testdata_file("rtdose.dcm"))
    frames = np.frombuffer(image.PixelData, "<u4").reshape(15, 10, 10)
    assert np.array_equal(array, frames.transpose(2, 1, 0)) and told["spatial"] == 3 and len(told["spacing"]) == 3


def series(
    folder, count: int = 5, turn=(1, 0, 0, 0, 1, 0), step=(0.0, 0.0, 2.5), skip: int | None = None
) -> np.ndarray:
    """Slices of one series, named in another order than they lie; returns (slices, rows, columns)."""
    folder.mkdir(parents=True, exist_ok=True)
    image = pydicom.dcmread(get_testdata_file("MR_small.dcm"))
    image.SeriesInstanceUID = generate_uid()
    image.PixelSpacing, image.ImageOrientationPatient = [0.5, 0.75], list(turn)
    image.Rows, image.Columns = 32, 64
    pixels = np.random.default_rng(0).integers(0, 1000, (count, 32, 64)).astype("<i2")
    for number in range(count):
        if number != skip:
            image.PixelData = pixels[number].tobytes()
            image.ImagePositionPatient = (np.array([-10.0, 20, 30]) + number * np.array(step)).tolist()
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            image.save_as(folder / f"{(number * 7) % count:03d}.dcm")
    return pixels


@pytest.mark.parametrize(
    ("turn", "step", "axes"),
    [((1, 0, 0, 0, 1, 0), (0.0, 0.0, 2.5), "LPS"), ((0, 1, 0, 0, 0, -1), (2.5, 0.0, 0.0), "PIR"),
     ((1, 0, 0, 0, 1, 0), (0.0, 0.0, -2.5), "LPS")],
)  # fmt: skip
def test_a_series_is_a_volume_with_its_place_in_the_patient(tmp_path, turn, step, axes):
    pixels = series(tmp_path, turn=turn, step=step)
    other = pydicom.dcmread(get_testdata_file("CT_small.dcm"))  # of another series, in the same folder
    other.save_as(tmp_path / "zzz.dcm")

    array, told = readers.read_input(tmp_path / "000.dcm#series")

    pixels = pixels if np.dot(np.cross(turn[:3], turn[3:]), step) > 0 else pixels[::-1]
    assert np.array_equal(array, pixels.transpose(2, 1, 0))
    assert told["spacing"] == pytest.approx((0.75, 0.5, 2.5)) and told["axes"] == axes
    first = pydicom.dcmread(next(p for p in tmp_path.glob("*.dcm") if np.array_equal(
        pydicom.dcmread(p).pixel_array, pixels[0])))  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = dicomwrappers.wrapper_from_data(first).affine  # nibabel: rows first, in the patient's own directions
    ours = np.diag([-1, -1, 1, 1]) @ told["affine"]
    assert ours[:3, [1, 0, 3]] == pytest.approx(theirs[:3, [0, 1, 3]])


def test_a_package_names_one_slice_of_a_series_and_holds_them_all(tmp_path):
    write_manifest(tmp_path, accepts=["predictions", "weights"])
    rows = ["case_id,patient_id,label,input"]
    for number in range(4):
        series(tmp_path / "inputs" / f"s{number}", 3)
        rows.append(f"c{number},p{number},{['benign', 'malignant'][number % 2]},inputs/s{number}/000.dcm#series")
    (tmp_path / "cases.csv").write_text("\n".join(rows))
    with contents.read(tmp_path) as folder:
        assert len(folder.files) == 2 + 12
        assert readers.read_input(tmp_path / folder.cases.inputs[0])[0].shape == (64, 32, 3)


@pytest.mark.parametrize("damage", ["a gap", "one slice", "no place", "cut off"])
def test_a_series_that_is_none_is_damage(tmp_path, damage):
    series(tmp_path, 1 if damage == "one slice" else 6, skip=3 if damage == "a gap" else None)
    if damage == "no place":
        image = pydicom.dcmread(tmp_path / "001.dcm")
        del image.ImagePositionPatient
        image.save_as(tmp_path / "001.dcm")
    if damage == "cut off":
        (tmp_path / "002.dcm").write_bytes((tmp_path / "002.dcm").read_bytes()[:-500])
    with pytest.raises(readers.Damaged):
        readers.read_input(tmp_path / "000.dcm#series")


@pytest.mark.parametrize("name", ["rtplan.dcm", "test-SR.dcm", "MR_truncated.dcm", "JPEG-lossy.dcm"])
def test_what_cannot_be_read_as_an_image_is_damage(read, name):
    with pytest.raises(readers.Damaged):
        read(name)
