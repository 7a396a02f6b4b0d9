"""What edits added: cut out of wikitext, had from tables, dumps and wikis, and compared."""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import pandas as pd
import pytest
import tiny
from faulty import faulty_wiki, say
from wiki import history

import sockgraph as sg
from sockgraph.case import load_case
from sockgraph.errors import CaseError, FetchError
from sockgraph.schema import validate
from sockgraph.signals.bags import MACHINE, MOST, NEEDED, SHRINK, writing_bag
from sockgraph.signals.corpus import compile_edits, of_accounts
from sockgraph.signals.vectors import Weighting, similarity, term_vectors
from sockgraph.sources import DumpSource, MediaWikiSource
from sockgraph.sources.added_text import LARGEST, LONGEST, added, own_texts, own_words
from sockgraph.sources.mediawiki import pages
from sockgraph.store.raw_answers import RawAnswers

CASE = """
title = "What a river is called"
reason = "The same wording on three pages"
wikis = ["{host}"]
[source]
{source}
[accounts]
nominated = ["Heron"]
min_edits = 1
[reference]
accounts = 0
"""
WIKI = 'kind = "mediawiki"\nscheme = "http"\napi_path = "/"\ncontact = "ada@example.org"\n'


@pytest.fixture
def write_case(tmp_path):
    def write(source, host="fernwick.example"):
        path = tmp_path / "river.toml"
        path.write_text(CASE.format(host=host, source=source))
        return load_case(path)

    return write


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("{{unclosed at the start\nfine line", "fine line"),
        ("<ref>never closed", ""),
        ("a [[link that never ends", ""),
        ("{|\n! head\n| cell = 3\n|}\nwords", "words"),
        ("* {{ping|A}} I agree, ''really''. ~~~~", "I agree, really."),
        ("== A heading ==\n> quoted\n: mine :-)", "mine :-)"),
        ("<blockquote>theirs\ntoo</blockquote> mine", "mine"),
        ("[http://a.example a label] and https://b.example/x", "a label and"),
        ("[[File:A.jpg|thumb|a caption]][[Category:B]] seen", "seen"),
        ("同意。—[[User:某|某]]（[[User talk:某|留言]]） 2021年5月3日 (一) 10:12 (UTC)", "同意。"),
        ("1 < 2, I <3 it", "1 < 2, I <3 it"),
        ("---- ... 42", ""),
        ("word " * 2_000, ("word " * 2_000).strip()[:LONGEST]),
    ],
)
def test_own_words_are_what_is_left_of_wikitext(text, own):
    assert own_words(text).replace("  ", " ") == own


def test_only_what_is_new_was_added():
    assert added("A mill.\nA pond.", "A pond.\nA mill.") == ""
    assert added("", "A mill.\nA pond.") == "A mill.\nA pond."
    assert added("The mill is old", "The mill is cold") == ""
    assert added("水車很舊", "水車很舊，去年春天賣掉了") == "，去年春天賣掉了"


@pytest.mark.parametrize(
    "text",
    ["{{" * 20_000, "[[a|" * 10_000, "<b>" * 20_000, "{{a|" * 5_000 + "}}" * 5_000, "<" * 50_000,
     "[http://a " * 5_000, "''" * 20_000, "x " * 600_000],
)  # fmt: skip
def test_hostile_wikitext_takes_no_time(text):
    began = time.process_time()
    own_words(text)
    added("a b c " * 100_000, text)
    assert time.process_time() - began < 5


def _edits(rows):
    frame = pd.DataFrame(rows).assign(wiki="fernwick.example", title="Talk:River")
    return validate("edits", frame.assign(timestamp=pd.Timestamp("2024-05-01", tz="UTC")))


def test_hidden_texts_and_other_pages_are_left_out():
    rows = [
        {"rev_id": 1, "user": "Heron", "ns": 1, "text": "said here", "hidden": []},
        {"rev_id": 2, "user": "Heron", "ns": 1, "text": "hidden by now", "hidden": ["text"]},
        {"rev_id": 3, "user": "Heron", "ns": 0, "text": "of an article", "hidden": []},
        {"rev_id": 4, "user": "Heron", "ns": 1, "text": "{{template}}", "hidden": []},
    ]
    posts, counts = own_texts(_edits(rows), "posts")
    assert posts["text"].fillna("-").tolist() == ["said here", "-", "-", "-"]
    assert counts == {
        "texts with words of their author's": 1, "texts without": 1, "texts that are hidden": 1,
    }  # fmt: skip
    everything, _ = own_texts(_edits(rows), "all")
    assert everything["text"].fillna("-").tolist() == ["said here", "-", "of an article", "-"]
    assert own_texts(_edits(rows), "none")[0]["text"].isna().all()


def test_who_brings_back_an_earlier_text_of_a_table_has_not_written_it():
    rows = [
        {"rev_id": 1, "sha1": "a", "tags": [], "text": "a tale"},
        {"rev_id": 2, "sha1": "b", "tags": ["mobile edit"], "text": "another"},
        {"rev_id": 3, "sha1": "a", "tags": [], "text": "a tale"},
        {"rev_id": 4, "sha1": "c", "tags": ["mw-undo"], "text": "somebody's"},
        {"rev_id": 5, "sha1": None, "tags": None, "text": "my own"},
        {"rev_id": 6, "sha1": None, "tags": None, "text": "my second"},
    ]
    edits = _edits([{"user": "Heron", "ns": 1, "hidden": [], **row} for row in rows])
    told, counts = own_texts(edits[::-1], "posts")
    told = told.sort_values("rev_id")["text"].fillna("-").tolist()
    assert told == ["a tale", "another", "-", "-", "my own", "my second"]
    assert counts["texts that bring back an earlier one"] == 2


def test_the_same_text_on_another_page_brings_nothing_back_and_an_empty_cell_is_no_text():
    rows = [
        {"rev_id": 1, "title": None, "page_id": 7, "text": "a stub"},
        {"rev_id": 2, "title": None, "page_id": 8, "text": "a stub"},
        {"rev_id": 3, "title": None, "page_id": 9, "text": ""},
    ]
    same = {"user": "Heron", "ns": 1, "hidden": [], "sha1": "a", "tags": []}
    told, counts = own_texts(_edits([same | row for row in rows]), "all")
    assert told["text"].fillna("-").tolist() == ["a stub", "a stub", "-"]
    assert counts == {"texts with words of their author's": 2}
    nothing, counts = own_texts(_edits([same | rows[2]]), "all")
    assert nothing["text"].isna().all()
    assert counts == {}


def _writers(texts_of):
    """Give each account its texts, an edit each, an hour apart."""
    rows = [
        {"user": user, "text": text, "rev_id": 100 * number + k, "hidden": []}
        for number, (user, said) in enumerate(texts_of.items())
        for k, text in enumerate(said)
    ]
    at = pd.Timestamp("2024-05-01", tz="UTC") + pd.to_timedelta(np.arange(len(rows)), unit="h")
    frame = pd.DataFrame(rows).assign(wiki="fernwick.example", title="Talk:River", timestamp=at)
    return compile_edits(validate("edits", frame))


def _read(corpus, user):
    """Return how many characters of an account are read."""
    bag = writing_bag(corpus)
    saves = corpus.account == corpus.users.index(user)
    return int(bag.size[bag.item[saves]].sum())


def test_a_pasted_line_is_its_first_writers_alone():
    own = [f"the mill by the weir stood for {n} years, they say" for n in range(40)]
    other = [f"a lock was built in the year {n} and then forgotten" for n in range(40)]
    corpus = _writers({"Heron": own, "Moth": other, "Paster": own, "Again": own[:1] * 40})
    assert _read(corpus, "Heron") == sum(map(len, own))
    assert _read(corpus, "Paster") == 0
    assert _read(corpus, "Again") == 0


def test_of_much_text_the_newest_is_read_and_too_little_is_none():
    long = [f"{n}: " + "much was said of the river " * 100 for n in range(40)]
    brief = ["hardly a word"] * 3
    corpus = _writers({"Heron": long, "Moth": [s.upper() for s in long], "Brief": brief})
    assert MOST - 10 < _read(corpus, "Heron") <= MOST
    assert writing_bag(corpus).n_accounts == 2
    assert writing_bag(_writers({"Heron": brief, "Moth": brief})) is None


@cache
def _texts(seed=3):
    """Invent edits in which two accounts write alike, and all others each in their own way."""
    frame = tiny.edits(seed=seed)
    dice = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnoprstuvwy"))
    flat, habits, said = np.full(len(letters), 0.5), {}, []
    for user in frame["user"]:
        of = 0 if user in tiny.NAMES[:2] else sum(map(ord, user))
        if of not in habits:
            drawn = np.random.default_rng(of).dirichlet(flat, size=len(letters))
            habits[of] = drawn.cumsum(axis=1)
        place, word = 0, []
        for chance in dice.random(25):
            place = min(int(habits[of][place].searchsorted(chance)), len(letters) - 1)
            word.append(letters[place])
        said.append("".join(word))
    return frame.assign(text=said, ns=1)


def _community():
    return _texts().copy()


def test_a_table_with_texts_goes_through_the_public_face(tmp_path):
    frame = _community()
    case = sg.load_case(tiny.write(tmp_path, frame=frame, reference=36))
    data = sg.fetch(case, data=tmp_path / "data")
    assert data.edits["text"].notna().all()
    scores = sg.compare(data)
    rows = scores.evidence[scores.evidence["signal"] == "added text"]
    alike = rows[(rows["user_a"] == tiny.NAMES[0]) & (rows["user_b"] == tiny.NAMES[1])].iloc[0]
    assert set(rows["status"]) == {"ok"}
    assert alike["score"] == rows["score"].max() > 2
    assert alike["contribution"] > 0
    assert alike["support"] >= NEEDED
    told = data.edits["wiki"] + ":" + data.edits["rev_id"].astype("string")
    shown = data.edits[told.isin(alike["rev_ids"])]
    assert set(shown["user"]) == set(tiny.NAMES[:2])
    assert sg.flag(scores, sg.cluster(sg.to_graph(scores))) is not None


def test_without_texts_or_with_few_the_trace_says_nothing(tmp_path):
    frame = _community()
    bare = sg.load_case(tiny.write(tmp_path, frame=frame.drop(columns="text"), reference=36))
    rows = sg.compare(sg.fetch(bare, data=tmp_path / "one")).evidence
    assert set(rows.loc[rows["signal"] == "added text", "status"]) == {"not_available"}
    few = frame.assign(text=frame["text"].where(frame["user"] != tiny.NAMES[0]))
    case = sg.load_case(tiny.write(tmp_path, frame=few, reference=36))
    rows = sg.compare(sg.fetch(case, data=tmp_path / "two")).evidence
    rows = rows[rows["signal"] == "added text"]
    his = (rows["user_a"] == tiny.NAMES[0]) | (rows["user_b"] == tiny.NAMES[0])
    assert set(rows.loc[his, "status"]) == {"insufficient"}
    assert set(rows.loc[~his, "status"]) == {"ok"}


MARK = "It rose in 1911.:contentReference[oaicite:2]{index=2}"


def test_two_whose_texts_bear_marks_of_a_machine_are_not_compared_by_writing(tmp_path):
    frame = _community()
    first = frame.drop_duplicates("user").index
    for user in tiny.NAMES[:2]:
        frame.loc[[i for i in first if frame.loc[i, "user"] == user], "text"] = MARK
    case = sg.load_case(tiny.write(tmp_path, frame=frame, reference=36))
    scores = sg.compare(sg.fetch(case, data=tmp_path / "data"))
    rows = scores.evidence[scores.evidence["signal"] == "added text"]
    both = (rows["user_a"] == tiny.NAMES[0]) & (rows["user_b"] == tiny.NAMES[1])
    assert rows.loc[both, "status"].tolist() == ["insufficient"]
    assert rows.loc[both, "contribution"].isna().all()
    assert set(rows.loc[~both, "status"]) == {"ok"}
    assert scores.calibration["machine_writing"] == dict.fromkeys(tiny.NAMES[:2], 1)
    corpus = compile_edits(validate("edits", _numbered(frame)))
    assert _read(corpus, tiny.NAMES[0]) > 0
    histories = of_accounts(corpus, tiny.NAMES[:3])
    vectors = term_vectors(writing_bag(corpus), histories, Weighting("delta", shrink=SHRINK))
    alike = similarity(vectors, vectors)  # what is measured again without a week, too
    assert np.isnan(alike[0, 1])
    assert not np.isnan(alike[0, 2])


def _numbered(frame):
    return frame.assign(wiki="fernwick.example", hidden=[[] for _ in range(len(frame))])


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("As an AI language model, I cannot say.", True),
        ("作为一个人工智能语言模型，我不能说。", True),
        ("so it was turn0search4 told", True),
        ("[https://a.example/?utm_source=chatgpt.com the mill] stood here", True),
        ("[https://a.example/?utm_source=newsletter the mill] stood here", False),
        ("You said: it is a model, as of my last edit.", False),
        ("大型語言模型是一種模型。", False),
        ("The barn served as a large model of the mill.", False),
        ("You said:\nthe mill was sold", False),
        ("Director: Ann Reed\nAssistant:\nRob Cole", False),
        ("ChatGPT said:\nthe mill was sold", True),
    ],
)
def test_marks_of_machine_writing_outlive_the_cutting(text, marked):
    assert bool(MACHINE.search(own_words(text))) == marked


def test_text_without_spaces_is_read():
    said = {"某": "水車很舊去年春天賣掉了", "乙": "磨坊在堤壩旁邊已經三百年"}
    lines = {user: [f"{text}第{n}次。" for n in range(60)] for user, text in said.items()}
    corpus = _writers(lines)
    assert writing_bag(corpus).n_accounts == 2
    assert _read(corpus, "某") == sum(map(len, lines["某"]))


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ('kind = "table"\npath = "e.csv"', "all"),
        ('kind = "table"\npath = "e.csv"\ntexts = "said.parquet"', "all"),
        ('kind = "table"\npath = "e.csv"\ntexts = "posts"', "posts"),
        ('kind = "xml"\npath = "d.xml"', "none"),
        (WIKI, "none"),
        (f'{WIKI}texts = "posts"', "posts"),
    ],
)
def test_a_case_says_what_is_read(write_case, source, reads):
    assert write_case(source).source.reads == reads


@pytest.mark.parametrize(
    "source", [f'{WIKI}texts = "post"', 'kind = "history"\npath = "d.tsv"\ntexts = "all"']
)
def test_what_cannot_be_read_is_refused(write_case, source):
    with pytest.raises(CaseError, match="texts"):
        write_case(source)


DUMP = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">
<siteinfo><sitename>T</sitename><dbname>t</dbname></siteinfo>
<page><title>Talk:River</title><ns>1</ns><id>9</id>{talk}</page>
<page><title>River</title><ns>0</ns><id>1</id>{article}</page></mediawiki>"""
ROW = """<revision><id>{id}</id>{parent}<timestamp>2024-05-0{id}T10:00:00Z</timestamp>
<contributor><username>Heron</username><id>4</id></contributor>{text}</revision>"""


def _revision(number, text, parent=0):
    told = f"<parentid>{parent}</parentid>" if parent else ""
    return ROW.format(id=number, parent=told, text=text)


def test_a_dump_with_texts_tells_what_each_edit_added(write_case, tmp_path):
    talk = [
        _revision(1, "<text>First words.</text>"),
        _revision(2, "<text>First words.\nAnd then some.</text>", 1),
        _revision(3, '<text deleted="deleted" />', 2),
        _revision(4, "<text>First words.\nMore.</text>", 3),
        _revision(5, f"<text>{'x' * (LARGEST + 1)}</text>", 4),
    ]
    article = [_revision(6, "<text>Of the article.</text>")]
    (tmp_path / "dump.xml").write_text(DUMP.format(talk="".join(talk), article="".join(article)))
    source = 'kind = "xml"\npath = "dump.xml"\n'
    posts = DumpSource(write_case(f'{source}texts = "posts"'), tmp_path / "raw")
    said = posts.read(["Heron"]).edits["text"].fillna("-").tolist()
    assert said == ["First words.", "And then some.", "-", "-", "-", "-"]
    counts = posts.provenance()["counts"]
    assert counts["texts hidden, or not beside the one before"] == 2
    assert counts["texts of pages too large to read"] == 1
    everything = DumpSource(write_case(f'{source}texts = "all"'), tmp_path / "raw")
    assert everything.read(["Heron"]).edits["text"].tolist()[-1] == "Of the article."
    silent = DumpSource(write_case(source), tmp_path / "raw")
    assert silent.read(["Heron"]).edits["text"].isna().all()


def test_who_brings_back_an_earlier_text_of_a_dump_has_not_written_it(write_case, tmp_path):
    talk = [
        _revision(1, "<text>A long tale of the river, told by somebody.</text>"),
        _revision(2, "<text>Nothing stays here.</text>", 1),
        _revision(3, "<text>A long tale of the river, told by somebody.</text>", 2),
    ]
    (tmp_path / "dump.xml").write_text(DUMP.format(talk="".join(talk), article=""))
    case = write_case('kind = "xml"\npath = "dump.xml"\ntexts = "posts"')
    source = DumpSource(case, tmp_path / "raw")
    said = source.read(["Heron"]).edits["text"].fillna("-").tolist()
    assert said == ["A long tale of the river, told by somebody.", "Nothing stays here.", "-"]
    assert source.provenance()["counts"]["texts that bring back an earlier one"] == 1


PARENT, POST, HIDDEN, GONE = 1, 2, 3, 4
SAID = {PARENT: "== River ==\nIt flows.", POST: "== River ==\nIt flows.\n: Does it? ~~~~"}


def _wiki_edits():
    row = {"user": "Heron", "ns": 1, "size_diff": 60, "parent_id": PARENT, "hidden": []}
    rows = [row | {"rev_id": n} for n in (POST, HIDDEN, GONE)]
    return _edits([*rows, row | {"rev_id": 5, "ns": 0}, row | {"rev_id": 6, "size_diff": -9}])


def _answering(*, slots=True, refusing=False):
    def answer(params):
        if "revids" not in params:
            return say({"query": {"pages": []}})
        if refusing and "rvslots" in params:
            fault = 'Unrecognized value for parameter "rvslots": main.'
            return say({"error": {"code": "badvalue", "info": fault}})
        asked = {int(n) for n in params["revids"].split("|")}
        rows = []
        for number in sorted(asked & {PARENT, POST}):
            said = {"contentmodel": "wikitext", "content": SAID[number]}
            rows.append({"revid": number} | ({"slots": {"main": said}} if slots else said))
        rows += [{"revid": HIDDEN, "texthidden": True, "slots": {"main": {"texthidden": True}}}]
        page = {"pageid": 9, "ns": 1, "title": "Talk:River", "revisions": rows}
        return say({"query": {"pages": [page], "badrevids": {str(GONE): {"revid": GONE}}}})

    return answer


@pytest.mark.parametrize("how", [{}, {"slots": False}, {"refusing": True, "slots": False}])
def test_a_wiki_tells_what_posts_added(write_case, tmp_path, capsys, how):
    with faulty_wiki() as wiki:
        wiki.otherwise = _answering(**how)
        case = write_case(f'{WIKI}texts = "posts"', wiki.host)
        source = MediaWikiSource(case, RawAnswers(tmp_path / "raw"))
        told = source.with_texts(_wiki_edits())
        assert told["text"].fillna("-").tolist() == ["Does it?", "-", "-", "-", "-"]
        assert source.traffic()["requests"]["texts"] == 1
        assert "1 requests for what 4 revisions say" in capsys.readouterr().err
        counts = source._counts
        assert counts["texts: read"] == 1
        assert counts["texts: hidden or deleted since, or the one before is"] == 2
        again = MediaWikiSource(case, RawAnswers(tmp_path / "raw"), offline=True)
        if "refusing" not in how:
            assert again.with_texts(_wiki_edits()).equals(told)
    assert not capsys.readouterr().err


def test_a_wiki_that_fails_is_not_read_as_one_without_texts(write_case, tmp_path):
    with faulty_wiki() as wiki:
        wiki.otherwise = lambda _: say({"error": {"code": "readapidenied", "info": "no"}})
        case = write_case(f'{WIKI}texts = "posts"', wiki.host)
        with pytest.raises(FetchError):
            MediaWikiSource(case, RawAnswers(tmp_path / "raw")).with_texts(_wiki_edits())


def test_requests_are_bounded_and_every_account_is_read_alike():
    n = 500
    frame = pd.DataFrame({"user": [f"Reader {k % 400}" for k in range(400 * n // 10)]})
    frame = frame.assign(rev_id=np.arange(len(frame)) + 10, parent_id=np.arange(len(frame)) + 9)
    frame = frame.assign(ns=1, size_diff=90, hidden=[[] for _ in range(len(frame))])
    sizes = {10: LARGEST + 1}
    chosen, counts = pages._chosen(_edits(frame.to_dict("records")), sizes, "posts", 300 * 50)
    assert 2 * len(chosen) <= 300 * 50
    assert set(chosen["user"].value_counts()) == {18}
    assert 10 not in set(chosen["rev_id"])
    assert counts["texts: on pages too large to read"] == 1


@pytest.mark.wiki
@pytest.mark.mediawiki("1.39", "1.43")
def test_a_real_wiki_gives_what_posts_added(wiki_case, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "LEAST", 1)
    path = wiki_case("Amber Wren", "Dune Wren")
    text = path.read_text().replace("[source]\n", '[source]\ntexts = "posts"\n')
    path.write_text(text)
    source = MediaWikiSource(load_case(path), RawAnswers(tmp_path / "raw"))
    edits = source.read(["Amber Wren", "Dune Wren"]).edits
    told = source.with_texts(edits)
    posts = told[(told["ns"] == 1) & (told["size_diff"] > 0)]
    past = history.build()
    written = {
        (title, pd.Timestamp(at).floor("s")): f"{who} wrote on {at:%d %B}"
        for title, rows in past.pages.items()
        for at, who, _ in rows
    }
    assert len(posts) > 5
    assert told.loc[told["ns"] == 0, "text"].isna().all()
    read = posts.dropna(subset=["text"])
    assert len(read) > len(posts) / 2
    for row in read.itertuples():
        assert row.text.strip(" .") in written[row.title, row.timestamp]
    assert source.traffic()["requests"]["texts"] <= 1 + 2 * len(posts) // 50
    again = MediaWikiSource(load_case(path), RawAnswers(tmp_path / "raw"), offline=True)
    assert again.with_texts(edits).equals(told)
