"""REST over models: list, read, create, upload, commit. Thin callers of the verbs.

Programs send `Authorization: Bearer <token>`; a browser's session works too, with the forgery check of the API that this
router is mounted in (leaderboard/rest.py).
"""

from functools import wraps

from django.http import HttpRequest, JsonResponse
from ninja import Query, Router, Schema
from pydantic import Field

from zoo import access, catalogue, commits, errors, paths, pieces, safety, text, uploads
from zoo.errors import Refused
from zoo.models import Commit, File, Model, Namespace, Ref

router = Router(tags=["models"])
PAGE = 100


class NewModel(Schema):
    name: str
    namespace: str = Field("", description="yourself, or an organisation of yours; empty is yourself")
    private: bool = False
    title: str = ""


class Added(Schema):
    path: str
    upload: str = Field(description="the receipt that the upload was answered with")


class NewPieces(Schema):
    size: int = Field(ge=0, le=2**53)


class NewCommit(Schema):
    title: str = ""
    message: str = ""
    parent: str | None = Field(None, description="refuse with 412 if the head of the branch is another commit")
    add: list[Added] = Field(default_factory=list, max_length=commits.MAX_FILES)
    delete: list[str] = Field(default_factory=list, max_length=commits.MAX_FILES)


def answers(operation):
    """Refusals as JSON of the one shape."""

    @wraps(operation)
    def answer(request: HttpRequest, *args, **kwargs):
        try:
            return operation(request, *args, **kwargs)
        except errors.Moved as moved:
            return errors.redirect(request, moved)
        except Refused as refusal:
            return errors.as_json(refusal)

    return answer


def summary(model: Model) -> dict:
    return {
        "id": str(model),
        "owner": model.namespace.name,
        "name": model.name,
        "title": model.title,
        "private": model.private,
        "task": model.task,
        "library": model.library,
        "licence": model.licence,
        "modality": model.modality,
        "anatomy": model.anatomy,
        "parameters": model.parameters,
        "size": model.size,
        "downloads": model.downloads,
        "created": model.created.isoformat(),
        "updated": model.updated.isoformat(),
    }


def entry(file: File) -> dict:
    facts = {key: value for key, value in file.blob.facts.items() if key not in ("as", "runs_code")}
    code = safety.runs_code(file.path, file.blob.facts)
    return {
        "path": file.path,
        "size": file.blob.size,
        "sha256": file.blob_id,
        "etag": file.etag,
        "runs_code": code or None,
        "facts": facts,
    }


def revision(model: Model, commit: Commit) -> dict:
    return {
        "revision": commit.oid,
        "commit": {"title": commit.title, "date": commit.created.isoformat()},
        "url": f"/{model}/tree/{commit.oid}",
    }


@router.get("", summary="Models you may see")
@answers
def list_models(
    request,
    q: str = "",
    owner: str = "",
    task: str = "",
    modality: str = "",
    anatomy: str = "",
    library: str = "",
    licence: str = "",
    size: str = Query("", description=", ".join(catalogue.SIZES)),
    sort: str = Query("updated", description=", ".join(catalogue.ORDER_NAMES)),
    limit: int = Query(PAGE, ge=1, le=1000),
    offset: int = Query(0, ge=0, le=2**31),
):
    filters = {"task": task, "modality": modality, "anatomy": anatomy, "library": library, "licence": licence}
    found = catalogue.search(request.user, q, owner=owner, order=sort, size=size, **filters)
    return {"count": found.count(), "models": [summary(model) for model in found[offset : offset + limit]]}


@router.post("", summary="Create a model")
@answers
def create_model(request, data: NewModel):
    name = data.namespace or request.user.username
    namespace = Namespace.objects.filter(name=text.clean(name)).first()
    if request.user.is_authenticated and namespace is None:
        raise errors.NotFound(
            "no_namespace", f"There is no namespace {name!r}.", "Use your user name or an organisation."
        )
    access.require(request, "create", namespace)
    model = commits.create_model(namespace, data.name, author=request.user, private=data.private, title=data.title)
    return JsonResponse(summary(model) | revision(model, commits.resolve(model, commits.MAIN)), status=201)


@router.get("/{owner}/{name}", summary="One model, its card and its files at a revision")
@answers
def get_model(request, owner: str, name: str, revision_: str = Query(commits.MAIN, alias="revision")):
    model = access.find_model(request.user, owner, name)
    commit = commits.resolve(model, revision_)
    files = [entry(file) for file in commit.files.select_related("blob")]
    return summary(model) | revision(model, commit) | {"card": model.card, "files": files}


@router.get("/{owner}/{name}/tree/{path:rest}", summary="The files of a revision, or of a folder in it")
@answers
def get_tree(request, owner: str, name: str, rest: str):
    model = access.find_model(request.user, owner, name)
    commit, folder = commits.split(model, rest.strip("/"))
    files = commit.files.select_related("blob")
    if folder:
        files = files.filter(path__startswith=text.clean(folder) + "/")
        if not files.exists():
            raise commits.EntryNotFound(folder, commit)
    return revision(model, commit) | {"files": [entry(file) for file in files]}


@router.get("/{owner}/{name}/refs", summary="Branches and tags")
@answers
def get_refs(request, owner: str, name: str):
    model = access.find_model(request.user, owner, name)
    refs = list(model.refs.select_related("commit").order_by("created"))
    named = {"branches": Ref.Kind.BRANCH, "tags": Ref.Kind.TAG}
    return {
        name: [{"name": ref.name, "revision": ref.commit.oid} for ref in refs if ref.kind == kind]
        for name, kind in named.items()
    }


@router.post("/{owner}/{name}/uploads", summary="Send one file's bytes; answered with a receipt to commit with")
@router.put("/{owner}/{name}/uploads", include_in_schema=False)
@answers
def upload(request, owner: str, name: str):
    model = _writable(request, owner, name)
    blob = uploads.receive(request, model)
    return JsonResponse(
        {"sha256": blob.sha256, "size": blob.size, "upload": uploads.receipt(request.user, model, blob)}, status=201
    )


@router.post("/{owner}/{name}/pieces", summary="Begin a file that is sent in pieces and can go on where it was cut")
@answers
def begin_pieces(request, owner: str, name: str, data: NewPieces):
    model = _writable(request, owner, name)
    uploads.brake(request.user)
    ticket = pieces.begin(request.user, model, data.size)
    answer = {"ticket": ticket, "received": 0, "size": data.size, "piece": pieces.PIECE}
    return JsonResponse(answer, status=201)


@router.get("/{owner}/{name}/pieces/{ticket}", summary="How far a file in pieces has come")
@answers
def get_pieces(request, owner: str, name: str, ticket: str):
    return pieces.state(ticket, request.user, _writable(request, owner, name))


@router.put("/{owner}/{name}/pieces/{ticket}", summary="Send the bytes from `start` on; 409 tells where to go on")
@answers
def put_piece(request, owner: str, name: str, ticket: str, start: int = Query(..., ge=0, le=2**53)):
    model = _writable(request, owner, name)
    return {"received": pieces.receive(ticket, request.user, model, start, request)}


@router.post("/{owner}/{name}/pieces/{ticket}/finish", summary="All pieces are there: hash, store, and give a receipt")
@answers
def finish_pieces(request, owner: str, name: str, ticket: str):
    model = _writable(request, owner, name)
    blob = pieces.finish(ticket, request.user, model)
    uploads.keep(request.user, model.namespace, blob)
    return {"sha256": blob.sha256, "size": blob.size, "upload": uploads.receipt(request.user, model, blob)}


@router.delete("/{owner}/{name}/pieces/{ticket}", summary="Give up a file in pieces")
@answers
def drop_pieces(request, owner: str, name: str, ticket: str):
    pieces.drop(ticket, request.user, _writable(request, owner, name))
    return {"dropped": True}


@router.post("/{owner}/{name}/commits/{path:branch}", summary="Commit uploaded files to a branch, all or nothing")
@answers
def commit(request, owner: str, name: str, branch: str, data: NewCommit):
    model = _writable(request, owner, name)
    add = {each.path: uploads.blob_of(each.upload, request.user, model) for each in data.add}
    if len(add) < len(data.add):
        raise Refused("bad_path", "A path is named twice.", "Name each path once.")
    made = commits.commit_files(
        model,
        request.user,
        add=add,
        delete=data.delete,
        title=data.title or "Change files",
        message=data.message[:10_000],
        branch=branch,
        parent=data.parent,
    )
    return revision(model, made)


@router.put("/{owner}/{name}/files/{path:path}", summary="Upload one file and commit it: curl -T FILE")
@answers
def put_file(request, owner: str, name: str, path: str, branch: str = commits.MAIN, title: str = ""):
    model = _writable(request, owner, name)
    paths.check(path)
    blob = uploads.receive(request, model)
    made = commits.commit_files(
        model, request.user, add={path: blob}, title=title or f"Upload {path}"[:300], branch=branch
    )
    return JsonResponse(revision(model, made) | {"path": path, "sha256": blob.sha256, "size": blob.size}, status=201)


@router.delete("/{owner}/{name}", summary="Delete a model with all its revisions")
@answers
def delete_model(
    request, owner: str, name: str, confirm: str = Query("", description="the model's full name, owner/name")
):
    model = access.find_model(request.user, owner, name)
    access.require(request, "manage", model)
    if confirm != str(model):
        raise Refused("confirm", "Nothing was deleted.", f"Add ?confirm={model} to delete it.")
    commits.delete_model(model)
    return {"deleted": confirm}


def _writable(request, owner: str, name: str) -> Model:
    model = access.find_model(request.user, owner, name)
    access.require(request, "write", model)
    return model
