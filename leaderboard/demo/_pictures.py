"""Small pictures for the pages of tasks, made from the data at demo time: a row of examples, a slice with its labels, beats."""

from collections.abc import Sequence

import numpy as np

HEIGHT = 160  # pixels of the made picture
GAP = 4
# Okabe-Ito colours, as the plots use them
COLOURS = np.array([(230, 159, 0), (86, 180, 233), (0, 158, 115), (213, 94, 0), (204, 121, 167)], np.float32)


def row(images: Sequence[np.ndarray], height: int = HEIGHT) -> np.ndarray:
    """(h, w) or (h, w, 3) uint8 pictures side by side, white between them, each enlarged or reduced to `height`."""
    from PIL import Image

    made = []
    for image in images:
        picture = Image.fromarray(np.ascontiguousarray(image)).convert("RGB")
        width = max(1, round(picture.width * height / picture.height))
        made.append(np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC)))
        made.append(np.full((height, GAP, 3), 255, np.uint8))
    return np.concatenate(made[:-1], axis=1)


def labelled(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A grey picture (h, w) uint8 with its labels in colour, half transparent."""
    colour = np.repeat(image[..., None], 3, axis=2).astype(np.float32)
    inside = labels > 0
    colour[inside] = 0.5 * colour[inside] + 0.5 * COLOURS[(labels[inside].astype(int) - 1) % len(COLOURS)]
    return colour.astype(np.uint8)


def framed(image: np.ndarray, boxes: Sequence[Sequence[float]]) -> np.ndarray:
    """A picture (h, w, 3) with boxes x, y, w, h drawn on it."""
    from PIL import Image, ImageDraw

    picture = Image.fromarray(image)
    pen = ImageDraw.Draw(picture)
    for x, y, w, h in boxes:
        pen.rectangle((x, y, x + w, y + h), outline=tuple(int(value) for value in COLOURS[3]), width=4)
    return np.asarray(picture)


def traces(signals: Sequence[np.ndarray], width: int = 200, height: int = HEIGHT) -> np.ndarray:
    """Signals side by side as dark lines on white, on one scale."""
    from PIL import Image, ImageDraw

    low, high = min(map(np.min, signals)), max(map(np.max, signals))
    picture = Image.new("RGB", (width * len(signals), height), "white")
    pen = ImageDraw.Draw(picture)
    for number, signal in enumerate(signals):
        x = number * width + np.linspace(8, width - 8, len(signal))
        y = height - 8 - (np.asarray(signal, float) - low) / max(high - low, 1e-9) * (height - 16)
        pen.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=(34, 34, 34), width=2)
    return np.asarray(picture)


def letters(rows: np.ndarray) -> np.ndarray:
    """Sequences (n, length) of numbers 0 to 3 as rows of coloured squares."""
    return np.repeat(np.repeat(COLOURS[rows % len(COLOURS)], 8, axis=0), 8, axis=1).astype(np.uint8)
