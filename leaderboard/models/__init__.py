"""What people see and do: tasks, benchmarks, submissions, claims."""

from leaderboard.models.benchmarks import Benchmark, Claim, Task
from leaderboard.models.submissions import Quota, Submission

__all__ = ["Benchmark", "Claim", "Quota", "Submission", "Task"]
