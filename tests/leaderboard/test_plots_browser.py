"""Plots in a real browser: drawn under the strict policy, in both themes, on a phone, saved as SVG; tables without a script."""

import re

import pytest
from playwright.sync_api import expect

from tests.leaderboard.pages import make_team
from tests.leaderboard.plotted import make_plotted
from tests.leaderboard.test_pages_browser import (  # noqa: F401 (fixtures)
    CHROMIUM,
    OVER,
    chromium,
    empty_database,
    site,
    watched,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium"),
]


@pytest.fixture
def pages(site):  # noqa: F811
    """Addresses of a board's plots, of plots of entries of two kinds, and of the board's task."""
    board, entries = make_plotted(make_team("house"), "classification", labels="public")
    _, segmented = make_plotted(make_team("house"), "segmentation", labels="public", entries=1)
    return [
        f"{site}/benchmarks/{board.slug}/plots/",
        *(f"{site}/submissions/{e.pk}/plots/" for e in (entries[0], segmented[0])),
        f"{site}/tasks/{board.task.slug}/",
    ]


def draw_all(page, address) -> int:
    page.goto(address)
    boxes = page.locator("[data-plot]")
    for box in boxes.all():
        box.scroll_into_view_if_needed()
        expect(box).to_have_class(re.compile(r"\bjs-plotly-plot\b.*\bdrawn\b"), timeout=20_000)
    return boxes.count()


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_every_plot_is_drawn_and_nothing_is_refused_or_runs_over(width, scheme, pages, watched):  # noqa: F811
    page = watched(width, scheme)
    for address, count in zip(pages, (5, 5, 2, 1), strict=True):
        assert draw_all(page, address) == count
        assert page.locator(".plot-js svg .plot path, .plot-js svg .points, .plot-js svg image").count() >= count
        assert not page.evaluate(OVER) and page.complaints == []


def test_a_plot_follows_the_theme_and_is_saved_as_svg_with_its_colours(pages, watched):  # noqa: F811
    page = watched()
    draw_all(page, pages[1])
    line = page.locator("#roc .js-line").last
    light = line.evaluate("e => getComputedStyle(e).stroke")
    page.click("[data-theme-link=dark]")
    expect(line).not_to_have_css("stroke", light)
    with page.expect_download() as got:
        page.locator("#roc").get_by_role("button", name="SVG").click()
    text = got.value.path().read_text()
    assert got.value.suggested_filename.endswith("-roc.svg") and text.startswith("<svg") and "Sensitivity" in text
    assert page.complaints == []


def test_without_a_script_the_table_says_the_same(pages, watched):  # noqa: F811
    page = watched(java_script_enabled=False)
    page.goto(pages[1])
    page.locator("#roc summary").click()
    expect(page.locator("#roc table")).to_contain_text("specificity 0.90")
