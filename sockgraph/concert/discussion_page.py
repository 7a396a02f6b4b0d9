"""One text of a discussion page, read as statements: votes and signed comments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import mwparserfromhell
from mwparserfromhell.nodes import Comment, Tag, Template, Text, Wikilink

from sockgraph.concert.profiles import WikiProfile, profile_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from mwparserfromhell.nodes import Node

STRUCK = {"s", "del", "strike"}
STRIKES = {"s", "strike", "strikethrough", "del", "删除线", "刪除線"}
QUOTED = {"nowiki", "pre", "code", "syntaxhighlight", "ref", "math"}
INVISIBLE = re.compile(
    r"<!--.*?(?:-->|\Z)|<(nowiki|pre|syntaxhighlight|math)\b[^>]*(?<!/)>.*?</\1\s*>",
    re.DOTALL | re.IGNORECASE,
)
HEADING = re.compile(r"(={1,6})(.+?)\1\s*")
ITEM = re.compile(r"[*#:;\s]*")
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


LINK = re.compile(r"\[\[(?P<target>[^\[\]|{}\n]+)")
