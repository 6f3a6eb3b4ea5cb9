"""`python -m leaderboard.demo NAME FOLDER` builds one demo: its package and every entry, in a process of its own.

torch may be imported here: this is neither the web process nor the Celery parent. It tells its steps as lines of JSON and
ends with 3 where data is missing, saying how to get it.
"""

import json
import os
import sys
from pathlib import Path

from leaderboard import demo as demos
from leaderboard.demo import _artefacts, _data, _writing


def main(name: str, folder: Path) -> int:
    demo = demos.load()[name]
    try:
        for need in demo.needs:
            _data.find(need)
    except _data.Missing as missing:
        print(json.dumps({"missing": str(missing)}), flush=True)
        return _artefacts.MISSING
    entries = demo.entries()
    total = len(entries) + 1
    print(json.dumps({"step": "package", "number": 1, "of": total}), flush=True)
    demo.package(folder / "package")
    if demo.picture:
        _writing.picture(folder / _artefacts.PICTURE, demo.picture())
    for number, entry in enumerate(entries, start=2):
        print(json.dumps({"step": entry.name, "number": number, "of": total}), flush=True)
        place = folder / "entries" / str(number - 2)
        place.mkdir(parents=True)
        path = entry.make(place)
        _artefacts.note(place, path)
    return 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
