"""How a person edits: a vector of habits, and what each account makes of it.

A habit is either a choice among words, kinds or tools (log-weights) or a rate (a logit, or a
logarithm for times and sizes). All of them lie in one flat vector, so that drifting apart is one
addition.
"""

from __future__ import annotations

import tomllib
from bisect import bisect
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

_STOCK = tomllib.loads(
    (resources.files("sockgraph.synthetic") / "vocabulary.toml").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Subject:
    """What a community writes about.

    Attributes
    ----------
    peak
        The hour (UTC) around which its members edit.
    chinese
        Shares of its members who write summaries in English, in both languages, in Chinese.
    jargon
        Phrases that its members share, whoever they are.
    """

    name: str
    peak: float
    chinese: tuple[float, float, float]
    places: tuple[str, ...]
    things: tuple[str, ...]
    zh_pages: tuple[str, ...]
    sections: tuple[str, ...]
    details: tuple[str, ...]
    zh_details: tuple[str, ...]
    jargon: tuple[str, ...]


def _listed(table: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the lists of a table of the stock."""
    return {name: tuple(text.split("|")) if text else () for name, text in table.items()}


def _subject(*, name: str, peak: float, chinese: list[float], **lists: str) -> Subject:
    none, both, alone = chinese
    return Subject(name, peak, (none, both, alone), **_listed(lists))


LISTS, SLOTS = _listed(_STOCK["lists"]), _listed(_STOCK["slots"])
ENGLISH, CHINESE = _listed(_STOCK["english"]), _listed(_STOCK["chinese"])
SUBJECTS = tuple(_subject(**given) for given in _STOCK["subjects"])
KINDS = LISTS["kinds"]
TO_TRADITIONAL = str.maketrans(_STOCK["simplified"], _STOCK["traditional"])

TOOLS = ("source", "visual", "mobile", "app")
JOINERS = ("; ", ", ", " + ", ". ", " / ")
N_DETAILS = 14
N_JARGON = 7

# How many choices a person keeps: the smaller, the fewer. A few pet phrases a kind, mostly one word
# a slot, and a mix of kinds and subjects close to everybody's.
SPARSITY = {"kind": 12.0, "phrase": 4.0, "slot": 1.2, "detail": 8.0, "jargon": 8.0, "tool": 1.5}

# Mean and spread of each rate among people, as logits. Empty summaries, section markers and the
# minor flag follow the quartiles of the 1,595 accounts with ten edits or more in the public
# histories of 35 contested English Wikipedia articles (empty 0 / 0 / 0.10, sections 0.09 / 0.42 /
# 0.74, minor 0 / 0.15 / 0.50); the others are guesses of how people differ.
RATES: dict[str, tuple[float, float]] = {
    "empty": (-3.6, 2.2),
    "section": (-0.4, 2.0),
    "bare": (-0.5, 1.2),
    "minor": (-1.9, 2.6),
    "stop": (-2.5, 2.2),
    "capital": (0.0, 2.2),
    "traditional": (0.0, 4.0),
    "jargon": (-2.6, 0.8),
    "double": (-2.2, 1.0),
    "wikieditor": (1.0, 2.0),
    "gadget": (-1.5, 2.0),
    "batch": (-3.5, 1.0),
    "stay": (0.4, 0.7),
}
# Mean and spread, as natural logarithms: the gap between edits in a session (same histories: the
# accounts' medians have median 208 s, tenth to ninetieth percentile 65 to 760 s), further edits a
# session, edit size.
RHYTHMS: dict[str, tuple[float, float]] = {
    "gap": (5.3, 0.8),
    "length": (0.75, 0.45),
    "size": (0.0, 0.5),
}
LANGUAGES = np.array([-6.0, 0.0, 2.5])  # logits of a Chinese summary: English, both, Chinese
LANGUAGE_SPREAD = 0.8
SIZES: dict[str, tuple[float, float, float]] = {  # bytes (median), spread (log), share of losses
    "typo": (3, 0.9, 0.4),
    "copyedit": (40, 1.2, 0.55),
    "cite": (220, 0.7, 0.05),
    "expand": (600, 1.0, 0.02),
    "remove": (250, 1.1, 1.0),
    "link": (8, 0.8, 0.3),
    "category": (30, 0.5, 0.2),
    "image": (90, 0.8, 0.25),
    "layout": (60, 1.2, 0.4),
    "update": (25, 1.1, 0.25),
    "prose": (150, 1.2, 0.4),
    "reply": (350, 0.8, 0.0),
    "usertalk": (280, 0.8, 0.0),
}
PLAIN_DETAIL = 0.6  # share of details that stand alone, without place or year
SMALL = frozenset({"typo", "link", "category", "layout"})  # what the minor flag is meant for
UNSECTIONED = frozenset({"usertalk", "category"})
COMMON_KINDS = (10, 12, 10, 12, 5, 8, 4, 3, 6, 8, 9, 9, 4)


def _choices() -> dict[str, Floats]:
    """Return every choice with how common each option is on the wiki."""
    table = {"kind": np.array(COMMON_KINDS, dtype=float)}
    for language, stock in (("en", ENGLISH), ("zh", CHINESE)):
        for kind in KINDS:
            table[f"phrase:{language}:{kind}"] = 1 / (np.arange(len(stock[kind])) + 3.0)
    table |= {f"slot:{name}": 1 / (np.arange(len(words)) + 2.0) for name, words in SLOTS.items()}
    table["detail"] = np.ones(N_DETAILS)
    table["jargon"] = np.ones(N_JARGON)
    table["slot:joiner"] = np.ones(len(JOINERS))
    table["tool"] = np.array([0.55, 0.2, 0.17, 0.08])
    return {name: weights / weights.sum() for name, weights in table.items()}


CHOICES = _choices()
NUMBERS = ("chinese", *RATES, *RHYTHMS)
_WIDTHS = [len(weights) for weights in CHOICES.values()] + [1] * len(NUMBERS)
_ENDS = np.cumsum(_WIDTHS)
PLACES = {
    name: slice(int(end) - width, int(end))
    for name, end, width in zip((*CHOICES, *NUMBERS), _ENDS, _WIDTHS, strict=True)
}
N_HABITS = int(_ENDS[-1])


def community_custom(rng: np.random.Generator, tilt: float) -> dict[str, Floats]:
    """Return how common each choice is in one community: the wiki's custom, tilted."""
    tilted = {n: w * np.exp(tilt * rng.standard_normal(len(w))) for n, w in CHOICES.items()}
    return {name: weights / weights.sum() for name, weights in tilted.items()}


def draw_habits(rng: np.random.Generator, custom: dict[str, Floats], subject: Subject) -> Floats:
    """Draw a person of a community: sparse choices around its custom, and rates of their own."""
    parts = []
    for name, common in custom.items():
        weights = rng.gamma(SPARSITY[name.partition(":")[0]] * len(common) ** 0.5 * common)
        parts.append(np.log(np.maximum(weights, 1e-12)))
    language = LANGUAGES[rng.choice(3, p=subject.chinese)]
    parts.append(np.array([language + LANGUAGE_SPREAD * rng.standard_normal()]))
    parts += [np.array([m + s * rng.standard_normal()]) for m, s in (RATES | RHYTHMS).values()]
    return np.concatenate(parts)


def drifted(rng: np.random.Generator, habits: Floats, spread: float) -> Floats:
    """Return habits that have drifted by `spread` (logits); times and sizes by a fifth of it."""
    step = spread * rng.standard_normal(N_HABITS)
    for name in RHYTHMS:
        step[PLACES[name]] *= 0.2
    return habits + step


def varied(rng: np.random.Generator, habits: Floats, fresh: Floats, share: float) -> Floats:
    """Return habits of which about `share` are another person's: somebody tries to vary.

    The languages stay: one writes what one can.
    """
    result = habits.copy()
    for name, place in PLACES.items():
        if name != "chinese" and rng.random() < share:
            result[place] = fresh[place]
    return result


def speaking(habits: Floats, language: float) -> Floats:
    """Return habits with another mix of languages.

    Parameters
    ----------
    language
        Logit of a summary in Chinese.
    """
    result = habits.copy()
    result[PLACES["chinese"]] = language
    return result


@dataclass(frozen=True)
class EditDraft:
    """What one save looks like, before it is known which page state it makes."""

    kind: str
    comment: str
    minor: bool
    tags: tuple[str, ...]
    size_diff: int


class WritingStyle:
    """One account in one quarter: writes summaries and chooses tools, flags and sizes.

    Parameters
    ----------
    habits
        The account's vector, of length `N_HABITS`.
    subject
        The community's subject, for what its summaries speak of.
    signature
        A tool that signs every summary, or "".
    """

    def __init__(self, habits: Floats, subject: Subject, signature: str = "") -> None:
        self._subject = subject
        self._signature = signature
        self._steps = {name: cumulative(habits[PLACES[name]]) for name in CHOICES}
        numbers = {name: float(habits[PLACES[name]][0]) for name in NUMBERS}
        self.rate = {n: 1 / (1 + np.exp(-x)) for n, x in numbers.items() if n not in RHYTHMS}
        self.size = float(np.exp(numbers["size"]))

    def pick(self, name: str, draw: Callable[[], float]) -> int:
        """Return the option that the draw falls on."""
        return bisect(self._steps[name], draw())

    def kind(self, draw: Callable[[], float]) -> str:
        """Return what sort of edit comes next."""
        return KINDS[self.pick("kind", draw)]

    def save(self, kind: str, rng: np.random.Generator) -> EditDraft:
        """Return one save of this kind."""
        draw = rng.random
        tool = TOOLS[self.pick("tool", draw)]
        minor = kind in SMALL and draw() < self.rate["minor"] * 1.3
        minor = minor or draw() < self.rate["minor"] * 0.6
        median, spread, losses = SIZES[kind]
        size = median * self.size * np.exp(spread * rng.standard_normal())
        size = -size if draw() < losses else size
        comment, tags = self._gadget(kind, draw) or (self._summary(kind, tool, draw), ())
        return EditDraft(kind, comment, minor, (*self._tags(kind, tool, draw), *tags), round(size))

    def _gadget(self, kind: str, draw: Callable[[], float]) -> tuple[str, tuple[str, ...]] | None:
        if kind != "category" or draw() >= self.rate["gadget"]:
            return None
        return f"added [[Category:{self._subject.name}]] ([[Help:FernCat|FernCat]])", ("ferncat",)

    def _tags(self, kind: str, tool: str, draw: Callable[[], float]) -> tuple[str, ...]:
        if tool == "mobile":
            return ("mobile edit", "mobile web edit")
        if tool == "app":
            return ("mobile edit", "mobile app edit")
        if kind in {"reply", "usertalk"}:
            return ("discussiontools", "discussiontools-reply")
        if tool == "visual":
            return ("visualeditor",)
        return ("wikieditor",) if draw() < self.rate["wikieditor"] else ()

    def _summary(self, kind: str, tool: str, draw: Callable[[], float]) -> str:
        chinese = draw() < self.rate["chinese"]
        section = ""
        if tool != "visual" and kind not in UNSECTIONED and draw() < self.rate["section"]:
            section = f"/* {_any(self._subject.sections, draw)} */"
        if draw() < self.rate["empty"] or (section and draw() < self.rate["bare"]):
            return (section + self._signature).strip()
        text = self._finish(self._words(kind, draw, chinese=chinese), draw, chinese=chinese)
        return f"{section} {text}{self._signature}".strip()

    def _words(self, kind: str, draw: Callable[[], float], *, chinese: bool) -> str:
        text = self._phrase(kind, draw, chinese=chinese)
        if draw() < self.rate["double"]:
            second = self._phrase(self.kind(draw), draw, chinese=chinese)
            joiner = "\uff0c" if chinese else JOINERS[self.pick("slot:joiner", draw)]
            text = f"{text}{joiner}{second}"
        return text

    def _phrase(self, kind: str, draw: Callable[[], float], *, chinese: bool) -> str:
        if kind not in {"reply", "usertalk"} and draw() < self.rate["jargon"]:
            jargon = self._subject.jargon
            return self._fill(
                jargon[self.pick("jargon", draw) % len(jargon)], draw, chinese=chinese
            )
        language, stock = ("zh", CHINESE) if chinese else ("en", ENGLISH)
        return self._fill(
            stock[kind][self.pick(f"phrase:{language}:{kind}", draw)], draw, chinese=chinese
        )

    def _fill(self, template: str, draw: Callable[[], float], *, chinese: bool) -> str:
        while "{" in template:
            head, _, rest = template.partition("{")
            name, _, tail = rest.partition("}")
            template = f"{head}{self._word(name, draw, chinese=chinese)}{tail}"
        return template

    def _word(self, name: str, draw: Callable[[], float], *, chinese: bool) -> str:
        if name in SLOTS:
            return SLOTS[name][self.pick(f"slot:{name}", draw)]
        if name == "d":
            return self._detail(draw, chinese=chinese)
        if name == "s":
            return _any(self._subject.sections, draw)
        return str(1880 + int(draw() * 144)) if name == "n" else str(2 + int(draw() ** 2 * 60))

    def _detail(self, draw: Callable[[], float], *, chinese: bool) -> str:
        """Return what a summary speaks of: a matter of the subject, at times placed or dated."""
        details = self._subject.zh_details if chinese else self._subject.details
        detail = details[self.pick("detail", draw) % len(details)]
        if draw() < PLAIN_DETAIL:
            return detail
        place = _any(self._subject.places, draw)
        if chinese:
            return "{n}年" + detail
        return f"{detail} at {place}" if draw() < 0.6 else f"{detail} in {{n}}"

    def _finish(self, text: str, draw: Callable[[], float], *, chinese: bool) -> str:
        if chinese:
            text = text.translate(TO_TRADITIONAL) if draw() < self.rate["traditional"] else text
            return text + "。" if draw() < self.rate["stop"] else text
        text = text[:1].upper() + text[1:] if draw() < self.rate["capital"] else text
        return text + "." if draw() < self.rate["stop"] else text


def cumulative(log_weights: Floats) -> list[float]:
    """Return the steps that `bisect` finds a uniform draw's option in; the last is 1."""
    weights = np.exp(log_weights - log_weights.max())
    steps = np.cumsum(weights) / weights.sum()
    return [*steps[:-1].tolist(), 1.0]


def _any(options: Sequence[str], draw: Callable[[], float]) -> str:
    return options[int(draw() * len(options))]
