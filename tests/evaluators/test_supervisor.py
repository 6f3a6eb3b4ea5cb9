"""What `manage.py serve` rests on: parts that die start again, and all end together, whatever ends the supervisor."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.evaluators.site import ROOT, wait_for

CODE = """
import sys
from evaluators.supervisor import Part, Supervisor, python
folder = sys.argv[1]
def part(name, code, **more):
    note = f"import os, sys, time, signal; open('{folder}/{name}', 'a').write(str(os.getpid()) + chr(10)); "
    return Part(name, python('-c', note + code), **more)
parts = [part('steady', 'time.sleep(60)'), part('second', 'time.sleep(60)')]
if 'refuse' in sys.argv: parts.append(part('refuses', 'sys.exit(3)', refusal=3))
if 'stubborn' in sys.argv: parts.append(part('stubborn', 'signal.signal(15, signal.SIG_IGN); time.sleep(60)'))
import evaluators.supervisor
evaluators.supervisor.GRACE = 1
sys.exit(Supervisor(parts).run())
"""


@pytest.fixture
def supervise(tmp_path):
    started = []

    def start(*words):
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(tmp_path), *words], cwd=ROOT, stdout=subprocess.PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def pids(folder: Path, name: str) -> list[int]:
    path = folder / name
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def test_a_part_that_is_killed_starts_again_within_two_seconds(supervise, tmp_path):
    supervise()
    first = wait_for(lambda: pids(tmp_path, "steady"))[0]
    second = wait_for(lambda: pids(tmp_path, "second"))[0]

    os.kill(first, signal.SIGKILL)
    began = time.monotonic()
    wait_for(lambda: len(pids(tmp_path, "steady")) == 2, 10)

    assert time.monotonic() - began < 2
    assert not gone(second) and len(pids(tmp_path, "second")) == 1


def test_asked_to_end_it_ends_every_part_and_says_zero(supervise, tmp_path):
    process = supervise("stubborn")
    family = [wait_for(lambda name=name: pids(tmp_path, name))[0] for name in ("steady", "second", "stubborn")]

    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == 0
    assert all(gone(pid) for pid in family)


def test_killed_it_leaves_no_part_behind(supervise, tmp_path):
    process = supervise()
    family = [wait_for(lambda name=name: pids(tmp_path, name))[0] for name in ("steady", "second")]

    process.kill()

    wait_for(lambda: all(gone(pid) for pid in family), 5)


def test_a_part_that_refuses_to_run_ends_the_service_with_its_code(supervise, tmp_path):
    process = supervise("refuse")

    assert process.wait(15) == 3
    assert b"refuses to run" in process.stdout.read()
    assert len(pids(tmp_path, "refuses")) == 1
