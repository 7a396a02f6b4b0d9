"""Text: what edit summaries say, and how they say it.

Three traces of one family, all of summaries as they were saved: case, punctuation and variant
characters (裏/里, full and half width) are style and stay. Scripts written without spaces are cut
into single characters, so that their word 1–2-grams are character 1–2-grams. MediaWiki's own
section comment (`/* … */`, shown as `→Section:`) names a page's part and not a person's words: it
becomes one mark.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING

from sockgraph.signals.vectors import TermMatrix, make_bag, term_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sockgraph.signals.corpus import Corpus

SECTION = re.compile(r"/\*.*?\*/|→[\u200e\u200f]?[^:]*:?|^→.*$")
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
TOKEN = re.compile(rf"[{UNSPACED}]|[^\W\d_{UNSPACED}]+|\d+|[^\w\s]|_")
"""One unspaced character, a word, a number, or a mark."""
MARK = "§"


def tokens(summary: str) -> list[str]:
    """Cut a summary into words, numbers, marks and unspaced characters.

    >>> tokens("rv: see WP:RS, 2nd time")
    ['rv', ':', 'see', 'WP', ':', 'RS', ',', '2', 'nd', 'time']
    >>> tokens("修正错字")
    ['修', '正', '错', '字']
    """
    return TOKEN.findall(SECTION.sub(f" {MARK} ", summary))


def phrases(summary: str) -> Iterable[str]:
    """Return the tokens, and every two that follow each other."""
    found = tokens(summary)
    return [*found, *(f"{a} {b}" for a, b in pairwise(found))]


def openings(summary: str) -> Iterable[str]:
    """Return the first one to four tokens, as one term each."""
    found = tokens(summary)[:4]
    return [" ".join(found[:n]) for n in range(1, len(found) + 1)]


def shape(token: str) -> str:
    """Return a token's shape.

    >>> [shape(t) for t in ("word", "Word", "RS", "I", "iPhone", "42", "字", ";")]
    ['x', 'Xx', 'X', 'A', 'xX', '9', '字', ';']
    """
    if token.isdigit():
        return "9"
    if not token.isalpha():
        return token
    if unicodedata.category(token[0]) == "Lo":
        return "字"
    if token.islower():
        return "x"
    if token.isupper():
        return "X" if len(token) > 1 else "A"
    return "Xx" if token[0].isupper() and token[1:].islower() else "xX"


def phrase_bag(corpus: Corpus) -> TermMatrix | None:
    """Make the bag of words and of every two that follow each other."""
    return _bag(corpus, phrases)


def opening_bag(corpus: Corpus) -> TermMatrix | None:
    """Make the bag of how summaries begin."""
    return _bag(corpus, openings)


def _bag(corpus: Corpus, terms: Callable[[str], Iterable[str]]) -> TermMatrix | None:
    """Make the bag of one kind of terms of the summaries; None where the source has none."""
    if not corpus.comments:
        return None
    return make_bag(corpus, *term_rows(map(terms, corpus.comments), corpus.comment))
