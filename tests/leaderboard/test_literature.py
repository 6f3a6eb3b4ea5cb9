"""Tasks from papers alone: loaded whole or not at all, shown as cited, with a picture, never as a rank."""

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image

from evaluators.faults import Faults
from leaderboard import literature
from leaderboard.models import Claim, Task

pytestmark = pytest.mark.django_db
TASK = 'task: {slug: knee-wear, title: Wear of the knee, question: "How worn is the knee?", specialty: radiology}\n'
CLAIMS = """
- {name: One network, metric: "Kappa, grade", value: 0.7, printed: 0.70 ± 0.02, citation: Someone. Somewhere (2020)., source: Table 2}
- {name: One network, metric: "Kappa, space", value: 0.6, citation: Someone. Somewhere (2020)., source: Table 2}
- {name: Radiologist, metric: "Kappa, grade", value: 0.75, citation: Someone. Somewhere (2020)., source: Table 2, reader: true}
- {name: Another network, metric: Against readers, printed: no difference, citation: Other. Elsewhere (2021)., source: abstract}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "task.yaml").write_text(TASK + "note: The images are not public.\ncommand: make it\n")
    (tmp_path / "claims.yaml").write_text(CLAIMS)
    return tmp_path


def test_the_page_shows_a_table_for_each_source_and_says_that_nothing_was_measured(folder, client):
    call_command("load_benchmark", folder)
    page = client.get("/tasks/knee-wear/").content.decode()
    assert page.count('<table class="cited">') == 2
    assert "0.70 ± 0.02" in page
    assert "no difference" in page
    assert "not measured here" in page
    assert "The images are not public." in page
    assert "make it" in page
    first = page.partition("</table>")[0]
    assert first.count('<th scope="row">') == 2, "a line for the network and one for the reader"
    assert first.index("Kappa, grade") < first.index("Kappa, space")
    assert "Wear of the knee" in client.get("/tasks/").content.decode()


def test_loading_again_replaces_and_adds_nothing(folder):
    literature.load(folder)
    task = literature.load(folder)
    assert (Task.objects.count(), task.claims.count()) == (1, 4)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("task.yaml", "task: {title: x}", "task.slug is missing"),
        ("task.yaml", TASK + "notes: x", "unknown key 'notes'"),
        ("claims.yaml", "- {name: A, metric: B, citation: C, source: D}", "has no value"),
        ("claims.yaml", "- {name: A, metric: B, printed: good, source: D}", "has no citation"),
        ("claims.yaml", "[]", "there is no claim"),
    ],
)
def test_a_fault_is_told_and_nothing_is_stored(folder, file, text, words):
    (folder / file).write_text(text)
    with pytest.raises(Faults, match=words):
        literature.load(folder)
    assert not Task.objects.exists() and not Claim.objects.exists()


def test_a_task_has_a_picture_with_its_credit(folder, client):
    task = literature.load(folder)
    assert client.get("/tasks/knee-wear/picture.png").status_code == 404
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(folder / "picture.png")
    literature.illustrate(task, folder / "picture.png", "Someone, CC BY 4.0")
    answer = client.get("/tasks/knee-wear/picture.png")
    assert answer["Content-Type"] == "image/png"
    assert b"".join(answer.streaming_content) == (folder / "picture.png").read_bytes()
    page = client.get("/tasks/knee-wear/").content.decode()
    assert "Someone, CC BY 4.0" in page
    (folder / "page.png").write_bytes(b"<html>")
    with pytest.raises(Faults, match="not a small PNG"):
        literature.illustrate(task, folder / "page.png", "")


def test_tasks_are_grouped_by_specialty_or_by_modality(folder, client):
    literature.load(folder)
    Task.objects.create(slug="brain", title="Brain", specialty="neurology", modality="MRI, T1-weighted")
    Task.objects.create(slug="spine", title="Spine", specialty="radiology", modality="MRI, T2-weighted")
    for slug in ("brain", "spine"):
        task = Task.objects.get(slug=slug)
        Claim.objects.create(task=task, name="A", metric="B", value=1, citation="C", source="D")
    page = client.get("/tasks/?by=modality").content.decode()
    assert page.count(">MRI</h2>") == 1
    assert page.index(">MRI</h2>") < page.index("Brain") < page.index("Spine")
    assert ">Neurology</h2>" in client.get("/tasks/?by=nonsense").content.decode()
