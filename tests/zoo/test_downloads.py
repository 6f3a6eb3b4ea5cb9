"""Downloads: ranges, conditions and headers, by example and by property, and under the servers that will send them."""

import hashlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from leaderboard.management.commands import serve
from zoo import blobs, commits, downloads, tokens
from zoo.models import Download, Model

BODY = b"0123456789" * 10
URL = "/clinic/net/resolve/main/data/notes.txt"


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.django_db
def test_a_file_comes_whole_with_all_that_clients_need(client, model):
    answer = client.get(URL)
    file = commits.resolve(model, "main").files.get(path="data/notes.txt")
    assert answer.status_code == 200
    assert body(answer) == BODY
    assert answer["ETag"] == f'"{file.blob.git_sha1}"'
    assert answer["Content-Length"] == "100"
    assert answer["X-Repo-Commit"] == commits.resolve(model, "main").oid
    assert answer["Accept-Ranges"] == "bytes"
    assert answer["Content-Disposition"] == "inline; filename*=UTF-8''notes.txt; filename=\"notes.txt\";"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert client.get(URL + "?download=1")["Content-Disposition"].startswith("attachment")


@pytest.mark.django_db
def test_packets_of_a_long_answer_are_held_until_its_end_and_no_longer(client, model, monkeypatch):
    """Else the last packet of an answer, or the next answer on this connection, would wait for the system's timer."""
    monkeypatch.setattr(downloads, "LONG", len(BODY) - 1)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()):
        server, _ = listener.accept()
        with server:
            held = lambda: server.getsockopt(socket.IPPROTO_TCP, socket.TCP_CORK)  # noqa: E731
            answer = client.get(URL, **{"gunicorn.socket": server})
            assert held() == 1
            assert body(answer) == BODY
            assert held() == 0
            monkeypatch.setattr(downloads, "LONG", len(BODY))
            client.get(URL, **{"gunicorn.socket": server})
            assert held() == 0


@pytest.mark.django_db
def test_head_has_the_headers_and_opens_no_file(client, model):
    file = commits.resolve(model, "main").files.get(path="data/notes.txt")
    whole = client.get(URL)
    blobs.path(file.blob_id).unlink()
    answer = client.head(URL)
    assert (answer.status_code, answer.content) == (200, b"")
    for name in ("ETag", "Content-Length", "X-Repo-Commit", "Content-Type", "Content-Disposition", "Accept-Ranges"):
        assert answer[name] == whole[name], name


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("header", "status", "part"),
    [
        ("bytes=0-0", 206, slice(0, 1)),
        ("bytes=10-19", 206, slice(10, 20)),
        ("bytes=90-", 206, slice(90, 100)),
        ("bytes=-7", 206, slice(93, 100)),
        ("bytes=-700", 206, slice(0, 100)),
        ("bytes=50-9999999", 206, slice(50, 100)),
        ("bytes=100-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=5-4", 200, slice(0, 100)),
        ("bytes=-", 200, slice(0, 100)),
        ("bytes=a-b", 200, slice(0, 100)),
        ("bytes=0-1,5-6", 200, slice(0, 100)),
        ("lines=0-1", 200, slice(0, 100)),
        ("bytes=" + "9" * 18 + "-", 416, None),
        ("bytes=" + "9" * 400 + "-", 200, slice(0, 100)),
    ],
)
def test_one_range_is_cut_out_and_anything_odd_is_the_whole(client, model, header, status, part):
    answer = client.get(URL, HTTP_RANGE=header)
    assert answer.status_code == status
    if part is None:
        assert answer["Content-Range"] == "bytes */100"
        return
    assert body(answer) == BODY[part]
    assert answer["Content-Length"] == str(len(BODY[part]))
    assert answer.get("Content-Range") == (f"bytes {part.start}-{part.stop - 1}/100" if status == 206 else None)


@pytest.mark.django_db
def test_conditions(client, model):
    etag = client.get(URL)["ETag"]
    for header in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = client.get(URL, HTTP_IF_NONE_MATCH=header)
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag), header
    assert client.get(URL, HTTP_IF_NONE_MATCH='"other"').status_code == 200
    assert client.get(URL, HTTP_RANGE="bytes=0-1", HTTP_IF_RANGE=etag).status_code == 206
    assert client.get(URL, HTTP_RANGE="bytes=0-1", HTTP_IF_RANGE='"other"').status_code == 200
    assert client.get(URL, HTTP_RANGE="bytes=0-1", HTTP_IF_RANGE="Wed, 21 Oct 2015 07:28:00 GMT").status_code == 200


@pytest.mark.django_db
def test_access_comes_before_conditions(client, model):
    etag = client.get(URL)["ETag"]
    commits.set_visibility(model, True)
    for headers in ({"HTTP_IF_NONE_MATCH": etag}, {"HTTP_RANGE": "bytes=1000-"}):
        answer = client.get(URL, **headers)
        assert (answer.status_code, answer["X-Error-Code"]) == (401, "RepoNotFound")
        assert not answer.has_header("ETag")


@pytest.mark.django_db
def test_weights_are_known_by_their_sha256_and_small_files_by_gits_id(client, model, cast):
    blob = blobs.put(b"weights")
    commits.commit_files(model, cast["owner"], add={"w.npz": blob, "empty.npz": blobs.put(b"")}, title="Weights")
    answer = client.get("/clinic/net/resolve/main/w.npz")
    assert answer["ETag"] == answer["X-Linked-Etag"] == f'"{blob.sha256}"'
    assert answer["X-Linked-Size"] == "7"
    empty = client.get("/clinic/net/resolve/main/empty.npz")
    assert (empty.status_code, body(empty), empty["Content-Length"]) == (200, b"", "0")
    assert client.get("/clinic/net/resolve/main/empty.npz", HTTP_RANGE="bytes=0-").status_code == 416


@pytest.mark.django_db
def test_nothing_from_a_user_is_shown_as_a_page(client, model, cast):
    names = ["a.html", "a.svg", "a.xhtml", "a.js", "a.xml", "a.HTM", "a.pdf", "html"]
    commits.commit_files(model, cast["owner"], add={name: blobs.put(b"<script>") for name in names}, title="Pages")
    for name in names:
        assert client.get(f"/clinic/net/resolve/main/{name}")["Content-Type"] == "application/octet-stream", name
    assert client.get("/clinic/net/resolve/main/README.md")["Content-Type"] == "text/plain; charset=utf-8"


@pytest.mark.django_db
def test_what_is_missing_says_what_is_missing(client, model):
    head = commits.resolve(model, "main").oid
    for url, code, status in (
        ("/clinic/net/resolve/main/nothing.txt", "EntryNotFound", 404),
        ("/clinic/net/resolve/nothing/a.txt", "RevisionNotFound", 404),
        ("/clinic/nothing/resolve/main/a.txt", "RepoNotFound", 401),  # it may be there after signing in
    ):
        answer = client.get(url)
        assert (answer.status_code, answer["X-Error-Code"]) == (status, code)
        assert answer.json()["error"] == answer["X-Error-Message"]
    assert client.get("/clinic/net/resolve/main/nothing.txt")["X-Repo-Commit"] == head


@pytest.mark.django_db
def test_a_download_counts_once_an_hour_for_each_person(signed_in, model):
    for who in ("owner", "owner", "stranger", None, None):
        client = signed_in(who)
        client.head(URL)
        body(client.get(URL))
        body(client.get(URL, HTTP_RANGE="bytes=1-2"))
    model.refresh_from_db()
    assert model.downloads == 3


@pytest.mark.django_db
def test_who_took_files_of_a_gated_model_is_told_to_its_owner_alone(signed_in, model, cast):
    page = "/clinic/net/settings/downloads/"
    body(signed_in("teammate").get(URL))
    assert "nothing is logged" in signed_in("owner").get(page).content.decode()
    Model.objects.filter(pk=model.pk).update(gated="manual")
    client = signed_in("teammate")
    client.head(URL)
    assert not Download.objects.exists(), "a look is no download"
    for _ in range(3):
        body(client.get(URL))
    body(client.get(URL, HTTP_RANGE="bytes=5-6"))
    body(client.get("/clinic/net/resolve/main/README.md"))
    assert signed_in(None).get(URL).status_code == 401
    rows = [(row.name, row.path, row.revision) for row in Download.objects.order_by("pk")]
    head = commits.resolve(model, "main").oid
    assert rows == [("teammate", "data/notes.txt", head), ("teammate", "README.md", head)]
    shown = signed_in("owner").get(page).content.decode()
    assert "teammate" in shown and "data/notes.txt" in shown
    assert signed_in("teammate").get(page).status_code == 403
    cast["teammate"].delete()
    assert "teammate" in signed_in("owner").get(page).content.decode(), "the record outlives the account"


@pytest.mark.django_db
def test_behind_nginx_the_bytes_are_left_to_it(client, model, settings):
    settings.ACCEL = True
    sha256 = commits.resolve(model, "main").files.get(path="data/notes.txt").blob_id
    answer = client.get(URL, HTTP_RANGE="bytes=0-3")
    assert answer["X-Accel-Redirect"] == f"/_blobs/{sha256[:2]}/{sha256[2:4]}/{sha256}"
    assert (answer.status_code, answer.content) == (200, b"")
    assert not answer.has_header("Content-Range")


@given(st.integers(0, 400), st.one_of(st.none(), st.integers(0, 500)), st.one_of(st.none(), st.integers(0, 500)))
def test_a_range_is_always_inside_the_file(size, first, last):
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    whole = bytes(index % 256 for index in range(size))
    try:
        part = downloads.parse_range(header, size)
    except downloads.Unsatisfiable:
        assert (first is not None and first >= size) or (first is None and (last == 0 or size == 0))
        return
    if part is None:
        assert (first is None and last is None) or (first is not None and last is not None and last < first)
        return
    assert 0 <= part[0] <= part[1] < size
    expected = whole[-last:] if first is None else whole[first : size if last is None else last + 1]
    assert whole[part[0] : part[1] + 1] == expected


@given(st.text(max_size=40), st.integers(0, 10))
def test_no_header_breaks_the_reading_of_ranges(header, size):
    for text in (header, "bytes=" + header):
        try:
            part = downloads.parse_range(text, size)
        except downloads.Unsatisfiable:
            continue
        assert part is None or 0 <= part[0] <= part[1] < size


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60))
def test_a_file_name_never_breaks_out_of_its_header(name):
    value = downloads.disposition(name, True)
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2


@given(st.binary(max_size=300), st.integers(0, 300), st.integers(1, 300), st.lists(st.integers(1, 50), max_size=20))
@settings(max_examples=50)
def test_a_slice_gives_its_bytes_and_no_more(whole, start, length, sizes):
    import io

    class Opened(io.BytesIO):
        def fileno(self):
            return 0

    file = Opened(whole)
    file.seek(start)
    part = downloads.Slice(file, length)
    got = b"".join(part.read(size) for size in sizes) + b"".join(part)
    assert got == whole[start : start + length]


# ---- under real servers


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(port, path, headers=None, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    return answer, answer.read()


def wait_for(port):
    for _ in range(150):
        try:
            return ask(port, "/models/")
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server did not start")


@pytest.fixture
def server(model, cast, storage, tmp_path):
    """gunicorn over the test database: start(threads, **environment) -> port, process."""
    big = (tmp_path / "big.bin").open("wb")
    for index in range(32):
        big.write(bytes([index]) * (1 << 20))
    big.close()
    commits.commit_files(model, cast["owner"], add={"big.npz": blobs.put_path(big.name)}, title="Something large")
    started = []

    def start(threads=4, **environment):
        port = free_port()
        database = connection.settings_dict
        url = f"sqlite:///{database['NAME']}"
        if connection.vendor == "postgresql":
            url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "leaderboard.wsgi",
                "-b",
                f"127.0.0.1:{port}",
                "-k",
                "gthread",
                "--threads",
                str(threads),
            ],
            env=os.environ
            | {"DATABASE_URL": url, "KENSA_STORAGE_URL": storage.as_uri(), "KENSA_SECRET_KEY": "k" * 40}
            | environment,
            cwd=django_settings.BASE_DIR,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.append(process)
        wait_for(port)
        return port, process

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def family_memory(pid: int) -> int:
    """Peak resident memory of the largest process of a group, in bytes."""
    peaks = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if os.getpgid(int(folder.name)) != os.getpgid(pid):
                    continue
                lines = (folder / "status").read_text().splitlines()
            except (ProcessLookupError, FileNotFoundError):
                continue
            peaks += [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    return max(peaks)


URL_BIG = "/clinic/net/resolve/main/big.npz"


def check_bytes(port):
    answer, whole = ask(port, URL_BIG)
    assert (answer.status, len(whole)) == (200, 32 << 20)
    assert all(whole[index << 20] == index for index in range(32))
    etag = answer.getheader("ETag")
    assert len(etag) == 66
    assert len(answer.getheader("X-Repo-Commit")) == 40
    first, last = (5 << 20) - 3, (7 << 20) + 3
    part, content = ask(port, URL_BIG, {"Range": f"bytes={first}-{last}"})
    assert (part.status, part.getheader("Content-Range")) == (206, f"bytes {first}-{last}/{32 << 20}")
    assert content == whole[first : last + 1]
    assert part.getheader("ETag") == etag
    assert part.getheader("X-Repo-Commit") == answer.getheader("X-Repo-Commit")
    assert ask(port, URL_BIG, {"If-None-Match": etag})[0].status == 304
    assert ask(port, URL_BIG, {"Range": "bytes=99999999-"})[0].status == 416
    head, nothing = ask(port, URL_BIG, method="HEAD")
    assert (head.status, head.getheader("Content-Length"), nothing) == (200, str(32 << 20), b"")
    assert ask(port, URL_BIG, {"Range": "bytes=0-9", "If-Range": '"other"'})[0].status == 200
    resumed, content = ask(port, URL_BIG, {"Range": "bytes=0-9", "If-Range": etag})
    assert (resumed.status, content) == (206, whole[:10])
    assert ask(port, URL_BIG, {"Range": "bytes=0-1,5-6"})[0].status == 200


@pytest.mark.django_db(transaction=True)
def test_gunicorn_sends_ranges_with_sendfile_and_flat_memory(server):
    port, process = server()
    ask(port, "/clinic/net")
    before = family_memory(process.pid)
    check_bytes(port)
    assert family_memory(process.pid) - before < 12 << 20


@pytest.mark.django_db(transaction=True)
def test_64_slow_readers_leave_room_for_pages(server):
    port, _ = server(threads=serve.THREADS)
    readers = [slow_reader(port) for _ in range(64)]
    try:
        for reader in readers:
            assert b" 200 " in reader.recv(100).splitlines()[0]
        for _ in range(10):
            assert ask(port, "/models/")[0].status == 200
        assert ask(port, URL_BIG, {"Range": "bytes=7-9"})[0].status == 206
    finally:
        for reader in readers:
            reader.close()


def slow_reader(port: int) -> socket.socket:
    """Asks for 32 MiB and takes next to nothing."""
    reader = socket.socket()
    reader.settimeout(30)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", port))
    reader.sendall(f"GET {URL_BIG} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    return reader


@pytest.mark.django_db(transaction=True)
def test_gunicorn_takes_a_large_upload_with_flat_memory_and_drops_a_cut_one(server, model, cast, tmp_path, storage):
    port, process = server()
    token = {"Authorization": f"Bearer {tokens.create(cast['owner'], 'test', 'write')[1]}"}
    url = "/api/v1/models/clinic/net/files/"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("PUT", url + "small.txt", b"warm", token)
    assert connection.getresponse().status == 201
    before = family_memory(process.pid)
    with (tmp_path / "big.bin").open("rb") as big:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("PUT", url + "sent.npz", big, token | {"Content-Length": str(32 << 20)})
        assert connection.getresponse().status == 201
    assert family_memory(process.pid) - before < 12 << 20
    for _ in range(3):
        cut = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        cut.putrequest("PUT", url + "cut.npz")
        for name, value in (token | {"Content-Length": str(32 << 20)}).items():
            cut.putheader(name, value)
        cut.endheaders(b"x" * 100_000)
        cut.close()
    for _ in range(100):
        if not list((storage / "incoming").iterdir()):
            break
        time.sleep(0.1)
    assert not list((storage / "incoming").iterdir()), "nothing is left of what was cut off"
    paths = {file.path for file in commits.resolve(model, "main").files.all()}
    assert "sent.npz" in paths
    assert "cut.npz" not in paths


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
def test_memory_stays_flat_for_a_file_of_5_gb_both_ways(server, cast):
    port, process = server()
    token = {"Authorization": f"Bearer {tokens.create(cast['owner'], 'test', 'write')[1]}"}
    check_bytes(port)
    before = family_memory(process.pid)
    block, count, sent = os.urandom(1 << 20), 5_000, hashlib.sha256()

    def content():
        for number in range(count):
            part = number.to_bytes(8, "big") + block[8:]
            sent.update(part)
            yield part

    link = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    length = {"Content-Length": str(count << 20)}
    link.request("PUT", "/api/v1/models/clinic/net/files/huge.npz", content(), token | length)
    answer = link.getresponse()
    assert answer.status == 201, answer.read()
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    link.request("GET", "/clinic/net/resolve/main/huge.npz")
    answer, got = link.getresponse(), hashlib.sha256()
    while chunk := answer.read(1 << 20):
        got.update(chunk)
    assert got.hexdigest() == sent.hexdigest()
    assert family_memory(process.pid) - before < 16 << 20


NGINX = """
{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  upstream kensa {{ server 127.0.0.1:{upstream}; }}
  map $http_x_forwarded_proto $proto {{ default $http_x_forwarded_proto; "" $scheme; }}
  {server}
}}
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")
def test_nginx_of_the_compose_file_sends_the_bytes_with_our_headers(server, tmp_path, storage):
    import yaml

    compose = yaml.safe_load((django_settings.BASE_DIR / "docker-compose.yml").read_text())
    text = compose["configs"]["nginx"]["content"].replace("$$", "$")
    upstream, _ = server(KENSA_ACCEL="1", KENSA_BEHIND_PROXY="1")
    port = free_port()
    text = "server {" + text.partition("\nserver {")[2]
    text = text.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/data/blobs/", f"{storage}/")
    config = tmp_path / "nginx.conf"
    config.write_text(
        NGINX.format(user="user root;" if os.getuid() == 0 else "", folder=tmp_path, upstream=upstream, server=text)
    )
    nginx = subprocess.Popen(["nginx", "-p", str(tmp_path), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        check_bytes(port)
        answer, _ = ask(port, URL_BIG)
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert "sandbox" in answer.getheader("Content-Security-Policy")
        assert ask(port, "/_blobs/" + "0" * 4)[0].status == 404, "the store is not open to the outside"
        readers = [slow_reader(port) for _ in range(64)]
        assert all(b" 200 " in reader.recv(100).splitlines()[0] for reader in readers)
        assert all(ask(port, "/models/")[0].status == 200 for _ in range(5)), "four threads serve pages all the same"
        for reader in readers:
            reader.close()
    finally:
        nginx.terminate()
        nginx.wait(20)
