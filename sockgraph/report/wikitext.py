"""Wikitext to post: a filing with evidence for and against, diffs, and the note that restores.

Nothing here is a verdict, a tag, a block or a request for a lock, and admins' sections stay empty.
Whatever an account holder wrote goes through `inert`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import pandas as pd

from sockgraph.names import clean
from sockgraph.report.markup import safe_url
from sockgraph.report.wording import counted, headline
from sockgraph.reviews.audit import head_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sockgraph.case import Case
    from sockgraph.report.data import Link, Signal, Stretch
    from sockgraph.reviews import Entry, History, LedgerHead

Profile = Literal["enwiki", "zhwiki", "meta"]
Variant = Literal["public", "private"]
PROFILES: tuple[Profile, ...] = ("enwiki", "zhwiki", "meta")
VARIANTS: tuple[Variant, ...] = ("public", "private")
DIFFS_SHOWN = 8
_PLAIN = frozenset(" .,()/-!?+%$@")  # ASCII that wikitext does not read, but at a line's start


@dataclass(frozen=True)
class _Words:
    """What a wiki's own filings are headed with."""

    page: str
    against: str
    towards: str
    silent: str
    alternatives: str
    caveat: str


_ENGLISH = _Words(
    "Wikipedia:Sockpuppet investigations/",
    "Evidence against one operator",
    "Evidence for one operator",
    "Too few edits to say",
    "The strongest other explanations, as the reviewers wrote them",
    "Public edits cannot exclude friends, colleagues or shared scripts.",
)
_WORDS: dict[str, _Words] = {
    "enwiki": _ENGLISH,
    "meta": _ENGLISH,
    "zhwiki": _Words(
        "Wikipedia:傀儡調查/案件/",
        "反對同一操作者的證據",
        "支持同一操作者的證據",
        "編輯太少而無從判斷",
        "覆核者寫下的最有力的其他解釋",
        "公開編輯不能排除親友、同事或共用程式。",
    ),
}


@dataclass(frozen=True)
class Filing:
    """What a filing is made from.

    Attributes
    ----------
    links
        The links that are filed, with their evidence; upheld ones only.
    histories
        What the ledger says of each, in the same order.
    edits
        Contract table; the diffs' days and summaries come from it.
    head
        The ledger's head, printed as a witness.
    """

    case: Case
    links: Sequence[Link]
    histories: Sequence[History]
    edits: pd.DataFrame
    head: LedgerHead

    @property
    def accounts(self) -> tuple[str, ...]:
        """Every account that is filed, by name."""
        return tuple(sorted({user for link in self.links for user in link.pair}))


def inert(text: str | None) -> str:
    """Return text that no wikitext parser reads as anything but text, on one line.

    Every character that could begin markup, a link, a template or HTML becomes its entity, and the
    letters of magic links are taken apart; characters that hide or reorder become visible.

    >>> inert("{{x}} <b>")
    '&#123;&#123;x&#125;&#125; &#60;b&#62;'
    """
    shown = clean(text or "")
    spelled = "".join(c if _harmless(c) else f"&#{ord(c)};" for c in shown)
    for word in ("ISBN", "RFC", "PMID"):  # "ISBN 0-…" is a link by itself
        spelled = spelled.replace(word, f"{word[:-1]}&#{ord(word[-1])};")
    return spelled


def _harmless(char: str) -> bool:
    return char.isalnum() or char in _PLAIN or not char.isascii()


def spi_filing(filing: Filing, *, profile: Profile, variant: Variant) -> str:
    """Write a filing for a wiki's page of investigations.

    Parameters
    ----------
    profile
        `enwiki`, `zhwiki` or `meta`: that wiki's template, page and headings.
    variant
        `public` withholds how each signal works and the hours of the day; `private` does not.
    """
    words = _WORDS[profile]
    first, *others = filing.accounts
    listed = "".join(f"\n|{i}={inert(name)}" for i, name in enumerate(others, 1))
    sections = [
        _link_text(filing, link, history, profile=profile, variant=variant)
        for link, history in zip(filing.links, filing.histories, strict=True)
    ]
    evidence = "\n\n".join([*sections, f"{words.caveat}\n\n{head_words(filing.head)}"])
    heading = f"<!-- {words.page}{_commented(first)} -->\n"
    if profile == "meta":
        named = "\n".join(f"* {_account(name)}" for name in filing.accounts)
        return f"<!-- {_commented(first)} -->\n{named}\n\n{evidence}\n"
    return f"{heading}{{{{subst:SPI report{listed}\n|evidence={evidence}\n}}}}\n"


def diff_lines(case: Case, edits: pd.DataFrame, *, profile: Profile) -> str:
    """Write edits as `{{diff}}` lines, oldest first; as full links on Meta, which has other pages.

    Parameters
    ----------
    edits
        Rows of the contract table `edits`.
    """
    ordered = edits.sort_values(["timestamp", "rev_id"], kind="stable")
    return "\n".join(f"* {_diff(case, row, profile)}" for row in ordered.itertuples())


def restoration_note(case: Case, entry: Entry, head: LedgerHead) -> str:
    """Write what was wrong, since when, what to undo and whom to tell, ready to post.

    Parameters
    ----------
    entry
        The ledger's `restoration` entry.
    """
    body = entry.body
    a, b = entry.pair or ("", "")
    done = [inert(action) for action in body["actions"]]
    undo = [
        *[f"Undo the {action} that followed from the link" for action in done],
        *[f"Take back what {_address(page)} says of the link" for page in body["pages"]],
        *[
            f"Withdraw the filing of {filed['time'][:10]} by {inert(filed['by'])}"
            for filed in body["filings"]
        ],
        *[f"Replace {inert(item['file'])} wherever it was shared" for item in body["artefacts"]],
    ]
    lean = [
        *[f"the group of {_listed(group)}" for group in body["groups"]],
        *[f"the link of {_listed(pair)}" for pair in body["links"]],
    ]
    told = [_account(user) for user in (a, b)]
    told += [f"{inert(name)}, who made or upheld the link" for name in body["made_by"]]
    return "\n".join(
        [
            f"== Restoration: {inert(a)} and {inert(b)} ==",
            f"The link between {_account(a)} and {_account(b)} was wrong and is taken back.",
            f"It stood since {body['since']}; two reviewers took it back on {entry.time[:10]}.",
            *_section("What was wrong", [inert(why) for why in body["wrong"]]),
            *_section("What to undo", undo),
            *_section("What leaned on it, and is stale", lean or ["nothing else"]),
            *_section("Whom to tell", told),
            "",
            f"Case {inert(case.slug)}. {head_words(head)}",
            "",
        ]
    )


def _link_text(
    filing: Filing, link: Link, history: History, *, profile: Profile, variant: Variant
) -> str:
    words = _WORDS[profile]
    against, towards, silent = _directions(link.signals)
    alternatives = [
        inert(r.answers["finding"]["alternative"])
        for r in (history.current.records.values() if history.current else ())
        if r.finding
    ]
    shows = _Shows(filing, profile, variant)
    against_lines = [*shows.signals(against), *shows.stretches(link.stretches)]
    lines = [
        f"'''{_account(link.a)}, {_account(link.b)}'''",
        "",
        inert(headline(link)),
        *_section(words.against, against_lines, level=5),
        *_section(words.towards, shows.signals(towards), level=5),
        *_section(words.silent, [inert(s.family) for s in silent], level=5),
        *_section(words.alternatives, alternatives, level=5),
    ]
    return "\n".join(lines)


@dataclass(frozen=True)
class _Shows:
    """How much of the evidence a variant shows."""

    filing: Filing
    profile: Profile
    variant: Variant

    def signals(self, signals: Sequence[Signal]) -> list[str]:
        """Return a line a signal and, below it, its diffs; in public the family stands for it."""
        lines = []
        for signal in signals:
            name = signal.family if self.variant == "public" else f"{signal.name} ({signal.family})"
            number = "" if self.variant == "public" else f", log10 LR alone {signal.log10_lr:+.1f}"
            lines.append(f"{inert(name)}{inert(number)}")
            lines += [f"* {line}" for line in self.diffs(signal.rev_ids)]
        return lines

    def diffs(self, rev_ids: Sequence[str]) -> list[str]:
        """Return the edits as diffs, at most `DIFFS_SHOWN`, with how many are left out."""
        edits = self.filing.edits
        named = (edits["wiki"] + ":" + edits["rev_id"].astype("string")).isin(set(rev_ids))
        mine = edits[named & edits["user"].isin(self.filing.accounts)]
        mine = mine.sort_values(["timestamp", "rev_id"], kind="stable")
        shown = mine.head(DIFFS_SHOWN)
        lines = [_diff(self.filing.case, row, self.profile) for row in shown.itertuples()]
        left = len(mine) - len(shown)
        return [*lines, f"and {counted(left, 'edit')} more"] if left else lines

    def stretches(self, stretches: Iterable[Stretch]) -> list[str]:
        """Return simultaneous work: in public its day and length, in private its hours too."""
        return [
            f"simultaneous work on different pages: {s.start:%Y-%m-%d}, {self._span(s)},"
            f" {counted(s.n_edits, 'edit')}"
            for s in stretches
            if not s.excluded
        ]

    def _span(self, stretch: Stretch) -> str:
        """Return how long it was; with the hours of the day, where anybody lives could be read."""
        if self.variant == "private":
            return f"{stretch.start.hour} to {stretch.end.hour} h UTC"
        return counted(max(1, round((stretch.end - stretch.start).total_seconds() / 60)), "minute")


def _directions(
    signals: Sequence[Signal],
) -> tuple[list[Signal], list[Signal], list[Signal]]:
    """Return signals against, for and silent, each by family and name."""
    ranked = sorted(signals, key=lambda s: (s.family, s.name))
    spoken = [s for s in ranked if s.status == "ok" and s.log10_lr is not None]
    against = [s for s in spoken if (s.log10_lr or 0) < 0]
    towards = [s for s in spoken if (s.log10_lr or 0) > 0]
    return against, towards, [s for s in ranked if s.status == "insufficient"]


def _section(title: str, lines: Sequence[str], *, level: int = 3) -> list[str]:
    """Return a heading and a list; a line that begins with a star goes one level deeper."""
    if not lines:
        return []
    bar = "=" * level
    return ["", f"{bar} {title} {bar}", *(f"*{'' if ln[0] == '*' else ' '}{ln}" for ln in lines)]


def _diff(case: Case, row: Any, profile: Profile) -> str:
    """Return one edit as a diff with its day and summary."""
    said = "" if pd.isna(row.comment) or not row.comment else f": “{inert(row.comment)}”"
    label = f"{row.timestamp:%Y-%m-%d}"
    wiki = row.wiki if row.wiki in case.wikis else case.wiki
    if profile == "meta" or wiki != case.wiki:
        url = f"{case.source.scheme}://{wiki}{case.source.api_path}index.php?diff={row.rev_id}"
        return f"[{url} {label}]{said}"
    return f"{{{{diff|diff={row.rev_id}|oldid=prev|label={label}}}}}{said}"


def _account(name: str) -> str:
    """Return a link to an account's user page."""
    return f"[[User:{inert(name)}|{inert(name)}]]"


def _address(url: str) -> str:
    """Return a web address as a link, every character that wikitext reads percent-encoded."""
    safe = safe_url(url)
    return quote(safe, safe=":/?&=#%,;@+.") if safe else inert(url)


def _commented(name: str) -> str:
    """Return a name that cannot end the comment that it stands in."""
    return inert(name).replace("-", "&#45;")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(_account(name) for name in names)
