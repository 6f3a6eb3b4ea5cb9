"""The board in a few sentences, generated: who is tied, what these cases can tell apart, what to be careful about."""

from django.utils.translation import gettext, ngettext

from evaluators import statistics
from leaderboard.rounding import FEW, text

WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def count_word(count: int) -> str:
    """A count as running text writes it: words to ten, figures beyond."""
    return gettext(WORDS[count]) if count < len(WORDS) else f"{count:,}"


def sentences(board) -> list[str]:
    """Two or three sentences about a Board, in the reader's language; each ends with a full stop."""
    ranked = board.ranked
    said = [_first(board, ranked)]
    if board.patients < 2:
        said.append(gettext("All cases come from one patient: no interval can be given, and nothing is ranked."))
    elif board.resolvable_text:
        said.append(_resolution(board, ranked))
    elif len(ranked) > 1 and board.critical is not None and not board.updating:
        said.append(
            gettext(
                "The leading entries differ in no resample: these cases are too few, or too easy, to tell them apart."
            )
        )
    if 2 <= board.patients < FEW:
        said.append(gettext("The intervals rest on %(n)d patients, which is few.") % {"n": board.patients})
    elif ranked:
        said += _careful(board, ranked[0].scores[board.metric.name].reason)
    broken = sum(entry.safety == "broken" for entry in board.entries)
    if broken:
        said.append(
            ngettext(
                "%(n)s entry breaks a safety constraint and ranks below the others.",
                "%(n)s entries break a safety constraint and rank below the others.",
                broken,
            )
            % {"n": count_word(broken).capitalize()}
        )
    unranked = sum(entry.rank is None and bool(entry.reason) for entry in board.entries)
    if unranked and board.patients >= 2:
        said.append(
            ngettext("%(n)s entry is not ranked.", "%(n)s entries are not ranked.", unranked)
            % {"n": count_word(unranked).capitalize()}
        )
    return said


def _careful(board, reason: str) -> list[str]:
    """What the number of cases does not allow, though there are patients enough: the same for every entry."""
    if reason == statistics.RARE:
        return [gettext("The rarest class has fewer than 15 patients: the intervals may be too narrow.")]
    if reason == statistics.EVENTS:
        return [gettext("Fewer than 15 patients had an event, or had none: the intervals may be too narrow.")]
    if board.metric.per_case and board.patients < statistics.SEEN:
        return [
            gettext("A failure rarer than one case in %(n)d may be missing among these.") % {"n": board.patients // 3}
        ]
    return []


def _first(board, ranked) -> str:
    if not board.entries and any(row.kind == "reader" for row in board.quiet):
        return gettext("Nobody has handed in an answer yet; the rows below are human readers.")
    if not board.entries:
        return gettext("Nothing has been measured on this benchmark yet.")
    if not ranked:
        return gettext("No entry is ranked.")
    if any(entry.provisional for entry in ranked):
        return gettext("The order is by value alone: which differences are significant is being computed.")
    tied = [entry for entry in ranked if entry.tied]
    if len(tied) > 1:
        return gettext("%(n)s entries are tied for first.") % {"n": count_word(len(tied)).capitalize()}
    if len(ranked) == 1:
        return gettext("%(name)s is the only ranked entry.") % {"name": ranked[0].name}
    sound = [entry for entry in ranked if entry.safety != "broken"]
    if not sound:
        return gettext("Every ranked entry breaks a safety constraint; none leads.")
    if len(sound) == 1:
        return gettext("%(name)s is the only ranked entry that breaks no safety constraint.") % {"name": sound[0].name}
    return gettext("%(name)s leads; every other entry is significantly below it.") % {"name": ranked[0].name}


def _resolution(board, ranked) -> str:
    symbol = board.metric.unit or board.metric.symbol
    said = gettext("These %(n)s cases cannot tell apart two entries that differ by less than %(least)s %(unit)s") % {
        "n": f"{board.n:,}",
        "least": board.resolvable_text,
        "unit": symbol,
    }
    tied = [entry.scores[board.metric.name].value for entry in ranked if entry.tied]
    if len(tied) > 1:
        said += gettext(", and those differ by %(spread)s") % {"spread": text(max(tied) - min(tied), board.step)}
    return said + "."
