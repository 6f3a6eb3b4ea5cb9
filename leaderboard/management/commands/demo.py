"""`manage.py demo`: build, publish and evaluate the demonstration on real data, and print its boards. Safe to repeat."""

import contextlib

import redis
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from evaluators import broker, supervisor
from leaderboard import demo as demos
from leaderboard.demo import _board, _progress, _show


class Command(BaseCommand):
    help = "Load the demonstration's benchmarks, evaluate their baselines through a worker, print the boards."

    def add_arguments(self, parser):
        parser.add_argument("--only", help="names of demos, with commas between: " + ", ".join(demos.load()))

        parser.add_argument(
            "--all", action="store_true", dest="whole", help="the whole gallery, not the short selection"
        )

    def handle(self, *args, only, whole, **options):
        chosen = _chosen(only, whole)
        say = _progress.Progress(self.stdout)
        say.line("database and static files")
        call_command("prepare")
        with _service(say) as alive:
            show = _show.Show(chosen, say, alive)
            try:
                show.work()
            except _show.Stalled as stalled:
                raise CommandError(str(stalled)) from None
            except KeyboardInterrupt:
                raise CommandError("Stopped. The same command goes on from here.") from None
        for board in show.boards():
            self.stdout.write("\n" + _board.text(board))
        for text in show.skipped:
            self.stdout.write(f"\nSkipped: {text}")
        self.stdout.write(f"\n{len(show.made)} boards in {say.elapsed():.0f} s.")
        if show.failed:
            raise CommandError("\n".join(show.failed))


def _chosen(only: str | None, whole: bool) -> dict[str, demos.Demo]:
    known = demos.load()
    if not only:
        return {name: demo for name, demo in known.items() if whole or demo.short}
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise CommandError(f"no demo {', '.join(unknown)}; there are {', '.join(known)}")
    return {name: known[name] for name in names}


@contextlib.contextmanager
def _service(say):
    """A broker and a worker: those of a service that runs already, else our own for as long as the body runs."""
    if broker.embedded() and _answers():
        say.line("using the service that runs on this data folder")
        yield lambda: True
        return
    log = settings.DATA_DIR / "demo" / "worker.log"
    log.parent.mkdir(exist_ok=True)
    parts = [broker.part()] if broker.embedded() else []
    for part in parts:
        part.log = log
    # Two runs at a time: while one reads its files the other computes.
    parts.append(supervisor.worker(2, log=log))
    say.line(f"starting a worker; its log is {log}")
    keeper = supervisor.Supervisor(parts, say=say.line)
    with keeper.beside() as alive:
        yield alive


def _answers() -> bool:
    try:
        return bool(redis.Redis.from_url(settings.REDIS_URL.replace("redis+socket://", "unix://", 1)).ping())
    except redis.RedisError:
        return False
