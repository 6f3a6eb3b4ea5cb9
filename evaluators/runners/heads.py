"""What a network's outputs mean: `head` of config.json, turning raw outputs into what metrics take.

softmax, sigmoid: logits to probabilities · probabilities: taken as they are · ordinal: k - 1 logits of "grade above j",
to the probabilities of k grades · risk: larger is worse · value: a measured quantity · labels: a map of class numbers ·
boxes: see evaluators/boxes.py.
"""

import numpy as np

from evaluators.runners import refusal

HEADS = ("softmax", "sigmoid", "probabilities", "ordinal", "risk", "value", "labels", "boxes")
BY_KIND = {
    "classification": ("softmax", "sigmoid", "probabilities", "ordinal"),
    "segmentation": ("softmax", "sigmoid", "probabilities", "labels"),
    "survival": ("risk",),
    "regression": ("value",),
    "restoration": ("value",),
    "detection": ("boxes",),
}


def choose(config: dict, manifest: dict, outputs: int | None = None) -> str:
    """The head that config.json names, or the usual one for this kind of benchmark."""
    allowed = BY_KIND[manifest["kind"]]
    head = config.get("head")
    if head is None:
        single = manifest["kind"] == "classification" and (manifest.get("multilabel") or outputs == 1)
        return "sigmoid" if single else allowed[0]
    if head not in allowed:
        raise refusal(f"`head` is {str(head)[:40]!r}", f"For {manifest['kind']} choose {', '.join(allowed)}.")
    return head


def places(config: dict, wanted: list[str]) -> list[int]:
    """For each output the place of its class in `wanted`, by `label_names` of config.json, and -1 for a name that is not
    there. Empty where config.json does not name the outputs, or by other names: then they are in the order of `wanted`."""
    names = config.get("label_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return []
    known = {_plain(name): place for place, name in enumerate(wanted)}
    found = [known.get(_plain(name), -1) for name in names]
    return found if len(set(found) - {-1}) > len(wanted) / 2 else []


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def apply(head: str, raw: np.ndarray, classes: int) -> np.ndarray:
    """Raw outputs (n, outputs) of cases to (n, classes) probabilities, or (n,) risks or values. Raises Faults."""
    raw = np.asarray(raw, np.float64)
    if head in ("risk", "value"):
        if raw.size != len(raw):
            raise refusal(f"the network gives {_shape(raw)} for a case, where one number is needed")
        return _finite(raw.reshape(len(raw)))
    if raw.ndim != 2:
        raise refusal(f"the network gives {_shape(raw)} for a case, where {classes} numbers are needed")
    if head == "ordinal":
        above = np.minimum.accumulate(_sigmoid(raw), axis=1)
        found = -np.diff(np.concatenate([np.ones((len(raw), 1)), above, np.zeros((len(raw), 1))], axis=1), axis=1)
    elif head == "softmax":
        exponent = np.exp(raw - raw.max(axis=1, keepdims=True))
        found = exponent / exponent.sum(axis=1, keepdims=True)
    else:
        found = _sigmoid(raw) if head == "sigmoid" else raw
        if found.shape[1] == 1 and classes == 2:
            found = np.concatenate([1 - found, found], axis=1)
    if found.shape[1] != classes:
        raise refusal(
            f"the network gives {raw.shape[1]} outputs for a case; with head {head!r} this benchmark needs {classes} classes"
        )
    _finite(found)
    if head == "probabilities" and (found.min() < -1e-6 or found.max() > 1 + 1e-6):
        raise refusal("the outputs are not probabilities", 'Name the head: "softmax" or "sigmoid" for logits.')
    return np.clip(found, 0, 1)


def label_map(head: str, raw: np.ndarray, shape: tuple[int, ...], values: list[int]) -> np.ndarray:
    """Raw output (classes, *spatial) of one case to a map of label values, cropped to the case's own `shape`."""
    spatial = raw.shape[-len(shape) :]
    if raw.ndim not in (len(shape), len(shape) + 1) or any(a < b for a, b in zip(spatial, shape, strict=True)):
        raise refusal("the network's output does not cover the whole case", "Give one value per class for every voxel.")
    crop = tuple(slice(n) for n in shape)
    if head == "labels":
        chosen = np.rint(raw.reshape(spatial)[crop])
        chosen = np.where((chosen >= 0) & (chosen < len(values)), chosen, 0).astype(np.intp)
    else:
        planes = raw[(slice(None), *crop)] if raw.ndim == len(shape) + 1 else raw[None][(slice(None), *crop)]
        if not np.isfinite(planes).all():
            raise refusal("the network gives NaN or infinity", "Check the weights and the declared preprocessing.")
        if len(planes) == 1 and len(values) == 2:
            chosen = (planes[0] > (0.5 if head == "probabilities" else 0)).astype(np.intp)
        elif len(planes) != len(values):
            raise refusal(
                f"the network gives {len(planes)} classes, this benchmark has {len(values)} (with the background)"
            )
        else:
            chosen = planes.argmax(axis=0)
    return np.asarray(values, np.uint8 if max(values) < 256 else np.int32)[chosen]


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))


def _finite(values: np.ndarray) -> np.ndarray:
    if not np.isfinite(values).all():
        raise refusal("the network gives NaN or infinity", "Check the weights and the declared preprocessing.", file="")
    return values


def _shape(raw: np.ndarray) -> str:
    return " x ".join(map(str, raw.shape[1:])) or "one number"
