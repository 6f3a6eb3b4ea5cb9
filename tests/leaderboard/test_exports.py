"""Exports: the same board as the page's, in four forms, safe to open in whatever reads them."""

import csv
import io
import json

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from leaderboard import exports, standings


@pytest.fixture
def board(submit, cast, finished, benchmark):
    """board(viewer) with a tricky and an ordinary entry."""
    rng = np.random.default_rng(3)
    for seed, (team, user, name, value) in enumerate(
        [("lab", "ann", "=HYPERLINK(1) & 50% _net_ | <b>", 0.81), ("bens", "ben", "Plain", 0.7)]
    ):
        made = submit(cast[team], cast[user], seed=seed, name=name)
        finished(
            made.run,
            {
                "auroc": (value, value + rng.normal(0, 0.03, 300)),
                "average_precision": (0.6, 0.6 + rng.normal(0, 0.04, 300)),
            },
        )
    return lambda viewer: standings.table(benchmark, viewer)


def test_json_has_the_pinned_names_and_the_boards_numbers(board, cast):
    shown = board(cast.ben)
    said = json.loads(exports.write(shown, "json"))
    pinned = {
        "rank",
        "rank_low",
        "rank_high",
        "tied",
        "name",
        "evidence",
        "submission",
        "model",
        "revision",
        "date",
        "scores",
    }
    assert said["benchmark"] == "tumour-or-not" and said["version"] == 1
    for entry, row in zip(shown.entries, said["entries"], strict=True):
        assert pinned <= set(row)
        assert (row["rank"], row["submission"], row["name"]) == (entry.rank, entry.submission.pk, entry.name)
        by_metric = {score["metric"]: score for score in row["scores"]}
        assert by_metric["auroc"]["value"] == entry.score.value and by_metric["auroc"]["subset"] == "all"
        assert {"metric", "subset", "value", "low", "high", "n"} <= set(by_metric["average_precision"])


def test_csv_has_a_row_for_each_score_with_interval_n_and_version(board, cast):
    shown = board(cast.ben)
    rows = list(csv.DictReader(io.StringIO(exports.write(shown, "csv"))))
    assert len(rows) == 4
    first = next(row for row in rows if row["metric"] == "auroc" and row["rank"] == "1")
    score = shown.entries[0].score
    assert (float(first["value"]), float(first["low"]), float(first["high"])) == (score.value, score.low, score.high)
    assert (first["n"], first["version"], first["benchmark"]) == ("60", "1", "tumour-or-not")


def test_a_name_is_never_a_formula_in_a_spreadsheet(board, cast):
    rows = csv.DictReader(io.StringIO(exports.write(board(cast.ben), "csv")))
    assert not [row for row in rows if row["name"][0] in "=+-@"]


def test_latex_escapes_names_and_is_a_booktabs_table(board, cast):
    text = exports.write(board(cast.ben), "latex")
    assert r"\toprule" in text and r"\bottomrule" in text and r"\& 50\% \_net\_" in text
    assert text.count("{") == text.count("}") and "95 \\% intervals" in text


def test_markdown_keeps_its_columns_whatever_the_name(board, cast):
    table = [line for line in exports.write(board(cast.ben), "markdown").splitlines() if line.startswith("|")]
    assert len(table) == 4 and len({line.replace(r"\|", "").count("|") for line in table}) == 1
    assert "<b>" not in "".join(table)


def test_every_form_is_rounded_for_readers_and_exact_for_the_organiser(board, cast):
    exact = {form: exports.write(board(cast.owner), form) for form in ("json", "csv")}
    rounded = {form: exports.write(board(cast.stranger), form) for form in exports.FORMATS}
    low = repr(board(cast.owner).entries[0].score.low)
    assert all(low in text for text in exact.values())
    assert not any(low[:7] in text for text in rounded.values())


def test_the_command_prints_what_everyone_sees(board, cast, capsys):
    call_command("export_leaderboard", "tumour-or-not", format="csv")
    assert capsys.readouterr().out == exports.write(board(cast.anonymous), "csv")
    call_command("export_leaderboard", "tumour-or-not", format="json", exact=True)
    assert json.loads(capsys.readouterr().out)["exact"] is True
    with pytest.raises(CommandError, match="no such benchmark"):
        call_command("export_leaderboard", "nothing")
