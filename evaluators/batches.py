"""Batches of prepared cases: made beside the one that is computed, shrunk when memory is short, windows where they are asked for.

Which cases share a batch depends on their shapes and order alone, so that a repetition gives the same numbers.
"""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from evaluators import runners, windows
from evaluators.steps import Prepared

BATCH = 64  # the first to be tried; halved when memory does not suffice
BATCH_BYTES = 64 << 20  # of inputs in one batch, at most
LOOK_SECONDS = 0.1


class Batches:
    """Runs batches, and remembers the size that fitted. `plan`: windows and flips, by config.json."""

    def __init__(self, network):
        self.network = network
        self.plan = windows.plan(network.config)
        self.fixed = getattr(network, "batch", None)
        self.size = self.fixed or BATCH

    def size_for(self, array: np.ndarray) -> int:
        """How many cases of this form go together."""
        return self.fixed or max(1, min(self.size, BATCH_BYTES // max(array.nbytes, 1)))

    def stage(self, arrays: list[np.ndarray]):
        """One batch of these arrays, on its way to the device; None where windows are cut first."""
        if self.plan or len(arrays) > self.size_for(arrays[0]):
            return None
        batch = self._stacked(arrays)
        return self.network.stage(batch) if hasattr(self.network, "stage") else batch

    def run(self, arrays: list[np.ndarray], staged=None) -> list[np.ndarray]:
        """The output of each array. `staged`: what `stage` made of them. Raises MemoryError at a batch of one, or Faults."""
        if self.plan:
            return [windows.answer(array, self.plan, self._run) for array in arrays]
        return self._run(arrays, staged)

    def part(self, array: np.ndarray) -> tuple[np.ndarray, int]:
        """What the network itself sees of a case at once, and how many times."""
        if not self.plan:
            return np.array(array), 1  # a copy: prepared cases are read-only
        return windows.part(array, self.plan)

    def _run(self, arrays: list[np.ndarray], staged=None) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        while len(found) < len(arrays):
            size = self.size_for(arrays[0])
            part = arrays[len(found) : len(found) + size]
            whole = staged is not None and len(part) == len(arrays)  # it may have been staged before memory fell short
            batch = staged if whole else self._stacked(part)
            try:
                outputs = self.network(batch)
            except (runners.TooMuch, MemoryError):
                if size == 1 or self.fixed:
                    raise MemoryError from None
                self.size, staged, batch = min(size, len(part)) // 2 or 1, None, None
                if len(part) == 1:
                    raise MemoryError from None
                continue
            if outputs.ndim == 0 or len(outputs) != (self.fixed or len(part)):
                raise runners.refusal("the network's output does not keep the batch axis")
            found += list(outputs[: len(part)])
        return found

    def _stacked(self, arrays: list[np.ndarray]) -> np.ndarray:
        return np.stack(arrays + [arrays[-1]] * (self.fixed - len(arrays) if self.fixed else 0))


def groups(cases: Iterable[Prepared], batches: Batches) -> Iterator[list[Prepared]]:
    """Cases of one shape, as many as a batch takes; the first case alone."""
    group: list[Prepared] = []
    for number, prepared in enumerate(cases):
        if group and (prepared.array.shape != group[0].array.shape or len(group) >= batches.size_for(prepared.array)):
            yield group
            group = []
        group.append(prepared)
        if number == 0:
            yield group
            group = []
    if group:
        yield group


def ahead(made: Iterable, finish: Callable = lambda item: None) -> Iterator[tuple]:
    """(item, finish(item)) of each, one made in a thread of its own while the last is used. Errors come out here."""
    ready: queue.Queue = queue.Queue(maxsize=1)
    ended = threading.Event()

    def hand(item) -> bool:
        while not ended.is_set():
            try:
                ready.put(item, timeout=LOOK_SECONDS)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in made:
                if not hand((item, finish(item), None)):
                    return
            hand((None, None, StopIteration()))
        except BaseException as error:  # whatever it is, it belongs to who asked
            hand((None, None, error))

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while True:
            item, finished, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item, finished
    finally:
        ended.set()
        thread.join()
