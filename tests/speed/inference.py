"""Throughput of a run of weights against a bare PyTorch loop over the same network, pictures and threads; on CUDA where it is.

Warm: inputs that an earlier run left prepared, against a loop over arrays that are already in memory. Cold: nothing prepared, against
a loop that decodes and transforms each picture (timm's own transform). Of a run counts what lies between its first real case
and its last; start-up is printed beside it. `python -m tests.speed.inference [warm] [cold]`.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

SECONDS = float(os.environ.get("KENSA_SPEED_SECONDS", 60))  # that the bare loop takes at least
FILES, SIDE, CLASSES = 128, 256, 5
ARCHITECTURE, CASES_AT_ONCE = "resnet18", 64
MANIFEST = {
    "slug": "s",
    "version": 1,
    "kind": "classification",
    "classes": [f"c{n}" for n in range(CLASSES)],
    "multilabel": False,
}
CFG = {"input_size": [3, 224, 224], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "interpolation": "bicubic",
       "crop_pct": 0.95}  # fmt: skip
LOOP = """
import json, sys, time
start = time.perf_counter()
import timm, torch
from PIL import Image
from safetensors.torch import load_file
folder, files, how, count, threads, size = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], *map(int, sys.argv[4:])
torch.set_num_threads(threads)
config = json.load(open(folder + "/config.json"))
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
network = timm.create_model(config["architecture"], num_classes=config["num_classes"]).eval()
network.load_state_dict(load_file(folder + "/model.safetensors"))
network.to(device)
cfg = {k: tuple(v) if isinstance(v, list) else v for k, v in config["pretrained_cfg"].items()}
transform = timm.data.create_transform(**timm.data.resolve_data_config(pretrained_cfg=cfg), is_training=False)
read = lambda path: transform(Image.open(path).convert("RGB"))
kept = {path: read(path) for path in files} if how == "warm" else None
cases = [files[n % len(files)] for n in range(count)]
with torch.inference_mode():
    network(torch.zeros(2, 3, 224, 224, device=device))
    ready, outputs = time.perf_counter(), []
    for first in range(0, count, size):
        batch = torch.stack([kept[p] if kept else read(p) for p in cases[first:first + size]])
        outputs.append(network(batch.to(device)).softmax(1).cpu())
    done = time.perf_counter()
print(json.dumps({"start": ready - start, "run": done - ready, "device": str(device), "mean": torch.cat(outputs).mean(0).tolist()}))
"""


def made(folder: Path) -> list[Path]:
    """A model and pictures in `folder`; the pictures."""
    (folder / "model").mkdir()
    (folder / "package" / "inputs").mkdir(parents=True)
    code = (
        "import sys, timm, torch; from safetensors.torch import save_file; torch.manual_seed(0); "
        f"save_file(timm.create_model('{ARCHITECTURE}', num_classes={CLASSES}).state_dict(), sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(folder / "model" / "model.safetensors")], check=True)
    (folder / "model" / "model.safetensors").chmod(0o644)
    config = {"architecture": ARCHITECTURE, "num_classes": CLASSES, "pretrained_cfg": CFG}
    (folder / "model" / "config.json").write_text(json.dumps(config))
    draw = np.random.default_rng(0)
    coarse = draw.integers(0, 255, (FILES, 32, 32, 3)).astype(np.uint8)
    for number, picture in enumerate(coarse):
        smooth = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        smooth.save(folder / "package" / "inputs" / f"{number:03d}.png")
    return sorted((folder / "package" / "inputs").iterdir())


def loop(folder: Path, files: list[Path], how: str, count: int, threads: int) -> dict:
    """What the bare loop tells: seconds of `start` and `run`, the device, and the mean of its answers."""
    names = json.dumps([str(path) for path in files])
    command = [
        sys.executable,
        "-c",
        LOOP,
        str(folder / "model"),
        names,
        how,
        *map(str, (count, threads, CASES_AT_ONCE)),
    ]
    return json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment(threads)).stdout
    )


def environment(threads: int) -> dict:
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}


def run(folder: Path, files: list[Path], count: int, threads: int, number: int) -> dict:
    """The same for a run of Kensa, as a worker makes it; and whether its inputs were found prepared."""
    from evaluators import predictions, preparation, sandbox

    work = folder / f"run{number}"
    (work / "out").mkdir(parents=True)
    facts = {f"inputs/{path.name}": {"sha256": path.name} for path in files}
    inputs = [f"inputs/{files[n % len(files)].name}" for n in range(count)]
    request = {
        "manifest": MANIFEST,
        "names": ["config.json", "model.safetensors"],
        "threads": threads,
        "inputs": inputs,
    }
    limits = sandbox.Limits(memory=16 << 30, wall=3600)
    start, at = time.perf_counter(), {}

    def hear(message: dict) -> bool:
        if "declares" in message:
            at["ready"] = time.perf_counter()
        if message.get("progress") == 100:
            at["done"] = time.perf_counter()
        return ready.hear(message)

    with preparation.Preparation(facts, folder / "package", work / "ready", inputs, limits) as ready:
        given = {"answer": folder / "model", "inputs": folder / "package" / "inputs", "ready": ready.folder}
        found = sandbox.shared().run(
            "evaluators.child:predict", request, work=work / "out", given=given, limits=limits, heard=hear
        )
    assert found.status == "done", found
    mean = predictions.load(work / "out", "classification", count).mean(axis=0)
    return {"start": at["ready"] - start, "run": at["done"] - at["ready"], "found": ready.found,
            "device": found.value["device"], "mean": mean.tolist()}  # fmt: skip


def rows(wanted=("cold", "warm")) -> Iterator[dict]:
    """One row for each of cold and warm: seconds of the bare loop and of the run, target 0.9 of its throughput."""
    threads = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="kensa-speed-") as place:
        os.environ |= {"KENSA_DATA_DIR": f"{place}/data", "DJANGO_SETTINGS_MODULE": "leaderboard.settings"}
        import django

        django.setup()
        folder = Path(place)
        folder.chmod(0o755)
        files = made(folder)
        trial = loop(folder, files, "warm", 2 * CASES_AT_ONCE, threads)
        count = max(FILES, int(SECONDS * 1.05 * 2 * CASES_AT_ONCE / trial["run"]))
        if "warm" in wanted and "cold" not in wanted:
            run(folder, files, count, threads, 0)  # what leaves the inputs prepared
        for number, how in enumerate(wanted, 1):
            parts = (
                count // 2,
                count - count // 2,
            )  # one before and one after, so that a machine whose pace drifts favours none
            bare = loop(folder, files, how, parts[0], threads)
            kensa = run(folder, files, count, threads, number)
            after = loop(folder, files, how, parts[1], threads)
            bare["run"] += after["run"]
            bare["mean"] = np.average([bare["mean"], after["mean"]], axis=0, weights=parts)
            assert kensa["found"] == (how == "warm") and np.allclose(bare["mean"], kensa["mean"], atol=1e-3), (
                bare,
                kensa,
            )
            words = "already decoded" if how == "warm" else "decoded each time"
            yield {
                "job": f"{ARCHITECTURE}, {count:,} pictures of 224 x 224, {words}; {kensa['device']}, {threads} threads",
                "library": f"bare PyTorch loop (start-up {bare['start']:.1f} s; Kensa's {kensa['start']:.1f} s)",
                "library_s": bare["run"], "kensa_s": kensa["run"], "ratio": bare["run"] / kensa["run"], "target": 0.9,
            }  # fmt: skip


if __name__ == "__main__":
    for found in rows(tuple(sys.argv[1:]) or ("cold", "warm")):
        print(f"{found['job']}\n  {found['library']}: {found['library_s']:.1f} s, Kensa {found['kensa_s']:.1f} s, "
              f"ratio {found['ratio']:.3f} (target {found['target']})", flush=True)  # fmt: skip
