"""The part of a board page that its entries make, kept under a stamp of all it depends on: ready at once where nothing changed.

What is kept is one viewer's, or that of everyone who is not signed in; and for a minute at most.
"""

import datetime
import logging
import zlib
from dataclasses import asdict, dataclass

from django.core.cache import cache
from django.db import DatabaseError
from django.template.loader import render_to_string
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext_lazy

from evaluators.models import Run
from leaderboard import computations, costs, entries, robustness, schemes, stamps, standings, subgroups
from leaderboard.views import boards

log = logging.getLogger(__name__)
EVIDENCE = tuple(Run.Kind.values)
SCHEMES = {
    "mean_then_rank": gettext_lazy("average, then rank"),
    "rank_then_mean": gettext_lazy("rank, then average"),
    "test_then_rank": gettext_lazy("by tests won"),
}


@dataclass(frozen=True)
class Choice:
    """What the address asks to see."""

    version: str = ""
    metric: str = ""
    subset: str = ""
    rows: str = ""  # all: also each team's other entries
    show: str = ""  # all: not the first rows alone
    e: tuple[str, ...] = ()  # kinds of evidence
    team: str = ""
    training: str = ""
    day: datetime.date | None = None
    scheme: str = ""  # by which the table of ranking schemes is sorted

    @property
    def measured(self) -> list[str]:
        return [kind for kind in EVIDENCE if kind in self.e]

    @property
    def claims(self) -> bool:
        return not self.e or "claimed" in self.e

    def query(self, **changed) -> str:
        """The address with these choices changed; `show` is not kept."""
        kept = asdict(self) | {"show": "", "e": list(self.e)} | changed
        return boards.query(**kept)


def choice(request) -> Choice:
    """Raises NotFound for a day that is none."""
    texts = {
        name: request.GET.get(name, "")[:200]
        for name in ("version", "metric", "subset", "rows", "show", "team", "training")
    }
    day = entries.day_of(request.GET.get("day", ""))
    return Choice(e=tuple(sorted(request.GET.getlist("e")))[:9], day=day, **texts)


def part(request, board: standings.Board, wanted: Choice, more: dict) -> dict:
    """{"standings": HTML, "resolvable_text", "ranked", "any"} for this viewer. `board`: its head."""
    viewer = request.user.pk or 0
    key = "board:" + computations.digest(
        stamps.of(board.benchmark), viewer, board.exact, board.finer, str(asdict(wanted)), get_language()
    )
    kept = cache.get(key)
    if kept is None:
        kept = _make(request, board, wanted, more)
        try:
            cache.set(key, kept, stamps.MINUTE)
        except DatabaseError:
            log.warning("a board could not be kept", exc_info=True)
    return kept | {"standings": mark_safe(zlib.decompress(kept["standings"]).decode())}  # noqa: S308  our own template's


def _make(request, head: standings.Board, wanted: Choice, more: dict) -> dict:
    board = standings.table(
        head.benchmark, request.user, metric=head.metric.name, subset=head.subset, evidence=wanted.measured or None,
        all_entries=wanted.rows == "all", team=wanted.team, training=wanted.training, day=wanted.day, whole=False,
    )  # fmt: skip
    robust = robustness.of_board(board, request.user)
    difference_axis, differences = boards.differences(board)
    layout = boards.layout(board, wanted.claims, None if wanted.show == "all" else boards.ROWS)
    context = more | {
        "board": board,
        "layout": layout,
        "choice": wanted,
        "show_all": wanted.query(show="all"),
        "shown": wanted.measured or EVIDENCE,
        "claims_shown": wanted.claims,
        "everything": wanted.rows == "all",
        "modalities": sorted(
            {name for entry in board.entries for name in entries.learnt_from(entry)} | {wanted.training} - {""}
        ),
        "tabs": [(metric, wanted.query(metric=metric.name)) for metric in board.metrics],
        "stability": boards.stability(board),
        "readers": [row for row in board.quiet if row.kind == "reader" and row.finer],
        "difference_axis": difference_axis,
        "differences": differences,
        "costs": [(entry, cost, robust.get(entry.submission.pk)) for entry, cost in costs.of_board(board)],
        "robust": bool(robust),
    }
    ranked = schemes.of(board, wanted.scheme)
    context |= {
        "subgroups": subgroups.of(board),
        "schemes": ranked,
        "scheme_tabs": [(name, SCHEMES[name], wanted.query(scheme=name)) for name in schemes.NAMES],
        "taus": [(SCHEMES[a], SCHEMES[b], tau) for a, b, tau in (ranked.taus if ranked else [])],
    }
    html = render_to_string("leaderboard/standings.html", context, request=request)
    return {
        "standings": zlib.compress(html.encode(), 1), "resolvable_text": board.resolvable_text, "ranked": layout.ranked,
        "any": bool(board.entries),
    }  # fmt: skip
