"""verify_receipt: a genuine receipt passes offline, a changed one does not."""

import json

import pytest
from django.core.management import CommandError, call_command

from evaluators import receipts
from leaderboard import answers


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
