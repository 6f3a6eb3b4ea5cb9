"""Two servers with the same public and other private labels answer participants byte by byte alike, until the reveal.

Apart from what each server draws or clocks for itself. What that is, is not guessed: a third server has the labels of the
first, and only where these two differ may the other one differ too. So random ids, tokens and salts, and what is made with
them, are passed over, and a hash of hidden labels without a salt is not. Moments alone are taken out beforehand.

Of the headers all are compared. An ETag of the API is the hash of the body, which is checked of each; so it tells no more
than the body does. Receipts and commitments are HMACs with a secret salt of their server (design: they differ everywhere).
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings

from tests.journeys import plants

ROOT = Path(__file__).resolve().parents[2]
MOMENTS = [
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:?[\d.]*(?:\+\d\d:\d\d|Z)?", r"\d{8}T\d{6}Z",
    r"\d{1,2} \w{3} \d{4}(?:, \d\d:\d\d \w+)?", r"\w{3}, ~ \d\d:\d\d:\d\d GMT", r"\d\d:\d\d:\d\d", r"\d+ (?:s|min|h) ago|just now",
]  # fmt: skip


def shown(answer) -> list[str]:
    """An answer without its moments, cut where text and markup cut it. An ETag that is the body's hash is said to be so."""
    status, headers, body, digest, size = answer
    headers = dict(headers)
    if headers.get("ETag") == f'"{digest[:32]}"':
        headers["ETag"] = "of the body"
    if headers.get("Content-Length") == str(size):
        headers["Content-Length"] = "of the body"
    text = f"{status} {json.dumps(headers, sort_keys=True)} {body}"
    for pattern in MOMENTS:
        text = re.sub(pattern, "~", text)
    return re.findall(r"[^\s\"'<>&,;()\[\]{}]+", text)


def told(first, again, other) -> dict[str, list]:
    """The addresses whose answers depend on the private labels, each with what differs."""
    found = {}
    assert set(first) == set(again) == set(other)
    for key in first:
        one, same, changed = (shown(walk[key]) for walk in (first, again, other))
        if not len(one) == len(same) == len(changed):
            found[key] = [(len(one), len(same), len(changed))]
            continue
        apart = [(a, c) for a, b, c in zip(one, same, changed, strict=True) if a == b and a != c]
        if apart:
            found[key] = apart
    return found


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """walk(kind, *more): what a crawl of such a server met."""

    def run(kind, *more):
        scratch = tmp_path_factory.mktemp(kind)
        drop = {"DATABASE_URL", "REDIS_URL", "KENSA_STORAGE_URL"}
        environment = {key: value for key, value in os.environ.items() if key not in drop}
        environment |= {
            "KENSA_DATA_DIR": str(scratch / "var"), "DJANGO_SETTINGS_MODULE": "leaderboard.settings",
            "PYTHONHASHSEED": "0", "KENSA_STATIC_DIR": str(settings.STATIC_ROOT), "KENSA_SECRET_KEY": "the same in both, so that nothing differs by it 0123456789",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "tests.journeys.crawl", str(scratch), kind, *more], cwd=ROOT, env=environment,
            capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads((scratch / "answers.json").read_text())

    return run


def three(walk, *more):
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda kind: walk(kind, *more), ("as-is", "as-is", "other")))


@pytest.mark.soak
def test_no_answer_to_a_participant_depends_on_a_private_label(walk):
    walks = three(walk)
    found = told(*walks)
    for key, apart in list(found.items())[:5]:
        print(key, apart[:5])
    assert not found and len(walks[0]) > 150


@pytest.mark.soak
def test_a_leak_that_is_planted_is_named_by_its_address(walk):
    """Else the comparison would prove nothing: see plants.py for what leaks where."""
    found = told(*three(walk, "planted"))
    assert {key.removeprefix("ann ").partition("?")[0] for key in found} == set(plants.PLANTS)


@pytest.mark.soak
def test_the_walk_meets_what_there_is_to_see(walk):
    """If the pages were empty, the comparison of two of them would prove nothing."""
    walked = walk("as-is")
    assert "malignant" in walked["ann /api/v1/benchmarks/lungs"][2]
    entries = json.loads(walked["ann /api/v1/competitions/lungs/leaderboard"][2])["entries"]
    assert len(entries) == 3 and all(entry["scores"] for entry in entries)
    assert walked["ann /api/v1/competitions/lungs/leaderboard?share=private"][0] == 404
    assert walked["ann /api/v1/benchmarks/lungs/leaderboard?subset=private"][0] == 404
    assert sum(answer[0] == 200 for answer in walked.values()) > 150
    assert not [key for key, answer in walked.items() if answer[0] >= 500]
    tags = [(headers["ETag"], digest) for _, headers, _, digest, _ in walked.values() if "ETag" in headers]
    assert len(tags) > 40 and all(tag == f'"{digest[:32]}"' for tag, digest in tags), (
        "a tag tells no more than the body"
    )
