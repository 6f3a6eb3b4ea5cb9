"""What looks like an identity stops publication until confirmed; what is kept ends; what is erased leaves a tombstone."""

from datetime import timedelta

import numpy as np
import pydicom
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pydicom.data import get_testdata_file

from evaluators.models import Run
from leaderboard import benchmarks, notices, privacy, retention, submissions
from leaderboard.contests import teams
from leaderboard.models import Benchmark, Notice, Submission, Team
from tests.leaderboard.contests import contest, enter
from tests.packages import binary
from zoo import accounts
from zoo.errors import Refused

pytestmark = pytest.mark.django_db


def rewritten(folder, change):
    path = folder / "cases.csv"
    path.write_text(change(path.read_text()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("patient_id", "patient_id,Date of birth", 1).replace("\ncase-", "\ncase-"), None),
        (lambda text: text.replace("patient-0003", "Tanaka_Mei"), "given name"),
        (lambda text: text.replace("patient-0003", "19700131"), "date of birth"),
        (lambda text: text.replace("patient-0003", "mei@hospital.example"), "e-mail"),
    ],
)
def test_a_table_with_an_identity_waits_for_a_confirmation(cast, folder, change, said):
    binary(folder, n=40)
    first = folder.joinpath("cases.csv").read_text().splitlines()[7].split(",")[1]
    if said is None:
        said = "column of cases.csv"
        lines = folder.joinpath("cases.csv").read_text().splitlines()
        folder.joinpath("cases.csv").write_text(
            "\n".join([lines[0] + ",date_of_birth_dob", *(f"{line},1" for line in lines[1:])])
        )
        (folder / "benchmark.yaml").write_text(
            (folder / "benchmark.yaml").read_text() + "groups: [date_of_birth_dob]\n"
        )
    else:
        rewritten(folder, lambda text: change(text.replace(first, "patient-0003")))
    made = benchmarks.load(folder, cast.hospital, publish=False)
    assert any(said in text for text in privacy.identities(made.package)), privacy.identities(made.package)
    with pytest.raises(Refused) as refused:
        benchmarks.publish(made, cast.owner)
    assert refused.value.code == "identities"
    with pytest.raises(Refused):
        benchmarks.confirm_identities(made, cast.stranger)
    client = Client()
    client.force_login(cast.owner, backend="django.contrib.auth.backends.ModelBackend")
    assert "It identifies nobody" in client.get(f"{made.get_absolute_url()}?version=1").content.decode()
    client.post(f"{made.get_absolute_url()}confirm/", {"version": 1})
    made.refresh_from_db()
    assert made.confirmed_by == "owner" and benchmarks.publish(made, cast.owner).status == "published"


def test_a_plain_package_does_not_wait(cast, folder):
    binary(folder, n=40)
    made = benchmarks.load(folder, cast.hospital, publish=False)
    assert privacy.identities(made.package) == [] and benchmarks.publish(made, cast.owner).status == "published"


def test_dicom_tags_are_looked_at(cast, folder, tmp_path):
    labels = binary(folder, n=4)
    picture = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    (folder / "inputs").mkdir()
    lines = (folder / "cases.csv").read_text().splitlines()
    rows = [f"{line},inputs/{number}.dcm" for number, line in enumerate(lines[1:])]
    (folder / "cases.csv").write_text("\n".join([lines[0] + ",input", *rows]))
    for number in range(len(labels)):
        picture.PatientName = "Tanaka^Mei" if number == 2 else "anonymous"
        for tag in privacy.TAGS[1:]:
            setattr(picture, tag, "")
        picture.save_as(folder / "inputs" / f"{number}.dcm")
    made = benchmarks.load(folder, cast.hospital, publish=False)
    assert privacy.identities(made.package) == ["the DICOM tag PatientName: inputs/2.dcm"]


def test_the_command_leaves_a_draft_and_publishes_with_the_word(cast, folder, capsys):
    binary(folder, n=40)
    first = folder.joinpath("cases.csv").read_text().splitlines()[7].split(",")[1]
    rewritten(folder, lambda text: text.replace(first, "mei@hospital.example"))
    call_command("load_benchmark", str(folder))
    assert Benchmark.objects.get().status == "draft" and "identity" in capsys.readouterr().err
    call_command("load_benchmark", str(folder), confirm_identities=True)
    assert Benchmark.objects.get().status == "published"


def test_answers_are_forgotten_after_their_time_and_scores_stay(cast, benchmark, answer, finished):
    row = submissions.submit(benchmark, cast.bens, cast.ben, file=answer(), name="Old")
    finished(row.run, {"auroc": (0.8, np.full(400, 0.8))})
    with pytest.raises(Refused):
        retention.keep(benchmark, cast.ben, 30)
    retention.keep(benchmark, cast.owner, 30)
    assert retention.sweep() == 0
    Run.objects.update(finished=timezone.now() - timedelta(days=31))
    assert retention.sweep() == 1 and retention.sweep() == 0
    run = Run.objects.get(pk=row.run_id)
    assert run.answer["files"] == {} and run.scores.count() and run.receipt
    with pytest.raises(Refused) as refused:
        submissions.rerun(Submission.objects.get(pk=row.pk), cast.owner)
    assert refused.value.code == "forgotten"


def test_an_erased_submission_leaves_a_tombstone(cast, benchmark, answer, finished):
    row = submissions.submit(
        benchmark, cast.bens, cast.ben, file=answer(), name="Mine", note="a secret", description="words"
    )
    finished(row.run, {"auroc": (0.8, np.full(400, 0.8))})
    for who, word in ((cast.stranger, str(row.pk)), (cast.ben, "yes")):
        with pytest.raises(Refused):
            retention.erase(row, who, word)
    retention.erase(row, cast.ben, str(row.pk))
    row = Submission.objects.get(pk=row.pk)
    assert (row.name, row.note, row.description, row.author) == (retention.ERASED, "", "", None)
    assert row.withdrawn and row.run.answer["files"] == {}
    client = Client()
    client.force_login(cast.ben, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(row.get_absolute_url())
    assert page.status_code == 200 and "a secret" not in page.content.decode()
    assert "Erased by its team" in page.content.decode() and "no longer kept" in page.content.decode()


def test_a_deleted_account_leaves_no_name_in_a_contest_and_no_team_without_a_leader(cast, folder):
    made, _ = contest(folder, cast.hospital)
    accounts.add_member(cast.lab, cast.mate, "owner")
    enter(made, cast.ann, cast.mate, cast.ben)
    teams.join(made, cast.mate, teams.code(teams.of(made, cast.ann)))
    notices.tell([cast.ben], "reveal", 1, "ben won", "/")
    assert retention.forget_people() == 0
    for who in ("ann", "ben"):
        accounts.delete_user(cast[who], who)
    assert retention.forget_people() == 2 and retention.forget_people() == 0
    assert teams.of(made, cast.mate).leader == cast.mate and not Notice.objects.exists()
    # a team that goes on keeps its name, which its new leader may change
    assert sorted(Team.objects.values_list("name", flat=True)) == ["ann", f"deleted-team-{teams.of(made, cast.ben).pk}"]
