"""A department's contest in a real browser on the real service: from a table of real labels (RetinaMNIST) to the reveal."""

import csv
import re
import shutil
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.journeys.service import Service

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PASSWORD = "four unrelated words 42"
expect.set_options(timeout=20_000)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]


@pytest.fixture
def labels(shared_data, tmp_path):
    """The grades of RetinaMNIST's test set, as a table in an order that says nothing; gives (path, ids, grades)."""
    with np.load(shared_data / "medmnist" / "retinamnist.npz") as data:
        grades = data["test_labels"].ravel()
    ids = [f"eye-{place:04d}" for place in np.random.default_rng(7).permutation(len(grades))]
    path = tmp_path / "labels.csv"
    with open(path, "w", newline="") as out:
        csv.writer(out).writerows([["image_id", "grade"], *zip(ids, grades, strict=True)])
    return path, ids, grades


def prediction(path, ids, grades, skill: float, seed: int):
    """Probabilities of the five grades around the true one, with so much skill."""
    random = np.random.default_rng(seed)
    scores = np.eye(5)[grades] * skill + random.normal(size=(len(grades), 5))
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    with open(path, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["case_id", *range(5)])
        writer.writerows([name, *(f"{value:.6f}" for value in row)] for name, row in zip(ids, shares, strict=True))
    return path


def sign_up(browser, site, name: str):
    page = browser.new_context(base_url=site.url, locale="en-GB").new_page()
    page.set_default_timeout(60_000)  # three people, a service and a browser share the machine
    page.on("dialog", lambda dialog: dialog.accept())
    page.broken = []
    page.on("response", lambda answer: page.broken.append(answer.url) if answer.status >= 500 else None)
    page.on("pageerror", lambda error: page.broken.append(str(error)))
    page.goto("/accounts/signup/")
    page.fill("input[name=username]", name)
    page.fill("input[name=password1]", PASSWORD)
    page.fill("input[name=password2]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(re.compile(r"/$"))
    return page


def make(page, table) -> None:
    page.goto("/competitions/new/")
    page.set_input_files("#file", table)
    page.get_by_role("button", name="Look at it").click()
    expect(page.locator("#primary")).to_have_value("quadratic_weighted_kappa")
    expect(page.locator("#ordinal")).to_be_checked()
    expect(page.locator("aside.card")).to_contain_text("Predictors that look at nothing")
    for name, value in (("title", "Grading eyes"), ("slug", "grading-eyes"), ("source", "RetinaMNIST, MedMNIST v2"),
                        ("licence", "CC BY 4.0"), ("public_share", "40"), ("selections", "1"), ("terms", "Be fair.")):  # fmt: skip
        page.fill(f"#{name}", value)
    page.get_by_role("button", name="Make the draft").click()
    page.get_by_role("link", name="preview").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("draft")
    page.get_by_role("link", name="Organise").click()
    page.get_by_role("button", name="Publish").click()
    expect(page.locator("main")).to_contain_text("published")


def take_part(page, file, name: str) -> None:
    page.goto("/competitions/")
    page.get_by_role("link", name="Grading eyes").click()
    page.get_by_role("link", name="Enter", exact=True).click()
    page.check("#terms")
    page.fill("#team", name)
    page.get_by_role("button", name="Enter").click()
    page.get_by_role("link", name="Submit").click()
    page.set_input_files("#file", file)
    page.fill("[name=name]", f"Network of {name}")
    page.locator("form.form button[type=submit]").click()
    expect(page.locator("#live")).to_contain_text("Scored", timeout=120_000)


def first(page) -> str:
    """The first row of the board that is a team's."""
    return page.locator("#board tbody tr:not(.spec):not(.quiet)").first.inner_text()


def reload_until(page, condition) -> None:
    for _ in range(90):
        if condition():
            return
        page.wait_for_timeout(1000)
        page.reload()
    raise AssertionError("it did not come within 90 seconds")


def end_now(page) -> None:
    """The organiser moves the deadline to this minute, with a reason."""
    page.goto("/competitions/grading-eyes/manage/")
    rules = page.locator("#rules").input_value()
    now = datetime.now(UTC)
    for word, moment in (("starts", now - timedelta(hours=1)), ("ends", now)):
        rules = re.sub(rf"{word}: .*", f"{word}: '{moment.isoformat(timespec='minutes')}'", rules)
    page.fill("#rules", rules)
    page.fill("#why-rules", "Everybody has handed in")
    page.get_by_role("button", name="Change").click()
    expect(page.locator("main")).to_contain_text("Everybody has handed in")


def test_from_a_table_of_labels_to_the_reveal(labels, tmp_path):
    table, ids, grades = labels
    files = [prediction(tmp_path / f"{seed}.csv", ids, grades, skill, seed) for seed, skill in enumerate((1.0, 2.5))]
    with Service(tmp_path) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        house, ann, ben = (sign_up(browser, site, name) for name in ("department", "ann", "ben"))
        make(house, table)
        take_part(ann, files[0], "The readers")
        take_part(ben, files[1], "The network")
        ann.goto("/competitions/grading-eyes/")
        board = ann.locator("#board")
        reload_until(ann, lambda: "The network" in first(ann))  # ranks are a worker's work
        expect(board.locator("tbody tr:not(.spec):not(.quiet)")).to_have_count(2)
        expect(board).to_contain_text("sealed")
        expect(board.locator("tbody tr:not(.spec):not(.quiet)").first).to_contain_text("The network")
        end_now(house)
        reload_until(ann, lambda: ann.get_by_role("heading", name="Final standings").count())
        reload_until(ann, lambda: "The network" in first(ann) and "Updating" not in ann.locator("main").inner_text())
        expect(ann.locator("#board tbody tr:not(.spec):not(.quiet)").first).to_contain_text("The network")
        expect(ann.locator("main")).to_contain_text("statistically distinguishable")
        expect(ann.locator("main")).to_contain_text("teams changed rank")
        house.goto("/competitions/grading-eyes/manage/")
        expect(house.locator("main")).to_contain_text("revealed 2 teams")
        expect(house.locator("main")).to_contain_text("all seals hold")
        assert not [url for page in (house, ann, ben) for url in page.broken]
        browser.close()
