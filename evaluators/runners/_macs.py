"""Multiply-adds and device memory of one pass through a network, counted and not estimated; None where that is impossible.

PyTorch: convolutions, matrix products and attention as its own counter sees them run. ONNX: convolutions and matrix
products of the graph, from the shapes that its inference gives.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx


def count(network, array: np.ndarray) -> int | None:
    """Multiply-adds for one prepared case (no batch axis)."""
    module, graph = getattr(network, "_network", None), getattr(network, "graph", None)
    if module is not None and "torch" in sys.modules:  # which takes seconds to load, and only its own runners do
        from torch.utils.flop_counter import FlopCounterMode

        counter = FlopCounterMode(display=False)
        with counter:
            network(array[None])
        return counter.get_total_flops() // 2 or None
    return of_graph(graph, (getattr(network, "batch", None) or 1, *array.shape)) if graph else None


def of_graph(path: Path, shape: Sequence[int]) -> int | None:
    """Multiply-adds of an ONNX graph whose first input has this shape, for one case."""
    try:
        model = onnx.load(str(path), load_external_data=False)
        (given,) = [value for value in model.graph.input if value.name not in {t.name for t in model.graph.initializer}]
        for dimension, size in zip(given.type.tensor_type.shape.dim, shape, strict=True):
            dimension.dim_value = size
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except (ValueError, RuntimeError, MemoryError):
        return None
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    for value in (*model.graph.input, *model.graph.value_info, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        if all(dimension.HasField("dim_value") for dimension in dims):
            shapes[value.name] = tuple(dimension.dim_value for dimension in dims)
    try:
        total = sum(COUNTED[node.op_type](node, shapes) for node in model.graph.node if node.op_type in COUNTED)
    except (KeyError, IndexError):  # a shape that is known only when it runs
        return None
    return total // shape[0] or None


def _convolution(node, shapes) -> int:
    """Each number of the output: one product a weight of its filter."""
    return int(np.prod(shapes[node.output[0]], dtype=object)) * int(np.prod(shapes[node.input[1]][1:], dtype=object))


def _transposed(node, shapes) -> int:
    """Each number of the input: one product a weight of its filter."""
    return int(np.prod(shapes[node.input[0]], dtype=object)) * int(np.prod(shapes[node.input[1]][1:], dtype=object))


def _product(node, shapes) -> int:
    return int(np.prod(shapes[node.output[0]], dtype=object)) * int(shapes[node.input[0]][-1])


def _gemm(node, shapes) -> int:
    turned = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
    return int(np.prod(shapes[node.output[0]], dtype=object)) * int(shapes[node.input[0]][0 if turned else -1])


COUNTED = {"Conv": _convolution, "ConvTranspose": _transposed, "MatMul": _product, "Gemm": _gemm}


def device_memory() -> int | None:
    """Peak bytes on the GPU; None without one."""
    torch = sys.modules.get("torch")
    return torch.cuda.max_memory_allocated() if torch and torch.cuda.is_available() else None
