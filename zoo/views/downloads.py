"""Who took the files of a gated model: a page for its owners."""

from django.core.paginator import Paginator
from django.shortcuts import render
from django.views.decorators.http import require_safe

from zoo import access
from zoo.views.models import frame


@require_safe
def log(request, owner: str, name: str):
    net = access.find_model(request.user, owner, name)
    access.require(request, "manage", net)
    rows = net.download_log.select_related("user").order_by("-created", "-pk")
    page = Paginator(rows, 100).get_page(request.GET.get("page"))
    return render(request, "zoo/downloads.html", frame(request, net, "settings") | {"page": page})
