"""A client that speaks the hub's wire as one person, and a real server to speak to."""

import json

import pytest

from zoo import tokens


@pytest.fixture
def speak(client, cast):
    """speak(name, method, path, data): one exchange as that person (None: nobody), with the JSON of the answer as `.data`."""
    known = {None: {}}
    for name, user in cast.items():
        scope = "admin" if user.is_superuser else "write"
        known[name] = {"HTTP_AUTHORIZATION": f"Bearer {tokens.create(user, 'test', scope)[1]}"}

    def exchange(name, method, path, data=None, **headers):
        body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
        kind = headers.pop("content_type", "application/json")
        answer = client.generic(method, path, body, content_type=kind, **known[name], **headers)
        is_json = not answer.streaming and answer.content and answer.get("Content-Type", "").endswith("json")
        answer.data = json.loads(answer.content) if is_json else None
        return answer

    return exchange


@pytest.fixture
def commit(speak):
    """commit(name, repo, *lines, branch=): a commit as clients send it; each line is (key, value)."""

    def send(name, repo, *lines, branch="main", summary="Change", **header):
        rows = [("header", {"summary": summary, "description": ""} | header), *lines]
        body = b"\n".join(json.dumps({"key": key, "value": value}).encode() for key, value in rows)
        return speak(name, "POST", f"/api/models/{repo}/commit/{branch}", body, content_type="application/x-ndjson")

    return send
