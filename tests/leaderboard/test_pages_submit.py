"""The submit page: what it offers, every fault by line and column, what it refuses, and where a good file leads."""

import pytest
from django.test import Client
from django.urls import reverse

from evaluators.models import Run
from leaderboard import benchmarks
from leaderboard.models import Benchmark, Submission
from tests.leaderboard.pages import make_board, make_team, read
from tests.packages import binary
from zoo import accounts, blobs, commits
from zoo.models import Blob

pytestmark = pytest.mark.django_db


@pytest.fixture
def address(benchmark):
    return reverse("submit", args=[benchmark.slug])


def signed_in(user):
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def ann(cast):
    return signed_in(cast.ann)


def spoil(path, line, text):
    """The same file with another text on one line (1 is the header)."""
    rows = path.read_text().splitlines()
    rows[line - 1] = text
    path.write_text("\n".join(rows) + "\n")
    return path


def send(client, address, path, **fields):
    with open(path, "rb") as file:
        return client.post(address, {"name": "An entry", "file": file} | fields)


def test_the_page_says_what_to_hand_in_and_how_much_is_left(ann, address, benchmark):
    page = read(ann.get(address))
    assert "20 left today" in page.text, "for each of the teams to choose from"
    assert "case_id , benign , malignant" in page.text and "60" in page.text
    assert f"/api/v1/benchmarks/{benchmark.slug}/sample-submission" in page.links
    assert f"http://testserver/api/v1/benchmarks/{benchmark.slug}/submissions" in page.text, "the curl line"


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(client, address):
    answer = client.get(address)
    assert answer.status_code == 302 and "login" in answer["Location"] and "submit" in answer["Location"]
    assert client.post(address, {"name": "x"}).status_code == 302
    assert not Submission.objects.exists()


def test_a_good_file_leads_to_its_submission(ann, address, answer, cast):
    sent = send(ann, address, answer(), team="lab", description="What I did", note="between us")
    submission = Submission.objects.get()
    assert sent.status_code == 302 and sent["Location"] == submission.get_absolute_url()
    assert submission.team == cast.lab and submission.description == "What I did" and submission.note == "between us"
    assert "queued" in read(ann.get(sent["Location"])).text


def test_every_fault_is_listed_by_line_and_column_and_nothing_is_kept(ann, address, answer):
    path = spoil(spoil(answer(), 5, "case-0003,0.2,NaN"), 9, "no-such-case,0.5,0.5")
    before = Blob.objects.count()
    sent = send(ann, address, path, name="Keep <this> name", description="and this")
    assert sent.status_code == 422
    page = read(sent)
    assert "line 5" not in page.text, "the table's columns say it"
    for words in ("5", "9", "no-such-case", "NaN", "nothing was taken from your quota", path.name):
        assert words in page.text, words
    html = sent.content.decode()
    assert 'value="Keep &lt;this&gt; name"' in html and "and this</textarea>" in html, "what was typed is still there"
    assert 'role="alert"' in html
    assert not Submission.objects.exists() and not Run.objects.exists() and Blob.objects.count() == before
    assert "20 left today" in page.text


def test_a_form_without_file_or_name_says_what_is_missing(ann, address, answer):
    assert "A prediction file" in read(ann.post(address, {"name": "An entry"})).text
    nameless = send(ann, address, answer(), name="")
    assert nameless.status_code == 422 and "name is missing" in read(nameless).text


def test_faults_in_the_fields_are_listed_like_those_in_the_file(ann, address, answer):
    sent = send(ann, address, answer(), paper_url="javascript:alert(1)")
    assert sent.status_code == 422 and "not a web address" in read(sent).text


def test_another_team_and_a_used_up_quota_are_refused_with_a_reason(ann, address, answer, benchmark):
    assert send(ann, address, answer(), team="hospital").status_code == 403
    Benchmark.objects.filter(pk=benchmark.pk).update(daily_limit=1)
    assert send(ann, address, answer(seed=3)).status_code == 302
    refused = send(ann, address, answer(seed=4))
    assert refused.status_code == 429 and int(refused["Retry-After"]) > 0
    assert "has used its 1 submissions of today" in read(refused).text


def test_a_closed_benchmark_takes_nothing_and_says_so(ann, address, answer, benchmark):
    benchmarks.close(benchmark)
    assert "This benchmark is closed" in read(ann.get(address)).text
    assert send(ann, address, answer()).status_code == 409


def test_a_hostile_file_name_is_shown_as_text(ann, address, answer, tmp_path):
    path = answer(name="<img src=x onerror=alert(1)>.csv")
    sent = send(ann, address, spoil(path, 3, "junk"))
    assert sent.status_code == 422 and b"<img src=x" not in sent.content
    read(sent)


def test_one_chooses_among_the_revisions_of_ones_own_models(cast):
    board = make_board(make_team("house"))
    model = commits.create_model(cast.bens, "network", author=cast.ben)
    card = blobs.put([f"---\ntask: {board.task.slug}\n---\n# Network\n".encode()])
    commit = commits.commit_files(model, cast.ben, add={"README.md": card}, title="Add the card")
    commits.create_model(cast.ann.namespace, "not-bens", author=cast.ann)
    ben = signed_in(cast.ben)
    page = read(ben.get(reverse("submit", args=[board.slug])))
    html = ben.get(reverse("submit", args=[board.slug])).content.decode()
    assert f'value="bens/network@{commit.oid}"'.replace("bens", cast.bens.name) in html and "not-bens" not in page.text
    sent = ben.post(
        reverse("submit", args=[board.slug]), {"kind": "weights", "name": "N", "model": f"{model}@{commit.oid}"}
    )
    assert sent.status_code == 422 and "holds no weights" in read(sent).text


def test_a_model_may_come_with_the_address(cast):
    board = make_board(make_team("house"))
    page = signed_in(cast.ben).get(reverse("submit", args=[board.slug]), {"model": "somebody/else@main"})
    assert '<option value="somebody/else@main" selected>' in page.content.decode()
    assert 'value="weights" data-shows checked' in page.content.decode()


def test_private_boards_are_not_found_by_strangers(cast, tmp_path):
    binary(tmp_path / "secret", slug="secret-board", n=20)
    secret = benchmarks.load(tmp_path / "secret", cast.hospital)
    Benchmark.objects.filter(pk=secret.pk).update(private=True)
    for user in (cast.ann, accounts.create_user("somebody")):
        assert signed_in(user).get(reverse("submit", args=["secret-board"])).status_code == 404
        assert signed_in(user).post(reverse("submit", args=["secret-board"])).status_code == 404
    assert signed_in(cast.member).get(reverse("submit", args=["secret-board"])).status_code == 200
