"""Forty crafted revisions: what a team could upload to break a worker. Each is a folder, and how it may end.

"rejected": a fault that names the place; "memory", "time": at the limit of that name.
"""

import json
import os
import pickle
import struct
from pathlib import Path

import numpy as np

from tests.evaluators import networks

REJECTED = {"rejected"}


class Evil:
    """A pickle that would run a command."""

    def __reduce__(self):
        return os.system, ("touch /out/owned",)


def revisions(folder: Path, trained: Path) -> dict[str, tuple[Path, set[str]]]:
    """{name: (folder, allowed ends)}; `trained`: an honest timm revision, of which most are a change."""
    made = {}
    for name, changes in _timm(trained):
        target = folder / f"{len(made):02d}"
        target.mkdir(parents=True)
        for path in trained.iterdir():
            data = changes.get(path.name, path.read_bytes())
            if data is not None:
                (target / path.name).write_bytes(data)
        made[name] = target, REJECTED
    for name, make, ends in ONNX + OTHERS:
        made[name] = make(folder / f"{len(made):02d}"), ends
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # as the worker's own copies are
    return made


def _timm(trained: Path):
    whole = (trained / "model.safetensors").read_bytes()
    length = struct.unpack("<Q", whole[:8])[0]
    header, body = json.loads(whole[8 : 8 + length]), whole[8 + length :]
    config = json.loads((trained / "config.json").read_text())

    def packed(changed) -> dict:
        text = json.dumps(changed).encode()
        return {"model.safetensors": struct.pack("<Q", len(text)) + text + body}

    def tensor(**changes):
        return packed({key: dict(value, **changes) if key == "fc.weight" else value for key, value in header.items()})

    def number(value: float) -> dict:
        data, begin = bytearray(whole), 8 + length + header["fc.weight"]["data_offsets"][0]
        data[begin : begin + 4] = struct.pack("<f", value)
        return {"model.safetensors": bytes(data)}

    empty = {f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(100_000)}
    yield "truncated", {"model.safetensors": whole[: len(whole) // 2]}
    yield "empty", {"model.safetensors": b""}
    yield "a header longer than the file", {"model.safetensors": struct.pack("<Q", 1 << 60) + whole[8:]}
    yield "a header that is no JSON", {"model.safetensors": struct.pack("<Q", 64) + b"{" * 64}
    yield "a shape of 2^60", tensor(shape=[1 << 30, 1 << 30])
    yield "a shape below zero", tensor(shape=[-1, 2])
    yield "overlapping tensors", tensor(data_offsets=header["conv1.weight"]["data_offsets"])
    yield "offsets beyond the file", tensor(data_offsets=[1 << 40, (1 << 40) + 4096])
    yield "a dtype nobody knows", tensor(dtype="OBJECT")
    yield "NaN parameters", number(float("nan"))
    yield "infinite parameters", number(float("inf"))
    yield "100,000 tensors", packed(header | empty)
    yield "a pickle under the name of safetensors", {"model.safetensors": pickle.dumps(Evil())}
    yield "no weights", {"model.safetensors": None}
    yield "a config that is no JSON", {"config.json": b"{"}
    yield "a config that is a list", {"config.json": b"[1]"}
    yield "a config nested ten thousand deep", {"config.json": b"[" * 10_000 + b"]" * 10_000}
    cfg = config["pretrained_cfg"]
    for name, changes in {
        "a config naming os.system": {"architecture": "os.system"},
        "an architecture from the hub": {"architecture": "hf-hub:someone/something"},
        "a local folder as architecture": {"architecture": "local-dir:/etc"},
        "a checkpoint path": {"model_args": {"checkpoint_path": "/etc/passwd"}},
        "an argument nobody knows": {"model_args": {"no_such_argument": 1}},
        "a billion classes": {"num_classes": 10**9},
        "another network": {"architecture": "resnet34"},
        "a picture of a million by a million": {"pretrained_cfg": cfg | {"input_size": [1, 10**6, 10**6]}},
        "a standard deviation of zero": {"pretrained_cfg": cfg | {"std": [0.0]}},
        "a foreign head": {"head": "eval"},
    }.items():
        yield name, {"config.json": json.dumps(config | changes).encode()}


IO = [("x", ["n", 1, "h", "w"])], [("y", ["n", 2])]


def _huge(folder: Path) -> Path:
    graph = [("ConstantOfShape", ["shape"], ["big"], {}), ("ReduceSum", ["big"], ["y"], {"keepdims": 0})]
    return networks.onnx_network(folder, graph, *IO, {"shape": np.array([500_000, 500_000], np.int64)})


def _changed(change):
    def make(folder: Path) -> Path:
        networks.brightness(folder)
        path = folder / "model.onnx"
        path.write_bytes(change(path.read_bytes()))
        return folder

    return make


def _configured(**config):
    return lambda folder: networks.brightness(folder, **config)


def _nan(folder: Path) -> Path:
    graph = [("ReduceMean", ["x"], ["m"], {"axes": [2, 3], "keepdims": 0}), ("Gemm", ["m", "w"], ["y"], {})]
    return networks.onnx_network(folder, graph, *IO, {"w": np.array([[np.nan, 1]], np.float32)})


def _foreign(folder: Path) -> Path:
    return networks.onnx_network(folder, [("Launch", ["x"], ["y"], {"domain": "evil.example"})], *IO)


def _loop(folder: Path) -> Path:
    """A Loop of 2^62 rounds."""
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True)
    value = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["s", "s"], ["t"])],
        "body",
        [value("i", TensorProto.INT64, []), value("go", TensorProto.BOOL, []), value("s", TensorProto.FLOAT, None)],
        [value("on", TensorProto.BOOL, []), value("t", TensorProto.FLOAT, None)],
    )
    nodes = [
        helper.make_node("Loop", ["rounds", "yes", "x"], ["z"], body=body),
        helper.make_node("ReduceMean", ["z"], ["m"], axes=[2, 3], keepdims=0),
        helper.make_node("Concat", ["m", "m"], ["y"], axis=1),
    ]
    values = [
        numpy_helper.from_array(np.array(2**62, np.int64), "rounds"),
        numpy_helper.from_array(np.array(True), "yes"),
    ]
    io = [value("x", TensorProto.FLOAT, ["n", 1, "h", "w"])], [value("y", TensorProto.FLOAT, ["n", 2])]
    model = helper.make_model(
        helper.make_graph(nodes, "g", *io, values), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    networks.write_config(folder, {"framework": "onnx", "inputs": {"channels": 1}})
    return folder


def _external(place: str, **facts: str):
    def make(folder: Path) -> Path:
        import onnx

        networks.brightness(folder)
        model = onnx.load(folder / "model.onnx")
        for tensor in model.graph.initializer:
            if tensor.name == "w":
                tensor.ClearField("raw_data")
                tensor.data_location = onnx.TensorProto.EXTERNAL
                for key, value in ({"location": place} | facts).items():
                    entry = tensor.external_data.add()
                    entry.key, entry.value = key, value
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        return folder

    return make


def _nan_outside(folder: Path) -> Path:
    """NaN where a look at the graph alone does not find it."""
    _external("weights.onnx.data")(folder)
    (folder / "weights.onnx.data").write_bytes(struct.pack("<2f", float("nan"), 1))
    return folder


def _layers(*layers):
    def make(folder: Path) -> Path:
        folder.mkdir(parents=True)
        networks.write_config(folder, {"framework": "layers", "layers": list(layers), "inputs": {"kind": "image"}})
        (folder / "model.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
        return folder

    return make


ONNX = [
    ("an ONNX network that asks for 1 TB", _huge, {"memory", "rejected"}),
    ("an ONNX loop without end", _loop, {"time"}),
    ("garbage under the name of ONNX", _changed(lambda data: bytes(range(256)) * 20), REJECTED),
    ("an ONNX file cut off", _changed(lambda data: data[:-40]), REJECTED),
    ("a pickle under the name of ONNX", _changed(lambda data: pickle.dumps(Evil())), REJECTED),
    ("external data at /etc", _external("/etc/passwd"), REJECTED),
    ("external data above the folder", _external("../inputs/000.png"), REJECTED),
    ("external data shorter than its tensor", _external("config.json", offset="0", length="1099511627776"), REJECTED),
    ("NaN in external data", _nan_outside, REJECTED),
    ("an operator of their own", _foreign, REJECTED),
    ("NaN in an ONNX network", _nan, REJECTED),
    ("an ONNX file elsewhere", _configured(file="../../etc/passwd"), REJECTED),
    ("an input nobody has", _configured(inputs={"name": "q"}), REJECTED),
    ("preprocessing nobody knows", _configured(inputs={"exec": "x"}), REJECTED),
]
CONV = {"layer": "conv2d", "in_channels": 1, "out_channels": 1 << 40, "kernel_size": 3}
OTHERS = [
    ("a layer of 2^40 channels", _layers(CONV), REJECTED),
    ("a layer called eval", _layers({"layer": "eval", "source": "1"}), REJECTED),
    ("a module of the operating system as framework", _configured(framework="os"), REJECTED),
]
