"""What MediaWiki's diffs show, as plain pieces: the same, put in, taken out."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockgraph.reviews.sheet import Sheet

Kind = Literal["same", "ins", "del"]
Piece = tuple[str, str]
CONTEXT = 60  # characters of unchanged text kept on either side of a change
DIFFS_A_PAIR = 60
EMPTY_LINE = "\xa0"  # how MediaWiki fills a cell whose line is empty
_SIDES: dict[str, Kind] = {"diff-deletedline": "del", "diff-addedline": "ins"}


@runtime_checkable
class HoldsDiffs(Protocol):
    """A source that can show what an edit changed."""

    def diffs(self, rev_ids: Sequence[int], *, wiki: str | None = None) -> dict[int, str]:
        """Return, from a wiki's revision to the HTML rows of `action=compare`, what is held."""


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
        line = _woven(*([] if _same(side) == EMPTY_LINE else side for side in sides))
        if any(kind != "same" for kind, _ in line):
            found += [("same", "\n")] if found else []
            found += [_cut(line, i) for i in range(len(line))]
    return [piece for piece in found if piece[1]]


def wanted_diffs(sheet: Sheet, limit: int = DIFFS_A_PAIR) -> dict[str, list[int]]:
    """Return, by wiki, the revisions whose diffs are asked for: of shared pages, as they come."""
    cards = [card for page in sheet.shared for row in page.rows for card in (row.a, row.b) if card]
    wanted: dict[str, list[int]] = {}
    for card in cards[:limit]:
        wiki, _, rev_id = card.rev.rpartition(":")
        wanted.setdefault(wiki, []).append(int(rev_id))
    return wanted


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
    if _same(old) != _same(new):  # not the two sides of one line
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


def _same(pieces: Iterable[Piece]) -> str:
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
