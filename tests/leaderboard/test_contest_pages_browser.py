"""The pages around a contest in a real browser: nothing over the edge, axe finds nothing, and all is done without a mouse."""

import csv

import pytest
from playwright.sync_api import expect

from leaderboard import computations, notices, webhooks
from leaderboard.contests import people, reveals, talk
from leaderboard.models import Competition, Computation, Participant, Thread
from tests.leaderboard.contests import contest, end, hand_in, score
from tests.leaderboard.pages import make_team
from tests.leaderboard.test_pages_browser import (  # noqa: F401 (fixtures)
    AXE,
    OVER,
    WCAG,
    chromium,
    empty_database,
    pytestmark,
    site,
    watched,
)
from tests.packages import binary_answer
from zoo import accounts

PASSWORD = "correct horse battery"
expect.set_options(timeout=20_000)
LONG = "The readers of the outpatient clinic of the department of ophthalmology"
# Every stop of the Tab key shows where one is.
SEEN = "() => { const s = getComputedStyle(document.activeElement); return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0; }"


@pytest.fixture
def held(site, tmp_path, settings):  # noqa: F811
    """A contest in its first phase: two teams on the board, one person who asks to enter, words, notices, a webhook."""
    settings.WEBHOOK_HOSTS = ["chat.example"]
    house = make_team("house")
    house.user.set_password(PASSWORD)
    house.user.save()
    made, labels = contest(tmp_path / "package", house, entry="approval", terms="Be fair.", selections=1)
    for number, name in enumerate(("ann", "ben", "dan")):
        user = accounts.create_user(name, password=PASSWORD, email=f"{name}@ward.example")
        people.enter(made, user, accept_terms=True, team=LONG if name == "ann" else "")
        if name != "dan":
            people.decide(made, house.user, name, True)
            binary_answer(tmp_path / f"{name}.csv", labels, seed=number)
            score(hand_in(made, user, tmp_path / f"{name}.csv", name=f"{LONG} {number}").run, 0.8 - number / 10, 0.7)
    made.teams.filter(members__user__username="ann").update(name=LONG)
    talk.announce(made, house.user, "The ward has moved", "Mind the **new** address.")
    thread = talk.open_thread(made, house.user, "Spacing " * 12, "`in` mm?")
    talk.hide(talk.reply(thread, user_of("ann"), "No."), house.user, "not to the point")
    webhooks.ping(webhooks.add(made, house.user, "https://chat.example/kensa"), house.user)
    notices.look()
    rank()
    return made


def user_of(name: str):
    return accounts.User.objects.get(username=name)


def rank() -> None:
    """What a worker does for the boards."""
    while row := Computation.objects.filter(content=None).first():
        computations.make(row)


def enter_as(page, site, name):  # noqa: F811
    page.goto(site + "/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(site + "/")
    page.on("dialog", lambda dialog: dialog.accept())


def whole(page, where: str) -> None:
    """Nothing runs over the edge, nothing is complained of, and axe finds no fault."""
    over = page.evaluate(OVER)
    assert not over, f"{where} runs over the edge: {over}"
    assert not page.complaints, (where, page.complaints)
    page.evaluate(AXE)
    found = page.evaluate(f"axe.run(document, {{runOnly: {WCAG}}})")["violations"]
    assert not found, f"{where}: {[(row['id'], row['nodes'][0]['html'][:200]) for row in found]}"


def test_the_pages_around_a_contest_are_whole_on_a_phone(held, watched, site, tmp_path):  # noqa: F811
    address, thread = held.get_absolute_url(), Thread.objects.get().get_absolute_url()
    ann, house = watched(390, "dark"), watched(390, "light")
    enter_as(ann, site, "ann")
    enter_as(house, site, "house")
    parts = ("", "announcements/", "discussion/", "team/", "enter/")
    for page, addresses in (
        (ann, [*(address + part for part in parts), "/notifications/", "/settings/account/", "/accounts/email/"]),
        (house, [thread, f"{address}manage/", f"{address}webhooks/", "/settings/tokens/"]),
    ):
        for each in addresses:
            page.goto(site + each)
            whole(page, each)
    end(held)
    assert reveals.reveal(held)
    rank()
    ann.goto(site + address)
    expect(ann.locator("main")).to_contain_text("How the ranks moved")
    whole(ann, "the revealed competition")


def test_the_proposal_for_a_table_stands_beside_its_health(held, watched, site, tmp_path):  # noqa: F811
    table = tmp_path / "labels.csv"
    with open(table, "w", newline="") as out:
        csv.writer(out).writerows([["image_id", "grade"], *([f"eye-{row:03d}", (row * 7) % 4] for row in range(80))])
    page = watched(1440, "light")
    enter_as(page, site, "house")
    page.goto(site + "/competitions/new/")
    whole(page, "the form for a table")
    page.set_input_files("#file", table)
    page.click("text=Look at it")
    page.locator("#primary").wait_for()
    whole(page, "the proposal")
    form, health = page.locator("#primary").bounding_box(), page.locator("aside.card").bounding_box()
    assert health["x"] > form["x"] + form["width"] and health["width"] > 300, "beside, and wide enough to be read"


def tab_to(page, locator, most=70) -> None:
    """Press Tab until the focus is there; each stop on the way must be seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        assert page.evaluate(SEEN), page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        if locator.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{locator} is not reached with {most} tabs")


def test_a_contest_is_taken_part_in_and_held_by_keyboard_alone(held, watched, site):  # noqa: F811
    address = held.get_absolute_url()
    page = watched(1440)
    enter_as(page, site, "ann")
    page.goto(site + address)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name=f"Choose {LONG} 0"))
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Chosen as final.")
    page.goto(site + address + "discussion/")
    tab_to(page, page.locator("#title"))
    page.keyboard.type("Which lens?")
    tab_to(page, page.locator("#text"), 1)
    page.keyboard.type("Is it told?")
    tab_to(page, page.get_by_role("button", name="Post it"), 1)
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", level=1)).to_have_text("Which lens?")
    page = watched(1440)
    enter_as(page, site, "house")
    page.goto(site + address + "manage/")
    tab_to(page, page.get_by_role("button", name="Admit dan"))
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Done; the record says so.")
    assert Participant.objects.get(user__username="dan").status == "admitted"
    tab_to(page, page.get_by_label(f"Reason, for {LONG}", exact=True))
    page.keyboard.type("two accounts")
    tab_to(page, page.get_by_role("button", name=f"Disqualify {LONG}", exact=True), 1)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("two accounts")
    assert Competition.objects.get().teams.exclude(disqualified=None).get().name == LONG
