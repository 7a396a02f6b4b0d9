import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockgraph.charts import blocs
from sockgraph.concert.capture import measure_capture
from sockgraph.concert.chance import arrivals_after, mass_messages, usual_hours
from sockgraph.concert.discussion_page import profile_of, read_page
from sockgraph.concert.history import pseudonymize_voters, read_votes
from sockgraph.errors import SockgraphError
from sockgraph.schema import validate

START = dt.datetime(2021, 9, 13, 12, 0, tzinfo=dt.UTC)
DAYS = "一二三四五六日"
EN, ZH = profile_of("enwiki"), profile_of("zhwiki")


def en(user, minute=0, **_):
    at = START + dt.timedelta(minutes=minute)
    return (
        f"[[User:{user}|{user}]] ([[User talk:{user}|talk]]) {at:%H:%M}, {at.day} {at:%B %Y} (UTC)"
    )


def zh(user, minute=0):
    at = START + dt.timedelta(minutes=minute)
    day = DAYS[at.weekday()]
    return (
        f"--[[用户:{user}|{user}]]（[[用户讨论:{user}|留言]]） "
        f"{at.year}年{at.month}月{at.day}日 ({day}) {at:%H:%M} (UTC)"
    )


def one(line, profile=EN):
    statements = read_page(line, profile)
    assert len(statements) == 1
    return statements[0]


@pytest.mark.parametrize(
    ("line", "side"),
    [
        ("* '''Support''' per nom. {}", "support"),
        ("* '''Strong oppose''', see above. {}", "oppose"),
        ("# {{{{Neutral}}}} for now {}", "neutral"),
        ("* {{{{weak support}}}} {}", "support"),
        ("*{{{{ec}}}} '''Oppose''' {}", "oppose"),
        ("* [[File:Green tick.svg|20px]] '''Support''' {}", "support"),
        ("'''Oppose'''. A paragraph. {}", "oppose"),
        ("* <s>'''Support'''</s> '''Oppose''' after reading. {}", "oppose"),
        ("* <s>'''Support''' per nom.</s> Changed to '''Oppose''' {}", "oppose"),
        ("* '''<span style='color:red'>Support</span>''' {}", "support"),
        ("* '''Not support''' {}", ""),
        ("* '''Support''' '''Oppose''' {}", "support"),
        ("* '''Support or oppose''' {}", ""),
        ("* {{{{s|'''Support'''}}}} '''Neutral''' {}", "neutral"),
    ],
)
def test_english_votes(line, side):
    statement = one(line.format(en("Fen Orchid")))
    assert statement.vote
    assert statement.side == side
    assert statement.said.user == "Fen Orchid"
    assert statement.said.time == START


@pytest.mark.parametrize(
    ("line", "side"),
    [
        ("*{{{{支持}}}}，理由充分。{}", "support"),
        ("*{{{{反對}}}}：{}", "oppose"),
        (":{{{{反对}}}} 同上 {}", "oppose"),
        ("# '''强烈反对'''。{}", "oppose"),
        ("* '''傾向支持''' {}", "support"),
        ("* 支持，但需修改。{}", "support"),
        ("*{{{{中立}}}} {}", "neutral"),
        ("* '''不支持''' {}", "oppose"),
        ("* '''不反对''' {}", ""),
        ("* {{{{support}}}} {}", "support"),
        ("* <s>{{{{支持}}}}</s> {{{{反对}}}} {}", "oppose"),
    ],
)
def test_chinese_votes(line, side):
    statement = one(line.format(zh("青石巷")), ZH)
    assert statement.vote
    assert statement.side == side
    assert (statement.said.user, statement.said.time) == ("青石巷", START)


@pytest.mark.parametrize(
    "line",
    [
        "* '''Comment''' I support this. {}",
        "** '''Support''' your point. {}",
        "* The oppose side is right. {}",
        "* Supporters of this should read it. {}",
        ":: Please explain your oppose. {}",
        "* <nowiki>'''Support'''</nowiki> {}",
        "* <!-- '''Support''' --> I am here. {}",
    ],
)
def test_comments_are_no_votes(line):
    statement = one(line.format(en("Fen Orchid")))
    assert not statement.vote
    assert statement.side is None


def test_a_comment_that_begins_with_a_longer_word_is_no_chinese_vote():
    assert not one("* 支持者认为如此。" + zh("青石巷"), ZH).vote


def test_sections_give_the_side_and_replies_none():
    text = f"""
== Nomination of Fen Orchid ==
I accept. {en("Fen Orchid")}
=== Discussion ===
==== Support (2) ====
# Good work. {en("Heron Wade", 5)}
#: Which work? {en("Lantern Moth", 9)}
#:: All of it. {en("Heron Wade", 12)}
# <s>Per Heron. {en("Tallow Jack", 15)}</s>
==== Oppose ====
# Too soon. {en("Lantern Moth", 20)}
# '''Support''', oddly. {en("青石巷", 21)}
==== Neutral ====
Some words. {en("Tallow Jack", 30)}
"""
    found = [(s.said.user, s.vote, s.side) for s in read_page(text, EN)]
    assert found == [
        ("Fen Orchid", False, None),
        ("Heron Wade", True, "support"),
        ("Lantern Moth", False, None),
        ("Heron Wade", False, None),
        ("Tallow Jack", True, None),
        ("Lantern Moth", True, "oppose"),
        ("青石巷", True, ""),
        ("Tallow Jack", False, None),
    ]
    assert {s.headings for s in read_page(text, EN)} == {("Nomination of Fen Orchid",)}


@pytest.mark.parametrize(
    ("link", "user"),
    [
        ("[[User:heron_Wade]]", "Heron Wade"),
        ("[[:User:Heron Wade/sig|H]]", "Heron Wade"),
        ("[[Special:Contributions/Heron Wade|c]]", "Heron Wade"),
        ("[[user talk:\u200eHeron Wade|t]]", "Heron Wade"),
        ("[[User talk:A&amp;B+C]]", "A&B+C"),
        ("[[Project:Heron Wade]]", None),
        ("[[Heron Wade]]", None),
    ],
)
def test_who_a_link_leads_to(link, user):
    line = f"* '''Support''' {link} 12:00, 13 September 2021 (UTC)"
    assert one(line).said.user == user


@pytest.mark.parametrize("time", ["12:00, 31 February 2021 (UTC)", "25:00, 1 May 2021 (UTC)"])
def test_a_time_that_never_was_is_no_signature(time):
    said = one(f"* '''Support''' [[User:Heron Wade]] {time}").said
    assert said.time is None


def page(*revisions, title="Project:Election"):
    """Return edits and texts; a revision is (user, minute, text)."""
    edits = pd.DataFrame(
        [
            {
                "wiki": "fernwick.example",
                "rev_id": number,
                "title": title,
                "user": user,
                "timestamp": pd.Timestamp(START + dt.timedelta(minutes=minute, seconds=20)),
            }
            for number, (user, minute, _) in enumerate(revisions, 1)
        ]
    )
    texts = edits[["wiki", "rev_id"]].assign(text=[text for *_, text in revisions])
    return edits, texts


def rows(*revisions, profile="enwiki", **more):
    found = read_votes(*page(*revisions), profile=profile, **more)
    validate("votes", found.table)
    columns = ["user", "rev_id", "side", "parse"]
    table = found.table.sort_values(["rev_id", "user"])[columns]
    return [tuple(None if pd.isna(v) else v for v in row) for row in table.itertuples(index=False)]


def test_a_vote_belongs_to_the_revision_that_added_it():
    first = f"* '''Support''' {en('Fen Orchid')}"
    second = f"{first}\n* '''Oppose''' {en('Heron Wade', 30)}"
    assert rows(("Fen Orchid", 0, first), ("Heron Wade", 30, second)) == [
        ("Fen Orchid", 1, "support", "ok"),
        ("Heron Wade", 2, "oppose", "ok"),
    ]


def test_changed_struck_and_removed_votes_are_rows_of_their_own():
    signed, other = en("Fen Orchid"), f"\n* '''Oppose''' {en('Heron Wade')}"
    texts = [
        f"* '''Support''' {signed}{other}",
        f"* <s>'''Support'''</s> '''Oppose''' {signed}{other}",
        f"* <s>'''Support'''</s> <s>'''Oppose'''</s> {signed}{other}",
        f"* '''Neutral''' {signed}{other}",
        other.strip(),
    ]
    changes = [("Fen Orchid", minute, text) for minute, text in enumerate(texts)]
    ours = [row for row in rows(*changes) if row[0] == "Fen Orchid"]
    assert [row[2] for row in ours] == ["support", "oppose", None, "neutral", None]
    assert {row[3] for row in ours} == {"ok"}


def test_what_others_change_of_a_vote_is_no_row():
    signed = en("Fen Orchid")
    struck = f"* <s>'''Support'''</s> {signed}"
    found = rows(
        ("Fen Orchid", 0, f"* '''Support''' {signed}"),
        ("Clerk Cass", 9, struck),
        ("Fen Orchid", 20, f"{struck}\n: Why? {en('Fen Orchid', 20)}"),
    )
    assert found == [("Fen Orchid", 1, "support", "ok"), ("Fen Orchid", 3, None, "ok")]


def test_blanking_and_restoring_adds_nothing():
    text = f"* '''Support''' {en('Fen Orchid')}"
    found = rows(("Fen Orchid", 0, text), ("Vandal", 5, ""), ("Heron Wade", 6, text))
    assert found == [("Fen Orchid", 1, "support", "ok")]


@pytest.mark.parametrize(
    ("line", "user"),
    [
        ("* '''Support''' no signature", "Fen Orchid"),
        ("* '''Support''' [[User:Fen Orchid]]", "Fen Orchid"),
        ("* '''Support''' 12:00, 13 September 2021 (UTC)", "Fen Orchid"),
        (f"* '''Support''' {en('Heron Wade')}", "Heron Wade"),
        (f"* '''Support''' {en('Fen Orchid', 600)}", "Fen Orchid"),
        ("* '''Support''' [[User:Fen Orchid]] 12:00, 33 Smarch 2021 (UTC)", "Fen Orchid"),
        ("* '''Support''' [[User:Fen Orchid]] 2021年9月13日 (一) 12:00 (UTC)", "Fen Orchid"),
    ],
)
def test_malformed_signatures_are_kept_and_marked(line, user):
    assert rows(("Fen Orchid", 0, line)) == [(user, 1, "support", "malformed")]


def test_a_signature_added_later_is_no_second_vote():
    bare = "* '''Support''' as said on the talk page"
    signed = f"{bare} <small>— Preceding unsigned comment added by {en('Fen Orchid')}</small>"
    found = rows(("Fen Orchid", 0, bare), ("Signing Bot", 1, signed))
    assert [row[:3] for row in found] == [("Fen Orchid", 1, "support")]


def test_two_unsigned_votes_of_the_same_words_are_two():
    line = "* '''Support'''"
    found = rows(("Fen Orchid", 0, line), ("Heron Wade", 1, f"{line}\n{line}"))
    assert [row[0] for row in found] == ["Fen Orchid", "Heron Wade"]


def test_a_vote_first_seen_after_a_hidden_text_is_its_authors():
    vote = f"* '''Support''' {en('Fen Orchid', 1)}"
    found = rows(("Fen Orchid", 1, None), ("Heron Wade", 8, vote))
    assert found == [("Fen Orchid", 1, "support", "ok")]


def test_a_former_name_in_a_signature_is_the_account_of_today():
    line = f"* '''Support''' {en('Old Lantern')}"
    renamed = {"Old Lantern": "New Lantern"}
    assert rows(("New Lantern", 0, line), former=renamed)[0][0::3] == ("New Lantern", "ok")
    assert rows(("New Lantern", 0, line))[0][0::3] == ("Old Lantern", "malformed")


def test_an_account_of_one_wiki_among_several_signs_by_its_name_there():
    name = "Old Lantern@fernwick.example"
    line = f"* '''Support''' {en('Old Lantern')}"
    assert rows((name, 0, line))[0][0::3] == (name, "ok")


def test_unregistered_and_hidden_authors_are_counted_and_left_out():
    edits, texts = page((None, 0, "* '''Support'''"), ("Fen Orchid", 1, ""))
    found = read_votes(edits, texts, profile="enwiki")
    assert found.table.empty
    assert found.told["statements of unregistered or hidden authors, left out"] == 1


def test_several_discussions_on_a_page_are_told_apart():
    text = (
        f"== First ==\n* '''Support''' {en('Fen Orchid')}\n"
        f"== Second ==\n=== Survey ===\n* '''Oppose''' {en('Fen Orchid')}\n"
        f"=== Threaded discussion ===\nHm. {en('Fen Orchid')}"
    )
    edits, texts = page(("Fen Orchid", 0, text.replace("Hm", "Well")))
    table = read_votes(edits, texts, profile="enwiki").table
    assert dict(zip(table["page"], table["side"], strict=True)) == {
        "Project:Election#First": "support",
        "Project:Election#Second": "oppose",
    }


def test_nobody_but_the_named_keeps_a_name():
    text = f"* '''Support''' {en('Fen Orchid')}\n* '''Oppose''' {en('Heron Wade')}"
    table = read_votes(*page(("Fen Orchid", 0, text)), profile="enwiki").table
    assert set(pseudonymize_voters(table, ["Fen Orchid"], "salt")["user"]) == {
        "Fen Orchid",
        "voter-0001",
    }


def test_an_unknown_profile_is_refused():
    with pytest.raises(SockgraphError, match="enwiki, zhwiki"):
        read_votes(*page(("A", 0, "")), profile="dewiki")


pieces = st.sampled_from(
    [
        "\n", "* ", "# ", ": ", "== Support ==", "'''", "Support", "{{", "}}", "[[User:", "]]", "|",
        "<s>", "</s>", "<!--", "-->", "反对", "{{支持}}", "<nowiki>", "12:00, 1 May 2021 (UTC)",
        "2021年9月13日 (一) 12:34 (UTC)", "\u202e", "=", "\x00", "</del>", "{{s|",
    ]
) | st.text(max_size=4)  # fmt: skip


@given(st.lists(st.lists(pieces, max_size=25).map("".join), min_size=1, max_size=3))
def test_any_text_is_read_without_a_crash(texts):
    for name in ("enwiki", "zhwiki"):
        revisions = [("Fen Orchid", at, text) for at, text in enumerate(texts)]
        found = read_votes(*page(*revisions), profile=name)
        validate("votes", found.table)


def votes_at(*times, users=None):
    names = users or ["Fen Orchid"] * len(times)
    return validate(
        "votes",
        pd.DataFrame(
            {
                "wiki": "fernwick.example",
                "page": [f"Project:{n}" for n in range(len(times))],
                "user": names,
                "rev_id": range(1, len(times) + 1),
                "side": "support",
                "timestamp": [pd.Timestamp(t, tz="UTC") for t in times],
                "parse": "ok",
            }
        ),
    )


def test_votes_at_night_stand_out_from_an_accounts_own_hours():
    days = pd.date_range("2021-01-01T10:00Z", periods=100, freq="D")
    edits = pd.DataFrame({"user": "Fen Orchid", "timestamp": days, "rev_id": range(500, 600)})
    edits = edits.assign(wiki="fernwick.example")
    night = usual_hours(votes_at(*[f"2021-05-0{n}T03:00" for n in range(1, 7)]), edits).iloc[0]
    assert (night["n_votes"], night["in_quiet_hours"]) == (6, 6)
    assert night["p"] < 1e-5
    day = usual_hours(votes_at(*[f"2021-05-0{n}T10:00" for n in range(1, 7)]), edits).iloc[0]
    assert (day["in_quiet_hours"], day["p"]) == (0, 1.0)
    few = usual_hours(votes_at("2021-05-01T03:00"), edits).iloc[0]
    assert few["status"] == "insufficient"
    assert pd.isna(few["p"])


def test_messages_to_many_and_who_came_after_them():
    names = ["Fen Orchid", "Heron Wade", "Lantern Moth"]
    sent = pd.DataFrame(
        {
            "wiki": "fernwick.example",
            "rev_id": range(1, 6),
            "user": "Tallow Jack",
            "ns": 3,
            "title": [f"User talk:{n}" for n in [*names, "Tallow Jack", "Fen Orchid"]],
            "timestamp": pd.to_datetime(
                [f"2021-05-01T12:0{n}Z" for n in range(4)] + ["2021-06-01T12:00Z"]
            ),
        }
    )
    runs = mass_messages(sent)
    assert runs["receivers"].tolist() == [names]
    assert mass_messages(sent.assign(ns=1)).empty
    times = ["2021-05-01T10:00", "2021-05-01T13:00", "2021-05-01T14:00", "2021-05-04T13:00"]
    votes = votes_at(*times, users=["voter-0001", *names[:2], "voter-0002"])
    came = arrivals_after(votes.assign(page="Project:X"), runs)
    assert came[["receivers", "came", "others", "others_came"]].iloc[0].tolist() == [2, 2, 1, 0]


def test_one_title_and_one_number_on_two_wikis_are_two():
    here = votes_at("2021-05-01T03:00", "2021-05-02T03:00").assign(page="Project:X", rev_id=[1, 2])
    both = pd.concat([here.head(1), here.tail(1).assign(wiki="b.example", rev_id=1)])
    days = pd.date_range("2021-01-01T10:00Z", periods=3, freq="D")
    edits = pd.DataFrame({"user": "Fen Orchid", "timestamp": days, "rev_id": [1, 2, 3]})
    told = usual_hours(both, edits.assign(wiki="c.example")).iloc[0]
    assert (told["n_votes"], told["n_edits"]) == (2, 3)
    assert usual_hours(here, edits.assign(wiki="c.example")).iloc[0]["n_votes"] == 1
    assert measure_capture(edits.assign(wiki="c.example"), votes=both).table.query(
        "activity == 'voting'"
    )["events"].tolist() == [2]
    drawn = blocs(both, ["Fen Orchid"]).data["page"]
    assert drawn.tolist() == ["Project:X (fernwick.example)", "Project:X (b.example)"]
    assert blocs(here, ["Fen Orchid"]).data["page"].tolist() == ["Project:X"]
    apart = votes_at("2021-05-01T03:00", "2021-05-01T12:00", users=["Moth", "Fen Orchid"])
    apart = apart.assign(page="Project:X", wiki=["fernwick.example", "b.example"])
    start = pd.Timestamp("2021-05-01T06:00", tz="UTC")
    sent = pd.DataFrame([{"sender": "Jack", "start": start, "receivers": ["Fen Orchid"]}])
    assert arrivals_after(apart, sent).empty  # one was over by then, the other not yet open
    assert len(arrivals_after(apart.assign(wiki="b.example"), sent)) == 1
