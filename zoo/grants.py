"""Who gets the files of a gated model: people ask, and get them at once (automatic) or from an owner (manual).

A decision stays when the gate is opened and closed again, and when the model gets another name.
"""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from zoo import access, text
from zoo.errors import NotFound, Refused
from zoo.models import AccessRequest, Model, User

Status = AccessRequest.Status


def set_gate(model: Model, gate: str) -> None:
    """Open ("") or close ("auto", "manual") the files of a model. Raises `Refused` for anything else."""
    if gate not in Model.Gate.values:
        raise Refused("bad_gate", f"There is no gate {str(gate)[:40]!r}.", "Use auto, manual or none.")
    Model.objects.filter(pk=model.pk).update(gated=gate)
    model.gated = gate


def ask(model: Model, user: User, reason: str = "") -> AccessRequest:
    """Ask for the files of a gated model; once is enough. Raises `Refused` where there is no gate."""
    _require_gate(model)
    status = Status.ACCEPTED if model.gated == Model.Gate.AUTO else Status.PENDING
    decided = timezone.now() if status == Status.ACCEPTED else None
    with transaction.atomic():
        request, is_new = AccessRequest.objects.select_for_update().get_or_create(
            model=model,
            user=user,
            defaults={"status": status, "decided": decided, "reason": text.clean(reason).strip()[:1000]},
        )
        if not is_new and request.status == Status.PENDING and status == Status.ACCEPTED:
            request = _decide(request, status, None)
    return request


def grant(model: Model, user: User, by: User) -> AccessRequest:
    """Give somebody the files, asked or not. Raises `Refused` where there is no gate."""
    _require_gate(model)
    with transaction.atomic():
        request, _ = AccessRequest.objects.select_for_update().get_or_create(model=model, user=user)
        return _decide(request, Status.ACCEPTED, by)


def decide(model: Model, user: User | None, status: str, by: User) -> AccessRequest:
    """Accept, reject or put back a request. Raises `NotFound` where there is none, or it is decided so already."""
    _require_gate(model)
    if status not in Status.values:
        raise Refused("bad_status", f"There is no status {str(status)[:40]!r}.", "Use accepted, rejected or pending.")
    with transaction.atomic():
        request = AccessRequest.objects.select_for_update().filter(model=model, user=user).first()
        if request is None or request.status == status:
            raise NotFound("no_request", f"There is no request of this person that is not {status} yet.")
        return _decide(request, status, by)


def of(model: Model, status: str) -> QuerySet[AccessRequest]:
    return model.access_requests.filter(status=status).select_related("user").order_by("created", "pk")


def inbox(user: User) -> QuerySet[AccessRequest]:
    """What waits for this person's decision, oldest first."""
    return _for(user).filter(status=Status.PENDING).order_by("created", "pk")


def decided(user: User) -> QuerySet[AccessRequest]:
    """What was decided for models of this person, latest first."""
    return _for(user).exclude(status=Status.PENDING).select_related("decided_by").order_by("-decided", "-pk")


def _for(user: User) -> QuerySet[AccessRequest]:
    """Requests for gated models that this person manages."""
    heads = [space.pk for space in access.namespaces_of(user) if access.can(user, "manage namespace", space)]
    gated = AccessRequest.objects.exclude(model__gated=Model.Gate.NONE).filter(model__namespace__in=heads)
    return gated.select_related("model__namespace", "user")


def _require_gate(model: Model) -> None:
    if not model.gated:
        raise Refused("not_gated", f"{model} is not gated: whoever sees it may download it.", "")


def _decide(request: AccessRequest, status: str, by: User | None) -> AccessRequest:
    request.status, request.decided_by = status, by
    request.decided = None if status == Status.PENDING else timezone.now()
    AccessRequest.objects.filter(pk=request.pk).update(
        status=request.status, decided=request.decided, decided_by=request.decided_by
    )
    return request
