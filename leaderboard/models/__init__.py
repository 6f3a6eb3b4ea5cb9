"""What people see and do: tasks, benchmarks, competitions, submissions, claims, standings."""

from leaderboard.models.benchmarks import Benchmark, Claim, Task
from leaderboard.models.competitions import Audit, Competition, Officer, Participant, Phase, Team
from leaderboard.models.notices import Delivery, Notice, Webhook, Wish
from leaderboard.models.standings import Computation, Yardstick
from leaderboard.models.submissions import Quota, Submission
from leaderboard.models.talk import Announcement, Post, Thread

__all__ = [
    "Announcement",
    "Audit",
    "Benchmark",
    "Claim",
    "Competition",
    "Computation",
    "Delivery",
    "Notice",
    "Officer",
    "Participant",
    "Phase",
    "Post",
    "Quota",
    "Submission",
    "Task",
    "Team",
    "Thread",
    "Webhook",
    "Wish",
    "Yardstick",
]
