import pandas as pd
import pytest

from sockgraph.case import load_case
from sockgraph.errors import CaseError
from sockgraph.reference import pseudonyms, read_population
from sockgraph.sources import TableSource
from sockgraph.sources.base import activity_of, match, unknown_activity

CASE = """
id = "{id}"
title = "Edits to one river"
reason = "Three articles were returned to one wording"
wikis = ["fernwick.example"]
[source]
kind = "table"
path = "edits.parquet"
accounts = "accounts.parquet"
log_events = "log_events.parquet"
[accounts]
nominated = {nominated}
min_edits = 3
[reference]
accounts = {reference}
"""
NOMINATED = '["Heron", "Moth"]'


def _edits(user, pages, n=4):
    start = pd.Timestamp("2024-01-01", tz="UTC")
    return [
        {"timestamp": start + pd.Timedelta(hours=i), "user": user, "title": page, "comment": "ce"}
        for page in pages
        for i in range(n)
    ]


@pytest.fixture
def population(tmp_path):
    edits = _edits("Heron", ["River", "Lake"]) + _edits("Moth", ["River"])
    for number in range(20):
        edits += _edits(f"Reader {number:02d}", ["River", f"Own {number}"])
    edits += _edits("Quiet", ["River"], n=2) + _edits("Tidy", ["River"]) + _edits("Away", ["Hill"])
    edits += _edits("Blocked", ["River"])
    facts = [
        {"wiki": "fernwick.example", "user": "Tidy", "groups": ["bot"]},
        {"wiki": "fernwick.example", "user": "Heron", "edit_count": 30},
    ]
    block = {"wiki": "fernwick.example", "log_id": 1, "type": "block", "action": "block"}
    block |= {"timestamp": pd.Timestamp("2024-02-01", tz="UTC"), "actor": "Clerk", "params": "{}"}
    block |= {"target": "Blocked", "comment": "[[WP:SOCK|Sockpuppetry]]"}
    pd.DataFrame(edits).assign(rev_id=range(1, len(edits) + 1)).to_parquet(
        tmp_path / "edits.parquet"
    )
    pd.DataFrame(facts).to_parquet(tmp_path / "accounts.parquet")
    pd.DataFrame([block]).to_parquet(tmp_path / "log_events.parquet")

    def _population(nominated=NOMINATED, more="", reference=8, case_id="one", labels=None):
        path = tmp_path / "river.toml"
        path.write_text(CASE.format(id=case_id, nominated=nominated, reference=reference) + more)
        case = load_case(path)
        return read_population(case, TableSource(case), labels=labels)

    return _population


def test_nominated_and_reference_accounts_with_their_roles(population):
    people = population()
    assert people.accounts["role"].value_counts().to_dict() == {"reference": 8, "nominated": 2}
    assert set(people.edits["user"]) == set(people.accounts["user"])
    assert set(people.coverage["user"]) == set(people.accounts["user"])


def test_nobody_of_the_reference_is_named(population):
    people = population()
    reference = people.accounts[people.accounts["role"] == "reference"]
    assert reference["user"].str.fullmatch(r"reference-\d{3}").all()
    assert reference["user_id"].isna().all()


def test_bots_quiet_and_blocked_accounts_are_no_reference_and_counted(population):
    people = population(reference=30)
    assert people.recipe["reference"]["drawn"] == 20
    assert people.recipe["reference"]["left out"] == {
        "blocked as a sock": 1,
        "too few edit times": 1,
    }
    assert people.recipe["reference"]["candidates"] == 22


def test_labelled_accounts_are_drawn_first_socks_among_them_and_stay_unnamed(population):
    users = ["Blocked", "Reader 03", "reader_07", "Heron", "Quiet", "Nobody"]
    labels = pd.DataFrame({"user": users, "person": ["x", "x", None, "y", "y", "y"]})
    people = population(labels=labels)
    assert people.recipe["reference"]["drawn"] == 8
    assert people.recipe["reference"]["labelled"] == 3
    assert "blocked as a sock" not in people.recipe["reference"]["left out"]
    known = people.known.set_index("user")["person"]
    assert known["Heron"] == "y"
    covered = known.drop("Heron")
    assert covered.index.str.fullmatch(r"reference-\d{3}").all()
    assert covered.dropna().tolist() == ["x", "x"]
    assert set(known.index) <= set(people.accounts["user"])


def test_the_same_seed_draws_the_same_people_and_the_id_salts_their_names(population):
    first, again, other = population(), population(), population(case_id="two")
    pd.testing.assert_frame_equal(first.edits, again.edits)
    assert not first.edits.equals(other.edits)
    drawn = [sorted(set(p.edits["rev_id"])) for p in (first, other)]
    assert drawn[0] == drawn[1]


def test_accounts_linked_earlier_are_compared_and_declared_ones_only_shown(population):
    more = '[[earlier]]\na="Heron"\nb="Away"\nby="Clerk"\ndate=2024-03-01\n'
    more += '[[declared]]\naccounts=["Heron", "Tidy"]\n'
    roles = population(more=more).accounts.set_index("user")["role"]
    assert roles["Away"] == "nominated"
    assert roles["Tidy"] == "declared"


def test_everyone_is_nominated_and_nobody_is_reference(population):
    people = population(nominated='["*"]')
    assert set(people.accounts["role"]) == {"nominated"}
    assert "Quiet" not in set(people.accounts["user"])


def test_a_nominated_bot_is_refused(population):
    with pytest.raises(CaseError, match="Tidy: a bot account cannot be nominated"):
        population(nominated='["Heron", "Tidy"]')


def test_a_nominated_temporary_account_is_refused(population, tmp_path):
    population()
    path = tmp_path / "accounts.parquet"
    more = pd.DataFrame([{"wiki": "fernwick.example", "user": "Moth", "groups": ["temp"]}])
    pd.concat([pd.read_parquet(path), more]).to_parquet(path)
    with pytest.raises(CaseError, match="Moth: a temporary account cannot be nominated"):
        population()


def test_cover_names_are_one_to_one(population):
    people = population()
    names = pseudonyms(people.case, ["a", "b", "c"])
    assert sorted(names.values()) == ["reference-001", "reference-002", "reference-003"]


HABITS = {
    "like": ("2024-03-01 09:00", 30),
    "night": ("2024-03-01 21:00", 30),
    "long ago": ("2015-03-01 09:00", 30),
    "prolific": ("2024-03-01 09:00", 480),
}


def _habitual(user, start, n):
    """One edit a day, or as many a day as it takes for 30 days, all within two hours."""
    first, a_day = pd.Timestamp(start, tz="UTC"), n // 30
    return [
        {"timestamp": first + pd.Timedelta(days=i // a_day, minutes=7 * (i % a_day)), "user": user,
         "title": "River", "comment": "ce"}
        for i in range(n)
    ]  # fmt: skip


class NothingKnownBefore(TableSource):
    """As a wiki: when somebody edits shows only once their edits are read."""

    def activity(self, users):
        return unknown_activity(users)


class ToldOneAtATime(NothingKnownBefore):
    """A wiki that tells one account at a time who was ever blocked, and how many were asked."""

    def blocked_as_sock(self, users):
        self.asked = [*getattr(self, "asked", []), *users]
        return {user for user in users if user[-1] in "02468"}


def test_blocks_are_asked_of_the_drawn_alone_and_a_blocked_one_is_replaced(population, tmp_path):
    population()
    case = load_case(tmp_path / "river.toml")
    source = ToldOneAtATime(case)
    told = read_population(case, source).recipe["reference"]
    blocked = [user for user in source.asked if user[-1] in "02468"]
    assert told["drawn"] == 8
    assert blocked  # by this seed
    assert len(source.asked) == len(set(source.asked)) == 8 + len(blocked) < told["candidates"]
    assert told["left out"]["blocked as a sock"] == len(blocked)


@pytest.mark.parametrize("kind", [TableSource, NothingKnownBefore])
def test_the_reference_matches_in_activity_hours_and_period(tmp_path, kind):
    edits = _habitual("Heron", *HABITS["like"]) + _habitual("Moth", *HABITS["like"])
    for habit, how in HABITS.items():
        for number in range(15):
            edits += _habitual(f"{habit} {number:02d}", *how)
    frame = pd.DataFrame(edits).assign(rev_id=range(1, len(edits) + 1))
    frame.to_parquet(tmp_path / "edits.parquet")
    text = CASE.format(id="one", nominated=NOMINATED, reference=15)
    path = tmp_path / "river.toml"
    path.write_text(text.replace('accounts = "accounts.parquet"\n', "").replace(
        'log_events = "log_events.parquet"\n', ""))  # fmt: skip
    case = load_case(path)
    people = read_population(case, kind(case))
    drawn = people.edits[people.edits["user"].str.startswith("reference")]
    whose = frame.set_index("rev_id")["user"].reindex(drawn["rev_id"]).str[:-3]
    habits = whose.groupby(drawn["user"].to_numpy()).first().value_counts()
    assert habits.sum() == 15
    assert habits["like"] >= 9  # of 15 among 60; by chance it would be 4
    told = people.recipe["reference"]
    assert told["matched on"]["edits of the nominated"] == {"median": 30.0}
    assert told["matched on"]["likeness of the drawn: hours"]["mean"] > 0.7
    if kind is NothingKnownBefore:
        assert told["left out"]["matched less"] > 0


def test_match_is_a_mean_over_the_compared_and_never_nothing():
    own = activity_of(pd.DataFrame(_habitual("Heron", *HABITS["like"])))
    theirs = {name: pd.DataFrame(_habitual(name, *how)) for name, how in HABITS.items()}
    factors = match(activity_of(pd.concat(theirs.values())), own)
    assert factors.loc["like"].tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert factors.loc["night", "hours"] == pytest.approx(0.05)
    assert factors.loc["long ago", "period"] == pytest.approx(0.05)
    four_octaves = 0.05 + 0.95 * 2.718281828 ** (-0.5 * (4 / 1.5) ** 2)
    assert factors.loc["prolific", "activity"] == pytest.approx(four_octaves)
    assert (match(unknown_activity(["a"]), own) == 1.0).all(axis=None)
