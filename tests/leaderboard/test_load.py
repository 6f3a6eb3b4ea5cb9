"""benchmarks.load and load_benchmark: everything is checked before anything is stored; a published version is frozen."""

import pytest
from django.core.management import CommandError, call_command

from evaluators.faults import Faults
from evaluators.models import Package
from leaderboard import benchmarks
from leaderboard.models import Benchmark, Claim, Task
from tests.packages import binary, write_manifest
from zoo.models import Blob, Namespace

CLAIM = """
- {name: "Somebody 2020", metric: auroc, value: 0.9, low: 0.85, high: 0.95, cohort: "100 women", citation: "J. 1", doi: "10.1000/x", source: "Table 2"}
- {name: "Three readers", metric: auroc, value: 0.8, citation: "J. 2", source: "abstract", reader: true}
"""


def test_a_package_becomes_a_published_benchmark_of_its_owner(benchmark, cast):
    assert (benchmark.status, benchmark.current, benchmark.owner) == ("published", True, cast.hospital)
    assert (benchmark.package.cases, benchmark.package.patients) == (60, 30)
    assert benchmark.labels == "hidden" and benchmark.primary_metric == "auroc"
    assert benchmark.task == Task.objects.get(slug="tumour") and benchmark.task.title == "Is there a tumour?"
    assert set(benchmark.steps) == {"auroc", "average_precision", "balanced_accuracy"}


def test_without_an_owner_it_belongs_to_the_house(db, folder, labels):
    made = benchmarks.load(folder)
    assert made.owner.name == "kensa" and made.owner.is_organisation
    assert benchmarks.load(folder) == made


def test_the_same_content_again_is_the_same_benchmark(benchmark, folder, cast):
    assert benchmarks.load(folder, cast.hospital) == benchmark
    assert Benchmark.objects.count() == Package.objects.count() == 1


def test_other_content_under_the_same_version_is_refused_and_stores_nothing(benchmark, folder, cast):
    binary(folder, n=62)
    known = Blob.objects.count()
    with pytest.raises(Faults, match="Raise version to 2") as faults:
        benchmarks.load(folder, cast.hospital)
    assert faults.value.count == 1 and Blob.objects.count() == known and Package.objects.count() == 1


def test_a_new_version_becomes_the_current_one_and_the_old_one_stays(benchmark, folder, cast):
    binary(folder, n=62, version=2)
    second = benchmarks.load(folder, cast.hospital)
    benchmark.refresh_from_db()
    assert second.current and not benchmark.current
    assert benchmarks.find(benchmark.slug, cast.anonymous) == second
    assert benchmarks.find(benchmark.slug, cast.anonymous, version=1) == benchmark
    assert benchmarks.versions(second, cast.anonymous) == [second, benchmark]


def test_a_draft_version_does_not_take_the_place_of_the_published_one(benchmark, folder, cast):
    binary(folder, n=62, version=2)
    draft = benchmarks.load(folder, cast.hospital, publish=False)
    assert benchmarks.find(benchmark.slug, cast.member) == benchmarks.find(benchmark.slug, cast.ann) == benchmark
    assert benchmarks.find(benchmark.slug, cast.member, version=2) == draft
    benchmarks.publish(draft)
    assert benchmarks.find(benchmark.slug, cast.ann) == draft


def test_a_draft_nobody_submitted_to_may_change(cast, folder, labels):
    first = benchmarks.load(folder, cast.hospital, publish=False)
    binary(folder, n=62)
    second = benchmarks.load(folder, cast.hospital, publish=False)
    assert second.pk == first.pk and second.package.cases == 62 and Package.objects.count() == 1


def test_a_slug_belongs_to_its_first_owner(benchmark, folder, cast):
    binary(folder, n=62, version=2)
    with pytest.raises(Faults, match="belongs to hospital"):
        benchmarks.load(folder, cast.lab)


def test_claims_are_read_with_their_citation(cast, folder, labels):
    (folder / "claims.yaml").write_text(CLAIM)
    made = benchmarks.load(folder, cast.hospital)
    first, second = made.claims.order_by("pk")
    assert (first.value, first.low, first.cohort, first.task) == (0.9, 0.85, "100 women", made.task) and second.reader


def test_faults_of_claims_and_owner_come_together_and_nothing_is_stored(db, folder, labels):
    (folder / "claims.yaml").write_text(
        "- {name: x, metric: auroc, value: high, doi: https://doi.org/10.1000/x}\n- 3\n- {nam: y}\n"
    )
    with pytest.raises(Faults) as faults:
        benchmarks.load(folder, "nobody")
    said = " ".join(fault.message for fault in faults.value.faults)
    for part in (
        "no citation",
        "no source",
        "is no DOI",
        "'high' is not a number",
        "claim 2 is not a mapping",
        "unknown field 'nam'",
        "no user or organisation",
    ):
        assert part in said
    assert (
        not Claim.objects.exists()
        and not Blob.objects.exists()
        and not Namespace.objects.filter(name="nobody").exists()
    )


def test_the_command_loads_a_package_and_a_draft_stays_a_draft(db, folder, labels, capsys):
    call_command("load_benchmark", str(folder), draft=True)
    assert "tumour-or-not version 1, draft: 60 cases of 30 patients" in capsys.readouterr().out
    assert Benchmark.objects.get().status == "draft"


def test_the_command_lists_every_fault_and_fails(db, folder, labels, capsys):
    write_manifest(folder, kind="astrology", metrics={"primary": "aurok"}, classes=[])
    with pytest.raises(CommandError, match="faults"):
        call_command("load_benchmark", str(folder))
    said = capsys.readouterr().err
    assert "benchmark.yaml" in said and len(said.splitlines()) >= 2 and not Benchmark.objects.exists()


def test_baselines_on_a_draft_set_the_rounding_steps(cast, folder, labels, answer, finished):
    from leaderboard import submissions

    draft = benchmarks.load(folder, cast.hospital, publish=False)
    assert draft.steps == {}
    for seed, spread in enumerate([0.01, 0.03, 0.02]):
        made = submissions.submit(
            draft, cast.hospital, cast.member, file=answer(seed=seed), name=str(seed), baseline=True
        )
        draws = [0.8 - spread, 0.8 + spread]  # standard deviation: spread
        finished(
            made.run, {"auroc": (0.8, draws), "average_precision": (0.8, draws), "balanced_accuracy": (0.8, draws)}
        )
    published = benchmarks.publish(draft)
    assert published.steps == {"auroc": 0.01, "average_precision": 0.01, "balanced_accuracy": 0.01}
    assert benchmarks.publish(published).steps == published.steps
