"""Text to post: a filing that argues, with what speaks against first, and the note that restores.

Nothing here is a verdict, a tag, a block or a request for a lock, and admins' sections stay empty.
Whatever an account holder wrote goes through `escape_wikitext`; every sentence is in
`filing_words`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import pandas as pd

from sockgraph.log_events import Restraint, restraints
from sockgraph.names import clean, look_alike, own_characters
from sockgraph.report.basket import picked_edits
from sockgraph.report.filing_words import CHINESE, ENGLISH, SENTENCES, language_of, sentence
from sockgraph.report.markup import safe_url
from sockgraph.reviews.arguments import Argument, ShownEdit, arguments, as_edit
from sockgraph.reviews.states import LinkHistory
from sockgraph.reviews.words import action_words, estimate, interval, signal_about, signed
from sockgraph.strings import speaking, translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sockgraph.case import Case
    from sockgraph.report.basket import Basket, Side
    from sockgraph.reviews import Dossier, Entry, LedgerHead

Profile = Literal["enwiki", "zhwiki", "meta", "mail"]
Variant = Literal["public", "private"]
PROFILES: tuple[Profile, ...] = ("enwiki", "zhwiki", "meta", "mail")
VARIANTS: tuple[Variant, ...] = ("public", "private")
DAYS_SHOWN = 6
_PLAIN = frozenset(" .,()/-!?+%$@")  # ASCII that wikitext does not read, but at a line's start
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


def spi_filing(filing: Filing, *, profile: Profile, variant: Variant) -> str:
    """Write a filing for a wiki's page of investigations, or as a mail.

    Parameters
    ----------
    profile
        `enwiki`, `zhwiki` or `meta`: that wiki's page, template and language; `mail`: plain text.
    variant
        `private` adds to each argument the number of its signal; `public` does not.
    """
    master, *others = filing.accounts
    with speaking(CHINESE if profile == "zhwiki" else ENGLISH):  # what signals look at
        if profile == "mail":
            return _Plain(filing, "mail", variant).text()
        body = _Wiki(filing, profile, variant).body()
    if profile == "meta":
        return f"<!-- {_PAGE[profile]}{_commented(master)} -->\n{body}\n\n~~~~\n"
    listed = "".join(f"\n|{i}={escape_wikitext(name)}" for i, name in enumerate(others, 1))
    heading = f"<!-- {_PAGE[profile]}{_commented(master)} -->\n"
    return f"{heading}{{{{subst:SPI report{listed}\n|evidence=\n{body}\n\n~~~~\n}}}}\n"


@dataclass(frozen=True)
class _Wiki:
    """A filing in wikitext."""

    filing: Filing
    profile: Profile
    variant: Variant

    @property
    def language(self) -> str:
        """The language of the wiki that it is for."""
        return CHINESE if self.profile == "zhwiki" else ENGLISH

    # how things are written, in wikitext; `_Plain` writes them as plain text

    def safe(self, text: str) -> str:
        """Return text that nothing reads as anything but text."""
        return escape_wikitext(text)

    def account(self, name: str) -> str:
        """Return an account's name, linked where links are."""
        return _account(name)

    def page(self, title: str) -> str:
        """Return a page's title, linked where links are."""
        return f"[[:{escape_wikitext(title)}|{escape_wikitext(title)}]]"

    def edit(self, edit: ShownEdit) -> str:
        """Return an edit with its day and summary."""
        case = self.filing.dossier.case
        return _diff(case, edit, self.profile)

    def section(self, title: str, lines: Sequence[str]) -> list[str]:
        """Return a heading and a list below it; nothing where the list is empty."""
        return _section(title, lines, level=5) if lines else []

    # what is said, in this order

    def body(self) -> str:
        """Return the whole: accounts, the question, against first, for, reasons, numbers."""
        say, filing = self.say, self.filing
        master, *others = filing.accounts
        between = "、" if self.language == CHINESE else ", "
        question = say(
            "question",
            master=self.account(master),
            others=between.join(map(self.account, others)),
        )
        parts = [
            *self.section(say("accounts"), [*map(self._roster, filing.accounts), *self._alike()]),
            "",
            f"{question} {self._found()}",
            *self.section(say("against"), self._against()),
            *self.section(say("apart"), self._apart()),
            *self.section(say("towards"), self._towards()),
            *self.section(say("reasons"), self._reasons()),
            "",
            say("numbers", numbers="; ".join(map(self._number, filing.histories))),
            "",
            say("head", head=filing.head),
        ]
        return "\n".join(parts).strip()

    def say(self, key: str, **given: object) -> str:
        """Return a sentence in the filing's language."""
        return sentence(self.language, key, **given)

    def _found(self) -> str:
        """Say how many people found so, and whether all of them judged without the names."""
        records = [
            record
            for history in self.filing.histories
            for record in (history.current.records.values() if history.current else ())
            if record.finding in ("upheld", "stands")
        ]
        people = {record.reviewer for record in records}
        blinded = all(record.blinded for record in records)
        return self.say("blinded" if blinded else "unblinded", n=len(people))

    def _roster(self, user: str) -> str:
        """Return one account's line: how old it is, how much was read, what is in force."""
        first, last, n = self.filing.span(user)
        line = self.say("account", first=first, last=last, n=n)
        known = self.filing.registered(user)
        line = f"{self.say('registered', day=known)}; {line}" if known else line
        oldest = f" ({self.say('oldest')})" if user == self.filing.accounts[0] else ""
        force = [_held(one, self.say) for one in in_force(self.filing.dossier, [user])]
        return "; ".join([f"{self.account(user)}{oldest}: {line}", *force])

    def _alike(self) -> list[str]:
        """Return which names look alike, with the codes of the characters that differ."""
        lines = []
        for same in look_alike(self.filing.accounts):
            told = []
            for name in same:
                codes = ", ".join(f"U+{ord(c):04X}" for c in own_characters(name, same))
                told.append(self.account(name) + (f" ({codes})" if codes else ""))
            between = "、" if self.language == CHINESE else ", "
            lines.append(self.say("look alike", names=between.join(told)))
        return lines

    def _against(self) -> list[str]:
        found = self._argued("against") + self._picked("against")
        days = self._days_together()
        found += [
            self.say("simultaneous", day=day, length=length, n=n)
            for day, length, n in days[:DAYS_SHOWN]
        ]
        if len(days) > DAYS_SHOWN:
            found.append(self.say("more days", n=len(days) - DAYS_SHOWN))
        if not self.filing.histories:  # edits of one account: no link was looked at
            return found
        return [*(found or [self.say("nothing against")]), self.say("caveat")]

    def _days_together(self) -> list[tuple[str, int, int]]:
        """Return simultaneous work by day and hours; no hour of the day is written."""
        rows = []
        for history in self.filing.histories:
            found: Iterable[Any] = self.filing.dossier.rows("alibis", history.pair).itertuples()
            for row in found:
                if pd.isna(row.excluded):
                    hours = max(1, round((row.end - row.start).total_seconds() / 3600))
                    rows.append((f"{row.start:%Y-%m-%d}", hours, int(row.n_edits)))
        return rows

    def _apart(self) -> list[str]:
        """Return the links made elsewhere that a review here did not uphold."""
        mine = set(self.filing.accounts)
        keys = {"reversed": "taken back", "not upheld": "not upheld"}
        return [
            self.say(keys[h.state], a=self.account(h.pair[0]), b=self.account(h.pair[1]))
            for h in self.filing.others
            if h.state in keys and h.asserted and mine & set(h.pair)
        ]

    def _towards(self) -> list[str]:
        return self._picked("for") or self._argued("for")

    def _picked(self, side: Side) -> list[str]:
        """Return the edits that were picked for a side, under the argument that each belongs to."""
        filing = self.filing
        chosen = tuple(one for one in filing.basket if one.side == side)
        rows: Iterable[Any] = picked_edits(filing.dossier.tables["edits"], chosen).itertuples()
        left = {f"{row.wiki}:{row.rev_id}": as_edit(row) for row in rows}
        pairs, found = [history.pair for history in filing.histories], []
        for one in arguments(filing.dossier, pairs, side) if side == "for" and left else ():
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
        parts = self.section(self.say("against"), self._against())
        return "\n".join([*parts, *self.section(self.say("towards"), self._picked("for"))]).strip()

    def _argued(self, way: str) -> list[str]:
        pairs = [history.pair for history in self.filing.histories]
        found: list[str] = []
        for one in arguments(self.filing.dossier, pairs, way):
            found += [self._claim(one, way), *(f"* {row}" for row in self._rows(one))]
        return found

    def _claim(self, one: Argument, way: str) -> str:
        """Return an argument's claim, who it is about, and how common that is."""
        key = f"{way} {one.claim}"
        known = key if key in SENTENCES[self.language] else f"{way} other"
        what = self.page(one.what) if one.claim == "page" else self.safe(one.what)
        signal = self.safe(signal_about(one.signal) or one.signal)
        between = "、" if self.language == CHINESE else ", "
        said = [
            f"{between.join(map(self.account, one.pair))}:",
            self.say(known, what=what, signal=signal),
        ]
        if one.common and way == "for":
            counted = "common page" if one.claim == "page" else "common"
            said.append(self.say(counted, n=one.common[0], of=one.common[1]))
        if self.variant == "private":
            said.append(f"({self.say('alone', lr=signed(one.log10_lr))})")
        return " ".join(said)

    def _rows(self, one: Argument) -> list[str]:
        """Return an argument's rows: A's diff beside B's, and how far apart they are."""
        rows = []
        for a, b, days in one.rows:
            cells = [self._cell(edit, named=one.claim != "page") for edit in (a, b) if edit]
            apart = (
                "" if days is None else self.say("gap", n=days) if days else self.say("same day")
            )
            rows.append(" ↔ ".join(cells) + (f" ({apart})" if apart else ""))
        return rows

    def _cell(self, edit: ShownEdit, *, named: bool) -> str:
        page = f" {self.say('on', page=self.page(edit.title))}" if named and edit.title else ""
        return f"{self.account(edit.user)} {self.edit(edit)}{page}"

    def _reasons(self) -> list[str]:
        """Return reviewers' reasons and strongest other explanations, each once."""
        found = []
        for history in self.filing.histories:
            records = history.current.records.values() if history.current else ()
            for record in records:
                answer = record.answers.get("finding", {})
                if record.finding in ("upheld", "stands"):
                    found.append(
                        self.say(
                            "reason",
                            why=f"“{self.safe(answer['why'])}”",
                            who=self.safe(record.reviewer),
                            other=self.safe(answer["alternative"]),
                        )
                    )
        return list(dict.fromkeys(found))

    def _number(self, history: LinkHistory) -> str:
        link = self.filing.dossier.link(history.pair)
        a, b = map(self.safe, history.pair)
        bounds = link["bound_low"], link["bound_high"]
        ends = self.safe(interval(link["log10_lr_low"], link["log10_lr_high"], *bounds))
        return self.say("number", a=a, b=b, lr=estimate(link["log10_lr"], *bounds), interval=ends)


class _Plain(_Wiki):
    """A filing as plain text, for a mail to those who keep a wiki's users safe."""

    def text(self) -> str:
        """Return the mail, its first line the subject."""
        names = ", ".join(map(clean, self.filing.accounts))
        return f"Subject: {names}\n\n{self.body()}\n"

    def safe(self, text: str) -> str:
        """Return text that nothing reads as anything but text."""
        return clean(text)

    def account(self, name: str) -> str:
        """Return an account's name, linked where links are."""
        return clean(name)

    def page(self, title: str) -> str:
        """Return a page's title, linked where links are."""
        return f"“{clean(title)}”"

    def edit(self, edit: ShownEdit) -> str:
        """Return an edit with its day and summary."""
        said = f" “{clean(edit.comment)}”" if edit.comment else ""
        return f"{edit.day} {_diff_url(self.filing.dossier.case, edit)}{said}"

    def section(self, title: str, lines: Sequence[str]) -> list[str]:
        """Return a heading and a list below it; nothing where the list is empty."""
        if not lines:
            return []
        said = [f"  {line[2:]}" if line.startswith("* ") else f"- {line}" for line in lines]
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
    return writer(filing, profile, "public").chosen()


def profile_of(case: Case) -> Profile:
    """Return the form in which a case's own wiki takes a filing."""
    return "zhwiki" if language_of(case) == CHINESE else "enwiki"


def diff_lines(case: Case, edits: pd.DataFrame, *, profile: Profile) -> str:
    """Write edits as `{{diff}}` lines, oldest first; as full links on Meta, which has other pages.

    Parameters
    ----------
    edits
        Rows of the contract table `edits`.
    """
    ordered = edits.sort_values(["timestamp", "rev_id"], kind="stable")
    return "\n".join(f"* {_diff(case, as_edit(row), profile)}" for row in ordered.itertuples())


def in_force(dossier: Dossier, users: Iterable[str]) -> list[Restraint]:
    """Return the blocks and locks of some accounts that are in force, see `restraints`."""
    tables, manifest = dossier.tables, dossier.manifest
    read_on = str(manifest.get("source", {}).get("read_on", ""))
    told = manifest.get("coverage", ())
    events, accounts = tables["log_events"], tables["accounts"]
    return restraints(events, accounts, users, read_on=read_on, coverage=told)


def restoration_note(dossier: Dossier, entry: Entry, head: LedgerHead) -> str:
    """Write what was wrong, what is in force, what to undo and whom to tell, ready to post.

    In the language of the case's wiki. Files are not named: the page is public.

    Parameters
    ----------
    entry
        The ledger's `restoration` entry.
    """
    language = language_of(dossier.case)

    def say(key: str, **given: object) -> str:
        return sentence(language, key, **given)

    body, pair = entry.body, entry.pair or ("", "")
    a, b = map(_account, pair)
    force = in_force(dossier, pair)
    with speaking(language):
        actions = {noun: translated(noun) for noun in map(action_words, body["actions"]) if noun}
    told = [a, b, *(say("made", name=escape_wikitext(name)) for name in body["made_by"])]
    lines = [
        f"== {say('restoration', a=escape_wikitext(pair[0]), b=escape_wikitext(pair[1]))} ==",
        say("was wrong", a=a, b=b),
        say("since", since=body["since"], day=entry.time[:10]),
        *_section(
            say("what was wrong"), [escape_wikitext(why) for why in dict.fromkeys(body["wrong"])]
        ),
        *_section(say("in force"), _in_force(force, say) or [say("nothing in force")]),
        *_section(say("undo"), _undo(body, actions, force, say)),
        *_section(say("leaned"), _leaned(body, say) or [say("nothing")]),
        *_section(say("tell"), list(dict.fromkeys(told))),
    ]
    witness = f"{say('case', case=escape_wikitext(dossier.case.slug))} {say('head', head=head)}"
    return "\n".join([*lines, "", witness, ""])


def _held(one: Restraint, say: Callable[..., str]) -> str:
    """Say what holds an account, and since when if that is known."""
    key = "blocked since" if not one.lock else "locked since" if one.day else "locked"
    return say(key, day=one.day)


def _where(one: Restraint, say: Callable[..., str]) -> str:
    return escape_wikitext(one.wiki) or say("all wikis")


def _in_force(force: Sequence[Restraint], say: Callable[..., str]) -> list[str]:
    return [
        say(
            "lock" if one.lock else "block" if one.by else "blocked",
            user=_account(one.user),
            wiki=_where(one, say),
            day=one.day,
            by=escape_wikitext(one.by),
        )
        if one.by or not one.lock
        else f"{_account(one.user)}: {_held(one, say)}"
        for one in force
    ]


def _undo(
    body: Any, actions: Mapping[str, str], force: Sequence[Restraint], say: Callable[..., str]
) -> list[str]:
    """Return what to undo: what is in force, in the log's own nouns, then what else was done."""
    found = [
        say(
            "undo lock" if one.lock else "undo block",
            user=_account(one.user),
            wiki=_where(one, say),
        )
        for one in force
    ]
    done = {"lock", "global lock"} if any(one.lock for one in force) else set()
    done |= {"block"} if any(not one.lock for one in force) else set()
    found += [
        say("undo action", action=escape_wikitext(shown))
        for noun, shown in actions.items()
        if noun not in done
    ]
    found += [say("undo page", page=_address(page)) for page in body["pages"]]
    found += [
        say("undo filing", day=filed["time"][:10], by=escape_wikitext(filed["by"]))
        for filed in body["filings"]
    ]
    return [*found, say("undo copies")]


def _leaned(body: Any, say: Callable[..., str]) -> list[str]:
    groups = [say("group", users=_listed(group)) for group in body["groups"]]
    return [*groups, *(say("link", users=_listed(pair)) for pair in body["links"])]


def _section(title: str, lines: Sequence[str], *, level: int = 3) -> list[str]:
    """Return a heading and a list; a line that begins with a star goes one level deeper."""
    bar = "=" * level
    return ["", f"{bar} {title} {bar}", *(f"*{'' if ln[0] == '*' else ' '}{ln}" for ln in lines)]


def _diff(case: Case, edit: ShownEdit, profile: Profile) -> str:
    """Return one edit as a diff with its day and summary."""
    said = f": “{escape_wikitext(edit.comment)}”" if edit.comment else ""
    if profile == "meta" or edit.wiki != case.wiki:
        return f"[{_diff_url(case, edit)} {edit.day}]{said}"
    return f"{{{{diff|diff={edit.rev_id}|oldid=prev|label={edit.day}}}}}{said}"


def _diff_url(case: Case, edit: ShownEdit) -> str:
    wiki = edit.wiki if edit.wiki in case.wikis else case.wiki
    return f"{case.source.scheme}://{wiki}{case.source.api_path}index.php?diff={edit.rev_id}"


def _account(name: str) -> str:
    """Return a link to an account's user page."""
    return f"[[User:{escape_wikitext(name)}|{escape_wikitext(name)}]]"


def _address(url: str) -> str:
    """Return a web address as a link, every character that wikitext reads percent-encoded."""
    safe = safe_url(url)
    return quote(safe, safe=":/?&=#%,;@+.") if safe else escape_wikitext(url)


def _commented(name: str) -> str:
    """Return a name that cannot end the comment that it stands in."""
    return escape_wikitext(name).replace("-", "&#45;")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(_account(name) for name in names)
