import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockgraph.concert import ConcertSettings, weigh_concert
from sockgraph.concert.chance import SlotFit, compare_hypotheses, max_log10_lr, permute
from sockgraph.concert.history import read_votes
from sockgraph.errors import SockgraphError
from sockgraph.schema import empty, validate
from sockgraph.synthetic.election import Community, discussion_revisions, invent_election

QUICKLY = ConcertSettings(samples=199)


@pytest.fixture(scope="module")
def election():
    return invent_election(Community(bloc=3, joins=0.7), seed=5)


@pytest.fixture(scope="module")
def weighed(election):
    return weigh_concert(election.votes, election.edits, election.compared, settings=QUICKLY)


def test_a_bloc_is_found_and_nobody_beyond_it(election, weighed):
    table = weighed.table
    ours = table["user_a"].isin(election.bloc) & table["user_b"].isin(election.bloc)
    shown = (table["p_adjusted"] <= 0.05).fillna(value=False)
    assert shown[ours].sum() >= 2
    assert not shown[~ours].any()
    assert table.loc[shown, "rev_ids"].map(len).min() >= 2


def test_every_pair_is_there_and_the_order_of_rows_decides_nothing(election, weighed):
    n = len(election.compared)
    assert len(weighed.table) == n * (n - 1) // 2
    again = weigh_concert(
        election.votes.sample(frac=1, random_state=1),
        election.edits.sample(frac=1, random_state=2),
        election.compared[::-1],
        settings=QUICKLY,
    )
    pd.testing.assert_frame_equal(again.table, weighed.table)


def test_few_shared_discussions_or_few_votes_are_insufficient(election, weighed):
    few = weighed.table[weighed.table["support"] < 5]
    assert (few["status"] == "insufficient").all()
    assert few["p_adjusted"].isna().all()
    pages = sorted(election.votes["page"].unique())[:5]
    some = election.votes[election.votes["page"].isin(pages)]
    assert len(some) < 200
    table = weigh_concert(some, election.edits, election.compared, settings=QUICKLY).table
    assert set(table["status"]) == {"insufficient"}
    assert table["p_adjusted"].isna().all()


def test_malformed_votes_count_for_nothing(election):
    votes = election.votes.assign(parse="malformed")
    found = weigh_concert(votes, election.edits, election.compared, settings=QUICKLY)
    assert found.told["votes"] == 0
    assert set(found.table["status"]) == {"insufficient"}
    assert (found.table["support"] == 0).all()


def test_no_votes_and_no_edits_at_all():
    found = weigh_concert(empty("votes"), empty("edits"), ["Fen Orchid", "Heron Wade"])
    row = found.table.iloc[0]
    assert (row["support"], row["statistic"], row["status"]) == (0, 0.0, "insufficient")


def test_pages_of_one_title_on_two_wikis_are_two_pages(election):
    there = election.compared[0]
    votes = election.votes
    votes = votes.assign(wiki=votes["wiki"].mask(votes["user"] == there, "other.example"))
    table = weigh_concert(votes, election.edits, election.compared, settings=QUICKLY).table
    apart = (table[["user_a", "user_b"]] == there).any(axis=1)
    assert (table.loc[apart, "support"] == 0).all()
    assert table.loc[~apart, "support"].max() > 5

    came = {"Heron": "0h", "Moth": "1min", "Wren": "5D"}
    edits = pd.DataFrame(
        [
            {"wiki": "a.example", "rev_id": 10 * n + i, "user": user, "title": f"P{n}", "ns": 0,
             "timestamp": pd.Timestamp(f"2024-03-0{n}T10:00Z") + pd.Timedelta(later), "sha1": None}
            for n in range(1, 9)
            for i, (user, later) in enumerate(came.items())
        ]
    )  # fmt: skip
    elsewhere = edits.assign(wiki=edits["wiki"].mask(edits["user"] == "Moth", "b.example"))
    for made, found in ((edits, ["joining"]), (elsewhere, [])):
        assert weigh_concert(empty("votes"), made, came, settings=QUICKLY).told["traces"] == found


def test_one_account_is_refused():
    with pytest.raises(SockgraphError, match="two accounts"):
        weigh_concert(empty("votes"), empty("edits"), ["Fen Orchid"])


def test_in_null_worlds_a_family_is_found_as_rarely_as_it_says():
    """In 24 worlds 0.05 would be 1.2; 6 and more have probability 0.001 if that is kept."""
    small = Community(compared=6, crowd=15, discussions=12, camps=2.0, zones=True)
    rules = ConcertSettings(samples=99, votes=50)
    wrong = 0
    for seed in range(24):
        world = invent_election(small, seed=seed)
        found = weigh_concert(world.votes, world.edits.iloc[:0], world.compared, settings=rules)
        wrong += bool((found.table["p_adjusted"] <= 0.05).any())
    assert wrong < 6


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.booleans())
def test_deals_keep_every_event_in_its_stratum(strata, fitting):
    stratum, rng = np.array(strata), np.random.default_rng(1)
    fits = SlotFit(rng.normal(size=(len(stratum), 3)), rng.integers(0, 3, len(stratum)))
    dealt = permute(stratum, samples=7, rng=rng, fits=fits if fitting else None)
    assert dealt.shape == (8, len(stratum))
    assert (dealt[0] == np.arange(len(stratum))).all()
    assert (np.sort(dealt, axis=1) == np.arange(len(stratum))).all()
    assert (stratum[dealt] == stratum).all()


def test_deals_are_as_probable_as_they_fit():
    fits = SlotFit(np.log([[0.8, 0.2], [0.5, 0.5]]), np.array([0, 1]))
    dealt = permute(np.zeros(2, np.int64), samples=20_000, rng=np.random.default_rng(3), fits=fits)
    stays = 0.8 * 0.5 / (0.8 * 0.5 + 0.5 * 0.2)
    assert (dealt[1:, 0] == 0).mean() == pytest.approx(stays, abs=0.015)


def edits_of(rows):
    table = pd.DataFrame(rows, columns=["user", "title", "timestamp", "sha1", "ns"])
    return validate(
        "edits",
        table.assign(
            wiki="fernwick.example",
            rev_id=range(1, len(table) + 1),
            timestamp=pd.to_datetime(table["timestamp"], utc=True),
            hidden=[[] for _ in rows],
        ),
    )


def trace(found, name, a, b):
    rows = found.traces.set_index(["trace", "user_a", "user_b"])
    return rows.loc[name, a, b]


def test_restoring_another_accounts_version_is_told(election):
    a, b, c = election.compared[:3]
    rows = []
    for n in range(12):
        at = pd.Timestamp("2024-02-01T00:00Z") + pd.Timedelta(days=n)
        title = f"Lock {n}"
        hours = [at + pd.Timedelta(hours=hour) for hour in range(5)]
        rows += [
            (a, title, hours[0], f"ours{n}", 0),
            (c, title, hours[1], f"theirs{n}", 0),
            (b, title, hours[2], f"ours{n}", 0),
            (c, title, hours[3], f"more{n}", 0),
            (c, title, hours[4], f"most{n}", 0),
        ]
    found = weigh_concert(election.votes, edits_of(rows), election.compared, settings=QUICKLY)
    told = trace(found, "reverting", *sorted((a, b)))
    assert told["observed"] == 12
    assert told["expected"] < 6
    assert told["rev_ids"]
    assert trace(found, "reverting", *sorted((a, c)))["observed"] == 0


def test_coming_after_a_message_to_both_is_told(election):
    a, b, c = election.compared[:3]
    came = election.votes.groupby(["page", "user"])["timestamp"].min()
    votes, rows = [], []
    for page, all_of in came.groupby("page"):
        opened = all_of.min()
        message = opened + pd.Timedelta(days=2)
        rows += [
            (c, f"User talk:{name}", message + pd.Timedelta(minutes=n), None, 3)
            for n, name in enumerate((a, b, election.compared[5]))
        ]
        for n, name in enumerate((a, b)):
            votes.append((page, name, message + pd.Timedelta(hours=3 + 5 * n)))
    told = pd.DataFrame(votes, columns=["page", "user", "timestamp"])
    others = election.votes[~election.votes["user"].isin([a, b])]
    told = told.assign(
        wiki=others["wiki"].iloc[0], rev_id=range(1, len(told) + 1), side="support", parse="ok"
    )
    both = validate("votes", pd.concat([others, told], ignore_index=True))
    found = weigh_concert(both, edits_of(rows), election.compared, settings=QUICKLY)
    told = trace(found, "trigger", *sorted((a, b)))
    assert told["observed"] == told["occasions"] >= 20
    assert told["p_adjusted"] <= 0.05


def test_opinion_alone_is_shown_and_counts_for_nothing(weighed):
    shown = weighed.same_way
    assert (shown["alike"] <= shown["together"]).all()
    assert (shown["expected"] <= shown["together"]).all()
    assert "same way" not in set(weighed.traces["trace"])


@pytest.mark.parametrize("profile", ["enwiki", "zhwiki"])
def test_votes_written_as_pages_are_read_back(election, profile):
    pages = sorted(election.votes["page"].unique())[:3]
    some = election.votes[election.votes["page"].isin(pages)].reset_index(drop=True)
    read = read_votes(*discussion_revisions(some, profile=profile), profile=profile)
    pd.testing.assert_frame_equal(read.table, some)


def link(low, high, alibi):
    return pd.DataFrame(
        [
            {
                "user_a": "Fen Orchid",
                "user_b": "Heron Wade",
                "log10_lr": (low + high) / 2,
                "log10_lr_low": low,
                "log10_lr_high": high,
                "band": "weakly for"
                if low > 0
                else "weakly against"
                if high < 0
                else "does not separate",
                "alibi": alibi,
            }
        ]
    )


@pytest.mark.parametrize(
    ("p", "low", "high", "alibi", "said"),
    [
        (0.01, 1.0, 2.0, False, "fits that as well as concert"),
        (0.01, 1.0, 2.0, True, "speaks against one operator"),
        (0.01, -2.0, -1.0, False, "support concert of different people"),
        (0.01, -1.0, 1.0, False, "do not separate"),
        (0.60, 1.0, 2.0, False, "nothing beyond chance"),
        (0.60, 1.0, 2.0, True, "weighed by people"),
        (0.60, -1.0, 1.0, True, "independent people"),
        (None, -1.0, 1.0, True, "Insufficient"),
        (None, 1.0, 2.0, False, "support one operator"),
    ],
)
def test_three_hypotheses_stand_side_by_side(p, low, high, alibi, said):
    table = validate(
        "concert",
        pd.DataFrame(
            {
                "user_a": ["Fen Orchid"],
                "user_b": ["Heron Wade"],
                "support": [9],
                "statistic": [2.0],
                "p_adjusted": [p],
                "status": ["insufficient" if p is None else "ok"],
                "rev_ids": [[]],
            }
        ),
    )
    row = compare_hypotheses(table, link(low, high, alibi)).iloc[0]
    assert said in row["said"]
    without = compare_hypotheses(table).iloc[0]
    assert pd.isna(without["log10_lr"])


def test_an_alibi_alone_never_speaks_for_concert():
    for p in (0.06, 0.5, 1.0):
        assert max_log10_lr(p) < 0.4
    assert max_log10_lr(0.001) == pytest.approx(1.73, abs=0.01)
