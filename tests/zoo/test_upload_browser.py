"""Uploading in a real browser: with the script, every file has its own progress; without it, the form does the same."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from zoo import commits
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


def sign_in(browser, live_server, **options):
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{live_server.url}/accounts/login/?next=/models/new/")
    page.fill("input[name=login]", "owner")
    page.fill("input[name=password]", "owner pass-phrase")
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/models/new/")
    return page


@pytest.mark.parametrize("script", [True, False])
def test_a_model_is_created_refused_a_pickle_and_filled(browser, live_server, cast, tmp_path, script):
    (tmp_path / "README.md").write_text("---\ntitle: Made in a browser\n---\n# Hello")
    (tmp_path / "weights.npz").write_bytes(b"w" * 2_000_000)
    (tmp_path / "bad.pkl").write_bytes(b"\x80\x04K\x01.")
    page = sign_in(browser, live_server, java_script_enabled=script)
    page.fill("#id_name", "by-hand")
    page.click("main button[type=submit]")
    page.wait_for_url("**/owner/by-hand/upload/")
    page.set_input_files("#files", tmp_path / "bad.pkl")
    page.click("text=Upload as one revision")
    page.wait_for_selector("[role=alert]")
    assert "loading it can run any code" in page.inner_text("[role=alert]")
    page.set_input_files("#files", [tmp_path / "README.md", tmp_path / "weights.npz"])
    page.click("text=Upload as one revision")
    page.wait_for_url(f"{live_server.url}/owner/by-hand")
    assert "Hello" in page.inner_text("#card")
    assert "Made in a browser" in page.inner_text(".page-head")
    head = commits.resolve(Model.objects.get(name="by-hand"), "main")
    assert {file.path: file.blob.size for file in head.files.all()} == {"README.md": 40, "weights.npz": 2_000_000}
    assert head.parent.parent is None, "both files are one revision"
