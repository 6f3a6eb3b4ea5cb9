"""Addresses of the leaderboard's pages. The zoo's `<owner>/<name>` comes after these."""

from django.urls import path

from leaderboard.views import (
    benchmarks,
    client,
    docs,
    health,
    home,
    organise,
    plots,
    preferences,
    search,
    submissions,
    submit,
    tasks,
    workers,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("tasks/", tasks.tasks, name="tasks"),
    path("tasks/<str:slug>/", tasks.task, name="task"),
    path("tasks/<str:slug>/picture.png", tasks.picture, name="task_picture"),
    path("benchmarks/", benchmarks.benchmarks, name="benchmarks"),
    path("benchmarks/new/", organise.new, name="benchmark_new"),  # before <slug>; the loader keeps this slug free
    path("benchmarks/<str:slug>/", benchmarks.benchmark, name="benchmark"),
    path("benchmarks/<str:slug>/plots/", plots.board, name="benchmark_plots"),
    path("benchmarks/<str:slug>/submit/", submit.submit, name="submit"),
    path("benchmarks/<str:slug>/publish/", organise.publish, name="benchmark_publish"),
    path("benchmarks/<str:slug>/close/", organise.close, name="benchmark_close"),
    path("submissions/", submissions.submissions, name="submissions"),
    path("submissions/<int:pk>/", submissions.submission, name="submission"),
    path("submissions/<int:pk>/plots/", plots.submission, name="submission_plots"),
    path("submissions/<int:pk>/cancel/", submissions.cancel, name="submission_cancel"),
    path("submissions/<int:pk>/withdraw/", submissions.withdraw, name="submission_withdraw"),
    path("workers/", workers.page, name="workers"),
    path("submissions/<int:pk>/safety/", submissions.safety, name="submission_safety"),
    path("competitions/", home.competitions, name="competitions"),
    path(".well-known/kensa-receipts.json", docs.receipt_key, name="receipt_key"),
    path("client/", client.page, name="client"),
    path("client/kensa.py", client.source, name="client_source"),
    path("client/simple/", client.index),
    path("client/simple/<str:project>/", client.index),
    path("client/<str:name>", client.wheel, name="client_wheel"),
    path("docs/metrics/", docs.metrics, name="metrics_docs"),
    path("search/", search.search, name="search"),
    path("settings/theme/", preferences.theme, name="theme"),
    path("settings/language/", preferences.language, name="language"),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", health.metrics, name="metrics"),
]
