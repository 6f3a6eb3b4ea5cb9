"""A competition for tests: the hospital's, on a package with a split, published and in its first phase."""

from datetime import timedelta

from django.utils import timezone

from leaderboard import benchmarks
from leaderboard.contests import making, people
from tests.packages import binary


def phase(name="Open", kind="development", starts=-1, ends=7, **more) -> dict:
    """A phase from and to so many days from now."""
    moment = timezone.now()
    late = None if ends is None else moment + timedelta(days=ends)
    return {"name": name, "kind": kind, "starts": moment + timedelta(days=starts), "ends": late} | more


def contest(folder, owner, by=None, *, publish=True, n=60, seed=1, slug="lungs", package=None, **rules):
    """(competition, labels): drafted and published by the house unless `by` someone."""
    labels = binary(folder, n=n, seed=seed, split=True, slug=slug, **(package or {}))
    benchmark = benchmarks.load(folder, owner, publish=False)
    rules.setdefault("phases", [phase()])
    made = making.make(benchmark, by, slug=slug, title="Lungs 2026", **rules)
    return (making.publish(made, by) if publish else made), labels


def enter(competition, *users, **how) -> list:
    """Everyone of `users` in, each leading a team of one; their teams."""
    return [people.enter(competition, user, **how).team for user in users]
