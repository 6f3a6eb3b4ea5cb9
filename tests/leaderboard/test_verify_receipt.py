"""verify_receipt: a genuine receipt passes offline, a changed one does not."""

import json

import pytest
from django.core.management import CommandError, call_command

from evaluators import receipts
from evaluators.models import Score
from leaderboard import answers
from leaderboard.models import Submission


@pytest.fixture
def receipt(submit, finished, cast):
    made = submit()
    finished(made.run, {"auroc": (0.8123, [0.7, 0.8, 0.9])})
    return answers.receipt(made, cast.ann)


def test_a_genuine_receipt_is_verified_and_read_out(receipt, tmp_path, capsys):
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt))
    call_command("verify_receipt", str(file))
    said = capsys.readouterr().out
    assert "Genuine" in said and "tumour-or-not version 1" in said and "auroc on all: 0.8" in said
    call_command("verify_receipt", str(file), key=receipts.public_key_text())


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r["statement"]["scores"][0].update(value=0.99),
        lambda r: r["statement"].update(run=7),
        lambda r: r.pop("signature"),
    ],
)
def test_a_changed_receipt_is_refused(receipt, tmp_path, change):
    change(receipt)
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt))
    with pytest.raises(CommandError, match="not genuine"):
        call_command("verify_receipt", str(file))


def test_another_key_or_no_receipt_at_all_is_refused(receipt, tmp_path):
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt))
    with pytest.raises(CommandError):
        call_command("verify_receipt", str(file), key="A" * 43 + "=")
    file.write_text("hello")
    with pytest.raises(CommandError, match="JSON"):
        call_command("verify_receipt", str(file))
    with pytest.raises(CommandError):
        call_command("verify_receipt", str(tmp_path / "nothing"))
    file.write_text("[1]")
    with pytest.raises(CommandError, match="not genuine"):
        call_command("verify_receipt", str(file))


def test_a_private_model_is_not_named_to_those_who_may_not_see_it(receipt, submit, finished, cast):
    from zoo import commits

    made = submit(seed=5)
    made.model = commits.create_model(cast.lab, "hush", author=cast.ann, private=True)
    made.run.answer |= {"model": "lab/hush", "revision": "a" * 40}
    made.run.save()
    made.save()
    finished(made.run, {"auroc": (0.8123, [0.7, 0.8, 0.9])})
    assert answers.receipt(made, cast.mate)["statement"]["answer"] == {"model": "lab/hush", "revision": "a" * 40}
    stranger = answers.receipt(made, cast.stranger)
    assert stranger["statement"]["answer"] == {} and receipts.verify(stranger) == []


def write(path, content):
    path.write_text(json.dumps(content))
    return str(path)


def test_a_team_sees_that_a_receipt_is_about_its_file_and_nobody_else_can(submit, finished, cast, answer, tmp_path):
    made = submit(seed=9)
    finished(made.run, {"auroc": (0.8123, [0.7, 0.8, 0.9])})
    mine = write(tmp_path / "mine.json", answers.receipt(made, cast.mate))
    call_command("verify_receipt", mine, answer=str(answer(seed=9)))
    with pytest.raises(CommandError, match="another file"):
        call_command("verify_receipt", mine, answer=str(answer(seed=10)))
    theirs = answers.receipt(made, cast.stranger)
    assert "opening" not in theirs["statement"]
    with pytest.raises(CommandError, match="only the copy"):
        call_command("verify_receipt", write(tmp_path / "theirs.json", theirs), answer=str(answer(seed=9)))


def test_two_teams_with_the_same_file_have_commitments_that_do_not_tell(submit, finished, cast):
    first, second = submit(seed=9), submit(cast.bens, cast.ben, seed=9)
    for made in (first, second):
        finished(made.run, {"auroc": (0.8123, [0.7, 0.8, 0.9])})
    said = [answers.receipt(made, cast.stranger)["statement"]["commitments"] for made in (first, second)]
    assert said[0]["answer"] != said[1]["answer"] and said[0]["package"] == said[1]["package"]


def test_a_score_that_was_replaced_is_not_signed_and_is_named_by_the_audit(receipt, client, cast, bearer, capsys):
    call_command("verify_receipt", board="tumour-or-not")
    assert "Unchanged: 1 linked run" in capsys.readouterr().out
    Score.objects.update(value=0.99)
    submission = Submission.objects.get()
    address = f"/api/v1/submissions/{submission.pk}/receipt"
    assert client.get(address).status_code == 409
    with pytest.raises(CommandError, match=f"the scores of run {submission.run_id} changed"):
        call_command("verify_receipt", board="tumour-or-not")


def test_the_log_is_public_with_the_board_and_holds_every_receipt(receipt, submit, finished, client, tmp_path, capsys):
    earlier = client.get("/api/v1/benchmarks/tumour-or-not/receipts").json()
    made = submit(seed=7)
    finished(made.run, {"auroc": (0.7, [0.6, 0.7, 0.8])})
    later = write(tmp_path / "later.json", client.get("/api/v1/benchmarks/tumour-or-not/receipts").json())
    kept = write(tmp_path / "receipt.json", receipt)
    for file in (kept, write(tmp_path / "earlier.json", earlier)):
        call_command("verify_receipt", file, log=later)
        assert "Genuine" in capsys.readouterr().out
    second = write(tmp_path / "second.json", client.get(f"/api/v1/submissions/{made.pk}/receipt").json())
    with pytest.raises(CommandError, match="vanished"):
        call_command("verify_receipt", second, log=str(tmp_path / "earlier.json"))
    assert client.get("/.well-known/kensa-receipts.json").json()["public_key"] == receipts.public_key_text()
