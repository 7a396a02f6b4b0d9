"""What lies before a reviewer: a case's tables, and one link's evidence as it stands."""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from sockgraph.account_names import normal_name
from sockgraph.errors import ReviewError
from sockgraph.reviews.ledger import digest
from sockgraph.reviews.sheet import Card, case_blinder, make_cards
from sockgraph.reviews.states import RECEIVED, History, Pair, ordered

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from sockgraph.case import Case
    from sockgraph.reviews.sheet import Diffs


SEALED = (
    "accounts",
    "edits",
    "log_events",
    "evidence",
    "omissions",
    "alibis",
    "reference",
)  # not links, clusters, graph and report: they carry the state of the review itself
NUMBERS = ("score", "log10_lr", "log10_lr_low", "log10_lr_high")


@dataclass(frozen=True)
class Dossier:
    """A case as the review stage reads it; made from what `run` wrote.

    Attributes
    ----------
    tables
        Contract tables by name, see `sockgraph.schema.TABLES`.
    manifest
        `manifest.json`.
    """

    case: Case
    tables: Mapping[str, pd.DataFrame]
    manifest: Mapping[str, Any]

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

    def snapshot(self, pair: Pair) -> dict[str, Any]:
        """Return what a link rests on, for the ledger and for comparison with a later run.

        Returns
        -------
        dict
            `link` with the fused numbers, `band` and `alibi`; `signals` from each signal's name to
            its numbers. A pair without a row in `links`, such as two reference accounts, has None
            and whatever signals there are.
        """
        rows = _plain(self.rows("links", pair))
        fields = (*NUMBERS, "band", "alibi")
        signals = {
            row["signal"]: {k: row[k] for k in ("log10_lr", "contribution", "support", "status")}
            for row in self.signals(pair)
        }
        return {"link": {k: rows[0][k] for k in fields} if rows else None, "signals": signals}

    def evidence_hash(self, pair: Pair) -> str:
        """Return the hash of everything that a link rests on, the revisions included."""
        return digest(
            {**self.snapshot(pair), "rows": self.signals(pair), "alibis": self.alibis(pair)}
        )

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


EDITS_SHOWN = 8


@dataclass(frozen=True)
class Item:
    """One signal.

    Attributes
    ----------
    direction
        `for`, `against`, or why there is none.
    support
        What was found, in the signal's own unit.
    edits
        The edits that moved it most, in time order, at most `EDITS_SHOWN`.
    left_out
        How many more there are.
    """

    signal: str
    family: str
    direction: str
    support: int
    edits: list[Card]
    left_out: int = 0


@dataclass(frozen=True)
class Exhibit:
    """The evidence on one link, without a number of its weight.

    Attributes
    ----------
    against, towards, silent
        Signals that contradict one operator, that support it, and that say neither.
    alibis
        Stretches of simultaneous work on different pages: `start`, `end`, `n_edits`, `expected`.
    received
        Evidence registered since: who authenticated it, when, for or against, in a sentence.
    alibi_asked
        Whether the simultaneous work is beyond chance, so that the finding must answer it.
    changes
        In the review of a reversal: what each signal said when the link was upheld, and what it
        says now; empty where no review here upheld it.
    """

    against: list[Item]
    towards: list[Item]
    silent: list[Item]
    alibis: list[dict[str, Any]]
    received: list[dict[str, Any]]
    changes: list[dict[str, str]]
    alibi_asked: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the exhibit as JSON has it."""
        return asdict(self)


def make_exhibit(
    dossier: Dossier, shown: Pair, history: History, *, diffs: Diffs | None = None
) -> Exhibit:
    """Lay out the evidence on one link.

    Parameters
    ----------
    shown
        Who is shown as Account A, and who as B.
    history
        What the ledger says of the link.
    """
    blind = case_blinder(dossier, *shown)
    items = [_item(dossier, shown, row, diffs or {}) for row in dossier.signals(history.pair)]
    items.sort(key=lambda item: (item.family, item.signal))
    return Exhibit(
        [item for item in items if item.direction == "against"],
        [item for item in items if item.direction == "for"],
        [item for item in items if item.direction not in ("for", "against")],
        [
            {**{k: row[k] for k in ("n_edits", "expected", "excluded")}, "date": row["start"][:10]}
            for row in dossier.alibis(history.pair)
        ],
        [
            {
                "date": entry.time[:10],
                "speaks": entry.body["speaks"],
                "authenticated_by": entry.body["authenticated_by"],
                "summary": blind.parts(entry.body["summary"]),
            }
            for entry in history.of(RECEIVED)
        ],
        _changes(dossier, history),
        bool(dossier.link(history.pair)["alibi"]),
    )


def rested_on(history: History) -> dict[str, Any] | None:
    """Return what the link rested on when it was last upheld; None if no review upheld it."""
    upheld = {
        r.reviewer
        for round_ in history.rounds
        if round_.kind == "review"
        for r in round_.records.values()
        if r.finding == "upheld"
    }
    found = [e.body["rests_on"] for e in history.of("finding") if e.author in upheld]
    return dict(found[-1]) if found else None


def changes(then: dict[str, Any] | None, now: dict[str, Any]) -> list[dict[str, str]]:
    """Return, signal by signal, what the evidence said then and says now, in words."""
    before = (then or {}).get("signals", {})
    return [
        {
            "signal": name,
            "then": _said(before.get(name)),
            "now": _said(now["signals"].get(name)),
        }
        for name in sorted({*before, *now["signals"]})
    ]


def direction(row: dict[str, Any]) -> str:
    """Say which way a signal speaks, or why it does not."""
    if row["status"] != "ok":
        return str(row["status"]).replace("_", " ")
    if row["log10_lr"] is None:
        return "not calibrated"
    if row["log10_lr"] == 0:
        return "neither"
    return "for" if row["log10_lr"] > 0 else "against"


def _changes(dossier: Dossier, history: History) -> list[dict[str, str]]:
    then = rested_on(history)
    reversal = history.current is not None and history.current.kind == "reversal"
    return changes(then, dossier.snapshot(history.pair)) if reversal and then else []


def _said(row: dict[str, Any] | None) -> str:
    return direction(row) if row else "not measured"


def _item(dossier: Dossier, shown: Pair, row: dict[str, Any], diffs: Diffs) -> Item:
    cards = make_cards(dossier, shown, row["rev_ids"], diffs=diffs)
    return Item(
        row["signal"],
        row["family"],
        direction(row),
        row["support"],
        cards[:EDITS_SHOWN],
        max(0, len(cards) - EDITS_SHOWN),
    )
