"""Text to post: a filing that argues, with what speaks against first.

Nothing here is a verdict, a tag, a block or a request for a lock, and admins' sections stay empty.
Whatever an account holder wrote goes through `escape_wikitext`; every sentence goes through the
table of strings, `sockgraph.strings`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sockgraph.names import clean, look_alike, own_characters
from sockgraph.report.filing import picked_edits
from sockgraph.report.markup import escape_wikitext, wiki_account, wiki_section
from sockgraph.reviews.arguments import MOST, WHOLE, Argument, ShownEdit, arguments, as_edit
from sockgraph.reviews.audit import head_words
from sockgraph.reviews.states import LinkHistory
from sockgraph.reviews.words import counted, estimate, interval, restraint_words, signed
from sockgraph.strings import language_of, say, speaking

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd

    from sockgraph.case import Case
    from sockgraph.report.filing import Basket, Side
    from sockgraph.reviews.dossier import Dossier
    from sockgraph.reviews.ledger import LedgerHead
    from sockgraph.strings import Language

Profile = Literal["enwiki", "zhwiki", "meta", "mail"]
Variant = Literal["public", "private"]
PROFILES: tuple[Profile, ...] = ("enwiki", "zhwiki", "meta", "mail")
VARIANTS: tuple[Variant, ...] = ("public", "private")
DAYS_SHOWN = 6
_PAGE = {
    "enwiki": "Wikipedia:Sockpuppet investigations/",
    "zhwiki": "Wikipedia:傀儡調查/案件/",
    "meta": "Steward requests/Global: ",
    "mail": "",
}


@dataclass(frozen=True)
class Filing:
    """What a filing is made from.

    Attributes
    ----------
    dossier
        The case's tables.
    histories
        What the ledger says of the links that are filed; upheld ones only.
    others
        What it says of every other link: those that were made elsewhere and are not upheld here are
        told.
    head
        The ledger's head, printed as a witness.
    basket
        Edits that were picked for it. Where there are any on a side, that side's arguments show
        them; else they show the edits that moved each signal most.
    """

    dossier: Dossier
    histories: Sequence[LinkHistory]
    others: Sequence[LinkHistory]
    head: LedgerHead
    basket: Basket = ()

    @property
    def accounts(self) -> tuple[str, ...]:
        """Every account that is filed, the oldest first: a filing goes under its name."""
        users = {user for history in self.histories for user in history.pair}
        return tuple(sorted(users, key=lambda user: (self.began(user), user)))

    def began(self, user: str) -> str:
        """Return the day on which an account was registered, or else first edited."""
        return self.registered(user) or self.span(user)[0]

    def registered(self, user: str) -> str:
        """Return the day on which an account was registered; empty where that is not known."""
        accounts = self.dossier.tables["accounts"]
        known = accounts.loc[accounts["user"] == user, "registered"].dropna()
        return f"{known.min():%Y-%m-%d}" if len(known) else ""

    def span(self, user: str) -> tuple[str, str, int]:
        """Return the days of an account's first and last edit here, and how many were read."""
        edits = self.dossier.tables["edits"]
        times = edits.loc[edits["user"] == user, "timestamp"]
        return f"{times.min():%Y-%m-%d}", f"{times.max():%Y-%m-%d}", len(times)


def spi_filing(
    filing: Filing, *, profile: Profile, variant: Variant, language: Language | None = None
) -> str:
    """Write a filing for a wiki's page of investigations, or as a mail.

    Parameters
    ----------
    profile
        `enwiki`, `zhwiki` or `meta`: that wiki's page and template; `mail`: plain text.
    variant
        `private` adds to each argument the number of its signal; `public` does not.
    language
        What it is written in; None for simplified Chinese on `zhwiki`, which shows its readers
        either, and English elsewhere.
    """
    with speaking(language or _language(profile)):
        if profile == "mail":
            return _Plain(filing, profile, variant).text()
        body = _Wiki(filing, profile, variant).body()
    master, *others = filing.accounts
    heading = f"<!-- {_PAGE[profile]}{_commented(master)} -->\n"
    if profile == "meta":
        return f"{heading}{body}\n\n~~~~\n"
    listed = "".join(f"\n|{i}={escape_wikitext(name)}" for i, name in enumerate(others, 1))
    return f"{heading}{{{{subst:SPI report{listed}\n|evidence=\n{body}\n\n~~~~\n}}}}\n"


def _language(profile: Profile) -> Language:
    return "zh-hans" if profile == "zhwiki" else "en"


@dataclass(frozen=True)
class _Wiki:
    """A filing in wikitext."""

    filing: Filing
    profile: Profile
    variant: Variant

    # how things are written, in wikitext; `_Plain` writes them as plain text

    def safe(self, text: str) -> str:
        """Return text that nothing reads as anything but text."""
        return escape_wikitext(text)

    def account(self, name: str) -> str:
        """Return an account's name, linked where links are."""
        return wiki_account(name)

    def page(self, title: str) -> str:
        """Return a page's title, linked where links are."""
        return f"[[:{escape_wikitext(title)}|{escape_wikitext(title)}]]"

    def edit(self, edit: ShownEdit) -> str:
        """Return an edit with its day and summary."""
        return _diff(self.filing.dossier.case, edit, self.profile)

    def section(self, title: str, lines: Sequence[str]) -> list[str]:
        """Return a heading and a list below it; nothing where the list is empty."""
        return wiki_section(title, lines, level=5) if lines else []

    # what is said, in this order

    def body(self) -> str:
        """Return the whole: accounts, the question, against first, for, reasons, numbers."""
        filing = self.filing
        master, *others = filing.accounts
        question = say(
            "Is one person behind {master} and {others}?",
            master=self.account(master),
            others=self.names(others),
        )
        numbers = say("; ").join(map(self._number, filing.histories))
        parts = [
            *self.section(say("Accounts"), [*map(self._roster, filing.accounts), *self._alike()]),
            "",
            question + self._found(),
            *self.section(say("Against one operator"), self._against()),
            *self.section(say("Not part of this report"), self._apart()),
            *self.section(say("For one operator"), self._picked("for") or self._argued("for")),
            *self.section(say("Why its reviewers uphold it"), self._reasons()),
            "",
            say("For whoever wants the numbers: {numbers}", numbers=numbers),
            "",
            head_words(filing.head),
        ]
        return "\n".join(parts).strip()

    def names(self, users: Iterable[str]) -> str:
        """Return accounts as a list."""
        return say(", ").join(map(self.account, users))

    def about(self, pair: Sequence[str]) -> str:
        """Say whom a line is about, where the filing has more links than one."""
        return self.names(pair) + say(": ") if len(self.filing.histories) > 1 else ""

    def _found(self) -> str:
        """Say how many people found so, and whether all of them judged without the names."""
        records = [
            record
            for history in self.filing.histories
            for record in (history.current.records.values() if history.current else ())
            if record.finding in ("upheld", "stands")
        ]
        told = (
            " {n} reviewers judged the edits with the names hidden, none of them knowing what"
            " another found, and say that the evidence supports it."
            if all(record.blinded for record in records)
            else " {n} reviewers, none of them knowing what another found, say that the evidence"
            " supports it; not all of them judged the edits with the names hidden."
        )
        return say(told, n=len({record.reviewer for record in records}))

    def _roster(self, user: str) -> str:
        """Return one account's line: how old it is, how much was read, what is in force."""
        first, last, n = self.filing.span(user)
        known = self.filing.registered(user)
        held = [self.safe(restraint_words(o)) for o in self.filing.dossier.in_force([user])]
        lines = [
            *([say("registered {day}", day=known)] if known else []),
            say(
                "first edit {first}, last edit {last}, {n} edits read", first=first, last=last, n=n
            ),
            *held,
        ]
        oldest = say(" ({what})", what=say("oldest")) if user == self.filing.accounts[0] else ""
        return f"{self.account(user)}{oldest}{say(': ')}{say('; ').join(lines)}"

    def _alike(self) -> list[str]:
        """Return which names look alike, with the codes of the characters that differ."""
        lines = []
        for same in look_alike(self.filing.accounts):
            told = []
            for name in same:
                codes = ", ".join(f"U+{ord(c):04X}" for c in own_characters(name, same))
                told.append(self.account(name) + (say(" ({what})", what=codes) if codes else ""))
            lines.append(say("These names look alike: {names}.", names=say(", ").join(told)))
        return lines

    def _against(self) -> list[str]:
        days = [line for history in self.filing.histories for line in self._days_together(history)]
        found = [*days, *self._argued("against"), *self._picked("against")]
        if not self.filing.histories:  # edits of one account: no link was looked at
            return found
        return [
            *(found or [say("Nothing that was looked at speaks against it.")]),
            say("Public edits cannot exclude friends, colleagues, imitators or shared scripts."),
        ]

    def _days_together(self, history: LinkHistory) -> list[str]:
        """Return simultaneous work by day and hours; no hour of the day is written."""
        rows = self.filing.dossier.rows("alibis", history.pair)
        rows = rows[rows["excluded"].isna()]
        hours = (rows["end"] - rows["start"]).dt.total_seconds() / 3600
        days = rows.assign(day=rows["start"].dt.strftime("%Y-%m-%d"), hours=hours).groupby("day")
        told = days[["hours", "n_edits"]].sum()
        shown: Iterable[Any] = told.head(DAYS_SHOWN).itertuples()
        by_turns = "On {day}, {n} edits by turns on different pages, in {length} h altogether."
        lines = [
            say(by_turns, day=row.Index, n=int(row.n_edits), length=max(1, math.ceil(row.hours)))
            for row in shown
        ]
        more = len(told) - DAYS_SHOWN
        lines += [say("Likewise on {n} more days.", n=more)] if more > 0 else []
        return [self.about(history.pair) + line for line in lines]

    def _apart(self) -> list[str]:
        """Return the links made elsewhere that a review here did not uphold."""
        mine = set(self.filing.accounts)
        told = {
            "reversed": "{a} and {b} were linked elsewhere; a review here took that back.",
            "not upheld": "{a} and {b} were linked elsewhere; a review here did not uphold that.",
        }
        return [
            say(told[h.state], a=self.account(h.pair[0]), b=self.account(h.pair[1]))
            for h in self.filing.others
            if h.state in told and h.asserted and mine & set(h.pair)
        ]

    def _picked(self, side: Side) -> list[str]:
        """Return the edits that were picked for a side, under the argument that each belongs to."""
        filing = self.filing
        chosen = tuple(one for one in filing.basket if one.side == side)
        rows: Iterable[Any] = picked_edits(filing.dossier.tables["edits"], chosen).itertuples()
        left = {f"{row.wiki}:{row.rev_id}": as_edit(row) for row in rows}
        pairs, found = [history.pair for history in filing.histories], []
        for one in arguments(filing.dossier, pairs, side)[0] if side == "for" and left else ():
            cited = next(
                row["rev_ids"]
                for row in filing.dossier.signals(one.pair)
                if row["signal"] == one.signal
            )
            ours = [left.pop(rev) for rev in [*left] if rev in set(cited)]
            if ours:
                found.append(self._claim(one, side))
                found += [f"* {self._cell(edit, named=True)}" for edit in ours]
        return found + [self._cell(edit, named=True) for edit in left.values()]

    def chosen(self) -> str:
        """Return what an investigator has so far: against first, then what was picked for."""
        parts = self.section(say("Against one operator"), self._against())
        parts += self.section(say("For one operator"), self._picked("for"))
        return "\n".join(parts).strip()

    def _argued(self, way: str) -> list[str]:
        pairs = [history.pair for history in self.filing.histories]
        shown, left = arguments(self.filing.dossier, pairs, way)
        found: list[str] = []
        for one in shown:
            found += [self._claim(one, way), *(f"* {row}" for row in self._rows(one))]
        more = "Arguments left out: {n}. They come after the first {most}, or have no edit to show."
        return [*found, say(more, n=left, most=MOST)] if left else found

    def _claim(self, one: Argument, way: str) -> str:
        """Return an argument's claim, who it is about, and how common that is."""
        what = self.page(one.what) if one.claim == "page" else self.safe(one.what)
        number = f"{say('log10 LR alone')} {signed(one.log10_lr)}"
        private = self.variant == "private" and one.log10_lr is not None
        alone = say(" ({what})", what=number) if private else ""
        return f"{self.about(one.pair)}{one.said(way, what)}{alone}"

    def _rows(self, one: Argument) -> list[str]:
        """Return an argument's rows: A's diff beside B's, and how far apart they are."""
        rows = []
        for a, b, days in one.rows:
            cells = [self._cell(edit, named=one.claim != "page") for edit in (a, b) if edit]
            if one.claim in WHOLE:
                rows.append(say("For example: ") + " ↔ ".join(cells))
                continue
            gap = say("{days} apart", days=counted(days, "day")) if days else say("on the same day")
            apart = "" if days is None else say(" ({what})", what=gap)
            rows.append(" ↔ ".join(cells) + apart)
        return rows

    def _cell(self, edit: ShownEdit, *, named: bool) -> str:
        page = say(", on {page}", page=self.page(edit.title)) if named and edit.title else ""
        return f"{self.account(edit.user)} {self.edit(edit)}{page}"

    def _reasons(self) -> list[str]:
        """Return reviewers' reasons and strongest other explanations, each once."""
        found = [
            say(
                "“{why}” ({who}; the strongest other explanation: {other})",
                why=self.safe(record.answers["finding"]["why"]),
                who=self.safe(record.reviewer),
                other=self.safe(record.answers["finding"]["alternative"]),
            )
            for history in self.filing.histories
            for record in (history.current.records.values() if history.current else ())
            if record.finding in ("upheld", "stands")
        ]
        return list(dict.fromkeys(found))

    def _number(self, history: LinkHistory) -> str:
        link = self.filing.dossier.link(history.pair)
        a, b = map(self.safe, history.pair)
        bounds = link["bound_low"], link["bound_high"]
        ends = self.safe(interval(link["log10_lr_low"], link["log10_lr_high"], *bounds))
        number = estimate(link["log10_lr"], *bounds)
        return say("{a} and {b}, log10 LR {number} {ends}", a=a, b=b, number=number, ends=ends)


class _Plain(_Wiki):
    """A filing as plain text, for a mail to those who keep a wiki's users safe."""

    def text(self) -> str:
        """Return the mail, its first line the subject."""
        wikis = ", ".join(self.filing.dossier.case.wikis)
        told = say(
            "For review: {names} ({wikis})", names=self.names(self.filing.accounts), wikis=wikis
        )
        return f"Subject: {told}\n\n{self.body()}\n"

    def safe(self, text: str) -> str:
        """Return text that nothing reads as anything but text."""
        return clean(text)

    def account(self, name: str) -> str:
        """Return an account's name, linked where links are."""
        return clean(name)

    def page(self, title: str) -> str:
        """Return a page's title, linked where links are."""
        return say("“{said}”", said=clean(title))

    def edit(self, edit: ShownEdit) -> str:
        """Return an edit with its day and summary."""
        said = say(": “{said}”", said=clean(edit.comment)) if edit.comment else ""
        return f"{edit.day}{said}"

    def _cell(self, edit: ShownEdit, *, named: bool) -> str:
        address = _diff_url(self.filing.dossier.case, edit)  # last: no comma becomes part of it
        return f"{super()._cell(edit, named=named)} {address}"

    def section(self, title: str, lines: Sequence[str]) -> list[str]:
        """Return a heading and a list below it; nothing where the list is empty."""
        if not lines:
            return []
        said = [f"  {line[2:]}" if line.startswith("* ") else f"- {line}" for line in lines]
        said = [line.replace(" ↔ ", "\n  ↔ ") for line in said]
        return ["", title, "-" * len(title), *said]


def basket_text(dossier: Dossier, basket: Basket, head: LedgerHead, *, profile: Profile) -> str:
    """Write what a basket holds as the two sections of a filing that argue, against first.

    Against comes filled in: what the evidence says against the links of the accounts whose edits
    were picked.
    """
    edits = picked_edits(dossier.tables["edits"], basket)
    links, users = dossier.tables["links"], set(edits["user"])
    ours = links[links["user_a"].isin(users) & links["user_b"].isin(users)]
    pairs = zip(ours["user_a"], ours["user_b"], strict=True)
    filing = Filing(dossier, [LinkHistory(pair) for pair in pairs], (), head, basket)
    writer = _Plain if profile == "mail" else _Wiki
    with speaking(_language(profile)):
        return writer(filing, profile, "public").chosen()


def profile_of(case: Case) -> Profile:
    """Return the form in which a case's own wiki takes a filing."""
    return "enwiki" if language_of(case.wiki) == "en" else "zhwiki"


def diff_lines(case: Case, edits: pd.DataFrame, *, profile: Profile) -> str:
    """Write edits as `{{diff}}` lines, oldest first; as full links on Meta, which has other pages.

    Parameters
    ----------
    edits
        Rows of the contract table `edits`.
    """
    ordered = edits.sort_values(["timestamp", "rev_id"], kind="stable")
    return "\n".join(f"* {_diff(case, as_edit(row), profile)}" for row in ordered.itertuples())


def _diff(case: Case, edit: ShownEdit, profile: Profile) -> str:
    """Return one edit as a diff with its day and summary."""
    said = say(": “{said}”", said=escape_wikitext(edit.comment)) if edit.comment else ""
    if profile == "meta" or edit.wiki != case.wiki:
        return f"[{_diff_url(case, edit)} {edit.day}]{said}"
    return f"{{{{diff|diff={edit.rev_id}|oldid=prev|label={edit.day}}}}}{said}"


def _diff_url(case: Case, edit: ShownEdit) -> str:
    wiki = edit.wiki if edit.wiki in case.wikis else case.wiki
    return f"{case.source.scheme}://{wiki}{case.source.api_path}index.php?diff={edit.rev_id}"


def _commented(name: str) -> str:
    """Return a name that cannot end the comment that it stands in."""
    return escape_wikitext(name).replace("-", "&#45;")
