"""`kensa_check.py`: the check of one benchmark's answers as a single file, made of the very modules that check here.

It holds what a participant may know of the package: kind, classes, limits, geometry of the inputs, and the case ids in order.
"""

import ast
import base64
import functools
import io
import json
import zipfile
from pathlib import Path

import evaluators
from leaderboard import cases
from leaderboard.models import Benchmark

ROOT = Path(evaluators.__file__).resolve().parent.parent
MOMENT = (1980, 1, 1, 0, 0, 0)  # so that the same code gives the same bytes
TOLD = ("slug", "version", "title", "kind", "classes", "multilabel", "instances", "dimensions", "label_values", "geometry", "limits")  # fmt: skip

SCRIPT = '''#!/usr/bin/env python3
"""Check an answer to "{title}" (version {version}) offline: python kensa_check.py ANSWER

The very check that the server runs, from the server's own modules (evaluators.readers, packed below), so what passes here
is taken there. Needs Python 3.11 and numpy; for Parquet pyarrow, for volumes nibabel or pillow. Exit code: 0 no fault, 1 faults.
"""

import base64
import json
import sys
import tempfile
from pathlib import Path

BENCHMARK = json.loads({facts})
MODULES = """
{modules}
"""


def check(path):
    """The faults of the file, as the server lists them; an empty list where there is none."""
    from evaluators import readers
    from evaluators.faults import Faults

    manifest, ids = BENCHMARK["manifest"], BENCHMARK["ids"]
    try:
        whole = readers.check(manifest, ids, Path(path), Path(path).name)
        if not whole:
            with tempfile.TemporaryDirectory() as work:
                readers.read_predictions(manifest, ids, Path(path), Path(work), Path(path).name)
    except Faults as found:
        return [fault.as_dict() for fault in found.faults], found.count
    return [], 0


def main(arguments):
    if len(arguments) not in (1, 2) or not Path(arguments[0]).is_file():
        print("usage: python kensa_check.py ANSWER [--json]", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder, "evaluators.zip")
        packed.write_bytes(base64.b64decode(MODULES))
        sys.path.insert(0, str(packed))
        faults, count = check(arguments[0])
    if "--json" in arguments:
        print(json.dumps({{"faults": faults, "count": count}}))
        return int(count > 0)
    for fault in faults:
        place = ":".join(str(fault[key]) for key in ("file", "line", "column") if fault[key] not in (None, ""))
        print(f"{{place}}: {{fault['message']}}" + (f" ({{fault['hint']}})" if fault["hint"] else ""))
    print(f"{{count}} faults." if count else "No fault.")
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
'''


def script(benchmark: Benchmark) -> str:
    """The source of `kensa_check.py` for a benchmark."""
    manifest = {key: benchmark.package.manifest[key] for key in TOLD if key in benchmark.package.manifest}
    facts = json.dumps({"manifest": manifest, "ids": sorted(cases.of(benchmark.package).ids)})
    title = " ".join(benchmark.title.replace("\\", "/").replace('"', "'").split())
    packed = base64.encodebytes(_packed()).decode().strip()
    return SCRIPT.format(title=title, version=benchmark.version, facts=ascii(facts), modules=packed)


@functools.cache
def _packed() -> bytes:
    """A zip of the modules that evaluators.readers imports, directly or not."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(_needed()):
            archive.writestr(
                zipfile.ZipInfo(str(path.relative_to(ROOT)), MOMENT), path.read_bytes(), zipfile.ZIP_DEFLATED
            )
    return out.getvalue()


def _needed() -> set[Path]:
    todo, found = sorted((ROOT / "evaluators" / "readers").glob("*.py")), {ROOT / "evaluators" / "__init__.py"}
    while todo:
        path = todo.pop()
        if path in found:
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("evaluators"):
                names = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
                todo += [place for name in names for place in _places(name)]
    return found


def _places(module: str) -> list[Path]:
    path = ROOT.joinpath(*module.split("."))
    return [place for place in (path.with_suffix(".py"), path / "__init__.py") if place.is_file()]
