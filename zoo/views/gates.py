"""Asking for the files of a gated model, and the owner's inbox of what was asked."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from zoo import access, grants
from zoo.errors import NotFound
from zoo.models import AccessRequest


@require_http_methods(["GET", "POST"])
def ask(request, owner: str, name: str):
    """The button on a model's page. A GET, by a link or after signing in, leads to the button."""
    net = access.find_model(request.user, owner, name)
    if request.method == "POST":
        access.require(request, "ask")
        asked = grants.ask(net, request.user, request.POST.get("reason", ""))
        if asked.status == AccessRequest.Status.ACCEPTED:
            messages.success(request, _("You may download the files now."))
        else:
            messages.success(request, _("The owner was asked."))
    return redirect(f"{net.get_absolute_url()}#access")


@require_http_methods(["GET", "POST"])
def inbox(request):
    """What waits for this person's decision, and what was decided lately."""
    access.require(request, "publish")
    if request.method == "POST":
        _decide(request)
        return redirect("access_inbox")
    page = Paginator(grants.inbox(request.user), 50).get_page(request.GET.get("page"))
    return render(request, "zoo/inbox.html", {"page": page, "decided": grants.decided(request.user)[:50]})


def _decide(request) -> None:
    """Accept or reject one request; of a model that is not this person's there is none."""
    pk, status = request.POST.get("request", ""), request.POST.get("status", "")
    known = pk.isascii() and pk.isdigit() and len(pk) < 18
    asked = AccessRequest.objects.select_related("model__namespace", "user").filter(pk=pk).first() if known else None
    if asked is None or not access.can(request.user, "manage", asked.model):
        raise NotFound("no_request", "There is no such request.")
    grants.decide(asked.model, asked.user, status, request.user)
    said = _("%(user)s may download %(model)s.") if status == "accepted" else _("%(user)s may not download %(model)s.")
    messages.success(request, said % {"user": asked.user, "model": asked.model})
