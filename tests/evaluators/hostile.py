"""What an attacker would try from inside the sandbox; each function is run there and tells what it could do."""

import contextlib
import ctypes
import os
import socket
import subprocess
import time
from pathlib import Path

from evaluators.child import tell


def look(request, paths, fd):
    """Try to open each path for reading (and writing); tell which worked."""
    seen, written = [], []
    for path in request["paths"]:
        with contextlib.suppress(OSError):
            os.listdir(path) if os.path.isdir(path) else open(path, "rb").close()
            seen.append(path)
        with contextlib.suppress(OSError):
            with open(os.path.join(path, "x") if os.path.isdir(path) else path, "ab") as file:
                file.write(b"x")
            written.append(path)
    tell(fd, done={"seen": seen, "written": written, "paths": paths, "here": os.listdir("/")})
    return 0


def connect(request, paths, fd):
    """Try every kind of socket, and to reach a listener of this machine by TCP and by its unix socket."""
    reached = []
    for family, kind in (
        (socket.AF_INET, socket.SOCK_STREAM),
        (socket.AF_INET, socket.SOCK_DGRAM),
        (socket.AF_INET6, socket.SOCK_STREAM),
        (socket.AF_UNIX, socket.SOCK_STREAM),
    ):
        with contextlib.suppress(OSError):
            socket.socket(family, kind)
            reached.append(f"{family.name}")
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", request["port"]), 2)
        reached.append("tcp")
    devices = Path("/proc/net/dev").read_text().splitlines()[2:]
    tell(fd, done={"reached": reached, "devices": [line.split(":")[0].strip() for line in devices]})
    return 0


def identity(request, paths, fd):
    """Who this process is, what it may do, and what it can see of others."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    tell(
        fd,
        done={
            "environment": dict(os.environ),
            "pids": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
            "uid": os.getuid(),
            "groups": os.getgroups(),
            "status": status,
            "fds": sorted(int(name) for name in os.listdir("/proc/self/fd")),
            "namespaces": {name: os.readlink(f"/proc/self/ns/{name}") for name in os.listdir("/proc/self/ns")},
        },
    )
    return 0


def rights(request, paths, fd):
    """Try to get rights back or to look into other processes; tell what worked."""
    libc, worked = ctypes.CDLL(None, use_errno=True), []
    if libc.unshare(0x10000000) == 0:
        worked.append("unshare")
    if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0:
        worked.append("mount")
    if libc.ptrace(16, 1, 0, 0) == 0:
        worked.append("ptrace")
    for number, name in ((0, "setuid"),):
        with contextlib.suppress(OSError):
            os.setuid(number)
            worked.append(name)
    with contextlib.suppress(OSError):
        open("/proc/1/mem", "rb").close()
        worked.append("memory of the first process")
    with contextlib.suppress(OSError):
        Path("/proc/1/environ").read_bytes()
        worked.append("environment of the first process")
    with contextlib.suppress(OSError):
        subprocess.run(["/usr/bin/id"], check=False, capture_output=True)
        worked.append("exec")
    with contextlib.suppress(OSError):
        os.kill(1, 9)
        time.sleep(0.1)
    with contextlib.suppress(OSError):
        open("/proc/sys/kernel/core_pattern", "w").close()
        worked.append("core_pattern")
    tell(fd, done={"worked": worked})
    return 0


def eat_memory(request, paths, fd):
    kept = []
    while True:
        kept.append(bytearray(64 << 20))


def eat_shared_memory(request, paths, fd):
    import mmap

    kept = []
    while True:
        area = mmap.mmap(-1, 64 << 20)  # shared: the limit on data does not count it
        area.write(b"x" * (64 << 20))
        kept.append(area)


def eat_processor(request, paths, fd):
    while True:
        pass


def sleep(request, paths, fd):
    tell(fd, progress=0, stage="sleeping")
    time.sleep(60)
    return 0


def fork_bomb(request, paths, fd):
    made = 0
    with contextlib.suppress(OSError):
        while made < 5000:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            made += 1
    tell(fd, done={"made": made})
    return 0


def leave_a_daemon(request, paths, fd):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)
    tell(fd, done={})
    return 0


def fill_disk(request, paths, fd):
    with contextlib.suppress(OSError):
        for number in range(10_000):
            with open(f"{paths['out']}/{number}", "wb") as file:
                file.write(bytes(8 << 20))
    time.sleep(30)
    return 0


def one_big_file(request, paths, fd):
    with open(f"{paths['out']}/big", "wb") as file:
        while True:
            file.write(bytes(8 << 20))


def fill_tmp(request, paths, fd):
    written = 0
    with contextlib.suppress(OSError), open("/tmp/big", "wb") as file:
        while written < 1 << 30:
            written += file.write(bytes(8 << 20))
    tell(fd, done={"written": written})
    return 0


def crash(request, paths, fd):
    ctypes.string_at(0)


def chatter(request, paths, fd):
    while True:
        os.write(fd, b"x" * 65536)


def nonsense(request, paths, fd):
    os.write(fd, b'{"done": 5}\n[1]\nnot json\n{"faults": [3, {"message": "kept"}]}\n{"progress": "a"}\n\xff\xfe\n')
    return 2


def open_networks(request, paths, fd):
    """Look at every revision that is named, in one process that lives on; tell how each ended."""
    from evaluators import inference
    from evaluators.faults import Faults

    ended = {}
    for name in request["folders"]:
        folder = Path(paths["answers"]) / name
        names = sorted(path.name for path in folder.iterdir())
        try:
            inference.look(folder, names, request["manifest"], Path(paths["inputs"]) / "0.png")
            ended[folder.name] = ["opened"]
        except Faults as faults:
            ended[folder.name] = [str(fault) for fault in faults.faults]
        except MemoryError:
            ended[folder.name] = ["memory"]
    tell(fd, done={"ended": ended})
    return 0


def poison(request, paths, fd):
    """Declare as a network does, wait for the inputs, then try every way to change them."""
    ready = Path(paths["ready"])
    tell(fd, progress=0, declares={"channels": 1, "size": [16, 16]})
    while not (ready / "end.json").exists():
        time.sleep(0.01)
    attempts = {
        "create": lambda: (ready / "00009.npy").write_bytes(b"x"),
        "overwrite": lambda: (ready / "00000.npy").open("r+b"),
        "rename": lambda: (ready / "00000.npy").rename(ready / "00001.npy"),
        "remove": lambda: (ready / "00000.npy").unlink(),
        "chmod": lambda: (ready / "00000.npy").chmod(0o666),
    }
    refused = []
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError:
            refused.append(name)
    tell(fd, done={"refused": refused})
    return 0
