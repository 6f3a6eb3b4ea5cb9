"""Answers that are archives of volumes: judged by their listing at once, and by their bytes in the sandbox."""

import gzip
import io
import stat
import struct
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators import predictions, readers
from evaluators.faults import Faults
from tests.evaluators.answers import IDS, RESTORATION, SEGMENTATION, archive, masks, nifti, npz, shape

ZEROS = np.zeros(shape(0), np.uint8)


def png(array: np.ndarray, **more) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(array, **more).save(out, format="PNG")
    return out.getvalue()


def special(name: str, data: bytes = b"x", **facts) -> bytes:
    """A right answer with one more entry, of odd facts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for file, content in masks().items():
            target.writestr(file, content)
        item = zipfile.ZipInfo(name)
        for key, value in facts.items():
            setattr(item, key, value)
        with warnings.catch_warnings(action="ignore"):  # of doubled names, which are meant
            target.writestr(item, data)
    return out.getvalue()


def listing_faults(tmp_path, data: bytes, manifest=SEGMENTATION) -> Faults:
    (tmp_path / "upload").write_bytes(data)
    with pytest.raises(Faults) as caught:
        readers.check(manifest, IDS, tmp_path / "upload", "masks.zip")
    assert not list(tmp_path.glob("cases")), "nothing was unpacked"
    return caught.value


def lying(data: bytes, size: int) -> bytes:
    """The archive with the unpacked size of its last entry changed in the listing."""
    place = data.rfind(b"PK\x01\x02")
    return data[: place + 24] + struct.pack("<I", size) + data[place + 28 :]


RIGHT = archive(masks())
LISTINGS = [
    ("a table", b"case_id,none\n", "this is text, not a zip archive"),
    ("a picture", b"\x89PNG\r\n\x1a\n", "this is a PNG picture, not a zip"),
    ("cut off", RIGHT[:-30], "cut off"),
    ("the first half", RIGHT[: len(RIGHT) // 2], "cut off"),
    ("an empty archive", archive({}), "5 of 5 cases have no file"),
    ("a missing case", archive(masks(**{"case-2.npz": None})), "1 of 5 cases have no file: 'case-2'"),
    ("an unknown case", archive(masks(**{"case-9.npz": b"x"})), "'case-9.npz': 'case-9' is not a case"),
    (
        "a case in two formats",
        archive(masks(**{"case-1.nii.gz": nifti(ZEROS)})),
        "case 'case-1' is in the archive twice",
    ),
    ("a case twice", special("case-1.npz"), "'case-1.npz' is in the archive twice"),
    (
        "another format",
        archive(masks(**{"case-1.npz": None, "case-1.mat": b"x"})),
        "'case-1.mat' is none of the formats",
    ),
    ("a way out", archive({"../case-1.npz": b"x"}), "leads out of the archive"),
    ("a way out further in", archive({"a/../../case-1.npz": b"x"}), "leads out of the archive"),
    ("an absolute name", archive({"/etc/cron.d/case-1.npz": b"x"}), "absolute name"),
    ("a drive", archive({"C:case-1.npz": b"x"}), "absolute name"),
    ("a backslash", archive({"a\\case-1.npz": b"x"}), "holds a backslash"),
    ("a control character", archive({"case-\x1b[1m.npz": b"x"}), "unprintable"),
    ("a link", special("link.npz", b"/etc/passwd", external_attr=(stat.S_IFLNK | 0o777) << 16), "'link.npz' is a link"),
    ("too many files", archive({f"x{number}.npz": b"" for number in range(1500)}), "lists 1,500 files"),
    ("a map too large", archive(masks(**{"case-1.npz": bytes(2 << 20)})), "'case-1.npz' has 2,097,152 bytes"),
    ("a bomb", lying(RIGHT, 2**32 - 2), "claims to unpack to 4,294,967,294 bytes"),
    ("encrypted", RIGHT.replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"), "is encrypted"),
    ("another packing", archive(masks(), zipfile.ZIP_LZMA), "packed in a way that is not read"),
]


@pytest.mark.parametrize(("data", "words"), [row[1:] for row in LISTINGS], ids=[row[0] for row in LISTINGS])
def test_a_bad_archive_is_told_by_its_listing(tmp_path, data, words):
    told = listing_faults(tmp_path, data)
    fault = next((fault for fault in told.faults if words in fault.message), None)
    assert fault, [str(item) for item in told.faults]
    assert fault.file == "masks.zip"
    assert fault.hint


def test_all_faults_of_a_listing_are_told_at_once(tmp_path):
    told = listing_faults(tmp_path, archive({"../x.npz": b"x", "case-9.npz": b"x", "case-1.mat": b"x"}))
    assert told.count == 3


def test_a_folder_around_everything_and_the_junk_of_desktops_are_passed_over(tmp_path):
    files = {f"answer/{name}": data for name, data in masks().items()}
    files |= {"__MACOSX/answer/._case-1.npz": b"x", "answer/.DS_Store": b"x"}
    (tmp_path / "upload").write_bytes(archive(files))
    assert readers.check(SEGMENTATION, IDS, tmp_path / "upload") is False


def read_faults(tmp_path, manifest=SEGMENTATION, **changed) -> list[str]:
    (tmp_path / "upload").write_bytes(archive(masks(**changed)))
    readers.check(manifest, IDS, tmp_path / "upload")  # the listing is right
    with pytest.raises(Faults) as caught:
        readers.read_predictions(manifest, IDS, tmp_path / "upload", tmp_path)
    return [fault.message for fault in caught.value.faults]


def in_place_of(name: str, other: str, data: bytes) -> dict:
    return {f"{name}.npz": None, f"{name}.{other}": data}


VOLUMES = [
    ("another shape", {"case-1.npz": npz(np.zeros((4, 5, 7), np.uint8))}, "the shape is 4 x 5 x 7, the input's is 4 x 5 x 6"),
    ("axes in another order", {"case-1.npz": npz(np.zeros((6, 5, 4), np.uint8))}, "the shape is 6 x 5 x 4"),
    ("another spacing", in_place_of("case-1", "nii.gz", nifti(ZEROS, (1, 1, 1))), "the spacing is 1 x 1 x 1 mm, the input's is 1 x 1 x 2"),
    ("left for right", in_place_of("case-1", "nii.gz", nifti(ZEROS, flip=True)), "the axes run LAS, the input's run RAS"),
    ("no label", {"case-1.npz": npz(ZEROS + np.uint8(3))}, "it holds the value 3, which is no label"),
    ("a negative label", {"case-1.npz": npz(ZEROS.astype(np.int16) - 1)}, "it holds the value -1"),
    ("probabilities", {"case-1.npz": npz(ZEROS + 0.5)}, "it holds fractions"),
    ("NaN", {"case-1.npz": npz(ZEROS + np.nan)}, "it holds NaN or infinity"),
    ("objects", {"case-1.npz": npz(np.array([{}], object))}, "the array is of type object"),
    ("two arrays", {"case-1.npz": npz(ZEROS, labels2=ZEROS, mask=ZEROS)}, "the .npz file holds 3 arrays"),
    ("no array", {"case-1.npz": archive({"x.txt": b""})}, "holds no array"),
    ("garbage for an array", {"case-1.npz": b"garbage"}, "the .npz file is cut off or damaged"),
    ("an empty file", {"case-1.npz": b""}, "the file is empty"),
    ("garbage for a volume", in_place_of("case-1", "nii.gz", b"garbage"), "not packed with gzip"),
    ("a volume cut off", in_place_of("case-1", "nii.gz", nifti(ZEROS)[:-20]), "cut off or damaged"),
    ("a volume not packed", in_place_of("case-1", "nii", bytes(400)), "this is not a NIfTI-1 volume"),
    ("garbage for a picture", in_place_of("case-4", "png", b"\x89PNG\r\n\x1a\nxxxxxxxx"), "not a PNG picture"),
    ("a colour picture", in_place_of("case-4", "png", png(np.zeros((7, 8, 3), np.uint8))), "the shape is 7 x 8 x 3"),
    ("0 and 255", in_place_of("case-4", "png", png(np.full((7, 8), 255, np.uint8))), "it holds the value 255"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "words"), [row[1:] for row in VOLUMES], ids=[row[0] for row in VOLUMES])
def test_a_bad_volume_is_told_its_fault_and_its_name(tmp_path, changed, words):
    told = read_faults(tmp_path, **changed)
    assert len(told) == 1
    assert words in told[0]
    assert told[0].startswith(f"'{[name for name, data in changed.items() if data is not None][0]}'")


def test_a_hostile_header_claims_nothing_into_memory(tmp_path):
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)})
    assert "too large" in read_faults(tmp_path, **{"case-1.npz": archive({"labels.npy": huge.getvalue()})})[0]
    header = bytearray(gzip.decompress(nifti(ZEROS)))
    header[40:48] = struct.pack("<4h", 3, 32767, 32767, 32767)
    assert "too large" in read_faults(tmp_path, **in_place_of("case-1", "nii.gz", gzip.compress(bytes(header))))[0]


def test_volumes_of_every_format_are_read_into_plain_arrays(tmp_path):
    volume = np.zeros(shape(0), np.uint8)
    volume[1, 2, 3] = 2
    flat = np.zeros((7, 8), np.uint8)
    flat[3, 4] = 1
    files = {
        "case-1.nii.gz": nifti(volume), "case-2.npz": npz(volume.astype(np.float32)), "case-3.npz": npz(volume.astype(np.int64)),
        "case-4.png": png(flat), "case-5.npz": npz(flat.astype(bool)),
    }  # fmt: skip
    (tmp_path / "upload").write_bytes(archive(files))
    readers.read_predictions(SEGMENTATION, IDS, tmp_path / "upload", tmp_path)
    read = predictions.CaseFiles(tmp_path, 5)
    assert all((read[number] == volume).all() for number in range(3))
    assert all((read[number] == flat).all() for number in (3, 4))
    assert {read[number].dtype for number in range(5)} == {np.dtype(np.uint8)}


def test_a_palette_keeps_its_numbers(tmp_path):
    from PIL import Image

    picture = Image.fromarray(np.full((7, 8), 2, np.uint8)).convert("P")
    picture.putdata([2] * 56)
    out = io.BytesIO()
    picture.save(out, format="PNG")
    (tmp_path / "upload").write_bytes(archive(masks(**in_place_of("case-4", "png", out.getvalue()))))
    readers.read_predictions(SEGMENTATION, IDS, tmp_path / "upload", tmp_path)
    assert (predictions.CaseFiles(tmp_path, 5)[3] == 2).all()


def test_instances_may_have_any_number(tmp_path):
    (tmp_path / "upload").write_bytes(archive(masks(**{"case-1.npz": npz(ZEROS.astype(np.int32) + 70_000)})))
    readers.read_predictions(SEGMENTATION | {"instances": True}, IDS, tmp_path / "upload", tmp_path)
    assert predictions.CaseFiles(tmp_path, 5)[0].max() == 70_000


def test_restored_images_are_finite_numbers_of_the_right_shape(tmp_path):
    assert "NaN or infinity" in read_faults(tmp_path, RESTORATION, **{"case-1.npz": npz(ZEROS + np.inf)})[0]
    (tmp_path / "upload").write_bytes(archive(masks(**{"case-1.npz": npz(ZEROS + 0.25)})))
    readers.read_predictions(RESTORATION, IDS, tmp_path / "upload", tmp_path)
    assert (predictions.CaseFiles(tmp_path, 5)[0] == 0.25).all()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_to_an_archive_raises_anything_but_faults(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    content = bytearray(archive(masks(**{"case-1.npz": None, "case-1.nii.gz": nifti(ZEROS)}), zipfile.ZIP_DEFLATED))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / "upload").write_bytes(content[: data.draw(st.integers(len(content) - 40, len(content)))])
    try:
        readers.check(SEGMENTATION, IDS, folder / "upload")
        readers.read_predictions(SEGMENTATION, IDS, folder / "upload", folder)
    except Faults as faults:
        assert faults.count


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_to_a_volume_raises_anything_but_faults(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    name, content = data.draw(
        st.sampled_from(
            [
                ("case-1.nii", gzip.decompress(nifti(ZEROS))),
                ("case-1.nii.gz", nifti(ZEROS)),
                ("case-1.npz", npz(ZEROS)),
                ("case-4.png", png(np.zeros((7, 8), np.uint8))),
            ]
        )  # fmt: skip
    )
    content = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content), 400) - 1))] = data.draw(st.integers(0, 255))
    files = masks(**{f"{name.partition('.')[0]}.npz": None}) | {name: bytes(content)}
    (folder / "upload").write_bytes(archive(files))
    try:
        readers.read_predictions(SEGMENTATION, IDS, folder / "upload", folder)
    except Faults as faults:
        assert faults.count
