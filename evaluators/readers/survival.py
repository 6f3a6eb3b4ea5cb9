"""Survival: a risk per case (higher is worse), or the probability of surviving beyond stated times, or both."""

import math

import numpy as np

from evaluators.faults import Findings, quote
from evaluators.readers import _rows
from evaluators.readers._rows import CASE, Column
from evaluators.readers.classification import write
from evaluators.readers.registry import Kind, register
from evaluators.readers.regression import finite

RISK, TIME, EVENT = "risk", "time", "event"
RISE = 1e-6  # by which a survival curve may rise, for rounding


def columns(manifest: dict) -> list[str]:
    return [TIME, EVENT]


def reference(manifest: dict, given: dict[str, list[str]], report) -> dict[str, np.ndarray]:
    """`{"time": (n,) > 0, "event": (n,) 0 censored, 1 seen}`."""
    time = finite(given, TIME, report)
    for row in np.flatnonzero(time <= 0):
        report(
            row,
            TIME,
            f"the time {quote(given[TIME][row])} is not above 0",
            "Follow-up begins after 0; leave such cases out.",
        )
    event = np.zeros(len(given[EVENT]), np.int64)
    for row, text in enumerate(given[EVENT]):
        if text not in ("0", "1"):
            hint = "Write 1 where the event was seen, 0 where the case was censored."
            report(row, EVENT, f"{quote(text)} is neither 0 nor 1", hint)
        event[row] = text == "1"
    if len(event) and not event.any():
        report(None, EVENT, "no case has an event", "Nothing can be measured without one; are 0 and 1 swapped?")
    return {"time": time, "event": event}


def _times(header: list[str], found: Findings) -> list[tuple[float, str]]:
    """The columns `t=<time>`, in the order of their times."""
    times: dict[float, str] = {}
    for number, name in enumerate(header, 1):
        if not name.startswith("t="):
            continue
        try:
            time = float(name[2:]) if "_" not in name else math.nan
        except ValueError:
            time = math.nan
        place = {"line": 1, "column": number, "name": name, "text": ",".join(header)}
        if not (math.isfinite(time) and time >= 0):
            found.add(
                f"the column {quote(name)} names no time", "Write t= and a number from 0 on, such as t=365.", **place
            )
        elif time in times:
            found.add(f"the time of {quote(name)} is there twice", f"It is {quote(times[time])} already.", **place)
        else:
            times[time] = name
    return sorted(times.items())


def _values(manifest, ids, path, found: Findings, *, native: bool, keep: bool) -> dict[str, np.ndarray] | None:
    table = _rows.open_table(path, found, native)
    if table is None:
        return None
    times = _times(table.header, found)
    names = [name for _, name in times]
    hint = f"The columns are {CASE}, {RISK}, and optionally t=<time> with survival probabilities."
    known = [CASE, RISK, *(name for name in table.header if name.startswith("t="))]
    _rows.header_faults(table.header, known, [CASE] if names else [CASE, RISK], found, hint)
    wanted = [Column(RISK, "a risk")] if RISK in table.header else []
    wanted += [Column(name, "a survival probability", 0, 1) for name in names]
    values = np.zeros((len(ids), len(wanted))) if keep else None
    for numbers, rows, block, places in _rows.rows(table, ids, found, wanted):
        _rising(rows[:, len(wanted) - len(names) :], names, block, places, table.header, found)
        if keep:
            values[numbers] = rows
    if not keep:
        return None
    answer = {"risk": values[:, 0]} if RISK in table.header else {}
    if names:
        answer |= {"times": np.array([time for time, _ in times]), "survival": values[:, len(wanted) - len(names) :]}
    return answer


def _rising(curves: np.ndarray, names: list[str], block, places, header: list[str], found: Findings) -> None:
    if curves.shape[1] < 2:
        return
    rises = np.diff(curves, axis=1) > RISE
    for row in found.each(np.flatnonzero(rises.any(axis=1))):
        step = int(np.argmax(rises[row]))
        message = f"the survival probability rises from {quote(names[step])} to {quote(names[step + 1])}"
        place = block.place(places[row], header.index(names[step + 1]), header)
        found.add(message, "Give the probability of being alive beyond each time; it never rises.", **place)


def check(manifest: dict, ids: list[str], path, found: Findings) -> None:
    _values(manifest, ids, path, found, native=False, keep=False)


def read(manifest: dict, ids: list[str], path, folder, found: Findings) -> dict[str, np.ndarray]:
    """`{"risk": (n,)}` and/or `{"times": (t,) rising, "survival": (n, t)}`."""
    return _values(manifest, ids, path, found, native=True, keep=True)


def sample(manifest: dict, cases, out) -> str:
    """Every case with risk 0."""
    return write(out, [CASE, RISK], ([name, 0] for name in cases.ids))


register(Kind("survival", 0, columns, reference, check, read, sample))
