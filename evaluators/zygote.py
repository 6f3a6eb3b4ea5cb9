"""The parent of every sandboxed child: a process with the libraries loaded and nothing else, that forks on request.

Started by exec with a clean environment, so it and its children never held the database, the broker, a secret or a
user's bytes. It answers no one: a request comes with the ends of the pipes that its child will use.
"""

import contextlib
import errno
import faulthandler
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from pathlib import Path

from evaluators import isolation

FDS = 5  # request, status, messages, log, life


def serve(control: socket.socket) -> None:
    """Fork one child per request until the worker on the other end is gone; the children then end with us."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    while True:
        message, fds, _, _ = socket.recv_fds(control, 64, FDS)
        if not message:
            return
        ours = os.getpid()
        if os.fork() == 0:
            try:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                isolation.end_with_parent(ours)
                control.close()
                _outside(ours, *fds)
            finally:
                os._exit(1)
        for fd in fds:
            os.close(fd)


def _outside(parent: int, request: int, status: int, messages: int, log: int, life: int) -> None:
    """Make the walls, put the first process in, wait for it."""
    with os.fdopen(request, "rb") as file:
        file.seek(0)
        task = json.load(file)
    os.write(status, json.dumps({"pid": os.getpid()}).encode() + b"\n")
    os.setsid()
    os.umask(0o022)
    user = isolation.stranger() if os.geteuid() == 0 and task["walls"] else None
    try:
        if task["walls"]:
            if user is not None:
                os.chown(task["work"], user, user)
            isolation.unshare(user)
            isolation.end_with_parent(parent)  # asked again: new rights make the kernel forget
            isolation.build_root(
                task["root"], isolation.interpreter_paths(Path(__file__).parent), task["given"], task["work"]
            )
    except OSError as error:
        os.write(status, json.dumps({"impossible": str(error)}).encode() + b"\n")
        os._exit(1)
    ours = os.getpid()
    first = os.fork()
    if first == 0:
        try:
            # In its new pid namespace it cannot see its parent's number: 0 there stands for a parent outside.
            isolation.end_with_parent(0 if task["walls"] else ours)
            _first(task, user, status, messages, log, life)
        finally:
            os._exit(1)
    for fd in (status, messages, log, life):
        os.close(fd)
    os.waitpid(first, 0)
    os._exit(0)


def _first(task: dict, user: int | None, status: int, messages: int, log: int, life: int) -> None:
    """The first process of the namespace: starts the worker process, ends everything when it or the far end of `life` ends."""
    try:
        if task["walls"]:
            isolation.enter_root(task["root"])
    except OSError as error:
        os.write(status, json.dumps({"impossible": str(error)}).encode() + b"\n")
        os._exit(1)
    mine = os.getpid()
    inner = os.fork()
    if inner == 0:
        try:
            isolation.end_with_parent(mine)
            os.close(status)
            _inside(task, user, messages, log)
        finally:
            os._exit(1)
    isolation.dumpable(False)
    os.close(messages)
    os.close(log)
    end = _watch(inner, life)
    if end:
        os.write(status, json.dumps(end).encode() + b"\n")
    if not task["walls"]:
        os.killpg(0, signal.SIGKILL)
    os._exit(0)


def _watch(inner: int, life: int) -> dict | None:
    """How the process `inner` ended, reaping orphans meanwhile; None when the far end of `life` closed first."""
    watch = select.poll()
    watch.register(life, select.POLLIN)
    watch.register(os.pidfd_open(inner), select.POLLIN)
    while True:
        ready = dict(watch.poll(1000))
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, code, usage = os.wait4(-1, os.WNOHANG)
                if pid == inner:
                    end = {"signal": os.WTERMSIG(code)} if os.WIFSIGNALED(code) else {"exit": os.WEXITSTATUS(code)}
                    return end | {"memory": usage.ru_maxrss * 1024}
                if not pid:
                    break
        if life in ready:
            return None


def _inside(task: dict, user: int | None, messages: int, log: int) -> None:
    """Give up every right, then run the entry function; it tells by lines of JSON and ends by its exit code."""
    null = os.open("/dev/null", os.O_RDONLY)
    for number, fd in ((0, null), (1, log), (2, log), (3, messages)):
        os.dup2(fd, number)
    os.closerange(4, 1 << 16)
    isolation.limit(task["limits"])
    if task["walls"]:
        isolation.drop_rights(user)
    faulthandler.enable()
    os.environ.update(HOME="/tmp", TMPDIR="/tmp", USER="kensa")  # libraries ask who they run as
    module, _, name = task["entry"].partition(":")
    entry = getattr(importlib.import_module(module), name)
    os._exit(_code(entry, task))


def _code(entry, task: dict) -> int:
    """The entry's own exit code, or the one that says what ended it: 3 memory, 4 an error of ours, 5 disk."""
    try:
        return entry(task["request"], task["paths"], 3)
    except MemoryError:
        return 3
    except Exception as error:
        traceback.print_exc()
        return 5 if getattr(error, "errno", 0) in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT) else 4


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in sys.argv[2:]:
        importlib.import_module(name)
    serve(control)


if __name__ == "__main__":
    main()
