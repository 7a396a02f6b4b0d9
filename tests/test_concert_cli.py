import re
import stat
import unicodedata
import warnings

import hostile
import pandas as pd
import pytest
from concert_fixture import concert_data
from typer.testing import CliRunner

from sockgraph.case import Case
from sockgraph.charts import blocs, usual_hours
from sockgraph.cli import app
from sockgraph.concert import ConcertSettings, weigh_concert
from sockgraph.errors import CaseError, StoreError
from sockgraph.pipeline.concert import concert_of, votes_of
from sockgraph.pipeline.results import read_case
from sockgraph.pipeline.run import run_case
from sockgraph.report.concert import concert_page
from sockgraph.synthetic.election import Community, invent_election, write_election

CASE = Case.model_validate(
    {
        "slug": "votes",
        "folder": ".",
        "title": "Votes",
        "reason": "To see the page",
        "wikis": ["fernwick.example"],
        "source": {"kind": "table", "path": "edits.parquet"},
        "accounts": {"nominated": ["Heron Wade"]},
        "discussions": {"reason": "<b>Why</b>", "pages": ["Project:X"]},
    }
)
SIDES = ("support", "oppose", "neutral")


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """A case on an invented election, run, with its votes and its comparison."""
    folder = tmp_path_factory.mktemp("election")
    small = Community(compared=6, crowd=24, discussions=22, bloc=3, joins=0.8)
    path = write_election(folder, small, seed=4, profile="zhwiki")
    before = public(run_case(path, data=folder / "data").folder)
    found = concert_of(path, data=folder / "data")
    assert public(found.page.parent) == before
    return path, folder / "data", found


def public(folder):
    """Return the files that a case may share."""
    names = ("report.html", "graph.graphml", "manifest.json", "links.parquet")
    return [(folder / name).read_bytes() for name in names]


def test_the_bloc_is_found_from_the_pages_themselves(case):
    path, data, found = case
    folder = data / "processed" / path.stem
    table = pd.read_parquet(folder / "concert.parquet")
    assert (table["p_adjusted"] <= 0.05).sum() >= 2
    assert len(table) == 15
    votes = pd.read_parquet(folder / "votes.parquet")
    assert set(votes["side"]) <= set(SIDES)
    nominated = set(table["user_a"]) | set(table["user_b"])
    others = set(votes["user"]) - nominated
    assert others
    assert all(name.startswith("voter-") for name in others)
    assert found.page.name == "concert.html"


def test_what_is_written_is_the_owners_and_goes_when_the_case_is_run_again(case):
    path, data, _ = case
    for name in ("votes.parquet", "concert.parquet", "concert.html"):
        mode = (data / "processed" / path.stem / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
    assert read_case(path, data=data).links is not None
    run_case(path, data=data)
    assert not (data / "processed" / path.stem / "votes.parquet").exists()
    concert_of(path, data=data)
    assert read_case(path, data=data).links is not None


def test_the_page_says_that_it_is_private_and_shows_all_three_hypotheses(case):
    text = case[2].page.read_text(encoding="utf-8")
    assert "Private. Do not pass this page on." in text
    for words in ("One operator", "Concert of different people", "Independent people"):
        assert words in text
    assert "<script" not in text
    assert "http-equiv" in text


def test_no_public_output_shows_a_side_or_a_voter(case):
    path, data, _ = case
    folder = data / "processed" / path.stem
    for name in ("report.html", "graph.graphml", "manifest.json"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "voter-0" not in text
        assert not any(f">{side}<" in text for side in SIDES)
    shown = CliRunner().invoke(app, ["report", str(path), "--data", str(data), "--format", "csv"])
    assert shown.exit_code == 0
    exported = shown.output
    assert not any(side in exported for side in SIDES)


def test_the_same_votes_give_the_same_bytes(case):
    path, data, found = case
    folder = data / "processed" / path.stem
    names = ("votes.parquet", "concert.parquet", "concert.html")
    before = [(folder / name).read_bytes() for name in names]
    concert_of(path, data=data)
    assert [(folder / name).read_bytes() for name in names] == before
    assert found.votes.told["votes"] > 200


def test_without_discussions_or_names_nothing_is_read(case, tmp_path):
    path, _, _ = case
    text = path.read_text(encoding="utf-8")
    bare = tmp_path / "bare.toml"
    bare.write_text(text[: text.index("[discussions]")], encoding="utf-8")
    with pytest.raises(CaseError, match="lists no discussions"):
        votes_of(bare, data=tmp_path)
    start = text.index("nominated = [")
    everyone = tmp_path / "everyone.toml"
    everyone.write_text(
        text[:start] + 'nominated = ["*"]' + text[text.index("]", start) + 1 :], encoding="utf-8"
    )
    with pytest.raises(CaseError, match="by name only"):
        concert_of(everyone, data=tmp_path)


def test_a_case_that_was_not_run_says_so(case, tmp_path):
    with pytest.raises(StoreError, match="not run yet"):
        votes_of(case[0], data=tmp_path)


def test_hostile_names_stay_inert_on_the_page_and_in_its_figures():
    world = invent_election(Community(compared=8, crowd=20, discussions=14, bloc=3), seed=2)
    chosen = [name for name in hostile.NAMES if not name.startswith("N" * 9)][:8]
    named = dict(zip(world.compared, chosen, strict=True))
    votes = world.votes.assign(user=world.votes["user"].replace(named))
    edits = world.edits.assign(user=world.edits["user"].replace(named))
    settings = ConcertSettings(samples=99, votes=50)
    found = weigh_concert(votes, edits, chosen, settings=settings)
    odd = ["$\\frac{$", *chosen]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no font has all of these characters
        figures = [
            blocs(votes, odd),
            usual_hours(votes, edits, odd),
        ]
        for figure in figures:
            figure.png()
    data = concert_data(CASE, found, votes=votes, edits=edits, figures=figures)
    text = concert_page(data)
    assert "<script" not in text.lower()
    assert "<img" not in text
    assert "onerror=" not in re.sub(r"&lt;.*?&gt;", "", text)
    assert not {c for c in text if unicodedata.category(c) == "Cf"}
