"""Branches, tags and history."""

from django.http import JsonResponse

from zoo import commits, text
from zoo.hub.wire import answers, body, model, moment, ok, paged, text_of
from zoo.models import Commit, Ref


@answers("GET")
def refs(request, owner: str, name: str):
    """Branches with `main` first; tags oldest first, since monai takes the last for the newest."""
    net = model(request, owner, name)
    rows = list(net.refs.select_related("commit").order_by("created", "pk"))
    rows.sort(key=lambda ref: ref.name != commits.MAIN)
    found = {
        "branches": [_shown(ref, "heads") for ref in rows if ref.kind == Ref.Kind.BRANCH],
        "tags": [_shown(ref, "tags") for ref in rows if ref.kind == Ref.Kind.TAG],
        "converts": [],
    }
    return JsonResponse(found | ({"pullRequests": []} if "include_prs" in request.GET else {}))


def _shown(ref: Ref, kind: str) -> dict:
    return {"name": ref.name, "ref": f"refs/{kind}/{ref.name}", "targetCommit": ref.commit.oid}


@answers("GET")
def history(request, owner: str, name: str, revision: str = commits.MAIN):
    net = model(request, owner, name)
    return paged(
        request, commits.line(commits.resolve(net, revision)), lambda page: [entry(each) for each in page], 100
    )


def entry(commit: Commit) -> dict:
    return {
        "id": commit.oid,
        "title": commit.title,
        "message": commit.message,
        "date": moment(commit.created),
        "authors": [{"user": commit.author.username}] if commit.author else [],
        "formatted": {"title": commit.title, "message": commit.message},
    }


@answers("POST")
def create_branch(request, owner: str, name: str, branch: str):
    net = model(request, owner, name, "write")
    start = text_of(body(request), "startingPoint") or commits.MAIN
    commits.create_branch(net, branch, start)
    return ok()


@answers("DELETE")
def delete_branch(request, owner: str, name: str, branch: str):
    commits.delete_branch(model(request, owner, name, "write"), branch)
    return ok()


@answers("POST")
def create_tag(request, owner: str, name: str, revision: str):
    net = model(request, owner, name, "write")
    commits.tag(net, text.clean(text_of(body(request), "tag")), revision)
    return ok()


@answers("DELETE")
def delete_tag(request, owner: str, name: str, revision: str):
    commits.delete_tag(model(request, owner, name, "write"), revision)
    return ok()
