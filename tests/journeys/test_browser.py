"""A newcomer's whole way, in a real browser on the real service: sign up, publish, submit, see a fault, fix it, read the board."""

import re
import shutil
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect, sync_playwright
from sklearn.metrics import roc_auc_score

from tests.evaluators.networks import pictures, timm_network
from tests.journeys.service import Service
from tests.packages import binary_answer

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PASSWORD = "four unrelated words 42"
CARD = "---\nlicense: apache-2.0\nlibrary_name: timm\ntags: [tumour]\n---\n# Bright or not\n\nResearch use only. <script>alert(1)</script>\n"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journey")
    labels = pictures(folder / "package", n=40, release_inputs=True, labels="public")
    with Service(folder) as service:
        service.manage("load_benchmark", folder / "package")
        service.labels = labels
        yield service


@pytest.fixture(scope="module")
def page(site):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=site.url, locale="en-GB")
        context.set_default_timeout(20_000)
        foreign, broken = [], []
        opened = context.new_page()
        opened.on(
            "request", lambda request: foreign.append(request.url) if not request.url.startswith(site.url) else None
        )
        opened.on("response", lambda answer: broken.append(answer.url) if answer.status >= 500 else None)
        yield opened
        browser.close()
    assert not foreign, f"asked elsewhere: {foreign[:3]}"
    assert not broken, f"errors of ours: {broken[:3]}"


def test_1_a_newcomer_signs_up(page: Page, site):
    page.goto("/")
    page.get_by_role("link", name="Sign in").first.click()
    page.get_by_role("link", name=re.compile("sign up|account", re.I)).first.click()
    page.locator("input[name=username]").fill("newcomer")
    page.locator("input[name=password1]").fill(PASSWORD)
    page.locator("input[name=password2]").fill(PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("header")).to_contain_text("newcomer")


def test_2_publishes_a_model(page: Page, site, tmp_path):
    network = timm_network(tmp_path / "network")
    (network / "README.md").write_text(CARD)
    page.goto("/models/new/")
    page.locator("input[name=name]").fill("bright-or-not")
    page.get_by_role("button", name="Create").click()
    page.wait_for_url(re.compile("newcomer/bright-or-not"))
    page.goto("/newcomer/bright-or-not/upload/")
    page.locator("#files").set_input_files(
        [network / name for name in ("README.md", "config.json", "model.safetensors")]
    )
    page.get_by_role("button", name="Upload as one revision").click()
    page.wait_for_url(re.compile("/newcomer/bright-or-not$"))
    expect(page.locator("main")).to_contain_text("model.safetensors")
    expect(page.locator("main")).to_contain_text("Research use only.")
    assert page.locator("main script").count() == 0


def test_3_sees_the_fault_in_a_file_and_repairs_it(page: Page, site, tmp_path):
    good = tmp_path / "answer.csv"
    site.score = binary_answer(good, site.labels)
    good.write_text(re.sub(r"case-0(\d\d\d)", r"case-\1", good.read_text()))
    lines = good.read_text().splitlines()
    bad = tmp_path / "bad.csv"
    bad.write_text("\n".join([*lines[:3], lines[3].split(",")[0] + ",0.5,1.7", *lines[4:-1]]) + "\n")

    page.goto("/benchmarks/bright-or-not/submit/")
    hand_in(page, bad, "First try")
    faults = page.locator("table.faults")
    expect(faults).to_be_visible()
    expect(faults).to_contain_text("1.7")
    expect(faults).to_contain_text("case-039")
    expect(page.locator("main")).to_contain_text("nothing was taken from your quota")

    hand_in(page, good, "Second try")
    page.wait_for_url(re.compile(r"/submissions/\d+/"))
    expect(page.locator("#live")).to_contain_text("Scored", timeout=60_000)
    expect(page.locator("table.scores")).to_contain_text("Area under the ROC curve")


def hand_in(page: Page, file: Path, name: str):
    if page.locator("input[name=kind][value=predictions]").count():
        page.locator("input[name=kind][value=predictions]").first.check()
    page.locator("#file").set_input_files(file)
    page.locator("#name").fill(name)
    page.get_by_role("button", name="Check and submit").click()


def test_4_submits_the_weights_and_watches_the_progress(page: Page, site):
    page.goto("/benchmarks/bright-or-not/submit/")
    page.locator("input[name=kind][value=weights]").check()
    page.locator("#model").select_option(index=1)
    page.locator("#name").fill("My network")
    page.get_by_role("button", name="Check and submit").click()
    page.wait_for_url(re.compile(r"/submissions/\d+/"))
    expect(page.locator("ol.steps")).to_be_visible()
    expect(page.locator("#live")).to_contain_text("Scored", timeout=120_000)


def test_5_reads_the_board(page: Page, site):
    page.goto("/benchmarks/bright-or-not/")
    board = page.locator("table.board")
    expect(board).to_contain_text("Second try")  # the team's best alone is ranked ...
    expect(board).not_to_contain_text("My network")
    page.goto("/benchmarks/bright-or-not/?rows=all")  # ... and the others are shown on demand
    expect(board).to_contain_text("My network")
    value = roc_auc_score(site.labels, site.score)
    shown = site.get("/api/v1/benchmarks/bright-or-not/leaderboard").json()["entries"]
    entry = next(item for item in shown if item["name"] == "Second try")
    score = next(item for item in entry["scores"] if item["metric"] == "auroc")
    assert score["value"] == pytest.approx(value, abs=0.1)
    assert requests.get(site.url + "/newcomer/bright-or-not", timeout=20).text.count("Measured here")
