"""What single edits changed, for people who review: read one by one, kept, and parsed.

They lie in a folder of their own, so that what a reviewer looks at changes neither the answers that
the case's tables come from nor the day that they were read.
"""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from sockgraph.store.case_store import DIFFS
from sockgraph.store.raw_answers import RawAnswers, StoredAnswer, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sockgraph.sources.mediawiki.cache import CachedClient

KIND = "diffs"
REQUEST = {"action": "compare", "torelative": "prev", "prop": "diff|ids", "curtimestamp": "1"}
NOT_SHOWN = frozenset({"missingcontent", "missingcontent-revid", "nosuchrevid"})
"""Errors that are an answer: the edit, or the one before it, is deleted or hidden."""
Kind = Literal["same", "ins", "del"]
Piece = tuple[str, str]
CONTEXT = 60  # characters of unchanged text kept on either side of a change
EMPTY_LINE = "\xa0"  # how MediaWiki fills a cell whose line is empty
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
    params = {**REQUEST, "fromrev": str(rev)}
    body = asker.connection.ask(
        params, kind=KIND, what=f"the diff of {rev}", found=["compare"], settled=NOT_SHOWN
    )
    answer = json.loads(body)
    entry = StoredAnswer(
        api=asker.connection.api, params=params, kind=KIND, question=digest([KIND, REQUEST]),
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
