"""The standings of a competition: public while it runs; private, and how far they moved, after the reveal."""

from dataclasses import dataclass

from django.db.models import Q

from evaluators import statistics
from leaderboard import standings
from leaderboard.models import Competition, Phase
from leaderboard.standings import Board, Entry
from zoo.errors import NotFound


@dataclass(frozen=True)
class Move:
    """One team's way from the public to the private standings; a rank is None where it has none."""

    entry: Entry  # on private cases
    before: Entry | None  # its best on public cases
    public: int | None
    private: int | None

    @property
    def by(self) -> int | None:
        """Ranks gained (positive) or lost."""
        return None if self.public is None or self.private is None else self.public - self.private

    @property
    def down(self) -> int:
        """Ranks lost, as a positive number."""
        return -(self.by or 0)


@dataclass(frozen=True)
class Shakeup:
    """What the reveal changed. tau: Kendall's, between the public and the private order of the teams."""

    board: Board
    moves: list[Move]
    tau: float | None

    @property
    def moved(self) -> int:
        return sum(bool(move.by) for move in self.moves)

    @property
    def tied(self) -> list[Entry]:
        """Those that these cases cannot tell from the first, itself among them."""
        return [entry for entry in self.board.ranked if entry.tied]


def _contest() -> Q:
    return Q(contest_team__isnull=False) & ~Q(phase__kind=Phase.Kind.LATE)


def public(competition: Competition, viewer, *, metric: str = "", all_entries: bool = False) -> Board:
    """The public standings, teams and baselines; late submissions are not on it."""
    rows = _contest() | Q(baseline=True)
    return standings.among(
        competition.benchmark, viewer, "public", rows, "contest", metric=metric, all_entries=all_entries
    )


def final(competition: Competition, viewer, *, metric: str = "") -> Board:
    """The result: each team's best final submission on private cases, and the baselines. Raises NotFound before the reveal."""
    if competition.status != Competition.Status.REVEALED:
        raise NotFound("not_revealed", "There are no private standings before the reveal.", "See when it is.")
    rows = Q(contest_team__isnull=False, final=True) | Q(baseline=True)
    return standings.among(competition.benchmark, viewer, "private", rows, "final", metric=metric)


def private(competition: Competition, viewer) -> Board:
    """Every entry on private cases. For judging.private_scores alone, which asks who looks, and why."""
    rows = _contest() | Q(baseline=True)
    return standings.among(competition.benchmark, viewer, "private", rows, "judges", all_entries=True)


def late(competition: Competition, viewer) -> Board:
    """Late submissions on private cases, after the reveal: shown apart, never ranked among the teams'."""
    if competition.status != Competition.Status.REVEALED:
        raise NotFound("not_revealed", "There are no private standings before the reveal.", "See when it is.")
    return standings.among(competition.benchmark, viewer, "private", Q(phase__kind=Phase.Kind.LATE), "late")


def shakeup(competition: Competition, viewer) -> Shakeup:
    """The result beside the public standings of the same teams: those that took their entry back count in neither.

    Raises NotFound before the reveal.
    """
    board, before = final(competition, viewer), public(competition, viewer)
    there = {entry.submission.contest_team_id for entry in board.entries} - {None}
    public_rows = [entry for entry in before.ranked if entry.submission.contest_team_id in there]
    earlier = {entry.submission.contest_team_id: entry for entry in public_rows}
    ranks = {team: 1 + sum(_above(other, entry) for other in public_rows) for team, entry in earlier.items()}
    teams = [entry for entry in board.entries if entry.submission.contest_team_id]
    moves = []
    for entry in teams:
        team = entry.submission.contest_team_id
        own = 1 + sum(_above(other, entry) for other in teams) if entry.rank is not None else None
        moves.append(Move(entry, earlier.get(team), ranks.get(team), own))
    both = [(move.public, move.private) for move in moves if move.by is not None]
    tau = statistics.kendall_tau(*zip(*both, strict=True)) if len(both) > 2 else None
    return Shakeup(board, moves, tau)


def _above(other: Entry, entry: Entry) -> bool:
    """Baselines between teams do not count as ranks of teams."""
    return other.rank is not None and entry.rank is not None and other.rank < entry.rank
