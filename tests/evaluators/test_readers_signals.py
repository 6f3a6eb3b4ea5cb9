"""Signals and sequences: WFDB by a bit-by-bit encoder of its own, FASTA, and tables of sequences."""

import numpy as np
import pytest

from evaluators import contents, readers
from evaluators.readers import wfdb
from tests.packages import write_manifest

BITS = {8: 8, 16: 16, 24: 24, 32: 24, 61: 16, 80: 8, 160: 16, 212: 12, 310: 10, 311: 10}


def encoded(values: list[int], form: int) -> bytes:
    """Samples as SIGNAL(5) describes their format, one bit after the other."""
    if form == 8:
        return bytes((value - before) & 0xFF for before, value in zip([0, *values], values, strict=False))
    if form in (80, 160):
        size, middle = (1, 128) if form == 80 else (2, 32_768)
        return b"".join((value + middle).to_bytes(size, "little") for value in values)
    if form in (16, 24, 32, 61):
        size, order = {16: 2, 24: 3, 32: 4, 61: 2}[form], "big" if form == 61 else "little"
        return b"".join(value.to_bytes(size, order, signed=True) for value in values)
    out, per = b"", 2 if form == 212 else 3
    for start in range(0, len(values), per):
        group = [value & ((1 << BITS[form]) - 1) for value in values[start : start + per]]
        group += [0] * (per - len(group))
        if form == 212:
            a, b = group
            out += bytes([a & 0xFF, a >> 8 | b >> 8 << 4, b & 0xFF])
        elif form == 310:
            a, b, c = group
            out += (a << 1 | (c & 31) << 11).to_bytes(2, "little") + (b << 1 | c >> 5 << 11).to_bytes(2, "little")
        else:
            out += (group[0] | group[1] << 10 | group[2] << 20).to_bytes(4, "little")
    return out


def write(folder, form: int, values: np.ndarray, name: str = "r") -> None:
    """A record of two signals, (samples, 2)."""
    lines = [f"{name} 2 360 {len(values)}", f"{name}.dat {form} 200(0)/mV 12 0 {{0}} 0 0 MLII"]
    lines += [f"{name}.dat {form} 150.5(7)/mV 12 0 {{1}} 0 0 V 5", "# a comment"]
    (folder / f"{name}.hea").write_text("\n".join(lines).format(0, 0))
    if form == 8:  # differences, each signal by itself
        parts = [encoded(column.tolist(), 8) for column in values.T]
        data = bytes(byte for pair in zip(*parts, strict=True) for byte in pair)
    else:
        data = encoded(values.ravel().tolist(), form)
    (folder / f"{name}.dat").write_bytes(data)


@pytest.mark.parametrize("form", sorted(wfdb.BITS))
def test_every_signal_format_gives_back_what_was_encoded(tmp_path, form):
    random = np.random.default_rng(form)
    values = random.integers(-(1 << BITS[form] - 1) + 1, 1 << BITS[form] - 1, (40, 2))
    if form == 8:
        values = np.cumsum(random.integers(-100, 100, (40, 2)), axis=0)
    write(tmp_path, form, values)

    read, told = readers.read_input(tmp_path / "r.hea")

    assert read == pytest.approx((values - [0, 7]) / [200, 150.5], rel=1e-6)
    assert told == {"spacing": (1 / 360,), "spatial": 1, "names": ("MLII", "V 5")}
    alone, told = readers.read_input(tmp_path / "r.hea#V 5")
    assert np.array_equal(alone[:, 0], read[:, 1]) and told["names"] == ("V 5",)


def test_a_missing_sample_is_not_a_number(tmp_path):
    write(tmp_path, 16, np.array([[1, 2], [-32_768, 4]]))
    assert np.isnan(readers.read_input(tmp_path / "r.hea")[0]).tolist() == [[False, False], [True, False]]


@pytest.mark.parametrize(
    "header",
    ["r 2 360 1000000000", "r/3 2 360 40", "r 99 360 40", "r 2 0 40", "", "r 1\n../r.dat 16 200", "r 1\nr.dat 999 200",
     "r 1\n/etc/passwd 16 200", "r 1 360 40\nnothing.dat 16 200", "r 1 360 40\nr.dat 16x4 200", "\0\1\2"],
)  # fmt: skip
def test_a_hostile_header_is_damage_and_allocates_nothing(tmp_path, header):
    write(tmp_path, 16, np.ones((40, 2), int))
    lines = (tmp_path / "r.hea").read_text().splitlines()
    (tmp_path / "r.hea").write_text("\n".join([header, *lines[1:]] if "\n" not in header else [header]))
    with pytest.raises(readers.Damaged):
        readers.read_input(tmp_path / "r.hea")


def test_a_package_may_name_a_header_and_hold_its_signal_file_beside_it(tmp_path):
    write_manifest(tmp_path, accepts=["predictions", "weights"])
    (tmp_path / "inputs").mkdir()
    rows = ["case_id,patient_id,label,input"]
    for number in range(4):
        write(tmp_path / "inputs", 212, np.arange(20).reshape(10, 2), f"r{number}")
        rows.append(f"c{number},p{number},{['benign', 'malignant'][number % 2]},inputs/r{number}.hea")
    (tmp_path / "cases.csv").write_text("\n".join(rows))
    with contents.read(tmp_path) as folder:
        assert {"inputs/r0.hea", "inputs/r0.dat"} <= folder.files.keys()
    (tmp_path / "inputs" / "stray.dat").write_bytes(b"1")
    with pytest.raises(contents.Faults, match="belongs to no case"):
        contents.read(tmp_path)


def test_sequences_come_as_letters_from_fasta_and_from_tables(tmp_path):
    (tmp_path / "x.fasta").write_text(">one E. coli\nACGT\nacgn\n\n>two\nTT-A\n")
    (tmp_path / "x.csv").write_text("case_id,sequence,note\na,ACGT,left aside\nb,GGn,5\n")
    for name, letters in {
        "x.fasta#one": b"ACGTacgn",
        "x.fasta#1": b"TT-A",
        "x.csv#b": b"GGn",
        "x.csv#0": b"ACGT",
    }.items():
        read, told = readers.read_input(tmp_path / name)
        assert read.tobytes() == letters and told == {"spatial": 1, "letters": True}
    for name in ("x.fasta", "x.fasta#2", "x.fasta#three", "x.csv#c"):
        with pytest.raises(readers.Damaged):
            readers.read_input(tmp_path / name)
