"""Steps that move the grid of a case: reorient, resample, resize, crop, pad. Each says how an answer comes back."""

import math

import numpy as np
from PIL import Image

from evaluators.steps.registry import IMAGE, SERIES, VOLUME, Case, Parameter, Step, bounded, per_axis, register, unfit

SPATIAL = (SERIES, IMAGE, VOLUME)
AXES = {letter: number for number, pair in enumerate(("LR", "PA", "IS")) for letter in pair}
PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
LARGEST = 1 << 16  # of one axis
WHERE = Parameter("text", "centre: on both sides; end: after the data.", "centre", ("centre", "end"))


# ---- reorient: turn and mirror whole axes


def reorient(case: Case, to: str) -> None:
    if len(to) != 3 or sorted(AXES.get(letter, 9) for letter in to) != [0, 1, 2]:
        raise unfit(f"`to` of reorient is {to[:10]!r}", "Write three letters such as RAS or LIA.")
    if sorted(AXES.get(letter, 9) for letter in case.axes) != [0, 1, 2]:
        raise unfit("the inputs of this benchmark tell no orientation", "Leave reorient out.")
    order = [next(n for n, letter in enumerate(case.axes) if AXES[letter] == AXES[wanted]) for wanted in to]
    flipped = [n for n, wanted in enumerate(to) if case.axes[order[n]] != wanted]
    case.array = np.flip(case.array.transpose(0, *(1 + n for n in order)), [1 + n for n in flipped])
    case.spacing = tuple(case.spacing[n] for n in order) if case.spacing else None
    case.axes = to
    case.undo.append({"step": "reorient", "order": order, "flipped": flipped})


def reorient_back(array: np.ndarray, record: dict) -> np.ndarray:
    array = np.flip(array, [1 + n for n in record["flipped"]])
    return array.transpose(0, *(1 + n for n in np.argsort(record["order"])))


# ---- resample: to a spacing or a size, linear or nearest, pixel areas aligned


def resample(case: Case, spacing: list, interpolation: str) -> None:
    if not case.spacing:
        raise unfit("the inputs of this benchmark tell no spacing", "Leave resample out, or resize to a size.")
    wanted = per_axis(spacing, case, "spacing")
    shape = case.array.shape[1:]
    size = [max(1, round(n * have / want)) for n, have, want in zip(shape, case.spacing, wanted, strict=True)]
    _to(case, size, interpolation)


def _to(case: Case, size: list[int], interpolation: str) -> None:
    shape = case.array.shape[1:]
    bounded((len(case.array), *size))
    case.undo.append({"step": "resample", "size": list(shape)})
    case.array = interpolate(case.array, size, interpolation)
    if case.spacing:
        case.spacing = tuple(have * n / new for have, n, new in zip(case.spacing, shape, size, strict=True))


def interpolate(array: np.ndarray, size, how: str = "linear") -> np.ndarray:
    """(channels, *space) to (channels, *size), axis by axis; as torch.nn.functional.interpolate, align_corners=False."""
    for axis, new in enumerate(size, 1):
        n = array.shape[axis]
        if n == new:
            continue
        if how == "nearest":
            array = array.take(np.minimum((np.arange(new) + 0.5) * (n / new), n - 1).astype(int), axis)
            continue
        place = np.clip((np.arange(new) + 0.5) * (n / new) - 0.5, 0, n - 1)
        low = place.astype(int)
        share = (place - low).astype(np.float32).reshape(-1, *[1] * (array.ndim - axis - 1))
        first = array.take(low, axis).astype(np.float32, copy=False)
        array = first + (array.take(np.minimum(low + 1, n - 1), axis) - first) * share
    return array


def resample_back(array: np.ndarray, record: dict) -> np.ndarray:
    return interpolate(array, record["size"], "nearest" if record.get("nearest") else "linear")


# ---- resize: images by Pillow, with antialiasing; bytes stay bytes


def resize(case: Case, size: list, fit: str, interpolation: str) -> None:
    wanted = [int(n) for n in per_axis(size, case, "size")]
    shape = case.array.shape[1:]
    if fit == "shorter":  # as torchvision's Resize of one number
        if len(set(wanted)) == 1 and case.space == IMAGE:
            short, long = sorted(shape)
            other = int(wanted[0] * long / short)
            wanted = [wanted[0], other] if shape[0] <= shape[1] else [other, wanted[0]]
        else:
            ratio = min(n / new for n, new in zip(shape, wanted, strict=True))
            wanted = [round(n / ratio) for n in shape]
    elif fit == "longer":
        ratio = max(n / new for n, new in zip(shape, wanted, strict=True))
        wanted = [round(n / ratio) for n in shape]
    wanted = [max(1, n) for n in wanted]
    bounded((len(case.array), *wanted))
    if tuple(wanted) == shape:
        return
    if case.space != IMAGE:
        _to(case, wanted, "nearest" if interpolation == "nearest" else "linear")
        return
    bytes_ = case.array.dtype == np.uint8
    planes = case.array if bytes_ else case.array.astype(np.float32, copy=False)
    method = PILLOW[interpolation]
    resized = [Image.fromarray(np.ascontiguousarray(plane)).resize(wanted[::-1], method) for plane in planes]
    case.array = np.stack([np.asarray(plane) for plane in resized])
    case.undo.append({"step": "resample", "size": list(shape)})
    if case.spacing:
        case.spacing = tuple(have * n / new for have, n, new in zip(case.spacing, shape, wanted, strict=True))


# ---- crop and pad


def crop(case: Case, size: list, where: str) -> None:
    shape = case.array.shape[1:]
    wanted = [min(int(n), have) for n, have in zip(per_axis(size, case, "size"), shape, strict=True)]
    if tuple(wanted) == shape:
        return
    centred = where == "centre"
    start = [round((have - n) / 2) if centred else 0 for n, have in zip(wanted, shape, strict=True)]
    case.array = case.array[:, *(slice(a, a + n) for a, n in zip(start, wanted, strict=True))]
    case.undo.append({"step": "crop", "start": start, "shape": list(shape)})


def crop_back(array: np.ndarray, record: dict) -> np.ndarray:
    """Zeros where nothing was seen: background, by every head."""
    whole = np.zeros((len(array), *record["shape"]), array.dtype)
    sizes = array.shape[1:]
    whole[:, *(slice(a, a + n) for a, n in zip(record["start"], sizes, strict=True))] = array
    return whole


def pad(case: Case, size: list, where: str, value: list) -> None:
    shape = case.array.shape[1:]
    missing = [max(0, int(n) - have) for n, have in zip(per_axis(size, case, "size"), shape, strict=True)]
    _pad(case, [n // 2 if where == "centre" else 0 for n in missing], missing, value)


def multiple(case: Case, of: list, value: list) -> None:
    missing = [-have % int(n) for n, have in zip(per_axis(of, case, "of"), case.array.shape[1:], strict=True)]
    _pad(case, [0] * case.space, missing, value)


def _pad(case: Case, before: list[int], missing: list[int], value: list) -> None:
    shape = case.array.shape
    if not any(missing):
        return
    if len(value) not in (1, shape[0]):
        raise unfit(f"`value` has {len(value)} numbers for {shape[0]} channels")
    bounded((shape[0], *(n + more for n, more in zip(shape[1:], missing, strict=True))))
    whole = np.empty((shape[0], *(n + more for n, more in zip(shape[1:], missing, strict=True))), case.array.dtype)
    whole[:] = np.asarray(value).reshape(-1, *[1] * case.space)
    whole[:, *(slice(a, a + n) for a, n in zip(before, shape[1:], strict=True))] = case.array
    case.array = whole
    case.undo.append({"step": "pad", "before": before, "shape": list(shape[1:])})


def pad_back(array: np.ndarray, record: dict) -> np.ndarray:
    places = zip(record["before"], record["shape"], strict=True)
    return array[:, *(slice(a, a + n) for a, n in places)]


SIZE = Parameter("wholes", "One whole number per axis, or one for all.", low=1, high=LARGEST)
register(
    Step(
        "reorient",
        "Turns and mirrors the axes of a volume to run in these directions (nibabel's letters).",
        (VOLUME,),
        reorient,
        {"to": Parameter("text", "Three letters, such as RAS or LIA.")},
        reorient_back,
    )
)
register(
    Step(
        "resample",
        "To a spacing: linear or nearest between the values, areas aligned.",
        SPATIAL,
        resample,
        {
            "spacing": Parameter("numbers", "mm per axis (seconds for a signal), or one for all.", low=1e-6, high=1e6),
            "interpolation": Parameter("text", "linear or nearest.", "linear", ("linear", "nearest")),
        },
        resample_back,
    )
)
register(
    Step(
        "resize",
        "To a size. Images by Pillow, with antialiasing, bytes to bytes (`float` before it keeps fractions); volumes and "
        "signals linearly.",
        SPATIAL,
        resize,
        {
            "size": SIZE,
            "fit": Parameter(
                "text",
                "stretch: to this very size; shorter, longer: that side, keeping the aspect.",
                "stretch",
                ("stretch", "shorter", "longer"),
            ),
            "interpolation": Parameter("text", f"{', '.join(PILLOW)}.", "bilinear", tuple(PILLOW)),
        },
    )
)
register(
    Step(
        "crop",
        "Cuts axes that are longer than this.",
        SPATIAL,
        crop,
        {
            "size": SIZE,
            "where": Parameter("text", "centre: keep the middle; end: cut the end.", "centre", WHERE.choices),
        },
        crop_back,
    )
)
VALUE = Parameter("numbers", "What is put there: one number, or one per channel.", [0])
register(
    Step(
        "pad",
        "Fills up axes that are shorter than this.",
        SPATIAL,
        pad,
        {"size": SIZE, "where": WHERE, "value": VALUE},
        pad_back,
    )
)
register(
    Step(
        "multiple",
        "Fills up each axis, after the data, to a multiple of this.",
        SPATIAL,
        multiple,
        {
            "of": Parameter(
                "wholes", "One whole number per axis, or one for all.", low=1, high=math.ceil(LARGEST / 64)
            ),
            "value": VALUE,
        },
    )
)
