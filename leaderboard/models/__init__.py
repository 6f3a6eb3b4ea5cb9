"""What people see and do: tasks, benchmarks, competitions, submissions, claims, standings."""

from leaderboard.models.benchmarks import Benchmark, Claim, Task
from leaderboard.models.competitions import Audit, Competition, Officer, Participant, Phase, Team
from leaderboard.models.standings import Computation, Yardstick
from leaderboard.models.submissions import Quota, Submission

__all__ = [
    "Audit",
    "Benchmark",
    "Claim",
    "Competition",
    "Computation",
    "Officer",
    "Participant",
    "Phase",
    "Quota",
    "Submission",
    "Task",
    "Team",
    "Yardstick",
]
