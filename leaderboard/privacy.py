"""What in a package looks like somebody's identity: columns, values, file names, DICOM tags. Publication waits until the
organiser has confirmed that it is none.

A look, no proof: it knows the usual words in English, German and Japanese, dates and addresses, and says what it saw where.
"""

import csv
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import pydicom
from pydicom.errors import InvalidDicomError

from evaluators.models import Package
from leaderboard.models import Benchmark
from zoo import blobs
from zoo.errors import Refused

WORDS = re.compile(
    r"(?:^|[^a-z])(?:(?:first|last|family|given|patient|sur)[ _-]?name|surname|vorname|nachname|birth(?:day|date)?|dob|"
    r"geburtsdatum|address|street|postcode|zip[ _-]?code|phone|telephone|mobile|e-?mail|ssn|mrn|nhs[ _-]?number|"
    r"insurance[ _-]?(?:id|number)|passport|ip[ _-]?address)(?:$|[^a-z])"
)
KANJI = ("氏名", "名前", "生年月日", "住所", "電話", "患者番号", "カルテ", "保険")
VALUES = {
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", re.I),
    "a date of birth or visit": re.compile(
        r"(?<!\d)(?:19|20)\d\d[-/.](?:0[1-9]|1[0-2])[-/.](?:0[1-9]|[12]\d|3[01])(?!\d)"
    ),
    "a date of birth or visit ": re.compile(r"(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)"),
    "a family and a given name": re.compile(r"(?<![A-Za-z])[A-Z][a-z]{2,}[_^, ]+[A-Z][a-z]{2,}(?![A-Za-z])"),
}
TAGS = (
    "PatientName", "PatientBirthDate", "PatientAddress", "PatientTelephoneNumbers", "OtherPatientIDs", "PatientMotherBirthName",
    "ReferringPhysicianName", "InstitutionName", "AccessionNumber",
)  # fmt: skip
NOBODY = re.compile(r"(?i)^(?:|anon\w*|unknown|none|removed|deidentified|xx*|0*|patient\W*\d*|case\W*\d*)$")
ROWS, FILES, HEAD = 2000, 2000, 1 << 20  # of cases.csv; of names; bytes of a DICOM file that are looked at
DICOMS = 50


def identities(package: Package) -> list[str]:
    """What looks like an identity, each with where it was seen; an empty list where nothing does."""
    seen: dict[str, str] = {}
    for kind, where in _all(package):
        seen.setdefault(kind, where)
    return [f"{kind.strip()}: {where}" for kind, where in seen.items()]


def require(benchmark: Benchmark) -> None:
    """Pass, or raise Refused where something looks like an identity and nobody has confirmed that it is none."""
    if benchmark.identities_confirmed:
        return
    found = identities(benchmark.package)
    if found:
        message = "Something in the package looks like somebody's identity: " + "; ".join(found[:5])
        hint = "Take it out and load the package again, or confirm on the draft's page that it identifies nobody."
        raise Refused("identities", message[:600], hint, status=409)


def _all(package: Package) -> Iterator[tuple[str, str]]:
    yield from _table(package)
    for name in list(package.files)[:FILES]:
        stem = PurePosixPath(name).name
        for kind, pattern in VALUES.items():
            if name.startswith(("inputs/", "reference/")) and pattern.search(stem):
                yield f"a file name that may hold {kind}", name
    dicoms = [name for name in package.files if name.lower().endswith((".dcm", ".dicom"))]
    for name in dicoms[:DICOMS]:
        yield from _dicom(name, package.files[name]["sha256"])


def _table(package: Package) -> Iterator[tuple[str, str]]:
    with blobs.open(package.files["cases.csv"]["sha256"]) as source:
        text = (line.decode("utf-8-sig", "replace") for line in source)
        rows = csv.reader(text)
        header = next(rows, [])
        for column in header:
            if WORDS.search(column.lower()) or any(word in column for word in KANJI):
                yield "a column of cases.csv", column
        for number, row in enumerate(rows, 2):
            if number > ROWS:
                return
            for column, value in zip(header, row, strict=False):
                for kind, pattern in VALUES.items():
                    if pattern.search(value):
                        yield f"a value that may be {kind}", f"cases.csv, line {number}, {column}"


def _dicom(name: str, sha256: str) -> Iterator[tuple[str, str]]:
    try:
        with blobs.open(sha256) as source:
            found = pydicom.dcmread(source, stop_before_pixels=True, specific_tags=list(TAGS), defer_size=HEAD)
    except (InvalidDicomError, OSError, ValueError, KeyError, AttributeError, NotImplementedError, RecursionError):
        return
    for tag in TAGS:
        if not NOBODY.match(str(found.get(tag, "") or "").strip()):
            yield f"the DICOM tag {tag}", name
