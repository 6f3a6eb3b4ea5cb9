"""Filters and tags for every template (a builtin library): numbers, sizes, dates, evidence, the score cell.

Minus is U+2212 and thousands are grouped with a comma, on every page and in every language.
"""

import datetime as dt
import math
import re

from django import template
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.formats import get_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext, gettext_lazy, ngettext

from zoo import cards

register = template.Library()

MINUS = "\u2212"
PREFIXES = ("", "k", "M", "G", "T", "P")
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
EVIDENCE = {
    "weights": gettext_lazy("weights"),
    "predictions": gettext_lazy("predictions"),
    "claimed": gettext_lazy("claimed"),
    "reader": gettext_lazy("reader"),
    "null": gettext_lazy("trivial"),
}


@register.filter
def number(value, decimals=None) -> str:
    """1234567 -> "1,234,567"; -0.5|number:2 -> "−0.50"; None and NaN -> "" (say elsewhere why it is missing)."""
    if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if decimals is None:
        text = f"{value:,}" if isinstance(value, int) else f"{float(value):,.6g}"
    else:
        text = f"{float(value):,.{int(decimals)}f}"
    if text.startswith("-") and not any(digit in text for digit in "123456789"):
        text = text[1:]  # a rounded nothing has no sign
    return text.replace("-", MINUS)


@register.filter
def minus(text) -> str:
    """A number that is text already, with U+2212 in place of the hyphen: "-0.10" -> "−0.10"."""
    return str(text).replace("-", MINUS)


@register.filter
def filesize(size) -> str:
    """Bytes in decimal units with three digits: 999 -> "999 bytes", 12345678 -> "12.3 MB"."""
    if size is None or size == "":
        return ""
    size = float(size)
    power = 0
    while size >= 999.5 and power < len(UNITS) - 1:
        size /= 1000
        power += 1
    if power == 0:
        return ngettext("%(size)d byte", "%(size)d bytes", int(size)) % {"size": size}
    digits = 0 if size >= 99.95 else 1 if size >= 9.995 else 2
    text = f"{size:.{digits}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {UNITS[power]}"


@register.filter
def amount(value) -> str:
    """A large count with its prefix, two or three digits: 11000000 -> "11 M", 1800000000 -> "1.8 G"."""
    if value is None or value == "":
        return ""
    value, power = float(value), 0
    while value >= 999.5 and power < len(PREFIXES) - 1:
        value /= 1000
        power += 1
    return f"{value:.3g} {PREFIXES[power]}".rstrip()


@register.filter
def seconds(value) -> str:
    """A short time with two digits: 0.0123 -> "12 ms", 0.523 -> "520 ms", 1.4 -> "1.4 s"."""
    if value is None or value == "":
        return ""
    value = float(value)
    number, unit = (value, "s") if value >= 1 else (1000 * value, "ms") if value >= 0.001 else (1e6 * value, "µs")
    return f"{float(f'{number:.2g}'):g} {unit}"


def _local(moment):
    if isinstance(moment, str):
        moment = dt.datetime.fromisoformat(moment)
    if isinstance(moment, dt.datetime) and timezone.is_aware(moment):
        moment = timezone.localtime(moment)
    return moment


def _day_format() -> str:
    wanted = get_format("DATE_FORMAT")
    return "j M Y" if wanted == "N j, Y" else wanted


@register.filter
def day(moment) -> str:
    """`<time>` with the day in the server's time zone: "18 Nov 2026"."""
    if not moment:
        return ""
    moment = _local(moment)
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), format_date(moment, _day_format()))


@register.filter
def moment(value) -> str:
    """`<time>` with day, minute and time zone: "18 Nov 2026, 14:02 UTC"."""
    if not value:
        return ""
    value = _local(value)
    text = f"{format_date(value, _day_format())}, {format_date(value, 'H:i')} {format_date(value, 'T')}"
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), text)


@register.filter
def clock(value) -> str:
    """`<time>` with the second alone: "14:02:11"; the whole moment in the title."""
    if not value:
        return ""
    value = _local(value)
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), format_date(value, "H:i:s"))


@register.filter
def ago(value) -> str:
    """`<time>` as people say it: "12 min ago"; after a week the day itself. The title gives day, minute and time zone."""
    if not value:
        return ""
    value = _local(value)
    seconds = max(0, (timezone.now() - value).total_seconds())
    if seconds < 60:
        text = gettext("just now")
    elif seconds < 3600:
        text = gettext("%(n)d min ago") % {"n": seconds // 60}
    elif seconds < 86400:
        text = gettext("%(n)d h ago") % {"n": seconds // 3600}
    elif seconds < 7 * 86400:
        days = int(seconds // 86400)
        text = gettext("yesterday") if days == 1 else gettext("%(n)d days ago") % {"n": days}
    else:
        text = format_date(value, _day_format())
    title = f"{format_date(value, _day_format())}, {format_date(value, 'H:i T')}"
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), title, text)


@register.filter
def duration(seconds) -> str:
    """A coarse wait: 25 -> "1 min", 150 -> "2 min", 9000 -> "2 h 30 min"."""
    if seconds is None or seconds == "":
        return ""
    seconds = float(seconds)
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return gettext("%(n)d min") % {"n": minutes}
    hours, minutes = divmod(5 * round(minutes / 5), 60)
    return gettext("%(h)d h %(m)d min") % {"h": hours, "m": minutes} if minutes else gettext("%(h)d h") % {"h": hours}


@register.filter
def ordered(things) -> list:
    """A set in a fixed order."""
    return sorted(things)


@register.filter
def at(mapping, key):
    """The value of a mapping under a key that is a variable; None where it has none."""
    return (mapping or {}).get(key)


@register.filter
def part(thing, name):
    """The attribute of a thing whose name is a variable; None where it has none, and for names that are not public."""
    return None if str(name).startswith("_") else getattr(thing, str(name), None)


@register.filter
def short(oid) -> str:
    """The first seven characters of a revision or digest."""
    return str(oid or "")[:7]


@register.filter
def evidence_word(kind) -> str:
    return EVIDENCE.get(kind, kind)


@register.filter
def direction(metric) -> str:
    """Which way a metric is good, in words."""
    if metric.direction == "target":
        return gettext("best at %(value)s") % {"value": number(metric.best)}
    return gettext("higher is better") if metric.direction == "higher" else gettext("lower is better")


@register.filter
def bound(value) -> str:
    """An end of a range: "−1", "∞"."""
    if value is None or math.isinf(value):
        return MINUS + "∞" if value is not None and value < 0 else "∞"
    return number(float(value))


@register.filter
def marked(fault) -> str:
    """The participant's own text of a fault, its field marked where the column names one, else all of it."""
    text, column = str(fault.get("text") or ""), fault.get("column")
    separator = next((mark for mark in ("\t", ";", ",") if mark in text), None)
    if separator and isinstance(column, int) and '"' not in text and 1 <= column <= text.count(separator) + 1:
        fields = text.split(separator)
        before, after = separator.join([*fields[: column - 1], ""]), separator.join(["", *fields[column:]])
        return format_html("{}<mark>{}</mark>{}", before, fields[column - 1] or "\u23b5", after)
    return format_html("<mark>{}</mark>", text)


@register.filter
def subset(name) -> str:
    """A subset of the cases as people write it: "sex=f" -> "sex: f"."""
    column, equals, value = str(name).partition("=")
    return f"{column}: {value}" if equals else column


@register.filter
def ticked(text) -> str:
    """Our own prose, in which `names` between backticks are code."""
    parts = re.split(r"`([^`]+)`", str(text))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if index % 2 else part,) for index, part in enumerate(parts))
    )


@register.filter
def markdown(text) -> str:
    """What people write, as clean HTML: see cards.render."""
    return mark_safe(cards.render(str(text or "")))


@register.filter
def is_web(address) -> bool:
    """Whether an address that somebody wrote may become a link: http and https only, never javascript:."""
    return str(address or "").lower().startswith(("https://", "http://"))


@register.inclusion_tag("includes/evidence.html")
def evidence(kind, public=False, note="", word=""):
    """The badge: shape and word; `public` adds "inputs public" (a network run on public inputs can be a lookup table)."""
    kind = kind if kind in EVIDENCE else "null"
    return {"kind": kind, "word": word or EVIDENCE[kind], "public": public and kind == "weights", "note": note}


@register.inclusion_tag("includes/score_cell.html")
def score_cell(cell, href="", label="", grid="fx"):
    """Inside of a `td.score`: plot, value and interval as one thing.

    `cell` has kind, text, low_text, high_text, reason, few and the drawn places at, low, high (per cent or None),
    clipped_low, clipped_high (see leaderboard.forest.Cell); `label` is what the link says to those who hear it.
    """
    return {"cell": cell, "href": href, "label": label, "grid": grid}


@register.inclusion_tag("includes/axis.html")
def axis(axis):
    """The ticks in the head of a score column; `axis.ticks` have `at` (per cent) and `text`, `axis.band` or None."""
    return {"axis": axis}
