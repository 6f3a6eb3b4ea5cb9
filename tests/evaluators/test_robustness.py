"""Corruptions and what a network does under them: the registry walked, fixed pixels, scores that independent code repeats."""

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from evaluators import corruptions, package, predictions, robustness
from evaluators.corruptions import CORRUPTIONS, one_pixel
from evaluators.faults import Faults
from evaluators.sandbox import Limits, Sandbox
from tests.evaluators import networks
from tests.packages import write_manifest


def case(spatial: int, dtype=np.float32) -> np.ndarray:
    """A smooth made-up input with structure at several scales: two leads, a grey picture, or a volume."""
    shape = {1: (400, 2), 2: (48, 56), 3: (20, 24, 18)}[spatial]
    grid = np.meshgrid(*(np.linspace(0, 9, n) for n in shape), indexing="ij")
    values = sum(np.sin((n + 1) * axis) for n, axis in enumerate(grid))
    values += np.random.default_rng(spatial).normal(0, 0.3, shape)
    values = (values - values.min()) / np.ptp(values)
    return (255 * values).astype(dtype) if dtype == np.uint8 else (40 * values - 7).astype(dtype)


@pytest.mark.parametrize("name", sorted(CORRUPTIONS))
def test_a_corruption_is_fixed_grows_with_its_severity_and_keeps_form_and_range(name):
    one = CORRUPTIONS[name]
    assert one.title and one.says and len(one.severities) >= 2 and one.version >= 1
    for spatial in one.spaces:
        for dtype in (np.float32, np.uint8):
            given = case(spatial, dtype)
            kept, far = given.copy(), []
            for level in range(len(one.severities)):
                first, again = (
                    corruptions.apply(one, given, level, np.random.default_rng(4), spatial) for _ in range(2)
                )
                assert np.array_equal(first, again) and first.shape == given.shape and first.dtype == given.dtype
                if spatial != 1:
                    assert first.min() >= given.min() - 1e-4 or dtype == np.uint8
                far.append(float(np.abs(first.astype(float) - given).mean()))
            assert 0 < far[0] < far[-1], far
            assert np.array_equal(given, kept), "the case itself is left as it was"


def test_colours_and_channels_are_corrupted_too():
    picture = np.stack([case(2, np.uint8)] * 3, axis=-1)
    for one in CORRUPTIONS.values():
        if 2 in one.spaces:
            found = corruptions.apply(one, picture, 1, np.random.default_rng(0), 2)
            assert found.shape == picture.shape and found.dtype == np.uint8 and not np.array_equal(found, picture), (
                one.name
            )


def test_known_values_blur_keeps_the_sum_and_bias_and_motion_keep_the_mean_in_place():
    point = np.zeros((64, 64), np.float32)
    point[32, 32] = 1
    blurred = CORRUPTIONS["blur"].function(point, 0.025, None, 2)
    assert blurred.sum() == pytest.approx(1, abs=1e-5) and blurred.max() < 0.1
    turned = CORRUPTIONS["rotation"].function(np.eye(65, dtype=np.float32), 90, np.random.default_rng(1), 2)
    assert np.abs(turned - np.eye(65)[::-1]).max() < 1e-4
    still = CORRUPTIONS["motion"].function(case(2) / 40, 0.0, np.random.default_rng(1), 2)
    assert np.abs(still - np.abs(case(2) / 40)).max() < 1e-5, "a patient who does not move leaves no ghosts"


def test_which_corruptions_a_benchmark_gets_follows_kind_and_modality():
    ct, mr = {"task": {"modality": "CT"}, "kind": "classification"}, {"task": {"modality": "brain MRI"}}
    assert "bias_field" not in corruptions.suited(ct) and "rotation" in corruptions.suited(ct)
    maps = corruptions.suited(mr | {"kind": "segmentation"})
    assert {"bias_field", "motion"} <= set(maps) and "rotation" not in maps


def test_one_pixel_is_found_where_one_pixel_decides():
    """A network that looks at the brightest pixel alone; the attack changes one pixel, and no more than one."""

    def ask(cases):
        top = np.array([c.max() for c in cases], float) / 255
        return np.stack([1 - top, top], axis=1)

    dark = np.full((24, 24), 40, np.uint8)
    found = one_pixel.attack(dark, ask, 3)
    assert (found != dark).sum() == 1 and ask([found])[0].argmax() == 1
    assert np.array_equal(found, one_pixel.attack(dark, ask, 3))


def manifest_of(folder, **changes):
    networks.pictures(folder, n=24, **changes)
    with package.read(folder) as read:
        return read.manifest, read.cases


def test_a_package_asks_for_all_or_some_and_a_wrong_name_is_a_fault(tmp_path):
    manifest, _ = manifest_of(tmp_path / "all", robustness=True)
    assert "noise" in manifest["robustness"] and "one_pixel" in manifest["robustness"]
    assert "bias_field" not in manifest["robustness"]
    manifest, _ = manifest_of(tmp_path / "some", robustness=["blur", "jpeg"])
    assert manifest["robustness"] == ["blur", "jpeg"]
    with pytest.raises(Faults, match="blurr"):
        manifest_of(tmp_path / "wrong", robustness=["blurr"])
    write_manifest(tmp_path / "files", robustness=True)
    (tmp_path / "files" / "cases.csv").write_text("case_id,patient_id,label\na,b,benign\nc,d,malignant\n")
    with pytest.raises(Faults, match="weights"), package.read(tmp_path / "files"):
        pass


def test_a_network_is_stressed_in_the_sandbox_and_scored_as_a_library_scores_it(tmp_path):
    """A network that takes the mean: brightness moves it, and blur does not. On public cases alone."""
    manifest, cases = manifest_of(tmp_path / "package", robustness=["blur", "brightness", "one_pixel"])
    model, out = networks.brightness(tmp_path / "model"), tmp_path / "out"
    out.mkdir()
    public = list(range(3, 23))
    names = sorted(path.name for path in model.iterdir())
    request = {
        "manifest": manifest,
        "names": names,
        "threads": 1,
        "ids": cases.ids,
        "inputs": cases.inputs,
        "public": public,
    }
    box = Sandbox()
    try:
        given = {"answer": model, "inputs": tmp_path / "package" / "inputs"}
        limits = Limits(memory=3 << 30, wall=60, cpu=120, disk=1 << 30)
        found = box.run("evaluators.child:stress", request, work=out, given=given, limits=limits)
    finally:
        box.close()
    assert found.status == "done", found

    facts, details = robustness.judge(manifest, cases, public, tmp_path / "package", out)

    labels = np.asarray(cases.reference)[sorted(public)]
    assert facts["n"] == 20 and facts["attack"]["cases"] == 16 and facts["attack"]["flips"] is not None
    rows = {row["name"]: row for row in facts["corruptions"]}
    for name in ("blur", "brightness"):
        for level in (0, 1):
            answers = predictions.load(out / f"{name}-{level}", "classification", 20)
            score = roc_auc_score(labels, answers[:, 1])
            assert rows[name]["scores"][level] == pytest.approx(score, abs=1e-12)
            assert rows[name]["drops"][level] == pytest.approx(1 - score / facts["clean"], abs=1e-12)
    assert abs(rows["blur"]["drops"][1]) < 0.02 < rows["brightness"]["drops"][1]
    assert details["robustness:blur"].shape == (3,) and details["robustness:blur"][0] == facts["clean"]
    assert facts["mean_drop"] == pytest.approx(np.mean([drop for row in rows.values() for drop in row["drops"]]))
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_a_drop_is_relative_to_the_clean_score_and_worse_is_positive():
    from evaluators.metrics import METRICS

    assert robustness.drop(METRICS["auroc"], 0.8, 0.6) == pytest.approx(0.25)
    assert robustness.drop(METRICS["mae"], 2.0, 3.0) == pytest.approx(0.5)
    assert robustness.drop(METRICS["auroc"], 0.8, None) is None and robustness.drop(METRICS["auroc"], 0.0, 0.1) is None
