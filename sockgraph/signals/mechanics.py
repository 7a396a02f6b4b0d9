"""Mechanics: how an account saves and labels its edits, whatever it writes about.

One trace of many small habits. Saving: the minor flag, the size of a change, how soon the next save
follows, whether on the same page, how many pages at once, the tools that left tags. Labelling:
whether a summary is given, only a section's, how long, how it starts and ends. What the source
does not offer is left out, not guessed.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from sockgraph.signals import text
from sockgraph.signals.vectors import TermMatrix, make_bag, presence
from sockgraph.signals.words import MARK, TOKEN, has_section, without_section

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Corpus
    from sockgraph.signals.words import Tokens

SESSION = 3600.0
"""Seconds: longer pauses are all one kind, since a cut history must not be told by its pauses."""


def habit_bag(corpus: Corpus) -> TermMatrix:
    """Make the bag of how edits are saved and labelled."""
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
    shapes = np.array([*(text.token_shape(token) for token in words.vocabulary), ""], dtype=object)
    spoken = np.bincount(words.item, minlength=words.n_items) > 0
    found = shapes[np.where(spoken, np.append(words.code, -1)[first], -1)]
    for i in np.flatnonzero(marked).tolist():
        token = TOKEN.search(without_section(bare[i], f" {MARK} "))
        found[i] = text.token_shape(token.group()) if token else ""
    return found


def _end(rest: str) -> str:
    return "" if not rest else "x" if rest[-1].isalnum() else rest[-1]
