"""As much of a Xet store as uploads need: clients since huggingface_hub 1.20 send large files in no other way.

A client gets a token, sends its chunks in xorbs, then shards that say how files are made of them. Each file is put
together, checked by its SHA-256 and kept like any other upload; the commit that follows names it. Xorbs are kept, since
clients remember what they sent, and serve only files of the namespace that sent them. Nothing is read through Xet.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import wraps

from django.conf import settings
from django.db import transaction
from django.http import JsonResponse

from zoo import blobs, commits, quota, uploads
from zoo.errors import NotFound, Refused
from zoo.hub import signatures, xorbs
from zoo.hub.lfs import is_sha256
from zoo.hub.wire import answers, base, model, ok, read
from zoo.models import Model, User, Xorb

MAX_XORB = 66 << 20  # bytes; clients stay below 64 MiB
MAX_SHARD = 64 << 20
MAX_OPEN = 64  # xorbs open at once


@answers("GET")
def write_token(request, owner: str, name: str, revision: str = commits.MAIN):
    net = model(request, owner, name, "write")
    commits.resolve(net, revision)
    until = int(time.time()) + signatures.HOUR
    token = signatures.sign("xet", request.user, net, signatures.HOUR)
    cas = f"{base(request)}/cas"
    response = JsonResponse({"casUrl": cas, "exp": until, "accessToken": token})
    response["X-Xet-Cas-Url"], response["X-Xet-Access-Token"] = cas, token
    response["X-Xet-Token-Expiration"] = str(until)
    return response


def _with_token(view: Callable) -> Callable:
    """Hand the view who sends, and for which model."""

    @wraps(view)
    def answer(request, *args, **kwargs):
        scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        try:
            user, net, _ = signatures.read("xet", token.strip() if scheme.lower() == "bearer" else "", 0)
        except Refused as refusal:
            refusal.status = 401
            raise
        return view(request, user, net, *args, **kwargs)

    return answer


@answers("GET", "POST")
def not_here(request, rest: str = ""):
    """Chunks that others sent are nobody's to learn of, and newer ways are answered by the older one."""
    raise NotFound("not_here", "This store does not answer that.")


@answers("POST")
@_with_token
def put_xorb(request, user: User, net: Model, hash: str):
    if not is_sha256(hash):
        raise Refused("bad_hash", "A xorb's name is 64 hex digits.")
    space, length = net.namespace, uploads.length(request)
    if not 0 < length <= MAX_XORB:
        raise Refused("too_large", f"A xorb has 1 to {MAX_XORB:,} bytes.", status=413)
    uploads.brake(user)
    quota.require_room(space, quota.xorb_bytes(space), length)
    try:
        blob = blobs.put(request, size=length)
        with blobs.open(blob.sha256) as file:
            xorbs.chunks(file, length)
    except xorbs.Broken as broken:
        raise Refused("bad_xorb", f"This is no xorb: {broken}.") from broken
    except OSError as error:
        raise blobs.Incomplete("The xorb could not be received whole.") from error
    with transaction.atomic():
        blobs.hold([blob.sha256])
        _, is_new = Xorb.objects.update_or_create(namespace=space, hash=hash, defaults={"blob": blob})
    return JsonResponse({"was_inserted": is_new})


@answers("POST")
@_with_token
def put_shard(request, user: User, net: Model):
    """Put together the files that a shard describes; each is then this person's to commit."""
    shard = read(request, MAX_SHARD)
    try:
        for recipe in list(xorbs.recipes(shard)):
            if recipe.sha256 not in uploads.usable(user, [recipe.sha256]):
                _build(recipe, user, net)
    except xorbs.Broken as broken:
        raise Refused("bad_shard", f"This shard cannot be used: {broken}.") from broken
    return ok({"result": 1})


def _build(recipe: xorbs.Recipe, user: User, net: Model) -> None:
    if recipe.size > settings.MAX_FILE_BYTES:
        raise blobs.TooLarge(settings.MAX_FILE_BYTES)
    names = {term.xorb for term in recipe.terms}
    rows = {
        row.hash: row for row in Xorb.objects.filter(namespace=net.namespace, hash__in=names).select_related("blob")
    }
    if len(rows) < len(names):
        raise xorbs.Broken("it names chunks that were not sent here")
    uploads.put(_pieces(recipe, rows), user, net.namespace, recipe.size, recipe.sha256)


def _pieces(recipe: xorbs.Recipe, rows: dict[str, Xorb]) -> Iterator[bytes]:
    """The bytes of a file, chunk by chunk."""
    with ExitStack() as stack:
        known: dict[str, tuple] = {}
        for term in recipe.terms:
            if term.xorb not in known:
                if len(known) >= MAX_OPEN:
                    stack.close()
                    known.clear()
                file = stack.enter_context(blobs.open(rows[term.xorb].blob_id))
                known[term.xorb] = file, xorbs.chunks(file, rows[term.xorb].blob.size)
            file, index = known[term.xorb]
            wanted = index[term.first : term.end]
            if len(wanted) < term.end - term.first or sum(chunk.raw for chunk in wanted) != term.size:
                raise xorbs.Broken("a term does not fit its chunks")
            for chunk in wanted:
                yield xorbs.unpack(file, chunk)
