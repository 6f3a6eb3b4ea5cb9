"""The page to try the REST API: works under the site's policy, and loads nothing from elsewhere."""

import shutil

import pytest
from playwright.sync_api import expect

from tests.leaderboard.test_pages_browser import CHROMIUM, chromium, empty_database, site  # noqa: F401

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(shutil.which(CHROMIUM or "") is None, reason="no Chromium here: apt-get install chromium"),
]


def test_the_docs_page_lists_the_addresses_and_asks_nobody_else(site, chromium):  # noqa: F811
    page = chromium.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{site}/api/v1/docs")
    expect(page.get_by_text("/api/v1/benchmarks/{slug}/submissions").first).to_be_visible(timeout=15_000)
    assert not [url for url in asked if not url.startswith((site, "data:", "blob:"))]
    assert complaints == []
    page.close()
