"""A case opened for exploring: its tables, and what the graph of all its links needs."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import networkx as nx
import numpy as np
import pandas as pd

import sockgraph
from sockgraph.clustering import cluster
from sockgraph.desk.tables import CaseTables, PhraseIndex, index_phrases
from sockgraph.errors import StaleArtifactError
from sockgraph.evidence import flag
from sockgraph.graph import to_graph
from sockgraph.pipeline.other_cases import earlier_looks
from sockgraph.pipeline.results import DATA, LEDGER, CaseResult, open_store, read_case
from sockgraph.pipeline.run import (
    compare_case,
    kept_files,
    known_operators,
    read_case_population,
)
from sockgraph.report.data import (
    Link,
    Omission,
    PairTables,
    ReportData,
    by_subject,
    read_links,
    with_evidence,
)
from sockgraph.report.facts import Account, read_accounts
from sockgraph.report.filing import keep_basket, read_basket
from sockgraph.report.groups import read_groups
from sockgraph.report.summary import oldest
from sockgraph.reviews.blinding import without_hidden_names
from sockgraph.reviews.dossier import Dossier
from sockgraph.reviews.ledger import Ledger, LedgerHead
from sockgraph.reviews.states import NOTE, accepted_alibis, cannot_links, ordered
from sockgraph.schema import subject_of
from sockgraph.store import HELD_OUT
from sockgraph.strings import language_of, say, spoken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sockgraph.evidence.exploration import Window
    from sockgraph.pipeline.other_cases import OtherCase
    from sockgraph.reference import Population
    from sockgraph.report.filing import Basket
    from sockgraph.report.groups import Group
    from sockgraph.reviews.ledger import Entry
    from sockgraph.reviews.states import Pair
    from sockgraph.store import CaseStore
    from sockgraph.strings import Language

GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"


@dataclass(frozen=True)
class WhatIfResult:
    """What a case would say without something.

    Attributes
    ----------
    without
        What was left out.
    links, groups
        Every pair, and the groups, as they would be.
    """

    without: tuple[str, ...]
    links: pd.DataFrame
    groups: list[Group]


@dataclass(frozen=True)
class Desk:
    """Everything that one explorer looks things up in.

    Attributes
    ----------
    result
        The case as its files have it.
    store
        Its folder, for the ledger and for diffs that were fetched.
    by
        Who writes notes; empty where nobody does.
    """

    result: CaseResult
    store: CaseStore
    by: str = ""

    @classmethod
    def of(cls, case: CaseResult | Path | str, *, data: Path = DATA, by: str = "") -> Desk:
        """Open a case: its file's path, or what `run_case` or `read_case` returned.

        Raises
        ------
        SockgraphError
            If the case was not run, or its files are not those of one run.
        """
        if isinstance(case, CaseResult):
            data = case.folder.parent.parent
            result = case
        else:
            result = read_case(Path(case), data=data)
        return cls(result, open_store(result.case, data), by.strip())

    def refuse_changed(self) -> None:
        """Refuse to show what was removed, hidden or run again since the desk was opened.

        Raises
        ------
        StaleArtifactError
            If the case's files are not those that this desk has read.
        """
        known = self.store.read_manifest(missing_ok=True)
        if known is None:
            said = say("its data were removed since this desk was opened.")
            raise StaleArtifactError(
                self.result.case.slug, said, say("Run the case again, if it may be read again.")
            )
        if known["files"] != self.result.manifest["files"]:
            said = say("it was run again since this desk was opened: what stands here is old.")
            raise StaleArtifactError(self.result.case.slug, said, say("Run the cell again."))

    @cached_property
    def tables(self) -> CaseTables:
        """The case's tables by name."""
        return CaseTables.of(self.result.tables)

    @property
    def ledger(self) -> Ledger:
        """The case's ledger."""
        return Ledger(self.store.path(LEDGER))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The ledger as it is now, without the names that the wiki hides by now."""
        case, manifest = self.result.case, self.result.manifest
        hidden = manifest["source"].get("hidden", ())
        return without_hidden_names(self.ledger.entries(), case.id or case.slug, hidden)

    @property
    def head(self) -> LedgerHead:
        """The ledger's head as it is now."""
        return self.ledger.head()

    @cached_property
    def data(self) -> ReportData:
        """The case as the report reads it, with review states as of the last run."""
        manifest, entries = self.result.manifest, self.entries
        tables: dict[str, Any] = {
            k: v for k, v in self.result.tables.items() if k in ReportData.__dataclass_fields__
        }
        return ReportData(
            case=self.result.case,
            **tables,
            graph=nx.Graph(),  # the explorer lays out `places` itself
            coverage=manifest["coverage"],
            calibration=manifest["evidence"],
            read_on=dt.datetime.fromisoformat(manifest["source"]["read_on"]).date(),
            version=sockgraph.__version__,
            cannot_links=frozenset(cannot_links(entries)),
            held_out=self._held_out(),
        )

    def _held_out(self) -> pd.DataFrame | None:
        """Return the pairs known to be different people; None where the case keeps none."""
        return self.store.read_table(HELD_OUT) if self._has(f"{HELD_OUT}.parquet") else None

    def _has(self, name: str) -> bool:
        return self.store.path(name).exists()

    @property
    def language(self) -> Language:
        """The language that the case's own wiki is read in."""
        return language_of(self.result.case.wiki)

    @cached_property
    def dossier(self) -> Dossier:
        """The case as the review stage reads it."""
        return Dossier(self.result.case, self.result.tables, self.result.manifest)

    @cached_property
    def elsewhere(self) -> dict[str, list[OtherCase]]:
        """The nominated accounts that other cases of the data folder nominate too."""
        return earlier_looks(self.result.case, self.store)

    @property
    def basket(self) -> Basket:
        """What was picked for a filing, as it is now."""
        return read_basket(self.store)

    def keep_basket(self, basket: Basket) -> None:
        """Write what was picked."""
        keep_basket(self.store, basket)

    def meeting(self, a: str, b: str) -> tuple[int, float | None]:
        """Return how many pages two accounts share, and their closest edits in seconds."""
        rows, gaps = self.tables.shared(a, b)
        if not len(rows):
            return 0, None
        return len(np.unique(self.tables.pages[rows])), float(np.nanmin(gaps))

    def meetings(self, pairs: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return what `meeting` does, of many pairs; seconds are null where no page is shared."""
        users = pd.Index(list(self.accounts))
        ends = tuple(users.get_indexer(pd.Index(pairs[end])) for end in ("user_a", "user_b"))
        pages, seconds = self._meetings
        return pages[ends], seconds[ends]

    @cached_property
    def _meetings(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        return self.tables.meetings(list(self.accounts))

    @cached_property
    def links(self) -> dict[Pair, Link]:
        """The pairs that have a number or a state, each with its row of `links`."""
        rows = self.tables["links"]
        return self._read(rows[rows["log10_lr"].notna() | (rows["state"] != "none")])

    def _read(self, rows: pd.DataFrame) -> dict[Pair, Link]:
        return {link.pair: link for link in read_links(replace(self.data, links=rows))}

    @cached_property
    def _told(self) -> dict[Language, dict[str, Account]]:
        return {}

    @property
    def accounts(self) -> dict[str, Account]:
        """The compared accounts by name, their blocks and locks in the language that is spoken."""
        if spoken() not in self._told:
            self._told[spoken()] = read_accounts(self.data)
        return self._told[spoken()]

    @cached_property
    def oldest(self) -> str:
        """The account that was created first."""
        return oldest(self.accounts)

    @cached_property
    def by_strength(self) -> list[str]:
        """The accounts by their strongest link for one operator."""
        links = self.tables["links"]
        ends = pd.concat([links.set_index(side)["log10_lr"] for side in ("user_a", "user_b")])
        best = ends.groupby(level=0).max().dropna()
        known = {str(user): float(lr) for user, lr in best.items()}
        return sorted(self.accounts, key=lambda user: (-known.get(user, -99.0), user))

    @cached_property
    def groups(self) -> list[Group]:
        """The groups of two or more accounts."""
        return read_groups(self.tables["clusters"])

    @cached_property
    def voices(self) -> PhraseIndex:
        """What each account wrote in summaries, for shared phrases."""
        return index_phrases(self.tables)

    @cached_property
    def omitted(self) -> dict[str, tuple[Omission, ...]]:
        """What each pair and group would be without an account, a signal or a week."""
        return by_subject(self.tables["omissions"])

    @cached_property
    def concert(self) -> pd.DataFrame:
        """The pairs that act in concert, where the case was asked; else no row."""
        columns = ["user_a", "user_b", "status", "p_adjusted"]
        if not self._has("concert.parquet"):
            return pd.DataFrame(columns=columns)
        return pd.read_parquet(self.store.path("concert.parquet"))

    @cached_property
    def places(self) -> dict[str, tuple[float, float]]:
        """Where the case's graph puts each account, in [0, 1]."""
        return read_positions(self.store.path("graph.graphml"))

    def link(self, a: str, b: str) -> Link:
        """Return two accounts' link with its evidence, in the order in which they are named.

        Raises
        ------
        ReviewError
            If the case does not compare them.
        """
        pair = self.pair(a, b)
        part = replace(
            self.data,
            evidence=self.tables.of_pair("evidence", *pair),
            alibis=self.tables.of_pair("alibis", *pair),
        )
        return _in_order(with_evidence(part, [self.bare_link(*pair)])[0], a)

    def bare_link(self, a: str, b: str) -> Link:
        """Return two accounts' link without its evidence, which takes as long as the rest."""
        pair = self.pair(a, b)
        found = self.links.get(pair) or self._read(self.tables.of_pair("links", *pair))[pair]
        return _in_order(found, a)

    def pair(self, a: str, b: str) -> Pair:
        """Return two accounts as the links table has them; ReviewError where it has them not."""
        pair = ordered(a, b)
        if len(self.tables.of_pair("links", *pair)):
            return pair
        return self.dossier.pair(a, b)

    def row(self, pair: Pair) -> pd.Series:
        """Return a pair's row of `links`."""
        return self.tables.of_pair("links", *pair).iloc[0]

    def tables_of(self, pair: Pair) -> PairTables:
        """Return the rows of the case's tables about a pair."""
        left_out = self.tables["omissions"]
        return PairTables(
            {str(key): value for key, value in self.row(pair).items()},
            self.tables.of_pair("evidence", *pair),
            left_out[left_out["subject"] == subject_of(*pair)],
            self.tables.of_pair("alibis", *pair),
        )

    @cached_property
    def population(self) -> Population:
        """The case's edits as its source has them, stored answers only: for what-if questions."""
        case = self.result.case
        return read_case_population(case, self.store, labels=known_operators(case), offline=True)[1]

    def what_if(self, without: Sequence[str], window: Window | None = None) -> WhatIfResult:
        """Judge the case again without something; nothing of it is written.

        Raises
        ------
        SockgraphError
            If something to leave out is not in the case, or its source is not there any more.
        """
        entries = self.entries
        scores = compare_case(
            self.population,
            accepted_alibis=accepted_alibis(entries),
            without=without,
            window=window,
            kept=kept_files(self.store),
        )
        apart = cannot_links(entries)
        clusters = cluster(to_graph(scores, cannot_links=apart))
        return WhatIfResult(
            scores.exploration, flag(scores, clusters, cannot_links=apart), read_groups(clusters)
        )

    def link_in(self, found: WhatIfResult, pair: Pair) -> Link | None:
        """Return a pair's link as an exploration has it; None where it leaves out an account."""
        return self._read(CaseTables({"links": found.links}).of_pair("links", *pair)).get(pair)

    def notes(self, a: str, b: str) -> list[Entry]:
        """Return the notes on two accounts, oldest first."""
        pair = ordered(a, b)
        return [e for e in self.entries if e.kind == NOTE and e.pair == pair]

    def write_note(self, a: str, b: str, text: str) -> Entry:
        """Enter a note on two accounts into the ledger."""
        first, second = self.pair(a, b)
        return self.ledger.append(NOTE, author=self.by, user_a=first, user_b=second, text=text)


def _in_order(link: Link, first: str) -> Link:
    """Return a link that names an account first, whatever the order of the tables."""
    return replace(link, a=link.b, b=link.a) if link.b == first else link


def read_positions(path: Path) -> dict[str, tuple[float, float]]:
    """Return where a GraphML file puts each node; its edges are not read.

    Parameters
    ----------
    path
        A graph that `sockgraph.graph.generate_graphml` wrote: keys, then nodes, then edges.
    """
    places: dict[str, tuple[float, float]] = {}
    names: dict[str, str] = {}
    for _, element in ET.iterparse(path, events=("end",)):  # noqa: S314 - our own file
        if element.tag == f"{GRAPHML}edge":
            break
        if element.tag == f"{GRAPHML}key":
            names[element.get("id", "")] = element.get("attr.name", "")
        elif element.tag == f"{GRAPHML}node":
            known = {names.get(d.get("key", ""), ""): d.text or "" for d in element}
            places[element.get("id", "")] = (float(known["x"]), float(known["y"]))
    return places
