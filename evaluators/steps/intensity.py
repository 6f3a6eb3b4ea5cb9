"""Steps on the values themselves: type, scale, window, clip, normalise, standardise."""

import numpy as np

from evaluators.steps.registry import IMAGE, SERIES, TABLE, VOLUME, Case, Parameter, Step, register, unfit

SPATIAL = (SERIES, IMAGE, VOLUME)
ALL = (TABLE, *SPATIAL)
TINY = 1e-8


def as_float(case: Case) -> None:
    case.array = case.array.astype(np.float32, copy=False)


def as_bytes(case: Case) -> None:
    if case.array.dtype == np.uint8:
        return
    low, high = float(case.array.min()), float(case.array.max())
    scaled = (case.array.astype(np.float32) - low) * (255 / max(high - low, TINY))
    case.array, case.whole = np.round(scaled).astype(np.uint8), True


def scale(case: Case, by: float) -> None:
    if by == 0:
        by = 255 if case.whole and case.space == IMAGE else 1
    case.array = case.array.astype(np.float32, copy=False) / np.float32(by)


def clip(case: Case, low: float, high: float) -> None:
    case.array = np.clip(case.array.astype(np.float32, copy=False), low, high)


def window(case: Case, centre: float, width: float) -> None:
    if width == 0:
        if not case.window:
            raise unfit("the inputs of this benchmark propose no window", "Give window its centre and width.")
        centre, width = case.window
    low = np.float32(centre - width / 2)
    case.array = np.clip((case.array.astype(np.float32, copy=False) - low) / np.float32(width), 0, 1)


def normalise(case: Case, how: str, low: float, high: float, nonzero: bool, channelwise: bool) -> None:
    array = np.asarray(case.array, np.float32)
    parts = list(array) if channelwise and case.space else [array]
    parts = [_normalised(part, how, low, high, nonzero) for part in parts]
    case.array = np.stack(parts) if channelwise and case.space else parts[0]


def _normalised(array: np.ndarray, how: str, low: float, high: float, nonzero: bool) -> np.ndarray:
    inside = array[array != 0] if nonzero else array
    if how == "none" or not inside.size:
        return array
    if how == "zscore":
        result = (array - inside.mean()) / max(float(inside.std()), TINY)
    else:
        ends = (inside.min(), inside.max()) if how == "minmax" else np.percentile(inside, [low, high])
        result = np.clip((array - ends[0]) / max(float(ends[1] - ends[0]), TINY), 0, 1)
    return (np.where(array != 0, result, 0) if nonzero else result).astype(np.float32)


def standardise(case: Case, mean: list, std: list) -> None:
    array, n = case.array.astype(np.float32, copy=False), case.array.shape[0]
    for key, values, apply in (("mean", mean, np.subtract), ("std", std, np.divide)):
        if len(values) not in (1, n):
            raise unfit(f"`{key}` has {len(values)} values for {n} channels or columns")
        array = apply(array, np.asarray(values, np.float32).reshape(-1, *[1] * (array.ndim - 1)))
    case.array = array


register(Step("float", "As 32-bit floats from here on.", ALL, as_float))
register(Step("bytes", "From its own range to 0 to 255, rounded; bytes stay as they are.", (IMAGE,), as_bytes))
register(
    Step(
        "scale",
        "Divides by a number.",
        ALL,
        scale,
        {"by": Parameter("number", "0: 255 for images of whole numbers, 1 for all else.", 0)},
    )
)
register(
    Step(
        "clip",
        "Cuts values off at both ends.",
        ALL,
        clip,
        {"low": Parameter("number", "The least value."), "high": Parameter("number", "The largest value.")},
    )
)
register(
    Step(
        "window",
        "Maps a window of intensities, such as Hounsfield units, to 0 to 1.",
        SPATIAL,
        window,
        {
            "centre": Parameter("number", "The middle of the window.", 0),
            "width": Parameter("number", "Its width; 0: the window that a DICOM file proposes.", 0, low=0),
        },
    )
)
register(
    Step(
        "normalise",
        "By the values of the case itself.",
        ALL,
        normalise,
        {
            "how": Parameter(
                "text",
                "zscore: mean 0, deviation 1; minmax and percentile: to 0 to 1.",
                "zscore",
                ("none", "zscore", "minmax", "percentile"),
            ),
            "low": Parameter("number", "The percentile that becomes 0.", 1, low=0, high=100),
            "high": Parameter("number", "The percentile that becomes 1.", 99, low=0, high=100),
            "nonzero": Parameter("flag", "Count the values other than 0 alone, and leave 0 as it is.", False),
            "channelwise": Parameter("flag", "Each channel by itself.", False),
        },
    )
)
register(
    Step(
        "standardise",
        "Subtracts, then divides.",
        ALL,
        standardise,
        {
            "mean": Parameter("numbers", "One, or one per channel or column.", [0]),
            "std": Parameter("numbers", "The same; above 0.", [1], low=1e-12),
        },
    )
)
