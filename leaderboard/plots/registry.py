"""The registry of plots: one file each, whose decorated function turns data that a viewer may see into a Figure.

A plot says what it is made of, and access.detail decides from that who gets it: whole, coarse or not at all. A Figure is
plain JSON for plotly, a table with the same numbers, and words; colours are names of the stylesheet's variables.
"""

import html
import importlib
import math
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

PLOTS: dict[str, "Plot"] = {}
SERIES = ("--p1", "--p2", "--p3", "--p4", "--p5", "--p6")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
LONGEST = 32  # letters of a name in a plot; the table has it whole


@dataclass(frozen=True)
class Plot:
    """A plot and the facts about it that access, pages, the API and the tests derive from."""

    name: str
    title: object  # lazy text
    about: str  # "board": draws a standings.Board; "entry": draws a material.Material
    made_of: str  # access.RELEASED | FINER | CURVES
    kinds: tuple[str, ...]  # of benchmark; empty: all
    draw: Callable
    order: int = 0

    do_not_call_in_templates = True


@dataclass
class Figure:
    """One plot of one thing. `lead` is its first line: what it shows."""

    lead: str
    note: str  # metric, units, n, how intervals are made
    alt: str  # what a reader who cannot see it needs
    header: list[str]
    rows: list[list]
    data: list[dict]
    layout: dict = field(default_factory=dict)
    plot: Plot | None = None

    def as_dict(self) -> dict:
        """JSON without NaN or infinity, numbers with the digits that a screen shows; the table is in the CSV, whole."""
        return {
            "name": self.plot.name, "title": str(self.plot.title), "made_of": self.plot.made_of, "lead": self.lead,
            "note": self.note, "alt": self.alt, "data": _plain(self.data), "layout": _plain(self.layout),
        }  # fmt: skip


def plot(*, title, about: str, made_of: str, kinds: tuple[str, ...] = (), order: int = 50):
    """Register a function under its own name. It gives a Figure, or None where there is nothing to draw."""

    def register(draw):
        PLOTS[draw.__name__] = Plot(draw.__name__, title, about, made_of, kinds, draw, order)
        return draw

    return register


def load(package: str) -> None:
    """Import every module of a folder, so that a plot is one new file and no edit elsewhere."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        importlib.import_module(f"{package}.{module.name}")


def colour(number: int) -> str:
    return SERIES[number % len(SERIES)]


def dash(number: int) -> str:
    return DASHES[number % len(DASHES)]


def label(text) -> str:
    """A name as plotly draws it: never its markup, and cut where it is long."""
    text = str(text)
    return html.escape(text if len(text) <= LONGEST else text[: LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}", quote=False)


def of_time(manifest: dict) -> str:
    """The head of an axis or column of survival times, with their unit where the package states it."""
    unit = manifest.get("time_unit", "")
    return _("Time") + (f", {unit}" if unit else "")


def axis(title: str, **more) -> dict:
    return {"title": {"text": html.escape(title, quote=False)}} | more


def band(x, low, high, number: int, group: str) -> list[dict]:
    """Two traces that shade from `low` to `high`; no legend of their own."""
    shared = {"mode": "lines", "line": {"width": 0, "color": colour(number)}, "hoverinfo": "skip", "showlegend": False,
              "legendgroup": group}  # fmt: skip
    return [
        shared | {"x": x, "y": low},
        shared | {"x": x, "y": high, "fill": "tonexty", "fillcolor": f"{colour(number)}/0.15"},
    ]


def interval_text(value, low, high, digits: int = 2) -> str:
    return f"{value:.{digits}f} ({low:.{digits}f}\N{EN DASH}{high:.{digits}f})"


def positive_classes(names: list[str]) -> str:
    return (
        _("Class “%(name)s” against the rest.") % {"name": names[0]}
        if len(names) == 1
        else _("Each class against the rest.")
    )


def _plain(content):
    """JSON types with four significant digits; NaN and infinity become null."""
    if isinstance(content, dict):
        return {key: _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    if hasattr(content, "tolist"):
        return _plain(content.tolist())
    if isinstance(content, bool) or content is None or isinstance(content, int | str):
        return content
    if isinstance(content, float):
        return float(f"{content:.4g}") if math.isfinite(content) else None
    return str(content)
