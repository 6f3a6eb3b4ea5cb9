"""One file of a revision, and one commit with what it changed."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from zoo import access, changes, commits, inspector
from zoo.views.models import frame, row


@require_safe
def blob(request, owner: str, name: str, rest: str):
    """The page of a file: its facts, and for those who may download it a look inside."""
    net = access.find_model(request.user, owner, name)
    commit, file = commits.find_file(net, rest.strip("/"))
    may_read = access.can(request.user, "download", net)
    query = request.GET.get("q", "")[:200]
    look = inspector.look(file, query, request.GET.get("page")) if may_read else None
    context = {"commit": commit, "row": row(file), "look": look, "query": query, "may_read": may_read}
    return render(request, "zoo/file.html", frame(request, net, "files") | context)


@require_safe
def commit(request, owner: str, name: str, oid: str):
    """A commit: who, when, why, and the changes against its parent."""
    net = access.find_model(request.user, owner, name)
    found = commits.resolve(net, oid)
    may_read = access.can(request.user, "download", net)
    context = {"commit": found, "changes": changes.of(found, text=may_read), "may_read": may_read}
    return render(request, "zoo/commit.html", frame(request, net, "history") | context)
