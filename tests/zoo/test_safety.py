"""What is read from files: right for good ones, a fault for broken ones, and never an exception or a load."""

import io
import json
import os
import pickle
import struct
import zipfile

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from safetensors.numpy import save

from zoo import blobs, commits, onnx_facts, safety
from zoo.errors import Refused


def facts(tmp_path, content, name):
    path = tmp_path / "file"
    path.write_bytes(content)
    return safety.inspect(path, name)


def read(content):
    return safety.safetensors(io.BytesIO(content), len(content))


def made(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


# ---- safetensors


def test_a_header_says_tensors_parameters_and_dtypes():
    content = save({"w": np.zeros((3, 4), np.float32), "b": np.zeros(5, np.float16), "e": np.zeros((0, 7), np.int64)})
    assert read(content) == {
        "format": "safetensors",
        "tensors": 3,
        "parameters": 17,
        "dtypes": {"F32": 12, "F16": 5, "I64": 0},
        "metadata": {},
    }


ENTRY = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
BROKEN = {
    "empty": b"",
    "cut in the length": b"\x08\x00",
    "length past the end": made({}, length=1000),
    "enormous length": struct.pack("<Q", 2**63) + b"{}",
    "not JSON": made(b"nope"),
    "not UTF-8": made(b'{"\xff":1}'),
    "a list": made([]),
    "deep": made(b"[" * 100_000),
    "many digits": made(b'{"a":{"dtype":"U8","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,1]}}', b"x"),
    "unknown dtype": made({"a": ENTRY | {"dtype": "F33"}}, b"0000"),
    "dtype a list": made({"a": ENTRY | {"dtype": ["F32"]}}, b"0000"),
    "negative shape": made({"a": ENTRY | {"shape": [-1]}}, b"0000"),
    "boolean shape": made({"a": ENTRY | {"shape": [True]}}, b"0000"),
    "float offsets": made({"a": ENTRY | {"data_offsets": [0, 4.0]}}, b"0000"),
    "three offsets": made({"a": ENTRY | {"data_offsets": [0, 4, 8]}}, b"0000"),
    "size of another dtype": made({"a": ENTRY | {"dtype": "F64"}}, b"0000"),
    "reversed offsets": made({"a": ENTRY | {"shape": [0], "data_offsets": [4, 0]}}, b"0000"),
    "past the end": made({"a": ENTRY | {"data_offsets": [4, 8]}}, b"0000"),
    "overlap": made({"a": ENTRY, "b": ENTRY}, b"0000"),
    "hole": made({"a": ENTRY, "b": ENTRY | {"data_offsets": [8, 12]}}, b"0" * 12),
    "trailing bytes": made({"a": ENTRY}, b"0" * 9),
    "cut data": made({"a": ENTRY}, b"00"),
    "no entry": made({"a": None}, b""),
    "metadata of numbers": made({"__metadata__": {"a": 1}}),
    "named twice": made(b'{"a":' + json.dumps(ENTRY).encode() + b',"a":' + json.dumps(ENTRY).encode() + b"}", b"0000"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_header_is_named_and_not_believed(name):
    found = read(BROKEN[name])
    assert found["fault"]
    assert "parameters" not in found


def test_an_oversize_header_is_not_read(monkeypatch):
    monkeypatch.setattr(safety, "MAX_HEADER", 100)
    assert "at most 100" in read(made(b" " * 101))["fault"]


@given(st.binary(max_size=200))
@settings(max_examples=200)
def test_no_bytes_break_the_reader(content):
    read(content)
    read(made(content, b""))
    onnx_facts.read(io.BytesIO(content), len(content))


shapes = st.lists(st.lists(st.integers(0, 4), max_size=3), max_size=4)


@given(shapes, st.integers(0, 400), st.integers(0, 255))
@settings(max_examples=100)
def test_a_flipped_byte_is_found_or_harmless(some, place, value):
    content = bytearray(save({f"t{i}": np.zeros(shape, np.float32) for i, shape in enumerate(some)}))
    content[place % len(content)] = value
    found = read(bytes(content))
    assert "fault" in found or found["tensors"] <= len(some)


# ---- ONNX


def network(**changes):
    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 2], np.zeros(8, np.float32))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"]), helper.make_node("Relu", ["y"], ["z"])],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 2])],
        [weight],
    )
    return helper.make_model(graph, producer_name="test", opset_imports=[helper.make_opsetid("", 17)], **changes)


def test_an_onnx_file_is_described_as_the_onnx_library_sees_it(tmp_path):
    model = network()
    onnx.checker.check_model(model)
    found = facts(tmp_path, model.SerializeToString(), "net.onnx")
    assert found == {
        "format": "onnx",
        "ir_version": model.ir_version,
        "producer": "test",
        "opsets": {"ai.onnx": 17},
        "nodes": 2,
        "operators": {"MatMul": 1, "Relu": 1},
        "parameters": 8,
        "inputs": [{"name": "x", "dtype": "float32", "shape": ["n", 4]}],
        "outputs": [{"name": "z", "dtype": "float32", "shape": ["n", 2]}],
        "external": False,
    }


def outside():
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 2], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../../etc/passwd")
    return tensor


def test_weights_in_other_files_are_found_wherever_they_hide(tmp_path):
    plain = network()
    del plain.graph.initializer[:]
    plain.graph.initializer.append(outside())
    constant = network()
    constant.graph.node.append(helper.make_node("Constant", [], ["c"], value=outside()))
    nested = network()
    inner = helper.make_graph([], "inner", [], [], [outside()])
    nested.graph.node.append(helper.make_node("If", ["c"], ["d"], then_branch=inner, else_branch=inner))
    for model in (plain, constant, nested):
        found = facts(tmp_path, model.SerializeToString(), "net.onnx")
        assert found["external"]
        assert "other files" in found["fault"]


@pytest.mark.parametrize("cut", [1, 10, 50, 100])
def test_a_cut_onnx_file_is_called_broken(tmp_path, cut):
    assert facts(tmp_path, network().SerializeToString()[:-cut], "net.onnx")["fault"]


def test_random_bytes_are_no_onnx_file(tmp_path):
    for content in (b"", b"hello world", b"\x00" * 100, b"\xff" * 100, b"\x08\x07"):
        assert facts(tmp_path, content, "net.onnx")["fault"]


def field(number, content):
    """A length-delimited protobuf field."""
    length, size = len(content), bytearray()
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    return bytes([number << 3 | 2]) + bytes(size) + bytes([length]) + content


def test_a_tensor_of_endless_dimensions_costs_nothing(tmp_path):
    dims = (b"\x08" + b"\xff" * 9 + b"\x01") * 2000
    assert facts(tmp_path, field(7, field(5, dims)), "net.onnx")["parameters"] == 2**53


def test_graphs_within_graphs_end(tmp_path):
    graph = b""
    for _ in range(60):
        graph = field(1, field(5, field(6, graph)))
    assert "nested too deep" in facts(tmp_path, field(7, graph), "net.onnx")["fault"]


# ---- what runs code


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


class Shell:
    """Would run a command when it is unpickled."""

    def __reduce__(self):
        return (os.system, ("false",))


def archive(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return out.getvalue()


def array(value, **options):
    out = io.BytesIO()
    np.save(out, value, **options)
    return out.getvalue()


def keras(layer):
    return json.dumps({"config": {"layers": [{"class_name": layer}]}}).encode()


def code_files(tmp_path):
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    objects = array(np.array([Bomb(tmp_path / "exploded")], dtype=object), allow_pickle=True)
    return {
        "model.pkl": bomb,
        "model.dat": bomb,
        "old.pkl": pickle.dumps(Bomb(tmp_path / "exploded"), protocol=0),
        "packed.pkl.gz": b"\x1f\x8b",
        "model.joblib": b"x\x9c",
        "model.pt": archive(**{"model/data.pkl": bomb}),
        "model.zip": archive(**{"model/data.pkl": bomb}),
        "pytorch_model.bin": archive(**{"a/data.pkl": bomb}),
        "empty.pth": b"",
        "objects.npy": objects,
        "objects.npz": archive(**{"a.npy": array(np.zeros(3)), "b.npy": objects}),
        "model.keras": archive(**{"config.json": keras("Lambda")}),
        "model.h5": b"\x89HDF\r\n\x1a\n" + b"\0" * 100 + b'{"class_name": "Lambda"}',
    }


def test_files_that_run_code_are_known_and_never_loaded(tmp_path):
    for name, content in code_files(tmp_path).items():
        assert facts(tmp_path, content, name).get("runs_code"), name
    assert not (tmp_path / "exploded").exists()


def test_files_that_only_hold_data_are_let_be(tmp_path):
    harmless = {
        "README.md": b"# Hi",
        "weights.bin": b"\x00\x01" * 100,
        "a.npy": array(np.zeros(3)),
        "a.npz": archive(**{"a.npy": array(np.zeros(3))}),
        "a.zip": archive(**{"a.txt": b"text"}),
        "model.keras": archive(**{"config.json": keras("Dense")}),
        "model.h5": b"\x89HDF\r\n\x1a\n" + b"\0" * 100,
        "model.safetensors": save({"w": np.zeros(3, np.float32)}),
        "empty": b"",
        "one": b"\x80",
        "cut.zip": archive(**{"a.txt": b"text"})[:-10],
    }
    for name, content in harmless.items():
        assert not facts(tmp_path, content, name).get("runs_code"), name


def test_an_archive_with_an_endless_directory_is_not_looked_through(tmp_path, monkeypatch):
    monkeypatch.setattr(safety, "MAX_DIRECTORY", 1000)
    content = archive(**{f"file {i}": b"" for i in range(50)})
    assert "too long" in facts(tmp_path, content, "a.zip")["fault"]


@pytest.mark.django_db
def test_a_file_that_runs_code_is_committed_only_where_the_operator_allows_it(tmp_path, model, cast, settings, client):
    head = commits.resolve(model, "main")
    for name, content in code_files(tmp_path).items():
        with pytest.raises(Refused, match="run any code"):
            commits.commit_files(model, cast["owner"], add={name: blobs.put(content)}, title="Code")
    assert commits.resolve(model, "main") == head
    settings.ALLOW_PICKLES = True
    add = {name: blobs.put(content) for name, content in code_files(tmp_path).items()}
    commits.commit_files(model, cast["owner"], add=add, title="Code")
    page = client.get("/clinic/net").content.decode()
    assert page.count("runs code") == len(add)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.django_db
def test_a_pickle_under_another_name_is_still_refused(tmp_path, model, cast):
    blob = blobs.put(pickle.dumps(Bomb(tmp_path / "exploded")))
    for name in ("a.txt", "a.safetensors.pkl", "a.safetensors", "a.onnx"):
        try:
            commits.commit_files(model, cast["owner"], add={name: blob}, title="Hidden")
        except Refused:
            continue
        assert blob.facts["fault"], f"{name} is at least called broken"


@pytest.mark.django_db
def test_facts_are_kept_with_the_blob_and_shown(model, cast, client):
    content = save({"w": np.zeros((1000, 3), np.float32)})
    commits.commit_files(
        model,
        cast["owner"],
        add={
            "model.safetensors": blobs.put(content),
            "broken.safetensors": blobs.put(content[:-5]),
            "net.onnx": blobs.put(network().SerializeToString()),
        },
        title="Weights",
    )
    model.refresh_from_db()
    assert model.parameters == 3000
    page = client.get("/clinic/net").content.decode()
    assert "3,000 F32" in page
    assert "broken" in page
    assert "2 operators, 8 parameters" in page


@pytest.mark.django_db
def test_an_onnx_file_with_its_weights_elsewhere_is_refused(model, cast):
    net = network()
    tensor = net.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../../etc/passwd"
    with pytest.raises(Refused, match="in other files"):
        commits.commit_files(model, cast["owner"], add={"m.onnx": blobs.put(net.SerializeToString())}, title="Net")


def test_a_scan_says_what_a_pickle_would_import(tmp_path, shared_data):
    shell = facts(tmp_path, pickle.dumps(Shell()), "model.pkl")["scan"]
    assert shell == {
        "verdict": "dangerous", "imports": [{"module": "posix", "name": "system", "safety": "dangerous"}], "whole": True,
    }  # fmt: skip
    inside = facts(tmp_path, archive(**{"model/data.pkl": pickle.dumps(Shell())}), "model.pt")["scan"]
    assert inside == shell
    plain = facts(tmp_path, pickle.dumps({"a": [1, 2]}), "plain.pkl")["scan"]
    assert plain == {"verdict": "innocuous", "imports": [], "whole": True}
    text = b"no pickle at all, whatever its name"
    assert facts(tmp_path, text, "words.pkl")["scan"]["verdict"] in ("unreadable", "innocuous")
    network_file = shared_data / "models_brainchop" / "mindgrab.pth"
    scan = safety.inspect(network_file, "mindgrab.pth")["scan"]
    assert {"module": "torch._utils", "name": "_rebuild_tensor_v2", "safety": "innocuous"} in scan["imports"]


def test_a_scan_is_bounded(tmp_path, monkeypatch):
    endless = b"\x80\x04" + b"]\x94" * 20_000_000
    assert not facts(tmp_path, endless, "model.pkl")["scan"]["whole"]
    inside = archive(**{f"{i}.pkl": b"\x80\x04" + b"N0" * 4_000_000 for i in range(1)})
    assert not facts(tmp_path, inside, "model.pt")["scan"]["whole"]


def test_the_status_of_a_file_for_the_hubs_tree(tmp_path):
    bomb = facts(tmp_path, pickle.dumps(Shell()), "model.pkl")
    status = safety.file_status("model.pkl", bomb)
    assert (status["status"], status["pickleImportScan"]["status"]) == ("unsafe", "unsafe")
    mild = safety.file_status("a.pkl", facts(tmp_path, pickle.dumps([1]), "a.pkl"))
    assert (mild["status"], mild["pickleImportScan"]["status"]) == ("suspicious", "safe"), "a pickle is never safe"
    whole = save({"w": np.zeros(3, np.float32)})
    assert safety.file_status("m.safetensors", facts(tmp_path, whole, "m.safetensors"))["status"] == "safe"
    assert safety.file_status("m.safetensors", facts(tmp_path, whole[:-1], "m.safetensors"))["status"] == "suspicious"
    assert safety.file_status("README.md", {})["pickleImportScan"] is None
