"""Names, titles and summaries as inert HTML or wikitext; links lead only where the wiki is.

Everything an account holder can write passes through `clean`: control characters, bidi overrides
and zero-width characters become visible, so that no name can hide in, or reorder, the page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from sockgraph.names import clean, is_han
from sockgraph.reviews.packet import is_reserved
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockgraph.case import Case

EN_DASH = "\N{EN DASH}"
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})")
REVISION = re.compile(r"(.+):(\d+)")
_PLAIN = frozenset(" .,()/-!?+%$@")  # ASCII that wikitext does not read, but at a line's start


def name(text: str) -> Markup:
    """Return a name or title, isolated from the direction and language of what is around it."""
    lang = Markup(' lang="zh"') if is_han(text) else ""
    return Markup("<bdi{}>{}</bdi>").format(lang, clean(text))


def pair_name(a: str, b: str) -> Markup:
    """Return the two names of a pair."""
    return Markup("{} {} {}").format(name(a), EN_DASH, name(b))


def joined(items: Sequence[Markup]) -> Markup:
    """Join inert pieces into a list: `a, b and c`."""
    if len(items) < 2:
        return Markup("").join(items)
    return escape(say(", ")).join(items[:-1]) + say(" and ") + items[-1]


def dated(text: str) -> Markup:
    """Return words with their dates kept from breaking at a hyphen."""
    pieces = _DATE.split(clean(text))
    kept = Markup('<span class="nb">{}</span>')
    return Markup("").join(kept.format(p) if _DATE.fullmatch(p) else p for p in pieces)


def summary(text: str | None, limit: int = 140) -> Markup:
    """Return an edit summary; a long one is cut, and says so by an ellipsis."""
    shown = clean(text or "")
    return name(shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…")


def quote(text: str) -> Markup:
    """Return an edit summary in quotation marks."""
    return Markup("\N{LEFT DOUBLE QUOTATION MARK}{}\N{RIGHT DOUBLE QUOTATION MARK}").format(
        summary(text)
    )


def safe_url(url: str | None) -> str | None:
    """Return a web address if it is one, None for every other scheme."""
    if not url:
        return None
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    return url.strip() if parts.scheme in {"http", "https"} and parts.netloc else None


def anchor(url: str | None, text: Markup | str) -> Markup:
    """Return a link that tells its target nothing of this page; plain text without an address."""
    safe = safe_url(url)
    if safe is None:
        return escape(text)
    return Markup('<a href="{}">{}</a>').format(safe, text)


def diff_url(case: Case, revision: int | str) -> str | None:
    """Return the address of a `rev_id` or `wiki:rev_id`'s diff; None on hosts that cannot exist."""
    found = REVISION.fullmatch(str(revision))
    named, rev_id = found.groups() if found else (case.wiki, revision)
    wiki = named if named in case.wikis else case.wiki
    if is_reserved(wiki):
        return None
    return f"{case.source.scheme}://{wiki}{case.source.api_path}index.php?diff={rev_id}"


def diff_link(case: Case, revision: int | str, text: Markup | str) -> Markup:
    """Return a link to a revision's diff, or the text with the revision's number."""
    url = diff_url(case, revision)
    if url is None:
        rev_id = str(revision).rpartition(":")[2]
        return Markup('{} <small class="mut nb">rev {}</small>').format(text, rev_id)
    return anchor(url, text)


def mark(*, second: bool, of: str = "") -> Markup:
    """Draw an account's mark: the first of a pair filled, the second hollow.

    Parameters
    ----------
    of
        The account, where its name does not stand beside the mark: a screen reader says it.

    >>> mark(second=True)
    Markup('<i class="mk o"></i>')
    """
    said = Markup(' role="img" aria-label="{0}" title="{0}"').format(clean(of)) if of else ""
    return Markup('<i class="mk{}"{}></i>').format(" o" if second else "", said)


def escape_wikitext(text: str | None) -> str:
    """Return text that no wikitext parser reads as anything but text, on one line.

    Every character that could begin markup, a link, a template or HTML becomes its entity, and the
    letters of magic links are taken apart; characters that hide or reorder become visible.

    >>> escape_wikitext("{{x}} <b>")
    '&#123;&#123;x&#125;&#125; &#60;b&#62;'
    """
    shown = clean(text or "")
    spelled = "".join(c if _harmless(c) else f"&#{ord(c)};" for c in shown)
    for word in ("ISBN", "RFC", "PMID"):  # "ISBN 0-…" is a link by itself
        spelled = spelled.replace(word, f"{word[:-1]}&#{ord(word[-1])};")
    return spelled


def _harmless(char: str) -> bool:
    return char.isalnum() or char in _PLAIN or not char.isascii()


def wiki_account(name: str) -> str:
    """Return a link to an account's user page."""
    return f"[[User:{escape_wikitext(name)}|{escape_wikitext(name)}]]"


def wiki_section(title: str, lines: Sequence[str], *, level: int = 3) -> list[str]:
    """Return a heading and a list; a line that begins with a star goes one level deeper."""
    bar = "=" * level
    return ["", f"{bar} {title} {bar}", *(f"*{'' if ln[0] == '*' else ' '}{ln}" for ln in lines)]
