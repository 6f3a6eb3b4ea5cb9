"""Model cards: YAML front matter as the Hub defines it, and Markdown made into HTML that can do nothing but be read.

Cards are written by strangers. YAML aliases are refused (they multiply), the HTML is cleaned with a list of what is
allowed, and pictures from other servers become links, since no page calls out.
"""

import datetime as dt
import math
import re
from dataclasses import dataclass, field
from html import escape

import nh3
import yaml
from markdown_it import MarkdownIt

from zoo import statements, text
from zoo.models import NAME

MAX_BYTES = 512 * 1024
MAX_FRONT = 64 * 1024
MAX_DEPTH = 20
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)(?:\r?\n)?^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_ABSOLUTE = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:|//|/|#)")
_TAGS = """
a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h3 h4 h5 h6 hr i img ins kbd
li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr ul var
"""
TAGS = set(_TAGS.split())
ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}


@dataclass(frozen=True)
class Card:
    """`front` is plain JSON data; `html` is safe to put into a page; `faults` say what could not be used."""

    front: dict = field(default_factory=dict)
    html: str = ""
    faults: list[str] = field(default_factory=list)


def parse(source: str, base: str = "") -> Card:
    """A card's front matter and its text as clean HTML. `base` is where relative links lead (a URL ending in a slash)."""
    front, faults = read_front(source)
    faults = list(faults)
    rest = _FRONT.sub("", source, count=1)
    if len(rest) > MAX_BYTES:
        rest = rest[:MAX_BYTES]
        faults.append(f"Only the first {MAX_BYTES // 1024} KiB of the text are shown.")
    try:
        html = render(rest, base)
    except RecursionError:
        html = f"<pre>{escape(rest)}</pre>"
        faults.append("The Markdown is nested too deep; it is shown as it was written.")
    return Card(front, html, faults)


def read_front(source: str) -> tuple[dict, list[str]]:
    """The front matter as JSON data, and what is wrong with it. Never raises."""
    match = _FRONT.match(source[: MAX_FRONT + 16])
    if not match:
        if source.lstrip("\ufeff").startswith("---\n") and len(source) > MAX_FRONT:
            return {}, [f"The front matter is longer than {MAX_FRONT // 1024} KiB, or does not end with ---."]
        return {}, []
    try:
        data = yaml.load(match[1], _Loader)  # noqa: S506 - a SafeLoader
        data = _plain(data, 0)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 2}" if mark else ""
        return {}, [f"The front matter is not YAML{where}: {getattr(error, 'problem', None) or 'cannot be read'}."]
    except (RecursionError, ValueError, OverflowError, TypeError, AttributeError, LookupError):
        return {}, ["The front matter is nested too deep, or holds a value that cannot be read."]
    if data is None:
        return {}, []
    if not isinstance(data, dict):
        return {}, ["The front matter must be a list of `key: value` lines."]
    return data, []


def facts(front: dict) -> dict[str, str]:
    """What the catalogue filters by: title, task (slug), library, licence, modality, anatomy; each "" where the card does
    not say."""
    task = _text(front.get("task")) or _text(front.get("pipeline_tag"))
    return {
        "title": _text(front.get("title") or front.get("summary"))[:200],
        "task": task if len(task) <= 96 and NAME.match(task) else "",
        "library": _text(front.get("library_name"))[:60],
        "licence": _text(front.get("licence") or front.get("license_name") or front.get("license"))[:60],
        "modality": statements.first(front, "modality")[:60],
        "anatomy": statements.first(front, "anatomy")[:60],
    }


def render(markdown: str, base: str = "") -> str:
    """Markdown (CommonMark with tables) as clean HTML; headings start at h3, below the page's own."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    html = parser.renderer.render(tokens, parser.options, {})
    html = re.sub(r"(?i)(</?)h[12](?=[\s>/])", r"\1h3", html)
    html = re.sub(r"(?is)<img\b[^<>]{0,4000}>", _far_picture, html)
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=lambda tag, name, value: _attribute(tag, name, value, base),
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow noopener noreferrer",
        strip_comments=True,
    )


def _far_picture(match: re.Match) -> str:
    """A picture from another server as a link to it."""
    source = re.search(r"""(?is)\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", match[0])
    url = next((group for group in source.groups() if group is not None), "") if source else ""
    if not re.match(r"(?i)(?:https?:)?//", url.strip()):
        return match[0]
    words = re.search(r"""(?is)\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", match[0])
    alt = next((group for group in words.groups() if group), "") if words else ""
    return f'<a href="{url}">{alt or "picture on another server"}</a>'


def _attribute(tag: str, name: str, value: str, base: str) -> str | None:
    if (tag, name) == ("img", "src"):
        return None if _ABSOLUTE.match(value) else base + value.removeprefix("./")
    if (tag, name) == ("a", "href") and not _ABSOLUTE.match(value):
        return base + value.removeprefix("./")
    if tag == "img" and name in ("width", "height") and not re.fullmatch(r"\d{1,4}", value):
        return None
    return value


class _Loader(yaml.SafeLoader):
    """YAML without aliases: `*name` lets a short text stand for gigabytes."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.composer.ComposerError(None, None, "aliases (*name) are not read here", event.start_mark)
        return super().compose_node(parent, index)


def _plain(value, depth: int):
    """YAML's values as JSON's: dates become text, keys become text, numbers that JSON lacks become text."""
    if depth > MAX_DEPTH:
        raise RecursionError
    if isinstance(value, dict):
        return {_key(key): _plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(each, depth + 1) for each in value]
    if isinstance(value, str):
        return text.clean(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    return text.clean(str(value)[:1000])


def _key(key) -> str:
    return text.clean(str(key)[:200])


def _text(value) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()
