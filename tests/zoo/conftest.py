"""A fixed cast (owner, teammate, stranger, operator), and models to try things on."""

import pytest

from zoo import accounts, blobs, commits, tokens


@pytest.fixture(autouse=True)
def storage(tmp_path, settings):
    settings.STORAGE_URL = (tmp_path / "blobs").as_uri()
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher"
    ]  # quick; the real one is slow by design
    return tmp_path / "blobs"


@pytest.fixture
def cast(db, storage):
    people = {
        name: accounts.create_user(name, password=f"{name} pass-phrase") for name in ("owner", "teammate", "stranger")
    }
    return people | {"operator": accounts.create_user("operator", password="operator pass-phrase", operator=True)}


@pytest.fixture
def team(cast):
    """An organisation of the owner and the teammate."""
    organisation = accounts.create_organisation("clinic", cast["owner"], "The clinic")
    accounts.add_member(organisation, cast["teammate"])
    return organisation


@pytest.fixture
def model(team, cast):
    """clinic/net with a card and a small file."""
    net = commits.create_model(team, "net", author=cast["owner"])
    card = b"---\nlibrary_name: onnx\nlicense: apache-2.0\ntask: lung-nodule\n---\n# A net\n\nIntended for tests.\n"
    commits.commit_files(
        net,
        cast["owner"],
        add={"README.md": blobs.put(card), "data/notes.txt": blobs.put(b"0123456789" * 10)},
        title="Add the card",
    )
    return net


@pytest.fixture
def signed_in(client, cast):
    """signed_in(name) -> the test client with that person's session; None for nobody's."""

    def as_person(name):
        client.logout()
        if name:
            client.force_login(cast[name], backend="django.contrib.auth.backends.ModelBackend")
        return client

    return as_person


@pytest.fixture
def bearer(db):
    """bearer(user, scope) -> headers for the test client."""

    def headers(user, scope="write"):
        return {"HTTP_AUTHORIZATION": f"Bearer {tokens.create(user, 'test', scope)[1]}"}

    return headers
