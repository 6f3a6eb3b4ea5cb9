"""Certificates: what a team achieved in a revealed competition, with its rank interval, as a PDF with selectable text.

It says what the board says, no more: a rank is never printed without its 95 % interval, and a tie with the first is named.
One page, however long the names are.
"""

import functools
import io
import itertools
import unicodedata

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import KeepInFrame, Paragraph, SimpleDocTemplate, Spacer

from leaderboard.contests import finals
from leaderboard.models import Competition, Team
from leaderboard.standings import Entry
from zoo.errors import NotFound, Refused

LATIN = "Vera"  # comes with reportlab and is embedded: it looks the same everywhere
# The rest come with PDF readers and are named alone; nothing is fetched. Each with the characters that it has.
EASTERN = {"HeiseiKakuGo-W5": "cp932", "HYGothic-Medium": "cp949", "STSong-Light": "gb2312"}
INK, QUIET, ACCENT = HexColor("#1b1f24"), HexColor("#57606a"), HexColor("#0b5cad")
MARGIN, WIDE, HIGH = 30 * mm, 237 * mm, 150 * mm


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
        out, pagesize=landscape(A4), title=f"{competition.title}: {team.name}", author="Kensa", lang=get_language() or "en",
        leftMargin=MARGIN, rightMargin=MARGIN, topMargin=32 * mm, bottomMargin=22 * mm,
    )  # fmt: skip
    content = _content(competition, team, entry, len(board.ranked), board)
    room = HIGH - sum(part.wrap(WIDE, HIGH)[1] for part in content)
    content.insert(0, Spacer(1, max(0, 0.45 * room)))
    page.build([KeepInFrame(WIDE, HIGH, content, mode="shrink")], onFirstPage=_frame)
    return out.getvalue()


def _frame(canvas, page) -> None:
    """A hairline around the page, and the mark of the site: a point with its interval."""
    wide, high = page.pagesize
    canvas.setStrokeColor(QUIET)
    canvas.setLineWidth(0.5)
    canvas.rect(12 * mm, 12 * mm, wide - 24 * mm, high - 24 * mm)
    middle, y = wide / 2, high - 24 * mm
    canvas.setStrokeColor(ACCENT)
    canvas.setFillColor(ACCENT)
    canvas.setLineWidth(1.2)
    canvas.line(middle - 9 * mm, y, middle + 9 * mm, y)
    for x in (middle - 9 * mm, middle + 9 * mm):
        canvas.line(x, y - 2 * mm, x, y + 2 * mm)
    canvas.circle(middle + 1.5 * mm, y, 1.7 * mm, stroke=0, fill=1)


def _content(competition: Competition, team: Team, entry: Entry, count: int, board) -> list:
    members = ", ".join(sorted(team.members.values_list("user__username", flat=True)))
    score, metric = entry.score, board.metric
    where = ngettext("of {count} entry", "of {count} entries", count).format(count=count)
    ranks = _("95 % rank interval {low} to {high}").format(low=entry.rank_low, high=entry.rank_high)
    tied = ""
    if entry.tied and sum(row.tied for row in board.ranked) > 1:
        tied = (
            _("These cases cannot tell it from the first.")
            if entry.rank > 1
            else _("These cases cannot tell it from the next.")
        )
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
        eastern = sum(map(_wide, text)) > len(text) / 2  # written without spaces, so a line ends anywhere
        style = ParagraphStyle(
            str(size), fontName=LATIN, fontSize=size, leading=size * 1.4, textColor=colour, alignment=TA_CENTER,
            wordWrap="CJK" if eastern else None,
        )  # fmt: skip
        found += [Paragraph(_set(text), style), Spacer(1, after * mm / 2)] if text else []
    return found


def _wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"


def _set(text: str) -> str:
    """The text with a font for each stretch of it. Names are people's own words: nothing in them is markup."""
    parts = []
    for font, letters in itertools.groupby(map(_letter, text), key=lambda one: one[0]):
        said = "".join(letter for _font, letter in letters)
        said = said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        parts.append(said if font == LATIN else f'<font name="{font}">{said}</font>')
    return "".join(parts)


def _letter(character: str) -> tuple[str, str]:
    """(font, character): what no font has is written by its base letter, else by a question mark."""
    glyphs = _fonts()
    for one in (character, unicodedata.normalize("NFKD", character)[0]):
        if ord(one) in glyphs:
            return LATIN, one
        for font, encoding in EASTERN.items():
            if one.encode(encoding, "ignore"):
                return font, one
    return LATIN, "" if unicodedata.category(character)[0] in "MC" else "?"


@functools.cache
def _fonts() -> frozenset[int]:
    """Make the fonts known; the characters of the Latin one."""
    latin = TTFont(LATIN, "Vera.ttf")
    pdfmetrics.registerFont(latin)
    for font in EASTERN:
        pdfmetrics.registerFont(UnicodeCIDFont(font))
    return frozenset(latin.face.charToGlyph)
