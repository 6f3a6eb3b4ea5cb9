"""`manage.py rerun`: evaluate one, some or all scored runs again with the evaluator there is now, and compare.

What is repeated stands until the new run is scored, and is kept beside it. Runs of this very evaluator are left out, unless
`--again` asks for them: there the numbers must be the same.
"""

import time

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

import evaluators
from evaluators import provenance, runs
from evaluators.models import Run
from leaderboard.models import Benchmark


class Command(BaseCommand):
    help = "Evaluate runs again after the evaluator changed; old runs are kept."

    def add_arguments(self, parser):
        parser.add_argument("runs", nargs="*", type=int, help="numbers of runs")
        parser.add_argument("--benchmark", help="all runs of a benchmark: its slug, or slug@version")
        parser.add_argument("--all", action="store_true", help="every run there is")
        parser.add_argument("--again", action="store_true", help="runs of this very evaluator too")
        parser.add_argument("--wait", action="store_true", help="until every repetition has ended; then compare")
        parser.add_argument("--compare", action="store_true", help="repeat nothing: compare the repetitions there are")

    def handle(self, *args, **options):
        rows = Run.objects.filter(_chosen(options), status=Run.Status.SCORED)
        if options["compare"]:
            self.compare(Run.objects.filter(replaces__in=rows))
            return
        rows = rows.filter(superseded_by=None).order_by("created", "pk")
        if not options["again"]:
            rows = [run for run in rows if not _current(run)]
        repeated = [runs.repeat(run) for run in rows]
        heard = sum([runs.ring(run) for run in repeated])
        self.stdout.write(
            f"{len(repeated)} runs queued, {heard} workers rung for; they go after everything else that waits."
        )
        if options["wait"]:
            self.wait([run.pk for run in repeated])
            self.compare(Run.objects.filter(pk__in=[run.pk for run in repeated]))

    def wait(self, pks: list[int]) -> None:
        while left := Run.objects.filter(pk__in=pks, status__in=Run.OPEN).count():
            self.stdout.write(f"{left} left")
            time.sleep(2)

    def compare(self, rows) -> None:
        """A line for each headline of each repetition: before, now, the difference."""
        self.stdout.write("before  now  metric  value before  value now  difference")
        same = changed = 0
        for run in rows.select_related("replaces").order_by("pk"):
            if run.status != Run.Status.SCORED:
                self.stdout.write(f"{run.replaces_id}  {run.pk}  {run.status}: {run.error or 'no score'}")
                continue
            before = {(s.metric, s.subset, s.part): s.value for s in run.replaces.scores.all()}
            for score in run.scores.all():
                old = before.get((score.metric, score.subset, score.part))
                same, changed = same + (old == score.value), changed + (old != score.value)
                if score.subset == "all" and not score.part:
                    difference = None if None in (old, score.value) else score.value - old
                    self.stdout.write(
                        f"{run.replaces_id}  {run.pk}  {score.metric}  {old}  {score.value}  {difference}"
                    )
        self.stdout.write(f"{same} values are the same to the last digit, {changed} are not.")


def _current(run: Run) -> bool:
    code = run.provenance.get("code")
    return run.evaluator == evaluators.__version__ and code == provenance.code_digest()


def _chosen(options) -> Q:
    if options["all"]:
        return Q()
    if options["benchmark"]:
        slug, _, version = options["benchmark"].partition("@")
        found = Benchmark.objects.filter(slug=slug, **({"version": version} if version else {"current": True})).first()
        if found is None:
            raise CommandError(f"There is no benchmark {options['benchmark']}.")
        return Q(package=found.package_id)
    if not options["runs"]:
        raise CommandError("Name runs, or --benchmark SLUG, or --all.")
    return Q(pk__in=options["runs"])
