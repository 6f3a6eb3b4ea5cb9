"""A model's page at one revision, its history, and its files."""

from functools import lru_cache

from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from zoo import access, blobs, cards, commits, downloads, panels, safety, snippets, statements
from zoo.hub import wire
from zoo.models import Commit, File, Model

SHOWN = 1000  # files listed on a page; REST lists all


@require_safe
def model(request, owner: str, name: str, rest: str = commits.MAIN):
    """The card, files and facts at a revision (`main` unless the address names another)."""
    net = access.find_model(request.user, owner, name)
    commit, folder = commits.split(net, rest.strip("/"))
    files = list(commit.files.select_related("blob"))
    if folder:
        files = [file for file in files if file.path == folder or file.path.startswith(folder + "/")]
        if not files:
            raise commits.EntryNotFound(folder, commit)
    shown = panels.of(request, net)
    branches = list(net.refs.select_related("commit").order_by("kind", "-created"))
    revision = rest.strip("/").removesuffix(folder).strip("/")
    return render(
        request,
        "zoo/model.html",
        frame(request, net, "model")
        | {
            "commit": commit,
            "revision": commit.oid[:7] if revision == commit.oid else revision,
            "refs": branches,
            "folder": folder,
            "files": [row(file) for file in files[:SHOWN]],
            "more": max(0, len(files) - SHOWN),
            "card": _card(net, commit, files),
            "facts": _facts(files),
            "stated": _stated(net, commit, files, shown),
            "panels": shown,
            "snippets": snippets.of(net, commit, files, request.build_absolute_uri("/").rstrip("/")),
        },
    )


@require_safe
def history(request, owner: str, name: str, branch: str = commits.MAIN):
    """The commits that led to a revision, newest first."""
    net = access.find_model(request.user, owner, name)
    head = commits.resolve(net, branch)
    page = Paginator(commits.line(head), 50).get_page(request.GET.get("page"))
    return render(
        request, "zoo/history.html", frame(request, net, "history") | {"page": page, "branch": branch, "head": head}
    )


@require_safe
def resolve(request, owner: str, name: str, rest: str):
    """The bytes of `<revision>/<path>`. Access is checked before anything is said about the file."""
    net = access.find_model(request.user, owner, name)
    if not access.can(request.user, "download", net):
        raise wire.closed(request, net)
    commit, file = commits.find_file(net, rest)
    return downloads.respond(request, commit, file)


def slash(request, owner: str, name: str):
    """`/owner/name/` is `/owner/name`."""
    return redirect("model", owner, name, permanent=True)


def frame(request, net: Model, tab: str = "") -> dict:
    """What every page about one model shows around its content."""
    return {
        "model": net,
        "tab": tab,
        "task_title": panels.task_titles([net.task])[net.task] if net.task else "",
        "may_write": access.can(request.user, "write", net),
        "may_manage": access.can(request.user, "manage", net),
        "asked": gate(request.user, net),
        "commit_count": net.commits.count(),
    }


def gate(user, net: Model) -> str:
    """How somebody stands before the gate of a model: "" where none is in the way, "sign in", "ask", or their request's status."""
    if not net.gated or net.disabled or access.can(user, "download", net):
        return ""
    if not user.is_authenticated:
        return "sign in"
    asked = net.access_requests.filter(user=user).first()
    return asked.status if asked else "ask"


def row(file: File) -> dict:
    """A file with what is to be said of it in a list."""
    facts = file.blob.facts
    code = safety.runs_code(file.path, facts)
    scan = facts.get("scan") if code else None
    return {"file": file, "facts": facts, "code": code, "scan": scan, "says": "" if code else _says(file, facts)}


def _says(file: File, facts: dict) -> str:
    if file.path == commits.CARD:
        return "model card"
    known = {
        "safetensors": "data only",
        "onnx": "data only",
        "hdf5": "data container",
        "zip": "archive",
        "numpy": "array",
    }
    if file.path.endswith((".py", ".sh", ".ipynb")):
        return "source code; nothing here runs it"
    return known.get(facts.get("format", ""), "")


def _card(net: Model, commit: Commit, files: list[File]) -> cards.Card | None:
    readme = next((file for file in files if file.path == commits.CARD), None)
    if readme is None:
        return None
    return _read_card(readme.blob_id, f"/{net}/resolve/{commit.oid}/")


def _stated(net: Model, commit: Commit, files: list[File], shown: list[dict]) -> dict | None:
    """What the card's front matter states; results that a panel shows beside measured ones are not told twice."""
    card = _card(net, commit, files)
    if card is None or not card.front:
        return None
    told = statements.read(card.front)
    covered = {each for panel in shown for each in panel.get("declared", ())}
    return {"told": told, "unmeasured": [each for each in told.declared if each not in covered]}


@lru_cache(maxsize=64)
def _read_card(sha256: str, base: str) -> cards.Card:
    """Kept, since a blob never changes and a long card takes a moment."""
    source = blobs.read(sha256, cards.MAX_BYTES + cards.MAX_FRONT).decode("utf-8", "replace")
    return cards.parse(source, base)


def _facts(files: list[File]) -> dict:
    """Sums over the weights of a revision: parameters by dtype, operators, inputs and outputs of an ONNX graph."""
    weights = [file.blob.facts for file in files if file.blob.facts.get("format") == "safetensors"]
    dtypes: dict[str, int] = {}
    for facts in weights:
        for dtype, n in facts.get("dtypes", {}).items():
            dtypes[dtype] = dtypes.get(dtype, 0) + n
    onnx = next((file.blob.facts for file in files if file.blob.facts.get("format") == "onnx"), {})
    return {
        "tensors": sum(facts.get("tensors", 0) for facts in weights),
        "parameters": sum(dtypes.values()) or onnx.get("parameters", 0),
        "dtypes": dtypes,
        "onnx": onnx,
        "size": sum({file.blob_id: file.blob.size for file in files}.values()),
    }
