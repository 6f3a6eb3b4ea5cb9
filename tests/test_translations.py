"""The Japanese catalogue: compiled from its source, whole, and with the placeholders of the English texts."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

CATALOGUE = Path(settings.LOCALE_PATHS[0]) / "ja" / "LC_MESSAGES"
PLACE = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


def entries():
    """(English, Japanese) of every entry of the source."""
    for block in CATALOGUE.joinpath("django.po").read_text().split("\n\n")[1:]:
        parts = re.findall(r'^(msgctxt|msgid|msgid_plural|msgstr)(?:\[0\])? ((?:".*"\n?)+)', block, re.M)
        told = {name: "".join(re.findall(r'"(.*)"', text)) for name, text in parts}
        yield told.get("msgid_plural") or told.get("msgid", ""), told.get("msgstr", ""), told.get("msgid", "")


def test_every_text_is_translated_and_keeps_its_placeholders():
    for english, japanese, singular in entries():
        assert japanese, f"not translated: {english}"
        assert sorted(PLACE.findall(japanese)) in (sorted(PLACE.findall(english)), sorted(PLACE.findall(singular))), (
            english
        )


def test_the_compiled_catalogue_is_the_one_that_is_offered():
    assert ("ja", "日本語") in settings.LANGUAGES
    with translation.override("ja"):
        assert translation.gettext("Benchmarks") == "ベンチマーク"


@pytest.mark.django_db
def test_a_reader_switches_the_language_and_comes_back():
    client = Client()
    with translation.override("en"):  # a page leaves its language to the thread, and so to the tests after it
        assert "ベンチマーク" not in client.get("/benchmarks/").content.decode()
        client.get("/settings/language/?to=ja&next=/benchmarks/")
        page = client.get("/benchmarks/").content.decode()
        assert '<html lang="ja"' in page and "ベンチマーク" in page
