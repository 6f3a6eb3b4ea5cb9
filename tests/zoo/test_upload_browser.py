"""Uploading in a real browser: with the script, every file has its own progress; without it, the form does the same."""

import os
import shutil
from types import SimpleNamespace

import pytest
from django.test.testcases import LiveServerThread
from playwright.sync_api import sync_playwright

from zoo import blobs, commits, pieces
from zoo.models import Model

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]


@pytest.fixture
def browser(monkeypatch):
    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # the driver runs a loop in this thread
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def site(transactional_db, settings):
    """The pages with their scripts: static files come through the middleware, by their hashed names, as when served."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    server = LiveServerThread("127.0.0.1", static_handler=lambda handler: handler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.port}")
    server.terminate()


def sign_in(browser, site, **options):
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{site.url}/accounts/login/?next=/models/new/")
    page.fill("input[name=login]", "owner")
    page.fill("input[name=password]", "owner pass-phrase")
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/models/new/")
    return page


@pytest.mark.parametrize("script", [True, False])
def test_a_model_is_created_refused_a_pickle_and_filled(browser, site, cast, tmp_path, script):
    (tmp_path / "README.md").write_text("---\ntitle: Made in a browser\n---\n# Hello")
    (tmp_path / "weights.npz").write_bytes(b"w" * 2_000_000)
    (tmp_path / "bad.pkl").write_bytes(b"\x80\x04K\x01.")
    page = sign_in(browser, site, java_script_enabled=script)
    page.fill("#id_name", "by-hand")
    page.click("main button[type=submit]")
    page.wait_for_url("**/owner/by-hand/upload/")
    page.set_input_files("#files", tmp_path / "bad.pkl")
    page.click("text=Upload as one revision")
    page.wait_for_selector("[role=alert]")
    assert bool(page.query_selector("[data-upload-list] progress")) == script, "the script sent it, or the form did"
    assert "loading it can run any code" in page.inner_text("[role=alert]")
    page.set_input_files("#files", [tmp_path / "README.md", tmp_path / "weights.npz"])
    page.click("text=Upload as one revision")
    page.wait_for_url(f"{site.url}/owner/by-hand")
    assert "Hello" in page.inner_text("#card")
    assert "Made in a browser" in page.inner_text(".page-head")
    head = commits.resolve(Model.objects.get(name="by-hand"), "main")
    assert {file.path: file.blob.size for file in head.files.all()} == {"README.md": 40, "weights.npz": 2_000_000}
    assert head.parent.parent is None, "both files are one revision"


def test_an_upload_goes_on_after_a_cut_and_after_a_reload(browser, site, cast, tmp_path, monkeypatch):
    """Pieces of 100 kB: one answer is lost, the page is left in the middle and opened again, and the file is whole."""
    monkeypatch.setattr(pieces, "PIECE", 100_000)
    model = commits.create_model(cast["owner"].namespace, "cut", author=cast["owner"])
    content = os.urandom(500_000)
    (tmp_path / "weights.npz").write_bytes(content)
    page = sign_in(browser, site)
    page.goto(f"{site.url}/owner/cut/upload/")
    starts = []

    def meddle(route):
        start = int(route.request.url.partition("start=")[2])
        starts.append(start)
        if start == 100_000 and starts.count(start) == 1:
            return route.abort("connectionreset")
        if start == 300_000:
            return None  # it hangs, as a dead connection does
        return route.continue_()

    page.route("**/pieces/*?start=*", meddle)
    page.set_input_files("#files", tmp_path / "weights.npz")
    page.click("text=Upload as one revision")
    page.wait_for_selector("[data-upload-list] >> text=60 %")
    assert starts == [0, 100_000, 100_000, 200_000, 300_000], "the cut piece was sent again, and no other"
    page.goto(f"{site.url}/owner/cut/upload/")
    page.wait_for_selector("[data-unfinished]")
    page.unroute("**/pieces/*?start=*")
    assert "weights.npz: 60 %" in page.inner_text("[data-unfinished]")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "start=" in request.url else None)
    page.set_input_files("#files", tmp_path / "weights.npz")
    page.click("text=Upload as one revision")
    page.wait_for_url(f"{site.url}/owner/cut")
    assert [int(url.partition("start=")[2]) for url in sent] == [300_000], "only the rest was sent"
    file = commits.resolve(model, "main").files.get(path="weights.npz")
    assert blobs.read(file.blob_id, 10**6) == content
    page.goto(f"{site.url}/owner/cut/upload/")
    assert not page.query_selector("[data-unfinished]")
