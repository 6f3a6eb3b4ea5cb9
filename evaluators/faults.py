"""What is wrong with a file somebody handed in: each fault with its place in that file and a remedy.

A fault is about the sender's own bytes alone; nothing of the reference, the labels or this machine is ever in it.
"""

from dataclasses import asdict, dataclass

SHOWN = 50  # the first so many are listed; all are counted
_TEXT = 160  # letters of the sender's own line that are shown


@dataclass(frozen=True)
class Fault:
    """One fault. `line` and `column` count from 1 in the sender's own file; None where the whole file is meant.

    In a table `column` is the number of the field and `name` its header; in JSON or YAML `column` counts characters.
    `text` is the sender's own line, with `mark` (start, end) the part that is meant.
    """

    message: str
    hint: str = ""
    line: int | None = None
    column: int | None = None
    file: str = ""
    text: str = ""
    name: str = ""
    mark: tuple[int, int] | None = None

    def as_dict(self) -> dict:
        return asdict(self)

    def __str__(self) -> str:
        place = self.file
        if self.line is not None:
            place += f":{self.line}" + (f":{self.column}" if self.column is not None else "")
        return (f"{place}: " if place else "") + self.message + (f" ({self.hint})" if self.hint else "")


class Faults(Exception):
    """Raised with everything that is wrong at once: `.faults`, the first 50, and `.count`, how many there are."""

    def __init__(self, faults, count: int | None = None):
        faults = _in_order(list(faults))
        self.faults: list[Fault] = faults[:SHOWN]
        self.count: int = max(count or 0, len(faults))
        super().__init__(self.faults, self.count)

    def __str__(self) -> str:
        lines = [str(fault) for fault in self.faults]
        if self.count > len(lines):
            lines.append(f"... and {self.count - len(lines):,} more")
        return "\n".join(lines)


class Findings:
    """Collects faults of one file while it is read: keeps the first 50 found and counts the rest.

    >>> found = Findings("answer.csv")
    >>> found.add("this is empty", "Send the file again.")
    >>> found.count
    1
    """

    def __init__(self, file: str = ""):
        self.file, self.faults, self.count = file, [], 0

    def add(
        self, message: str, hint: str = "", *, text: str = "", mark: tuple[int, int] | None = None, **place
    ) -> None:
        self.count += 1
        if len(self.faults) < SHOWN:
            place.setdefault("file", self.file)
            text, mark = _around(text, mark)
            self.faults.append(Fault(message, hint, text=_shown(text), mark=mark, **place))

    def each(self, rows):
        """Those rows, of many that are at fault, whose faults are still listed; the others are counted here.

        The caller adds one fault for each row it is given.
        """
        room = max(0, SHOWN - len(self.faults))
        self.count += max(0, len(rows) - room)
        return rows[:room]

    @property
    def full(self) -> bool:
        """Whether further faults are counted only."""
        return len(self.faults) >= SHOWN

    def include(self, faults) -> None:
        """Take in another collection: a Findings, a Faults, or a list of Fault."""
        listed = faults if isinstance(faults, list) else faults.faults
        self.count += len(listed) if isinstance(faults, list) else faults.count
        self.faults = (self.faults + listed)[:SHOWN]

    def stop(self, message: str, hint: str = "", **place) -> None:
        """Add a fault after which reading on makes no sense, and raise."""
        self.add(message, hint, **place)
        raise Faults(self.faults, self.count)

    def check(self) -> None:
        """Raise Faults where there are any."""
        if self.count:
            raise Faults(self.faults, self.count)


def quote(value, limit: int = 60) -> str:
    """A value of the sender's, cut and with its unprintable characters escaped, to be shown in a message."""
    text = str(value)
    text = text[:limit] + "…" if len(text) > limit else text
    return "'" + "".join(c if c.isprintable() else repr(c)[1:-1] for c in text) + "'"


def _in_order(faults: list[Fault]) -> list[Fault]:
    """File by file as they were found, by line and column; what concerns a whole file last."""
    files = {file: number for number, file in enumerate(dict.fromkeys(fault.file for fault in faults))}
    last = float("inf")
    return sorted(faults, key=lambda fault: (files[fault.file], fault.line or last, fault.column or last))


def _shown(text: str) -> str:
    text = text[:_TEXT] + "…" if len(text) > _TEXT else text
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _around(text: str, mark: tuple[int, int] | None) -> tuple[str, tuple[int, int] | None]:
    """A long line cut so that its mark is still seen."""
    if not mark or mark[1] <= _TEXT:
        return text, mark
    start = max(0, mark[0] - _TEXT // 2)
    text, mark = "…" + text[start:], (mark[0] - start + 1, mark[1] - start + 1)
    return text, mark if mark[1] <= _TEXT else None
