"""Leaks planted on purpose in a server of crawl.py, each in one place: the comparison of test_private_labels.py must name it.

`apply` is called by the crawl alone, in a process of its own; nothing of the service knows of it.
"""

import hashlib
from dataclasses import replace
from types import SimpleNamespace

from leaderboard import cases, contest_api, exports, rest
from leaderboard.views import competitions


def _private(package):
    return cases.of(package).reference[~cases.chosen(package, "public")]


def on_the_page() -> None:
    """A sentence with the number of private cases that have the finding."""
    told = competitions._page

    def page(request, found):
        count = int(_private(found.benchmark.package).sum())
        return told(request, found) | {"traps": [f"{count} of the private cases are malignant"]}

    competitions._page = page


def in_the_order() -> None:
    """Public standings in the order of the private scores."""

    def write(board, format):
        by_private = lambda entry: -entry.submission.run.scores.get(metric="auroc", subset="private").value  # noqa: E731
        return exports.write(replace(board, entries=sorted(board.entries, key=by_private)), format)

    contest_api.exports = SimpleNamespace(**vars(exports) | {"write": write})


def in_the_etag() -> None:
    """A tag over the package with its labels, where the body says nothing."""
    tagged = rest.with_etag

    def with_etag(request, response):
        response = tagged(request, response)
        if request.path == "/api/v1/competitions/lungs/submissions":
            package = contest_api.making.find("lungs", request.user).benchmark.package
            response["ETag"] = '"' + hashlib.sha256(package.digest.encode()).hexdigest()[:32] + '"'
        return response

    rest.with_etag = with_etag


def by_a_bare_hash() -> None:
    """A commitment to the private labels that whoever guesses them can verify: a hash without salt."""
    told = contest_api._told

    def rules(row):
        return told(row) | {"commitment": hashlib.sha256(_private(row.benchmark.package).tobytes()).hexdigest()}

    contest_api._told = rules


PLANTS = {
    "/competitions/lungs/": on_the_page,
    "/api/v1/competitions/lungs/leaderboard": in_the_order,
    "/api/v1/competitions/lungs/submissions": in_the_etag,
    "/api/v1/competitions/lungs": by_a_bare_hash,
}


def apply() -> None:
    """Plant them all."""
    for plant in PLANTS.values():
        plant()
