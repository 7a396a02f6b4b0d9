"""Text: what edit summaries say, and how they say it.

Three traces of one family, all of summaries as they were saved: case, punctuation and variant
characters (裏/里, full and half width) are style and stay. Scripts written without spaces are cut
into single characters, so that their word 1–2-grams are character 1–2-grams. MediaWiki's own
section comment (`/* … */`, shown as `→Section:`) names a page's part and not a person's words: it
becomes one mark.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sockgraph.signals.vectors import TermMatrix, make_bag, presence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Corpus
    from sockgraph.signals.words import Tokens

OPENING = 4
"""Tokens of an opening, at most."""


def token_shape(token: str) -> str:
    """Return a token's shape.

    >>> [token_shape(t) for t in ("word", "Word", "RS", "I", "iPhone", "42", "字", ";")]
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
    return _bag(corpus, *phrases(corpus.words)) if corpus.comments else None


def opening_bag(corpus: Corpus) -> TermMatrix | None:
    """Make the bag of how summaries begin: their first one to four tokens, as one term each."""
    return _bag(corpus, *openings(corpus.words)) if corpus.comments else None


def phrases(words: Tokens) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the summary and the number of every token, and of every two that follow each other.

    Numbers go as the words do: (a, b) is a·(n + 1) + b + 1, and a alone a·(n + 1).
    """
    alone = words.code * (len(words.vocabulary) + 1)
    follows = np.flatnonzero(np.diff(words.item) == 0)
    pairs = alone[follows] + words.code[follows + 1] + 1
    return np.concatenate([words.item, words.item[follows]]), np.concatenate([alone, pairs])


def openings(words: Tokens) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the summary and the number of every opening, the shorter ones lower."""
    items, terms = [], []
    place, known = words.place, np.zeros(words.n_items, dtype=np.int64)
    n_terms = 0
    for length in range(OPENING):
        here = place == length
        item = words.item[here]
        longer = known[item] * len(words.vocabulary) + words.code[here]
        code, distinct = pd.factorize(longer)
        known[item] = code
        items.append(item)
        terms.append(code + n_terms)
        n_terms += len(distinct)
    return np.concatenate(items), np.concatenate(terms)


def _bag(corpus: Corpus, item: NDArray[np.int64], term: NDArray[np.int64]) -> TermMatrix:
    """Make the bag of one kind of terms of the summaries."""
    none = len(corpus.comments)  # an empty row, of saves without a summary
    rows = presence(item, term, none + 1)
    return make_bag(corpus, rows, np.where(corpus.comment < 0, none, corpus.comment))
