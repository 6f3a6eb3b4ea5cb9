"""Two servers with the same public and other private labels answer participants byte by byte alike, until the reveal.

Apart from what each server draws or clocks for itself: times, random ids, tokens, salts and what is signed with them.
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

ROOT = Path(__file__).resolve().parents[2]
OWN = [
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:?[\d.]*(?:\+\d\d:\d\d|Z)?",  # moments
    r"\d{8}T\d{6}Z",  # of calendars
    r"\d{1,2} \w{3} \d{4}(?:, \d\d:\d\d \w+)?", r"\d\d:\d\d:\d\d", r"\d+ (?:s|min|h) ago|just now",
    r"\b[0-9a-f]{32,64}\b",  # commitments, digests, nonces
    r"[A-Za-z0-9+/_:-]{40,}={0,2}",  # signatures, keys, tokens
]  # fmt: skip


def alike(answer) -> str:
    """An answer without what is each server's own."""
    status, headers, body = answer
    text = json.dumps([status, {key: value for key, value in headers.items() if key not in ("ETag", "Date")}]) + body
    for pattern in OWN:
        text = re.sub(pattern, "~", text)
    return text


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    def run(kind):
        scratch = tmp_path_factory.mktemp(kind)
        drop = {"DATABASE_URL", "REDIS_URL", "KENSA_STORAGE_URL"}
        environment = {key: value for key, value in os.environ.items() if key not in drop}
        environment |= {
            "KENSA_DATA_DIR": str(scratch / "var"), "DJANGO_SETTINGS_MODULE": "leaderboard.settings",
            "PYTHONHASHSEED": "0", "KENSA_STATIC_DIR": str(settings.STATIC_ROOT), "KENSA_SECRET_KEY": "the same in both, so that nothing differs by it 0123456789",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "tests.journeys.crawl", str(scratch), kind], cwd=ROOT, env=environment,
            capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads((scratch / "answers.json").read_text())

    with ThreadPoolExecutor(2) as both:
        return list(both.map(run, ("as-is", "other")))


@pytest.mark.soak
def test_no_answer_to_a_participant_depends_on_a_private_label(servers):
    first, second = servers
    assert set(first) == set(second) and len(first) > 150
    told = [
        key for key in first if alike(first[key]) != alike(second[key])
    ]  # fmt: skip
    for key in told[:5]:
        lines = zip(alike(first[key]).splitlines(), alike(second[key]).splitlines(), strict=False)
        print(key, *[f"\n  {a[:300]}\n  {b[:300]}" for a, b in lines if a != b][:3])
    assert not told


def test_the_walk_meets_what_there_is_to_see(servers):
    """If the pages were empty, or the two servers the same, the walk would prove nothing."""
    walked = servers[0]
    assert "malignant" in walked["ann /api/v1/benchmarks/lungs"][2]
    entries = json.loads(walked["ann /api/v1/competitions/lungs/leaderboard"][2])["entries"]
    assert len(entries) == 3 and all(entry["scores"] for entry in entries)
    assert walked["ann /api/v1/competitions/lungs/leaderboard?share=private"][0] == 404
    assert walked["ann /api/v1/benchmarks/lungs/leaderboard?subset=private"][0] == 404
    assert sum(answer[0] == 200 for answer in walked.values()) > 150
    assert not [key for key, answer in walked.items() if answer[0] >= 500]
