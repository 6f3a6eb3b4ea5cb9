"""What people see and do: tasks, benchmarks, competitions, submissions, claims, standings."""

from leaderboard.models.benchmarks import Benchmark, Claim, Task
from leaderboard.models.competitions import Audit, Competition, Officer, Participant, Phase, Team
from leaderboard.models.standings import Ranking
from leaderboard.models.submissions import Quota, Submission

__all__ = [
    "Audit",
    "Benchmark",
    "Claim",
    "Competition",
    "Officer",
    "Participant",
    "Phase",
    "Quota",
    "Ranking",
    "Submission",
    "Task",
    "Team",
]
