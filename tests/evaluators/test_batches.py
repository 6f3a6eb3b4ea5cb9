"""Batches: what does not fit is halved and remembered, also where the next one was made already; errors come out whole."""

import threading

import numpy as np
import pytest

from evaluators import batches, runners
from evaluators.steps import Prepared


class Narrow:
    """A network that takes eight cases at once and no more; it doubles them."""

    config: dict = {}

    def __init__(self, most: int = 8):
        self.most, self.seen = most, []

    def stage(self, batch):
        return batch

    def __call__(self, batch):
        self.seen.append(len(batch))
        if len(batch) > self.most:
            raise runners.TooMuch
        return 2 * batch


def prepared(n: int, shape=(3,)) -> list[Prepared]:
    return [Prepared(np.full(shape, number, np.float32), shape) for number in range(n)]


def answers(network, cases) -> list[np.ndarray]:
    made, found = batches.Batches(network), []
    groups = batches.groups(cases, made)
    for group, staged in batches.ahead(groups, lambda group: made.stage([one.array for one in group])):
        found += made.run([one.array for one in group], staged)
    return found


def test_every_case_is_answered_once_and_in_order_when_batches_shrink():
    network = Narrow()
    found = answers(network, prepared(300))
    assert [one[0] for one in found] == [2 * number for number in range(300)]
    failed = [size for size in network.seen if size > 8]
    assert failed == [64, 32, 16], "once each: the size that fitted is remembered"


def test_cases_of_one_shape_share_a_batch_and_the_first_goes_alone():
    network = Narrow(1000)
    answers(network, prepared(5) + prepared(3, (4,)) + prepared(2))
    assert network.seen == [1, 4, 3, 2]


def test_a_batch_of_one_that_does_not_fit_is_out_of_memory():
    with pytest.raises(MemoryError):
        answers(Narrow(0), prepared(3))


def test_an_error_of_the_cases_comes_out_where_they_are_used_and_nothing_goes_on():
    def broken():
        yield from prepared(70)
        raise ValueError("a damaged case")

    with pytest.raises(ValueError, match="damaged"):
        answers(Narrow(1000), broken())
    stopped = batches.ahead(iter(prepared(10_000)))
    next(stopped)
    stopped.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]
