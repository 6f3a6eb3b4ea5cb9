"""Tasks known from papers alone, written as task.yaml and claims.yaml."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from leaderboard.demo import Demo, _writing


def demo(task: Mapping, claims: Iterable[Mapping], note: str = "", command: str = "") -> Demo:
    """A demo without a case: its claims stand on the page of its task."""
    cited = list(claims)

    def write(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        said = {"note": note, "command": command}
        content = {"task": dict(task)} | {name: text for name, text in said.items() if text}
        (folder / "task.yaml").write_text(_writing.text(content), "utf-8")
        (folder / "claims.yaml").write_text(_writing.text(cited), "utf-8")

    return Demo(
        slug=task["slug"],
        package=write,
        entries=list,
        held_out=lambda: (set(), set()),
        seconds=1,
        modules=("_papers",),
        literature=True,
    )
