"""`run` on everybody: screened first where they are too many, and honest about who was left out."""

import numpy as np
import pandas as pd
import pytest
from screen_oracle import brute

from sockgraph.pipeline.run import run_case
from sockgraph.reference import read_population

pytest.importorskip("duckdb", reason="the screen extra is not installed")
pytest.importorskip("numba", reason="the screen extra is not installed")
from sockgraph.case import load_case
from sockgraph.pipeline.screen import shortlist
from sockgraph.screening.candidates import strongest_accounts
from sockgraph.screening.wiki import import_wiki
from sockgraph.store import Store

START = 1_672_617_600
PEOPLE, EDITS, MOST = 64, 40, 8
CASE = """
id = "wiki-1"
title = "A whole wiki"
reason = "To see which pairs are worth asking about"
wikis = ["fernwick.example"]
[source]
kind = "table"
path = "{path}"
[accounts]
nominated = ["*"]
compare_at_most = {most}
[reference]
accounts = 45
"""


def _edits():
    """One edit a row; every account has a few pages of its own liking, two share theirs."""
    rng = np.random.default_rng(3)
    home = rng.integers(0, 60, PEOPLE)
    home[1] = home[0]
    rows = []
    for person in range(PEOPLE):
        pages = (home[person] + rng.integers(0, 9, EDITS) ** 2 // 4) % 80
        days = np.sort(rng.choice(300, EDITS, replace=False))
        seconds = START + days * 86_400 + rng.integers(0, 86_400, EDITS)
        rows += [
            (f"Editor {person:02}", f"Page {p}", int(s))
            for p, s in zip(pages, seconds, strict=True)
        ]
    rows += [("Helper bot", f"Page {i % 80}", START + 900 * i) for i in range(400)]
    rows += [("Seldom", f"Page {i}", START + i) for i in range(5)]
    return rows


@pytest.fixture(scope="module")
def wiki(tmp_path_factory):
    folder = tmp_path_factory.mktemp("everyone")
    rows = sorted(_edits(), key=lambda row: row[2])
    frame = pd.DataFrame(rows, columns=["user", "title", "timestamp"])
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="s", utc=True)
    frame.assign(comment="ce", minor=False, rev_id=range(1, len(frame) + 1)).to_parquet(
        folder / "edits.parquet"
    )
    return folder, rows


def _case(folder, *, name="wiki", path="edits.parquet", most=MOST):
    file = folder / f"{name}.toml"
    file.write_text(CASE.format(path=path, most=most))
    return file


def _best(rows, most):
    """The accounts that the definition chooses, pair by pair."""
    people = {f"Editor {person:02}" for person in range(PEOPLE)}
    pairs = {
        tuple(sorted(row[0:3:2])): (-row[4], -row[3])
        for row in brute(rows, 50)
        if {row[0], row[2]} <= people
    }
    chosen = set()
    for pair in sorted(pairs, key=lambda pair: (*pairs[pair], *pair)):
        if len(chosen | set(pair)) > most:
            break
        chosen |= set(pair)
    return chosen, pairs


@pytest.fixture(scope="module")
def result(wiki):
    folder, _ = wiki
    return run_case(_case(folder), data=folder / "data")


def test_the_accounts_of_the_strongest_candidates_are_compared(result, wiki):
    chosen, pairs = _best(wiki[1], MOST)
    links = result.links
    assert set(links["user_a"]) | set(links["user_b"]) == chosen
    assert len(links) == len(chosen) * (len(chosen) - 1) // 2
    facts = result.manifest["population"]["screening"]
    assert facts["accounts"] == PEOPLE
    assert facts["pairs"] == PEOPLE * (PEOPLE - 1) // 2
    assert facts["candidate pairs"] == len(pairs)
    assert facts["candidate pairs compared"] == sum(set(pair) <= chosen for pair in pairs)
    assert (result.folder / "candidates.parquet").exists()


def test_the_reference_is_drawn_from_the_others_and_not_named(result, wiki):
    accounts = result.accounts
    reference = accounts[accounts["role"] == "reference"]
    assert len(reference) == 45
    assert reference["user"].str.startswith("reference-").all()
    assert set(accounts["user"]) - set(reference["user"]) == _best(wiki[1], MOST)[0]


def test_what_was_not_compared_and_false_links_are_told(result):
    told = " ".join(result.manifest["notices"])
    compared = len(result.links)
    assert f"{PEOPLE * (PEOPLE - 1) // 2 - compared:,} pairs were not compared" in told
    assert "nothing is said about these" in told
    assert result.manifest["evidence"]["calibrated"]
    measured = result.manifest["evidence"]["threshold"]
    assert measured["log10_lr"] == 0.3
    assert measured["pairs"] == 45 * 44 // 2
    expected = f"{measured['share'] * compared:,.0f} of the {compared} pairs would reach"
    assert expected in told
    assert f"allow {compared * 10**-0.3:,.0f} at most" in told
    page = (result.folder / "report.html").read_text()
    assert "pairs were not compared" in page
    assert "are the accounts themselves" not in page


def test_a_second_run_reads_the_same_import(result, wiki):
    folder, _ = wiki
    made = folder / "data" / "raw" / "wiki" / "wiki" / "edits.parquet"
    before = made.stat().st_mtime_ns
    store = Store(folder / "data").case("wiki", "wiki-1")
    again = shortlist(load_case(folder / "wiki.toml"), store)
    assert made.stat().st_mtime_ns == before
    population = read_population(load_case(folder / "wiki.toml"), again.source, chosen=again.users)
    nominated = population.accounts["role"] == "nominated"
    assert set(population.accounts.loc[nominated, "user"]) == set(again.users)
    assert again.facts == result.manifest["population"]["screening"]
    files = result.manifest["source"]["files"]
    assert set(files) == {"edits.parquet"}


def test_an_imported_wiki_is_screened_where_it_lies(result, wiki, tmp_path):
    folder, _ = wiki
    import_wiki(folder / "edits.parquet", folder / "shared")
    case = load_case(_case(folder, name="shared-wiki", path="shared"))
    again = shortlist(case, Store(tmp_path).case("shared-wiki", "wiki-1"))
    chosen = result.accounts.loc[result.accounts["role"] == "nominated", "user"]
    assert set(again.users) == set(chosen)
    assert not (tmp_path / "raw").exists()


def test_few_enough_accounts_are_all_compared(wiki, tmp_path):
    folder, _ = wiki
    case = load_case(_case(folder, name="all", most=PEOPLE + 5))
    assert shortlist(case, Store(tmp_path).case("all", "wiki-1")) is None
    assert not list(tmp_path.rglob("*.parquet"))


def test_two_accounts_more_than_fit_are_not_added_by_half(wiki, tmp_path):
    _, rows = wiki
    frame = pd.DataFrame(brute(rows, 50), columns=_COLUMNS)
    frame.to_parquet(tmp_path / "candidates.parquet")
    people = sorted({f"Editor {person:02}" for person in range(PEOPLE)})
    for most in (2, 3, 7, 20, PEOPLE):
        found = strongest_accounts(tmp_path / "candidates.parquet", people, most)
        assert set(found.users) == _best(rows, most)[0]
    assert strongest_accounts(tmp_path / "candidates.parquet", [], 5).users == ()


_COLUMNS = (
    "user_a rank user_b shared_pages weighted_overlap coedits_1h hours_cosine".split()  # noqa: SIM905
)
