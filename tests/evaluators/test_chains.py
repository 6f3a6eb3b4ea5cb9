"""The chain of receipts: no gap however many finish at once, and every tampering found by whom it can be found."""

import copy
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connection

from evaluators import chains, receipts, runs
from evaluators.models import Link, Run, Score
from tests.evaluators.test_runs import new, package, score

VERIFIER = Path(__file__).resolve().parents[2] / "docs/verify_receipt.py"


@pytest.fixture
def chain(site):
    """Three finished runs of one package; gives (package, runs)."""
    row = package()
    made = new(row, n=3)
    for run in made:
        assert runs.finish(runs.claim(run.pk, "w"), [score(), score(metric="brier", value=0)], details="e" * 64)
        run.refresh_from_db()
    return row, made


def test_many_that_finish_at_once_get_a_chain_without_a_gap(site):
    waiting = new(package(), n=12)
    leases, start, failed = [runs.claim(run.pk, "w") for run in waiting], threading.Barrier(12), []

    def work(lease):
        try:
            start.wait()
            assert runs.finish(lease, [score()])
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(lease,)) for lease in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    log = chains.log(waiting[0].package)
    assert chains.verify_log(log) == [] and [link[0] for link in log["links"]] == list(range(1, 13))
    assert sorted(link[1] for link in log["links"]) == sorted(run.pk for run in waiting)
    assert chains.audit(waiting[0].package) == []


def test_a_run_that_lost_its_lease_leaves_no_link(site):
    run = new(package())
    lease = runs.claim(run.pk, "w")
    runs.cancel(run)
    assert not runs.finish(lease, [score()])
    assert not Link.objects.exists()


def release(run, **shown):
    return receipts.release(run, *chains.place(run), shown)


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (lambda run: Score.objects.filter(run=run, metric="auroc").update(value=0.81), "the scores of run"),
        (lambda run: Score.objects.filter(run=run, metric="brier").delete(), "the scores of run"),
        (lambda run: Run.objects.filter(pk=run.pk).update(details="d" * 64), "the details of run"),
        (lambda run: Run.objects.filter(pk=run.pk).update(answer={"files": {"p.csv": "a" * 64}}), "the answer of run"),
        (lambda run: Run.objects.filter(pk=run.pk).delete(), "vanished"),
        (lambda run: Link.objects.filter(run=run).delete(), "a row is missing"),
        (lambda run: Link.objects.filter(run=run).update(statement="a" * 64), "a row is missing or was edited"),
        (lambda run: _resign(run), "not the one that was linked"),
        (lambda run: _edit(run), "signature"),
    ],
)
def test_whoever_runs_the_service_finds_every_edit(chain, tamper, found):
    row, made = chain
    assert chains.audit(row) == []
    tamper(made[1])
    assert any(found in fault for fault in chains.audit(row)), chains.audit(row)


def test_an_answer_that_was_let_go_is_no_edit_and_its_scores_are_still_held_to(chain):
    row, made = chain
    assert runs.forget(made[1]) and chains.audit(row) == []
    Score.objects.filter(run=made[1], metric="auroc").update(value=0.5)
    assert len(chains.audit(row)) == 1 and "scores" in chains.audit(row)[0]


def _edit(run):
    run.receipt["statement"]["finished"] = "2026-01-01T00:00:00+00:00"
    run.save(update_fields=["receipt"])


def _resign(run):
    """As one who holds the key would: scores and receipt agree, the signature is genuine."""
    Score.objects.filter(run=run, metric="auroc").update(value=0.99)
    run.receipt = receipts.issue(run, list(run.scores.all()))
    run.save(update_fields=["receipt"])


def test_whoever_holds_a_receipt_or_an_earlier_log_finds_a_vanished_row(chain):
    row, made = chain
    kept, earlier = release(made[2], scores=[]), chains.log(row)
    Link.objects.filter(run=made[2]).delete()  # the last one: the chain itself shows no gap
    made[2].delete()
    later = chains.log(row)
    assert chains.verify_log(later) == [] and chains.audit(row) == []
    assert "vanished" in chains.missing(kept, later)[0] and "vanished" in chains.missing(earlier, later)[0]
    assert chains.missing(release(made[0]), later) == []


def test_a_log_that_was_cut_or_edited_is_refused(chain):
    log = chains.log(chain[0])
    assert chains.verify_log(log) == []
    for spoil in (lambda g: g["links"].pop(1), lambda g: g["links"].pop(), lambda g: g["links"][0].__setitem__(2, "a" * 64),
                  lambda g: g["statement"].update(length=2), lambda g: g.pop("links")):  # fmt: skip
        spoiled = copy.deepcopy(log)
        spoil(spoiled)
        assert chains.verify_log(spoiled) != []


def test_the_verifier_of_the_docs_stands_alone_in_fifty_lines_and_says_the_same(chain, tmp_path):
    assert len(VERIFIER.read_text().splitlines()) <= 50
    row, made = chain
    receipt, log = release(made[0], scores=[{"metric": "auroc", "value": 0.8}]), chains.log(row)
    flipped = copy.deepcopy(receipt)
    flipped["statement"]["scores"][0]["value"] = 0.9
    moved = receipts.sign(receipt["statement"] | {"chain": receipt["statement"]["chain"] | {"position": 2}})
    cut = copy.deepcopy(log)
    del cut["links"][1]
    Link.objects.filter(run=made[2]).delete()
    gone = chains.log(row)
    last = release(made[1]), release(made[0])
    cases = [
        ([receipt], True), ([receipt, log], True), ([log], True), ([flipped], False), ([moved], False), ([cut], False),
        ([receipt, cut], False), ([last[0], gone], True), ([log, gone], False),
    ]  # fmt: skip
    for files, genuine in cases:
        names = []
        for number, content in enumerate(files):
            names.append(tmp_path / f"{number}.json")
            names[-1].write_text(json.dumps(content))
        call = [sys.executable, "-I", VERIFIER, names[0], receipts.public_key_text(), *names[1:]]
        done = subprocess.run(call, capture_output=True, text=True)
        assert (done.returncode == 0) is genuine, (files[0]["statement"], done.stderr[-300:])
