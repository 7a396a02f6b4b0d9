"""The other cases in a data folder: what they took back binds, and whom they looked at is told.

There is no register of its own: what is known is read from the other cases' folders, so a case that
is purged, or removed when its time is up, is forgotten here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.account_names import normal_name
from sockgraph.errors import SockgraphError
from sockgraph.pipeline.results import LEDGER
from sockgraph.reviews import Ledger
from sockgraph.reviews.elsewhere import Reversal, reversals, tell
from sockgraph.reviews.words import counted
from sockgraph.store import CaseStore

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sockgraph.case import Case

TOOL = "sockgraph"  # who enters what another ledger says


@dataclass(frozen=True)
class OtherCase:
    """Another case of the same wiki that was run with the same data folder."""

    slug: str
    store: CaseStore
    stated: dict[str, Any]
    run_on: str

    @property
    def ledger(self) -> Ledger:
        """Its ledger."""
        return Ledger(self.store.path(LEDGER))


def other_cases(case: Case, store: CaseStore) -> Iterator[OtherCase]:
    """Return the other cases of this case's wikis; a folder that cannot be read is passed over."""
    folder = store.processed.parent
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name == store.processed.name or path.is_symlink() or not path.is_dir():
            continue
        other = CaseStore(store.raw.parent / path.name, path)
        try:
            manifest = other.read_manifest(missing_ok=True) or {}
        except SockgraphError:
            continue
        stated = manifest.get("case", {})
        if set(stated.get("wikis") or ()) & set(case.wikis):
            run_on = str(manifest.get("run", {}).get("started", ""))[:10]
            yield OtherCase(path.name, other, stated, run_on)


def bind(case: Case, store: CaseStore, ledger: Ledger, users: Collection[str]) -> list[Reversal]:
    """Enter what other cases took back between these accounts; return what was new.

    Raises
    ------
    ReviewError
        If another case's ledger is broken: what it took back cannot be known.
    """
    told = [
        one
        for other in other_cases(case, store)
        for one in reversals(other.slug, other.ledger.entries())
        if set(one.pair) <= set(users)
    ]
    return tell(ledger, told, author=TOOL)


def tell_others(case: Case, store: CaseStore, told: Sequence[Reversal]) -> list[str]:
    """Enter what this case took back in every other case that compares the two; say which."""
    said = []
    for other in other_cases(case, store):
        links = other.store.path("links.parquet")
        if not links.exists():
            continue
        pairs = pd.read_parquet(links, columns=["user_a", "user_b"])
        known = set(pairs.itertuples(index=False, name=None))
        new = tell(other.ledger, [t for t in told if t.pair in known], author=TOOL)
        said += [
            f"The case {other.slug} compares {one.user_a} and {one.user_b} too: its ledger says"
            " now that the link is taken back. Run it again."
            for one in new
        ]
    return said


def earlier_looks(case: Case, store: CaseStore) -> list[str]:
    """Say which nominated accounts were nominated in other cases here, and since when."""
    found: dict[str, list[OtherCase]] = {}
    mine = {} if case.everyone else {normal_name(n): n for n in case.accounts.nominated}
    for other in other_cases(case, store):
        nominated = (other.stated.get("accounts") or {}).get("nominated") or ()
        for name in sorted({normal_name(n) for n in nominated} & mine.keys()):
            found.setdefault(mine[name], []).append(other)
    return [
        f"{name}: compared in {counted(len(cases), 'other case')} here"
        f" since {min(one.run_on for one in cases)} ({', '.join(one.slug for one in cases)})"
        for name, cases in found.items()
    ]
