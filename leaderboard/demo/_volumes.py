"""Trains a small 3D U-Net on one core and publishes it as ONNX.

torch is imported inside the functions: only the process that builds a demo calls them.
"""

from pathlib import Path

import numpy as np

BLOCK = (32, 40, 32)  # voxels
EPOCHS = 6
BATCH = 4
RATE = 1e-2
WIDTH = 8  # channels of the finest level
MULTIPLE = 4  # two halvings: a volume must be padded to this, or the levels do not lie on each other


def train(folder: Path, cases: list[tuple[np.ndarray, np.ndarray]], classes: int) -> int:
    """Train on (volume, label map) pairs and write model.onnx, which takes `(n, 1, x, y, z)` of mean 0 and deviation 1
    and sides that are multiples of 4, and gives logits `(n, classes, x, y, z)`. Returns the number of parameters."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    torch.manual_seed(0)
    chance = torch.Generator().manual_seed(0)
    volumes = [_padded(torch.from_numpy(_standard(image))) for image, _ in cases]
    targets = [_padded(torch.from_numpy(np.asarray(labels, np.int64))) for _, labels in cases]
    network = _unet(classes)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-3)
    rounds = len(cases) // BATCH
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, EPOCHS * rounds, pct_start=0.2)
    network.train()
    for _ in range(EPOCHS):
        order = torch.randperm(len(cases), generator=chance)
        for chosen in order[: rounds * BATCH].split(BATCH):
            blocks = [_block(volumes[i], targets[i], chance) for i in chosen.tolist()]
            x, y = (torch.stack(each) for each in zip(*blocks, strict=True))
            score = network(x[:, None])
            loss = functional.cross_entropy(score, y) + _soft_dice_loss(score, y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            cycle.step()
    return _export(network.eval(), folder / "model.onnx")


def _standard(image: np.ndarray) -> np.ndarray:
    image = np.asarray(image, np.float32)
    return (image - image.mean()) / max(float(image.std()), 1e-8)


def _padded(volume):
    """Zeros after the data up to the size of a block."""
    import torch

    short = [max(0, side - length) for side, length in zip(BLOCK, volume.shape, strict=True)]
    return torch.nn.functional.pad(volume, (0, short[2], 0, short[1], 0, short[0]))


def _block(volume, target, chance):
    """A block at a random place, brightness and contrast a little changed."""
    import torch

    cut = []
    for side, length in zip(BLOCK, volume.shape, strict=True):
        start = int(torch.randint(0, length - side + 1, (1,), generator=chance))
        cut.append(slice(start, start + side))
    draws = torch.randn(2, generator=chance)
    return volume[tuple(cut)] * (1 + 0.2 * draws[0]) + 0.1 * draws[1], target[tuple(cut)]


def _soft_dice_loss(score, target):
    from torch.nn import functional

    share = score.softmax(1)
    truth = functional.one_hot(target, score.shape[1]).movedim(-1, 1).to(share.dtype)
    both = (share * truth).sum((0, 2, 3, 4))
    dice = (2 * both + 1) / (share.sum((0, 2, 3, 4)) + truth.sum((0, 2, 3, 4)) + 1)
    return 1 - dice[1:].mean()


def _unet(classes: int):
    import torch
    from torch import nn
    from torch.nn import functional

    def layer(inputs: int, outputs: int) -> list:
        return [nn.Conv3d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm3d(outputs), nn.ReLU(inplace=True)]

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            w = WIDTH
            self.fine = nn.Sequential(*layer(1, w), *layer(w, w))
            self.middle = nn.Sequential(*layer(w, 2 * w), *layer(2 * w, 2 * w))
            self.coarse = nn.Sequential(*layer(2 * w, 4 * w), *layer(4 * w, 4 * w))
            self.middle_up = nn.Sequential(*layer(6 * w, 2 * w))
            self.fine_up = nn.Sequential(*layer(3 * w, w))
            self.last = nn.Conv3d(w, classes, 1)

        def forward(self, x):
            fine = self.fine(x)
            middle = self.middle(functional.max_pool3d(fine, 2))
            coarse = self.coarse(functional.max_pool3d(middle, 2))
            middle = self.middle_up(torch.cat([functional.interpolate(coarse, scale_factor=2.0), middle], 1))
            return self.last(self.fine_up(torch.cat([functional.interpolate(middle, scale_factor=2.0), fine], 1)))

    return UNet()


def _export(network, path: Path) -> int:
    """Write the graph; the number of its parameters, which is a little less than was trained: norms are folded in."""
    import onnx
    import torch

    axes = {0: "n", 2: "x", 3: "y", 4: "z"}
    torch.onnx.export(
        network,
        (torch.zeros(1, 1, *BLOCK),),
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=["volume"],
        output_names=["logits"],
        dynamic_axes={"volume": axes, "logits": axes},
    )
    return sum(int(np.prod(array.dims)) for array in onnx.load(path).graph.initializer if len(array.dims))
