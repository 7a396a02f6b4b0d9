"""Phrases of edit summaries that two accounts share and few others use."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

SHORTEST, LONGEST = 2, 6
"""Tokens of a phrase; of one script character each where words are not set apart by spaces."""
MOST = 40
CANDIDATES = 400
_SECTION = re.compile(r"/\*.*?\*/")
_CJK = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+|[^\w\s]")
_LETTER = re.compile(r"\w")


@dataclass(frozen=True)
class Phrase:
    """A run of tokens that both accounts wrote.

    Attributes
    ----------
    n_a, n_b
        Summaries of either account that hold it.
    others
        Other accounts of the case, the reference included, that wrote it.
    """

    tokens: tuple[str, ...]
    n_a: int
    n_b: int
    others: int


def tokens_of(summary: str) -> list[str]:
    """Split a summary into words, single characters of unsegmented scripts, and marks.

    Section markers are left out: they are the page's words, not the writer's.

    >>> tokens_of("/* Fares */ rv, see 渡口")
    ['rv', ',', 'see', '渡', '口']
    """
    return _TOKEN.findall(_SECTION.sub(" ", summary).lower())


def pattern_of(phrase: str) -> re.Pattern[str]:
    """Return what finds a phrase in a summary, however the summary sets its tokens apart.

    >>> bool(pattern_of("see 渡口").search("rv,  See渡 口"))
    True
    """
    return re.compile(r"\s*".join(map(re.escape, tokens_of(phrase))), re.IGNORECASE)


@dataclass(frozen=True)
class PhraseIndex:
    """What every account wrote in summaries, and who wrote which two tokens one after the other.

    Attributes
    ----------
    texts
        By account: its summaries a line each, tokens set apart by spaces.
    writers
        By two neighbouring tokens, the accounts that wrote them.
    """

    texts: Mapping[str, str]
    writers: Mapping[tuple[str, str], set[str]]

    def of(self, tokens: Sequence[str]) -> set[str]:
        """Return the accounts that wrote a phrase of two tokens or more."""
        found = set.intersection(*(self.writers.get(two, set()) for two in pairwise(tokens)))
        if len(tokens) == SHORTEST:
            return found
        needle = f" {' '.join(tokens)} "
        return {user for user in found if needle in self.texts[user]}


def index_phrases(tables: Mapping[str, pd.DataFrame]) -> PhraseIndex:
    """Return everything that each account wrote in summaries."""
    said = tables["edits"][["user", "comment"]].dropna()
    lines: dict[str, list[str]] = {}
    writers: dict[tuple[str, str], set[str]] = {}
    cut = {text: tokens_of(text) for text in said["comment"].unique().tolist()}
    by_user: dict[str, dict[str, None]] = {}
    for user, text in zip(said["user"].tolist(), said["comment"].tolist(), strict=True):
        lines.setdefault(user, []).append(f" {' '.join(cut[text])} ")
        by_user.setdefault(user, {})[text] = None
    for user, texts in by_user.items():
        for two in {two for text in texts for two in pairwise(cut[text])}:
            writers.setdefault(two, set()).add(user)
    return PhraseIndex({user: "\n".join(lines[user]) for user in sorted(lines)}, writers)


def shared_phrases(
    tables: Mapping[str, pd.DataFrame], a: str, b: str, *, voices: PhraseIndex | None = None
) -> pd.DataFrame:
    """Return phrases of summaries that both accounts wrote, those that fewest others wrote first.

    Parameters
    ----------
    voices
        From `index_phrases`, where phrases of many pairs are asked for.

    Returns
    -------
    DataFrame
        `phrase`, `n_a`, `n_b` (summaries that hold it), `others` (other accounts that wrote it,
        of `of_others`), at most 40 rows. A phrase inside a longer one of the same counts is left
        out.
    """
    voices = index_phrases(tables) if voices is None else voices
    shared = _common(*(_counts(voices, user, other) for user, other in ((a, b), (b, a))))
    found = [Phrase(t, x, y, len(voices.of(t) - {a, b})) for t, x, y in shared]
    kept = _maximal(found)
    kept.sort(key=lambda p: (p.others, -len(p.tokens), -min(p.n_a, p.n_b), p.tokens))
    n_others = len(voices.texts.keys() - {a, b})
    rows = [(_joined(p.tokens), p.n_a, p.n_b, p.others, n_others) for p in kept[:MOST]]
    return pd.DataFrame(rows, columns=["phrase", "n_a", "n_b", "others", "of_others"])


def _counts(voices: PhraseIndex, user: str, other: str) -> Counter[tuple[str, ...]]:
    """Count in how many summaries each phrase stands; one must begin and end with a word.

    Runs of tokens that the other account never set side by side are no phrase of both.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    for text, times in Counter(voices.texts.get(user, "").split("\n")).items():
        line = text.split()
        spans = {
            span
            for run in _runs(line, lambda two: other in voices.writers.get(two, ()))
            for n in range(SHORTEST, LONGEST + 1)
            for i in range(len(run) - n + 1)
            if _LETTER.match((span := tuple(run[i : i + n]))[0]) and _LETTER.match(span[-1])
        }
        counts.update(dict.fromkeys(spans, times))
    return counts


def _runs(line: Sequence[str], known: Callable[[tuple[str, str]], bool]) -> Iterator[Sequence[str]]:
    """Cut a line where two neighbouring tokens are not known."""
    start = 0
    for i, two in enumerate(pairwise(line), 1):
        if not known(two):
            yield line[start:i]
            start = i
    yield line[start:]


def _common(
    one: Counter[tuple[str, ...]], other: Counter[tuple[str, ...]]
) -> list[tuple[tuple[str, ...], int, int]]:
    """Return the phrases of both, longest and most used first, as many as are worth counting."""
    both = [(tokens, one[tokens], other[tokens]) for tokens in one.keys() & other.keys()]
    both.sort(key=lambda p: (-len(p[0]) * min(p[1], p[2]), p[0]))
    return both[:CANDIDATES]


def _maximal(phrases: Sequence[Phrase]) -> list[Phrase]:
    """Leave out phrases that stand inside a longer one which says as much."""
    longest = sorted(phrases, key=lambda p: -len(p.tokens))
    kept: list[Phrase] = []
    for phrase in longest:
        counts, text = (phrase.n_a, phrase.n_b, phrase.others), f" {' '.join(phrase.tokens)} "
        same = (k for k in kept if (k.n_a, k.n_b, k.others) == counts)
        if not any(text in f" {' '.join(k.tokens)} " for k in same):
            kept.append(phrase)
    return kept


def _joined(tokens: Sequence[str]) -> str:
    """Write tokens as text again, marks beside the words they follow.

    >>> _joined(["see", "渡", "口", ",", "too"])
    'see 渡口, too'
    """
    text = re.sub(r" (?=[.,;:!?)，。；：！？）])", "", " ".join(tokens))
    return re.sub(rf"(?<=[{_CJK}]) (?=[{_CJK}])", "", text)
