"""The page of all metrics, read from the registry: a new metric appears here by being registered; and the key of receipts."""

from django.http import JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from evaluators import chains, receipts
from evaluators.metrics import METRICS

KINDS = {
    "classification": _("Classification"),
    "segmentation": _("Segmentation"),
    "detection": _("Detection"),
    "survival": _("Survival"),
    "restoration": _("Restoration"),
    "regression": _("Regression"),
}


@require_safe
def metrics(request):
    ordered = sorted(METRICS.values(), key=lambda metric: metric.title.casefold())
    groups, seen = [], set()
    for kind, title in KINDS.items():
        mine = [m for m in ordered if kind in m.kinds and m.name not in seen]
        seen.update(m.name for m in mine)
        if mine:
            groups.append((kind, title, mine))
    return render(request, "leaderboard/metrics.html", {"groups": groups, "count": len(ordered)})


@require_safe
def receipt_key(request):
    """/.well-known/kensa-receipts.json: whose signature a receipt of this service carries."""
    answer = {
        "algorithm": "Ed25519",
        "public_key": receipts.public_key_text(),
        "formats": [receipts.FORMAT, chains.FORMAT],
    }
    return JsonResponse(answer, headers={"Access-Control-Allow-Origin": "*"})
