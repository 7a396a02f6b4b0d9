"""One text of a discussion page, read as statements: votes and signed comments.

A wiki's profile says how its people write support and oppose, sign and date.
"""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import mwparserfromhell
from mwparserfromhell.nodes import Comment, Tag, Template, Text, Wikilink

from sockgraph.errors import SockgraphError
from sockgraph.names import normal_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mwparserfromhell.nodes import Node

_MARKS = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")  # invisible in names


@dataclass(frozen=True, eq=False)
class WikiProfile:
    """One wiki's habits.

    Attributes
    ----------
    name
        As a case file names it.
    words
        From a word that takes a side, in lower case, to the side; "" where it takes none that
        can be read (`not oppose`).
    qualifiers
        What may stand beside such a word in a template's name.
    negations
        Words before a side that make it unreadable.
    general
        Headings that belong to the discussion above them, beside those that name a side.
    user
        Namespaces of user pages and their talk pages, in lower case.
    contributions
        Special pages that list a user's edits, in lower case.
    time
        A signature's time, with the groups year, month, day, hour, minute.
    months
        From a month's name, in lower case, to its number; empty where months are numbers.
    plain
        Whether a side counts without bold or template, at the start, before punctuation.
    """

    name: str
    words: Mapping[str, str]
    qualifiers: tuple[str, ...]
    negations: tuple[str, ...]
    general: frozenset[str]
    user: frozenset[str]
    contributions: frozenset[str]
    time: re.Pattern[str]
    months: Mapping[str, int]
    plain: bool

    def side_of(self, text: str) -> str | None:
        """Return the side that a marker takes; "" if it cannot be read, None if it is no marker.

        >>> ENWIKI.side_of("Strong support"), ENWIKI.side_of("Per nom"), ZHWIKI.side_of("强烈反对")
        ('support', None, 'oppose')
        """
        said = " ".join(text.casefold().split())
        found = list(self._word.finditer(said))
        if not found:
            return None
        before = said[: found[0].start()]
        sides = {self.words[match.group()] for match in found}
        if len(sides) > 1 or self._negated.search(before):
            return ""
        return sides.pop()

    def template_side(self, name: str) -> str | None:
        """Return the side that a template of this name takes, None if it takes none."""
        match = self._template.fullmatch(" ".join(name.casefold().replace("_", " ").split()))
        return self.words[match["side"]] if match else None

    def plain_side(self, text: str) -> str | None:
        """Return the side of unmarked text that begins with one, where the wiki writes so."""
        match = self._start.match(text.strip().casefold()) if self.plain else None
        return self.words[match["side"]] if match else None

    def heading_side(self, heading: str) -> str | None:
        """Return the side of a heading that consists of one, counts and marks left aside.

        >>> ENWIKI.heading_side("Support (12)"), ENWIKI.heading_side("Support for the tower")
        ('support', None)
        """
        return self.words.get(_bare(heading)) or None

    def is_general(self, heading: str) -> bool:
        """Whether a heading belongs to the discussion above it."""
        return _bare(heading) in self.general or _bare(heading) in self.words

    def user_of(self, target: str) -> str | None:
        """Return the account whose page, talk page or list of edits a link leads to."""
        title = _MARKS.sub("", html.unescape(target)).replace("_", " ").strip().lstrip(":")
        space, _, rest = title.partition(":")
        if space.strip().casefold() in self.user:
            name = rest
        else:
            page, _, name = title.partition("/")
            if page.strip().casefold() not in self.contributions:
                return None
        return normal_name(name.partition("/")[0].partition("#")[0]) or None

    def moment(self, match: re.Match[str]) -> dt.datetime | None:
        """Return the time that a match of `time` says, UTC; None if there is no such time."""
        month = match["month"].casefold()
        number = self.months.get(month) if self.months else int(month)
        year, day, hour, minute = (int(match[n]) for n in ("year", "day", "hour", "minute"))
        try:
            return dt.datetime(year, number or 0, day, hour, minute, tzinfo=dt.UTC)
        except ValueError:
            return None

    @cached_property
    def _word(self) -> re.Pattern[str]:
        return re.compile(_any(self.words, bounded=not self.plain))

    @cached_property
    def _negated(self) -> re.Pattern[str]:
        return re.compile(_any(self.negations, bounded=not self.plain))

    @cached_property
    def _template(self) -> re.Pattern[str]:
        beside = f"(?:{_any(self.qualifiers)})"
        return re.compile(f"(?:{beside} ?)*(?P<side>{_any(self.words)})(?: ?{beside})*")

    @cached_property
    def _start(self) -> re.Pattern[str]:
        beside = f"(?:{_any(self.qualifiers)})"
        return re.compile(rf"{beside}?(?P<side>{_any(self.words)})(?=[^\w]|$)")


def _any(words: Mapping[str, object] | tuple[str, ...], *, bounded: bool = False) -> str:
    """Return an expression for any of the words, the longest first."""
    either = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return rf"\b(?:{either})\b" if bounded else f"(?:{either})"


def _bare(heading: str) -> str:
    """Return a heading in lower case without counts, brackets and punctuation."""
    kept = re.sub(r"[(（\[].*?[)）\]]|[\d\W_]+", " ", heading.casefold())
    return " ".join(kept.split())


def profile_of(name: str) -> WikiProfile:
    """Return the profile of this name.

    Raises
    ------
    SockgraphError
        If there is none.
    """
    if name not in PROFILES:
        raise SockgraphError(name, f"profiles are {', '.join(PROFILES)}.", "Choose one of them.")
    return PROFILES[name]


_ENGLISH = {
    **dict.fromkeys(("support", "supports", "supporting"), "support"),
    **dict.fromkeys(("oppose", "opposes", "opposing", "opposed"), "oppose"),
    **dict.fromkeys(("neutral", "abstain"), "neutral"),
}
_CHINESE = {
    **dict.fromkeys(("支持", "赞成", "贊成", "赞同", "贊同", "同意"), "support"),
    **dict.fromkeys(("反对", "反對", "不支持", "不赞成", "不贊成", "不同意"), "oppose"),
    **dict.fromkeys(("中立", "弃权", "棄權"), "neutral"),
    **dict.fromkeys(("不反对", "不反對", "不中立"), ""),
}
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip

ENWIKI = WikiProfile(
    name="enwiki",
    words=_ENGLISH,
    qualifiers=("strong", "strongly", "weak", "weakly", "vote", "conditional", "moral"),
    negations=("not", "no", "don't", "never", "cannot", "can't", "former", "formerly", "from"),
    general=frozenset(
        (
            "discussion", "discussions", "general discussion", "comments", "general comments",
            "comment", "survey", "poll", "polling", "vote", "votes", "voting",
            "threaded discussion",
        )
    ),
    user=frozenset(("user", "user talk", "u", "ut")),
    contributions=frozenset(("special:contributions", "special:contribs")),
    time=re.compile(
        r"(?P<hour>\d{1,2}):(?P<minute>\d\d), (?P<day>\d{1,2}) (?P<month>[A-Za-z]{3,9}) "
        r"(?P<year>\d{4}) \(UTC\)"
    ),
    months={name[:n]: at for at, name in enumerate(_MONTHS, 1) for n in (3, len(name))},
    plain=False,
)  # fmt: skip
ZHWIKI = WikiProfile(
    name="zhwiki",
    words=_CHINESE | _ENGLISH,
    qualifiers=(
        "强烈", "強烈", "倾向", "傾向", "弱", "有条件", "有條件", "完全", "坚决", "堅決",
        "暂时", "暫時", "strong", "weak",
    ),
    negations=("并非", "並非", "不再", "原", "撤回", "not", "no"),
    general=frozenset(
        (
            "讨论", "討論", "意见", "意見", "投票", "投票区", "投票區", "表决", "表決", "留言",
            "评论", "評論", "其他意见", "其他意見", "其它意见", "其它意見",
            "discussion", "comments",
        )
    ),
    user=frozenset(
        (
            "user", "user talk", "u", "ut", "用户", "用戶", "使用者", "用户讨论", "用戶討論",
            "用户对话", "用戶對話", "使用者討論", "使用者讨论", "用戶讨论", "用户討論",
        )
    ),
    contributions=frozenset(
        (
            "special:contributions", "special:contribs", "special:用户贡献", "special:用戶貢獻",
            "特殊:用户贡献", "特殊:用戶貢獻", "特殊:使用者貢獻", "special:使用者貢獻",
        )
    ),
    time=re.compile(
        r"(?P<year>\d{4})年(?P<month>\d{1,2})月(?P<day>\d{1,2})日 ?[(（][一二三四五六日][)）] ?"
        r"(?P<hour>\d{1,2}):(?P<minute>\d\d) ?[(（]UTC[)）]"
    ),
    months={},
    plain=True,
)  # fmt: skip
PROFILES: Mapping[str, WikiProfile] = {profile.name: profile for profile in (ENWIKI, ZHWIKI)}


STRUCK = {"s", "del", "strike"}
STRIKES = {"s", "strike", "strikethrough", "del", "删除线", "刪除線"}
QUOTED = {"nowiki", "pre", "code", "syntaxhighlight", "ref", "math"}
INVISIBLE = re.compile(
    r"<!--.*?(?:-->|\Z)|<(nowiki|pre|syntaxhighlight|math)\b[^>]*(?<!/)>.*?</\1\s*>",
    re.DOTALL | re.IGNORECASE,
)
HEADING = re.compile(r"(={1,6})(.+?)\1\s*")
ITEM = re.compile(r"[*#:;\s]*")
LINK = re.compile(r"\[\[(?P<target>[^\[\]|{}\n]+)")
SIGNATURE = 600  # characters of markup before the time in which its signature stands
HEAD = 80  # characters by which an unsigned statement is known again


@dataclass(frozen=True)
class Paragraph:
    """One line or paragraph, by itself.

    Attributes
    ----------
    depth
        How far it is indented or listed: 0 is a paragraph.
    side
        What its marker says; "" if that cannot be read, None without a marker.
    struck
        Whether it is struck out, or its only marker is.
    user, time
        By whom and when it is signed, None where that is missing or unreadable.
    head
        How it begins, by which it is known again while it is unsigned.
    """

    depth: int
    side: str | None
    struck: bool
    user: str | None
    time: dt.datetime | None
    head: str


@dataclass(frozen=True)
class Statement:
    """What somebody said on a page: a vote, or a signed comment.

    Attributes
    ----------
    said
        The statement by itself.
    vote
        Whether it is a vote: a marker at the start of a line that replies to nobody, or an item of
        a section that is one side's.
    side
        support, oppose or neutral; "" if it is a vote that cannot be read; None if it is struck
        out, or a comment.
    headings
        The headings above it that name a discussion, the outermost first.
    """

    said: Paragraph
    vote: bool
    side: str | None
    headings: tuple[str, ...]


def read_page(text: str, profile: WikiProfile) -> list[Statement]:
    """Return the statements of a page, in their order.

    Sections headed by a side hold its votes: their items, listed once. Elsewhere a vote begins with
    a side as a template or in bold, at most one indent deep. Deeper lines are replies, no votes.
    """
    return [
        statement
        for headings, line in _lines(text, profile)
        if (statement := _statement(headings, _said(line, profile.name), profile))
    ]


def _statement(
    headings: tuple[str, ...], said: Paragraph, profile: WikiProfile
) -> Statement | None:
    section = profile.heading_side(headings[-1]) if headings else None
    listed = section is not None and said.depth == 1
    vote = listed or (said.side is not None and said.depth <= 1)
    if not vote and (said.user is None or said.time is None):
        return None
    side = said.side if section in (None, said.side) else section
    if section is not None and said.side not in (None, section) and not said.struck:
        side = ""  # it says the one and stands under the other
    named = tuple(heading for heading in headings if not profile.is_general(heading))
    return Statement(said, vote, side if vote and not said.struck else None, named)


def _lines(text: str, profile: WikiProfile) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield headings and lines; lines of one paragraph come as one, up to its signature."""
    headings: list[tuple[int, str]] = []
    waiting = ""
    for line in INVISIBLE.sub("", text).splitlines():
        names = tuple(name for _, name in headings)
        if match := HEADING.fullmatch(line.strip()):
            yield from _flushed(names, waiting)
            level, waiting = len(match[1]), ""
            headings = [h for h in headings if h[0] < level] + [(level, _words(match[2]))]
        elif not line.strip() or line[0] in "*#:;":
            yield from _flushed(names, waiting)
            yield from _flushed(names, line)
            waiting = ""
        else:
            waiting = f"{waiting} {line}" if waiting else line
            if profile.time.search(line):
                yield names, waiting
                waiting = ""
    yield from _flushed(tuple(name for _, name in headings), waiting)


def _flushed(names: tuple[str, ...], line: str) -> Iterator[tuple[tuple[str, ...], str]]:
    if line.strip():
        yield names, line


@lru_cache(maxsize=65536)
def _said(line: str, profile_name: str) -> Paragraph:
    """Read one line; revisions of a page share nearly all of theirs."""
    profile = profile_of(profile_name)
    depth = len("".join(ITEM.match(line).group().split()))  # type: ignore[union-attr]
    tokens = list(_tokens(_parsed(line), struck=False))
    side, struck = _marker(tokens, profile)
    user, time, end = _signature(line, profile)
    head = "".join(c for c in _words(line[:end]).casefold() if c.isalnum())[:HEAD]
    return Paragraph(depth, side, struck, user, time, head)


def _parsed(line: str) -> list[Node]:
    """Parse a line, closing what strikes through beyond its end."""
    for tag in STRUCK:
        opened = len(re.findall(rf"<{tag}\b[^>/]*>", line, re.IGNORECASE))
        closed = len(re.findall(rf"</{tag}\s*>", line, re.IGNORECASE))
        line += f"</{tag}>" * max(opened - closed, 0)
    return list(mwparserfromhell.parse(line).nodes)


def _words(markup: str) -> str:
    return str(mwparserfromhell.parse(markup).strip_code()).strip()


@dataclass(frozen=True)
class _Token:
    """A piece of a line: text, bold, or a template's name."""

    kind: str
    text: str
    struck: bool


def _tokens(nodes: list[Node], *, struck: bool) -> Iterator[_Token]:
    for node in nodes:
        if isinstance(node, Text):
            yield _Token("text", str(node), struck)
        elif isinstance(node, Template):
            yield from _of_template(node, struck=struck)
        elif isinstance(node, Tag):
            yield from _of_tag(node, struck=struck)
        elif isinstance(node, Wikilink) and ":" not in str(node.title):
            yield _Token("text", str(node.text or node.title), struck)
        elif not isinstance(node, (Comment, Wikilink)):
            yield _Token("other", str(node), struck)


def _of_template(node: Template, *, struck: bool) -> Iterator[_Token]:
    name = str(node.name).strip()
    if name.casefold() in STRIKES and node.params:
        yield from _tokens(list(node.params[0].value.nodes), struck=True)
    else:
        yield _Token("template", name, struck)


def _of_tag(node: Tag, *, struck: bool) -> Iterator[_Token]:
    tag = str(node.tag).strip().casefold()
    if tag in QUOTED or node.contents is None:
        return
    inside = list(node.contents.nodes)
    struck = struck or tag in STRUCK
    if tag == "b":
        held = [t for t in _tokens(inside, struck=struck) if t.text.strip()]
        text = " ".join(t.text for t in held if t.kind != "template")
        yield _Token("bold", text, struck or bool(held and all(t.struck for t in held)))
    else:
        yield from _tokens(inside, struck=struck)


def _marker(tokens: list[_Token], profile: WikiProfile) -> tuple[str | None, bool]:
    """Return the side that a line takes, and whether it is struck out.

    The first marker counts, unless it is struck out and another, not struck out, follows.
    """
    first = next((t for t in tokens if t.text.strip() and t.kind != "other"), None)
    withdrawn: str | None = None
    for token in tokens:
        side = _side(token, profile)
        if side is not None and not token.struck:
            return side, False
        withdrawn = side if withdrawn is None else withdrawn
        plain = token.kind in {"text", "bold"} and any(c.isalnum() for c in token.text)
        if plain and side is None and withdrawn is None:
            break
    return withdrawn, withdrawn is not None or (first is not None and first.struck)


def _side(token: _Token, profile: WikiProfile) -> str | None:
    if token.kind == "template":
        return profile.template_side(token.text)
    if token.kind == "bold":
        return profile.side_of(token.text)
    return profile.plain_side(token.text) if token.kind == "text" else None


def _signature(line: str, profile: WikiProfile) -> tuple[str | None, dt.datetime | None, int]:
    """Return who signed a line, when, and where the signature begins.

    The last time in the line counts, and the last link to an account before it.
    """
    times = list(profile.time.finditer(line))
    if not times:
        return None, None, len(line)
    start = max(times[-2].end() if len(times) > 1 else 0, times[-1].start() - SIGNATURE)
    user, begins = None, times[-1].start()
    for match in reversed(list(LINK.finditer(line, start, times[-1].start()))):
        name = profile.user_of(match["target"])
        if name is not None and user in (None, name):
            user, begins = name, match.start()
    return user, profile.moment(times[-1]), begins
