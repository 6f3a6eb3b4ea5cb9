"""ONNX graphs written from trained parameters with onnx.helper: standardisation and dense layers over rows of numbers."""

import numpy as np


def dense(layers: list[tuple[np.ndarray, np.ndarray]], mean: np.ndarray, spread: np.ndarray, name: str = "measures"):
    """An ONNX model: `name` (n, columns) float32 to `probabilities` (n, 2), the last layer giving the log-odds of class 1.

    `layers`: (weights (inputs, outputs), biases (outputs,)), rectified in between; `mean` and `spread` per column.
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    nodes, values = [], {"mean": mean, "spread": spread}
    nodes.append(helper.make_node("Sub", [name, "mean"], ["centred"]))
    nodes.append(helper.make_node("Div", ["centred", "spread"], ["layer0"]))
    for number, (weight, bias) in enumerate(layers):
        last = number == len(layers) - 1
        if last:  # log-odds of class 1 beside 0 for class 0: their softmax is the logistic function
            weight, bias = np.hstack([np.zeros_like(weight), weight]), np.concatenate([np.zeros_like(bias), bias])
        values |= {f"weight{number}": weight, f"bias{number}": bias}
        inputs = [f"layer{number}", f"weight{number}", f"bias{number}"]
        if last:
            nodes.append(helper.make_node("Gemm", inputs, ["logits"]))
        else:
            nodes.append(helper.make_node("Gemm", inputs, [f"sum{number}"]))
            nodes.append(helper.make_node("Relu", [f"sum{number}"], [f"layer{number + 1}"]))
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1))
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "dense",
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", len(mean)])],
            [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
            [numpy_helper.from_array(np.asarray(array, np.float32), key) for key, array in values.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    checker.check_model(model, full_check=True)
    return model


def config(labels: list[str], name: str = "measures") -> dict:
    """config.json of such a graph."""
    return {
        "framework": "onnx",
        "inputs": {"kind": "table", "name": name},
        "output": "probabilities",
        "head": "probabilities",
        "label_names": labels,
    }
