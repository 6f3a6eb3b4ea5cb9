"""Kensa from the command line and from Python: check, submit, watch, read boards, download. Needs Python alone.

kensa login --server https://kensa.example        asks for a token and keeps it
kensa check BENCHMARK answer.csv                  the server's own check, offline
kensa submit BENCHMARK answer.csv --name "My entry" --wait
kensa board BENCHMARK
kensa download owner/name@revision

from kensa import Client
client = Client()                                 # the server and token of `kensa login`
done = client.wait(client.submit("retina", "answer.csv", name="My entry")["id"])
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import hashlib
import http.client
import json
import os
import re
import subprocess
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

__version__ = "0.1.0"
CHUNK = 1 << 20
OPEN = ("queued", "running")
KEPT = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kensa.json"  # server and token


class Problem(Exception):
    """The server's answer to what cannot be done: `.status`, `.code`, `.message`, `.hint`, and the `.faults` of a file."""

    def __init__(self, message: str, hint: str = "", status: int = 0, code: str = "", faults=()):
        super().__init__(message)
        self.message, self.hint, self.status, self.code, self.faults = message, hint, status, code, list(faults)

    def __str__(self) -> str:
        return "\n".join([f"{self.message} {self.hint}".strip(), *map(fault_line, self.faults)])


def fault_line(fault: dict) -> str:
    """`answer.csv:12:3: what is wrong (what to do)`."""
    place = ":".join(str(fault[key]) for key in ("file", "line", "column") if fault.get(key) not in (None, ""))
    hint = f" ({fault['hint']})" if fault.get("hint") else ""
    return f"{place}: {fault['message']}{hint}" if place else f"{fault['message']}{hint}"


def settings() -> dict:
    """Server and token: KENSA_SERVER and KENSA_TOKEN, else what `kensa login` kept."""
    kept = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    server = os.environ.get("KENSA_SERVER") or kept.get("server", "")
    token = os.environ.get("KENSA_TOKEN") or (kept.get("token", "") if server == kept.get("server") else "")
    return {"server": server, "token": token}


class Client:
    """One server, as one person. Every method raises Problem with what to do next."""

    def __init__(self, server: str = "", token: str = "", progress=None):
        known = settings()
        self.server = (server or known["server"]).rstrip("/")
        self.token = token or (known["token"] if self.server == known["server"] else "")
        self.progress = progress or (lambda label, done, total: None)
        if not self.server:
            raise Problem("No server is known.", "Run: kensa login --server https://...")

    def check(self, benchmark: str, file) -> list[dict]:
        """The faults of an answer by the server's own check, run here; an empty list where there is none."""
        checker = self.checker(benchmark)
        command = [sys.executable, str(checker), str(file), "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise Problem("The check could not run here.", done.stderr.strip().splitlines()[-1] if done.stderr else "")
        return json.loads(done.stdout)["faults"]

    def checker(self, benchmark: str) -> Path:
        """The path of `kensa_check.py` for a benchmark; fetched again only when it changed."""
        host = re.sub(r"[^A-Za-z0-9.]+", "-", self.server)
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kensa" / host
        folder.mkdir(parents=True, exist_ok=True)
        path, tag = folder / f"{benchmark}.py", folder / f"{benchmark}.etag"
        headers = {"If-None-Match": tag.read_text()} if path.exists() and tag.exists() else {}
        with self._open("GET", f"/api/v1/benchmarks/{quote(benchmark)}/checker", headers=headers) as answer:
            if answer.status != 304:
                path.write_bytes(answer.read())
                tag.write_text(answer.headers.get("ETag", ""))
        return path

    def submit(self, benchmark: str, file=None, *, name: str, model: str = "", **fields: str) -> dict:
        """Hand in a file, or a model as owner/name@revision. fields: description, team, note, paper_url, code_url, ..."""
        fields = {"name": name, "model": model} | fields
        body, length, kind = _form(fields, Path(file) if file else None, self.progress)
        address = f"/api/v1/benchmarks/{quote(benchmark)}/submissions"
        return self.get(address, "POST", body, {"Content-Type": kind, "Content-Length": str(length)})

    def wait(self, number: int, seconds: float = 86_400) -> dict:
        """The submission once it has ended: scored, rejected, failed or cancelled."""
        end, pause = time.monotonic() + seconds, 0.5
        while True:
            found = self.get(f"/api/v1/submissions/{int(number)}")
            if found["status"] not in OPEN:
                self.progress(found["status"], 100, 100)
                return found
            place = f"queued, {found['position']} in line" if found.get("position") else found["status"]
            self.progress(place, found.get("progress") or 0, 100)
            if time.monotonic() > end:
                raise Problem("The submission is not finished yet.", f"Look again: kensa status {number}")
            time.sleep(pause)
            pause = min(pause * 1.5, 10)

    def board(self, benchmark: str, metric: str = "", all_entries: bool = False) -> dict:
        query = urlencode({"metric": metric, "all_entries": str(all_entries).lower()})
        return self.get(f"/api/v1/benchmarks/{quote(benchmark)}/leaderboard?{query}")

    def download(self, model: str, folder=None) -> Path:
        """The files of a model (owner/name or owner/name@revision), each compared with its SHA-256; a cut one goes on."""
        name, _, revision = model.partition("@")
        found = self.get(f"/api/v1/models/{quote(name)}?{urlencode({'revision': revision or 'main'})}")
        folder = Path(folder or name.rpartition("/")[2])
        for file in found["files"]:
            target = (folder / file["path"]).resolve()
            if not target.is_relative_to(folder.resolve()):
                raise Problem(f"{file['path']!r} would leave the folder.")
            address = f"/{quote(name)}/resolve/{found['revision']}/{quote(file['path'])}"
            self._fetch(address, target, file["size"], file["sha256"])
        return folder

    def starter_kit(self, benchmark: str, file=None) -> Path:
        return self._save(f"/api/v1/benchmarks/{quote(benchmark)}/starter-kit", file or f"{benchmark}-starter-kit.zip")

    def inputs(self, benchmark: str, file=None) -> Path:
        return self._save(f"/api/v1/benchmarks/{quote(benchmark)}/inputs", file or f"{benchmark}-inputs.zip")

    def get(self, address: str, method: str = "GET", body=None, headers=None) -> dict:
        """The JSON that an address of the REST API answers."""
        with self._open(method, address, body, headers) as answer:
            return json.loads(answer.read() or b"null")

    @contextlib.contextmanager
    def _open(self, method: str, address: str, body=None, headers=None):
        base = urlsplit(self.server)
        if base.scheme not in ("http", "https") or not base.hostname:
            raise Problem(f"{self.server!r} is no address of a server.", "Write it with https:// in front.")
        kind = http.client.HTTPSConnection if base.scheme == "https" else http.client.HTTPConnection
        connection = kind(base.hostname, base.port, timeout=300)
        sent = {"Accept": "application/json", "User-Agent": f"kensa-client/{__version__}"} | (headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        try:
            # Where a file is refused early the server may close before all of it is sent; its answer is what counts.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, base.path + address, body, sent)
            answer = connection.getresponse()
            if answer.status >= 400:
                raise _problem(answer)
            yield answer
        except (OSError, http.client.HTTPException) as error:
            hint = "Is the address right, and is the server running?"
            raise Problem(f"{self.server} cannot be reached ({error or type(error).__name__}).", hint) from error
        finally:
            connection.close()

    def _save(self, address: str, file) -> Path:
        target = Path(file)
        part = target.with_name(target.name + ".part")
        with self._open("GET", address) as answer, part.open("wb") as out:
            self._copy(answer, out, target.name, 0, int(answer.headers.get("Content-Length") or 0))
        return part.replace(target)

    def _fetch(self, address: str, target: Path, size: int, sha256: str) -> None:
        if target.is_file() and target.stat().st_size == size and _sha256(target) == sha256:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        done = part.stat().st_size if part.exists() and part.stat().st_size < size else 0
        headers = {"Range": f"bytes={done}-"} if done else {}
        with (
            self._open("GET", address, headers=headers) as answer,
            part.open("ab" if answer.status == 206 else "wb") as out,
        ):
            self._copy(answer, out, target.name, done if answer.status == 206 else 0, size)
        if _sha256(part) != sha256:
            part.unlink()
            raise Problem(f"{target.name} did not arrive whole.", "Download it again.")
        part.replace(target)

    def _copy(self, answer, out, name: str, done: int, total: int) -> None:
        while chunk := answer.read(CHUNK):
            done += out.write(chunk)
            self.progress(name, done, total)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _form(fields: dict, file: Path | None, progress):
    """A multipart form: an iterator of its bytes, their number, and the content type. The file is never held in memory."""
    boundary = uuid.uuid4().hex
    head = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
        if value not in (None, "")
    )
    size = 0
    if file:
        size, name = file.stat().st_size, file.name.replace('"', "%22").replace("\n", " ").replace("\r", " ")
        head += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
    tail = (b"\r\n" if file else b"") + f"--{boundary}--\r\n".encode()

    def pieces():
        yield head
        if file:
            done = 0
            with file.open("rb") as source:
                while chunk := source.read(CHUNK):
                    yield chunk
                    done += len(chunk)
                    progress(f"sending {file.name}", done, size)
        yield tail

    return pieces(), len(head) + size + len(tail), f"multipart/form-data; boundary={boundary}"


def _problem(answer) -> Problem:
    try:
        said = json.loads(answer.read())
        error = said["error"] if isinstance(said["error"], dict) else {"message": said["error"]}
    except (ValueError, KeyError, TypeError):
        said, error = {}, {"message": f"The server answered {answer.status} {answer.reason}."}
    return Problem(
        error["message"], error.get("hint", ""), answer.status, error.get("code", ""), said.get("faults", ())
    )


class Bar:
    """One line on a terminal: what, how far."""

    def __init__(self, out=sys.stderr):
        self.out, self.shown = out, ""

    def __call__(self, label: str, done: int, total: int) -> None:
        if not self.out.isatty():
            return
        share = min(1.0, done / total) if total else 0.0
        line = f"{label[:40]:40} [{'#' * int(24 * share):24}] {share:4.0%}"
        if line != self.shown:
            print("\r" + line, end="", file=self.out, flush=True)
        self.shown = line

    def end(self) -> None:
        print(end="\n" if self.shown else "", file=self.out)
        self.shown = ""


def _login(client: Client | None, given) -> int:
    server = (given.server or settings()["server"] or input("Server: ")).rstrip("/")
    token = given.token or getpass.getpass(f"Access token of {server} (made under {server}/settings/tokens/): ")
    name = Client(server, token.strip()).get("/api/v1/me")["name"]
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(KEPT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        json.dump({"server": server, "token": token.strip()}, out)
    print(f"Signed in to {server} as {name}. The token is kept in {KEPT}.")
    return 0


def _check(client: Client, given) -> int:
    faults = client.check(given.benchmark, given.file)
    for fault in faults:
        print(fault_line(fault))
    print(f"{len(faults)} faults." if faults else "No fault: the server will take this file.")
    return 1 if faults else 0


def _submit(client: Client, given) -> int:
    names = ("team", "description", "paper_url", "code_url", "external_data", "note")
    fields = {name: getattr(given, name) for name in names if getattr(given, name)}
    name = given.name or (Path(given.file).stem if given.file else given.model)
    made = client.submit(given.benchmark, given.file, name=name, model=given.model or "", **fields)
    print(f"Submission {made['id']}: {client.server}{made['url']}")
    return _ended(client.wait(made["id"])) if given.wait else 0


def _status(client: Client, given) -> int:
    return _ended(client.wait(given.number) if given.wait else client.get(f"/api/v1/submissions/{given.number}"))


def _ended(found: dict) -> int:
    print(f"{found['name']}: {found['status']}" + (f" ({found['error']})" if found.get("error") else ""))
    for fault in found.get("faults", ()):
        print(fault_line(fault))
    for score in found.get("scores", ()):
        part = f" {score['part']}" if score.get("part") else ""
        print(f"  {score['metric']}{part} on {score['subset']}: {_value(score)}  n = {score['n']}")
    return 0 if found["status"] in ("scored", *OPEN) else 1


def _value(score: dict) -> str:
    if score.get("value") is None:
        return f"missing: {score.get('reason') or 'not measured'}"
    low, high = score.get("low"), score.get("high")
    return f"{score['value']:.6g}" + (f" [{low:.6g}, {high:.6g}]" if low is not None and high is not None else "")


def _board(client: Client, given) -> int:
    board = client.board(given.benchmark, given.metric or "", given.all)
    if given.json:
        print(json.dumps(board, indent=1, ensure_ascii=False))
        return 0
    print(
        f"{board['title']}, version {board['version']}: {board['metric']}, {board['direction']} is better, n = {board['n']}"
    )
    rows = [("rank", "95 %", "entry", "by", "evidence", "value [95 % interval]")]
    for entry in board["entries"]:
        score = next((s for s in entry["scores"] if s["metric"] == board["metric"]), {})
        ranks = f"{entry['rank_low']}-{entry['rank_high']}" if entry["rank"] else ""
        rows.append(
            (str(entry["rank"] or "-"), ranks, entry["name"], str(entry["team"]), entry["evidence"], _value(score))
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())  # noqa: B905
    return 0


def _download(client: Client, given) -> int:
    get = client.download if "/" in given.what else client.inputs if given.inputs else client.starter_kit
    print(get(given.what, given.output))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kensa", description="Check, submit, read boards and download models.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name, run, text, *positional):
        made = commands.add_parser(name, help=text)
        for each in positional:
            made.add_argument(each)
        made.set_defaults(run=run)
        return made

    one = command("login", _login, "keep a server and an access token")
    one.add_argument("--server")
    one.add_argument("--token", help="asked for where it is not given")
    command("check", _check, "check a file here, as the server would", "benchmark", "file")
    one = command("submit", _submit, "hand in a file or a model", "benchmark")
    one.add_argument("file", nargs="?")
    one.add_argument("--model", help="owner/name@revision of a model on the server, instead of a file")
    one.add_argument("--name", help="of the entry; default: the file's")
    for name in ("team", "description", "paper-url", "code-url", "external-data", "note"):
        one.add_argument(f"--{name}")
    one.add_argument("--wait", action="store_true", help="until it is scored")
    one = command("status", _status, "where a submission stands")
    one.add_argument("number", type=int)
    one.add_argument("--wait", action="store_true")
    one = command("board", _board, "print a leaderboard", "benchmark")
    one.add_argument("--metric")
    one.add_argument("--all", action="store_true", help="every entry, not the best of each team")
    one.add_argument("--json", action="store_true")
    one = command("download", _download, "a model's files (owner/name), or a benchmark's starter kit", "what")
    one.add_argument("--inputs", action="store_true", help="of a benchmark: the released inputs")
    one.add_argument("-o", "--output")
    return parser


def main(argv=None) -> int:
    given, bar = _parser().parse_args(argv), Bar()
    try:
        client = None if given.run is _login else Client(progress=bar)
        return given.run(client, given)
    except Problem as problem:
        bar.end()
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, FileNotFoundError) as stop:
        print(f"error: {stop}" if str(stop) else "stopped", file=sys.stderr)
        return 2
    finally:
        bar.end()


if __name__ == "__main__":
    sys.exit(main())
