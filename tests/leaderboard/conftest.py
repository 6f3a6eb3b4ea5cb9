"""The cast around one benchmark: operator, the organiser's owner and member, two teams, a stranger, and nobody."""

import numpy as np
import pytest
from django.contrib.auth.models import AnonymousUser

from evaluators import runs
from evaluators.models import Score
from leaderboard import benchmarks, submissions
from tests.packages import binary, binary_answer
from zoo import accounts, blobs, tokens


@pytest.fixture(autouse=True)
def storage(tmp_path, settings):
    """Blobs of one test in a folder of its own; the broker is away, as it may be."""
    settings.STORAGE_URL = (tmp_path / "blobs").as_uri()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(tmp_path)}
    }
    return tmp_path / "blobs"


@pytest.fixture(autouse=True)
def bell(monkeypatch):
    """Runs that were rung for, in place of messages to a broker."""
    rung = []
    monkeypatch.setattr(runs, "ring", lambda run: rung.append(run.pk) or True)
    return rung


class Cast(dict):
    """People by name, as attributes too."""

    __getattr__ = dict.__getitem__


@pytest.fixture
def cast(db):
    people = Cast(
        {name: accounts.create_user(name) for name in ("owner", "member", "ann", "mate", "ben", "stranger")},
        operator=accounts.create_user("operator", operator=True),
        anonymous=AnonymousUser(),
    )
    hospital = accounts.create_organisation("hospital", people.owner, "The hospital")
    accounts.add_member(hospital, people.member)
    lab = accounts.create_organisation("lab", people.ann, "The lab")
    accounts.add_member(lab, people.mate)
    return Cast(people, hospital=hospital, lab=lab, bens=people.ben.namespace)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "package"


@pytest.fixture
def labels(folder):
    """The hidden labels of the package in `folder`."""
    return binary(folder, n=60)


@pytest.fixture
def benchmark(cast, folder, labels):
    """A published benchmark of the hospital with hidden labels."""
    return benchmarks.load(folder, cast.hospital)


@pytest.fixture
def answer(tmp_path, labels):
    """answer(skill, seed) -> a prediction file."""

    def make(skill=1.0, seed=2, name=None):
        path = tmp_path / (name or f"answer-{skill}-{seed}.csv")
        binary_answer(path, labels, skill, seed)
        return path

    return make


@pytest.fixture
def submit(benchmark, answer, cast):
    """submit(team, user, seed=..., ...) -> Submission, with a file of its own for each skill and seed."""

    def hand_in(team=None, user=None, *, on=None, skill=1.0, seed=2, name="An answer", **fields):
        team, user = team or cast.lab, user or cast.ann
        return submissions.submit(on or benchmark, team, user, file=answer(skill, seed), name=name, **fields)

    return hand_in


def finish(
    run, values: dict, *, subset: str = "all", n: int = 60, patients: int = 30, finer=(), safety=(), **more
) -> None:
    """End a run as a worker would. values: {metric: (value, resampled (B,))}; finer: more (metric, subset, part, value).
    safety: verdicts; more: further arrays of the details, such as `prediction`."""
    lease = runs.claim(run.pk, "test")
    scores, details = [], {}
    for metric, (value, resampled) in values.items():
        resampled = np.asarray(resampled, float)
        known = len(resampled) > 0 and value is not None
        low, high = np.percentile(resampled, [2.5, 97.5]) if known else (None, None)
        scores.append(
            Score(
                metric=metric, subset=subset, value=value, low=low, high=high, n=n, patients=patients, method="percentile",
                error=float(np.std(resampled)) if known else None, reason="" if known else "too few patients",
            )
        )  # fmt: skip
        details[f"resampled:{metric}:{subset}"] = resampled
    scores += [Score(metric=m, subset=s, part=p, value=v, n=n, patients=patients) for m, s, p, v in finer]
    path = blobs.root() / f"details-{run.pk}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **details, **more)
    blob = blobs.put_path(path)
    path.unlink()
    assert runs.finish(lease, scores, details=blob.sha256, safety=list(safety))
    run.refresh_from_db()


@pytest.fixture
def finished():
    return finish


@pytest.fixture
def bearer(db):
    """bearer(user, scope) -> headers for the test client."""

    def headers(user, scope="write"):
        return {"HTTP_AUTHORIZATION": f"Bearer {tokens.create(user, 'test', scope)[1]}"}

    return headers
