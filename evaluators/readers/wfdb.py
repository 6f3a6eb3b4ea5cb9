"""WFDB records, as PhysioNet publishes them: the header `.hea` and, beside it, the signal files that it names.

Signal formats 8, 16, 24, 32, 61, 80, 160, 212, 310 and 311 (WFDB Applications Guide, SIGNAL(5)); physical units by gain and
baseline of the header. Multi-segment records are not read. Nothing is allocated before the files were seen to be as
long as the header says.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evaluators.readers.registry import MAX_ARRAY_BYTES, Format, Picture, Unreadable, register

MOST_SIGNALS, MOST_HEADER = 1024, 1 << 20
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
FORMAT = re.compile(r"(\d+)(?:x(\d+))?(?::(\d+))?(?:\+(\d+))?")
GAIN = re.compile(rf"({NUMBER})(?:\((-?\d+)\))?(?:/(.*))?")
BITS = {8: 8, 16: 16, 24: 24, 32: 32, 61: 16, 80: 8, 160: 16, 212: 12, 310: 32 / 3, 311: 32 / 3}  # of one sample
MISSING = {16: -(1 << 15), 61: -(1 << 15), 24: -(1 << 23), 32: -(1 << 31), 80: -128, 160: -(1 << 15),
           212: -(1 << 11), 310: -(1 << 9), 311: -(1 << 9)}  # fmt: skip


@dataclass
class Signal:
    """One line of the header: a signal, how it is stored and what its numbers are worth."""

    file: str
    format: int
    offset: int
    gain: float
    baseline: int
    initial: int
    name: str


def read(path: Path, index: str = "", labels: bool = False) -> Picture:
    """(samples, signals) float32 in physical units, NaN where a sample is missing; the names of the signals; 1 / Hz as spacing.

    With an index, `100.hea#MLII`, that signal alone.
    """
    hz, samples, signals = header(path)
    files: dict[str, list[Signal]] = {}
    for signal in signals:
        files.setdefault(signal.file, []).append(signal)
    columns: dict[int, np.ndarray] = {}
    for name, group in files.items():
        for signal, column in zip(group, _samples(path.with_name(name), group, samples), strict=True):
            columns[id(signal)] = column
    chosen = [signal for signal in signals if not index or signal.name == index]
    if not chosen:
        known = ", ".join(signal.name for signal in signals)[:200]
        raise Unreadable(f"the record has no signal {index[:40]!r}", f"It has {known}.")
    values = [_physical(columns[id(signal)], signal) for signal in chosen]
    return Picture(np.stack(values, axis=1), (1 / hz,), spatial=1, names=tuple(signal.name for signal in chosen))


def companions(path: Path, index: str = "") -> list[str]:
    """The names of the signal files of a record, which lie beside its header."""
    return list(dict.fromkeys(signal.file for signal in header(path)[2]))


def header(path: Path) -> tuple[float, int, list[Signal]]:
    """Hz, samples of each signal (0: as many as there are) and the signals. Raises Unreadable."""
    if path.stat().st_size > MOST_HEADER:
        raise Unreadable("the header is too long", "It is a text file of some lines.")
    lines = [line.strip() for line in path.read_text("latin-1").splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    first = lines[0].split() if lines else []
    try:
        name, count = first[0], int(first[1])
        hz = float(re.split(r"[/(]", first[2])[0]) if len(first) > 2 else 250.0
        samples = int(first[3]) if len(first) > 3 else 0
    except (IndexError, ValueError):
        raise Unreadable("this is not a WFDB header", "Its first line is: name, signals, frequency, samples.") from None
    if "/" in name:
        raise Unreadable("this record has several segments", "Store each segment as a record of its own.")
    if not (1 <= count <= MOST_SIGNALS and 0 < hz < 1e9 and 0 <= samples < 1 << 40) or len(lines) < count + 1:
        raise Unreadable("the header states impossible numbers of signals or samples", "Write it again.")
    if samples * count * 4 > MAX_ARRAY_BYTES:
        raise Unreadable(f"a record of {samples:,} samples is too large", "Divide it.")
    return hz, samples, [_signal(line, number) for number, line in enumerate(lines[1 : count + 1])]


def _signal(line: str, number: int) -> Signal:
    parts = line.split(None, 8)
    try:
        found = FORMAT.fullmatch(parts[1])
        form, per_frame, skew, offset = (int(item or 0) for item in found.groups())
        gain, baseline, _ = GAIN.fullmatch(parts[2]).groups() if len(parts) > 2 else ("200", None, None)
        zero = int(parts[4]) if len(parts) > 4 else 0
        initial = int(parts[5]) if len(parts) > 5 else zero
        baseline = zero if baseline is None else int(baseline)
        gain = float(gain) or 200.0  # 0: not calibrated, the guide's own default
    except (AttributeError, IndexError, ValueError):
        raise Unreadable(f"signal {number + 1} of the header is not understood", "See HEADER(5) of WFDB.") from None
    if form not in BITS or per_frame > 1 or skew:
        known = ", ".join(map(str, BITS))
        raise Unreadable(
            f"signal {number + 1} is stored as {parts[1]}", f"Read are {known}, one sample a frame, no skew."
        )
    name = parts[0]
    if name in (".", "..") or Path(name).name != name or name == "~":
        raise Unreadable(f"signal {number + 1} lies in {name[:60]!r}", "Signal files lie beside their header.")
    return Signal(
        name, form, offset, gain, baseline, initial, parts[8].strip() if len(parts) > 8 else f"signal {number}"
    )


def _samples(path: Path, group: list[Signal], samples: int) -> np.ndarray:
    """(signals, samples) whole numbers of one file, whose samples alternate between its signals."""
    form, offset = group[0].format, group[0].offset
    if any(signal.format != form for signal in group):
        raise Unreadable("one signal file holds several formats", "Store each in a file of its own.")
    if not path.is_file() or path.is_symlink():
        raise Unreadable(f"the signal file {path.name} is missing", "Put it beside its header.")
    size = path.stat().st_size - offset
    total = samples * len(group) or int(size * 8 // BITS[form])
    total -= total % len(group)
    words = -(-total // 3) * 4 if form in (310, 311) else -(-total * int(BITS[form]) // 8)
    if total <= 0 or words > size + (3 if form in (310, 311) else 0):
        raise Unreadable(f"the signal file {path.name} is cut off", "Copy it again, and compare file sizes.")
    if total * 4 > MAX_ARRAY_BYTES:
        raise Unreadable(f"the signal file {path.name} is too large", "Divide the record.")
    raw = np.fromfile(path, np.uint8, min(words, size), offset=offset)
    values = _unpacked(raw, form, total)[:total].reshape(-1, len(group)).T
    if form == 8:  # differences
        start = np.array([[signal.initial] for signal in group])
        return start + np.cumsum(values, axis=1)
    return values


def _unpacked(raw: np.ndarray, form: int, total: int) -> np.ndarray:
    """The samples of a file as int32, by its format."""
    if form == 8:
        return raw.view(np.int8).astype(np.int32)
    if form == 80:
        return raw.astype(np.int32) - 128
    if form in (16, 61, 160):
        values = raw[: len(raw) // 2 * 2].view("<i2" if form == 16 else ">i2" if form == 61 else "<u2").astype(np.int32)
        return values - (32_768 if form == 160 else 0)
    if form == 32:
        return raw[: len(raw) // 4 * 4].view("<i4")
    if form == 24:
        low, middle, high = raw[: len(raw) // 3 * 3].reshape(-1, 3).astype(np.int32).T
        return _signed(low | middle << 8 | high << 16, 24)
    raw = np.concatenate([raw, np.zeros(-len(raw) % 12, np.uint8)]).astype(np.int32)
    if form == 212:
        a, b, c = raw.reshape(-1, 3).T
        return _signed(np.stack([a | (b & 0x0F) << 8, c | (b & 0xF0) << 4], axis=1).ravel(), 12)
    if form == 310:
        a, b, c, d = raw.reshape(-1, 4).T
        one, two = a | b << 8, c | d << 8
        three = (one >> 11 & 0x1F) | (two >> 11 & 0x1F) << 5
        return _signed(np.stack([one >> 1 & 0x3FF, two >> 1 & 0x3FF, three], axis=1).ravel(), 10)
    words = raw.reshape(-1, 4) @ np.array([1, 1 << 8, 1 << 16, 1 << 24], np.int64)
    return _signed(np.stack([words & 0x3FF, words >> 10 & 0x3FF, words >> 20 & 0x3FF], axis=1).ravel(), 10).astype(
        np.int32
    )


def _signed(values: np.ndarray, bits: int) -> np.ndarray:
    return np.where(values >> (bits - 1) & 1, values - (1 << bits), values)


def _physical(values: np.ndarray, signal: Signal) -> np.ndarray:
    physical = ((values - signal.baseline) / signal.gain).astype(np.float32)
    if signal.format in MISSING:
        physical[values == MISSING[signal.format]] = np.nan
    return physical


register(Format("wfdb", (".hea",), read, companions))
