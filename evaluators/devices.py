"""The GPUs of a machine, one run on each: lent by a lock on a file that ends with the process, so that workers may be many.

A run that finds all of them lent waits; on a machine without a GPU nothing is lent and networks run on the CPU.
"""

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

NODE = re.compile(r"nvidia(\d+)")
PAUSE = 0.5  # seconds between looks for a free one


def visible(devices: Path = Path("/dev")) -> list[str]:
    """The GPUs that this process may use, by number or name: CUDA_VISIBLE_DEVICES where it is set, else all there are."""
    stated = os.environ.get("CUDA_VISIBLE_DEVICES")
    there = sorted((found[1] for path in devices.glob("nvidia*") if (found := NODE.fullmatch(path.name))), key=int)
    if not there or stated is None:
        return there
    return [name.strip() for name in stated.split(",") if name.strip()]


@contextlib.contextmanager
def lend(gpus: list[str], folder: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[str]:
    """One of `gpus` for as long as the body runs, "" where there is none. `waiting` is called while all are lent; what it
    raises ends the wait. Locks lie in `folder`, one for the whole machine."""
    if not gpus:
        yield ""
        return
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        for name in gpus:
            with open(folder / f"{re.sub(r'[^A-Za-z0-9-]', '_', name)}.lock", "w") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    continue
                yield name
                return
        waiting()
        time.sleep(PAUSE)
