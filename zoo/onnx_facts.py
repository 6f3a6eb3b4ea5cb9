"""What an ONNX file says of itself, read by walking its protobuf fields: no parser in C, no weights in memory.

Walks with a budget, skips every payload by seeking, and finds tensors whose data lie outside of the file, wherever they
hide (nested graphs, attributes, functions). Field numbers: onnx/onnx.proto (IR version 3 and on).
"""

from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

MAX_FIELDS = 2_000_000
MAX_DEPTH = 24
MAX_TEXT = 200
# kind of message -> {field: kind of the message in it}
NESTED = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
TYPES = {
    1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool",
    10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 14: "complex64", 15: "complex128", 16: "bfloat16",
}  # fmt: skip


class _Broken(ValueError):
    pass


def read(file: BinaryIO, size: int) -> dict:
    """Facts: ir_version, producer, opsets, nodes, operators, parameters, inputs, outputs, external; or a `fault`."""
    walk = _Walk(file)
    try:
        walk.message("model", size, 0)
    except _Broken as error:
        return {"format": "onnx", "fault": str(error)}
    if not walk.seen_graph:
        return {"format": "onnx", "fault": "there is no graph in it: not an ONNX file"}
    facts = {
        "format": "onnx",
        "ir_version": walk.ir_version,
        "producer": walk.producer,
        "opsets": walk.opsets,
        "nodes": sum(walk.operators.values()),
        "operators": dict(walk.operators.most_common(50)),
        "parameters": walk.parameters,
        "inputs": walk.inputs[:20],
        "outputs": walk.outputs[:20],
        "external": walk.external,
    }
    if walk.external:
        facts["fault"] = "it keeps tensors in other files; save it with the weights inside"
    return facts


class _Walk:
    def __init__(self, file: BinaryIO):
        self.file, self.budget = file, MAX_FIELDS
        self.ir_version, self.producer, self.opsets = 0, "", {}
        self.operators: Counter = Counter()
        self.parameters, self.external, self.seen_graph = 0, False, False
        self.inputs: list[dict] = []
        self.outputs: list[dict] = []

    def fields(self, end: int) -> Iterator[tuple[int, int, int]]:
        """(field, wire type, value or length) up to `end`; the payload of wire type 2 is skipped if nobody read it."""
        while (place := self.file.tell()) < end:
            self.budget -= 1
            if self.budget < 0:
                raise _Broken("it has too many parts to be looked through")
            tag = self.varint()
            field, wire = tag >> 3, tag & 7
            if wire == 0:
                yield field, wire, self.varint()
                continue
            length = {1: 8, 5: 4}.get(wire)
            if length is None:
                if wire != 2:
                    raise _Broken("it is not a protobuf message: not an ONNX file")
                length = self.varint()
            start = self.file.tell()
            if not field or start + length > end or start <= place:
                raise _Broken("a part claims more bytes than there are: the file is cut off, or not an ONNX file")
            yield field, wire, length
            self.file.seek(start + length)

    def varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.file.read(1)
            if not byte:
                raise _Broken("it ends in the middle: the file is cut off, or not an ONNX file")
            value |= (byte[0] & 127) << shift
            if byte[0] < 128:
                return value
        raise _Broken("it is not a protobuf message: not an ONNX file")

    def text(self, length: int) -> str:
        return self.file.read(min(length, MAX_TEXT)).decode("utf-8", "replace")

    def message(self, kind: str, length: int, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _Broken("its graphs are nested too deep")
        if kind == "tensor":
            return self.tensor(self.file.tell() + length)
        nested = NESTED[kind]
        for field, wire, value in self.fields(self.file.tell() + length):
            if wire == 2 and field in nested:
                self.message(nested[field], value, depth + 1)
            elif kind == "model":
                self.of_model(field, wire, value)
            elif kind == "node" and field == 4 and wire == 2:
                self.operators[self.text(value)] += 1
            elif kind == "graph" and depth == 1 and wire == 2 and field in (11, 12):
                (self.inputs if field == 11 else self.outputs).append(self.value_info(value))
        self.seen_graph |= kind == "graph"
        return None

    def of_model(self, field: int, wire: int, value: int) -> None:
        if (field, wire) == (1, 0):
            self.ir_version = value
        elif (field, wire) == (2, 2):
            self.producer = self.text(value)
        elif (field, wire) == (8, 2):
            domain, version = "", 0
            for inner, inner_wire, inner_value in self.fields(self.file.tell() + value):
                if (inner, inner_wire) == (1, 2):
                    domain = self.text(inner_value)
                elif (inner, inner_wire) == (2, 0):
                    version = inner_value
            if len(self.opsets) < 20:
                self.opsets[domain or "ai.onnx"] = version

    def tensor(self, end: int) -> None:
        count = 1
        for field, wire, value in self.fields(end):
            if field == 1 and wire == 0:
                count = min(count * value, 2**53)
            elif field == 1 and wire == 2:
                stop = self.file.tell() + value
                while self.file.tell() < stop:
                    self.budget -= 1
                    count = min(count * self.varint(), 2**53)
            elif field == 13 or (field == 14 and value == 1):
                self.external = True
        self.parameters = min(self.parameters + count, 2**53)

    def value_info(self, length: int) -> dict:
        """{"name", "dtype", "shape"} of an input or output; an open dimension is its name, or "?"."""
        info = {"name": "", "dtype": "", "shape": []}
        for field, wire, value in self.fields(self.file.tell() + length):
            if (field, wire) == (1, 2):
                info["name"] = self.text(value)
            elif (field, wire) == (2, 2):
                self.type(self.file.tell() + value, info)
        return info

    def type(self, end: int, info: dict) -> None:
        for field, wire, value in self.fields(end):
            if (field, wire) != (1, 2):
                continue
            for inner, inner_wire, inner_value in self.fields(self.file.tell() + value):
                if (inner, inner_wire) == (1, 0):
                    info["dtype"] = TYPES.get(inner_value, str(inner_value))
                elif (inner, inner_wire) == (2, 2):
                    info["shape"] = self.shape(self.file.tell() + inner_value)

    def shape(self, end: int) -> list:
        dimensions = []
        for field, wire, value in self.fields(end):
            if (field, wire) != (1, 2):
                continue
            length: int | str = "?"
            for inner, inner_wire, inner_value in self.fields(self.file.tell() + value):
                if (inner, inner_wire) == (1, 0):
                    length = inner_value
                elif (inner, inner_wire) == (2, 2):
                    length = self.text(inner_value)
            if len(dimensions) < 16:
                dimensions.append(length)
        return dimensions
