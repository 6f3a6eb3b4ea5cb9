"""Certificates: what a team achieved in a revealed competition, with its rank interval, as a PDF with selectable text.

It says what the board says, no more: a rank is never printed without its 95 % interval, and a tie with the first is named.
"""

import io

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from leaderboard.contests import finals
from leaderboard.models import Competition, Team
from leaderboard.standings import Entry
from zoo.errors import NotFound, Refused

FONT = "HeiseiKakuGo-W5"  # comes with PDF readers and has Japanese; nothing is fetched
INK, QUIET = HexColor("#1b1f24"), HexColor("#57606a")


def write(competition: Competition, team: Team, viewer) -> bytes:
    """The PDF for a team that is on the final board. Only its members and the house get one. Raises NotFound, Refused."""
    board = finals.final(competition, viewer)
    entry = next((row for row in board.entries if row.submission.contest_team_id == team.pk), None)
    if entry is None or entry.rank is None:
        raise NotFound("no_result", "This team has no rank in the final standings.", "See the competition's page.")
    if not team.members.filter(user=viewer.pk).exists():
        raise Refused("not_yours", "A certificate is for the members of its team.", "Ask a member.", status=403)
    out = io.BytesIO()
    page = SimpleDocTemplate(
        out, pagesize=landscape(A4), title=f"{competition.title}: {team.name}", author="Kensa",
        leftMargin=30 * mm, rightMargin=30 * mm, topMargin=28 * mm, bottomMargin=20 * mm,
    )  # fmt: skip
    page.build(_content(competition, team, entry, len(board.ranked), board))
    return out.getvalue()


def _content(competition: Competition, team: Team, entry: Entry, count: int, board) -> list:
    if FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    members = ", ".join(sorted(team.members.values_list("user__username", flat=True)))
    score, metric = entry.score, board.metric
    where = ngettext("of {count} entry", "of {count} entries", count).format(count=count)
    ranks = _("95 % rank interval {low} to {high}").format(low=entry.rank_low, high=entry.rank_high)
    tied = _("These cases cannot tell it from the first.") if entry.tied and entry.rank > 1 else ""
    measured = _("{metric} {value}, 95 % interval {low} to {high}, on {n} private cases of {patients} patients").format(
        metric=metric.title,
        value=score.text,
        low=score.low_text,
        high=score.high_text,
        n=score.n,
        patients=score.patients,
    )
    day = timezone.localdate(competition.revealed, competition.zone)
    house = competition.owner.title or competition.owner.name
    receipt = f"{settings.ADDRESS}/submissions/{entry.submission.pk}/"
    lines = [
        (competition.title, 26, INK, 6),
        (_("Certificate of {house}").format(house=house), 12, QUIET, 16),
        (team.name, 22, INK, 4),
        (members, 12, QUIET, 16),
        (_("Rank {rank} {where}").format(rank=entry.rank, where=where), 20, INK, 2),
        (ranks, 13, INK, 2),
        (tied, 12, INK, 10),
        (measured, 12, INK, 16),
        (
            _("Results of {day}. Receipt, to be verified offline: {address}").format(day=day, address=receipt),
            10,
            QUIET,
            0,
        ),
    ]
    found = []
    for text, size, colour, after in lines:
        style = ParagraphStyle(
            str(size), fontName=FONT, fontSize=size, leading=size * 1.35, textColor=colour, alignment=TA_CENTER
        )
        found += [Paragraph(_escaped(text), style), Spacer(1, after * mm / 2)] if text else []
    return found


def _escaped(text: str) -> str:
    """Names are people's own words: nothing in them is markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
