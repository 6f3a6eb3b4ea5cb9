"""Packages and networks for tests of weights: small, made here, and with a known answer."""

import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image

from tests.packages import write_manifest


def pictures(folder: Path, n: int = 24, side: int = 28, seed: int = 3, **changes) -> np.ndarray:
    """A binary package of grey PNG pictures, the bright half malignant; returns the labels (n,) in case order."""
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    write_manifest(folder, slug="bright-or-not", accepts=["predictions", "weights"], **changes)
    (folder / "inputs").mkdir()
    with open(folder / "cases.csv", "w", newline="") as out:
        table = csv.writer(out)
        table.writerow(["case_id", "patient_id", "label", "input"])
        for index, label in enumerate(labels):
            pixels = random.integers(0, 100, (side, side)) + 60 * label + random.integers(0, 60)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / "inputs" / f"{index:03d}.png")
            name = ["benign", "malignant"][label]
            table.writerow([f"case-{index:03d}", f"patient-{index:03d}", name, f"inputs/{index:03d}.png"])
    return labels


def timm_network(folder: Path, architecture: str = "resnet18", side: int = 32, **config) -> Path:
    """A timm network of random weights with its config.json. Made in a process of its own: torch stays out of the tests'."""
    import subprocess
    import sys

    folder.mkdir(parents=True, exist_ok=True)
    code = (
        "import sys, timm, torch; from safetensors.torch import save_file; torch.manual_seed(0); "
        "network = timm.create_model(sys.argv[1], num_classes=2, in_chans=1); "
        "save_file(network.state_dict(), sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", code, architecture, str(folder / "model.safetensors")], check=True)
    (folder / "model.safetensors").chmod(0o644)  # as the worker's own copies are
    cfg = {"input_size": [1, side, side], "mean": [0.5], "std": [0.25], "interpolation": "bilinear", "crop_pct": 1.0}
    write_config(folder, {"architecture": architecture, "num_classes": 2, "pretrained_cfg": cfg} | config)
    return folder


def write_config(folder: Path, config: dict) -> None:
    (folder / "config.json").write_text(json.dumps(config))


def onnx_network(folder: Path, graph, inputs, outputs, values=None, config=None) -> Path:
    """An ONNX file from a list of nodes (operator, inputs, outputs, attributes), with its config.json."""
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True, exist_ok=True)
    nodes = [helper.make_node(operator, takes, gives, **attributes) for operator, takes, gives, attributes in graph]

    def info(pairs):
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in pairs]

    made = helper.make_graph(
        nodes, "g", info(inputs), info(outputs), [numpy_helper.from_array(v, k) for k, v in (values or {}).items()]
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    write_config(folder, {"framework": "onnx"} | (config or {}))
    return folder


def brightness(folder: Path, **config) -> Path:
    """The mean of a picture as the logit of malignant, and 0 for benign: its AUROC is that of the mean brightness."""
    return onnx_network(
        folder,
        [
            ("ReduceMean", ["x"], ["m"], {"axes": [2, 3], "keepdims": 0}),
            ("Gemm", ["m", "w", "b"], ["y"], {}),
        ],
        [("x", ["n", 1, "h", "w"])],
        [("y", ["n", 2])],
        {"w": np.array([[0, 20]], np.float32), "b": np.array([0, -9], np.float32)},
        {"inputs": {"channels": 1}, "head": "softmax"} | config,
    )


def slow(folder: Path, layers: int = 12) -> Path:
    """`brightness` after convolutions whose result counts nothing: some hundredths of a second for each picture."""
    wide = [("Conv", ["x", "first"], ["c0"], {"pads": [1, 1, 1, 1]})]
    wide += [("Conv", [f"c{n}", "next"], [f"c{n + 1}"], {"pads": [1, 1, 1, 1]}) for n in range(layers)]
    values = {
        "first": np.ones((64, 1, 3, 3), np.float32),
        "next": np.full((64, 64, 3, 3), 1e-3, np.float32),
        "none": np.zeros((64, 1), np.float32),
        "w": np.array([[0, 20]], np.float32),
        "b": np.array([0, -9], np.float32),
    }
    graph = wide + [
        ("ReduceMean", [f"c{layers}"], ["last"], {"axes": [2, 3], "keepdims": 0}),
        ("MatMul", ["last", "none"], ["nothing"], {}),
        ("ReduceMean", ["x"], ["m"], {"axes": [2, 3], "keepdims": 0}),
        ("Add", ["m", "nothing"], ["sum"], {}),
        ("Gemm", ["sum", "w", "b"], ["y"], {}),
    ]
    io = [("x", [1, 1, 28, 28])], [("y", [1, 2])]
    return onnx_network(folder, graph, *io, values, {"inputs": {"channels": 1}, "head": "softmax"})
