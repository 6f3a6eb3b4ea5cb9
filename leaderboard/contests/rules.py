"""The rules of a competition as plain data: what YAML, the form and REST hand in, checked whole, and what export writes.

Dates are ISO 8601; without an offset they are meant in the competition's time zone.
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

import yaml
from django.core.exceptions import ValidationError
from django.utils import timezone

from evaluators.faults import Fault, Faults
from leaderboard.models import Competition, Phase
from zoo.models import validate_name

TEXTS = {"title": 300, "description": 20_000, "terms": 50_000, "prize": 2_000}
WHOLE = {"team_size": (1, 1000), "concurrent": (1, 1000), "selections": (1, 100)}
CHOICES = {"entry": Competition.Entry, "external_data": Competition.Data}
FLAGS = ("private", "ladder")
TIMES = ("merge_until", "reveals")
FIELDS = ("slug", "time_zone", "domains", "takes", "phases", *TEXTS, *WHOLE, *CHOICES, *FLAGS, *TIMES)
KINDS = ("predictions", "weights")
MOST_PHASES = 20


def described(competition: Competition) -> dict:
    """The rules as `clean` takes them: times with their offset, in the competition's zone."""
    plain = {name: getattr(competition, name) for name in FIELDS if name not in ("phases", *TIMES)}
    zone = competition.zone
    return (
        plain
        | {name: _written(getattr(competition, name), zone) for name in TIMES}
        | {"phases": [_phase_described(phase, zone) for phase in competition.phases.all()]}
    )


def read(text: str) -> dict:
    """The rules in a YAML text, as `clean` takes them. Raises Faults."""
    try:
        text = text[:200_000]
        aliased = any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text))
        fields = None if aliased else yaml.safe_load(text)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = {"line": place.line + 1, "column": place.column + 1} if place else {}
        raise Faults([Fault("this is no YAML", "Mind the indentation and the colons.", **where)]) from None
    if not isinstance(fields, dict) or not all(isinstance(name, str) for name in fields):
        raise Faults(
            [Fault("the rules are no list of fields", "Write one field a line, such as title: ..., and no aliases.")]
        )
    return fields


def _phase_described(phase: Phase, zone: ZoneInfo) -> dict:
    return {
        "name": phase.name, "kind": phase.kind, "gate": phase.gate, "starts": _written(phase.starts, zone),
        "ends": _written(phase.ends, zone), "per_day": phase.per_day, "in_total": phase.in_total,
    }  # fmt: skip


def _written(moment: datetime | None, zone: ZoneInfo) -> str | None:
    return moment.astimezone(zone).isoformat(timespec="minutes") if moment else None


class _Findings:
    def __init__(self):
        self.faults: list[Fault] = []

    def add(self, message: str, hint: str = "") -> None:
        self.faults.append(Fault(message, hint))


def clean(fields: dict) -> tuple[dict, list[dict]]:
    """(values of the columns of Competition, values of the columns of each Phase). Raises Faults with every fault."""
    found = _Findings()
    for name in fields:
        if name not in FIELDS:
            found.add(f"a competition has no field {name}", f"It has {', '.join(FIELDS)}.")
    values = {"slug": _slug(fields.get("slug"), found)} | _texts(fields, found) | _numbers(fields, found)
    zone = _zone(fields.get("time_zone") or "UTC", found)
    values["time_zone"] = str(zone)
    for name in TIMES:
        values[name] = _moment(fields.get(name), zone, name, found)
    values["domains"] = _domains(fields.get("domains"), found)
    if values["entry"] == Competition.Entry.DOMAIN and not values["domains"]:
        found.add("domains is empty", "Name the e-mail domains that may enter, such as hospital.example.")
    takes = fields.get("takes") or ["predictions"]
    values["takes"] = [kind for kind in KINDS if kind in takes]
    if not isinstance(takes, list) or set(takes) - set(KINDS):
        found.add("takes holds something else than predictions and weights", "Write takes: [predictions].")
    planned = _phases(fields.get("phases") or [], zone, found)
    if found.faults:
        raise Faults(found.faults)
    return values, planned


def _slug(value, found: _Findings) -> str:
    text = str(value or "").strip().lower()
    try:
        validate_name(text)
    except ValidationError:
        found.add("the slug cannot be an address", "Use letters, digits and hyphens: pneumonia-2026.")
    if text == "new":
        found.add("the slug 'new' is the address of another page", "Choose another slug.")
    return text


def _texts(fields: dict, found: _Findings) -> dict:
    values = {}
    for name, longest in TEXTS.items():
        values[name] = text = str(fields.get(name) or "").replace("\0", "").strip()
        if len(text) > longest:
            found.add(f"{name} has {len(text):,} letters", f"At most {longest:,} fit.")
    if not values["title"]:
        found.add("title is missing", "Say what the contest is about.")
    return values


def _numbers(fields: dict, found: _Findings) -> dict:
    values = {}
    for name, (low, high) in WHOLE.items():
        default = Competition._meta.get_field(name).default
        values[name] = _whole(fields.get(name), name, low, high, default, found)
    for name, choices in CHOICES.items():
        given = fields.get(name) or Competition._meta.get_field(name).default
        if given not in choices.values:
            found.add(f"{name} is {str(given)[:40]!r}", f"Choose one of {', '.join(choices.values)}.")
        values[name] = given
    for name in FLAGS:
        values[name] = fields.get(name) in (True, "true", "yes", "on", "1", 1)
    return values


def _whole(value, name: str, low: int, high: int, default: int, found: _Findings) -> int:
    if value is None or value == "":
        return default
    text = str(value)
    if isinstance(value, bool) or not text.isascii() or not text.isdecimal() or not low <= int(text[:12]) <= high:
        found.add(f"{name} is {text[:20]!r}", f"Write a whole number from {low} to {high:,}.")
        return default
    return int(text)


def _zone(name, found: _Findings) -> ZoneInfo:
    if str(name) in available_timezones():
        return ZoneInfo(str(name))
    found.add(f"there is no time zone {str(name)[:40]!r}", "Write it as Asia/Tokyo or Europe/Berlin.")
    return ZoneInfo("UTC")


def _moment(value, zone: ZoneInfo, name: str, found: _Findings) -> datetime | None:
    if value in (None, ""):
        return None
    try:
        plain = isinstance(value, datetime | date)
        moment = datetime.fromisoformat(value.isoformat() if plain else str(value).strip())
        moment = timezone.make_aware(moment, zone) if timezone.is_naive(moment) else moment
        return moment.astimezone(ZoneInfo("UTC"))
    except (ValueError, OverflowError):
        found.add(f"{name} is no date", "Write it as 2026-11-30 18:00.")
        return None


def _domains(value, found: _Findings) -> list[str]:
    items = value if isinstance(value, list) else str(value or "").replace(",", " ").split()
    domains = [str(item).strip().lower().lstrip("@") for item in items]
    if any("." not in item or "@" in item or len(item) > 200 for item in domains):
        found.add("domains holds something that is no domain", "Write them as hospital.example, without @.")
    return list(dict.fromkeys(domains))[:50]


def _phases(items, zone: ZoneInfo, found: _Findings) -> list[dict]:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items) or len(items) > MOST_PHASES:
        found.add("phases must be a list", "Begin each phase with a dash: - {name: Open, starts: ..., ends: ...}.")
        return []
    planned = [_phase(item, number, zone, found) for number, item in enumerate(items, 1)]
    planned = sorted((item for item in planned if item), key=lambda item: item["starts"])
    for first, second in zip(planned, planned[1:], strict=False):
        if first["ends"] is None or first["ends"] > second["starts"]:
            found.add(f"{first['name']} and {second['name']} overlap", "Let a phase end before the next starts.")
    kinds = [item["kind"] for item in planned]
    if planned and not set(kinds) - {Phase.Kind.LATE}:
        found.add("no phase counts", "Give it a development or a final phase.")
    if kinds != sorted(kinds, key=[*Phase.Kind.values].index):
        found.add("the phases are out of order", "Development comes first, then final, then late.")
    return planned


def _phase(item: dict, number: int, zone: ZoneInfo, found: _Findings) -> dict | None:
    kind, gate = item.get("kind") or Phase.Kind.DEVELOPMENT, item.get("gate") or Phase.Gate.OPEN
    if kind not in Phase.Kind.values or gate not in Phase.Gate.values:
        hint = f"kind is one of {', '.join(Phase.Kind.values)}, gate one of {', '.join(Phase.Gate.values)}."
        found.add(f"phase {number} has another kind or gate than there are", hint)
        return None
    starts = _moment(item.get("starts"), zone, f"starts of phase {number}", found)
    ends = _moment(item.get("ends"), zone, f"ends of phase {number}", found)
    if starts is None or (ends is None and kind != Phase.Kind.LATE) or (ends and ends <= starts):
        found.add(f"phase {number} has no stretch of time", "Give it starts, and ends after that.")
        return None
    name = str(item.get("name") or kind.capitalize()).strip()[:100]
    return {
        "name": name, "kind": kind, "gate": gate, "starts": starts, "ends": ends,
        "per_day": _whole(item.get("per_day"), f"per_day of phase {number}", 1, 10_000, 5, found),
        "in_total": _whole(item.get("in_total"), f"in_total of phase {number}", 0, 100_000, 0, found),
    }  # fmt: skip
