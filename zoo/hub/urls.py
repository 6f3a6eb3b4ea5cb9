"""Addresses of the hub, at the root of the site. Revisions and branches may have slashes, so they come last or are looked up."""

from django.urls import path

from zoo import names  # noqa: F401 - registers <name:...>
from zoo.hub import commit, identity, infos, lfs, refs, repos, requests, trees, wire, xet

_API = "api/models/<name:owner>/<name:name>"
_LFS = "<name:owner>/<name:name>.git/info/lfs"
_TAG = wire.by_method(POST=refs.create_tag, DELETE=refs.delete_tag)
_BRANCH = wire.by_method(POST=refs.create_branch, DELETE=refs.delete_branch)

urlpatterns = [
    path("api/whoami-v2", identity.whoami),
    path("api/agent-harnesses", identity.harnesses),
    path("api/telemetry/<path:rest>", identity.telemetry),
    path("v1/telemetry", identity.telemetry),
    path("api/validate-yaml", identity.validate_yaml),
    path("api/repos/create", repos.create),
    path("api/repos/delete", repos.delete),
    path("api/repos/move", repos.move),
    path("api/models", infos.listing),
    path(f"{_API}", infos.info),
    path(f"{_API}/revision/<path:revision>", infos.info),
    path(f"{_API}/tree/<path:rest>", trees.tree),
    path(f"{_API}/paths-info/<path:revision>", trees.paths_info),
    path(f"{_API}/refs", refs.refs),
    path(f"{_API}/commits/<path:revision>", refs.history),
    path(f"{_API}/branch/<path:branch>", _BRANCH),
    path(f"{_API}/tag/<path:revision>", _TAG),
    path(f"{_API}/settings", repos.settings),
    path(f"{_API}/auth-check", repos.check),
    path(f"{_API}/auth-check/<str:kind>", repos.check),
    path(f"{_API}/user-access-request/handle", requests.handle),
    path(f"{_API}/user-access-request/grant", requests.grant),
    path(f"{_API}/user-access-request/<str:status>", requests.listing),
    path(f"{_API}/preupload/<path:revision>", commit.preupload),
    path(f"{_API}/commit/<path:branch>", commit.commit),
    path(f"{_API}/xet-write-token/<path:revision>", xet.write_token),
    path("cas/v1/xorbs/default/<str:hash>", xet.put_xorb),
    path("cas/v1/shards", xet.put_shard),
    path("cas/<path:rest>", xet.not_here),
    path(f"{_LFS}/objects/batch", lfs.batch),
    path(f"{_LFS}/verify", lfs.verify),
    path("_lfs/object/<str:signed>", lfs.put_object),
    path("_lfs/part/<str:signed>", lfs.put_part),
    path("_lfs/complete/<str:signed>", lfs.complete),
    path("api/<path:rest>", wire.nothing),
    path("datasets/<path:rest>", wire.nothing),
    path("spaces/<path:rest>", wire.nothing),
]
