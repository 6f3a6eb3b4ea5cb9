"""What one is told, and how one wants to be told."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from leaderboard import notices
from leaderboard.models import Notice, Wish
from leaderboard.views import refusals

PAGE = 50


@login_required
@require_http_methods(["GET", "HEAD"])
def page(request):
    """Newest first. What is new is marked until the page was left."""
    rows = Paginator(Notice.objects.filter(user=request.user), PAGE).get_page(request.GET.get("page"))
    found = Wish.objects.filter(user=request.user).first()
    told = {
        "rows": rows, "kinds": notices.KINDS, "mail": found.mail if found else Wish.Mail.NEVER, "wishes": Wish.Mail.values,
        "unread": notices.unread(request.user), "may_mail": settings.MAIL,
    }  # fmt: skip
    return render(request, "leaderboard/notices.html", told)


@login_required
@require_POST
def read(request):
    notices.read(request.user)
    return redirect("notices")


@login_required
@require_POST
@refusals.page
def wish(request):
    notices.wish(request.user, request.POST.get("mail", ""))
    messages.success(request, _("Kept."))
    return redirect("notices")


@csrf_exempt  # mail programs post here by themselves (RFC 8058); the signed code says for whom
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request, code: str):
    user = notices.unsubscribe(code) if request.method == "POST" else None
    told = {"code": code, "done": request.method == "POST", "user_found": user}
    return render(request, "leaderboard/unsubscribe.html", told, status=404 if told["done"] and not user else 200)
