"""Tokens: made on the page or by command, kept as a hash, good for what their scope says."""

import io

import pytest
from django.core.management import CommandError, call_command

from zoo import access, throttle, tokens
from zoo.errors import Refused
from zoo.models import Model, Token, User

pytestmark = pytest.mark.django_db


def test_only_a_hash_is_kept(cast):
    token, plain = tokens.create(cast["owner"], "mine", "write")
    stored = Token.objects.filter(pk=token.pk).values().get()
    assert plain not in str(stored)
    assert stored["hint"] == plain[-4:]
    assert tokens.authenticate(plain) == token
    assert tokens.authenticate(plain + "x") is None
    assert tokens.authenticate(stored["digest"]) is None


def test_a_deactivated_user_or_a_revoked_token_does_not_get_in(cast):
    token, plain = tokens.create(cast["owner"], "mine")
    assert not tokens.revoke(cast["stranger"], token.pk)
    assert tokens.authenticate(plain)
    User.objects.filter(username="owner").update(is_active=False)
    assert tokens.authenticate(plain) is None
    User.objects.filter(username="owner").update(is_active=True)
    assert tokens.revoke(cast["owner"], token.pk)
    assert tokens.authenticate(plain) is None


def test_only_an_operator_has_a_token_of_scope_admin(cast):
    with pytest.raises(Refused):
        tokens.create(cast["owner"], "mine", "admin")
    assert tokens.create(cast["operator"], "mine", "admin")


def test_the_token_names_the_user_without_a_session(client, model, cast, bearer):
    Model.objects.update(private=True)
    answer = client.get("/clinic/net", **bearer(cast["teammate"], "read"))
    assert answer.status_code == 200
    assert "sessionid" not in answer.cookies


@pytest.mark.parametrize(
    "header", ["Bearer nope", "bearer nope", "Bearer ", "Bearer", "Bearer \x00", "Bearer é", "Bearer a b"]
)
def test_an_unknown_token_is_401_everywhere(client, model, header):
    for page in ("/clinic/net", "/models/", "/clinic/net/resolve/main/README.md", "/nothing/here", "/api/v1/models"):
        answer = client.get(page, HTTP_AUTHORIZATION=header)
        assert answer.status_code == 401, page
        assert answer["X-Error-Message"] == "Invalid credentials in Authorization header"
        assert not answer.has_header("X-Error-Code")
        error = answer.json()["error"]  # the hub's clients want a text
        assert (error == answer["X-Error-Message"]) if "resolve" in page else (error["code"] == "invalid_token")


def test_other_kinds_of_authorization_are_not_ours(client, model):
    assert client.get("/clinic/net", HTTP_AUTHORIZATION="Basic b3duZXI6eA==").status_code == 200


def test_guessing_tokens_is_slowed_down(client, model, monkeypatch, cast, bearer):
    monkeypatch.setattr("zoo.middleware.FAILURES", 3)
    got = [client.get("/models/", HTTP_AUTHORIZATION=f"Bearer guess-{i}").status_code for i in range(5)]
    assert got == [401, 401, 401, 429, 429]
    last = client.get("/models/", HTTP_AUTHORIZATION="Bearer guess")
    assert last["Retry-After"]
    assert client.get("/models/", **bearer(cast["owner"])).status_code == 200, (
        "the owner of a good token is not locked out"
    )


def test_a_throttle_lets_through_its_limit(db):
    assert [throttle.hit("door", 3, 3600) for _ in range(5)] == [True, True, True, False, False]
    assert throttle.hit("other-door", 3, 3600)
    assert not throttle.hit("shut", 0, 3600)


def test_the_address_is_the_one_our_own_proxy_saw(rf, settings):
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="1.1.1.1, 2.2.2.2")
    assert throttle.client_ip(request) == "10.0.0.1", "without a proxy, the header is anybody's claim"
    settings.BEHIND_PROXY = True
    assert throttle.client_ip(request) == "2.2.2.2"


def test_a_token_of_scope_read_changes_nothing(client, model, cast, bearer):
    headers = bearer(cast["owner"], "read")
    for method, page in (
        ("post", "/models/new/"),
        ("post", "/clinic/net/settings/"),
        ("post", "/clinic/net/upload/"),
        ("post", "/api/v1/models"),
        ("put", "/api/v1/models/clinic/net/files/a.txt"),
        ("put", "/api/v1/models/clinic/net/uploads"),
        ("delete", "/api/v1/models/clinic/net?confirm=clinic/net"),
    ):
        answer = getattr(client, method)(page, b"{}", content_type="application/json", **headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "read_only_token"), page
    assert access.visible_models(cast["owner"]).count() == 1


def test_the_page_shows_a_token_once_and_takes_it_back(signed_in, cast):
    client = signed_in("owner")
    page = client.post("/settings/tokens/", {"name": "laptop", "scope": "write"})
    plain = page.content.decode().split("<code>" + tokens.PREFIX)[1].split("</code>")[0]
    assert "no-store" in page["Cache-Control"]
    token = tokens.authenticate(tokens.PREFIX + plain)
    assert (token.user, token.scope, token.name) == (cast["owner"], "write", "laptop")
    assert plain not in client.get("/settings/tokens/").content.decode()
    assert signed_in("stranger").post(f"/settings/tokens/{token.pk}/revoke/").status_code == 404
    assert signed_in("owner").post(f"/settings/tokens/{token.pk}/revoke/").status_code == 302
    assert not Token.objects.exists()


def test_the_page_gives_no_power_that_one_does_not_have(signed_in):
    assert signed_in("owner").post("/settings/tokens/", {"name": "x", "scope": "admin"}).status_code == 422
    assert signed_in("operator").post("/settings/tokens/", {"name": "x", "scope": "admin"}).status_code == 200


def test_a_token_makes_no_tokens_and_no_members(client, team, cast, bearer):
    for page in (
        "/settings/tokens/",
        "/settings/organisations/",
        "/settings/organisations/clinic/add/",
        "/settings/organisations/clinic/invite/",
    ):
        answer = client.post(
            page, {"name": "x", "scope": "write", "user": "stranger", "role": "owner"}, **bearer(cast["owner"])
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "page_only"), page


# ---- create_token


def create_token(*arguments):
    out = io.StringIO()
    call_command("create_token", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_token_alone_and_makes_the_user(db):
    for user, scope in (("alice", "write"), ("alice", "read"), ("root", "admin")):
        line = create_token(user, "--scope", scope)
        assert line == line.strip() + "\n"
        token = tokens.authenticate(line.strip())
        assert (token.user.username, token.scope, token.user.is_superuser) == (user, scope, scope == "admin")
        assert token.user.namespace.name == user
    assert User.objects.count() == 2


def test_the_command_makes_an_existing_user_an_operator(cast):
    create_token("owner", "--scope", "admin")
    assert access.is_operator(User.objects.get(username="owner"))


@pytest.mark.parametrize("name", ["api", "a b", "--x", "", "Static", "<b>"])
def test_the_command_refuses_a_name_that_no_user_can_have(db, name):
    with pytest.raises((CommandError, SystemExit)):
        create_token(name, "--scope", "read")
    assert not User.objects.exists()


def test_the_command_does_not_take_an_organisations_name(team):
    with pytest.raises(CommandError, match="taken"):
        create_token("Clinic", "--scope", "write")
