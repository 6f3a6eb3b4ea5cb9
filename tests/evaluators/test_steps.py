"""Preprocessing steps: each against an independent computation, their way back, and the table in the documentation."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from scipy import signal
from scipy.ndimage import gaussian_filter

from evaluators import steps
from evaluators.faults import Faults
from evaluators.runners import inputs
from evaluators.steps.registry import STEPS
from tests.evaluators.predicting import by_torch

DRAW = np.random.default_rng(0)
VOLUME = DRAW.normal(size=(7, 8, 9)).astype(np.float32)
SPACED = {"spacing": (1.0, 1.0, 2.0), "axes": "RAS"}
PICTURE = DRAW.integers(0, 256, (20, 30, 3)).astype(np.uint8)
DOCS = Path(__file__).resolve().parents[2] / "docs" / "weights.md"


def through(array, *listed, kind="volume", **facts):
    return steps.prepare(array, facts, kind, steps.check([dict(step) for step in listed]))


def step(name, **parameters):
    return {"step": name, **parameters}


@pytest.mark.parametrize("to", ["LIA", "PSR", "RAS", "SAL"])
def test_reorient_is_nibabels_and_comes_back(to):
    image = nibabel.Nifti1Image(VOLUME, np.diag([1, 1, 2, 1]))
    wanted = nibabel.orientations.axcodes2ornt(to)
    expected = image.as_reoriented(nibabel.orientations.ornt_transform(nibabel.io_orientation(image.affine), wanted))

    made = through(VOLUME, step("reorient", to=to), **SPACED)

    assert np.array_equal(made.array[0], expected.get_fdata(dtype=np.float32))
    assert np.array_equal(steps.back(made.array, made.undo)[0], VOLUME)


def test_resample_is_pytorchs_interpolation_and_comes_back_to_the_same_grid():
    code = """
x = torch.from_numpy(np.load(sys.argv[1]))[None, None]
show(nn.functional.interpolate(x, size=(14, 16, 36), mode="trilinear", align_corners=False)[0, 0])
"""
    import tempfile

    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file.name, VOLUME)
        expected = by_torch(code, file.name)
    made = through(VOLUME, step("resample", spacing=[0.5]), **SPACED)
    assert made.array[0] == pytest.approx(expected, abs=1e-5)
    assert steps.back(made.array, made.undo).shape == (1, *VOLUME.shape)

    nearest = through(VOLUME, step("resample", spacing=[0.5], interpolation="nearest"), **SPACED)
    assert np.array_equal(nearest.array[0], VOLUME.repeat(2, 0).repeat(2, 1).repeat(4, 2))
    assert np.array_equal(steps.back(nearest.array, nearest.undo, nearest=True)[0], VOLUME)
    smooth = gaussian_filter(DRAW.normal(size=(28, 32, 36)), 4).astype(np.float32)  # survives there and back
    there = through(smooth, step("resize", size=[56, 60, 72]))
    assert steps.back(there.array, there.undo)[0] == pytest.approx(smooth, abs=float(np.ptp(smooth)) / 50)


@pytest.mark.parametrize("how", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_resize_of_a_picture_is_pillows_on_bytes_and_on_fractions(how):
    method = Image.Resampling[how.upper()]
    made = through(PICTURE, step("resize", size=[11, 13], interpolation=how), kind="image")
    assert np.array_equal(made.array, np.moveaxis(np.asarray(Image.fromarray(PICTURE).resize((13, 11), method)), 2, 0))
    made = through(PICTURE, step("float"), step("resize", size=[40, 13], interpolation=how), kind="image")
    green = np.asarray(Image.fromarray(PICTURE[..., 1].astype(np.float32)).resize((13, 40), method))
    assert np.array_equal(made.array[1], green)
    assert steps.back(made.array, made.undo).shape == (3, 20, 30)


def test_crop_and_pad_keep_the_middle_and_come_back_with_zeros():
    made = through(VOLUME, step("crop", size=[4, 8, 20]), step("pad", size=[6, 8, 12], value=[-5]))
    assert np.array_equal(made.array[0, 1:5, :, 1:10], VOLUME[2:6]) and (made.array[0, 0] == -5).all()
    back = steps.back(made.array, made.undo)[0]
    assert np.array_equal(back[2:6], VOLUME[2:6]) and not back[[0, 1, 6]].any()
    ends = through(VOLUME, step("crop", size=[4], where="end"), step("multiple", of=[3]))
    assert np.array_equal(ends.array[0, :4, :4, :4], VOLUME[:4, :4, :4]) and ends.array.shape == (1, 6, 6, 6)
    assert ends.grid == (6, 6, 6) and ends.shape == VOLUME.shape


def test_values_are_scaled_clipped_windowed_and_normalised():
    made = {name: through(VOLUME, step(name, **p)).array[0] for name, p in {
        "clip": {"low": -1, "high": 1}, "scale": {"by": 4}, "window": {"centre": 0, "width": 2},
        "standardise": {"mean": [1], "std": [2]}}.items()}  # fmt: skip
    assert np.array_equal(made["clip"], VOLUME.clip(-1, 1)) and np.array_equal(made["scale"], VOLUME / 4)
    assert made["window"] == pytest.approx((VOLUME.clip(-1, 1) + 1) / 2, abs=1e-6)
    assert np.array_equal(made["standardise"], (VOLUME - 1) / 2)
    low, high = np.quantile(VOLUME, [0.02, 0.98])
    quantiles = through(VOLUME, step("normalise", how="percentile", low=2, high=98)).array[0]
    assert quantiles == pytest.approx(((VOLUME - low) / (high - low)).clip(0, 1), abs=1e-5)
    holes = np.where(VOLUME > 0, VOLUME, 0)
    brain = through(holes, step("normalise", nonzero=True)).array[0]
    assert brain[holes > 0].mean() == pytest.approx(0, abs=1e-6) and not brain[holes == 0].any()
    two = np.stack([VOLUME, 5 + 3 * VOLUME], axis=-1)
    apart = through(two, step("normalise", channelwise=True)).array
    assert apart[0] == pytest.approx(apart[1], abs=1e-5)
    ct = through(VOLUME, step("window"), window=(0, 2)).array[0]
    assert np.array_equal(ct, made["window"])


def test_channels_are_pillows_grey_and_columns_are_picked_by_name():
    grey = through(PICTURE, step("channels", count=1), kind="image").array[0]
    assert np.array_equal(grey, np.asarray(Image.fromarray(PICTURE).convert("L")))
    last = through(PICTURE, step("channels_last"), kind="image")
    assert last.array.shape == PICTURE.shape and last.grid == (20, 30)
    row = np.array([1, np.nan, 3])
    made = through(row, step("pick", names=["c", "b"]), step("impute", values=[7]), kind="table", names=("a", "b", "c"))
    assert made.array.tolist() == [3, 7]
    assert through(VOLUME, step("flatten")).array.tolist() == VOLUME.ravel().tolist()


def test_a_signal_is_resampled_and_filtered_as_scipy_does():
    leads = DRAW.normal(size=(500, 2)).astype(np.float32)
    made = through(leads, step("rate", hz=100), kind="signal", spacing=(1 / 250,)).array
    assert made == pytest.approx(signal.resample_poly(leads.T.astype(float), 2, 5, axis=1), abs=1e-5)
    time = np.arange(1000) / 250
    slow, fast = np.sin(2 * np.pi * 0.2 * time), np.sin(2 * np.pi * 10 * time)
    kept = through(slow + fast, step("band", low=1, high=40), kind="signal", spacing=(1 / 250,)).array[0]
    assert kept[300:-300] == pytest.approx(fast[300:-300], abs=0.05)


def test_sequences_become_numbers():
    letters = np.frombuffer(b"acGTn", np.uint8)
    hot = through(letters, step("one_hot"), kind="sequence", letters=True).array
    assert hot.T.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert through(letters, step("tokens"), kind="sequence", letters=True).array.tolist() == [[0, 1, 2, 3, -1]]
    counts = through(letters, step("kmers", k=2), kind="sequence", letters=True).array
    words = [first + second for first in "ACGT" for second in "ACGT"]
    assert {words[n]: counts[n] for n in np.flatnonzero(counts)} == {"AC": 1, "CG": 1, "GT": 1}


def test_the_short_form_stands_for_steps():
    declared = inputs.check(
        {"size": [8, 9], "channels": 1, "mean": [0.5], "std": [0.25], "multiple": 4, "layout": "NHWC"}
    )
    made = inputs.prepare(PICTURE, {}, declared)
    grey = PICTURE.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    expected = (np.asarray(Image.fromarray(grey).resize((9, 8), Image.Resampling.BILINEAR)) / 255 - 0.5) / 0.25
    assert made.array.shape == (8, 12, 1)
    assert made.array[:, :9, 0] == pytest.approx(expected, abs=1e-6) and not made.array[:, 9:].any()


@pytest.mark.parametrize(
    "listed",
    [
        "resize", [1], [{"step": "eval"}], [step("resize")], [step("resize", size=[0])], [step("resize", size=[1.5])],
        [step("resize", size=[9], how="x")], [step("clip", low=1)], [step("clip", low=1, high="2")],
        [step("scale", by=float("nan"))], [step("normalise", nonzero=1)], [step("one_hot", alphabet=["A"])],
        [step("float")] * 99, [step("standardise", std=[0])],
    ],
)  # fmt: skip
def test_a_declaration_at_fault_is_refused_with_its_place(listed):
    with pytest.raises(Faults):
        inputs.check({"steps": listed})


@pytest.mark.parametrize(
    ("listed", "array", "kind"),
    [
        ([step("resize", size=[65_536])], VOLUME, "volume"), ([step("pad", size=[65_536])], VOLUME, "volume"),
        ([step("resample", spacing=[1e-6])], VOLUME, "volume"), ([step("reorient", to="RRR")], VOLUME, "volume"),
        ([step("kmers", alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=8)], np.zeros(9, np.uint8), "sequence"),
        ([step("rate", hz=1e6)], np.zeros((1 << 20, 1), np.float32), "signal"), ([step("one_hot")], VOLUME, "volume"),
        ([step("standardise", mean=[1, 2])], VOLUME, "volume"), ([step("pick", names=["x"])], np.zeros(3), "table"),
    ],
)  # fmt: skip
def test_a_step_that_does_not_suit_or_asks_for_too_much_is_refused_before_it_is_done(listed, array, kind):
    with pytest.raises(Faults):
        through(
            array, *listed, kind=kind, spacing=(1, 1, 1) if kind == "volume" else (1e-3,), letters=kind == "sequence"
        )


def test_two_ways_to_write_the_same_are_equal_once_checked():
    short, long = (
        [step("normalise")],
        [step("normalise", how="zscore", low=1, high=99, nonzero=False, channelwise=False)],
    )
    assert steps.check(short) == steps.check(long)


def test_every_step_and_parameter_stands_in_the_documentation():
    assert steps.table() in DOCS.read_text()
    assert all(one.says for one in STEPS.values())
