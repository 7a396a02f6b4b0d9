"""Single revisions, asked for again: what each changed, and what the wiki shows of it no more.

What edits changed is for people who review: read one by one, kept, and parsed. It lies in a folder
of its own, so that what a reviewer looks at changes neither the answers that the case's tables come
from nor the day that they were read. What the wiki has hidden or deleted since it was read is
removed here too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from sockgraph.runtime import Progress, silent
from sockgraph.sources.mediawiki.queries import NAMES_PER_REQUEST
from sockgraph.store import DIFFS
from sockgraph.store.raw_answers import RawAnswers, StoredAnswer, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sockgraph.sources.mediawiki.cache import CachedClient
    from sockgraph.sources.mediawiki.client import Connection

KIND = "diffs"
COMPARE = {"action": "compare", "torelative": "prev", "prop": "diff|ids", "curtimestamp": "1"}
NOT_SHOWN = frozenset({"missingcontent", "missingcontent-revid", "nosuchrevid"})
"""Errors that are an answer: the edit, or the one before it, is deleted or hidden."""
Kind = Literal["same", "ins", "del"]
Piece = tuple[str, str]
CONTEXT = 60  # characters of unchanged text kept on either side of a change
EMPTY_LINE = "\xa0"  # how MediaWiki fills a cell whose line is empty
KINDS = frozenset({"contributions", "discussions", "page histories", "revisions", "texts"})
PROSE = frozenset({"comment", "blockreason", "reason", "content", "*", "body"})
"""Fields that hold sentences; in all others a name stands whole."""
TELLING = 6
"""Letters from which on a name is taken for itself wherever it stands in a sentence."""
SHOWN = {"action": "query", "prop": "revisions", "rvprop": "ids|user|comment|sha1"}
_SIDES: dict[str, Kind] = {"diff-deletedline": "del", "diff-addedline": "ins"}


@runtime_checkable
class DiffSource(Protocol):
    """A source that can show what an edit changed."""

    def diffs(self, rev_ids: Sequence[int], *, wiki: str | None = None) -> dict[int, str]:
        """Return, from a wiki's revision to the HTML rows of `action=compare`, what is held."""


def stored_diffs(raw: RawAnswers) -> RawAnswers:
    """Return the diffs that are kept beside a case's answers."""
    return RawAnswers(raw.folder / DIFFS)


def read_diffs(asker: CachedClient, rev_ids: Sequence[int]) -> dict[int, str]:
    """Return what edits changed, asking only for what is not stored; offline for nothing.

    Parameters
    ----------
    asker
        The wiki and the case's answers.
    rev_ids
        The edits.

    Returns
    -------
    dict
        From revision to the HTML rows of `action=compare` with the revision before it; with
        nothing, for the first of a page. What is deleted or hidden is absent, and so is, offline,
        what was never asked for.

    Raises
    ------
    FetchError
        If the wiki does not answer; what was answered until then is kept.
    """
    wanted = list(dict.fromkeys(map(int, rev_ids)))
    raw = stored_diffs(asker.raw)
    held = _held(raw)
    missing = [] if asker.offline else [rev for rev in wanted if rev not in held]
    if missing:
        with raw.locked():
            held = _held(raw)
            for number, rev in enumerate(missing):
                asker.progress(KIND, number, len(missing))
                if rev not in held:
                    held[rev] = _fetch(asker, raw, rev)
        asker.progress(KIND, len(missing), len(missing))
    told = {rev: compared(raw, held[rev]).get("body") for rev in wanted if rev in held}
    return {rev: body for rev, body in told.items() if body is not None}


def compared(raw: RawAnswers, entry: StoredAnswer) -> dict[str, Any]:
    """Return what a stored answer compares; empty where the wiki does not show it."""
    return dict(json.loads(raw.body(entry)).get("compare", {}))


def remove_diffs(raw: RawAnswers, now: Mapping[int, Mapping[str, Any] | None]) -> int:
    """Blank every stored diff that holds text of a revision that is hidden or deleted now.

    Parameters
    ----------
    raw
        The diffs.
    now
        Flags of the revisions that are no longer wholly shown; null where one is gone.

    Returns
    -------
    int
        Diffs blanked.
    """
    kept = [(entry, compared(raw, entry)) for entry in raw.entries()]
    touched = [(e, shown) for e, shown in kept if "body" in shown and _hides(shown, now)]
    for entry, shown in touched:
        left = {"compare": {k: v for k, v in shown.items() if k != "body"}}
        raw.redact(entry, json.dumps(left, ensure_ascii=False).encode(), rows=1)
    return len(touched)


def compared_revisions(raw: RawAnswers) -> set[int]:
    """Return every revision whose text stands in a stored diff."""
    return {rev for entry in raw.entries() for rev in _sides(compared(raw, entry))}


def _hides(shown: Mapping[str, Any], now: Mapping[int, Mapping[str, Any] | None]) -> bool:
    states = [now[rev] for rev in _sides(shown) if rev in now]
    return any(state is None or state.get("sha1hidden") for state in states)


def _sides(shown: Mapping[str, Any]) -> Iterator[int]:
    if "body" in shown:
        yield from (int(shown[side]) for side in ("fromrevid", "torevid") if shown.get(side))


def _held(raw: RawAnswers) -> dict[int, StoredAnswer]:
    return {int(entry.subjects[0]): entry for entry in raw.entries()}


def _fetch(asker: CachedClient, raw: RawAnswers, rev: int) -> StoredAnswer:
    params = {**COMPARE, "fromrev": str(rev)}
    body = asker.connection.ask(
        params, kind=KIND, what=f"the diff of {rev}", found=["compare"], settled=NOT_SHOWN
    )
    answer = json.loads(body)
    entry = StoredAnswer(
        api=asker.connection.api, params=params, kind=KIND, question=digest([KIND, COMPARE]),
        subjects=(str(rev),), chain=digest([asker.connection.api, params]), number=0,
        following=None, round=0, rows=int("compare" in answer),
        answered=answer.get("curtimestamp"), fetched=f"{asker.clock():%Y-%m-%dT%H:%M:%SZ}",
    )  # fmt: skip
    return raw.put(entry, body)


def parse_diff(html: str) -> list[Piece]:
    """Return the changes of a diff, a line of the page after the other.

    Parameters
    ----------
    html
        Table rows as `action=compare` gives them, with `diffchange` marks inside changed lines.

    Returns
    -------
    list of (kind, text)
        `same`, `ins` or `del`; unchanged text is cut to what stands beside a change.

    Examples
    --------
    >>> parse_diff('<tr><td class="diff-addedline"><div>a <b>new</b> line</div></td></tr>')
    [('ins', 'a new line')]
    """
    reader = _Rows()
    reader.feed(html)
    reader.close()
    found: list[Piece] = []
    for sides in reader.rows:
        line = _woven(*([] if _unchanged(side) == EMPTY_LINE else side for side in sides))
        if any(kind != "same" for kind, _ in line):
            found += [("same", "\n")] if found else []
            found += [_cut(line, i) for i in range(len(line))]
    return [piece for piece in found if piece[1]]


class _Rows(HTMLParser):
    """Collects, row by row, the pieces of the old and the new side."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[tuple[list[Piece], list[Piece]]] = []
        self._side: Kind | None = None
        self._changed = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = set((dict(attrs).get("class") or "").split())
        if tag == "tr":
            self.rows.append(([], []))
        elif tag == "td":
            self._side = next((s for name, s in _SIDES.items() if name in classes), None)
        elif tag in ("ins", "del"):
            self._changed += 1

    def handle_endtag(self, tag: str) -> None:
        if tag == "td":
            self._side = None
        elif tag in ("ins", "del"):
            self._changed = max(0, self._changed - 1)

    def handle_data(self, data: str) -> None:
        if self._side and self.rows:
            side = self.rows[-1][self._side == "ins"]
            side.append((self._side if self._changed else "same", data))


def _woven(old: list[Piece], new: list[Piece]) -> list[Piece]:
    """Put the two sides of a line into one; a side that stands alone is all change."""
    if not old or not new:
        kind = "ins" if new else "del"
        return [(kind, "".join(text for _, text in old or new))] if old or new else []
    if _unchanged(old) != _unchanged(new):  # not the two sides of one line
        return [("del", "".join(t for _, t in old)), ("ins", "".join(t for _, t in new))]
    return _merged(old, new)


def _merged(old: list[Piece], new: list[Piece]) -> list[Piece]:
    """Walk along both sides, whose unchanged texts are equal, taking changes where they stand."""
    left, right = list(old), list(new)
    line: list[Piece] = []
    while left or right:
        if left and left[0][0] == "del":
            line.append(left.pop(0))
        elif right and right[0][0] == "ins":
            line.append(right.pop(0))
        else:
            (_, a), (_, b) = left.pop(0), right.pop(0)
            n = min(len(a), len(b))
            line.append(("same", a[:n]))
            left[:0] = [("same", a[n:])] if a[n:] else []
            right[:0] = [("same", b[n:])] if b[n:] else []
    return line


def _unchanged(pieces: Iterable[Piece]) -> str:
    return "".join(text for kind, text in pieces if kind == "same")


def _cut(line: list[Piece], i: int) -> Piece:
    """Return a piece, unchanged text without what is far from any change."""
    kind, text = line[i]
    first, last = i == 0, i == len(line) - 1
    if kind != "same" or len(text) <= CONTEXT * (1 if first or last else 2):
        return kind, text
    head = "" if first else text[:CONTEXT]
    tail = "" if last else text[-CONTEXT:]
    return kind, f"{head}…{tail}"


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
        asked = {**SHOWN, "revids": "|".join(map(str, rev_ids)), **following}
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
