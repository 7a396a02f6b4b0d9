"""What lies before a reviewer: a case's tables, and one link's evidence as it stands."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sockgraph.errors import ReviewError
from sockgraph.log_events import restraints
from sockgraph.names import normal_name
from sockgraph.reviews.ledger import digest
from sockgraph.reviews.states import LinkHistory, Pair, ordered
from sockgraph.reviews.words import (
    IMITATION,
    RIVALS,
    counted,
    held,
    interval_words,
    signed,
    support_words,
)
from sockgraph.signals.corpus import revision_keys
from sockgraph.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from sockgraph.case import Case
    from sockgraph.log_events import Restraint


SEALED = (
    "accounts",
    "edits",
    "log_events",
    "evidence",
    "omissions",
    "alibis",
    "reference",
)  # not links, clusters, graph and report: they carry the state of the review itself
THE_SUM = "the sum"
NUMBERS = ("log10_lr", "log10_lr_low", "log10_lr_high")


@dataclass(frozen=True)
class Dossier:
    """A case as the review stage reads it; made from what `run` wrote.

    Attributes
    ----------
    tables
        Contract tables by name, see `sockgraph.schema.TABLES`.
    manifest
        `manifest.json`.
    names
        From cover names of the reference to true names, for blinding alone: in memory, never
        written. Empty where they cannot be known; then there are no known-different pairs.
    persons
        The known operators of reference accounts, likewise.
    """

    case: Case
    tables: Mapping[str, pd.DataFrame]
    manifest: Mapping[str, Any]
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    persons: Mapping[str, str] = field(default_factory=dict, repr=False)
    _hashes: dict[Pair, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def seal(self) -> str:
        """The hash of all evidence tables."""
        return evidence_seal(self.manifest)

    def pair(self, a: str, b: str) -> Pair:
        """Return two accounts as the links table has them.

        Raises
        ------
        ReviewError
            If the case does not compare them; near names are offered.
        """
        links = self.tables["links"]
        known = sorted(set(links["user_a"]) | set(links["user_b"]))
        for name in (normal_name(a), normal_name(b)):
            if name not in known:
                close = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
                offer = f"Did you mean {' or '.join(close)}?" if close else "Check the case file."
                raise ReviewError(name, "this case compares no account of that name.", offer)
        pair = ordered(normal_name(a), normal_name(b))
        if not ((links["user_a"] == pair[0]) & (links["user_b"] == pair[1])).any():
            raise ReviewError(
                " and ".join(pair), "this case does not compare them.", "Name two accounts of it."
            )
        return pair

    def rows(self, table: str, pair: Pair) -> pd.DataFrame:
        """Return the rows of a table that are about a pair."""
        frame = self.tables[table]
        return frame[(frame["user_a"] == pair[0]) & (frame["user_b"] == pair[1])]

    def link(self, pair: Pair) -> dict[str, Any]:
        """Return a pair's row of `links` as plain values, null as None."""
        return _plain(self.rows("links", pair))[0]

    def signals(self, pair: Pair) -> list[dict[str, Any]]:
        """Return a pair's rows of `evidence` as plain values, null as None."""
        return _plain(self.rows("evidence", pair))

    def alibis(self, pair: Pair) -> list[dict[str, Any]]:
        """Return a pair's rows of `alibis` as plain values, null as None."""
        return _plain(self.rows("alibis", pair))

    def in_force(self, users: Iterable[str]) -> list[Restraint]:
        """Return the blocks and locks of some accounts that are in force, see `restraints`."""
        read_on = str(self.manifest.get("source", {}).get("read_on", ""))
        told = self.manifest.get("coverage", ())
        events, accounts = self.tables["log_events"], self.tables["accounts"]
        return restraints(events, accounts, users, read_on=read_on, coverage=told)

    def snapshot(self, pair: Pair, also: Iterable[str] = ()) -> dict[str, Any]:
        """Return what a reviewer is shown of a link, for the ledger and a later run to compare.

        Only what is shown counts: numbers in one decimal, words, how much was read, and the edits
        that stand for the evidence. A float's last digits, or an edit of somebody else, do not.

        Parameters
        ----------
        also
            Edits (`wiki:rev_id`) to take the fingerprint of beside those cited.

        Returns
        -------
        dict
            `link` (band, numbers, alibi), `signals` (which way each speaks, and on what), `read`
            (how much of each account), `alibis` (days), `cited` (a fingerprint of each edit that
            stands for a signal). A pair without a row in `links`, such as two reference accounts,
            has None for its link.
        """
        rows = _plain(self.rows("links", pair))
        signals = self.signals(pair)
        return {
            "link": _shown_link(rows[0]) if rows else None,
            "signals": {row["signal"]: _shown_signal(row) for row in signals},
            "read": {user: self._read(user) for user in pair},
            "alibis": sorted([a["start"][:10], a["n_edits"]] for a in self.alibis(pair)),
            "cited": self._cited(
                pair, {*also, *(rev for row in signals for rev in row["rev_ids"])}
            ),
        }

    def changes_since(self, pair: Pair, then: Mapping[str, Any]) -> list[Change]:
        """Return what a reviewer was shown of a link then, and would be shown otherwise now."""
        return changes(then, self.snapshot(pair, then.get("cited", ())))

    def evidence_hash(self, pair: Pair) -> str:
        """Return the hash of what a reviewer is shown of a link before the finding."""
        if pair not in self._hashes:  # every step of a review asks, and the tables stay as read
            self._hashes[pair] = digest({**_unmarked(self.snapshot(pair)), "cited": None})
        return self._hashes[pair]

    def _read(self, user: str) -> dict[str, Any]:
        edits = self.tables["edits"]
        mine = edits[edits["user"] == user]
        hidden = mine["hidden"].map(len).to_numpy() > 0
        times = mine["timestamp"]
        first, last = (f"{at:%Y-%m-%d}" if len(mine) else "" for at in (times.min(), times.max()))
        return {"edits": len(mine), "hidden": int(hidden.sum()), "from": first, "to": last}

    def _cited(self, pair: Pair, revs: Iterable[str]) -> dict[str, str]:
        edits = self.tables["edits"]
        mine = edits[edits["user"].isin(pair)]
        keys = revision_keys(mine)
        said = mine["comment"].astype(object).where(mine["comment"].notna(), None)
        wanted = set(revs)
        return {
            key: digest([comment, sorted(hidden)])[:16]
            for key, comment, hidden in zip(keys, said, mine["hidden"], strict=True)
            if key in wanted
        }

    def group_of(self, user: str) -> tuple[str, ...]:
        """Return the accounts grouped with one; nobody where it is in no group."""
        clusters = self.tables["clusters"]
        mine = clusters.loc[clusters["user"] == user, "cluster_id"].dropna()
        if mine.empty:
            return ()
        return tuple(sorted(clusters.loc[clusters["cluster_id"] == mine.iloc[0], "user"]))


def evidence_seal(manifest: Mapping[str, Any]) -> str:
    """Return the hash of the evidence that a manifest describes.

    It covers the tables that the evidence stage reads and writes, and leaves out everything that
    changes with the clock or with the review itself.
    """
    files = manifest.get("files", {})
    return digest({name: files.get(f"{name}.parquet") for name in SEALED})


def refuse_everyone(case: Case) -> None:
    """Refuse to review a case that compares everybody.

    Raises
    ------
    ReviewError
        If the case nominates `*`.
    """
    if case.everyone:
        raise ReviewError(
            'nominated = ["*"]',
            "a case that compares everyone serves screening and validation, not review or filing.",
            "Nominate the accounts in question by name in a case of their own.",
        )


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as JSON has them: null as None, times as ISO 8601."""
    if frame.empty:
        return []
    found: list[dict[str, Any]] = json.loads(
        frame.to_json(orient="records", date_format="iso", double_precision=15)
    )
    return found


def rested_on(history: LinkHistory) -> dict[str, Any] | None:
    """Return what the link rested on when it was last upheld; None if no review upheld it."""
    found = [
        r.rests_on
        for round_ in history.rounds
        if round_.kind == "review"
        for r in round_.records.values()
        if r.finding == "upheld" and r.rests_on
    ]
    return dict(found[-1]) if found else None


@dataclass(frozen=True)
class Change:
    """One thing that a reviewer was shown, as it was then and as it is now, in words."""

    what: str
    then: str
    now: str


def changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Return what a reviewer was shown then and would be shown otherwise now.

    Parameters
    ----------
    then
        A `snapshot` from the ledger, or what a ledger from before the snapshots holds: of that,
        the numbers are compared as they were shown.
    now
        A `snapshot`.
    """
    known, found = _told(_unmarked(_as_shown(then))), _told(_unmarked(now))
    moved = {what for what in (*known, *found) if known.get(what) != found.get(what)}
    if "read" not in then:  # a ledger from before did not note every signal that said nothing
        moved &= known.keys()
    rows = [row for row in side_by_side(then, now) if row.what in moved]
    return [*rows, *_gone(then.get("cited", {}), now["cited"])]


def side_by_side(then: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[Change]:
    """Return everything that was shown then beside what is shown now, changed or not."""
    before, after = _told(_as_shown(then)) if then else {}, _told(now)
    return [
        Change(what, before.get(what, _absent()), after.get(what, _absent()))
        for what in dict.fromkeys((*before, *after))
    ]


def direction(row: Mapping[str, Any]) -> str:
    """Say which way a signal speaks, or why it does not."""
    if row["status"] != "ok":
        return str(row["status"]).replace("_", " ")
    if row.get("family") == RIVALS:  # what the score is held against, not a trace of these two
        return "no evidence of its own"
    if row.get("family") == IMITATION:
        return "may be copied"
    if row["log10_lr"] is None:
        return "not calibrated"
    if row["log10_lr"] == 0:
        return "neither"
    return "for" if row["log10_lr"] > 0 else "against"


def link_words(shown: Mapping[str, Any] | None) -> str:
    """Say a link's fused number with its interval, or why there is none."""
    if shown is None:
        return say("not compared")
    if shown["log10_lr"] is None:
        return say("{band}: no log10 LR is given.", band=say(shown["band"]).capitalize())
    number, *ends = (shown.get("held", {}).get(name, "") for name in NUMBERS)
    told = (
        "The evidence {band} the two explanations: log10 LR {number} {ends}."
        if "separate" in shown["band"]
        else "The evidence speaks {band} one operator: log10 LR {number} {ends}."
    )
    return say(
        told,
        band=say(shown["band"]),
        number=number or signed(shown["log10_lr"]),
        ends=interval_words(shown["log10_lr_low"], shown["log10_lr_high"], *ends),
    )


def _shown_link(row: Mapping[str, Any]) -> dict[str, Any]:
    bounds = row.get("bound_low"), row.get("bound_high")
    said = {name: text for name in NUMBERS if (text := held(row[name], *bounds))}
    return {
        "band": row["band"],
        "alibi": row["alibi"],
        **{name: _decimal(row[name]) for name in NUMBERS},
        **({"held": said} if said else {}),
    }


def _unmarked(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return a snapshot without what bounds hold: the same number, said more exactly, is no move.

    Ledgers from before do not have it.
    """
    link = shown.get("link")
    bare = {k: v for k, v in link.items() if k != "held"} if link else None
    return {**shown, "link": bare}


def _shown_signal(row: Mapping[str, Any]) -> dict[str, Any]:
    number = _decimal(row["log10_lr"])
    return {"speaks": direction(row), "log10_lr": number, "support": row["support"]}


def _decimal(number: float | None) -> float | None:
    """Round as every page shows it; never minus zero."""
    return None if number is None else round(number, 1) + 0.0


def _as_shown(then: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a snapshot of a ledger from before, which held bare floats, as it was shown."""
    if "read" in then:
        return then
    signals = {name: _shown_signal(row) for name, row in then.get("signals", {}).items()}
    link = then.get("link")
    return {"link": _shown_link(link) if link else None, "signals": signals}


def _told(shown: Mapping[str, Any]) -> dict[str, str]:
    """Return everything of a snapshot in words, by what it is of."""
    link = shown["link"]
    told = {say(THE_SUM): link_words(link)}
    if link is not None:
        told[say("simultaneous work")] = say(
            "beyond chance" if link["alibi"] else "not beyond chance"
        )
    for name, row in shown["signals"].items():
        rests_on = support_words(name, row["support"])
        told[say(name)] = f"{say(row['speaks'])} ({signed(row['log10_lr'])}){say(', ')}{rests_on}"
    for user, read in shown.get("read", {}).items():
        span = say(", {first} to {last}", first=read["from"], last=read["to"])
        hidden = say(", {n} hidden", n=read["hidden"]) if read["hidden"] else ""
        told[read_of(user)] = f"{counted(read['edits'], 'edit')}{span}{hidden}"
    if "alibis" in shown:
        days = say(", ").join(dict.fromkeys(day for day, _ in shown["alibis"]))
        told[say("days of simultaneous work")] = days or say("none")
    return told


def read_of(user: str) -> str:
    """Name what is told of how much was read of an account."""
    return say("read of {user}", user=user)


def _absent() -> str:
    return say("not measured")


def _gone(then: Mapping[str, str], now: Mapping[str, str]) -> list[Change]:
    """Return the edits shown then whose text is another by now, or that are gone.

    An edit that no longer stands for the evidence says nothing by that: which eight of many
    nearly equal ones are shown hangs on a float's last digit.
    """
    return [
        Change(say("edit {rev}", rev=rev), say("shown"), say("changed, hidden or gone since"))
        for rev in then
        if now.get(rev) != then[rev]
    ]
