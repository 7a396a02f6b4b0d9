"""Names, titles and summaries as inert HTML, and links that lead only where the case's wiki is.

Everything an account holder can write passes through `clean`: control characters, bidi overrides
and zero-width characters become visible, so that no name can hide in, or reorder, the page.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sockgraph.case import Case

EN_DASH = "\N{EN DASH}"
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u3005\u3007]")
_RESERVED = (".example", ".test", ".invalid")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})")
REVISION = re.compile(r"(.+):(\d+)")


def clean(text: str) -> str:
    """Make characters that hide or reorder text visible, as `⟨U+202E⟩`.

    Joiners stay where they join letters that need them (Persian, Indic, emoji), not in Latin text.

    >>> clean("ab" + chr(0x202E) + "cd"), clean("x" + chr(9) + "y")
    ('ab⟨U+202E⟩cd', 'x y')
    """
    spaced = re.sub(r"[\t\r\n]+", " ", text)
    shown = [_visible(spaced, i) for i in range(len(spaced))]
    return "".join(shown)


def _visible(text: str, i: int) -> str:
    char = text[i]
    if char == " " or unicodedata.category(char) not in _HIDDEN:
        return char
    if char in _JOINERS and i and not text[i - 1].isascii():
        return char
    return f"⟨U+{ord(char):04X}⟩"


def is_han(text: str) -> bool:
    """Tell whether every letter of a text is a Han character, and there is one.

    >>> is_han("青石巷"), is_han("青石巷 7"), is_han("青い"), is_han("7")
    (True, True, False, False)
    """
    letters = [char for char in text if char.isalpha()]
    return bool(letters) and all(_HAN.match(char) for char in letters)


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
    return Markup("{} and {}").format(Markup(", ").join(items[:-1]), items[-1])


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
    """Return the address of the diff of `rev_id` or `wiki:rev_id`; None on hosts that cannot exist.

    Such hosts are those of RFC 2606.
    """
    found = REVISION.fullmatch(str(revision))
    named, rev_id = found.groups() if found else (case.wiki, revision)
    wiki = named if named in case.wikis else case.wiki
    host = wiki.split(":")[0].lower()
    if host.endswith(_RESERVED) or host in {"example", "test", "invalid"}:
        return None
    return f"{case.source.scheme}://{wiki}{case.source.api_path}index.php?diff={rev_id}"


def diff_link(case: Case, revision: int | str, text: Markup | str) -> Markup:
    """Return a link to a revision's diff, or the text with the revision's number."""
    url = diff_url(case, revision)
    if url is None:
        rev_id = str(revision).rpartition(":")[2]
        return Markup('{} <small class="mut nb">rev {}</small>').format(text, rev_id)
    return anchor(url, text)
