"""What a model is: `model_info` and `list_models`."""

from django.db.models import Value
from django.db.models.functions import Concat
from django.http import JsonResponse

from zoo import cards, commits, text
from zoo.access import visible_models
from zoo.hub.trees import file_entry
from zoo.hub.wire import answers, is_true, model, moment, paged
from zoo.models import Commit, File, Model, Ref

PAGE = 100
ORDERS = {
    "lastModified": "updated", "last_modified": "updated", "createdAt": "created", "created_at": "created",
    "downloads": "downloads", "likes": "downloads", "trendingScore": "downloads", "trending_score": "downloads",
}  # fmt: skip
# Arguments of the clients' card class that are not metadata: a card that names them would stop the client.
_NOT_METADATA = ("self", "ignore_metadata_errors", "eval_results")


@answers("GET")
def info(request, owner: str, name: str, revision: str = commits.MAIN):
    net = model(request, owner, name)
    commit = commits.resolve(net, revision)
    files = list(commit.files.select_related("blob"))
    card = net.card if revision == commits.MAIN else _card(files)
    blobs = is_true(request.GET.get("blobs", ""))
    siblings = [_sibling(file, blobs) for file in files]
    shown = summary(net) | described(card) | {"sha": commit.oid, "siblings": siblings, "usedStorage": net.size}
    if is_true(request.GET.get("securityStatus", "")):
        shown["securityRepoStatus"] = {"scansDone": True, "filesWithIssues": _issues(files)}
    return JsonResponse(shown)


@answers("GET")
def listing(request):
    """Models that this person may see. Filters are of the card, so they are applied to what the other ones leave."""
    query = request.GET
    models = visible_models(request.user)
    if words := text.clean(query.get("search", "")):
        full_name = Concat("namespace__name", Value("/"), "name")
        models = models.annotate(full_name=full_name).filter(full_name__icontains=words)
    if author := text.clean(query.get("author", "")):
        models = models.filter(namespace__name=author)
    if (gated := query.get("gated")) is not None:
        models = models.exclude(gated="") if is_true(gated) else models.filter(gated="")
    order = ORDERS.get(query.get("sort", ""), "updated")
    models = models.order_by(order if query.get("direction") == "1" else f"-{order}", "pk")
    wanted = {tag for value in query.getlist("filter") for tag in value.split(",") if tag}
    pipeline = query.get("pipeline_tag")
    rows = models
    if wanted or pipeline:
        rows = [
            each
            for each in models
            if wanted <= set(_tags(each.card)) and pipeline in (None, _line(each.card, "pipeline_tag"))
        ]
    full = is_true(query.get("full", "")) or bool(query.getlist("expand"))
    return paged(request, rows, lambda page: _list(page, full, full or is_true(query.get("cardData", ""))), PAGE)


def _list(page: list[Model], full: bool, with_card: bool) -> list[dict]:
    heads = Ref.objects.filter(model__in=page, kind=Ref.Kind.BRANCH, name=commits.MAIN).values_list("model", "commit")
    commits_ = dict(heads) if full else {}
    oids = dict(Commit.objects.filter(pk__in=commits_.values()).values_list("pk", "oid"))
    names: dict[int, list] = {pk: [] for pk in oids}
    for commit, path in File.objects.filter(commit__in=names).values_list("commit", "path"):
        names[commit].append({"rfilename": path})
    shown = []
    for each in page:
        row = summary(each) | described(each.card)
        if not with_card:
            del row["cardData"]
        if full:
            row |= {"sha": oids[commits_[each.pk]], "siblings": names[commits_[each.pk]]}
        shown.append(row)
    return shown


def summary(net: Model) -> dict:
    return {
        "_id": f"{net.pk:024x}",
        "id": str(net),
        "modelId": str(net),
        "author": net.namespace.name,
        "private": net.private,
        "gated": net.gated or False,
        "disabled": net.disabled,
        "createdAt": moment(net.created),
        "lastModified": moment(net.updated),
        "downloads": net.downloads,
        "likes": 0,
    }


def described(card: dict) -> dict:
    """What the card says, in the shapes that the clients' card class can be made of."""
    shown = {key: value for key, value in card.items() if key not in _NOT_METADATA}
    if not isinstance(shown.get("model-index", []), list):
        del shown["model-index"]
    if "tags" in shown:
        shown["tags"] = _list_of_lines(shown["tags"])
    for key in ("license", "library_name", "pipeline_tag"):
        if key in shown:
            shown[key] = _line(card, key)
    about = {key: shown[key] for key in ("library_name", "pipeline_tag") if shown.get(key)}
    return {"tags": _tags(card), "cardData": shown} | about


def _tags(card: dict) -> list[str]:
    licence = _line(card, "license")
    found = [_line(card, "library_name"), _line(card, "pipeline_tag"), *_list_of_lines(card.get("tags"))]
    found += [
        f"license:{licence}" if licence else "",
        *(f"dataset:{each}" for each in _list_of_lines(card.get("datasets"))),
    ]
    return list(dict.fromkeys(filter(None, found)))


def _line(card: dict, key: str) -> str:
    lines = _list_of_lines(card.get(key))
    return lines[0] if lines else ""


def _list_of_lines(value) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [str(each) for each in values if isinstance(each, str | int | float) and str(each)]


def _sibling(file: File, blobs: bool) -> dict:
    entry = file_entry(file)
    more = {"size": entry["size"], "blobId": entry["oid"]} if blobs else {}
    if blobs and "lfs" in entry:
        lfs = entry["lfs"]
        more["lfs"] = {"sha256": lfs["oid"], "size": lfs["size"], "pointerSize": lfs["pointerSize"]}
    return {"rfilename": file.path} | more


def _card(files: list[File]) -> dict:
    readme = next((file for file in files if file.path == commits.CARD), None)
    return cards.read_front(commits.card_text(readme))[0] if readme else {}


def _issues(files: list[File]) -> list[dict]:
    entries = [(file, file_entry(file, expand=True)["securityFileStatus"]["status"]) for file in files]
    return [{"path": file.path, "level": status} for file, status in entries if status != "safe"]
