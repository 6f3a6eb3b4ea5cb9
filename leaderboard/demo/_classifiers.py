"""Trains a small timm image classifier from random weights on one core, and publishes it as timm's own model folder.

torch is imported inside the functions: only the process that builds a demo calls them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leaderboard.demo import _writing


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; chosen on the official validation part."""

    architecture: str
    size: int  # pixels a side that the picture is enlarged to
    epochs: int
    rate: float = 3e-3
    batch: int = 64
    decay: float = 0.05
    smoothing: float = 0.05
    turn: float = 0.26  # largest turn, in radians
    flips: tuple[int, ...] = (3,)  # 3: left and right, 2: top and bottom
    seed: int = 0


def train(folder: Path, images: np.ndarray, labels: np.ndarray, classes: Sequence[str], recipe: Recipe) -> int:
    """Train on (n, h, w[, 3]) uint8 and (n,) class indices; write config.json and model.safetensors; its parameters."""
    import torch
    from safetensors.torch import save_file
    from torch.nn import functional

    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    chance = torch.Generator().manual_seed(recipe.seed)
    pixels = torch.from_numpy(images).float() / 255
    pixels = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.permute(0, 3, 1, 2)
    mean, spread = pixels.mean((0, 2, 3)), pixels.std((0, 2, 3))
    shape = (recipe.size, recipe.size)
    pixels = functional.interpolate(pixels, shape, mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
    pixels = (pixels - mean[:, None, None]) / spread[:, None, None]
    target = torch.from_numpy(np.asarray(labels)).long()

    network = _network(recipe, len(classes), pixels.shape[1])
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    rounds = len(pixels) // recipe.batch
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, recipe.epochs * rounds, pct_start=0.2)
    network.train()
    for _ in range(recipe.epochs):
        order = torch.randperm(len(pixels), generator=chance)
        for chosen in order[: rounds * recipe.batch].split(recipe.batch):
            score = network(_varied(pixels[chosen], recipe, chance))
            loss = functional.cross_entropy(score, target[chosen], label_smoothing=recipe.smoothing)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            cycle.step()
    network.eval()
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / "model.safetensors")
    _writing.config(folder, _config(recipe, network, classes, mean.tolist(), spread.tolist()))
    return sum(parameter.numel() for parameter in network.parameters())


def _network(recipe: Recipe, classes: int, channels: int):
    import timm

    return timm.create_model(recipe.architecture, pretrained=False, num_classes=classes, in_chans=channels)


def _config(recipe: Recipe, network, classes: Sequence[str], mean: list[float], spread: list[float]) -> dict:
    """timm's own config.json, as `timm.create_model("hf-hub:...")` reads it."""
    return {
        "architecture": recipe.architecture,
        "num_classes": len(classes),
        "num_features": network.num_features,
        "label_names": list(classes),
        "model_args": {"in_chans": len(mean)},
        "pretrained_cfg": {
            "custom_load": False,
            "input_size": [len(mean), recipe.size, recipe.size],
            "fixed_input_size": False,
            "interpolation": "bicubic",
            "crop_pct": 1.0,
            "crop_mode": "center",
            "mean": [round(value, 6) for value in mean],
            "std": [round(value, 6) for value in spread],
            "num_classes": len(classes),
            "pool_size": network.default_cfg.get("pool_size"),
            "first_conv": network.default_cfg.get("first_conv"),
            "classifier": network.default_cfg.get("classifier"),
        },
    }


def _varied(pixels, recipe: Recipe, chance):
    """Flips, turns, shifts, sizes and contrast drawn anew for every picture of a batch."""
    import torch
    from torch.nn import functional

    def draw(*shape):
        return torch.rand(*shape, generator=chance) * 2 - 1

    count = len(pixels)
    for axis in recipe.flips:
        pixels = torch.where((draw(count) < 0)[:, None, None, None], pixels.flip(axis), pixels)
    angle, size = draw(count) * recipe.turn, 1 + 0.15 * draw(count)
    place = torch.zeros(count, 2, 3)
    place[:, 0, 0], place[:, 0, 1] = angle.cos() * size, -angle.sin() * size
    place[:, 1, 0], place[:, 1, 1] = angle.sin() * size, angle.cos() * size
    place[:, :, 2] = 0.1 * draw(count, 2)
    grid = functional.affine_grid(place, list(pixels.shape), align_corners=False)
    pixels = functional.grid_sample(pixels, grid, align_corners=False, padding_mode="border")
    return pixels * (1 + 0.2 * draw(count, 1, 1, 1)) + 0.2 * draw(count, 1, 1, 1)
