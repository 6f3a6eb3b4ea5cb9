"""Upload to visible score: a prediction file of 10,000 rows through REST on a warm service, timed as a user waits.

`python -m tests.speed.upload` prints the seconds of each try; nothing is asserted.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.journeys.service import Service
from tests.packages import binary, binary_answer

TRIES = 5


def measure(rows: int = 10_000, tries: int = TRIES) -> list[float]:
    """Seconds from the first byte sent to the score in the API's answer, for `tries` different files of `rows` rows."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        labels = binary(folder / "package", n=rows, resample={"unit": "patient_id", "resamples": 2000})
        with Service(folder / "service") as service:
            service.manage("load_benchmark", folder / "package")
            token = service.token("operator", "admin")
            for number in range(tries + 1):  # the first warms the worker
                binary_answer(folder / "answer.csv", labels, seed=number)
                begin = time.perf_counter()
                submitted = service.submit("tumour-or-not", token, folder / "answer.csv")
                if submitted.status_code >= 300:
                    raise SystemExit(submitted.text)
                while service.get(f"/api/v1/submissions/{submitted.json()['id']}", token).json()["status"] != "scored":
                    time.sleep(0.05)
                if number:
                    seconds.append(time.perf_counter() - begin)
    return seconds


if __name__ == "__main__":
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    print("seconds:", ", ".join(f"{item:.2f}" for item in found), f"; median {statistics.median(found):.2f}")
