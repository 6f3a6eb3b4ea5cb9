"""Checks of single values in a YAML file: each returns the plain value, or adds a fault with its place and a default."""

import math
import re
from collections.abc import Iterable

from evaluators.faults import Findings, quote
from evaluators.places import Place, near

SLUG = re.compile(r"^(?!.*(?:--|\.\.))[a-z0-9](?:[a-z0-9._-]{0,94}[a-z0-9])?$")


class Fields:
    """One mapping of a YAML file, whose keys are taken one by one; `done` reports those nobody asked for."""

    def __init__(self, place: Place | None, found: Findings, name: str = ""):
        self.found, self.name, self.asked = found, name, []
        self.at = place.at if place else {"line": 1}
        self.places: dict[str, Place] = {}
        if place is not None:
            if isinstance(place.value, dict):
                self.places = place.value
            elif place.value is not None:
                example = f"{name}: {{key: value}}" if name else "key: value"
                found.add(f"{name or 'the file'} must be a mapping", f"Write {example}.", **place.at)

    def take(self, key: str) -> Place | None:
        """The place of a key, None where it is absent or null."""
        self.asked.append(key)
        place = self.places.get(key)
        return None if place is None or place.value is None else place

    def required(self, key: str, hint: str) -> Place | None:
        place = self.take(key)
        if place is None and (self.places or not self.name):
            self.found.add(f"{self.full(key)} is missing", hint, **self.at)
        return place

    def full(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def done(self) -> None:
        for key, place in self.places.items():
            if key not in self.asked:
                self.found.add(
                    f"unknown key {quote(self.full(key))}", near(key, dict.fromkeys(self.asked)), **place.key
                )

    def text(self, key: str, *, longest: int = 300, default: str = "", required: str = "") -> str:
        place = self.required(key, required) if required else self.take(key)
        if place is None:
            return default
        if isinstance(place.value, dict | list):
            self.found.add(f"{self.full(key)} must be text", "Write it on one line, in quotes.", **place.at)
            return default
        text = place.raw.strip()
        if len(text) > longest:
            self.found.add(f"{self.full(key)} has {len(text):,} letters", f"At most {longest:,} fit.", **place.at)
        elif required and not text:
            self.found.add(f"{self.full(key)} is empty", required, **place.at)
        return text

    def slug(self, key: str, required: str) -> str:
        text = self.text(key, required=required)
        if text and not SLUG.match(text):
            near_slug = re.sub(r"[^a-z0-9._]+", "-", text.casefold()).strip("-._")[:96]
            hint = "Use 1 to 96 of a-z, 0-9, '-', '_' and '.'; no '--' or '..'"
            hint += f", such as {near_slug}." if SLUG.match(near_slug) else "."
            self.found.add(f"{self.full(key)} {quote(text)} cannot be part of an address", hint, **self.places[key].at)
        return text

    def whole(self, key: str, *, low: int, high: int, default: int, required: str = "") -> int:
        place = self.required(key, required) if required else self.take(key)
        if place is None:
            return default
        if not isinstance(place.value, int) or isinstance(place.value, bool) or not low <= place.value <= high:
            words = f"a whole number from {low:,} to {high:,}" if high < 10**15 else f"a whole number, at least {low:,}"
            self.found.add(f"{self.full(key)} must be {words}", f"{quote(place.raw)} is not.", **place.at)
            return default
        return place.value

    def number(self, key: str, *, low: float = -math.inf, high: float = math.inf) -> float | None:
        place = self.take(key)
        if place is None:
            return None
        value = number(place)
        if value is None or not low <= value <= high:
            self.found.add(f"{self.full(key)} must be a number from {low:g} to {high:g}", f"{quote(place.raw)} is not.",
                           **place.at)  # fmt: skip
            return None
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        place = self.take(key)
        if place is None:
            return default
        if not isinstance(place.value, bool):
            self.found.add(f"{self.full(key)} must be true or false", f"{quote(place.raw)} is neither.", **place.at)
            return default
        return place.value

    def choice(self, key: str, known: Iterable[str], *, default: str = "", required: str = "") -> str:
        text = self.text(key, default=default, required=required)
        known = list(known)
        if text and text not in known:
            self.found.add(f"{self.full(key)} {quote(text)} is not known", near(text, known), **self.places[key].at)
            return default
        return text

    def names(self, key: str, *, longest: int = 100, most: int = 1000) -> list[Place]:
        """A list of different texts, as places (their `raw` is the text)."""
        return distinct(self.take(key), self.full(key), self.found, longest=longest, most=most)


def distinct(place: Place | None, name: str, found: Findings, *, longest: int = 100, most: int = 1000) -> list[Place]:
    """A list of different texts; one text alone counts as a list of one."""
    if place is None:
        return []
    items = place.value if isinstance(place.value, list) else [place]
    if isinstance(place.value, dict):
        found.add(f"{name} must be a list", f"Write {name}: [one, two].", **place.at)
        return []
    if len(items) > most:
        found.add(f"{name} has {len(items):,} items", f"At most {most:,} fit.", **place.at)
        return []
    good: dict[str, Place] = {}
    for item in items:
        text = item.raw.strip()
        if isinstance(item.value, dict | list) or not text or len(text) > longest:
            found.add(f"{name} holds something that is not a name", f"Write 1 to {longest} letters.", **item.at)
        elif text in good:
            found.add(f"{name} holds {quote(text)} twice", "Keep one of them.", **item.at)
        else:
            item.raw = text
            good[text] = item
    return list(good.values())


def number(place: Place) -> float | None:
    """A finite number; also those like 1e3, which YAML 1.1 takes for text."""
    if isinstance(place.value, bool | dict | list):
        return None
    try:
        value = float(place.value)
    except (TypeError, ValueError, OverflowError):
        return None
    return value if math.isfinite(value) else None


def known(items: list[Place], names: Iterable[str], what: str, found: Findings) -> list[Place]:
    """Those items that are among `names`; the others are faults."""
    names, good = list(names), []
    for item in items:
        if item.raw in names:
            good.append(item)
        else:
            found.add(f"{what} holds {quote(item.raw)}, which is not known", near(item.raw, names), **item.at)
    return good
