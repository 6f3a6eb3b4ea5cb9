"""Small networks over pictures, trained on one core and published as ONNX: a 2D U-Net, the loop that trains, the export.

torch is imported inside the functions: only the process that builds a demo calls them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

MULTIPLE = 4  # two halvings: sides must be multiples of it


def unet(inputs: int, outputs: int, width: int = 8):
    """Three levels of two 3 x 3 convolutions each, the coarse ones brought back by nearest neighbours."""
    import torch
    from torch import nn
    from torch.nn import functional

    def layer(first: int, second: int) -> list:
        return [nn.Conv2d(first, second, 3, padding=1, bias=False), nn.BatchNorm2d(second), nn.ReLU(inplace=True)]

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            w = width
            self.fine = nn.Sequential(*layer(inputs, w), *layer(w, w))
            self.middle = nn.Sequential(*layer(w, 2 * w), *layer(2 * w, 2 * w))
            self.coarse = nn.Sequential(*layer(2 * w, 4 * w), *layer(4 * w, 4 * w))
            self.middle_up = nn.Sequential(*layer(6 * w, 2 * w))
            self.fine_up = nn.Sequential(*layer(3 * w, w))
            self.last = nn.Conv2d(w, outputs, 1)

        def forward(self, x):
            fine = self.fine(x)
            middle = self.middle(functional.max_pool2d(fine, 2))
            coarse = self.coarse(functional.max_pool2d(middle, 2))
            middle = self.middle_up(torch.cat([functional.interpolate(coarse, scale_factor=2.0), middle], 1))
            return self.last(self.fine_up(torch.cat([functional.interpolate(middle, scale_factor=2.0), fine], 1)))

    return UNet()


def fit(
    build: Callable, batch: Callable[[np.random.Generator], Sequence[np.ndarray]], loss: Callable, steps: int, rate=1e-2
):
    """The network that `build()` makes from random weights, trained for `steps` batches of `batch(draw)`.

    `loss(output, *targets)`: of the network's output for the first array of a batch, and the others. One thread and a
    fixed seed: the same machine makes the same weights again.
    """
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    draw = np.random.default_rng(0)
    network = build()
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-3)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps, pct_start=0.2)
    network.train()
    for _ in range(steps):
        x, *targets = (torch.from_numpy(np.ascontiguousarray(array)) for array in batch(draw))
        error = loss(network(x), *targets)
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        cycle.step()
    return network.eval()


def export(network, path: Path, shape: Sequence[int], inputs: str, output: str, axes: Sequence[int] = (0, 2, 3)) -> int:
    """Write the graph for a float32 input of `shape` whose `axes` may differ; the number of its parameters."""
    import onnx
    import torch

    free = {axis: f"axis{axis}" for axis in axes}
    torch.onnx.export(
        network,
        (torch.zeros(*shape),),
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=[inputs],
        output_names=[output],
        dynamic_axes={inputs: free, output: free},
    )
    return sum(int(np.prod(array.dims)) for array in onnx.load(path).graph.initializer if len(array.dims))


def turned(draw: np.random.Generator, *arrays: np.ndarray) -> list[np.ndarray]:
    """The same flips and quarter turns of the last two axes, drawn anew, for arrays that lie on each other."""
    quarter, flip = int(draw.integers(4)), bool(draw.integers(2))
    found = [np.rot90(array, quarter, axes=(-2, -1)) for array in arrays]
    return [array[..., ::-1] if flip else array for array in found]
