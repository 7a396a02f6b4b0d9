"""Files of the kinds that people bring: read right, or refused in words."""

import re
from pathlib import Path

import pandas as pd
import pytest
from files_fixture import EACH, PEOPLE, counts, rows
from typer.testing import CliRunner

from sockgraph.case import load_case
from sockgraph.cli import app
from sockgraph.errors import SourceError, TableError
from sockgraph.names import says_bot
from sockgraph.report.facts import events_of
from sockgraph.sources import TableSource
from sockgraph.sources.cleaning import DAYS_ONLY

# --- whose an edit is


@pytest.mark.parametrize(
    "other",
    ["Fern_Alder", "Fern Alder\u200e", "fern Alder", "Fern  Alder ", "\ufeffFern Alder"],
)
@pytest.mark.parametrize("ids", [True, False])
def test_an_account_in_two_spellings_is_one(table, other, ids):
    frame = rows()
    frame.loc[frame.index % 6 == 0, "user"] = other
    source = table(frame if ids else frame.drop(columns="user_id"))
    assert counts(source) == EACH
    assert source.provenance()["counts"] == {"rows whose account was spelt otherwise": 6}
    assert "2 ways" in source.read(["Fern Alder"]).coverage[0].note


def test_what_is_spelt_in_one_way_stays_so(table):
    source = table(rows("fern_alder", "Moss_Birch\u200e", "Reed Cole"), names=["fern_alder"])
    assert counts(source) == {"fern_alder": 12, "Moss_Birch": 12, "Reed Cole": 12}
    asked = ["fern_alder", "Moss Birch", "Fern alder"]
    assert list(source.resolve(asked).values()) == ["fern_alder", "Moss_Birch", "fern_alder"]


def test_decomposed_characters_are_the_composed_ones(table):
    frame = rows("Élan", "E\u0301lan", "Reed Cole").drop(columns="user_id")
    assert counts(table(frame, names=["Élan"])) == {"Élan": 24, "Reed Cole": 12}


def test_small_first_letters_stay_where_the_wiki_tells_them_apart(table):
    frame = rows("heron", "Heron", "moth").drop(columns="user_id")
    assert counts(table(frame, names=["heron"])) == {"heron": 12, "Heron": 12, "moth": 12}


def test_a_name_that_was_taken_over_gives_nobody_anothers_edits(table):
    frame = rows()
    early = frame.index < 18
    frame.loc[early & (frame["user"] == "Fern Alder"), "user_id"] = 9
    source = table(frame)
    assert counts(source) == {
        "Moss Birch": 12, "Reed Cole": 12, "Fern Alder": 6, "Fern Alder (account 9)": 6,
    }  # fmt: skip
    assert "6 edits under this name" in source.read(["Fern Alder"]).coverage[0].note


def test_a_renamed_account_goes_by_its_newest_name(table):
    frame = rows()
    frame.loc[(frame.index < 18) & (frame["user"] == "Fern Alder"), "user"] = "Fern Oak"
    assert counts(table(frame)) == EACH


def test_an_id_of_several_accounts_at_once_is_refused(table):
    with pytest.raises(TableError, match="user_id 7 stands for several accounts at once"):
        table(rows().assign(user_id=7))


@pytest.mark.parametrize(
    ("name", "number"),
    [("Anonymous", 0), ("Reed Cole", 0), ("imported>Reed Cole", 3), ("w>Reed Cole", 3),
     ("MediaWiki message delivery", 3), ("Unknown user", 3), (" ", 3),
     ("192.0.2.xxx", 3), ("2001:db8::7", 3)],
)  # fmt: skip
def test_who_is_no_account_is_left_out_and_counted(table, name, number):
    frame = rows(*PEOPLE[:2], name)
    frame.loc[frame["user"] == name, "user_id"] = number
    source = table(frame)
    assert counts(source) == dict.fromkeys(PEOPLE[:2], 12)
    assert 12 in source.dropped.values()


@pytest.mark.parametrize("name", ["~2025-12345-67", "~2026-3", "*Unregistered 17"])
def test_a_nominated_temporary_account_is_called_one(table, name):
    source = table(rows("Fern Alder", name, "Reed Cole"), names=["Fern Alder", name])
    with pytest.raises(SourceError, match=re.escape(f"{name} (12 rows): it is a temporary")):
        source.resolve(["Fern Alder", name])


def test_bots_go_by_flag_and_else_by_a_name_that_is_nobodys():
    people = ("Talbot", "Ann Cabot", "Abbot", "Botany", "Иван Талбот", "Robotham")
    bots = (
        "Tidy Bot",
        "TidyBOT",
        "Tidybot",
        "みどりボット",
        "翻譯機器人",
        "清理机器人",
        "Чистобот",
        "번역봇",
    )
    assert [name for name in (*people, *bots) if says_bot(name)] == list(bots)


def test_a_flag_says_more_than_a_name(table, tmp_path):
    known = [("Tidybot", []), ("Moss Birch", ["bot"]), ("Reed Cole", [])]
    pd.DataFrame(known, columns=["user", "groups"]).assign(wiki="wiki.example").to_parquet(
        tmp_path / "accounts.parquet"
    )
    frame = rows("Tidybot", "Moss Birch", "Reed Cole")
    source = table(frame, names=["*"], more='accounts = "accounts.parquet"')
    assert source.everyone() == ["Reed Cole", "Tidybot"]


def test_a_table_of_accounts_says_who_is_temporary(table, tmp_path):
    known = pd.DataFrame([("Guest 7", ["temp"]), ("Reed Cole", [])], columns=["user", "groups"])
    known.assign(wiki="wiki.example").to_parquet(tmp_path / "accounts.parquet")
    more, frame = 'accounts = "accounts.parquet"', rows("Guest 7", "Moss Birch", "Reed Cole")
    source = table(frame, names=["*"], more=more)
    assert source.everyone() == ["Moss Birch", "Reed Cole"]
    assert source.dropped["temporary accounts, by group"] == 1
    near = table(frame, names=["Moss Birch"], more=more)
    assert list(near.neighbours(near.read(["Moss Birch"]).edits)["user"]) == ["Reed Cole"]


@pytest.mark.parametrize(
    ("event", "out"),
    [
        (("globalauth", "setstatus", '{"added": ["locked"]}', "Cross-wiki abuse"), True),
        (("globalauth", "setstatus", '["locked", "(none)"]', ""), True),
        (("globalauth", "setstatus", '{"removed": ["locked"]}', "Mistake"), False),
        (("gblblock", "gblock", "{}", "Spam"), True),
        (("gblblock", "gunblock", "{}", "Mistake"), False),
        (("gblblock", "gunblock", "{}", "No sockpuppet"), False),
        (("gblblock", "whitelist", "{}", "No sockpuppet here"), False),
        (("block", "unblock", "{}", "No sockpuppet"), False),
        (("block", "block", "{}", "Sockpuppetry"), True),
        (("block", "block", "{}", "Vandalism"), False),
        (("block", "block", "{[1]: 2}", "Sockpuppetry"), True),  # no cell stops the reading
        (("block", "block", "[" * 100_000, "Sockpuppetry"), True),
        (("block", "block", '{"sitewide": false}', "Sockpuppetry"), False),
    ],
)
def test_blocks_and_locks_of_a_file_s_log_keep_out_of_the_reference(table, tmp_path, event, out):
    at = pd.Timestamp("2024-04-01T00:00:00Z")
    columns = ["type", "action", "params", "comment"]
    log = pd.DataFrame([event], columns=columns).assign(
        wiki="wiki.example", log_id=1, timestamp=at, actor="Clerk", target="User:Reed Cole@global"
    )
    log.to_parquet(tmp_path / "log.parquet")
    source = table(rows(), more='log_events = "log.parquet"')
    assert source.blocked_as_sock(["Reed Cole", "Moss Birch"]) == ({"Reed Cole"} if out else set())


BARE = {"log_id": 1, "actor_name": "Clerk", "log_namespace": 2, "comment_text": "Spam"}
OURS = {"log_id": 1, "actor": "Clerk", "timestamp": "2024-04-01T00:00:00Z", "comment": "Spam"}


@pytest.mark.parametrize(
    ("row", "target", "words"),
    [
        (
            {
                **BARE, "log_type": "block", "log_action": "block", "log_title": "Moss_Birch",
                "log_timestamp": "20240401000000",
                "log_params": 'a:2:{s:11:"5::duration";s:6:"3 days";s:8:"sitewide";b:0;}',
            },
            "Moss Birch",
            ["parts of the wiki, 3 days, 2024-04-01"],
        ),
        (
            {
                **BARE, "log_type": "globalauth", "log_action": "setstatus",
                "log_title": "Moss_Birch@global", "log_timestamp": "20240401000000",
                "log_params": 'a:1:{s:5:"added";a:1:{i:0;s:6:"locked";}}',
            },
            "Moss Birch",
            ["locked 2024-04-01"],
        ),
        (
            {
                **OURS, "type": "gblblock", "action": "gblock", "target": "用户:Moss_Birch",
                "params": '{"expiry": "infinity"}',
            },
            "Moss Birch",
            ["on all wikis, indefinitely, 2024-04-01"],
        ),
        (
            {
                **OURS, "type": "renameuser", "action": "renameuser", "target": "User:Old Moss",
                "params": '{"olduser": "Old Moss", "newuser": "Moss Birch"}',
            },
            "User:Old Moss",
            ["2024-04-01"],
        ),
    ],
)  # fmt: skip
def test_a_log_as_people_have_it_stands_on_the_account_s_line(table, tmp_path, row, target, words):
    pd.DataFrame([row, {**row, "log_id": 2, "log_title": "X", "target": "X", "params": "{}",
                        "log_params": "a:0:{}"}])[list(row)].to_csv(
        tmp_path / "log.csv", index=False
    )  # fmt: skip
    told = table(rows(), more='log_events = "log.csv"').log_events(["Moss Birch", "Reed Cole"])
    assert told["target"].tolist() == [target]
    assert [e.words for e in events_of(["Moss Birch"], told)["Moss Birch"]] == words


# --- which page, which wiki


def test_a_title_in_two_namespaces_is_two_pages(table):
    frame = rows().drop(columns="page_id")
    frame["title"] = frame["title"].str.removeprefix("Talk:").str.replace(" ", "_")
    titles = set(table(frame)._raw["title"])
    assert titles == {"Mill pond", "Talk:Mill pond", "Old weir", "Stone bridge"}


def test_titles_that_say_their_namespace_stay_as_they_are(table):
    frame = rows()
    frame["title"] = frame["title"].str.replace("Talk:", "Diskussion:")
    titles = set(table(frame)._raw["title"])
    assert titles == {"Mill pond", "Diskussion:Mill pond", "Old weir", "Stone bridge"}


@pytest.mark.parametrize("column", ["wiki", "wiki_db"])
def test_rows_of_another_wiki_are_left_out_and_counted(table, column):
    ours, other = ("de.wikipedia.org", "en.wikipedia.org")
    if column == "wiki_db":
        ours, other = "dewiki", "enwiki"
    frame = rows()
    frame[column] = [ours if n % 2 else other for n in frame.index]
    source = table(frame, wiki="de.wikipedia.org")
    assert len(source._raw) == 18
    assert source.dropped["rows of other wikis"] == 18
    with pytest.raises(TableError, match="several wikis"):
        table(frame, wiki="fr.wikipedia.org")


# --- CSV and Parquet as tools write them


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_dialect_of_csv_is_read(table, delimiter, encoding):
    text = rows().assign(comment="café; a, b").to_csv(index=False, sep=delimiter)
    source = table(text.encode(encoding))
    assert counts(source) == EACH
    assert set(source._raw["comment"]) == {"café; a, b"}


def test_what_excel_writes_for_itself_is_passed_over(table):
    assert counts(table(b"sep=;\r\n" + rows().to_csv(index=False, sep=";").encode())) == EACH


def test_another_encoding_is_called_what_it_is(table):
    text = rows().assign(comment="café").to_csv(index=False)
    at = text.encode("cp1252").index(b"\xe9")
    with pytest.raises(TableError, match=rf"it is not UTF-8 \(byte {at}\)"):
        table(text.encode("cp1252"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"PK\x03\x04\x14\x00", "a spreadsheet or a ZIP file"),
        (b"PAR1\x15\x04", "it is Parquet"),
        (b"<!DOCTYPE html><p>Log in", "a web page"),
        (b'[{"revid": 1}]', "it is JSON"),
        ("user,timestamp".encode("utf-16-le"), "NUL bytes"),
    ],
)
def test_what_is_no_csv_is_called_what_it_is(table, content, said):
    with pytest.raises(TableError, match=said):
        table(content)


@pytest.mark.parametrize("column", ["ns", "size", "size_diff", "page_id", "parent_id"])
def test_words_where_numbers_belong_are_refused(table, column):
    with pytest.raises(TableError, match=f"{column} holds '1,234', which is no number"):
        table(rows().assign(**{column: ["1,234", *["1"] * 35]}))


def test_a_row_that_is_not_whole_is_called_one(table):
    text = rows().to_csv(index=False).encode()
    with pytest.raises(TableError, match="Expected 9 columns, got 3"):
        table(text + b"1,2,3\n")


@pytest.mark.parametrize(
    "shown",
    ['["mobile edit", "visualeditor"]', "['mobile edit', 'visualeditor']",
     "['mobile edit' 'visualeditor']", "mobile edit,visualeditor"],
)  # fmt: skip
def test_lists_are_read_however_a_tool_shows_them(table, shown):
    tags = table(rows().assign(tags=shown, hidden="[]"))._raw["tags"]
    assert tags.tolist() == [["mobile edit", "visualeditor"]] * 36


def test_what_looks_like_a_list_and_is_none_is_refused(table):
    with pytest.raises(TableError, match=r"tags holds .*, which is no list"):
        table(rows().assign(tags="[mobile edit, 5]"))


def test_our_own_table_comes_back_through_csv(table):
    first = table(rows().assign(tags='["mobile edit"]'))._raw
    again = table(first)._raw
    pd.testing.assert_frame_equal(first, again)


def test_what_quarry_gives_is_read(table):
    frame = rows()
    frame["title"] = frame["title"].str.removeprefix("Talk:").str.replace(" ", "_")
    frame["timestamp"] = frame["timestamp"].str.replace(r"\D", "", regex=True)
    names = {
        "user": "actor_name", "user_id": "actor_user", "title": "page_title",
        "ns": "page_namespace", "timestamp": "rev_timestamp", "comment": "comment_text",
    }  # fmt: skip
    source = table(frame.drop(columns="page_id").rename(columns=names).assign(rev_deleted=2))
    assert counts(source) == EACH
    assert source._raw["title"].nunique() == 4
    assert source._raw["timestamp"].min() == pd.Timestamp("2024-03-01T00:00:00Z")
    assert source._raw["hidden"].tolist() == [["comment"]] * 36


@pytest.mark.parametrize("kind", ["int", "float", "bytes", "category"])
def test_names_that_are_no_text_are_read_as_text(table, kind):
    frame = rows(1000, 1001, 1002)
    frame["user"] = {
        "int": frame["user"],
        "float": frame["user"].astype(float),
        "bytes": frame["user"].map(lambda n: str(n).encode()),
        "category": frame["user"].astype("category"),
    }[kind]
    source = table(frame, "edits.parquet", names=["1000", "1001"])
    assert counts(source) == {"1000": 12, "1001": 12, "1002": 12}


def test_a_folder_of_parts_is_one_table(case, tmp_path):
    folder = tmp_path / "edits.parquet"
    folder.mkdir()
    rows()[:20].to_parquet(folder / "part-0.parquet")
    rows()[20:].to_parquet(folder / "part-1.parquet")
    (folder / "_SUCCESS").touch()
    source = TableSource(load_case(case("edits.parquet")))
    assert counts(source) == EACH
    assert set(source.provenance()["files"]) == {
        "edits.parquet/_SUCCESS", "edits.parquet/part-0.parquet", "edits.parquet/part-1.parquet",
    }  # fmt: skip


def test_rows_that_stand_twice_are_found_before_they_are_numbered(table):
    frame = pd.concat([rows(), rows()]).drop(columns="rev_id")
    source = table(frame)
    assert counts(source) == EACH
    assert source.dropped["rows that stand twice"] == 36


def test_days_without_times_are_said_to_be_that(table):
    frame = rows()
    frame["timestamp"] = frame["timestamp"].str[:10]
    source = table(frame)
    assert source.provenance()["notices"] == [DAYS_ONLY]
    mixed = rows()
    mixed.loc[4, "timestamp"] = "2024-03-01"
    with pytest.raises(TableError, match=r"1 of 36 rows have a day and no time \(first: row 5\)"):
        table(mixed)


def test_no_hours_are_read_from_days(case, tmp_path):
    frame = rows(each=60)
    frame["timestamp"] = frame["timestamp"].str[:10]
    frame.to_csv(tmp_path / "edits.csv", index=False)
    command = ["run", str(case("edits.csv")), "--data", str(tmp_path / "data")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "whole days" in " ".join(done.output.split())
    evidence = pd.read_parquet(tmp_path / "data" / "processed" / "case" / "evidence.parquet")
    timed = evidence[evidence["family"] == "time"]
    assert len(timed) > 3
    assert set(timed["status"]) <= {"not_available", "insufficient"}
    assert pd.read_parquet(Path(tmp_path) / "data/processed/case/alibis.parquet").empty


def test_a_second_column_of_users_that_says_otherwise_is_said(table):
    frame = rows()
    source, same = table(frame.assign(**{"Actor name": frame["user"]})), "Actor name"
    assert source.provenance()["notices"] == []
    frame[same] = frame["user"].str.replace(" ", "_").where(frame.index > 1, "Somebody else")
    frame.loc[5, same] = None  # which names nobody
    (said,) = table(frame).provenance()["notices"]
    assert said == (
        "Two columns of the table name users: Actor name was left unread, and names another user"
        " in 2 of 36 rows."
    )
