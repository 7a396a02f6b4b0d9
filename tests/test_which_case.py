"""Which case, and who else: known operators, none of them, and accounts that are only counted."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tiny

import sockgraph as sg
from sockgraph.case import load_case
from sockgraph.cli.run import _tell_result
from sockgraph.desk import panels
from sockgraph.desk.messages import handle_message
from sockgraph.desk.state import Desk
from sockgraph.errors import CaseError, SockgraphError
from sockgraph.evidence import EvidenceSettings
from sockgraph.pipeline.run import run_case
from sockgraph.report.groups import asked

OPERATORS = """
[[operators]]
name = "the ford case"
accounts = ["Weir Lantern", "芦汀客"]
[[operators]]
name = "the toll case"
accounts = ["Quillmoss"]
url = "https://fernwick.example/wiki/Cases#toll"
"""


def _links(rows):
    columns = ["user_a", "user_b", "log10_lr", "score", "flagged"]
    return pd.DataFrame(rows, columns=columns)


LINKS = _links(
    [
        ("Heron", "New", 1.0, 4.0, False),
        ("Heron II", "New", 2.0, 5.0, True),
        ("Moth", "New", 0.2, 1.0, False),
        ("Heron", "Heron II", 2.0, 9.0, True),
        ("Heron", "Other", -0.6, -2.0, False),
        ("Heron II", "Other", -0.6, -1.0, False),
        ("Moth", "Other", 0.7, 2.0, False),
        ("Few", "Heron", np.nan, np.nan, False),
        ("Few", "Moth", np.nan, np.nan, False),
        ("Heron", "Loose", np.nan, 3.0, False),
    ]
)
KNOWN = {"pond": ["Heron", "Heron II"], "lamp": ["Moth"]}


def test_an_operator_is_named_where_a_link_to_its_accounts_is_flagged_else_none_of_them():
    found = sg.which_case(LINKS, KNOWN).set_index("user")
    first = found.groupby(level="user").first()
    assert found.loc["New", "operator"].tolist() == ["pond", "lamp", None]
    assert found.loc["New", "given"].tolist() == [True, False, False]
    assert found.loc["New", "log10_lr"].iloc[0] == pytest.approx(np.log10((10 + 100) / 2))
    assert found.loc["Other", "operator"].tolist() == [None, "lamp", "pond"]
    assert found.loc["Other", "log10_lr"].tolist()[:2] == [0.0, 0.7]
    assert found.loc["Few", "given"].isna().all()
    assert found.loc["Few", "log10_lr"].isna().all()
    assert found.loc["Loose", "given"].isna().all()  # scored, and nothing is calibrated
    assert found.loc["Loose", "log10_lr"].isna().all()
    assert set(first.index) == {"New", "Other", "Few", "Loose"}


def test_one_flagged_link_names_no_operator_whose_mean_ratio_is_below_one():
    links = _links([("Heron", "New", 0.1, 4.0, True), ("Heron II", "New", -2.0, -5.0, False)])
    found = sg.which_case(links, {"pond": ["Heron", "Heron II"]})
    assert found["log10_lr"].tolist() == [0.0, pytest.approx(np.log10((10**0.1 + 0.01) / 2))]
    assert found["given"].tolist() == [True, False]  # None of them is the answer.
    alone = sg.which_case(links, {"pond": ["Heron"]})
    assert alone["given"].tolist() == [True, False]
    assert alone["operator"].tolist() == ["pond", None]


@pytest.mark.parametrize(
    ("user", "threshold", "said"),
    [
        ("Other", 5.5, "none of them"),
        ("Other", None, "the reference is too small to promise anything of a flag"),
        ("Loose", 5.5, "not calibrated"),
        ("Few", 5.5, "too few edits"),
    ],
)
def test_nobody_is_none_of_them_where_nothing_could_be_flagged(tmp_path, user, threshold, said):
    path = tiny.write(tmp_path)
    path.write_text(path.read_text("utf-8") + OPERATORS, "utf-8")
    case = load_case(path)
    ours = [one.model_copy(update={"name": k, "accounts": KNOWN[k]})
            for one, k in zip(case.operators, KNOWN, strict=True)]  # fmt: skip
    case = case.model_copy(update={"operators": ours})
    told = asked(case, LINKS, {"promise": {"threshold": threshold}})
    answers = {one.user: str(one.answer) for one in told}
    assert answers[user] == said


def test_the_order_of_the_list_says_nothing():
    turned = {name: users[::-1] for name, users in reversed(KNOWN.items())}
    pd.testing.assert_frame_equal(
        sg.which_case(LINKS[::-1], turned), sg.which_case(LINKS, KNOWN), rtol=1e-12
    )


def test_who_was_not_compared_or_is_given_twice_is_refused():
    with pytest.raises(SockgraphError, match="not compared"):
        sg.which_case(LINKS, {"a": ["Nobody"]})
    with pytest.raises(SockgraphError, match="twice"):
        sg.which_case(LINKS, {"a": ["Moth"], "b": ["Moth"]})


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ('accounts = ["Nobody"]', "add it to accounts.nominated"),
        ('accounts = ["Quillmoss", "quillmoss"]', "given twice"),
        (f"accounts = [{', '.join(map(tiny.toml, tiny.NAMES))}]", "every nominated account"),
        ("accounts = []", "operators"),
    ],
)
def test_a_case_file_that_cannot_be_meant_is_refused(tmp_path, told, why):
    path = tiny.write(tmp_path)
    path.write_text(path.read_text("utf-8") + f'\n[[operators]]\nname = "x"\n{told}\n', "utf-8")
    with pytest.raises(CaseError, match=why):
        load_case(path)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run a case with two known operators; the first two accounts of it write alike."""
    folder = tmp_path_factory.mktemp("which")
    path = tiny.write(folder, frame=tiny.edits(others=80, each=60), reference=60)
    path.write_text(path.read_text("utf-8") + OPERATORS, "utf-8")
    return folder, run_case(path, data=folder / "data")


def test_a_run_says_which_case_and_how_many_stand_as_near(ran, capsys):
    _, result = ran
    near = result.manifest["evidence"]["as_near"]
    assert near["reference"] == 60
    assert 0 <= near["operators"] <= near["nominated"] <= 60
    known = {one.name: one.accounts for one in result.case.operators}
    found = sg.which_case(result.links, known)
    assert set(found["user"]) == {"Alder Tollgate"}
    flagged = result.links[result.links["flagged"]]
    pairs = set(zip(flagged["user_a"], flagged["user_b"], strict=True))
    given = found.loc[found["given"].astype(bool), "operator"].tolist()
    assert given == (["the toll case"] if ("Alder Tollgate", "Quillmoss") in pairs else [None])
    page = result.report.read_text("utf-8")
    assert 'id="which-case"' in page
    assert "https://fernwick.example/wiki/Cases#toll" in page
    assert f"<b>{near['nominated']}</b> would stand as near" in page
    assert f"<b>{near['operators']}</b> would be given to one of these operators" in page
    _tell_result(result)
    told = capsys.readouterr()
    assert "Which case? Alder Tollgate: " in told.err + told.out
    assert "They are counted, never named." in told.err + told.out


def test_the_desk_answers_on_the_page_of_the_account(ran):
    folder, result = ran
    desk = Desk.of(result.case.folder / "tiny.toml", data=folder / "data")
    pair = {"a": "Alder Tollgate", "b": "Quillmoss"}
    told = handle_message(desk, {"ask": "panels", **pair, "panels": ["head", "evidence"]})
    assert "Which case?" in told["head"]
    assert "Who else?" in told["evidence"]


def test_no_account_that_is_only_counted_is_named_anywhere(ran):
    folder, result = ran
    users = {f"Reader {n:02d}" for n in range(80)}
    files = [path for path in (folder / "data").rglob("*") if path.is_file()]
    assert len(files) > 8
    for path in files:
        held = path.read_bytes()
        if path.suffix == ".parquet":
            held = pd.read_parquet(path).to_csv().encode()
        assert not [user for user in users if user.encode() in held], path
    assert "reference-0" not in result.report.read_text("utf-8")


def _twins(frame, one, other):
    """Give two accounts pages and words that nobody else has."""
    mine = frame["user"].isin([one, other])
    dice = np.random.default_rng(5)
    pages = [f"Heath {k}" for k in dice.integers(0, 8, len(frame))]
    said = [f"peat {k} as of the bog" for k in dice.integers(0, 8, len(frame))]
    return frame.assign(
        title=np.where(mine, pages, frame["title"]), comment=np.where(mine, said, frame["comment"])
    )


def test_a_reference_account_that_meets_the_conditions_of_a_flag_is_counted():
    frame = _twins(tiny.edits(others=70, each=60), tiny.NAMES[1], "Reader 05")
    few = EvidenceSettings(resamples=3)
    near = sg.compare(frame, nominated=list(tiny.NAMES[1:]), settings=few).calibration["as_near"]
    assert near == {"reference": 71, "nominated": 1, "operators": 0}
    apart = frame[frame["user"] != "Reader 05"]
    alone = sg.compare(apart, nominated=list(tiny.NAMES[1:]), settings=few)
    assert alone.calibration["as_near"]["nominated"] == 0
    assert sg.compare(tiny.edits(others=32, each=20)).calibration["as_near"] is None


def test_the_desk_says_who_is_stale_and_in_which_other_case(ran):
    folder, result = ran
    other = (result.case.folder / "tiny.toml").read_text("utf-8").replace("tiny-1", "tiny-2")
    path = result.case.folder / "second.toml"
    path.write_text(other, "utf-8")
    run_case(path, data=folder / "data")
    desk = Desk.of(path, data=folder / "data")
    last = desk.accounts["Quillmoss"]
    old = replace(last, read_on=last.read_on + dt.timedelta(days=91))
    desk.accounts["Quillmoss"] = old
    head = str(panels.head(desk, desk.link("Alder Tollgate", "Quillmoss")))
    assert head.count("also in case tiny, ") == 2
    assert head.count(" stale<") == 1
