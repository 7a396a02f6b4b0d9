"""What an account does, as bags of terms: its pages, hours, summaries, ways of saving, and writing.

Hours of the week are compared, never placed: turning every clock of the case by the same number of
hours changes nothing. Summaries are read as they were saved: case, punctuation and variant
characters (裏/里, full and half width) are style and stay. Scripts written without spaces are cut
into single characters, so that their word 1–2-grams are character 1–2-grams. MediaWiki's own
section comment (`/* … */`, shown as `→Section:`) names a page's part and not a person's words: it
becomes one mark. What a source does not offer is left out, not guessed.

*Writing* is told by runs of two to four characters in what an account's edits added. The runs that
most accounts use are counted (none is a word, so scripts without spaces need no words), each as its
rate a character, and held against the rates of the community in standard deviations: Cosine Delta
(Evert et al. 2017, Digital Scholarship in the Humanities 32, suppl. 2; Burrows 2002). Common runs
are habits of spelling, punctuation and grammar; rare ones are topics, which pages tell already:
weighted by rarity, as pages are, the same texts gain a third of it. What is no writing of one's own
is left out before: a line that somebody wrote earlier is theirs, a line of one's own counts once,
and of a long history the newest `MOST` characters are read. A text that bears a mark of machine
writing is a machine's, and where two accounts both have such texts their writing is not compared.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from sockgraph.signals.corpus import MARK, TOKEN, has_section, without_section
from sockgraph.signals.vectors import TermMatrix, make_bag, presence, sum_by_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from sockgraph.signals.corpus import Corpus, Histories, Tokens

HOURS = 168
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
TABLE_BITS = 20
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
    return TermMatrix(rows, moment, np.full(HOURS, float(len(saves))), rate, len(saves))


def _kernels() -> sparse.csr_matrix:
    """Return the (five minutes of the week, bins) kernel of every moment."""
    seconds = (np.arange(WEEK // STEP) + 0.5) * STEP
    apart = seconds[:, None] - np.arange(HOURS) * WEEK / HOURS
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
    """Yield the places, in a table of 2**`TABLE_BITS`, of a text's runs of two, three and four.

    >>> [len(found) for found in runs("heron")]
    [4, 3, 2]
    """
    letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    letters = letters.astype(np.uint64)
    mixed = letters
    for length in range(SHORTEST, LONGEST + 1):
        mixed = (mixed[:-1] * _FACTOR) ^ letters[length - 1 :]
        spread = mixed * _SPREAD + np.uint64(length)
        yield (spread >> np.uint64(64 - TABLE_BITS)).astype(np.int64)


def _common(texts: list[str], parts: list[slice]) -> NDArray[np.int64]:
    """Return the column of every place of the table; -1: not among the runs most accounts use."""
    spread = np.zeros(1 << TABLE_BITS, dtype=np.int64)
    total = np.zeros(1 << TABLE_BITS, dtype=np.int64)
    for part in parts:
        places = np.concatenate([found for text in texts[part] for found in runs(text)])
        place, count = np.unique(places, return_counts=True)
        spread[place] += 1
        total[place] += count
    shared = np.flatnonzero(spread >= 2)
    order = np.lexsort((shared, -total[shared], -spread[shared]))[:RUNS]
    column = np.full(1 << TABLE_BITS, -1, dtype=np.int64)
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
