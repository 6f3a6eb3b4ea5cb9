"""Who may see and change what in the zoo: the one place that decides.

`ALLOWED` is the table of actions x roles, as data. Private rows are left out in the queryset already, so a check that
somebody forgets gives a 404 and no leak.
"""

from django.db.models import F, Q, QuerySet

from zoo import text
from zoo.errors import Moved, NotFound, Refused
from zoo.models import AccessRequest, Membership, Model, MovedName, Namespace

OPERATOR, OWNER, MEMBER, READER, ANONYMOUS = "operator", "owner", "member", "reader", "anonymous"
ROLES = (OPERATOR, OWNER, MEMBER, READER, ANONYMOUS)
_TEAM = frozenset({OPERATOR, OWNER, MEMBER})
_HEADS = frozenset({OPERATOR, OWNER})
_SIGNED_IN = frozenset({OPERATOR, OWNER, MEMBER, READER})
_ALL = frozenset(ROLES)

ALLOWED: dict[str, frozenset[str]] = {
    # a model
    "see": _ALL,
    "see private": _TEAM,
    "download": _ALL,
    "download private": _TEAM,
    "download gated": _TEAM,  # until access was granted
    "download withdrawn": frozenset({OPERATOR}),
    "write": _TEAM,  # upload, commit, branch, tag
    "manage": _HEADS,  # visibility, rename, delete, and who may have the files of a gated one
    "ask": _SIGNED_IN,  # for the files of a gated one
    # a namespace
    "see namespace": _ALL,
    "create": _TEAM,  # a model in it, a submission for it
    "manage namespace": _HEADS,  # members, invitations, title
    # the site
    "publish": _SIGNED_IN,  # models of one's own
    "create organisation": _SIGNED_IN,
    "invite": frozenset({OPERATOR}),
    "see workers": frozenset({OPERATOR}),  # each of them, and what it runs
}


def is_operator(user) -> bool:
    """An operator signed in to the pages, or with a token of scope `admin`; any lesser token of theirs is only a user's."""
    return bool(
        user and user.is_authenticated and user.is_superuser and getattr(user, "token_scope", "admin") == "admin"
    )


def may_write(request) -> bool:
    """Whether this request's token, if it has one, is good for changes."""
    token = getattr(request, "token", None)
    return token is None or token.scope in ("write", "admin")


def role(user, namespace: Namespace | None) -> str:
    """The one role of a user towards a namespace (or, with None, towards the site)."""
    if user is None or not user.is_authenticated:
        return ANONYMOUS
    if is_operator(user):
        return OPERATOR
    if namespace is None:
        return READER
    if namespace.user_id is not None:
        return OWNER if namespace.user_id == user.pk else READER
    membership = Membership.objects.filter(organisation=namespace, user=user).first()
    if membership is None:
        return READER
    return OWNER if membership.role == Membership.Role.OWNER else MEMBER


def can(user, action: str, thing: Model | Namespace | None = None) -> bool:
    """Whether `user` may do `action` to a model, a namespace, or (None) the site. Unknown actions raise KeyError."""
    if not isinstance(thing, Model):
        return role(user, thing) in ALLOWED[action]
    mine = role(user, thing.namespace)
    if mine not in ALLOWED["see private" if thing.private else "see"] or mine not in ALLOWED[action]:
        return False
    if action != "download":
        return True
    gated = bool(thing.gated) and not is_granted(user, thing)
    conditions = {"private": thing.private, "gated": gated, "withdrawn": thing.disabled}
    return all(mine in ALLOWED[f"download {name}"] for name, holds in conditions.items() if holds)


def is_granted(user, model: Model) -> bool:
    """Whether this person asked for the files of a gated model and got them."""
    return user.is_authenticated and _granted(user).filter(model=model).exists()


def _granted(user) -> QuerySet[AccessRequest]:
    return AccessRequest.objects.filter(user=user, status=AccessRequest.Status.ACCEPTED)


def namespaces_of(user) -> QuerySet[Namespace]:
    """The user's own namespace and their organisations: what they may publish and submit as."""
    if user is None or not user.is_authenticated:
        return Namespace.objects.none()
    member_of = Membership.objects.filter(user=user).values("organisation")
    return Namespace.objects.filter(Q(user=user) | Q(pk__in=member_of)).order_by(
        F("user_id").desc(nulls_last=True), "name"
    )


def visible_models(user) -> QuerySet[Model]:
    models = Model.objects.select_related("namespace")
    if is_operator(user):
        return models
    if user is None or not user.is_authenticated:
        return models.filter(private=False)
    return models.filter(Q(private=False) | Q(namespace__in=namespaces_of(user).values("pk")))


def downloadable_models(user) -> QuerySet[Model]:
    """The models of which `can(user, "download", model)` holds."""
    models = visible_models(user)
    if is_operator(user):
        return models
    models = models.filter(disabled=False)
    if user is None or not user.is_authenticated:
        return models.filter(gated=Model.Gate.NONE)
    mine, granted = namespaces_of(user).values("pk"), _granted(user).values("model")
    return models.filter(Q(gated=Model.Gate.NONE) | Q(namespace__in=mine) | Q(pk__in=granted))


def follow_model(user, owner: str, name: str) -> Model:
    """`find_model`, where a name that the model had before is as good."""
    try:
        return find_model(user, owner, name)
    except Moved as moved:
        return find_model(user, *moved.new.split("/"))


def find_model(user, owner: str, name: str) -> Model:
    """`owner/name`, or `NotFound`: in the same words, after the same questions to the database, whether it is missing or
    private. Raises `Moved` for a name that the model had before."""
    owner, name = text.clean(owner), text.clean(name)
    model = visible_models(user).filter(namespace__name=owner, name=name).first()
    if model is None:
        before = MovedName.objects.filter(namespace__name=owner, name=name, model__in=visible_models(user))
        if moved := before.select_related("model__namespace").first():
            raise Moved(f"{owner}/{name}", str(moved.model))
        hint = "Check the spelling of owner/name; if it is private, sign in or use a token of a member."
        refusal = NotFound("model_not_found", "There is no such model, or you may not see it.", hint)
        refusal.headers["X-Error-Code"] = "RepoNotFound"
        raise refusal
    return model


def require(request, action: str, thing: Model | Namespace | None = None) -> None:
    """Pass, or raise `Refused`: 401 to a person who is not signed in, 403 to one who is."""
    if not request.user.is_authenticated and ANONYMOUS not in ALLOWED[action]:
        raise Refused("sign_in", "You need to be signed in for this.", "Sign in, or send a bearer token.", status=401)
    if not may_write(request) and action not in ("see", "see namespace", "download"):
        raise Refused("read_only_token", "This token can only read.", "Use a token of scope write.", status=403)
    if not can(request.user, action, thing):
        where = getattr(thing, "namespace", thing)
        hint = f"Ask an owner of {where} to do it, or to add you." if where else "Ask the operator of this server."
        raise Refused("forbidden", "You do not have the right to do this here.", hint, status=403)
