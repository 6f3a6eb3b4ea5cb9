"""Where the demonstration's data lies: the shared folder, what was downloaded before, or the medmnist package's download."""

import contextlib
import importlib.util
import io
import socket
from pathlib import Path

from django.conf import settings

HOW = {
    "medmnist": "Put {file} into {folder}, or set KENSA_SHARED_DATA to a folder that has {need}; with internet access it is "
    "downloaded from medmnist.com's archive.",
    "hippocampus_msd_task04": "Get Task04_Hippocampus from medicaldecathlon.com and put imagesTr as images/ and labelsTr as "
    "labels/ into {folder}, or set KENSA_SHARED_DATA to a folder that has {need}.",
    "sksurv": "It comes with scikit-survival, which is GPL-3 and no part of the service: pip install scikit-survival.",
}
DOWNLOAD_SECONDS = 20


class Missing(Exception):
    """Data that is not here; the message says how to get it."""


def find(need: str) -> Path:
    """The path of a file or folder of the shared data, such as `medmnist/breastmnist.npz`. Raises Missing."""
    found = present(need) or (_download(need) if need.startswith("medmnist/") else None)
    if found is None:
        raise Missing(how_to_get(need))
    return found


def present(need: str) -> Path | None:
    """The path where it lies on this machine already, else None; of `sksurv/...` inside that package, where it is installed."""
    if need.startswith("sksurv/"):
        spec = importlib.util.find_spec("sksurv")
        path = Path(spec.origin).parent.parent / need if spec else None
        return path if path and path.exists() else None
    for folder in (settings.SHARED_DATA, settings.DATA_DIR / "demo" / "data"):
        if (folder / need).exists():
            return folder / need
    return None


def how_to_get(need: str) -> str:
    source, _, file = need.partition("/")
    folder = settings.SHARED_DATA / source
    words = HOW.get(source, "Put it into {folder}, or set KENSA_SHARED_DATA to a folder that has {need}.")
    return f"{need} is not here. " + words.format(file=file, folder=folder, need=need)


def fingerprint(need: str) -> list:
    """Names and sizes of a need's files: what tells an artefact that its data is still the same."""
    path = present(need)
    if path is None:
        return []
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [[file.name, file.stat().st_size] for file in files if file.is_file()]


def packaged(package: str, *parts: str) -> Path:
    """A data file inside an installed package, found without importing it."""
    spec = importlib.util.find_spec(package.partition(".")[0])
    return Path(spec.origin).parent.joinpath(*package.split(".")[1:], *parts)


def _download(need: str) -> Path | None:
    """Through the medmnist package, where there is internet; None otherwise."""
    import medmnist

    folder = settings.DATA_DIR / "demo" / "data" / "medmnist"
    folder.mkdir(parents=True, exist_ok=True)
    name = Path(need).stem
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(DOWNLOAD_SECONDS)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            getattr(medmnist, medmnist.INFO[name]["python_class"])(split="test", root=str(folder), download=True)
    except (OSError, RuntimeError):
        (folder / f"{name}.npz").unlink(missing_ok=True)  # a half-loaded file
        return None
    finally:
        socket.setdefaulttimeout(before)
    return folder / f"{name}.npz"
