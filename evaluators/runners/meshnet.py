"""MeshNet as brainchop publishes it: its own JSON as config.json, with `"framework": "meshnet"` and the usual `inputs`, `head`.

Its `layers` are convolutions; after each but the last come, by the keys beside them, group normalisation without parameters
(`bnorm`), an activation (`gelu`, `elu`, else rectified) and dropout, which does nothing here. Fedorov et al., "End-to-end
learning of brain tissue segmentation from imperfect labeling", IJCNN 2017, doi:10.1109/IJCNN.2017.7966333.
"""

from pathlib import Path

from evaluators.runners import Runner, refusal
from evaluators.runners.layers import Layers

ARGUMENTS = ("in_channels", "out_channels", "kernel_size", "padding", "stride", "dilation")
ACTIVATIONS = ("gelu", "elu", "relu")


def layers(config: dict) -> list[dict]:
    """The layer list that a brainchop configuration stands for."""
    given = config.get("layers")
    if not isinstance(given, list) or not given or not all(isinstance(item, dict) for item in given):
        raise refusal(
            "`layers` in config.json is not a list of convolutions", "Take the JSON that brainchop publishes."
        )
    activation = {"layer": next((name for name in ACTIVATIONS if config.get(name) is True), "relu")}
    blocks: list[dict] = []
    for number, item in enumerate(given):
        last = number == len(given) - 1
        arguments = {key: item[key] for key in ARGUMENTS if key in item}
        grouped = config.get("bnorm") is True
        bias = last or config.get("bias", not grouped) is True
        convolution = {"layer": "conv3d", **arguments, "bias": bias}
        if last:
            blocks.append(convolution)
        elif grouped:  # normalisation makes a block of each convolution; else the layers stand in one row
            channels = item.get("out_channels")
            norm = {"layer": "groupnorm", "num_groups": channels, "num_channels": channels, "affine": False}
            blocks.append({"layer": "block", "layers": [convolution, norm, activation]})
        else:
            blocks += [convolution, activation]
    return blocks


def _open(folder: Path, config: dict, manifest: dict, threads: int) -> Layers:
    return Layers(folder, config, manifest, threads, layers(config))


RUNNER = Runner("meshnet", _open)
