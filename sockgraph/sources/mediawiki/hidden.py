"""What the wiki has hidden or deleted since it was read is removed here too."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sockgraph.runtime import Progress, silent
from sockgraph.sources.mediawiki.diffs import compared_revisions, remove_diffs, stored_diffs
from sockgraph.sources.mediawiki.queries import NAMES_PER_REQUEST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sockgraph.sources.mediawiki.client import Connection
    from sockgraph.store.raw_answers import RawAnswers, StoredAnswer

KINDS = frozenset({"contributions", "discussions", "page histories", "revisions", "texts"})
PROSE = frozenset({"comment", "blockreason", "reason", "content", "*", "body"})
"""Fields that hold sentences; in all others a name stands whole."""
TELLING = 6
"""Letters from which on a name is taken for itself wherever it stands in a sentence."""
REQUEST = {"action": "query", "prop": "revisions", "rvprop": "ids|user|comment|sha1"}


@dataclass(frozen=True)
class HiddenReport:
    """What a look at every stored edit found.

    Attributes
    ----------
    checked
        Edits that were asked about.
    gone
        Edits that are deleted, or whose author is hidden now: removed.
    comments, texts
        Edits whose summary or text is hidden now: the summary removed, the text marked.
    answers
        Stored answers that were rewritten; diffs among them, of either side's text.
    """

    checked: int
    gone: int
    comments: int
    texts: int
    answers: int


def remove_hidden(
    connection: Connection, raw: RawAnswers, *, progress: Progress = silent
) -> HiddenReport:
    """Ask about every stored edit, and remove from the stored answers what the wiki shows no more.

    It is the one thing, beside a purge, that rewrites an answer; its first line then says how many
    rows were touched. Nothing of these requests is stored. Killed at any moment it leaves whole
    answers; run again it ends the same. Tables made before must be made again.
    """
    diffs = stored_diffs(raw)
    with raw.locked(), diffs.locked():
        entries = [entry for entry in raw.entries() if entry.kind in KINDS]
        listed = {row["revid"] for e in entries for row in _rows(json.loads(raw.body(e)))}
        known = sorted(listed | compared_revisions(diffs))
        now = _as_shown_now(connection, known, progress)
        rewritten = sum(_rewrite(raw, entry, now) for entry in entries) + remove_diffs(diffs, now)
    states = list(now.values())
    return HiddenReport(
        checked=len(known),
        gone=sum(_gone(state) for state in states),
        comments=sum(not _gone(s) and bool(s and s.get("commenthidden")) for s in states),
        texts=sum(not _gone(s) and bool(s and s.get("sha1hidden")) for s in states),
        answers=rewritten,
    )


def forget(raw: RawAnswers, name: str, cover: str) -> None:
    """Remove an account from every stored answer and diff: its name, and what it did.

    Parameters
    ----------
    name
        As the wiki wrote it.
    cover
        What stands in its place wherever others name it.
    """
    hide = _Cover(name, cover)
    for answers in (raw, stored_diffs(raw)):
        for entry in answers.entries():
            told: dict[str, Any] = {"params": dict(entry.params), "subjects": list(entry.subjects)}
            told["following"] = dict(entry.following) if entry.following else None
            value = json.loads(answers.body(entry))
            asked, answer = hide.within(told), hide.within(value)
            if (asked, answer) == (told, value):
                continue
            changed = replace(entry, **{**asked, "subjects": tuple(asked["subjects"])})
            body = json.dumps(_without(answer, cover), ensure_ascii=False)
            answers.rewrite(entry, changed, body.encode())


class _Cover:
    """Puts a cover in place of a name: in fields where it stands whole, in prose as a word.

    Parsed values are walked, never their JSON: a name can be `2019`, or hold a quotation mark. In
    prose a short common word is taken for the name only behind a colon, a bracket or an @.
    """

    def __init__(self, name: str, cover: str) -> None:
        spelt = "[ _]".join(re.escape(part) for part in name.split(" "))
        marked = "" if len(name) >= TELLING and not name.isdigit() else r"(?<=[:@\[])"
        self._cover = cover
        self._whole = re.compile(rf"((?:[^:|]*:)?){spelt}(/.*)?")
        self._word = re.compile(rf"(?<!\w){marked}{spelt}(?!\w)")

    def within(self, value: Any, key: str = "") -> Any:
        """Return a parsed answer with every text covered; `key` is the field it stands in."""
        if isinstance(value, dict):
            return {k: self.within(part, str(k)) for k, part in value.items()}
        if isinstance(value, list):
            return [self.within(part, key) for part in value]
        if not isinstance(value, str):
            return value
        if key in PROSE:
            return self._word.sub(lambda _: self._cover, value)
        return "|".join(self._field(part) for part in value.split("|"))

    def _field(self, text: str) -> str:
        found = self._whole.fullmatch(text)
        return text if found is None else f"{found[1]}{self._cover}{found[2] or ''}"


def _without(value: Any, cover: str) -> Any:
    """Leave out of every list the rows that are an account's own."""
    if isinstance(value, dict):
        return {key: _without(part, cover) for key, part in value.items()}
    if not isinstance(value, list):
        return value
    own = {cover, f"User:{cover}"}
    return [
        _without(part, cover)
        for part in value
        if not (isinstance(part, dict) and own & {part.get(k) for k in ("user", "name", "title")})
    ]


def _as_shown_now(
    connection: Connection, known: list[int], progress: Progress
) -> dict[int, Mapping[str, Any] | None]:
    """Return, of every edit that is no longer wholly shown, its flags; null where it is gone."""
    states: dict[int, Mapping[str, Any] | None] = {}
    for at in range(0, len(known), NAMES_PER_REQUEST):
        some = known[at : at + NAMES_PER_REQUEST]
        shown = _shown(connection, some)
        states |= {n: None for n in some if n not in shown}
        states |= {n: row for n, row in shown.items() if _partly(row)}
        progress("edits looked at again", at + len(some), len(known))
    return states


def _partly(row: Mapping[str, Any]) -> bool:
    return any(row.get(flag) for flag in ("commenthidden", "sha1hidden", "userhidden"))


def _gone(state: Mapping[str, Any] | None) -> bool:
    return state is None or bool(state.get("userhidden"))


def _shown(connection: Connection, rev_ids: list[int]) -> dict[int, Mapping[str, Any]]:
    """Ask about up to 50 edits, following the wiki where it parts its answer."""
    shown: dict[int, Mapping[str, Any]] = {}
    following: dict[str, str] = {}
    while True:
        asked = {**REQUEST, "revids": "|".join(map(str, rev_ids)), **following}
        body = connection.ask(
            asked, kind="hidden edits", what=f"{len(rev_ids)} edits", found=["pages", "badrevids"]
        )
        answer = json.loads(body)
        for row in _rows(answer):
            shown[row["revid"]] = row
        following = {k: str(v) for k, v in answer.get("continue", {}).items()}
        if not following:
            return shown


def _rewrite(
    raw: RawAnswers, entry: StoredAnswer, now: Mapping[int, Mapping[str, Any] | None]
) -> bool:
    if entry.kind != "discussions":  # there the revision stays in its page's course, unnamed
        now = {rev: None if _gone(state) else state for rev, state in now.items()}
    answer = json.loads(raw.body(entry))
    touched = sum(_changes(row, now) for row in _rows(answer))
    if not touched:
        return False
    query = answer["query"]
    if "usercontribs" in query:
        query["usercontribs"] = _left(query["usercontribs"], now)
    for page in query.get("pages", []):
        page["revisions"] = _left(page.get("revisions", []), now)
    raw.redact(entry, json.dumps(answer, ensure_ascii=False).encode(), rows=touched)
    return True


def _changes(row: Mapping[str, Any], now: Mapping[int, Mapping[str, Any] | None]) -> bool:
    if row["revid"] not in now:
        return False
    state = now[row["revid"]]
    return state is None or _marked(row, state) != row


def _left(
    rows: list[dict[str, Any]], now: Mapping[int, Mapping[str, Any] | None]
) -> list[dict[str, Any]]:
    kept = [row for row in rows if now.get(row["revid"], row) is not None]
    return [_marked(row, now.get(row["revid"]) or {}) for row in kept]


def _marked(row: Mapping[str, Any], state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row without what is hidden now, and flagged as a wiki flags it."""
    marked = dict(row)
    if state.get("commenthidden"):
        marked = {k: v for k, v in marked.items() if k != "comment"} | {"commenthidden": True}
    if state.get("sha1hidden"):
        marked = {k: v for k, v in marked.items() if k not in {"sha1", "slots", "content"}}
        marked |= {"texthidden": True}
    if state.get("userhidden"):
        marked = {k: v for k, v in marked.items() if k != "user"} | {"userhidden": True}
    return marked


def _rows(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the edits in an answer, of whichever of the two shapes."""
    query = answer.get("query", {})
    yield from query.get("usercontribs", [])
    for page in query.get("pages", []):
        yield from page.get("revisions", [])
