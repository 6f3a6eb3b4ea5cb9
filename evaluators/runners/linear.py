"""Coefficients of a linear, logistic or Cox model in config.json alone: no file of parameters.

`{"framework": "linear", "link": "cox", "coefficients": {"age": 0.02, "log(size)": 0.5, "grade=3": 0.7, "age*grade": 0.01},
"intercept": 0}`. A term is a column of the table, or made of columns by `log()`, `sqrt()`, `^2`, `=value` and `*`. For several classes
coefficients are an object per class; a list instead of an object takes the columns in their order. `baseline`
`{"times": [...], "survival": [...]}` gives a Cox model survival curves (Breslow: S(t) = S0(t) ^ exp(risk)).
"""

import math
import re
from pathlib import Path

import numpy as np

from evaluators.runners import Runner, heads, refusal
from evaluators.runners import inputs as declared

LINKS = {
    "identity": {"regression": "value", "survival": "risk"},
    "logit": {"classification": "sigmoid"},
    "softmax": {"classification": "softmax"},
    "ordinal": {"classification": "ordinal"},
    "cox": {"survival": "risk"},
}
FACTOR = re.compile(r"(?:(log|sqrt)\((.+)\)|(.+)\^([2-9])|(.+)=(-?[0-9.]+))")
MOST = 100_000


class Linear:
    """The weighted sum of the terms of a row, for each output."""

    device, precision = "cpu", "float64"

    def __init__(self, folder: Path, config: dict, manifest: dict, threads: int):
        self.config, link = config, config.get("link")
        if link not in LINKS or manifest["kind"] not in LINKS[link]:
            suited = [name for name, kinds in LINKS.items() if manifest["kind"] in kinds]
            raise refusal(
                f"`link` is {str(link)[:40]!r}", f"For {manifest['kind']} choose {', '.join(suited) or 'none'}."
            )
        self.head = heads.choose({"head": LINKS[link][manifest["kind"]]}, manifest)
        self.terms, self.weights = _weights(config.get("coefficients"), manifest)
        self.intercept = _numbers(config.get("intercept", 0), len(self.weights), "intercept")
        self.parameters = int(self.weights.size + self.intercept.size)
        names = list(dict.fromkeys(name for term in self.terms or () for name in _columns(term)))
        given = config.get("inputs", {})
        if self.terms and isinstance(given, dict) and "steps" not in given:
            standard = [
                {"step": "standardise"}
                | {key: np.atleast_1d(given[key]).tolist() for key in ("mean", "std") if key in given}
            ]
            given = {
                "kind": "table",
                "steps": [{"step": "pick", "names": names}, *(standard if len(standard[0]) > 1 else [])],
            }
        self.inputs = declared.check(given)
        picked = [step["names"] for step in self.inputs.get("steps", ()) if step["step"] == "pick"]
        self._places = {name: place for place, name in enumerate(picked[-1] if picked else names)}
        self.baseline = _baseline(config.get("baseline"))

    def synthetic(self) -> np.ndarray | None:
        """A row of ones; None where the coefficients do not name their columns."""
        return np.ones(len(self._places), np.float32) if self.terms else None

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """(n, columns) to (n, outputs)."""
        rows = np.asarray(batch, np.float64).reshape(len(batch), -1)
        if self.terms:
            with np.errstate(all="ignore"):
                rows = np.stack([_term(term, rows, self._places) for term in self.terms], axis=1)
        if rows.shape[1] != self.weights.shape[1]:
            raise refusal(f"there are {self.weights.shape[1]} coefficients for {rows.shape[1]} columns")
        return rows @ self.weights.T + self.intercept

    def curves(self, risks: np.ndarray) -> dict[str, np.ndarray]:
        """Survival probabilities at the times of the baseline; empty where there is none."""
        if not self.baseline:
            return {}
        times, survival = self.baseline
        return {"times": times, "survival": survival[None, :] ** np.exp(np.clip(risks, -700, 700))[:, None]}


def _weights(given, manifest: dict) -> tuple[list[str] | None, np.ndarray]:
    """The terms, where they have names, and their weights (outputs, terms)."""
    if isinstance(given, dict) and given and all(isinstance(value, dict) for value in given.values()):
        classes = manifest.get("classes") or []
        if sorted(given) != sorted(classes):
            raise refusal(
                "`coefficients` does not name the classes of the benchmark", f"They are {', '.join(classes)[:300]}."
            )
        terms = list(dict.fromkeys(term for name in classes for term in given[name]))
        return terms, np.stack(
            [_numbers([given[name].get(term, 0) for term in terms], len(terms), "coefficients") for name in classes]
        )
    if isinstance(given, dict) and given:
        return list(given), _numbers(list(given.values()), len(given), "coefficients")[None]
    if isinstance(given, list) and given:
        rows = given if isinstance(given[0], list) else [given]
        return None, np.stack([_numbers(row, len(rows[0]), "coefficients") for row in rows])
    raise refusal(
        "`coefficients` in config.json is missing",
        'Write {"age": 0.02, "size": 0.5}, or a list in the order of the columns.',
    )


def _numbers(values, count: int, name: str) -> np.ndarray:
    values = values if isinstance(values, list) else [values] * count
    if len(values) != count or count > MOST or not all(type(n) in (int, float) and math.isfinite(n) for n in values):
        raise refusal(f"`{name}` in config.json does not hold {count} numbers", "Give one for each term or output.")
    return np.array(values, np.float64)


def _columns(term: str) -> list[str]:
    return [_split(factor)[0] for factor in term.split("*")]


def _split(factor: str) -> tuple[str, str, str]:
    """(column, what is done, with what) of one factor."""
    found = FACTOR.fullmatch(factor.strip())
    if not found:
        return factor.strip(), "", ""
    how, inner, base, power, name, value = found.groups()
    return (inner, how, "") if how else (base, "^", power) if base else (name, "=", value)


def _term(term: str, rows: np.ndarray, places: dict[str, int]) -> np.ndarray:
    product = np.ones(len(rows))
    for factor in term.split("*"):
        name, how, what = _split(factor)
        if name not in places:
            raise refusal(f"the term {term[:60]!r} uses a column that is not picked")
        product = product * _made(rows[:, places[name]], how, what)
    return product


def _made(values: np.ndarray, how: str, what: str) -> np.ndarray:
    if how == "^":
        return values ** int(what)
    if how == "=":
        return (values == float(what)).astype(float)
    return {"": np.asarray, "log": np.log, "sqrt": np.sqrt}[how](values)


def _baseline(given) -> tuple[np.ndarray, np.ndarray] | None:
    if given is None:
        return None
    if not isinstance(given, dict) or set(given) != {"times", "survival"} or not isinstance(given["times"], list):
        raise refusal('`baseline` in config.json is not {"times": [...], "survival": [...]}')
    times = _numbers(given["times"], len(given["times"]), "baseline.times")
    survival = _numbers(given["survival"], len(times), "baseline.survival")
    if (
        (np.diff(times) <= 0).any()
        or (np.diff(survival) > 0).any()
        or survival.min() < 0
        or survival.max() > 1
        or times[0] < 0
    ):
        raise refusal("`baseline` must have rising times and falling survival from 1 to 0")
    return times, survival


RUNNER = Runner("linear", Linear)
