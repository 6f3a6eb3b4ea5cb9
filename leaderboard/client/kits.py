"""The starter kit of a benchmark: sample submission, offline check, and an example to go on from, as one zip."""

import io
import json
import tempfile
import zipfile

from django.conf import settings

from evaluators import package as packages
from leaderboard import cases
from leaderboard.client import checks, wheels
from leaderboard.models import Benchmark

README = """# {title}, version {version}

What is in this folder:

- `{sample}`: a valid answer with every case, to be filled in
- `kensa_check.py`: the server's own check, offline: `python kensa_check.py {sample}`
- `example.py`: from the sample submission to a scored entry

Install the client from the server: `pip install {address}/client/{wheel}`, then

    kensa login --server {address}
    kensa check {slug} {sample}
    kensa submit {slug} {sample} --name "My first entry" --wait
    kensa board {slug}

Primary metric: `{metric}` (see {address}/docs/metrics/#{metric}). Rules, limits and data: {address}/benchmarks/{slug}/
"""
EXAMPLE = '''"""From the sample submission to a scored entry. Runs as it is, and cell by cell in a notebook."""

# %% What is asked: a file in the form of the sample, with every case
from pathlib import Path

from kensa import Client

BENCHMARK, FILE = {slug!r}, Path({sample!r})
client = Client()  # the server and token of `kensa login`
{look}
# %% Put your predictions in its place, then check it here: no fault means that the server takes it
print(client.check(BENCHMARK, FILE) or "no fault")

# %% Hand it in and wait for the score
made = client.submit(BENCHMARK, FILE, name="The sample submission")
for score in client.wait(made["id"])["scores"]:
    print(score["metric"], score["value"], score["low"], score["high"])
'''
TABLE = """
# %%
import csv

with FILE.open(newline="") as source:
    rows = list(csv.DictReader(source))
print(len(rows), "cases; columns:", ", ".join(rows[0]))
"""


def kit(benchmark: Benchmark, address: str) -> io.BufferedRandom:
    """An open file with the zip, at its start. `address`: where the reader reached this server."""
    out = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115 (the response closes it)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as sample:
            name = packages.sample_submission(benchmark.package.manifest, cases.of(benchmark.package), sample)
            sample.seek(0)
            entry = zipfile.ZipInfo(name, checks.MOMENT)
            entry.compress_type = zipfile.ZIP_STORED if name.endswith(".zip") else zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as target:
                while chunk := sample.read(1 << 20):
                    target.write(chunk)
        facts = {
            "title": benchmark.title, "version": benchmark.version, "slug": benchmark.slug, "sample": name,
            "metric": benchmark.primary_metric, "address": address, "wheel": wheels.NAME,
        }  # fmt: skip
        look = TABLE if name.endswith(".csv") else ""
        texts = {
            "README.md": README.format(**facts),
            "example.py": EXAMPLE.format(**facts, look=look),
            "kensa_check.py": checks.script(benchmark),
            "benchmark.json": json.dumps(facts, indent=1, ensure_ascii=False) + "\n",
        }
        for name, text in texts.items():
            archive.writestr(zipfile.ZipInfo(name, checks.MOMENT), text, zipfile.ZIP_DEFLATED)
    out.seek(0)
    return out
