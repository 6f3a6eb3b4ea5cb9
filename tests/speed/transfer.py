"""A file of 2 GB to and from Kensa, beside nginx on the same file and disk, and beside `dd` with `sha256sum`.

Downloads are curl's, one and eight at once, from gunicorn alone and through nginx with X-Accel-Redirect; the uploads are
curl's PUT to REST. Rounds alternate; the quickest upload counts, and the median of the downloads. `python -m tests.speed.transfer [MiB]` runs this alone.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import requests
import yaml

from leaderboard.management.commands.serve import THREADS

ROOT = Path(__file__).parents[2]
SIZE = 2000 << 20
ROUNDS, SINGLE, MANY = 3, 8, 6  # of uploads, of downloads one at a time, and of eight at once
NGINX = """
{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes auto;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{plain}; root {folder}/plain; sendfile on; tcp_nopush on; default_type application/octet-stream; }}
  {kensa}
}}
"""


class Site:
    """Kensa under gunicorn, the same behind the nginx of docker-compose.yml, and nginx alone on the file."""

    def __init__(self, folder: Path, stack: ExitStack, size: int):
        self.folder, self.stack = folder, stack
        self.direct, self.behind, self.proxy, self.plain = (free_port() for _ in range(4))
        self.env = os.environ | {"KENSA_DATA_DIR": str(folder / "data"), "KENSA_LOG_LEVEL": "WARNING"}
        for name in ("DATABASE_URL", "REDIS_URL", "KENSA_STORAGE_URL", "KENSA_ACCEL"):
            self.env.pop(name, None)
        self.file = folder / "plain" / "big.bin"
        self.file.parent.mkdir()
        with self.file.open("wb") as out:
            for _ in range(size >> 20):
                out.write(os.urandom(1 << 20))
        self.manage("prepare")
        self.token = self.manage("create_token", "ann", "--scope", "write").strip()
        self.gunicorn(self.direct, {})
        self.gunicorn(self.behind, {"KENSA_ACCEL": "1", "KENSA_BEHIND_PROXY": "1"})
        config = folder / "nginx.conf"
        config.write_text(
            NGINX.format(
                user="user root;" if os.geteuid() == 0 else "",
                folder=folder,
                plain=self.plain,
                kensa=self.kensa_of_nginx(),
            )
        )
        self.start([shutil.which("nginx") or "/usr/sbin/nginx", "-p", str(folder), "-c", str(config)], {})
        for port in (self.direct, self.behind, self.proxy, self.plain):
            answers(port)
        made = requests.post(
            f"http://127.0.0.1:{self.direct}/api/v1/models", json={"name": "big"}, headers=self.bearer(), timeout=30
        )
        made.raise_for_status()

    def bearer(self) -> dict:
        return {"Authorization": f"Bearer {self.token}"}

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.env, check=True, capture_output=True, text=True).stdout

    def start(self, command: list[str], environment: dict) -> None:
        process = subprocess.Popen(
            command, cwd=ROOT, env=self.env | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.stack.callback(process.wait, 30)
        self.stack.callback(process.terminate)

    def gunicorn(self, port: int, environment: dict) -> None:
        command = [sys.executable, "-m", "gunicorn", "leaderboard.wsgi:application", "--bind", f"127.0.0.1:{port}"]
        self.start([*command, "--worker-class", "gthread", "--threads", str(THREADS), "--timeout", "120"], environment)

    def kensa_of_nginx(self) -> str:
        text = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["configs"]["nginx"]["content"]
        text = text.replace("$$", "$").replace("web:8000", f"127.0.0.1:{self.behind}")
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self.proxy}")
        return text.replace("/data/blobs/", f"{self.folder}/data/blobs/")

    def upload(self) -> None:
        """Sends the file as one nobody has sent: nothing of it is stored when this begins."""
        url = f"http://127.0.0.1:{self.direct}/api/v1/models/ann/big/files/big.npz"
        run(["curl", "-sfT", str(self.file), "-H", f"Authorization: Bearer {self.token}", "-o", "/dev/null", url])

    def forget(self) -> None:
        url = f"http://127.0.0.1:{self.direct}/api/v1/models/ann/big/commits/main"
        requests.post(url, json={"delete": ["big.npz"]}, headers=self.bearer(), timeout=30).raise_for_status()
        for path in self.kept():
            path.unlink()

    def kept(self) -> list[Path]:
        """Where the upload lies in the store."""
        files = (path for path in (self.folder / "data" / "blobs").rglob("*") if path.is_file())
        return [path for path in files if path.stat().st_size == self.file.stat().st_size]

    def share(self) -> None:
        """From now on nginx alone, too, reads the file in the store: the same bytes, blocks and pages in memory."""
        (kept,) = self.kept()
        self.file.unlink()
        self.file.hardlink_to(kept)

    def copy_and_hash(self) -> None:
        copy = self.folder / "copy.bin"
        run(["dd", f"if={self.file}", f"of={copy}", "bs=1M", "status=none"])
        run(["sha256sum", str(self.file)])
        copy.unlink()


def rows(size: int = SIZE, rounds: int = ROUNDS) -> Iterator[dict]:
    with tempfile.TemporaryDirectory(prefix="kensa-speed-") as folder, ExitStack() as stack:
        site = Site(Path(folder), stack, size)
        yield from _uploads(site, size, rounds)
        yield from _downloads(site, size, rounds)


def _uploads(site: Site, size: int, rounds: int) -> Iterator[dict]:
    copied, sent = [], []
    for number in range(rounds):
        if number:
            site.forget()
        os.sync()
        sent.append(timed(site.upload))
        os.sync()
        copied.append(timed(site.copy_and_hash))
    yield row(f"upload of {size >> 20} MiB, PUT", "dd + sha256sum of the same file", min(copied), min(sent), 0.5)


def _downloads(site: Site, size: int, rounds: int) -> Iterator[dict]:
    site.share()
    path = "/ann/big/resolve/main/big.npz"
    addresses = {
        "nginx": f"http://127.0.0.1:{site.plain}/big.bin",
        "gunicorn": f"http://127.0.0.1:{site.direct}{path}",
        "X-Accel": f"http://127.0.0.1:{site.proxy}{path}",
    }
    for readers in (1, 8):
        seconds: dict[str, list[float]] = {name: [] for name in addresses}
        for _ in range(rounds * (MANY if readers > 1 else SINGLE) // ROUNDS):
            for name, url in addresses.items():
                seconds[name].append(timed(lambda url=url: fetch(url, readers, size)))  # noqa: B023 - called at once
        usual = {name: median(found) for name, found in seconds.items()}
        what = f"{readers} downloads of {size >> 20} MiB at once" if readers > 1 else f"download of {size >> 20} MiB"
        yield row(f"{what}, gunicorn", "nginx on the same file", usual["nginx"], usual["gunicorn"], 0.8)
        yield row(f"{what}, X-Accel", "nginx on the same file", usual["nginx"], usual["X-Accel"], 0.95)


def fetch(url: str, readers: int, size: int) -> None:
    command = ["curl", "-sf", "-o", "/dev/null", "-w", "%{size_download}", url]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(readers)]
    for process in processes:
        got = process.communicate()[0]
        if process.returncode or int(re.sub(r"\D", "", got)) != size:
            raise SystemExit(f"{url}: curl ended with {process.returncode} after {got} bytes")


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def row(job: str, library: str, library_s: float, kensa_s: float, target: float) -> dict:
    return {
        "job": job, "library": library, "library_s": library_s, "kensa_s": kensa_s, "ratio": library_s / kensa_s,
        "target": target,
    }  # fmt: skip


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port: int) -> None:
    for _ in range(300):
        try:
            requests.get(f"http://127.0.0.1:{port}/models/", timeout=60)
            return
        except requests.RequestException:
            time.sleep(0.1)
    raise SystemExit(f"nothing answers on port {port}")


if __name__ == "__main__":
    for each in rows(int(sys.argv[1]) << 20 if len(sys.argv) > 1 else SIZE):
        print(
            f"{each['job']:45} {each['library']:32} {each['library_s']:7.3f} s  Kensa {each['kensa_s']:7.3f} s  "
            f"ratio {each['ratio']:.2f} (target {each['target']})",
            flush=True,
        )
