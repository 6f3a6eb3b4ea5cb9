"""The command lines that pages show: the same submission from a shell, ready to be copied."""

import shlex

from django.utils.translation import gettext as _

from leaderboard.models import Benchmark

EXTENSIONS = {"segmentation": ".zip", "restoration": ".zip"}


def commands(request, benchmark: Benchmark) -> list[tuple[str, str]]:
    """(title, command) for what the benchmark accepts; addresses as this request reached us."""
    accepts = benchmark.package.manifest.get("accepts", [])
    api = request.build_absolute_uri(f"/api/v1/benchmarks/{benchmark.slug}")
    found = []
    if "predictions" in accepts:
        file = "predictions" + EXTENSIONS.get(benchmark.kind, ".csv")
        found.append((_("Get the sample submission"), f"curl -OJ {shlex.quote(api + '/sample-submission')}"))
        found.append((_("Submit a prediction file"), _post(api, f"file=@{file}")))
    if "weights" in accepts:
        found.append((_("Submit a model revision"), _post(api, "model=owner/name@revision")))
    return found


def package(request) -> str:
    """The command line that hands in a benchmark package."""
    lines = (
        'curl -H "Authorization: Bearer $TOKEN"',
        "  -F file=@package.zip",
        f"  -F owner={shlex.quote(request.user.get_username())}",
        f"  {shlex.quote(request.build_absolute_uri('/api/v1/benchmarks'))}",
    )
    return " \\\n".join(lines)


def _post(api: str, part: str) -> str:
    lines = (
        'curl -H "Authorization: Bearer $TOKEN"',
        f"  -F {part}",
        f'  -F name="{_("Name of the entry")}"',
        f"  {shlex.quote(api + '/submissions')}",
    )
    return " \\\n".join(lines)
