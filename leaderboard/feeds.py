"""Atom feeds (RFC 4287) of what was scored last on a board or on all boards of a task, with the scores released to the reader."""

from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _

from leaderboard import access, answers, badges
from leaderboard.models import Submission
from leaderboard.standings import ON_BOARD, metrics_of

LISTED = 30


def latest(viewer, **which) -> list[Submission]:
    """The entries of boards this viewer sees that were scored last."""
    rows = access.visible_submissions(viewer).filter(**ON_BOARD, **which)
    related = ("benchmark__package", "benchmark__owner", "team", "contest_team", "run", "model__namespace")
    return list(rows.select_related(*related).order_by("-run__finished", "-pk")[:LISTED])


def write(title: str, about: str, page: str, own: str, rows: list[Submission], viewer, site: str) -> str:
    """`page` and `own`: the paths of the page and of the feed. Order and dates tell nothing that the board does not."""
    feed = Atom1Feed(title=title, link=site + page, description=about, feed_url=site + own, feed_guid=site + own)
    for row in rows:
        feed.add_item(
            title=f"{row.name}: {_headline(row, viewer)}", link=site + row.get_absolute_url(),
            description=_("%(name)s by %(team)s on %(board)s, version %(version)s.")
            % {"name": row.name, "team": row.by, "board": row.benchmark.title, "version": row.benchmark.version},
            author_name=str(row.by), pubdate=row.run.finished or row.created, updateddate=row.run.finished or row.created,
            unique_id=site + row.get_absolute_url(),
        )  # fmt: skip
    return feed.writeString("utf-8")


def _headline(row: Submission, viewer) -> str:
    metric, subset = metrics_of(row.benchmark)[0], access.headline(row.benchmark)
    found = answers.scores(row, viewer)
    return badges.score_text(
        metric, next((s.score for s in found if (s.metric, s.subset, s.part) == (metric.name, subset, "")), None)
    )
