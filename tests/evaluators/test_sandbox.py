"""The sandbox keeps a hostile child from files, network, rights and resources; nothing of it survives. Never skipped."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from evaluators import isolation
from evaluators.sandbox import REPOSITORY, Limits, Sandbox, _children

HOSTILE = "tests.evaluators.hostile"


@pytest.fixture(scope="module")
def sandbox():
    box = Sandbox(modules=("evaluators.child", HOSTILE))
    yield box
    box.close()


@pytest.fixture
def attempt(sandbox, tmp_path):
    """Run one hostile function with limits of a few seconds; its outcome."""

    def run(name, request=None, given=None, heard=lambda message: True, **limits):
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        limits = Limits(**({"memory": 1 << 30, "wall": 20, "cpu": 20, "processes": 64, "disk": 256 << 20} | limits))
        return sandbox.run(f"{HOSTILE}:{name}", request or {}, work=work, given=given or {}, limits=limits, heard=heard)

    return run


def test_a_child_sees_the_given_paths_and_none_of_the_machine(attempt, tmp_path):
    (tmp_path / "reference").mkdir()
    secret = tmp_path / "reference" / "labels.csv"
    secret.write_text("case_id,label\n")
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    (inputs / "a.txt").write_text("an input")
    hidden = [
        secret,
        tmp_path / "reference",
        tmp_path,
        Path.home() / ".ssh",
        Path.home() / ".bashrc",
        "/etc/shadow",
        "/etc/hosts",
        "/home",
    ]
    hidden += [
        "/sys",
        "/var",
        "/run",
        "/proc/1/root/etc/shadow",
        "/dev/mem",
        "/dev/shm/../../etc/shadow",
        "/in/../etc/shadow",
    ]
    hidden += [
        REPOSITORY / "leaderboard",
        REPOSITORY / "manage.py",
        REPOSITORY / "zoo",
        REPOSITORY / "var",
        REPOSITORY / ".git",
    ]

    found = attempt("look", {"paths": [str(path) for path in [*hidden, "/in/inputs/a.txt"]]}, given={"inputs": inputs})

    assert found.status == "done", found
    assert found.value["seen"] == ["/in/inputs/a.txt"]
    assert found.value["written"] == []
    assert found.value["paths"] == {"inputs": "/in/inputs", "out": "/out"}
    assert (inputs / "a.txt").read_text() == "an input"


def test_a_child_writes_to_its_own_folder_only(attempt, tmp_path):
    places = [
        "/",
        "/in",
        "/in/inputs",
        "/usr",
        "/dev",
        "/etc",
        "/proc",
        sys.prefix,
        str(REPOSITORY / "evaluators"),
        "/out",
    ]
    (tmp_path / "inputs").mkdir()

    found = attempt("look", {"paths": places}, given={"inputs": tmp_path / "inputs"})

    assert found.value["written"] == ["/out"]
    assert list((tmp_path / "inputs").iterdir()) == []
    assert (tmp_path / "work" / "x").exists()


def test_a_child_has_no_network(attempt):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = attempt("connect", {"port": listener.getsockname()[1]})

    assert found.value == {"reached": [], "devices": ["lo"]}


def test_a_child_has_no_credentials_and_is_nobody(attempt, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://user:secret@db/kensa")

    found = attempt("identity").value

    assert "secret" not in str(found["environment"])
    assert not {"DATABASE_URL", "REDIS_URL", "KENSA_SECRET_KEY", "KENSA_DATA_DIR", "DJANGO_SETTINGS_MODULE"} & set(
        found["environment"]
    )
    assert found["pids"] == [1, 2]
    assert found["uid"] != 0 and found["groups"] in ([], [found["uid"]], [65534])
    assert found["status"]["CapEff"] == found["status"]["CapBnd"] == found["status"]["CapPrm"] == "0" * 16
    assert found["status"]["NoNewPrivs"] == "1" and found["status"]["Seccomp"] == "2"
    assert found["fds"] == [0, 1, 2, 3, 4]  # the fourth lists the folder itself
    for name in ("user", "mnt", "pid", "ipc", "net", "uts"):
        assert found["namespaces"][name] != os.readlink(f"/proc/self/ns/{name}")


def test_a_child_cannot_get_rights_back(attempt):
    assert attempt("rights").value == {"worked": []}


@pytest.mark.parametrize(("name", "status"), [("eat_memory", "memory"), ("eat_shared_memory", "memory")])
def test_memory_is_limited(attempt, name, status):
    assert attempt(name, memory=700 << 20).status == status


def test_seconds_of_processor_and_of_clock_are_limited(attempt):
    assert attempt("eat_processor", cpu=1).status == "time"
    found = attempt("sleep", wall=1)
    assert found.status == "time" and found.seconds < 5


def test_a_fork_bomb_ends_at_the_limit_and_leaves_nothing(attempt, sandbox):
    found = attempt("fork_bomb", processes=32)

    assert found.status == "done" and found.value["made"] < 32
    assert _soon(lambda: _children(sandbox._process.pid) == [])


def test_a_daemon_ends_with_its_run(attempt, sandbox):
    assert attempt("leave_a_daemon").status == "done"
    assert _soon(lambda: _children(sandbox._process.pid) == [])


@pytest.mark.parametrize("name", ["fill_disk", "one_big_file"])
def test_disk_is_limited(attempt, tmp_path, name):
    found = attempt(name, disk=64 << 20)

    assert found.status == "disk"
    assert found.seconds < 10


def test_the_private_temporary_folder_is_limited(attempt):
    assert attempt("fill_tmp").value["written"] <= 64 << 20


def test_a_crash_and_a_flood_are_the_childs_own_trouble(attempt):
    crashed = attempt("crash")
    assert crashed.status == "crashed" and "Segmentation fault" in crashed.log
    assert attempt("chatter").status == "crashed"
    assert attempt("identity").status == "done"


def test_what_a_child_says_is_taken_only_in_the_right_form(attempt):
    found = attempt("nonsense")

    assert found.status == "rejected" and found.faults == [{"message": "kept"}] and found.value == {}


def test_the_caller_can_stop_a_child_at_any_moment(attempt):
    started = time.monotonic()

    found = attempt("sleep", heard=lambda message: "progress" not in message)

    assert found.status == "stopped" and time.monotonic() - started < 3


def test_many_children_run_at_once_and_a_killed_zygote_is_replaced(attempt, sandbox, tmp_path):
    results = []

    def one(number):
        work = tmp_path / str(number)
        work.mkdir()
        results.append(sandbox.run("evaluators.child:nothing", {}, work=work).status)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["done"] * 8

    sandbox._process.kill()
    sandbox._process.wait()
    assert attempt("identity").status == "done"


def test_children_end_when_the_worker_is_killed(tmp_path):
    """SIGKILL, so that no handler can tidy up."""
    code = (
        "import sys; from pathlib import Path; from evaluators.sandbox import Sandbox; "
        f"Sandbox(modules=({HOSTILE!r},)).run({HOSTILE + ':sleep'!r}, {{}}, work=Path(sys.argv[1]), "
        "heard=lambda message: 'progress' not in message or print('up', flush=True) or True)"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=REPOSITORY, stdout=subprocess.PIPE)
    assert worker.stdout.readline() == b"up\n"
    family = _family(worker.pid)
    assert len(family) == 4  # zygote, the one that waits, the first of the namespace, the sleeper

    worker.kill()
    worker.wait()

    assert _soon(lambda: not [pid for pid in family if Path(f"/proc/{pid}/cmdline").exists() and _alive(pid)])


def test_without_walls_the_limits_remain(tmp_path):
    box = Sandbox(modules=("evaluators.child", HOSTILE), walls=False)
    try:
        assert box.run(f"{HOSTILE}:eat_memory", {}, work=tmp_path, limits=Limits(memory=700 << 20)).status == "memory"
        assert box.run(f"{HOSTILE}:sleep", {}, work=tmp_path, limits=Limits(wall=1)).status == "time"
        assert _soon(lambda: _children(box._process.pid) == [])
    finally:
        box.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests have run as an ordinary user already")
def test_an_ordinary_user_gets_the_same_walls():
    """A worker that is not root; where the interpreter lies in root's home, that home is opened for this test alone."""
    code = (
        "import os; os.setgroups([]); os.setgid(54321); os.setuid(54321); "
        "import tempfile; from pathlib import Path; from evaluators.sandbox import Sandbox; "
        f"box = Sandbox(modules=('evaluators.child', {HOSTILE!r})); work = Path(tempfile.mkdtemp()); "
        f"found = box.run({HOSTILE + ':identity'!r}, {{}}, work=work).value; "
        "assert found['pids'] == [1, 2] and found['status']['CapEff'] == '0' * 16, found; "
        f"found = box.run({HOSTILE + ':rights'!r}, {{}}, work=work).value; assert found == {{'worked': []}}, found; "
        f"assert box.run({HOSTILE + ':connect'!r}, {{'port': 1}}, work=work).value['reached'] == []; "
        f"found = box.run({HOSTILE + ':look'!r}, {{'paths': ['/etc/hosts', '/home', '/out']}}, work=work).value; "
        "assert found['seen'] == ['/out'], found; print('held')"
    )
    inside = [path for path in (sys.base_prefix, sys.prefix, str(REPOSITORY)) if Path(path).is_relative_to("/root")]
    steps = ["set -e", "keep=$(mktemp -d)", "chmod 755 $keep"]
    steps += [f"mkdir $keep/{number}; mount --bind {path} $keep/{number}" for number, path in enumerate(inside)]
    steps += ["mount -t tmpfs -o mode=755 none /root"] if inside else []
    steps += [f"mkdir -p {path}; mount --bind $keep/{number} {path}" for number, path in enumerate(inside)]
    steps += ['exec "$0" -c "$1"']
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(REPOSITORY), "TMPDIR": "/tmp"}
    command = ["unshare", "--mount", "sh", "-c", "\n".join(steps), sys.executable, code]
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True)
    assert done.stdout == "held\n", done.stdout + done.stderr


def _family(pid: int) -> list[int]:
    found = _children(pid)
    return found + [other for child in found for other in _family(child)]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _soon(condition, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_an_environment_reached_by_a_link_is_shown_with_what_it_leads_to(monkeypatch, tmp_path):
    (tmp_path / "linked").symlink_to(sys.prefix)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "linked"))
    shown = isolation.interpreter_paths(REPOSITORY / "evaluators")
    assert str(tmp_path / "linked") in shown
    assert any(Path(os.path.realpath(sys.prefix)).is_relative_to(path) for path in shown if not os.path.islink(path))
