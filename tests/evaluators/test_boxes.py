"""Networks that answer with boxes, and networks that enlarge: through the sandbox, back on the grid of the case."""

import numpy as np
import pytest
from PIL import Image

from evaluators import boxes, predictions, steps
from evaluators.faults import Faults
from evaluators.sandbox import Sandbox
from evaluators.steps import Prepared
from tests.evaluators.networks import onnx_network
from tests.evaluators.predicting import CLASSES, predict

CELLS = CLASSES | {"kind": "detection", "classes": ["platelet", "leucocyte"]}
SHARP = CLASSES | {"kind": "restoration", "classes": []}
FOUND = np.array([[4, 8, 10, 6, 0.9, 0], [1, 2, 3, 4, 0.5, 1], [0, 0, 9, 9, 0, 0], [5, 5, 0, 2, 0.7, 0]], np.float32)


@pytest.fixture(scope="module")
def box():
    box = Sandbox()
    yield box
    box.close()


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "inputs"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 64), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def finder(folder, found=FOUND, **inputs):
    """Answers every picture with the same boxes."""
    nodes = [
        ("ReduceMean", ["x"], ["m"], {"axes": [1, 2, 3], "keepdims": 1}),
        ("Mul", ["m", "zero"], ["none"], {}),
        ("Squeeze", ["none", "axis"], ["flat"], {}),
        ("Add", ["flat", "boxes"], ["y"], {}),
    ]
    values = {"zero": np.zeros(1, np.float32), "axis": np.array([1]), "boxes": found[None]}
    config = {"inputs": {"channels": 1} | inputs, "head": "boxes"}
    return onnx_network(folder, nodes, [("x", ["n", 1, "h", "w"])], [("y", ["n", *found.shape])], values, config)


def test_boxes_come_back_to_the_pixels_of_the_case(box, pictures, tmp_path):
    outcome = predict(box, finder(tmp_path / "net", size=[24, 16]), pictures, CELLS, tmp_path / "out")
    assert outcome.status == "done", outcome
    found = predictions.load(tmp_path / "out", "detection", 3)
    assert len(found["platelet"]) == 3
    np.testing.assert_allclose(found["platelet"][2], [[16, 16, 40, 12, 0.9]], rtol=1e-6)  # 2 x high, 4 x wide
    np.testing.assert_allclose(found["leucocyte"][0], [[4, 4, 12, 8, 0.5]], rtol=1e-6)


@pytest.mark.parametrize(
    ("given", "corner"),
    [
        ([{"step": "pad", "size": [60, 80]}], (4 - 8, 8 - 6)),  # 8 columns left, 6 rows above
        ([{"step": "crop", "size": [40, 40]}], (4 + 12, 8 + 4)),
        ([{"step": "multiple", "of": [32]}], (4, 8)),
    ],
)
def test_what_was_filled_up_or_cut_shifts_boxes(given, corner):
    prepared = steps.prepare(np.zeros((48, 64), np.uint8), {"spatial": 2}, "image", steps.registry.check(given))
    found = boxes.by_class(FOUND, prepared, CELLS["classes"])["platelet"]
    np.testing.assert_allclose(found, [[*corner, 10, 6, 0.9]], rtol=1e-6)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (np.zeros((3, 5)), "3 x 5 for a case, where boxes are needed"),
        (np.full((1, 6), np.nan), "NaN or infinity"),
        (np.array([[0, 0, 1, 1, 0.5, 7]]), "names the class 7 of 2"),
    ],
)
def test_what_is_no_box_is_refused(output, words):
    with pytest.raises(Faults, match=words):
        boxes.by_class(output, Prepared(np.zeros((1, 4, 4)), (4, 4)), CELLS["classes"])


def enlarger(folder, factor, **inputs):
    node = ("Resize", ["x", "", "scale"], ["y"], {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"})  # fmt: skip
    values = {"scale": np.array([1, 1, factor, factor], np.float32)}
    config = {"inputs": {"channels": 1, "scale": 1} | inputs, "head": "value"}
    return onnx_network(folder, [node], [("x", ["n", 1, "h", "w"])], [("y", ["n", 1, "h2", "w2"])], values, config)


def test_a_network_that_enlarges_answers_on_the_finer_grid(box, pictures, tmp_path):
    outcome = predict(box, enlarger(tmp_path / "net", 2), pictures, SHARP, tmp_path / "out")
    assert outcome.status == "done", outcome
    found = predictions.load(tmp_path / "out", "restoration", 3)[1]
    expected = np.asarray(Image.open(pictures / "1.png")).repeat(2, 0).repeat(2, 1)
    np.testing.assert_array_equal(found, expected)


def test_an_enlarged_answer_is_not_taken_back_through_another_size(box, pictures, tmp_path):
    outcome = predict(box, enlarger(tmp_path / "net", 2, size=[24, 32]), pictures, SHARP, tmp_path / "out")
    assert outcome.status == "rejected"
    assert "cannot be taken back" in outcome.faults[0]["message"]
