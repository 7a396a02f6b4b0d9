"""What pages say, in English and Chinese: one table, `strings.tsv`, beside one function.

English is the key. A page is made inside `speaking("zh-hans")`; whatever is said in it is looked up
in the table. Names, titles and summaries are never translated.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal, get_args

from markupsafe import Markup

from sockgraph.errors import SockgraphError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Language = Literal["en", "zh-hans", "zh-hant"]
TABLE = resources.files("sockgraph") / "strings.tsv"
_spoken: ContextVar[Language] = ContextVar("language", default="en")


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Make what is said inside be in one language.

    >>> with speaking("zh-hant"):
    ...     say("flagged")
    '待覆核'
    """
    if language not in get_args(Language):
        raise SockgraphError(
            language, "pages are written in en, zh-hans or zh-hant.", "Choose one of them."
        )
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def language_of(wiki: str) -> Language:
    """Return the language that a wiki's pages are read in.

    >>> language_of("zh.wikipedia.org"), language_of("fernwick.example")
    ('zh-hans', 'en')
    """
    return "zh-hans" if wiki.partition(".")[0] in {"zh", "gan", "wuu"} else "en"


def spoken() -> Language:
    """Return the language that is spoken now."""
    return _spoken.get()


def say(text: str, **values: object) -> str:
    """Return a text in the language that is spoken, its `{names}` filled in."""
    words = translated(text)
    return words.format(**values) if values else words


def tell(text: str, **values: object) -> Markup:
    """Return a text of the table as inert HTML: its own tags stay, values are escaped."""
    return Markup(translated(text)).format(**values)  # noqa: S704 - our own table


def translated(text: str) -> str:
    """Return a text in the language that is spoken; in English where the table has it not."""
    language = spoken()
    return text if language == "en" else strings().get(text, {}).get(language, text)


def said_by(script: str) -> set[str]:
    """Return every text that a page's script looks up: what stands in its `t("…")` and `many(…)`.

    >>> sorted(said_by('t("gap"); many(n, "{n} page", "{n} pages")'))
    ['gap', '{n} page', '{n} pages']
    """
    text = r'"((?:[^"\\]|\\.)*)"'
    found = set(re.findall(rf"\bt(?:\.around)?\({text}", script))
    for both in re.findall(rf"\bmany\([^\"]*?{text}, {text}", script):
        found |= set(both)
    return {one.replace('\\"', '"') for one in found}


@cache
def strings() -> Mapping[str, Mapping[str, str]]:
    """Return the table: by the English text, that text in each other language."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    heads = lines[0].split("\t")[1:]
    rows = (line.split("\t") for line in lines[1:] if line)
    return {row[0]: dict(zip(heads, row[1:], strict=True)) for row in rows}
