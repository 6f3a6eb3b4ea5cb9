"""The page with every model: what it does in its card's own words, its licence, one line that loads it; hidden ones stay hidden."""

import pytest

from zoo import blobs, commits, shelf

pytestmark = pytest.mark.django_db


def test_the_page_says_what_a_model_does_and_how_to_load_it(client, model, cast):
    commits.commit_files(model, cast["owner"], add={"model.onnx": blobs.put(b"weights")}, title="Weights")
    head = commits.resolve(model, "main")
    page = client.get("/models/zoo/").content.decode()
    assert "Intended for tests." in page
    assert "apache-2.0" in page
    assert "HF_ENDPOINT=http://testserver" in page
    assert f"get(&#x27;clinic/net&#x27;, &#x27;model.onnx&#x27;, revision=&#x27;{head.oid}&#x27;)" in page


def test_a_private_model_is_on_nobody_elses_page(signed_in, model):
    commits.set_visibility(model, True)
    assert "clinic/net" not in signed_in("stranger").get("/models/zoo/").content.decode()
    assert "clinic/net" in signed_in("owner").get("/models/zoo/").content.decode()


def test_the_number_of_queries_does_not_grow_with_models(client, model, team, cast, django_assert_max_num_queries):
    for number in range(6):
        other = commits.create_model(team, f"net{number}", author=cast["owner"])
        commits.commit_files(other, cast["owner"], add={"README.md": blobs.put(b"# A\n\nDoes things.\n")}, title="Card")
    client.get("/models/zoo/")
    with django_assert_max_num_queries(14):
        assert client.get("/models/zoo/").content.decode().count("<article") == 7


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (
            "---\ntitle: x\n---\n\n# A\n\n## What it is\n\nFinds *small* [things](http://x.y).\n\nMore.",
            "Finds small things.",
        ),
        ("# Only a heading\n\n| a | table |", ""),
        ("", ""),
        ("<script>x</script>\n\n- a list\n\nWords.", "Words."),
    ],
)
def test_the_summary_is_the_first_paragraph(card, words):
    assert shelf.summary(card) == words
