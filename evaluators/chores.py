"""What the floors above have done by every sweep, in every worker: each chore is quick, and does nothing twice."""

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

CHORES: list[Callable[[], object]] = []


def register(chore: Callable[[], object]) -> Callable[[], object]:
    """Decorator: have it called by every sweep from now on."""
    CHORES.append(chore)
    return chore


def run() -> None:
    """Each chore once; one that fails keeps no other from being done."""
    for chore in CHORES:
        try:
            chore()
        except Exception:
            log.exception("%s failed; the next sweep tries again", chore.__qualname__)
