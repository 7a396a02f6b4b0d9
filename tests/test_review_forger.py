"""A forger of answers files: whatever is changed in one, it says only what it may or is refused."""

from __future__ import annotations

import copy
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from review_fixture import A, B, C, make_dossier
from review_work import answers
from test_review_packet import filled, issue

from sockgraph.errors import SockgraphError
from sockgraph.reviews.answers import SealedAnswers, open_findings
from sockgraph.reviews.answers_file import read_answers, take_answers
from sockgraph.reviews.states import cannot_links, histories

HASH = re.compile(r"[0-9a-f]{64}")
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=True),
    st.text(max_size=40),
    st.sampled_from(
        [
            "a" * 64,
            "x" + "a" * 64 + "y",
            "\u202e\x1b[2J",
            "<script>",
            "accepted",
            "upheld",
            "\ud800",
        ]
    ),
    st.just("w" * 30_000),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("forger")
    dossier, ledger = make_dossier(folder)
    packet = issue(dossier, ledger, "Ann")
    given_ = filled(packet, "Ann", "upheld", manifest=dossier.seal, judgement="may be one operator")
    return dossier, ledger, packet, given_


def places(value, at=()):
    """Return where everything in a JSON value stands."""
    found = [at] if at else []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inside in items:
        deeper = (*at, key)
        found += places(inside, deeper) if isinstance(inside, dict | list) else [deeper]
    return found


def changed(value, at, new, how):
    forged = copy.deepcopy(value)
    *way, last = at
    place = forged
    for key in way:
        place = place[key]
    if how == "delete" or (how == "add" and isinstance(place, list)):
        del place[last]
    elif how == "add":
        place[f"{last}-more"] = new
    else:
        place[last] = new
    return forged


def take(dossier, ledger, folder, forged):
    """Take a file in; give what was entered, having put the ledger back."""
    path = folder / "forged.json"
    path.write_text(json.dumps(forged), encoding="utf-8")
    before = ledger.path.read_bytes()
    try:
        taken = take_answers(ledger, dossier, [read_answers(path)])
        open_findings(ledger, taken.kept)
        ledger.verify()
        entered = ledger.entries()[before.count(b"\n") :], cannot_links(ledger.entries())
    except SockgraphError:
        unchanged = ledger.path.read_bytes() == before
    else:
        return entered
    finally:
        ledger.path.write_bytes(before)
    assert unchanged
    return None


@given(st.data())
def test_a_forged_file_says_only_what_it_may(honest, tmp_path, data):
    dossier, ledger, _, given_ = honest
    forged = given_
    for _ in range(data.draw(st.integers(1, 2), "changes")):
        at = data.draw(st.sampled_from(places(forged)), "place")
        how = data.draw(st.sampled_from(["replace", "delete", "add"]), "how")
        forged = changed(forged, at, data.draw(ODD, "new"), how)
    entered = take(dossier, ledger, tmp_path, forged)
    if entered is None:
        return
    entries, apart = entered
    assert apart == []  # no alibi was asked about
    for entry in entries:
        assert entry.author == "Ann"
        assert len(entry.line()) < 10_000
        commit = entry.body.get("commit")
        assert commit is None or HASH.fullmatch(commit)
        assert set(entry.body) <= {
            *("user_a", "user_b", "blinded", "evidence", "foil", "at", "commit", "rests_on"),
            *("asks", "revision", "answer", "answers", "salts", "subject", "reason"),
        }


def rewritten(packet, given_, change):
    """Return a file whose answers were changed before they were committed to."""
    forged = copy.deepcopy(given_)
    for number, row in enumerate(forged["answers"], 1):
        if "finding" not in row["answers"]:
            continue
        sealed = answers("upheld", judgement="may be one operator")
        change(sealed["first judgement"].answer, sealed["finding"].answer)
        kept = SealedAnswers(packet.tasks[number - 1].pair, "Ann", sealed, (packet.id, number))
        row["answers"] = {s: {"answer": v.answer, "salt": v.salt} for s, v in sealed.items()}
        row["commits"] = {step: kept.commit(step) for step in sealed}
    return forged


@pytest.mark.parametrize(
    "change",
    [
        lambda _, last: last.update(alibi="accepted"),
        lambda _, last: last.update(note="N" * 2_000_000),
        lambda _, last: last.update(why=["x"]),
        lambda _, last: last.update(why="w" * 20_001),
        lambda _, last: last.update(finding="reversed"),
        lambda first, _: first.update(cites=["fernwick.example:999999"]),
        lambda first, _: first.update(cites=5),
        lambda first, _: first.update(knows="maybe"),
        lambda first, _: first.update(judgement="guilty"),
        lambda first, _: first.update(judgement={"a": 1}),
    ],
)
def test_what_was_committed_to_says_only_what_it_may(honest, tmp_path, change):
    dossier, ledger, packet, given_ = honest
    assert take(dossier, ledger, tmp_path, rewritten(packet, given_, lambda *_: None))
    assert take(dossier, ledger, tmp_path, rewritten(packet, given_, change)) is None


def test_no_file_accepts_an_alibi_and_joins_the_two(tmp_path):
    dossier, ledger = make_dossier(tmp_path)
    links = dossier.tables["links"]
    links = links.assign(flagged=True, alibi=True)
    dossier = type(dossier)(dossier.case, {**dossier.tables, "links": links}, dossier.manifest)
    packet = issue(dossier, ledger, "Ann", foils=0)
    given_ = filled(packet, "Ann", "upheld", manifest=dossier.seal)
    both = rewritten(packet, given_, lambda _, last: last.update(alibi="accepted"))
    assert take(dossier, ledger, tmp_path, both) is None
    apart = rewritten(
        packet, given_, lambda _, last: last.update(alibi="accepted", finding="not upheld")
    )
    entries, found = take(dossier, ledger, tmp_path, apart)
    assert entries
    assert found == []  # one person's closed answer binds nobody


def test_a_packet_of_another_version_is_named_and_one_from_before_is_read(honest, tmp_path):
    dossier, ledger, _, given_ = honest
    path = tmp_path / "old.json"
    path.write_text(json.dumps({**given_, "format": "sockgraph answers 9"}), encoding="utf-8")
    with pytest.raises(SockgraphError, match="of another version of sockgraph"):
        read_answers(path)
    before = {**given_, "format": "sockgraph answers 1"}
    entries, _ = take(dossier, ledger, tmp_path, before)
    assert len(entries) > 10


def test_answers_half_filled_are_entered_as_far_as_they_go(honest, tmp_path):
    dossier, ledger, packet, given_ = honest
    half = copy.deepcopy(given_)
    for row in half["answers"]:
        row["steps"] = row["steps"][:2]
        row["commits"].pop("finding", None)
        row["answers"].pop("finding", None)
    entries, _ = take(dossier, ledger, tmp_path, half)
    assert {e.kind for e in entries} == {"read", "first judgement"}
    assert histories([*ledger.entries(), *entries])[B, C].state == "in review"
    assert len(packet.tasks) * 2 == len(entries)
    assert (A, C) in histories(entries)
