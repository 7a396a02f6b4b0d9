"""Summaries cut into tokens once, for every trace that reads them."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SECTION = re.compile(r"/\*.*?\*/|→[\u200e\u200f]?[^:]*:?|^→.*$")
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
TOKEN = re.compile(rf"[{UNSPACED}]|[^\W\d_{UNSPACED}]+|\d+|[^\w\s]|_")
"""One unspaced character, a word, a number, or a mark."""
MARK = "§"


@dataclass(frozen=True)
class Tokens:
    """The tokens of some summaries, one after the other.

    Attributes
    ----------
    vocabulary
        The distinct tokens, sorted.
    code, item
        One entry a token: its place in `vocabulary`, and its summary.
    n_items
        How many summaries there are.
    """

    vocabulary: NDArray[np.object_]
    code: NDArray[np.int64]
    item: NDArray[np.int64]
    n_items: int

    @property
    def place(self) -> NDArray[np.int64]:
        """Of every token how many of its summary come before it."""
        counts = np.bincount(self.item, minlength=self.n_items)
        return np.arange(len(self.item)) - np.repeat(np.cumsum(counts) - counts, counts)


def has_section(summary: str) -> bool:
    """Tell whether a summary holds a section's name, as MediaWiki writes it there."""
    return _may_have(summary) and SECTION.search(summary) is not None


def without_section(summary: str, instead: str) -> str:
    """Return a summary with something else in the place of a section's name.

    >>> without_section("/* History */ typo", "§")
    '§ typo'
    """
    return SECTION.sub(instead, summary) if _may_have(summary) else summary


def _may_have(summary: str) -> bool:
    return "/*" in summary or "→" in summary  # the pattern alone takes much longer


def tokens(summary: str) -> list[str]:
    """Cut a summary into words, numbers, marks and unspaced characters.

    >>> tokens("rv: see WP:RS, 2nd time")
    ['rv', ':', 'see', 'WP', ':', 'RS', ',', '2', 'nd', 'time']
    >>> tokens("修正错字")
    ['修', '正', '错', '字']
    """
    return TOKEN.findall(without_section(summary, f" {MARK} "))


class _Numbers(dict[str, int]):
    """Numbers of tokens, in the order of their first use."""

    def __missing__(self, token: str) -> int:
        return self.setdefault(token, len(self))


def tokenize_all(summaries: Sequence[str]) -> Tokens:
    """Cut summaries into tokens, each token as a number."""
    index = _Numbers()
    codes, lengths = array("i"), array("i")
    for summary in summaries:  # a token that was seen before is not held again
        found = tokens(summary)
        codes.extend(map(index.__getitem__, found))
        lengths.append(len(found))
    vocabulary = np.array(sorted(index), dtype=object)
    place = np.empty(len(index), dtype=np.int64)
    place[[index[token] for token in vocabulary]] = np.arange(len(index))
    item = np.repeat(np.arange(len(lengths)), np.asarray(lengths))
    return Tokens(vocabulary, place[np.asarray(codes)], item, len(lengths))
