"""What an account does, as bags of terms: its pages, its hours, its summaries, its ways of saving.

Hours of the week are compared, never placed: turning every clock of the case by the same number of
hours changes nothing. Summaries are read as they were saved: case, punctuation and variant
characters (裏/里, full and half width) are style and stay. Scripts written without spaces are cut
into single characters, so that their word 1–2-grams are character 1–2-grams. MediaWiki's own
section comment (`/* … */`, shown as `→Section:`) names a page's part and not a person's words: it
becomes one mark. What a source does not offer is left out, not guessed.
"""

from __future__ import annotations

import unicodedata
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from sockgraph.signals.corpus import MARK, TOKEN, has_section, without_section
from sockgraph.signals.vectors import TermMatrix, make_bag, presence, sum_by_account

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Corpus, Tokens

BINS = 168
SPREAD_HOURS, SPREAD_DAYS = 1.5, 1.0
"""Standard deviations of the kernel that each save is spread by, around the day and the week."""
LEAST_SHARE = 1e-3
"""A smaller share of a save is not kept: a kernel holds some fifty of the bins."""
STEP = 300
"""Seconds: saves of the same five minutes of the week share their kernel."""
WEEK = 7 * 86_400
OPENING = 4
"""Tokens of an opening, at most."""
SESSION = 3600.0
"""Seconds: longer pauses are all one kind, since a cut history must not be told by its pauses."""


def page_bag(corpus: Corpus) -> TermMatrix | None:
    """Make the bag of pages: a save of k pages at once gives each 1/√k.

    A page that one account alone edited cannot be shared, and is left out.
    """
    known = corpus.page >= 0
    if not known.any():
        return None
    weight = 1 / np.sqrt(np.maximum(corpus.n_pages, 1))
    shape = (corpus.n_saves, len(corpus.pages))
    pairs = np.unique(np.column_stack([corpus.save[known], corpus.page[known]]), axis=0)
    values = weight[pairs[:, 0]].astype(np.float32)
    rows = sparse.csr_matrix((values, (pairs[:, 0], pairs[:, 1])), shape=shape)
    return make_bag(corpus, rows, limit=400_000)


def hour_bag(corpus: Corpus) -> TermMatrix | None:
    """Make the bag of hours of the week: each save spread over its neighbours.

    The kernel is a product of two von Mises densities, exp((cos δ − 1)/σ² + (cos ε − 1)/τ²), δ and
    ε the angles between save and bin around the day and around the week, σ and τ `SPREAD_HOURS` and
    `SPREAD_DAYS` as such angles: the same hour of the day before counts, and less than that of the
    same day. Every save weighs one. None where the source gives days alone.
    """
    if not corpus.timed:
        return None
    moment = (corpus.seconds % WEEK // STEP).astype(np.int64)
    rows = _kernels()
    saves = np.bincount(corpus.account, minlength=len(corpus.users)).astype(float)
    trust = saves / (saves + 10.0)
    own = sum_by_account(corpus, rows, moment).multiply((trust / np.maximum(saves, 1))[:, None])
    rate = np.asarray(own.sum(axis=0)).ravel() / max(trust.sum(), 1e-12)
    return TermMatrix(rows, moment, np.full(BINS, float(len(saves))), rate, len(saves))


def _kernels() -> sparse.csr_matrix:
    """Return the (five minutes of the week, bins) kernel of every moment."""
    seconds = (np.arange(WEEK // STEP) + 0.5) * STEP
    apart = seconds[:, None] - np.arange(BINS) * WEEK / BINS
    kernel = np.exp(
        _fall(apart, 86_400, SPREAD_HOURS * 3_600) + _fall(apart, WEEK, SPREAD_DAYS * 86_400)
    )
    kernel /= kernel.sum(axis=1, keepdims=True)
    kernel[kernel < LEAST_SHARE] = 0
    kernel /= kernel.sum(axis=1, keepdims=True)
    return sparse.csr_matrix(kernel.astype(np.float32))


def _fall(apart: NDArray[np.float64], period: float, spread: float) -> NDArray[np.float64]:
    """Return the log of a von Mises density around a period, up to a constant."""
    turn = 2 * np.pi / period
    return np.asarray((np.cos(apart * turn) - 1) / (spread * turn) ** 2)


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


def habit_bag(corpus: Corpus) -> TermMatrix:
    """Make the bag of how edits are saved and labelled: many small habits, as one trace.

    Saving: the minor flag, the size of a change, how soon the next save follows, whether on the
    same page, how many pages at once, the tools that left tags. Labelling: whether a summary is
    given, only a section's, how long, how it starts and ends.
    """
    first = np.searchsorted(corpus.save, np.arange(corpus.n_saves))
    kinds: list[NDArray[Any]] = [_rhythm(corpus), _same_page(corpus, first), _batch(corpus)]
    frame = corpus.frame.iloc[first]
    if corpus.offers("minor"):
        kinds.append(frame["minor"].fillna(value=False).astype(int).to_numpy())
    if corpus.offers("size_diff"):
        kinds.append(_size(frame["size_diff"].astype("Float64").to_numpy(float, na_value=np.nan)))
    rows = [_one_hot(kind) for kind in (*kinds, *_labels(corpus))]
    if corpus.offers("tags"):
        rows.append(_tags(corpus, first))
    return make_bag(corpus, sparse.hstack(rows).tocsr())


def _labels(corpus: Corpus) -> list[NDArray[np.int64]]:
    """Return four facets of every save's summary; none at all is a kind of its own in each."""
    if not corpus.comments:
        return []
    bare = [without_section(comment, "").strip() for comment in corpus.comments]
    marked = [has_section(comment) for comment in corpus.comments]
    length = np.array([len(rest) for rest in bare])
    facets = (
        [f"{mark}{len(rest) > 1}" for rest, mark in zip(bare, marked, strict=True)],
        np.ceil(np.log2(length + 1) * 1.5).astype(int).astype(str),
        _starts(corpus.words, bare, marked),
        [_end(rest) for rest in bare],
    )
    return [
        np.append(pd.factorize(np.asarray(f, dtype=object), sort=True)[0], -1)[corpus.comment]
        for f in facets
    ]


def _one_hot(kind: NDArray[Any]) -> sparse.csr_matrix:
    distinct, code = np.unique(kind, return_inverse=True)
    ones = np.ones(len(code), dtype=np.float32)
    return sparse.csr_matrix((ones, (np.arange(len(code)), code)), shape=(len(code), len(distinct)))


def _rhythm(corpus: Corpus) -> NDArray[np.int64]:
    """Return the pause before each save: whole powers of two seconds, up to `SESSION`."""
    pause = np.diff(corpus.seconds, prepend=-np.inf)
    pause[np.diff(corpus.account, prepend=-1) != 0] = np.inf
    return np.asarray(np.ceil(np.log2(np.clip(pause, 1, 2 * SESSION))), dtype=np.int64)


def _same_page(corpus: Corpus, first: NDArray[np.int64]) -> NDArray[np.int64]:
    page = corpus.page[first]
    same = (np.diff(page, prepend=-2) == 0) & (np.diff(corpus.account, prepend=-1) == 0)
    return np.asarray(same, dtype=np.int64)


def _batch(corpus: Corpus) -> NDArray[np.int64]:
    return np.asarray(np.ceil(np.log2(np.maximum(corpus.n_pages, 1))), dtype=np.int64)


def _size(difference: NDArray[Any]) -> NDArray[np.int64]:
    """Return the sign and order of magnitude of each change; one kind of its own where unknown."""
    order = np.sign(difference) * np.ceil(0.75 * np.log2(np.abs(difference) + 1))
    return np.asarray(np.nan_to_num(order, nan=99), dtype=np.int64)


def _tags(corpus: Corpus, first: NDArray[np.int64]) -> sparse.csr_matrix:
    lists = corpus.frame["tags"].iloc[first]
    tags = [tuple(t) if isinstance(t, (list, tuple)) else () for t in lists]
    code, distinct = pd.factorize(pd.Series(tags, dtype=object))
    item = np.repeat(np.arange(len(distinct)), [len(t) for t in distinct])
    term = pd.factorize(np.fromiter(chain.from_iterable(distinct), dtype=object), sort=True)[0]
    return presence(item, term, len(distinct))[code]


def _starts(words: Tokens, bare: list[str], marked: list[bool]) -> NDArray[np.object_]:
    """Return the shape of each summary's first token after a section's name, if any."""
    first = np.searchsorted(words.item, np.arange(words.n_items))
    shapes = np.array([*(token_shape(token) for token in words.vocabulary), ""], dtype=object)
    spoken = np.bincount(words.item, minlength=words.n_items) > 0
    found = shapes[np.where(spoken, np.append(words.code, -1)[first], -1)]
    for i in np.flatnonzero(marked).tolist():
        token = TOKEN.search(without_section(bare[i], f" {MARK} "))
        found[i] = token_shape(token.group()) if token else ""
    return found


def _end(rest: str) -> str:
    return "" if not rest else "x" if rest[-1].isalnum() else rest[-1]
