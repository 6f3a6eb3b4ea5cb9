"""What the front matter of a model card states: the Hub's fields, the medical ones, and the results its author declares.

The medical fields stand under `medical:` or at the top: intended_use, population, modality, anatomy, acquisition,
contraindications, training_data (names, or name, size, licence and supervision each) and supervision (full, semi, weak).
Everything here was written by a stranger: it is bounded, and plain text for a page to escape.
"""

import math
import re
from dataclasses import dataclass, field

from django.utils.translation import gettext, gettext_lazy

MEDICAL = {
    "intended_use": gettext_lazy("Intended use"),
    "contraindications": gettext_lazy("Do not use for"),
    "population": gettext_lazy("Population"),
    "modality": gettext_lazy("Modality"),
    "anatomy": gettext_lazy("Anatomy"),
    "acquisition": gettext_lazy("Acquisition"),
}
# What a reader must be told; a card that leaves one of these out says so on the page.
NEEDED = ("intended_use", "contraindications", "population")
HUB = {
    "pipeline_tag": gettext_lazy("Kind of task"),
    "library_name": gettext_lazy("Library"),
    "license": gettext_lazy("Licence"),
    "base_model": gettext_lazy("Made from"),
    "datasets": gettext_lazy("Data sets"),
    "metrics": gettext_lazy("Metrics"),
    "language": gettext_lazy("Languages"),
    "tags": gettext_lazy("Tags"),
}
SUPERVISION = {
    "full": gettext_lazy("full: every training case has its label"),
    "semi": gettext_lazy("semi: some training cases have labels"),
    "weak": gettext_lazy("weak: labels are coarser than what the model gives, or were derived, as from reports"),
}
_SPELLED = {"fully": "full", "supervised": "full", "fully_supervised": "full", "semi_supervised": "semi"} | {
    "weakly": "weak", "weakly_supervised": "weak",
}  # fmt: skip
VALUES, RESULTS, LENGTH = 40, 100, 1000
_NUMBER = re.compile(r"\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(%?)\s*\Z")


@dataclass(frozen=True)
class Line:
    """One stated fact: a label, and one or more values."""

    key: str
    label: str
    values: list[str]


@dataclass(frozen=True)
class TrainingData:
    name: str
    size: str = ""
    licence: str = ""
    supervision: str = ""  # full | semi | weak | "" where the card does not say


@dataclass(frozen=True)
class Declared:
    """A result that the card claims (one metric of its model-index); `number` is None where the value is no number."""

    metric: str
    value: str
    number: float | None
    dataset: str = ""
    dataset_id: str = ""
    split: str = ""
    task: str = ""
    source: str = ""


@dataclass(frozen=True)
class Statements:
    medical: list[Line] = field(default_factory=list)
    hub: list[Line] = field(default_factory=list)
    training: list[TrainingData] = field(default_factory=list)
    supervision: list[str] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)  # labels of what a reader must be told and is not
    faults: list[str] = field(default_factory=list)


def read(front: dict) -> Statements:
    """All that a card's front matter states. Never raises; what cannot be used is a fault in words."""
    faults: list[str] = []
    training = _training(front, faults)
    medical = [
        Line(key, str(label), values) for key, label in MEDICAL.items() if (values := _values(stated(front, key)))
    ]
    told = {line.key for line in medical}
    kinds = list(dict.fromkeys(each.supervision for each in training if each.supervision))
    return Statements(
        medical=medical,
        hub=[Line(key, str(label), values) for key, label in HUB.items() if (values := _values(front.get(key)))],
        training=training,
        supervision=[str(SUPERVISION[kind]) for kind in kinds],
        declared=declared(front),
        missing=[str(MEDICAL[key]) for key in NEEDED if key not in told],
        faults=faults,
    )


def stated(front: dict, key: str):
    """The value of a medical field, wherever it stands."""
    under = front.get("medical")
    value = under.get(key) if isinstance(under, dict) else None
    return front.get(key) if value is None else value


def every(front: dict, key: str) -> list[str]:
    """All values of a medical field; what a board filters by."""
    return _values(stated(front, key))


def first(front: dict, key: str) -> str:
    """The first value of a medical field; what the catalogue filters by."""
    return next(iter(every(front, key)), "")


def _values(value) -> list[str]:
    if isinstance(value, dict):
        value = [f"{key}: {each}" for key, each in value.items() if not isinstance(each, dict | list)]
    items = value if isinstance(value, list) else [value]
    texts = [_text(item.get("name") or item.get("id")) if isinstance(item, dict) else _text(item) for item in items]
    return [text for text in texts if text][:VALUES]


def _text(value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()[:LENGTH]


def _training(front: dict, faults: list[str]) -> list[TrainingData]:
    common = _supervision(stated(front, "supervision"), faults)
    value = stated(front, "training_data")
    found = []
    for item in (value if isinstance(value, list) else [value])[:VALUES]:
        if isinstance(item, dict):
            own = _supervision(item.get("supervision"), faults) or common
            licence = _text(item.get("licence") or item.get("license"))
            found.append(TrainingData(_text(item.get("name")), _text(item.get("size")), licence, own))
        elif _text(item):
            found.append(TrainingData(_text(item), supervision=common))
    if not found and common:
        found = [TrainingData(name, supervision=common) for name in _values(front.get("datasets"))]
        found = found or [TrainingData("", supervision=common)]
    return found


def _supervision(value, faults: list[str]) -> str:
    written = _text(value).lower().replace("-", "_").replace(" ", "_")
    kind = _SPELLED.get(written, written)
    if not kind or kind in SUPERVISION:
        return kind
    faults.append(
        gettext("supervision is %(value)r; use one of %(known)s.")
        % {"value": _text(value)[:60], "known": ", ".join(SUPERVISION)}
    )
    return ""


def declared(front: dict) -> list[Declared]:
    """The results of the card's model-index, one for each metric."""
    found = []
    index = front.get("model-index")
    for model in index if isinstance(index, list) else []:
        results = model.get("results") if isinstance(model, dict) else None
        for result in results if isinstance(results, list) else []:
            if isinstance(result, dict):
                found += _result(result)
    return found[:RESULTS]


def _result(result: dict) -> list[Declared]:
    data, task, source = (_part(result, name) for name in ("dataset", "task", "source"))
    metrics = result.get("metrics")
    found = []
    for metric in metrics if isinstance(metrics, list) else []:
        if not isinstance(metric, dict) or not (name := _text(metric.get("type")) or _text(metric.get("name"))):
            continue
        value = metric.get("value")
        found.append(
            Declared(
                metric=name[:100],
                value=_text(value)[:60],
                number=number(value),
                dataset=(_text(data.get("name")) or _text(data.get("type")))[:200],
                dataset_id=_text(data.get("type"))[:200],
                split=_text(data.get("split"))[:60],
                task=(_text(task.get("name")) or _text(task.get("type")))[:200],
                source=(_text(source.get("name")) or _text(source.get("url")))[:200],
            )
        )
    return [each for each in found if each.value]


def _part(result: dict, name: str) -> dict:
    value = result.get(name)
    return value if isinstance(value, dict) else {}


def number(value) -> float | None:
    """0.91, "0.91" and "91 %" as numbers; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else None
    match = _NUMBER.match(value) if isinstance(value, str) and len(value) < 60 else None
    if not match:
        return None
    found = float(match[1]) / (100 if match[2] else 1)
    return found if math.isfinite(found) else None
