"""Networks in the sandbox: right numbers from good ones, a clear fault from hostile ones, and the worker lives."""

import json

import numpy as np
import pytest
from PIL import Image

from evaluators import predictions
from evaluators.sandbox import Limits, Sandbox
from tests.evaluators import networks
from tests.packages import write_manifest

BINARY = {"slug": "t", "version": 1, "kind": "classification", "classes": ["benign", "malignant"], "multilabel": False}


@pytest.fixture(scope="module")
def sandbox():
    box = Sandbox()
    yield box
    box.close()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    return networks.timm_network(tmp_path_factory.mktemp("timm") / "resnet")


@pytest.fixture
def predict(sandbox, tmp_path):
    """Run a model folder over cases in the sandbox; the outcome and the folder of its predictions."""
    count = iter(range(1000))

    def run(folder, inputs, manifest=BINARY, heard=lambda message: True, entry="predict", **limits):
        work = tmp_path / f"out{next(count)}"
        work.mkdir()
        names = sorted(path.name for path in folder.iterdir())
        cases = sorted(f"inputs/{path.name}" for path in inputs.iterdir())
        request = {"manifest": manifest, "names": names, "threads": 2, "ids": cases, "inputs": cases}
        limits = Limits(**({"memory": 3 << 30, "wall": 60, "cpu": 120, "disk": 1 << 30} | limits))
        given = {"answer": folder, "inputs": inputs}
        found = sandbox.run(f"evaluators.child:{entry}", request, work=work, given=given, limits=limits, heard=heard)
        return found, work

    return run


@pytest.fixture
def inputs(tmp_path):
    folder = tmp_path / "package" / "inputs"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(5):
        Image.fromarray(random.integers(0, 255, (28, 28)).astype(np.uint8)).save(folder / f"{number}.png")
    return folder


def pixels(inputs) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(inputs.iterdir())]) / 255


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


def test_an_onnx_network_gives_the_numbers_that_its_formula_gives(predict, inputs, tmp_path):
    heard = []
    found, out = predict(
        networks.brightness(tmp_path / "m"), inputs, heard=lambda message: heard.append(message) or True
    )

    assert found.status == "done", found
    mean = pixels(inputs).mean(axis=(1, 2))
    expected = softmax(np.stack([0 * mean, 20 * mean - 9], axis=1))
    assert predictions.load(out, "classification", 5) == pytest.approx(expected, abs=1e-5)
    cost = found.value["cost"]
    assert (cost["parameters"], cost["macs"], cost["device_memory"], found.value["device"]) == (4, 2, None, "cpu")
    assert 0 < cost["latency_median"] <= cost["latency_p95"] and cost["throughput"] > 0
    heard = [message for message in heard if message]  # {}: a sign of life on a busy machine
    assert heard[0].get("opened") is True and heard[-1]["progress"] == 100


def test_a_timm_network_gives_what_timm_gives(predict, inputs, trained):
    found, out = predict(trained, inputs)

    assert found.status == "done", found
    first, blocks = 64 * 16 * 16 * 49, [(64, 64, 8), (64, 64, 8), (64, 128, 4), (128, 128, 4)]
    blocks += [(128, 256, 2), (256, 256, 2), (256, 512, 1), (512, 512, 1)]  # channels in, channels out, side
    by_hand = sum(b * s * s * 9 * (a + b) + (a != b) * a * b * s * s for a, b, s in blocks)
    assert found.value["cost"]["macs"] == first + by_hand + 512 * 2
    values = predictions.load(out, "classification", 5)
    expected = _timm(trained, inputs)
    assert values == pytest.approx(expected, abs=1e-5)


def _timm(folder, inputs) -> np.ndarray:
    """The same network by timm alone, in a process of its own."""
    import subprocess
    import sys

    code = """
import sys, json, timm, torch, numpy as np
from pathlib import Path
from PIL import Image
from safetensors.torch import load_file
config = json.load(open(sys.argv[1] + "/config.json"))
network = timm.create_model(config["architecture"], num_classes=2, in_chans=1).eval()
network.load_state_dict(load_file(sys.argv[1] + "/model.safetensors"))
cfg = {k: tuple(v) if isinstance(v, list) else v for k, v in config["pretrained_cfg"].items()}
transform = timm.data.create_transform(**timm.data.resolve_data_config(pretrained_cfg=cfg), is_training=False)
with torch.no_grad():
    x = torch.stack([transform(Image.open(path)) for path in sorted(Path(sys.argv[2]).iterdir())])
    print(json.dumps(network(x).softmax(1).double().tolist()))
"""
    out = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(inputs)], check=True, capture_output=True, text=True
    )
    return np.array(json.loads(out.stdout))


def test_a_volume_is_padded_predicted_and_cut_back_to_its_shape(predict, tmp_path):
    import nibabel

    inputs = tmp_path / "p" / "inputs"
    inputs.mkdir(parents=True)
    random, shapes = np.random.default_rng(1), [(9, 10, 11), (8, 8, 8)]
    volumes = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    for number, volume in enumerate(volumes):
        nibabel.Nifti1Image(volume, np.eye(4)).to_filename(inputs / f"{number}.nii.gz")
    manifest = BINARY | {
        "kind": "segmentation",
        "classes": ["background", "low", "high"],
        "label_values": {"low": 1, "high": 5},
    }
    # strided down and up by 4: works on multiples of 4 alone
    graph = [
        ("MaxPool", ["x"], ["p"], {"kernel_shape": [4, 4, 4], "strides": [4, 4, 4]}),
        ("Resize", ["p", "", "s"], ["u"], {"mode": "nearest"}),
        ("Sub", ["u", "u"], ["z"], {}),
        ("Add", ["x", "z"], ["v"], {}),
        ("Conv", ["v", "w", "b"], ["y"], {}),
    ]
    weights = {
        "s": np.array([1, 1, 4, 4, 4], np.float32),
        "w": np.array([0, -10, 10], np.float32).reshape(3, 1, 1, 1, 1),
        "b": np.array([0, -5, -5], np.float32),
    }
    folder = networks.onnx_network(
        tmp_path / "m", graph, [("x", ["n", 1, "a", "b", "c"])], [("y", ["n", 3, "a", "b", "c"])], weights,
        {"inputs": {"kind": "volume", "multiple": 4}, "head": "softmax"},
    )  # fmt: skip

    found, out = predict(folder, inputs, manifest)

    assert found.status == "done", found
    for answer, volume in zip(predictions.load(out, "segmentation", 2), volumes, strict=True):
        expected = np.where(volume < -0.5, 1, np.where(volume > 0.5, 5, 0))
        assert np.array_equal(answer, expected)


def test_the_first_look_finds_what_a_real_case_would_and_opens_none(predict, inputs, tmp_path):
    """Two outputs for three classes, a volume network for pictures: told from a case of zeros of the inputs' own shape."""
    heard = []
    good = networks.brightness(tmp_path / "good")
    found, out = predict(good, inputs, heard=lambda message: heard.append(message) or True, entry="look")
    assert found.status == "done" and not any("opened" in message for message in heard) and not list(out.iterdir())

    three = BINARY | {"classes": ["benign", "malignant", "unclear"]}
    found, _ = predict(good, inputs, three, entry="look")
    assert found.status == "rejected" and "2 outputs" in found.faults[0]["message"]
    found, _ = predict(networks.brightness(tmp_path / "3d", inputs={"kind": "volume"}), inputs, entry="look")
    assert found.status == "rejected" and "kind" in found.faults[0]["message"]


def test_a_batch_that_does_not_fit_into_memory_is_halved(predict, tmp_path):
    inputs = tmp_path / "p" / "inputs"
    inputs.mkdir(parents=True)
    for number in range(40):
        Image.fromarray(np.full((64, 64), number, np.uint8)).save(inputs / f"{number:02d}.png")
    graph = [
        ("Conv", ["x", "w"], ["c"], {"pads": [1, 1, 1, 1]}),  # 64 x 64 x 2048 numbers a picture: 33 MB
        ("ReduceMean", ["c"], ["m"], {"axes": [2, 3], "keepdims": 0}),
        ("Gemm", ["m", "v"], ["y"], {}),
    ]
    values = {"w": np.ones((2048, 1, 3, 3), np.float32), "v": np.ones((2048, 2), np.float32)}
    io = [("x", ["n", 1, "h", "w"])], [("y", ["n", 2])]
    folder = networks.onnx_network(tmp_path / "m", graph, *io, values, {"inputs": {"channels": 1}})

    found, out = predict(folder, inputs, memory=1200 << 20)

    assert found.status == "done", found
    assert predictions.load(out, "classification", 40).shape == (40, 2)


def test_a_network_cannot_see_labels_or_the_rest_of_the_package(sandbox, tmp_path):
    """The folder that child 1 is shown holds inputs and nothing else of the package."""
    write_manifest(tmp_path / "package")
    (tmp_path / "package" / "inputs").mkdir()
    (tmp_path / "package" / "reference").mkdir()
    (tmp_path / "out").mkdir()
    box = Sandbox(modules=("evaluators.child", "tests.evaluators.hostile"))
    try:
        places = ["/in", "/in/package", "/in/reference", "/in/cases.csv", "/in/inputs/../cases.csv"]
        places += [str(tmp_path / "package" / name) for name in ("cases.csv", "reference", "benchmark.yaml")]
        found = box.run(
            "tests.evaluators.hostile:look",
            {"paths": places},
            work=tmp_path / "out",
            given={"answer": tmp_path / "out", "inputs": tmp_path / "package" / "inputs"},
        )
    finally:
        box.close()
    assert found.value["seen"] == ["/in"]
