"""The page "How a benchmark lies": without its boards it says how to get them; with one it shows its scores and the check."""

import pytest

from leaderboard import benchmarks
from leaderboard import demo as demos
from leaderboard.demo import _data, _lessons, lies_imbalance, lies_leakage
from leaderboard.models import Task
from leaderboard.views import lessons
from tests.leaderboard.pages import make_board
from zoo import accounts

pytestmark = pytest.mark.django_db


def test_every_lesson_names_a_demo_and_metrics_of_its_board():

    known = {demo.slug: demo for demo in demos.load().values()}
    for lesson in lessons.LESSONS:
        assert lesson.slug in known
    imbalance = lessons.LESSONS[0]
    measured = {lies_imbalance.MANIFEST["metrics"]["primary"], *lies_imbalance.MANIFEST["metrics"]["also"]}
    assert {metric for metric, _subset, _words in imbalance.columns} <= measured


def test_a_site_without_the_boards_says_how_to_build_them(client):
    page = client.get("/docs/how-a-benchmark-lies/").content.decode()
    assert page.count("make demo ALL=1") == len(lessons.LESSONS)


def test_boards_made_to_mislead_are_no_state_of_the_art(client):
    clinic = accounts.create_organisation("clinic", accounts.create_user("owner"), "The clinic")
    clinical, lie = make_board(clinic, "chest"), make_board(clinic, "lie")
    Task.objects.filter(pk=lie.task_id).update(specialty=_lessons.TASK["specialty"])
    page = client.get("/").content.decode()
    assert clinical.title in page and lie.title not in page
    assert lie.task.title in client.get("/tasks/").content.decode()


@pytest.mark.skipif(_data.present(lies_leakage.NEED) is None, reason="scikit-survival is not installed")
def test_the_board_and_its_finding_are_shown(client, tmp_path):
    lies_leakage.package(tmp_path)
    made = benchmarks.load(tmp_path)
    lies_imbalance.package(tmp_path / "imbalance")
    assert benchmarks.load(tmp_path / "imbalance").package.manifest["leaks"], "four cancers: many a column tells them"
    for address in ("/docs/how-a-benchmark-lies/", made.get_absolute_url()):
        page = client.get(address).content.decode()
        assert "<code>chapter</code> is filled in tells the outcome by itself" in page
    page = client.get("/docs/how-a-benchmark-lies/").content.decode()
    assert made.title in page and page.count("The check at loading found") == 1
