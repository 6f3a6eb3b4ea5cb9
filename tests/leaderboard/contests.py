"""A competition for tests: the hospital's, on a package with a split, published and in its first phase."""

from datetime import timedelta

import numpy as np
from django.utils import timezone

from evaluators import runs
from evaluators.models import Score
from leaderboard import benchmarks, submissions
from leaderboard.contests import making, people
from leaderboard.models import Phase
from tests.packages import binary
from zoo import blobs


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


def hand_in(competition, user, file, name="An answer", **fields):
    return submissions.submit(competition.benchmark, user.namespace, user, file=file, name=name, **fields)


def score(run, public: float, private: float, *, spread=0.02, n=60, patients=30, seed=1) -> None:
    """End a run as a worker would, with these AUROCs; all entries share their noise, as they share their resamples."""
    lease = runs.claim(run.pk, "test")
    noise = np.random.default_rng(seed).normal(0, spread, 400)
    rows, details = [], {}
    values = {"all": (public + private) / 2, "public": public, "private": private}
    for subset, value in values.items():
        details[f"resampled:auroc:{subset}"] = value + noise
        low, high = value - 2 * spread, value + 2 * spread
        count = n if subset == "all" else n // 2
        rows.append(
            Score(metric="auroc", subset=subset, value=value, low=low, high=high, error=spread, n=count,
                  patients=patients if subset == "all" else patients // 2, method="percentile")
        )  # fmt: skip
    path = blobs.root() / f"details-{run.pk}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **details)
    assert runs.finish(lease, rows, details=blobs.put_path(path).sha256)
    path.unlink()
    run.refresh_from_db()


def end(competition) -> None:
    """Let its last phase be over since an hour."""
    past = timezone.now() - timedelta(hours=1)
    Phase.objects.filter(competition=competition).exclude(kind="late").filter(ends__gt=past).update(ends=past)
