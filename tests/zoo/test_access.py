"""The table of roles x actions, walked cell by cell."""

import pytest
from django.contrib.auth.models import AnonymousUser

from zoo import access, accounts, commits
from zoo.errors import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def everybody(cast, team):
    return {
        access.OPERATOR: cast["operator"],
        access.OWNER: cast["owner"],
        access.MEMBER: cast["teammate"],
        access.READER: cast["stranger"],
        access.ANONYMOUS: AnonymousUser(),
    }


def test_everybody_has_one_role(everybody, team, cast):
    for name, user in everybody.items():
        assert access.role(user, team) == name
    own = cast["stranger"].namespace
    assert access.role(cast["stranger"], own) == access.OWNER
    assert access.role(cast["owner"], own) == access.READER


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("action", ["see", "download", "write", "manage"])
def test_a_model_is_open_to_whom_the_table_says(everybody, team, cast, action, private):
    net = commits.create_model(team, "net", author=cast["owner"], private=private)
    for name, user in everybody.items():
        expected = name in access.ALLOWED[action]
        if private:
            expected = expected and name in access.ALLOWED["see private"]
        assert access.can(user, action, net) is expected, (name, action)


def test_gated_and_withdrawn_models_keep_their_files(everybody, team, cast):
    net = commits.create_model(team, "net", author=cast["owner"])
    net.gated = "manual"
    may = [name for name, user in everybody.items() if access.can(user, "download", net)]
    assert may == [access.OPERATOR, access.OWNER, access.MEMBER]
    assert access.can(everybody[access.ANONYMOUS], "see", net)
    net.disabled = True
    assert [name for name, user in everybody.items() if access.can(user, "download", net)] == [access.OPERATOR]


def test_gated_and_withdrawn_downloads_say_why(client, model, signed_in, cast):
    url = "/clinic/net/resolve/main/README.md"
    type(model).objects.update(gated="manual")
    assert (client.get(url).status_code, client.get(url)["X-Error-Code"]) == (401, "GatedRepo")
    assert signed_in("stranger").get(url).status_code == 403
    assert signed_in("teammate").get(url).status_code == 200
    type(model).objects.update(disabled=True)
    refused = signed_in("teammate").get(url)
    assert (refused.status_code, refused["X-Error-Message"]) == (403, "Access to this resource is disabled.")


def test_the_queryset_leaves_out_what_the_table_hides(everybody, team, cast):
    commits.create_model(team, "open", author=cast["owner"])
    commits.create_model(team, "hidden", author=cast["owner"], private=True)
    commits.create_model(cast["stranger"].namespace, "own", author=cast["stranger"], private=True)
    seen = {name: {str(net) for net in access.visible_models(user)} for name, user in everybody.items()}
    assert seen == {
        access.OPERATOR: {"clinic/open", "clinic/hidden", "stranger/own"},
        access.OWNER: {"clinic/open", "clinic/hidden"},
        access.MEMBER: {"clinic/open", "clinic/hidden"},
        access.READER: {"clinic/open", "stranger/own"},
        access.ANONYMOUS: {"clinic/open"},
    }


def test_a_model_is_listed_once_though_one_is_in_many_organisations(cast, team):
    for name in ("lab", "ward"):
        accounts.create_organisation(name, cast["owner"])
    commits.create_model(team, "net", author=cast["owner"], private=True)
    assert access.visible_models(cast["owner"]).count() == 1
    assert [str(each) for each in access.namespaces_of(cast["owner"])] == ["owner", "clinic", "lab", "ward"]
    assert not access.namespaces_of(AnonymousUser()).exists()


def test_an_operators_lesser_token_is_only_a_users(cast, team):
    user = cast["operator"]
    for scope, expected in (("read", False), ("write", False), ("admin", True)):
        user.token_scope = scope
        assert access.is_operator(user) is expected
        assert access.can(user, "manage", commits.create_model(team, f"net-{scope}", author=None)) is expected


def test_require_says_401_or_403_and_what_to_do(everybody, team, rf):
    request = rf.get("/")
    request.token = None
    for name, status in ((access.ANONYMOUS, 401), (access.READER, 403), (access.MEMBER, 403), (access.OWNER, None)):
        request.user = everybody[name]
        if status is None:
            access.require(request, "manage namespace", team)
            continue
        with pytest.raises(Refused) as error:
            access.require(request, "manage namespace", team)
        assert (error.value.status, bool(error.value.hint)) == (status, True)


def test_an_unknown_action_is_a_mistake_in_the_code(cast, team):
    with pytest.raises(KeyError):
        access.can(cast["owner"], "fly", team)
