"""Names that deceive: one rule for what cannot be seen, and names that look alike pointed out."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockgraph.errors import CaseError
from sockgraph.names import clean, clean_all, name_notes, name_on_page, printable, skeleton
from sockgraph.report import markup
from sockgraph.report.markup import escape_wikitext
from sockgraph.reviews.blinding import blinder
from sockgraph.reviews.rules import same_person

HIDING = {
    "grapheme joiner": "\u034f",
    "Hangul filler": "\u3164",
    "half-width filler": "\uffa0",
    "Hangul jamo filler": "\u115f",
    "variation selector": "\ufe00",
    "emoji style on a letter": "\ufe0f",
    "ideographic variation": "\U000e0100",
    "blank Braille": "\u2800",
    "tag": "\U000e0041",
    "soft hyphen": "\u00ad",
    "zero width space": "\u200b",
    "joiner": "\u200d",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "byte order mark": "\ufeff",
    "escape": "\x1b",
    "noncharacter": "\uffff",
    "stroke": "\u0336",
    "fourth mark": "\u0301\u0301\u0301\u0301",
}
UNSEEN = sorted(set(HIDING.values()) - {"\x1b", HIDING["fourth mark"]})


@pytest.mark.parametrize("hiding", HIDING.values(), ids=HIDING)
@pytest.mark.parametrize("name", ["青石巷", "Heron", "Цапля", "é"])
def test_what_cannot_be_seen_is_spelled_out_everywhere_and_looks_alike(name, hiding):
    hidden = name + hiding
    assert f"U+{ord(hiding[-1]):04X}" in clean(hidden)
    if len(hiding) == 1:
        assert hiding not in printable(hidden)
        assert skeleton(hidden) == skeleton(name)
        assert any("look alike" in note for note in name_notes([name, hidden]))
    assert any("cannot be seen" in note for note in name_notes([hidden]))


@pytest.mark.parametrize(
    "name",
    [
        "Heron", "青石巷", "Ümit İpek", "Nguyễn", "Nguye\u0302\u0303n", "می‌خواهم",
        "क्‍ष", "שָׁלוֹם", "ไม้เอก", "한국어", "青い Kappa", "👩‍💻", "❤️", "Ωμέγα", "𠮷野",
        "O’Brien", "Łódź 7",
    ],
)  # fmt: skip
def test_names_as_people_write_them_stay_as_they_are(name):
    assert clean(name) == name
    assert name_notes([name, "Another one"]) == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [("Аlder", "Alder"), ("Heron", "Ηeron"), ("l0ne", "lOne"), ("Heron_1", "Heron 1")],
)
def test_names_that_look_alike_are_pointed_out_with_what_differs(one, other):
    (note,) = [note for note in name_notes([one, other]) if "look alike" in note]
    odd = next((c for c in one + other if not c.isascii()), None)
    assert odd is None or f"U+{ord(odd):04X}" in note


@pytest.mark.parametrize("name", ["Аlder", "pаypal", "Ηeron"])
def test_mixed_scripts_are_said(name):
    assert any("mixes letters of several scripts" in note for note in name_notes([name]))


def test_reviewers_whose_names_look_alike_are_one():
    assert same_person("Ann Lee", "Аnn_lee")
    assert same_person("Ann", "ann\u200b")
    assert not same_person("Ann", "Anna")


def test_a_list_of_notes_ends():
    notes = name_notes([f"A{i}\u200b" for i in range(50)])
    assert len(notes) == 21
    assert notes[-1].endswith("more such names.")


def test_notes_stand_in_a_filing_inert():
    (note,) = name_notes(["{{x}}\u3164"])
    assert "{" not in escape_wikitext(note)


@pytest.mark.parametrize(
    "given",
    [
        "https://zh.wikipedia.org/w/index.php?title=User:Heron&action=history",
        "zh.wikipedia.org/w/index.php?title=User_talk:Heron&action=history#top",
        "https://zh.wikipedia.org/w/index.php?title=Special:Contributions&target=Heron",
        "https://zh.wikipedia.org/wiki/Special:Log/Heron?type=block",
        "https://zh.wikipedia.org/wiki/%E7%89%B9%E6%AE%8A:%E7%94%A8%E6%88%B7%E8%B4%A1%E7%8C%AE/Heron",
        "特殊:用户贡献/Heron",
        "特殊:使用者貢獻/Heron",
        "w:User:Heron",
        "[[:m:zh:User talk:Heron/Archive|H.]]",
        " Heron ",
    ],
)
def test_an_account_is_read_off_its_pages(given):
    assert name_on_page(given) == "Heron"


@pytest.mark.parametrize(
    "given", ["https://zh.wikipedia.org/wiki/Mill", "https://a.example/?title="]
)
def test_an_address_of_anything_else_is_no_account(given):
    with pytest.raises(CaseError, match="no page of an account"):
        name_on_page(given)


ODD = st.one_of(
    st.sampled_from([*"".join(HIDING.values()), "\u0430", "\u0391", "l", "1", "I", "\u9752"]),
    st.characters(),
)


@given(st.text(ODD, min_size=1, max_size=12))
def test_whatever_is_in_a_name_every_way_out_shows_it_by_the_one_rule(odd):
    name = f"Heron{odd}"
    shown = clean(name)
    assert clean(shown) == shown
    assert not [note for note in name_notes([shown]) if "cannot be seen" in note]
    page = unescape(re.sub("<[^>]*>", "", str(markup.name(name))))
    (packet,) = clean_all([name])
    (label,) = clean_all({"who": name}).values()
    assert page == packet == label == shown
    said = printable(name)
    assert not [c for c in said if c != "\n" and not c.isprintable()]
    assert clean(said.replace("\n", "")) == said.replace("\n", "")
    assert clean(unescape(escape_wikitext(shown))) == unescape(escape_wikitext(shown))


@pytest.mark.parametrize("hiding", UNSEEN, ids=ascii)
def test_a_name_with_something_hidden_in_it_is_blinded_all_the_same(hiding):
    blind = blinder({"Weir Lantern": "A", "\u77f3\u57e0\u665a\u949f": "B"})
    for name, label in (("Weir Lantern", "A"), ("\u77f3\u57e0\u665a\u949f", "B")):
        spelt = hiding.join(name)
        assert {"who": label} in blind.parts(f"thanks {spelt}, well done"), ascii(spelt)
        assert spelt not in blind.plain(f"thanks {spelt}")
