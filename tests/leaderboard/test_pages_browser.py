"""Pages in a real browser, at phone and desktop width, light and dark: nothing runs over the edge, nothing is blocked."""

import contextlib
import os
import shutil
from pathlib import Path

import axe_playwright_python
import pytest
from django.core.management import call_command
from django.db import connections
from django.test.testcases import LiveServerThread
from django.urls import reverse
from playwright.sync_api import expect, sync_playwright

from evaluators import workers
from evaluators.corruptions import CORRUPTIONS
from evaluators.models import Run, Score
from leaderboard import benchmarks
from leaderboard.models import Submission
from tests.leaderboard.pages import HOSTILE, make_board, make_claim, make_entry, make_team
from tests.packages import binary, binary_answer
from zoo.models import Model

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]


AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
MEASURED = {
    "device": "NVIDIA A100-SXM4-80GB", "precision": "float32",
    "cost": {
        "file_bytes": 46_837_875, "parameters": 12_000_000, "macs": 1_800_000_000, "latency_median": 0.012, "memory": 2 * 10**9,
        "latency_p95": 0.02, "throughput": 95.0, "device_memory": 10**9,
    },
}  # fmt: skip
ROBUSTNESS = {
    "n": 40, "metric": "auroc", "clean": 0.8213, "mean_drop": 0.12345, "attack": {"cases": 16, "version": 1, "flips": 0.4375},
    "corruptions": [
        {"name": name, "version": 1, "scores": [0.81, 0.67], "drops": [0.01, 0.17], "flips": [0.05, 0.2]} for name in CORRUPTIONS
    ],
}  # fmt: skip
# The elements that reach beyond the right edge, where the page scrolls sideways at all.
OVER = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return "";
  const beyond = [...document.querySelectorAll("main *, header *, footer *")].filter(
    (e) => e.getBoundingClientRect().right > width + 0.5 && !e.closest(".scroll, pre, .vh, .yours"));
  return beyond.slice(0, 4).map((e) => `${e.tagName}.${e.getAttribute("class")} ${e.textContent.slice(0, 40)}`).join(" | ") || "?";
}"""


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory, django_db_blocker):
    """A migrated database in a file, to be copied: the pages are served from threads, each with a connection of its own."""
    path = tmp_path_factory.mktemp("database") / "empty.sqlite3"
    with use_database(path, django_db_blocker):
        call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
    return path


@contextlib.contextmanager
def use_database(path, blocker):
    """Point every thread of this process at this file, in place of the tests' common database."""
    before, kept = connections.databases["default"], connections["default"]
    with blocker.unblock():
        connections.databases["default"] = before | {"NAME": str(path)}
        del connections["default"]
        try:
            yield
        finally:
            connections["default"].close()
            connections.databases["default"], connections["default"] = before, kept


@pytest.fixture
def site(empty_database, tmp_path, django_db_blocker, settings):
    """The address of the pages, served from this process."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    shutil.copy(empty_database, tmp_path / "database.sqlite3")
    with use_database(tmp_path / "database.sqlite3", django_db_blocker):
        # Static files come through the middleware, by their hashed names, as they do when served.
        server = LiveServerThread("127.0.0.1", static_handler=lambda handler: handler)
        server.daemon = True
        server.start()
        server.is_ready.wait()
        yield f"http://127.0.0.1:{server.port}"
        server.terminate()


@pytest.fixture(scope="module")
def chromium():
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # the browser's driver runs a loop in this thread
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def watched(chromium, site):
    """watched(width, scheme) -> a page whose complaints are collected in `.complaints`."""
    contexts = []

    def open_page(width=1440, scheme="light", **options):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on(
            "console", lambda said: page.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith((site, "data:")) or page.complaints.append(asked.url))
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def full(site):
    """A service with a full board, a board of one patient, an empty one, hostile names, and a submission in each state."""
    owner = make_team("house")
    board = make_board(owner, labels="public", manifest={"release_inputs": True})
    names = (
        "Small residual network",
        "Ordinal head on a pretrained backbone with a rather long name",
        HOSTILE,
        "x" * 200,
    )
    for index, name in enumerate(names):
        kind = ("weights", "predictions")[index % 2]
        make_entry(board, f"team{index}", 0.84 - 0.04 * index, kind=kind, name=name, error=0.03)
    Run.objects.filter(kind="weights").update(provenance=MEASURED, robustness=ROBUSTNESS)
    results = [{"dataset": {"name": "a registry of our own " * 3}, "metrics": [{"type": "auc", "value": 0.97}]}]
    model = Model.objects.create(namespace=owner, name="net", card={"model-index": [{"results": results}]})
    Submission.objects.filter(name=names[0]).update(model=model, revision="a" * 40)
    workers.tell("a-machine-with-a-long-name.ward.hospital.example:4242", ["cpu", "gpu"], 2)
    make_claim(board, doi="10.1001/jama.2017.18152")
    make_claim(board, name="Another metric", metric="sensitivity", value=0.9)
    make_entry(make_board(owner, "single", cases=1, patients=1), "team1")
    make_entry(make_board(owner, "few", cases=12, patients=12), "team1")
    make_board(owner, "empty")
    return board


def sign_in(page, site, name="team0"):
    user = make_team(name).user
    user.set_password("correct horse battery")
    user.save()
    page.goto(site + "/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", "correct horse battery")
    page.click("main button[type=submit]")
    page.wait_for_url(site + "/")


@pytest.mark.parametrize(
    ("width", "scheme"), [(360, "dark"), pytest.param(768, "light", marks=pytest.mark.soak), (1440, "dark")]
)
def test_no_page_runs_over_the_edge_or_breaks_its_own_policy(width, scheme, full, watched, site):
    page = watched(width, scheme)
    sign_in(page, site)
    for status in ("queued", "running", "scored", "rejected", "failed", "cancelled"):
        make_entry(full, "team0", 0.5, status=status, name=f"My {status} entry")
    Run.objects.filter(status="rejected").update(
        faults=[{"line": 3, "column": 2, "message": "m" * 120, "hint": "h", "file": "f.json", "text": "t" * 300}]
    )
    mine = [row.get_absolute_url() for row in full.submissions.filter(team__name="team0")]
    boards = ["/benchmarks/chest/", "/benchmarks/single/", "/benchmarks/few/", "/benchmarks/empty/"]
    others = [
        "/",
        "/tasks/",
        "/tasks/task-chest/",
        "/benchmarks/",
        "/competitions/",
        "/docs/metrics/",
        "/search/?q=board",
        "/workers/",
    ]
    others += [
        "/benchmarks/new/",
        "/benchmarks/chest/submit/",
        "/submissions/",
        "/accounts/2fa/",
        "/accounts/password/change/",
    ]
    for address in (*others, *boards, "/benchmarks/chest/?rows=all&metric=average_precision", *mine):
        page.goto(site + address)
        over = page.evaluate(OVER)
        assert not over, f"{address} at {width} px runs over the edge: {over}"
        assert not page.complaints, (address, page.complaints)
        if width == 1440:
            continue
        page.evaluate(AXE)
        found = page.evaluate(f"axe.run(document, {{runOnly: {WCAG}}})")["violations"]
        told = [f"{row['id']}: {row['nodes'][0]['html'][:200]}" for row in found]
        assert not told, f"{address} at {width} px, {scheme}: {told}"


def test_every_name_on_the_board_can_be_reached_by_keyboard_from_the_skip_link(full, watched, site):
    page = watched()
    page.goto(site + "/benchmarks/chest/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    for _ in range(90):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == "Small residual network":
            return
    raise AssertionError("the first entry is not reached")


def test_the_theme_changes_at_once_and_stays(full, watched, site):
    page = watched()
    page.goto(site + "/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    with page.expect_response("**/settings/theme/**"):
        page.click("[data-theme-link=dark]")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.goto(site + "/tasks/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_a_menu_closes_with_escape_and_gives_the_focus_back(full, watched, site):
    page = watched()
    page.goto(site + "/benchmarks/chest/")
    page.click("summary:has-text('Export')")
    expect(page.locator("details.menu[open]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("details.menu[open]")).to_have_count(0)
    expect(page.locator(":focus")).to_have_text("Export")


def test_a_command_is_copied_whole(full, watched, site):
    page = watched(permissions=["clipboard-read", "clipboard-write"])
    page.goto(site + "/benchmarks/chest/")
    page.locator(".snippet", has_text="Submit a prediction file").get_by_role("button").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl -H") and copied.endswith("/api/v1/benchmarks/chest/submissions")


def test_progress_is_followed_to_the_score_without_a_reload(full, watched, site):
    page = watched()
    sign_in(page, site)
    mine = make_entry(full, "team0", status="queued")
    page.goto(site + mine.get_absolute_url())
    expect(page.locator("#progress")).to_contain_text("queue")
    page.evaluate("window.same = true")
    Run.objects.filter(pk=mine.run_id).update(status="running", progress=60, stage="predicting")
    expect(page.locator("#progress")).to_contain_text("60 %", timeout=15_000)
    Run.objects.filter(pk=mine.run_id).update(status="scored")
    Score.objects.create(run=mine.run, metric="auroc", value=0.75, low=0.7, high=0.8, n=200, patients=180)
    expect(page.locator("table.scores")).to_contain_text("0.75", timeout=15_000)
    expect(page.get_by_role("link", name="Receipt", exact=True)).to_be_visible()
    assert page.evaluate("window.same"), "the page was loaded anew"


def test_a_choice_shows_its_own_fields(full, watched, site):
    page = watched()
    sign_in(page, site)
    page.goto(site + reverse("submit", args=["chest"]))
    expect(page.locator("#file")).to_be_visible()
    page.check("input[value=weights]")
    expect(page.locator("#file")).to_be_hidden()


def test_a_faulty_file_is_answered_in_place_and_the_repaired_one_goes_on(site, watched, tmp_path):
    labels = binary(tmp_path / "package", n=60)
    benchmark = benchmarks.load(tmp_path / "package", make_team("house"))
    good = tmp_path / "good.csv"
    binary_answer(good, labels)
    bad = good.with_name("bad.csv")
    rows = good.read_text().splitlines()
    bad.write_text("\n".join([*rows[:4], "case-0003,0.2,NaN", *rows[5:]]) + "\n")
    page = watched()
    sign_in(page, site, "newcomer")
    page.goto(site + reverse("submit", args=[benchmark.slug]))
    page.fill("[name=name]", "Written in a browser")
    page.evaluate("window.same = true")
    drop(page, bad)
    expect(page.locator(".drop-says")).to_contain_text("bad.csv")
    page.click("text=Check and submit")
    expect(page.get_by_role("alert")).to_contain_text("1 fault in bad.csv")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.locator("table.faults tbody")).to_contain_text("NaN")
    expect(page.locator("[name=name]")).to_have_value("Written in a browser")
    assert page.evaluate("window.same"), "answered in place"
    page.set_input_files("#file", good)
    page.click("text=Check and submit")
    page.wait_for_url("**/submissions/*/")
    expect(page.locator("#progress")).to_contain_text("queue")
    # The browser itself reports a 422; nothing else may be complained of.
    assert [said for said in page.complaints if "422" not in said] == []


def drop(page, path):
    """Drop a file on the field, as from a file manager."""
    page.evaluate(
        """([name, text]) => {
          const data = new DataTransfer();
          data.items.add(new File([text], name, {type: "text/csv"}));
          document.querySelector("[data-drop]").dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true}));
        }""",
        [path.name, path.read_text()],
    )


def test_pages_work_without_a_script(full, watched, site):
    page = watched(java_script_enabled=False)
    page.goto(site + "/benchmarks/chest/")
    page.click("summary:has-text('Export')")
    expect(page.get_by_role("link", name="LaTeX")).to_be_visible()
    page.uncheck("input[value=claimed]")
    page.click("text=Apply")
    expect(page.locator("#board")).not_to_contain_text("Another metric")
    page.goto(site + "/")
    page.click("footer >> text=Dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
