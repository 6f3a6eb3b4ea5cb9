"""What people see and do: tasks, benchmarks, submissions, claims, standings."""

from leaderboard.models.benchmarks import Benchmark, Claim, Task
from leaderboard.models.standings import Ranking
from leaderboard.models.submissions import Quota, Submission

__all__ = ["Benchmark", "Claim", "Quota", "Ranking", "Submission", "Task"]
