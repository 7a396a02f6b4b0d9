"""What if: the same numbers as from the edits themselves, kept likenesses, and never a file."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
import tiny

import sockgraph as sg
from sockgraph.desk.messages import handle_message
from sockgraph.desk.state import Desk
from sockgraph.errors import SockgraphError
from sockgraph.evidence import (
    ComparisonInput,
    EvidenceSettings,
    comparison,
    exploration,
    leave_out,
    similarity,
)
from sockgraph.pipeline.run import compare_case, kept_files, run_case
from sockgraph.signals import bags, vectors
from sockgraph.store import Store, as_written
from sockgraph.store.kept import KEPT, KeptFiles

FIRST, SECOND = sorted(tiny.NAMES[:2])


@pytest.fixture(scope="module")
def table():
    return tiny.edits().assign(wiki=tiny.WIKI)


@pytest.fixture(scope="module")
def scores(table):
    return ask(table)


def score_of(scores):
    links = scores.links.set_index(["user_a", "user_b"])
    return links["score"].loc[(FIRST, SECOND)]


def ask(table, **asked):
    few = EvidenceSettings(resamples=3)
    return sg.compare(table, nominated=tiny.NAMES, settings=few, **asked)


def test_without_nothing_that_speaks_the_numbers_stay(table, scores):
    """The pages cannot be left out by a window that holds every edit."""
    same = ask(table, window=("2000-01-01", None))
    numbers = ["score", "log10_lr", "log10_lr_low", "log10_lr_high"]
    pd.testing.assert_frame_equal(same.links[numbers], scores.links[numbers], rtol=0, atol=1e-9)
    assert same.exploration == ("window:2000-01-01/",)
    assert scores.exploration == ()


def test_a_week_left_out_is_what_its_edits_left_out_give(table, scores):
    when = table["timestamp"].dt.isocalendar()
    label = when["year"].astype(str) + "-W" + when["week"].astype(str).str.zfill(2)
    busiest = label.value_counts().index[0]
    here = ask(table, without=[f"week:{busiest}"])
    there = ask(table[label != busiest])
    assert score_of(here) == pytest.approx(score_of(there), abs=1e-9)
    assert score_of(here) != pytest.approx(score_of(scores), abs=1e-6)


def test_a_page_and_a_window_change_the_edits(table, scores):
    page = table["title"].value_counts().index[0]
    here = ask(table, without=[f"page:{page}"])
    there = ask(table[table["title"] != page])
    assert score_of(here) == pytest.approx(score_of(there), abs=1e-9)
    late = ask(table, window=(None, "2024-08-31"))
    kept = table[table["timestamp"] < pd.Timestamp("2024-09-01", tz="UTC")]  # the day is whole
    assert score_of(late) == pytest.approx(score_of(ask(kept)), abs=1e-9)
    assert score_of(late) != pytest.approx(score_of(scores), abs=1e-6)


def test_a_signal_left_out_says_nothing(table):
    without = ask(table, without=["signal:hours"])
    hours = without.evidence[without.evidence["signal"] == "hours"]
    assert hours["contribution"].isna().all()
    traces = ask(table, without=["family:time"]).evidence
    assert "hand-over" not in set(traces["signal"])


def test_an_account_left_out_is_in_no_pair_and_nobodys_rival(table, scores):
    without = ask(table, without=[f"account:{SECOND}"])
    assert SECOND not in {*without.links["user_a"], *without.links["user_b"]}
    assert len(without.links) == 3
    pair = ["user_a", "user_b"]
    both = scores.links.merge(without.links, on=pair)
    assert (both["score_x"] - both["score_y"]).abs().max() > 1e-6


def test_likeness_is_measured_once(table, monkeypatch):
    ask(table, without=["signal:hours"])
    monkeypatch.setattr(exploration, "measure_all", None)  # to measure again would fail
    ask(table, without=["family:text", f"account:{FIRST}"])
    assert len(exploration._kept) <= exploration.KEPT


@pytest.mark.parametrize(
    "wrong",
    [
        "hours",
        "colour:red",
        "signal:none",
        "account:Nobody",
        "week:2024",
        "week:1970-W01",
        "page:X",
    ],
)
def test_what_is_not_there_cannot_be_left_out(table, wrong):
    with pytest.raises(SockgraphError, match=r".") as error:
        ask(table, without=[wrong])
    assert wrong.partition(":")[2] in error.value.value or error.value.value == wrong


def test_a_window_of_no_time_is_refused(table):
    with pytest.raises(SockgraphError, match="begins and ends with a time"):
        ask(table, window=("soon", None))


def test_an_exploration_is_never_written(table):
    explored = ask(table, without=["signal:hours"])
    graph = sg.to_graph(explored)
    links = sg.flag(explored, sg.cluster(graph))
    assert graph.graph["exploration"] == "signal:hours"
    assert links.attrs["exploration"] == ("signal:hours",)
    with pytest.raises(SockgraphError, match="those are not written"):
        as_written("links", links)


def test_the_desk_answers_what_if(tiny_ran):
    data = tiny_ran / "data"
    before = sorted(p for p in data.rglob("*") if p.is_file())
    desk = Desk.of(tiny_ran / "tiny.toml", data=data)
    told = handle_message(desk, {"ask": "what-if", "without": ["signal:hours"]})
    assert told["exploration"] == ["signal:hours"]
    links = desk.tables["links"].set_index(["user_a", "user_b"])
    assert {(row["a"], row["b"]) for row in told["links"]} == set(links.index)
    moved = [abs(row["score"] - links.loc[(row["a"], row["b"]), "score"]) for row in told["links"]]
    assert max(moved) > 1e-3
    assert "problem" in handle_message(desk, {"ask": "what-if", "without": ["account:Nobody"]})
    assert sorted(p for p in data.rglob("*") if p.is_file()) == before


@pytest.fixture
def made(monkeypatch):
    """What is made anew: the bags of terms, and every signal that is measured on them."""
    seen = []

    def measure(signal, *rest):
        seen.append(signal.name)
        return similarity.measure(signal, *rest)

    def make_bag(*given, **more):
        seen.append("a bag")
        return vectors.make_bag(*given, **more)

    def week(*given):
        seen.append("a week")
        return without_week(*given)

    without_week = leave_out._measured_again
    monkeypatch.setattr(comparison, "measure", measure)
    monkeypatch.setattr(bags, "make_bag", make_bag)
    monkeypatch.setattr(leave_out, "_measured_again", week)
    exploration._kept.clear()
    return seen


def counted(made):
    bags_made, weeks = made.count("a bag"), made.count("a week")
    return bags_made, weeks, len(made) - bags_made - weeks


def test_what_is_kept_beside_the_edits_is_trusted_only_whole(tmp_path, made):
    file, data = tiny.write(tmp_path, reference=36, frame=tiny.edits(each=40)), tmp_path / "data"
    folder = run_case(file, data=data).folder
    kept = [folder / name for name in KEPT]
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix != ".json"}
    n_bags, n_weeks, n_signals = counted(made)
    assert min(n_bags, n_weeks, n_signals) > 2
    made.clear()
    run_case(file, data=data)
    assert before == {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix != ".json"}
    handle_message(Desk.of(file, data=data), {"ask": "what-if", "without": ["signal:hours"]})
    assert made == []

    population, store = sg.fetch(file, data=data), Store(data).case(file.stem)
    *parts, found = kept
    remade = {"likeness": (0, 0, n_signals), "terms": (n_bags, 0, 0), "weeks": (0, n_weeks, 0)}
    for path in (*parts, found):
        whole = path.read_bytes()
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        found.write_bytes(b"no hash\n[]")
        made.clear()
        compare_case(population, accepted_alibis=[], kept=kept_files(store, keep=True))
        assert counted(made) == remade.get(path.stem, (0, 0, 0))
        assert [path.read_bytes() for path in kept] == [before[path.name] for path in kept]

    pd.read_parquet(tmp_path / "edits.parquet")[1:].to_parquet(tmp_path / "edits.parquet")
    made.clear()
    run_case(file, data=data)
    assert counted(made) == (n_bags, n_weeks, n_signals)
    assert all(path.read_bytes() != before[path.name] for path in kept)

    few = pd.read_parquet(tmp_path / "edits.parquet").groupby("user").head(12)
    few.to_parquet(tmp_path / "edits.parquet")
    run_case(file, data=data)
    assert {path.name for path in kept if path.exists()} == {*KEPT} - {"weeks.bin"}  # without LRs


def test_whatever_a_question_is_of_is_in_its_digest():
    edits = tiny.edits()
    asked = ComparisonInput(edits, edits[["user"]].drop_duplicates())
    others = [replace(asked, **{name: edits[:9]}) for name in vars(asked)]
    others += [replace(asked, edits=edits.assign(**{c: edits[c].shift()})) for c in edits]
    others += [replace(asked, settings=EvidenceSettings(min_edits=11)), asked]
    assert len({one.digest() for one in others}) == len(others)


def assert_same(second, first):
    assert second.calibration == first.calibration
    for name in comparison.RESULTS:
        pd.testing.assert_frame_equal(getattr(second, name), getattr(first, name), check_exact=True)


def test_a_comparison_is_kept_to_the_last_bit_and_for_one_question(tmp_path, monkeypatch):
    frame = tiny.edits(each=40)
    frame["comment"] = list(map(chr, range(0x4E00, 0x4E00 + len(frame))))  # no two share a term
    file = tiny.write(tmp_path, reference=36, frame=frame)
    population = sg.fetch(file, data=tmp_path / "data")
    store = KeptFiles(tmp_path, "this code", keep=True)
    first = compare_case(population, kept=store)
    assert first.calibration["calibrated"]
    assert all(len(getattr(first, name)) for name in comparison.RESULTS if name != "alibis")
    (tmp_path / "comparison.bin").unlink()
    assert_same(compare_case(population, kept=store), first)  # by what else is kept
    monkeypatch.setattr(comparison, "_weigh", None)  # to weigh again would fail
    assert_same(compare_case(population, kept=store), first)
    for asked in (
        {"accepted_alibis": [(FIRST, SECOND)]},
        {"kept": KeptFiles(tmp_path, "other code")},
    ):
        with pytest.raises(TypeError):
            compare_case(population, **{"kept": store, **asked})
    assert not (tmp_path / "comparison.bin").exists()  # it gave way to what was asked last
