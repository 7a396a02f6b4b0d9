"""Writing: how an account writes, by runs of two to four characters in what its edits added.

The runs that most accounts use are counted (none is a word, so scripts without spaces need no
words), each as its rate a character, and held against the rates of the community in standard
deviations: Cosine Delta (Evert et al. 2017, Digital Scholarship in the Humanities 32, suppl. 2;
Burrows 2002). Common runs are habits of spelling, punctuation and grammar; rare ones are topics,
which pages tell already: weighted by rarity, as pages are, the same texts gain a third of it.

What is no writing of one's own is left out before: a line that somebody wrote earlier is theirs, a
line of one's own counts once, and of a long history the newest `MOST` characters are read. A text
that bears a mark of machine writing is a machine's, and where two accounts both have such texts
their writing is not compared.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from sockgraph.signals.vectors import TermMatrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Corpus, Histories

NEEDED = 500
"""Characters that both sides must have written; below, the trace is `insufficient`."""
RUNS = 4_000
"""Runs that are counted, those that most accounts use (2,000, 4,000 and 8,000 tried)."""
SHRINK = 650.0
"""Characters at the community's rates that are added to everybody's (160 to 1,600 tried)."""
MOST = 50_000
"""Characters of one account that are read, newest first (20,000, 40,000 and no limit tried)."""
LINE = 30
"""Characters from which on a line that recurs is a copy and no habit."""
SHORTEST, LONGEST = 2, 4
BINS = 20
"""Bits of the table in which runs are counted: a million places, each run's by its hash."""
MACHINE = re.compile(
    r"contentReference\[oaicite|\boaicite\b|\boai_citation\b|\bturn\d+(?:search|news|view|file)\d+\b"
    r"|utm_source=(?:chatgpt\.com|openai|copilot\.com)|grok_card"
    r"|\bas an? (?:(?:AI|artificial intelligence) (?:language )?|large language )model\b"
    r"|\bas of my (?:last|latest) (?:knowledge|training) (?:update|cutoff)\b"
    r"|^\s*ChatGPT said:\s*$"
    r"|(?:作[为為]|身[为為])一[个個款](?:AI|人工智[能慧]|大型?)?[语語]言模型",
    re.IGNORECASE | re.MULTILINE,
)
"""What a chat program leaves behind where its answer is pasted: residues of citations, addresses,
turns, and what it says of itself (Wikipedia:Signs of AI writing). Most machine text bears none."""
_FACTOR, _SPREAD = np.uint64(1_000_003), np.uint64(0x9E3779B97F4A7C15)


def writing_bag(corpus: Corpus) -> TermMatrix | None:
    """Make the bag of runs of characters; None where no account wrote enough to be read."""
    if not corpus.offers("text"):
        return None
    saves, texts = _own_texts(corpus)
    size = np.array([len(text) for text in texts], dtype=np.float64)
    account = corpus.account[saves]
    written = np.bincount(account, weights=size, minlength=len(corpus.users))
    enough = np.flatnonzero(written >= NEEDED)
    if len(enough) < 2:
        return None
    ends = [np.searchsorted(account, enough, side=side) for side in ("left", "right")]
    parts = [slice(a, b) for a, b in zip(*ends, strict=True)]
    rows = _counted(texts, _common(texts, parts))
    held = written[enough][:, None]
    rates = np.array([np.asarray(rows[part].sum(axis=0)).ravel() for part in parts]) / held
    rate = rates.mean(axis=0)
    shrunk = (rates * held + SHRINK * rate) / (held + SHRINK)
    item = np.full(corpus.n_saves, len(texts), dtype=np.int64)  # of no text: the empty last row
    item[saves] = np.arange(len(texts))
    return TermMatrix(
        rows=rows,
        item=item,
        spread=(rates > 0).sum(axis=0).astype(np.float64),
        rate=rate,
        n_accounts=len(enough),
        size=np.append(size, 0.0),
        deviation=np.maximum(shrunk.std(axis=0), 1e-12),
        marked=_marked(corpus),
    )


def machine_texts(histories: Histories) -> NDArray[np.int64]:
    """Return, (units,), how many saves of each history hold text with marks of machine writing.

    >>> bool(MACHINE.search("It rose in 1911.:contentReference[oaicite:2]{index=2}"))
    True
    >>> bool(MACHINE.search("Turn 2 of the search was viewed by the model's assistant"))
    False
    """
    bears = _marked(histories.corpus)
    return np.bincount(histories.unit[bears[histories.saves]], minlength=histories.n_units)


def _marked(corpus: Corpus) -> NDArray[np.bool_]:
    """Return, (saves,), which hold text with marks of machine writing."""
    bears = np.zeros(corpus.n_saves, dtype=bool)
    if corpus.offers("text"):
        given = corpus.frame["text"].fillna("").to_numpy(dtype=object)
        rows = np.flatnonzero([bool(MACHINE.search(text)) for text in given])
        bears[corpus.save[rows]] = True
    return bears


def _own_texts(corpus: Corpus) -> tuple[NDArray[np.int64], list[str]]:
    """Return the saves that hold text of their own, and what: newest first, to `MOST` characters.

    A long line belongs to the edit that said it first, whoever's that is.
    """
    given = corpus.frame["text"].fillna("").to_numpy(dtype=object)
    rows = np.flatnonzero([bool(text) and not MACHINE.search(text) for text in given])
    rows = rows[np.argsort(corpus.seconds[corpus.save[rows]], kind="stable")]
    seen: set[str] = set()
    own: dict[int, list[str]] = {}
    for row in rows:
        lines = [line for line in str(given[row]).splitlines() if _is_new(line, seen)]
        if lines:
            own.setdefault(int(corpus.save[row]), []).extend(lines)
    left = dict.fromkeys(range(len(corpus.users)), MOST)
    kept: dict[int, str] = {}
    for save in sorted(own, reverse=True):  # of each account, the newest first
        who = int(corpus.account[save])
        text = "\n".join(own[save])[: left[who]]
        left[who] -= len(text)
        if text:
            kept[save] = text
    order = sorted(kept)
    return np.array(order, dtype=np.int64), [kept[save] for save in order]


def _is_new(line: str, seen: set[str]) -> bool:
    if len(line) < LINE:
        return bool(line.strip())
    if line in seen:
        return False
    seen.add(line)
    return True


def runs(text: str) -> Iterator[NDArray[np.int64]]:
    """Yield the places, in a table of 2**`BINS`, of a text's runs of two, three and four.

    >>> [len(found) for found in runs("heron")]
    [4, 3, 2]
    """
    letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    letters = letters.astype(np.uint64)
    mixed = letters
    for length in range(SHORTEST, LONGEST + 1):
        mixed = (mixed[:-1] * _FACTOR) ^ letters[length - 1 :]
        spread = mixed * _SPREAD + np.uint64(length)
        yield (spread >> np.uint64(64 - BINS)).astype(np.int64)


def _common(texts: list[str], parts: list[slice]) -> NDArray[np.int64]:
    """Return the column of every place of the table; -1: not among the runs most accounts use."""
    spread = np.zeros(1 << BINS, dtype=np.int64)
    total = np.zeros(1 << BINS, dtype=np.int64)
    for part in parts:
        places = np.concatenate([found for text in texts[part] for found in runs(text)])
        place, count = np.unique(places, return_counts=True)
        spread[place] += 1
        total[place] += count
    shared = np.flatnonzero(spread >= 2)
    order = np.lexsort((shared, -total[shared], -spread[shared]))[:RUNS]
    column = np.full(1 << BINS, -1, dtype=np.int64)
    kept = np.sort(shared[order])
    column[kept] = np.arange(len(kept))
    return column


def _counted(texts: list[str], column: NDArray[np.int64]) -> sparse.csr_matrix:
    """Return (texts + 1, columns) how often each text holds each run; the last row is empty."""
    indices, data, starts = [], [], [0]
    for text in texts:
        found = column[np.concatenate(list(runs(text)))]
        place, count = np.unique(found[found >= 0], return_counts=True)
        indices.append(place)
        data.append(count)
        starts.append(starts[-1] + len(place))
    starts.append(starts[-1])
    parts = (
        np.concatenate([np.zeros(0), *data]).astype(np.float32),
        np.concatenate([np.zeros(0, dtype=np.int64), *indices]),
        np.asarray(starts),
    )
    return sparse.csr_matrix(parts, shape=(len(texts) + 1, int(column.max()) + 1))
