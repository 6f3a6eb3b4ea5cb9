"""The pages of a competition: made from a table, entered, staffed, revealed; each says no with its reason."""

import csv
import io
import re
import zipfile
from datetime import timedelta

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from leaderboard import retention
from leaderboard.contests import people, reveals, talk, teams
from leaderboard.models import Audit, Benchmark, Competition, Officer, Participant, Submission, Yardstick
from tests.leaderboard.contests import contest, end, enter, hand_in, phase, score

BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def running(cast, folder):
    made, _ = contest(folder, cast.hospital, selections=1, terms="Be fair.")
    enter(made, cast.ann, cast.ben, accept_terms=True)
    return made


@pytest.fixture
def web(client, cast):
    """web(user) -> the client, signed in as them."""

    def sign_in(user):
        client.force_login(user, backend=BACKEND)
        return client

    return sign_in


def text(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def labels_csv(n=120, **changes) -> bytes:
    random = np.random.default_rng(3)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["image_id", "patient", "grade"])
    ids = random.permutation(n)
    for row in range(n):
        writer.writerow([f"img-{ids[row]:04d}", f"p{row // 2:03d}", int(random.choice(4, p=[0.4, 0.3, 0.2, 0.1]))])
    return out.getvalue().encode()


def drop(client, data=None, name="labels.csv"):
    return client.post(
        "/competitions/new/",
        {"step": "drop", "owner": "hospital", "file": SimpleUploadedFile(name, data or labels_csv())},
    )


def test_a_table_becomes_a_draft_with_its_reasons(cast, web):
    client = web(cast.owner)
    form = text(client.get("/competitions/new/"))
    assert "cxr-0001,p-17,nodule" in form and 'name="step" value="drop"' in form  # scripts send no button's name
    page = text(drop(client))
    for said in ("quadratic", "Whole numbers in a row", "Tells nothing of the labels", "Predictors that look at nothing",
                 "Smallest difference", "Every case has an id"):  # fmt: skip
        assert said in page, said
    token = re.search(r'name="table" value="([^"]+)"', page)[1]
    fields = {
        "table": token, "owner": "hospital", "case": "image_id", "label": "grade", "patient": "patient", "split": "",
        "kind": "classification", "kind_before": "classification", "ordinal": "yes", "primary": "quadratic_weighted_kappa",
        "public_share": "40", "title": "Grades", "slug": "grades", "source": "Our cohort", "licence": "internal use",
        "starts": "2026-01-01T00:00", "ends": "2999-01-01T00:00", "time_zone": "Asia/Tokyo", "per_day": "4", "entry": "open",
    }  # fmt: skip
    answer = client.post("/competitions/new/", fields | {"step": "make", "licence": ""})
    assert answer.status_code == 422 and "licence is missing" in text(answer)
    assert not Benchmark.objects.exists()
    answer = client.post("/competitions/new/", fields | {"step": "make"})
    assert answer.status_code == 302, text(answer)
    made = Competition.objects.get(slug="grades")
    assert (made.status, made.owner, made.benchmark.sealed, made.phases.get().per_day) == (
        "draft",
        cast.hospital,
        True,
        4,
    )
    manifest = made.benchmark.package.manifest
    assert manifest["ordinal"] and manifest["metrics"]["primary"] == "quadratic_weighted_kappa"
    assert made.phases.get().starts.isoformat() == "2025-12-31T15:00:00+00:00"
    assert "preview" in text(client.get("/competitions/grades/manage/"))
    assert client.post("/competitions/grades/manage/", {"action": "publish"}).status_code == 302
    assert Competition.objects.get().status == "published"
    client.force_login(cast.ann, backend=BACKEND)
    assert client.post("/competitions/new/", fields | {"step": "review"}).status_code == 409  # another's table
    assert client.get("/competitions/grades/").status_code == 200


def test_a_metric_that_tells_labels_fast_is_named_with_its_remedy_before_publication(cast, folder, web):
    client = web(cast.owner)
    token = re.search(r'name="table" value="([^"]+)"', text(drop(client)))[1]
    fields = {"step": "review", "table": token, "case": "image_id", "label": "grade", "kind": "classification"}
    for metric, warned in (("log_loss", True), ("auroc", False)):
        page = text(client.post("/competitions/new/", fields | {"primary": metric}))
        assert f'value="{metric}" selected' in page
        assert ("58 of 60" in page and "Switch the Ladder on" in page) == warned, metric
    made, _ = contest(folder, cast.hospital, publish=False, package={"metrics": {"primary": "log_loss"}})
    page = text(client.get("/competitions/lungs/manage/"))
    assert "Switch the Ladder on" in page and "ladder: false" in page
    asked = {"action": "change", "why": "It told labels", "rules": "ladder: true"}
    assert client.post("/competitions/lungs/manage/", asked).status_code == 302
    assert "Switch the Ladder on" not in text(client.get("/competitions/lungs/manage/"))


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"a,b\n1,2,3\n", "fields for 2 columns"), (b"\xff\xfe\x00", "not UTF-8"), (b"", "no rows"), (b"a\n1\n", "1 columns"),
     (b"a,a\n1,2\n", "that of another")],
)  # fmt: skip
def test_a_table_at_fault_says_where(cast, web, data, said):
    answer = drop(web(cast.owner), data or b" ")
    assert answer.status_code == 422 and said in text(answer)


def test_one_enters_joins_and_chooses_on_the_pages(cast, running, web, answer):
    client = web(cast.mate)
    assert client.get("/competitions/lungs/enter/").status_code == 200
    refused = client.post("/competitions/lungs/enter/", {})
    assert refused.status_code == 422 and "accepts the terms" in text(refused)
    assert client.post("/competitions/lungs/enter/", {"terms": "yes", "team": "Mates"}).status_code == 302
    assert teams.of(running, cast.mate).name == "Mates"
    code = teams.code(teams.of(running, cast.ann))
    assert "Join ann alone" in text(client.get("/competitions/lungs/team/", {"code": code}))
    assert client.post("/competitions/lungs/team/", {"action": "join", "value": code}).status_code == 302
    assert teams.of(running, cast.mate).name == "ann"
    mine = hand_in(running, cast.ann, answer(), name="A network")
    score(mine.run, 0.812, 0.634)
    page = text(client.get("/competitions/lungs/"))
    assert "A network" in page and "sealed" in page and "0.63" not in page
    client.post("/competitions/lungs/choose/", {"submission": mine.pk, "wanted": "yes"})
    assert Submission.objects.get().chosen
    client.force_login(cast.ben, backend=BACKEND)
    assert client.post("/competitions/lungs/choose/", {"submission": mine.pk, "wanted": "no"}).status_code == 404
    assert client.post("/competitions/lungs/team/", {"action": "lead", "value": "mate"}).status_code == 422
    assert client.post("/competitions/lungs/team/", {"action": "nothing"}).status_code == 422


def test_the_house_works_with_reasons_and_the_record_shows_them(cast, running, web, answer):
    mine = hand_in(running, cast.ann, answer())
    score(mine.run, 0.812, 0.634)
    client = web(cast.ann)
    for method, address in (("get", "manage"), ("post", "private"), ("post", "export"), ("post", "duplicate")):
        assert getattr(client, method)(f"/competitions/lungs/{address}/").status_code == 403, address
    client = web(cast.member)
    rules = text(client.get("/competitions/lungs/manage/"))
    assert "team_size: 5" in rules
    for fields, status in (
        ({"action": "change", "why": "too large", "rules": "team_size: 3"}, 302),
        ({"action": "change", "why": "x", "rules": "team_size: 3"}, 422),
        ({"action": "change", "why": "because", "rules": "team_size: many"}, 422),
        ({"action": "change", "why": "because", "rules": "a: &x [1]\nb: *x"}, 422),
        ({"action": "change", "why": "because", "rules": "{"}, 422),
        ({"action": "appoint", "user": "mate", "role": "judge"}, 302),
        ({"action": "appoint", "user": "ann", "role": "judge"}, 409),
        ({"action": "appoint", "user": "nobody", "role": "judge"}, 404),
        ({"action": "disqualify", "submission": mine.pk, "why": ""}, 422),
        ({"action": "disqualify", "submission": mine.pk, "why": "a test"}, 302),
        ({"action": "reinstate", "submission": mine.pk, "why": "a test"}, 302),
        ({"action": "rerun", "submission": 999, "why": "a test"}, 404),
        ({"action": "renew"}, 302), ({"action": "x"}, 422),
    ):  # fmt: skip
        assert client.post("/competitions/lungs/manage/", fields).status_code == status, fields
    assert Competition.objects.get().team_size == 3 and Officer.objects.get().role == "judge"
    assert client.post("/competitions/lungs/private/", {"why": ""}).status_code == 422
    client = web(cast.mate)
    page = text(client.post("/competitions/lungs/private/", {"why": "to be ready for the reveal"}))
    assert "0.63" in page or "0.65" in page
    page = text(client.get("/competitions/lungs/manage/"))
    assert "to be ready for the reveal" in page and "all seals hold" in page
    assert (
        client.post(
            "/competitions/lungs/manage/", {"action": "disqualify", "submission": mine.pk, "why": "I"}
        ).status_code
        == 403
    )


def test_predictors_that_look_at_nothing_stand_on_the_board_without_a_rank(cast, running, web):
    row = {"metric": "auroc", "subset": "public", "part": "", "value": 0.5, "low": 0.5, "high": 0.5, "error": 0.0, "n": 30,
           "patients": 15, "method": "", "reason": ""}  # fmt: skip
    Yardstick.objects.create(
        benchmark=running.benchmark, place=0, kind="trivial", name="prevalence",
        content={"scores": [row, row | {"subset": "private", "value": 0.4321}], "points": [], "areas": {}, "agreement": {}},
    )  # fmt: skip
    page = text(web(cast.ann).get("/competitions/lungs/"))
    assert "Always the prevalence" in page and "Nothing has been scored yet" in page and "0.43" not in page


def test_the_page_says_why_one_cannot_hand_in_and_what_was_announced(cast, folder, web):
    made, _ = contest(folder, cast.hospital, entry="approval", phases=[phase("Open", starts=1)])
    talk.announce(made, cast.owner, "The ward has moved", "Mind the new address.")
    client = web(cast.ann)
    client.post("/competitions/lungs/enter/", {})
    people.decide(made, cast.owner, "ann", False)
    page = text(client.get("/competitions/lungs/"))
    assert "The organiser has not admitted you. Ask hospital why" in page and "The ward has moved" in page
    people.decide(made, cast.owner, "ann", True)
    page = text(client.get("/competitions/lungs/"))
    assert "Nothing can be handed in now: Open begins on" in page and ">Submit<" not in page
    made.phases.update(starts=made.created - timedelta(days=2))
    end(made)
    assert "The last phase is over" in text(client.get("/competitions/lungs/"))


def test_the_door_says_who_enters_at_once(cast, folder, web):
    made, _ = contest(folder, cast.hospital, entry="domain", domains=["ward.example"])
    for entry, said in (("domain", "at ward.example enters at once"), ("invitation", "by the link that the organiser sends"),
                        ("approval", "An organiser admits who enters")):  # fmt: skip
        Competition.objects.update(entry=entry)
        assert said in text(web(cast.ann).get("/competitions/lungs/enter/")), entry


def test_an_invitation_link_opens_a_private_competition(cast, folder, web):
    made, _ = contest(folder, cast.hospital, private=True, entry="invitation")
    client = web(cast.ben)
    assert client.get("/competitions/lungs/enter/").status_code == client.get("/competitions/lungs/").status_code == 404
    link = f"/competitions/lungs/enter/?code={people.code(made)}"
    assert client.get(link).status_code == 200
    assert client.post("/competitions/lungs/enter/", {"code": people.code(made)}).status_code == 302
    assert Participant.objects.get().status == "admitted" and client.get("/competitions/lungs/").status_code == 200


def test_the_reveal_shows_how_the_ranks_moved(cast, running, web, answer, client):
    for seed, (who, public, private) in enumerate([("ann", 0.80, 0.60), ("ben", 0.70, 0.90)]):
        score(hand_in(running, cast[who], answer(seed=seed)).run, public, private, spread=0.03, seed=seed)
    end(running)
    page = text(client.get("/competitions/lungs/"))
    assert "The reveal is due" in page and "0.90" not in page
    reveals.sweep()
    page = text(client.get("/competitions/lungs/"))
    for said in ("Final standings", "ben", "up <b>1</b>, from 2", "down <b>1</b>, from 1", "2 of 2 teams changed rank",
                 "statistically distinguishable"):  # fmt: skip
        assert said in page, said
    assert "revealed" in text(client.get("/competitions/"))


def test_a_winner_that_takes_its_entry_back_leaves_a_trace_and_moves_nobody(cast, running, web, answer):
    enter(running, cast.mate, accept_terms=True)
    for seed, who in enumerate(("ann", "ben", "mate")):
        score(hand_in(running, cast[who], answer(seed=seed)).run, 0.9 - seed / 10, 0.9 - seed / 10, seed=seed)
    first = running.teams.get(members__user=cast.ann).submissions.get()
    score(hand_in(running, cast.ann, answer(seed=9), name="Not chosen").run, 0.85, 0.85, seed=9)
    end(running)
    assert reveals.reveal(running)
    retention.erase(first, cast.ann, str(first.pk))
    page = text(web(cast.ben).get("/competitions/lungs/"))
    assert "Taken back after the reveal: ann, <time" in page
    assert "0 of 2 teams changed rank" in page and "up <b>" not in page


def test_a_whole_competition_is_exported_imported_and_duplicated(cast, running, web):
    client = web(cast.owner)
    data = client.post("/competitions/lungs/export/").content
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {"benchmark.yaml", "cases.csv", "competition.yaml"} <= set(archive.namelist())
    assert Audit.objects.filter(action="exported", name="owner").exists()
    assert client.post("/competitions/lungs/duplicate/", {"slug": "lungs"}).status_code == 422
    assert client.post("/competitions/lungs/duplicate/", {"slug": "lungs-2"}).status_code == 302
    copy = Competition.objects.get(slug="lungs-2")
    assert (copy.benchmark.version, copy.terms, copy.status) == (2, "Be fair.", "draft")
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"slug: lungs", b"slug: imported"))
    answer = drop(client, changed.getvalue(), "lungs-competition.zip")
    assert answer.status_code == 302 and answer["Location"] == "/competitions/imported/manage/"
    assert Competition.objects.get(slug="imported").terms == "Be fair."
