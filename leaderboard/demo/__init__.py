"""The demonstration: one file per benchmark, on real public data, held out honestly. The registry loads this folder.

Each module exposes `DEMO`. Importing one is cheap: data, training libraries and torch are touched only inside the
functions, which `python -m leaderboard.demo` calls in a process of its own. Modules with a leading underscore are shared.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Baseline:
    """One entry of a demo board, made from the training part alone.

    `make(folder)` writes into an empty folder and returns the prediction file, or for weights the model folder itself
    (config.json, the parameters, README.md as model card).
    """

    name: str  # as the board shows it
    kind: Literal["predictions", "weights"]
    make: Callable[[Path], Path]
    description: str
    model: str = ""  # for weights: its name in the zoo
    external_data: str = ""


@dataclass(frozen=True)
class Demo:
    """A benchmark of the demonstration.

    `package(folder)` writes a benchmark package; `held_out()` gives two sets, the identities of the cases the entries
    learnt from and of those they are judged on, which never meet. `seconds` is about what building takes on one core.
    """

    slug: str
    package: Callable[[Path], None]
    entries: Callable[[], list[Baseline]]
    held_out: Callable[[], tuple[set, set]]
    needs: tuple[str, ...] = ()  # files or folders of the shared data; none: everything comes with the requirements
    wants: tuple[str, ...] = ()  # shared data that adds an entry where it is there
    seconds: int = 5
    modules: tuple[str, ...] = field(default=())  # the shared modules it builds with; they are part of its digest
    short: bool = False  # part of the short selection, which `make demo` builds without ALL=1
    literature: bool = (
        False  # a task known from papers alone: `package` writes task.yaml and claims.yaml, see literature.py
    )
    picture: Callable | None = (
        None  # an (h, w) or (h, w, 3) uint8 array for the task's page; not where the licence forbids
    )
    credit: str = ""  # of the picture: its source and licence


def load() -> Mapping[str, Demo]:
    """{module name: DEMO} of every demo in this folder, in the alphabet's order."""
    found = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name):
        if not module.name.startswith("_"):
            found[module.name] = importlib.import_module(f"{__name__}.{module.name}").DEMO
    return found
