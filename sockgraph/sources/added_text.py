"""What an edit added in its author's own words: no markup, no quotes, nothing that was there.

Templates, tables, code, links' targets, files, references, signatures, quoted lines and bare
addresses are nobody's words. What a line looks like to a reader stays as it was typed.
"""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from itertools import islice
from typing import TYPE_CHECKING, Any

import mwparserfromhell
import numpy as np

from sockgraph.schema import UNDOING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

LARGEST = 100_000
"""Bytes of a page beyond which its texts are not read."""

LONGEST = 4_000
"""Characters that are kept of one edit."""
LOOKED_AT = 20_000
"""Characters of new lines that are looked through: more is no post, and no paragraph."""
MARKS = 200
"""Marks of wikitext that are looked through: where more stand, a parser takes minutes."""
TOKENS = 2_000
"""Words on either side of a changed line, up to which it is known which of them are new."""
RUN = 3
"""New words in a row that count as written; fewer are a correction."""

_WORDLESS = {
    "blockquote", "ce", "chem", "code", "gallery", "graph", "includeonly", "mapframe", "math",
    "nowiki", "poem", "pre", "q", "ref", "references", "score", "source", "syntaxhighlight",
    "table", "templatedata", "templatestyles", "timeline",
}  # fmt: skip
_MARKUP = re.compile(r"\{\{|\[\[|\]\]|\}\}|<[A-Za-z!/]|'{2}|\[(?:https?:)?//|~{3}")
_TIME = re.compile(
    r"\d{1,2}:\d{2}(?::\d{2})?,? .{3,40}?\([A-Z]{2,5}\)"
    r"|\d{4}年\d{1,2}月\d{1,2}日\s*[(（].[)）]\s*\d{1,2}:\d{2}\s*[(（][A-Z]{2,5}[)）]"
)
_URL = re.compile(r"(?:https?:)?//[^\s<>\[\]|]+|\bwww\.\S+")
_CHAT = re.compile(r"\butm_source=(?:chatgpt\.com|openai|copilot\.com)")
"""Part of an address that a chat program gave; the one part of an address that stays in a text."""
_LEADING = re.compile(r"^[\s:*#;]+")
_QUOTED = re.compile(r"^\s*(?:>|\|[^|]*=|[|!{}]|={2,}.*={2,}\s*$)")
_UNCLOSED = re.compile(r"\{\{|\}\}|\{\||\|\}|\[\[|\]\]|</?[A-Za-z]")
_DANGLING = re.compile(r"(?:\s*[-—–]+)?\s*(?:[(（][\s|·•/]*[)）])?\s*$")
_STYLE = re.compile(r"'{2,}|~{3,}")
_SPACES = re.compile(r"[^\S\n]+")
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|\w+|[^\w\s]")


def own_words(text: str) -> str:
    r"""Return a text without markup, quotes, signatures, addresses and headings.

    Wikitext that never closes costs the line that it stands in.

    Parameters
    ----------
    text
        Wikitext, or plain text; of a very long one the first `LOOKED_AT` characters.

    Returns
    -------
    str
        At most `LONGEST` characters, cut at the end; lines without words are gone.

    Examples
    --------
    >>> own_words(":: I [[mill|milled]] it{{cn}}. [[User:Heron|Heron]] 10:12, 3 May 2021 (UTC)")
    'I milled it.'
    >>> own_words("> as you said\n我認為應該保留。--[[用户:A|A]]（[[用户讨论:A|讨论]]）")
    '我認為應該保留。'
    """
    text = text[:LOOKED_AT]
    chat = _CHAT.search(text)
    marks = [found.start() for found in islice(_MARKUP.finditer(text), MARKS + 1)]
    if marks:
        text = _without_markup(text[: marks[MARKS]] if len(marks) > MARKS else text)
    lines = [_line(line) for line in text.splitlines() if not _QUOTED.match(line)]
    told = [line for line in lines if line]
    return "\n".join([chat.group(), *told] if chat and told else told)[:LONGEST]


def _without_markup(text: str) -> str:
    code: Any = mwparserfromhell.parse(text, skip_style_tags=True)
    for node in [*code.ifilter_tags(recursive=True)]:
        if str(node.tag).strip().lower() in _WORDLESS:
            _remove(code, node)
    for link in [*code.ifilter_wikilinks(recursive=True)]:
        if ":" in str(link.title).lstrip(":"):  # a file, a category, whoever signs
            _remove(code, link)
    plain = code.strip_code(normalize=True, collapse=False)
    return _STYLE.sub("", str(plain))


def _remove(code: Any, node: Any) -> None:
    """Take a node out; one that lay in another went with it."""
    try:
        code.remove(node)
    except ValueError:
        return


def _line(line: str) -> str:
    if _UNCLOSED.search(line):
        return ""
    plain = _TIME.sub("", _URL.sub("", line))
    plain = _SPACES.sub(" ", _DANGLING.sub("", _LEADING.sub("", plain))).strip()
    return plain if any(c.isalpha() for c in plain) else ""


def added(before: str, after: str) -> str:
    r"""Return what a page's text has that the one before had not: whole lines, and runs of words.

    A line that stood anywhere before was moved, and is not new. Of a changed line the runs of at
    least `RUN` new words count.

    Examples
    --------
    >>> added("A mill.\nA pond.", "A pond.\nA mill.\nThe weir is old.")
    'The weir is old.'
    >>> added("The mill is old.", "The mill is old, and the miller sold it in spring.")
    ', and the miller sold it in spring'
    """
    old, new = before.splitlines(), after.splitlines()
    left = Counter(old)
    fresh = []
    for line in new:
        if left[line] > 0:
            left[line] -= 1
        elif line.strip():
            fresh.append(line)
    gone = list(left.elements())
    if not gone or not fresh:
        return "\n".join(fresh)[:LOOKED_AT]
    return _new_runs("\n".join(gone), "\n".join(fresh)[:LOOKED_AT])


def _new_runs(gone: str, fresh: str) -> str:
    """Return, of changed lines, those that are new for the most part, and of others new runs."""
    before = _WORD.findall(gone)
    known = set(before)
    told = []
    for line in fresh.splitlines():
        words = [*_WORD.finditer(line)]
        new = [word for word in words if word.group() not in known]
        if len(before) > TOKENS or len(words) > TOKENS or len(new) > 0.7 * len(words):
            told += [line] if len(new) > len(words) / 2 else []
            continue
        told += _runs(before, words, line)
    return "\n".join(told)


def _runs(before: list[str], words: list[re.Match[str]], line: str) -> Iterable[str]:
    matcher = SequenceMatcher(None, before, [word.group() for word in words], autojunk=False)
    for kind, _, _, start, end in matcher.get_opcodes():
        if kind in {"insert", "replace"} and end - start >= RUN:
            yield line[words[start].start() : words[end - 1].end()]


def own_texts(edits: pd.DataFrame, mode: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return `edits` with `text` in their authors' own words, and how many there are.

    Parameters
    ----------
    edits
        Contract table; `text` holds what an edit added, as it was typed.
    mode
        "none": no text is kept; "posts": those on talk pages; "all".

    Returns
    -------
    edits, counts
        A hidden text is null, and so is one without words of its author's.
    """
    given = edits["text"].fillna("").ne("").to_numpy(dtype=bool)  # an empty cell of a CSV is none
    if not given.any():
        return edits.assign(text=edits["text"].where(given)), {}
    space = edits["ns"].fillna(0).astype("int64").to_numpy()
    hidden = np.array(["text" in h or "suppressed" in h for h in edits["hidden"]], dtype=bool)
    back = brings_back(edits)
    wanted = given & ~hidden & ~back & {"none": False, "posts": space % 2 == 1}.get(mode, True)
    said = edits["text"].where(wanted).map(own_words, na_action="ignore")
    own = said.where(said != "").astype(edits["text"].dtype)
    kept = own.notna().to_numpy(dtype=bool)
    counts = {
        "texts with words of their author's": int(kept.sum()),
        "texts without": int((wanted & ~kept).sum()),
        "texts that are hidden": int((given & hidden).sum()),
        "texts that bring back an earlier one": int((given & ~hidden & back).sum()),
        f"texts cut at {LONGEST:,} characters": int((own.str.len() == LONGEST).sum()),
    }
    return edits.assign(text=own), {name: n for name, n in counts.items() if n}


def brings_back(edits: pd.DataFrame) -> np.ndarray:
    """Tell which edits bring back an earlier text of their page: others' words, not their own.

    By the wiki's tags, and by the hash where an edit before had the same on the same page.
    """
    tags = (given if isinstance(given, (list, np.ndarray)) else () for given in edits["tags"])
    tagged = np.array([not UNDOING.isdisjoint(some) for some in tags], dtype=bool)
    ordered = edits.sort_values(["timestamp", "rev_id"], kind="stable")
    page = ordered["page_id"].astype("string").fillna(ordered["title"])
    again = ordered.assign(page=page).duplicated(["wiki", "page", "sha1"])
    again &= ordered["sha1"].notna()
    return tagged | again.reindex(edits.index).to_numpy(dtype=bool)
