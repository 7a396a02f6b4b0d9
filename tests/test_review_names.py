"""A packet names no reference person: their true names are known when it is made, and hidden."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
import tiny

from sockgraph.pipeline.review_session import ReviewSession
from sockgraph.pipeline.run import run_case
from sockgraph.reviews.blinding import blinder, squash
from sockgraph.reviews.packet import make_packet
from sockgraph.reviews.rules import draw_foils

NAMES = ("Pone", "Ptwo", "Pthree", "Pfour")


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """Run a case whose reference people write on friends' talk pages and sign with their names."""
    folder = tmp_path_factory.mktemp("refs")
    edits = tiny.edits(NAMES, others=36, each=60)
    edits["user"] = edits["user"].str.replace("Reader", "Canaryref")
    people = [user for user in edits["user"].unique() if user.startswith("Canaryref")]
    for i, user in enumerate(people):
        mine = edits.index[edits["user"] == user]
        friend = people[(i + 1) % len(people)]
        for rows, title, space in (
            (mine[:4], f"User talk:{user}", 3),
            (mine[4:12], f"User talk:{friend}", 3),
            (mine[16:20], f"Wikipedia:Requests for adminship/{user}", 4),
            (mine[20:23], f"Nominations/{user} (2)", 4),
        ):
            edits.loc[rows, ["title", "ns"]] = title, space
        edits.loc[mine[12:16], "comment"] = f"/* reply */ thanks {friend}, regards {user}"
        edits.loc[mine[23:26], "comment"] = f"see {user.upper()}, {user.replace(' ', '')}"
    nominated = edits.index[edits["user"] == NAMES[0]]
    edits.loc[nominated[:5], "comment"] = f"undid {people[3]} and {people[7].replace(' ', '%20')}"
    path = tiny.write(folder, names=NAMES, reference=36, frame=edits, stem="refs")
    run_case(path, data=folder / "data")
    return ReviewSession.of(path, folder / "data").with_names()


def test_no_name_of_the_reference_is_in_a_packet_in_any_spelling(room):
    foils = draw_foils(room.dossier, 6)
    assert len(foils) == 6  # twelve people
    html = make_packet(room.dossier, room.ledger.entries(), "Ann", foils=6).html
    content = html.split('id="packet">')[1].split("</script>")[0]
    packed = squash(json.dumps(json.loads(content), ensure_ascii=False))
    people = {user for pair in (task.pair for task in foils) for user in pair}
    named = [
        name for name in (room.dossier.names[user] for user in people) if squash(name) in packed
    ]
    assert f"{len(named)} of {len(people)}" == "0 of 12"
    assert not re.search("canaryref", packed)


def test_no_pair_is_a_foil_whose_names_are_not_known(room):
    nameless = dataclasses.replace(room.dossier, names={})
    assert draw_foils(nameless, 3) == []


def test_the_true_names_are_in_no_file_of_the_case(room):
    for path in room.store.processed.rglob("*"):
        if path.suffix in {".json", ".jsonl", ".graphml"}:
            assert b"Canaryref" not in path.read_bytes(), path


@pytest.mark.parametrize(
    "text",
    [
        "WeirLantern",
        "weir-lantern",
        "Ｗｅｉｒ Ｌａｎｔｅｒｎ",
        "W\u200be\u200bi\u200br Lantern",
        "Weir%20Lantern",
        "Weir__Lantern",
    ],
)
def test_a_name_in_another_spelling_is_hidden_with_its_text_if_need_be(text):
    blind = blinder({"Weir Lantern": "A"})
    shown = blind.plain(f"see {text} there")
    assert "Account A" in shown
    assert "weirlantern" not in squash(shown)
