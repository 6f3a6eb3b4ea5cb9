"""The pages of one file and one commit, and the catalogue's filters."""

import re

import numpy as np
import pytest
from safetensors.numpy import save

from tests.zoo.test_safety import network
from tests.zoo.test_statements import CARD
from zoo import blobs, changes, commits, inspector, panels
from zoo.models import Model

pytestmark = pytest.mark.django_db


def text(response):
    return re.sub(r"\s+", " ", response.content.decode())


def add(model, who, title="Change", delete=(), **files):
    contents = {path.replace("__", "."): blobs.put(content) for path, content in files.items()}
    return commits.commit_files(model, who, add=contents, delete=delete, title=title)


def test_tensors_are_listed_from_the_header_and_narrowed(client, model, cast, monkeypatch):
    names = {f"layer.{i}.weight": np.zeros((2, 3), np.float16) for i in range(5)} | {
        "head.bias": np.zeros(4, np.float32)
    }
    add(model, cast["owner"], model__safetensors=save(names, {"format": "pt"}))
    url = "/clinic/net/blob/main/model.safetensors"
    page = text(client.get(url))
    assert "6 tensors" in page and "layer.3.weight" in page and "2 × 3" in page and "F16" in page
    assert ">pt<" in page, "the metadata"
    narrow = text(client.get(url + "?q=HEAD"))
    assert "head.bias" in narrow and "layer.3.weight" not in narrow
    assert "No tensor" in text(client.get(url + "?q=nothing"))
    monkeypatch.setattr(inspector, "PAGE", 4)
    assert "Page 1 of 2" in text(client.get(url))


def test_a_header_too_long_to_show_is_not_read(client, model, cast, monkeypatch):
    add(model, cast["owner"], model__safetensors=save({f"t{i}": np.zeros(1, np.int8) for i in range(100)}))
    monkeypatch.setattr(inspector, "MAX_HEADER", 1000)
    inspector._header.cache_clear()
    page = text(client.get("/clinic/net/blob/main/model.safetensors"))
    assert "too many tensors" in page and "t99" not in page


def test_every_kind_of_file_has_its_page(client, model, cast):
    broken = save({"w": np.zeros(3, np.float32)})[:-1]
    add(
        model, cast["owner"], net__onnx=network().SerializeToString(), broken__safetensors=broken,
        page__html=b"<script>alert(1)</script>", bytes__dat=b"\0\1\2", empty__txt=b"",
    )  # fmt: skip
    look = {name: text(client.get(f"/clinic/net/blob/main/{name}")) for name in ("net.onnx", "broken.safetensors")}
    assert "Operators" in look["net.onnx"] and "Opset" in look["net.onnx"]
    assert "broken" in look["broken.safetensors"]
    assert "&lt;script&gt;alert(1)" in text(client.get("/clinic/net/blob/main/page.html"))
    assert client.get("/clinic/net/blob/main/bytes.dat").status_code == 200
    assert "The file is empty" in text(client.get("/clinic/net/blob/main/empty.txt"))
    assert client.get("/clinic/net/blob/main/nothing.txt").status_code == 404


def test_a_commit_shows_what_it_changed_line_by_line(client, model, cast):
    add(model, cast["owner"], config__json=b'{"a": 1,\n"b": 2}\n', old__txt=b"going\n", w__npz=b"1")
    made = add(
        model, cast["owner"], "Second", delete=["old.txt"], config__json=b'{"a": 1,\n"b": 3}\n', new__txt=b"<b>new</b>\n",
        w__npz=b"22",
    )  # fmt: skip
    page = client.get(f"/clinic/net/commit/{made.oid}").content.decode()
    assert '<span class="less">-&quot;b&quot;: 2}' in page
    assert '<span class="plus">+&quot;b&quot;: 3}' in page
    assert '<span class="plus">+&lt;b&gt;new&lt;/b&gt;' in page
    assert '<span class="less">-going' in page
    assert "README.md" not in page, "it did not change"
    assert {change.path: (change.kind, change.note) for change in changes.of(made)} == {
        "config.json": ("changed", ""), "old.txt": ("removed", ""), "new.txt": ("added", ""), "w.npz": ("changed", "large"),
    }  # fmt: skip
    assert f"/clinic/net/commit/{made.oid}" in text(client.get("/clinic/net/commits/main"))
    first = commits.line(made)[-1]
    assert "No file changed" in text(client.get(f"/clinic/net/commit/{first.oid}"))
    assert client.get("/clinic/net/commit/" + "0" * 40).status_code == 404


def test_differences_are_bounded(model, cast):
    huge = b"".join(b"%d\n" % i for i in range(changes.MAX_LINES + 1))
    made = add(model, cast["owner"], a__txt=huge, b__txt=b"x" * (changes.MAX_BYTES + 1), c__txt=huge[:4000])
    notes = {change.path: (change.note, len(change.lines)) for change in changes.of(made)}
    assert notes == {"a.txt": ("large", 0), "b.txt": ("large", 0), "c.txt": ("cut", changes.SHOWN)}
    many = add(model, cast["owner"], **{f"f{i}__txt": b"x" for i in range(changes.COMPARED + 2)})
    assert [change.note for change in changes.of(many)].count("many") == 2


def test_files_of_a_gated_model_are_not_shown_by_its_pages(signed_in, model, cast):
    made = add(model, cast["owner"], secret__txt=b"only for the granted\n")
    Model.objects.filter(pk=model.pk).update(gated="manual")
    for url in (f"/clinic/net/commit/{made.oid}", "/clinic/net/blob/main/secret.txt"):
        page = text(signed_in("stranger").get(url))
        assert "only for the granted" not in page and "secret.txt" in page
        assert "only for the granted" in text(signed_in("teammate").get(url))
    assert "HF_TOKEN" in text(signed_in("stranger").get("/clinic/net"))


def test_what_a_card_states_is_shown(client, model, cast):
    add(model, cast["owner"], README__md=CARD.encode())
    page = text(client.get("/clinic/net"))
    for words in (
        "Grading of fundus photographs in research", "diagnosis of a patient", "weak supervision", "CC BY 4.0",
        "labels are coarser", "Declared by the author, not measured here", "hf download clinic/net --revision",
    ):  # fmt: skip
        assert words in page, words
    assert "does not state" not in page
    add(model, cast["owner"], README__md=b"---\nlicense: mit\n---\n# Bare\n")
    assert "The card does not state:" in text(client.get("/clinic/net"))


def test_the_catalogue_filters_by_modality_anatomy_and_size(client, model, team, cast, monkeypatch):
    add(model, cast["owner"], README__md=CARD.encode(), w__npz=b"1" * 100)
    other = commits.create_model(team, "other", author=cast["owner"], task="chest-task")
    facts = {"chest-task": {"modality": "X-ray", "anatomy": "chest"}}
    monkeypatch.setattr(panels, "_facts", [lambda: facts])
    for query, found, missed in (
        ("modality=Fundus+Photography", model, other),
        ("modality=X-ray", other, model),
        ("anatomy=retina", model, other),
        ("anatomy=chest", other, model),
        ("size=10MB", model, None),
        ("size=more", None, model),
        ("size=odd", None, model),
        ("q=retina", model, other),
    ):
        page = text(client.get(f"/models/?{query}"))
        assert found is None or f'href="/{found}"' in page, query
        assert missed is None or f'href="/{missed}"' not in page, query
        names = [each["id"] for each in client.get(f"/api/v1/models?{query}").json()["models"]]
        assert (found is None or str(found) in names) and str(missed) not in names, query
    page = text(client.get("/models/"))
    assert "fundus photography, 1" in page and "chest, 1" in page and "under 10 MB, 2" in page


def test_the_catalogue_is_put_in_the_order_of_scores_that_somebody_measured(client, team, cast, monkeypatch):
    nets = {name: commits.create_model(team, name, author=cast["owner"], task="t") for name in ("low", "high", "none")}
    seen = []

    def measured(viewer, models):
        seen.append(viewer)
        return {
            nets[name].pk: panels.Score(
                ("t", "board", -value), "AUROC", str(value), "0.1", "0.9", "Board", "/submissions/1/"
            )
            for name, value in (("low", 0.6), ("high", 0.8))
            if nets[name].pk in models
        }

    monkeypatch.setattr(panels, "_measures", [measured])
    page = text(client.get("/models/?sort=score"))
    assert page.index("/clinic/high") < page.index("/clinic/low") < page.index("/clinic/none")
    assert "[0.1, 0.9]" in page and "not measured" in page
    assert all(viewer.is_anonymous for viewer in seen), "scores are those that this viewer may see"
