"""`sockgraph validate`: from a case that was run to its page and figures, and what it refuses."""

import html
import json
import re

import pandas as pd
import pytest
from test_evidence_weigh import edits_of, history
from typer.testing import CliRunner

from sockgraph.cli import app
from sockgraph.clustering import cluster
from sockgraph.errors import EvaluationError, StoreError
from sockgraph.evaluation.labelled_pairs import match_labels, read_labels
from sockgraph.evidence import flag
from sockgraph.graph import to_graph
from sockgraph.pipeline.results import read_case
from sockgraph.pipeline.run import run_case
from sockgraph.pipeline.validate import validate_case
from sockgraph.report.validation import CaseSummary, validation_page

NOMINATED = ("Ada Fenwick", "Bram <b>Oxlip</b>", "Cobalt Fern", "Dora Quill", "Ede Marsh")
CASE = """
id = "validate-{slug}"
title = "Links of Ada Fenwick"
reason = "Ada Fenwick returned to one wording"
wikis = ["x.example"]
[source]
kind = "table"
path = "edits.parquet"
[accounts]
nominated = {names}
[reference]
accounts = {size}
[prior]
per_pair = 0.01
{more}
"""


def write(folder, slug, size=60, more=""):
    path = folder / f"{slug}.toml"
    path.write_text(CASE.format(slug=slug, names=json.dumps(NOMINATED), size=size, more=more))
    return path


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run one small case: five accounts, two of one operator, among 60 others."""
    folder = tmp_path_factory.mktemp("validate")
    rows = []
    for i in range(60):
        rows += history(f"Other {i:02d}", 100 + i, n=60)
    for name, seed in zip(NOMINATED, (1, 1, 2, 3, 4), strict=True):
        rows += history(name, seed, n=60, start=2.0 * len(name))
    edits_of(rows).to_parquet(folder / "edits.parquet")
    pd.DataFrame({"user": NOMINATED, "person": [1, 1, 2, 3, None]}).to_csv(
        folder / "known.csv", index=False
    )
    path = write(folder, "fenwick")
    return path, folder / "data", run_case(path, data=folder / "data")


def test_held_out_pairs_are_the_reference_and_name_nobody(ran):
    _, _, result = ran
    held_out = pd.read_parquet(result.folder / "held_out.parquet")
    facts = result.manifest["evidence"]
    truth = held_out["truth"].value_counts()
    assert truth["different"] == facts["n_different_pairs"]
    assert {k: truth[k] for k in facts["splits"]} == {
        k: v["cuts"] for k, v in facts["splits"].items()
    }
    assert held_out["log10_lr"].between(*facts["bounds"]).all()
    texts = [c for c in held_out if held_out[c].map(type).eq(str).any()]
    assert texts == ["truth"]
    different = held_out[held_out["truth"] == "different"]
    assert (different["a"] < different["b"]).all()
    assert different["shared_pages"].max() > 0
    assert 0 < different["same_pages"].mean() <= 0.06
    share = facts["false_links"]["different"]["10"]
    assert (different["log10_lr"] > 1).mean() == pytest.approx(share)


def test_flags_can_be_told_again_from_the_tables(ran):
    _, _, result = ran
    groups = cluster(to_graph(result.links))
    again = flag(result.links, groups)
    assert again["flagged"].tolist() == result.links["flagged"].tolist()
    assert again["reasons"].tolist() == result.links["reasons"].tolist()
    assert again["flagged"].any(), "a case in which nothing is flagged shows nothing"


def test_without_labels_the_reference_speaks_and_the_page_names_nobody(ran):
    path, data, result = ran
    made = validate_case(path, data=data)
    page, told = made.page.read_text(), json.loads(made.figures.read_text())
    assert made.validation.labels is None
    assert told["own"]["separations"][0]["n_different"] == 60 * 59 // 2
    assert told["prior"]["per_pair"] == 0.01
    assert told["own"]["separations"][0]["calibrated_loss"] >= 0
    people = (*NOMINATED, *result.accounts["user"], *result.edits["title"].dropna().unique())
    unescaped = html.unescape(page)
    assert [p for p in people if p in page or p in unescaped] == []
    assert "Ada" not in page + made.figures.read_text()
    assert "NaN" not in page + made.figures.read_text()
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert not re.search(r"(?:src|href)=|https?://", page)
    assert "not testable" in page
    assert "The evidence alone cannot carry a finding" in page
    assert read_case(path, data=data).folder == result.folder  # the page is no stale artefact


def test_the_same_run_gives_the_same_page(ran):
    path, data, _ = ran
    first = validate_case(path, data=data)
    before = first.page.read_bytes(), first.figures.read_bytes()
    again = validate_case(path, data=data)
    assert (again.page.read_bytes(), again.figures.read_bytes()) == before


def test_with_labels_both_stand_and_the_difference_is_printed(ran):
    path, data, result = ran
    made = validate_case(path, path.with_name("known.csv"), data=data)
    labels = made.validation.labels
    assert (labels.whole.n_same, labels.whole.n_different) == (1, 9)
    assert labels.flagged.flagged == int(result.links["flagged"].sum())
    assert labels.open_set.accounts == 5
    assert labels.open_set.bereft == 2
    assert set(made.validation.flattery) == {"auc", "recall_at_fpr_1e3", "cllr", "cllr_min", "loss"}
    page = made.page.read_text()
    assert "labelled pair of one operator that says little" in page
    assert "Ada" not in page
    judged = match_labels(
        result.links, read_labels(path.with_name("known.csv")), compared_only=True
    )
    assert judged.ranking.n_same == 1


def test_labels_that_the_case_names_are_read(ran):
    path, data, _ = ran
    named = write(path.parent, "fenwick", more="")
    text = named.read_text()
    named.write_text(text.replace("accounts = 60", 'accounts = 60\nlabels = "known.csv"'))
    try:
        assert validate_case(named, data=data).validation.labels.whole.n_same == 1
    finally:
        named.write_text(text)


def test_the_command_prints_figures_and_json(ran):
    path, data, _ = ran
    said = CliRunner().invoke(app, ["validate", str(path), "--data", str(data)])
    assert said.exit_code == 0, said.output
    assert "calibration loss" in said.stdout
    told = CliRunner().invoke(app, ["validate", str(path), "--data", str(data), "--json"])
    assert json.loads(told.stdout)["case"] == "fenwick"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"account": ["Ada Fenwick"]}, "columns missing: user, person"),
        ({"user": ["Nobody Here"], "person": [1]}, "names none of the 5 accounts"),
        ({"user": ["Cobalt Fern", "Dora Quill"], "person": [1, 2]}, "0 pairs of one operator"),
        ({"user": ["Cobalt Fern", "Cobalt Fern"], "person": [1, 2]}, "stand twice"),
    ],
)
def test_labels_that_cannot_be_used_are_refused_and_nothing_is_written(ran, tmp_path, given, words):
    path, data, result = ran
    labels = tmp_path / "labels.csv"
    pd.DataFrame(given).to_csv(labels, index=False)
    for name in ("validation.html", "validation.json"):
        (result.folder / name).unlink(missing_ok=True)
    with pytest.raises(EvaluationError, match=words):
        validate_case(path, labels, data=data)
    assert not (result.folder / "validation.html").exists()


def test_a_case_that_was_not_run_is_refused(tmp_path):
    path = write(tmp_path, "not-run")
    with pytest.raises(StoreError, match="not run yet"):
        validate_case(path, data=tmp_path / "data")


def test_a_case_without_calibration_gets_a_page_that_says_why(ran):
    path, data, _ = ran
    small = write(path.parent, "small", size=12)
    run_case(small, data=data)
    said = CliRunner().invoke(app, ["validate", str(small), "--data", str(data)])
    assert said.exit_code == 2
    assert "not calibrated: 12 reference accounts" in said.stderr
    page = (data / "processed" / "small" / "validation.html").read_text()
    assert "Not calibrated:" in page
    assert "12 reference accounts" in page
    both = validate_case(small, path.with_name("known.csv"), data=data)
    assert both.validation.labels.whole.cllr is None
    assert both.validation.labels.whole.auc > 0.5
    assert "<svg" not in both.page.read_text()


def test_a_reason_is_escaped(ran):
    path, data, _ = ran
    found = validate_case(path, data=data).validation
    hostile = type(found)(**{**vars(found), "own": None, "reason": "<img src=x onerror=alert(1)>"})
    page = validation_page(
        hostile, CaseSummary("fenwick", "x.example", everyone=False, run="0" * 64)
    )
    assert "<img" not in page
    assert "&lt;img" in page
