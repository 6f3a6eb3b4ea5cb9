"""All models on one page, as the model zoos of old had it: what a model does, its licence, and one line that loads it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.cache import cache

from zoo import commits, snippets
from zoo.models import File, Model, Ref

README = "README.md"
LONGEST = 400  # letters of what a model does
KEPT = 86_400  # seconds
_FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_MARKUP = re.compile(r"[*`]|(?<!\w)_|_(?!\w)|!?\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True)
class Row:
    model: Model
    does: str  # in plain words, from the card; "" where it says nothing
    line: str  # one line of Python that loads it; "" where there is no file


def rows(models: Iterable[Model], endpoint: str) -> list[Row]:
    """A row for each model, from the head of its main branch, in three queries. `endpoint`: this server's address."""
    models = list(models)
    refs = Ref.objects.filter(model__in=models, kind=Ref.Kind.BRANCH, name=commits.MAIN).select_related("commit")
    heads = {ref.model_id: ref.commit for ref in refs}
    files: dict[int, list[File]] = {}
    for file in File.objects.filter(commit__in=heads.values()).select_related("blob"):
        files.setdefault(file.commit_id, []).append(file)
    found = []
    for model in models:
        head = heads.get(model.pk)
        mine = files.get(head.pk, []) if head else []
        line = snippets.one_line(model, head, mine, endpoint) if mine else ""
        found.append(Row(model, "" if model.gated else _does(mine), line))
    return found


def _does(files: list[File]) -> str:
    readme = next((file for file in files if file.path == README), None)
    if readme is None:
        return ""
    key = f"shelf:{readme.blob_id}"
    words = cache.get(key)
    if words is None:
        words = summary(commits.card_text(readme))
        cache.set(key, words, KEPT)
    return words


def summary(card: str) -> str:
    """The first paragraph of a card that is no heading, list or table, without its markup."""
    body = _FRONT.sub("", card.replace("\r\n", "\n"), count=1)
    for paragraph in re.split(r"\n\s*\n", body):
        text = " ".join(paragraph.split())
        if text and text[0] not in "#|<>-!`" and not text.startswith("* "):
            text = _MARKUP.sub(lambda match: match[1] or "", text)
            return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0] + " …"
    return ""
