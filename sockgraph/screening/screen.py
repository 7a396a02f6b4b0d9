"""Screening a whole wiki, and an imported wiki as a case's source."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import pyarrow as pa

from sockgraph.account_names import normal_name
from sockgraph.errors import ScreeningError, SourceError
from sockgraph.runtime import Progress, silent
from sockgraph.schema import empty
from sockgraph.screening.candidates import write_parquet
from sockgraph.screening.definition import TOP
from sockgraph.screening.wiki import ABOUT, EDITS, WholeWiki, identity
from sockgraph.sources.activity import unknown_activity
from sockgraph.sources.cleaning import Cleaned, clean
from sockgraph.sources.table import TableSource, _within

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sockgraph.case import Case
    from sockgraph.sources.base import Discussion, Reading


class WikiSource(TableSource):
    """A folder that `import_wiki` wrote, named by a case as its table; many cases can share it.

    Parameters
    ----------
    case
        Its `[source]` names the folder as `path`, and optionally `accounts` and `log_events`.
    folder
        The folder, where the case names the table or dump that it was imported from.
    story
        What the provenance then says of that table or dump, `files` (names and hashes) among it.

    Raises
    ------
    StoreError
        If the folder is no imported wiki.
    """

    def __init__(
        self, case: Case, folder: Path | None = None, *, story: Mapping[str, Any] | None = None
    ) -> None:
        self._case = case
        self._path = folder or case.beside(case.source.path or Path())
        self._story = dict(story or {})
        self._wiki = WholeWiki(self._path)
        self._page = self._wiki.about["page"]
        self._loaded = frozenset[str]()
        self._cleaned = Cleaned(empty("edits"), empty("edits"), {})
        self._raw, self.dropped = self._cleaned.edits, dict[str, int]()

    def everyone(self) -> list[str]:
        """Return every account with at least `min_edits` distinct edit times; no bots."""
        times = self._wiki.ask(
            "SELECT user, count(DISTINCT timestamp) AS times FROM edits "
            "WHERE timestamp >= ?::TIMESTAMP AND timestamp < ?::TIMESTAMP + INTERVAL 1 DAY "
            "GROUP BY user ORDER BY user",
            self._days,
        ).to_pandas()
        names = times["user"][times["times"] >= self._case.accounts.min_edits]
        kept = [name for name in names if not self._is_bot(name)]
        self.dropped["bots, by group or by name"] = len(names) - len(kept)
        self.dropped["accounts with fewer edit times than min_edits"] = len(times) - len(names)
        return kept

    def resolve(self, names: Sequence[str]) -> dict[str, str]:
        """Return how the wiki writes each name.

        Raises
        ------
        SourceError
            If names are not there, neither as given nor as MediaWiki would write them.
        """
        asked = sorted({written for n in names for written in (n, normal_name(n))})
        known = set(self._wiki.edits_of(asked)["user"]) | set(self._facts["user"])
        found = {n: n if n in known else normal_name(n) for n in names}
        unknown = [name for name, written in found.items() if written not in known]
        if unknown:
            raise SourceError(
                ", ".join(map(repr, unknown)),
                f"{self._path.name} has no edits of this name.",
                "Check the spelling in the case file; names are compared to the letter.",
            )
        return found

    def account_facts(self, users: Sequence[str]) -> pd.DataFrame:
        """Return `accounts` without `role`; what the wiki does not say is null."""
        self._load(users)
        return super().account_facts(users)

    def read(self, users: Sequence[str]) -> Reading:
        """Return these accounts' edits, newest `max_edits` of each, within the window."""
        self._load(users)
        return super().read(users)

    def bots(self, users: Sequence[str]) -> list[str]:
        """Return which of these are bots, by group or by name."""
        return [name for name in users if self._is_bot(name)]

    def newest(self, users: Sequence[str]) -> pd.DataFrame:
        """Return these accounts' newest `max_edits` within the window, and hold none of them.

        What is older is not even counted: an account with exactly so many may have more.
        """
        most = self._case.accounts.max_edits
        frame = self._wiki.edits_of(list(users), newest=most, days=self._days)
        return clean(frame, self._path, self._case.wiki, part=True).edits

    def neighbours(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return who else edited the pages of `edits`, most shared pages first."""
        pages = pa.array(edits[self._page].dropna().unique())
        shared: pd.DataFrame = self._wiki.ask(
            "SELECT user, count(*) AS shared_pages FROM pages SEMI JOIN wanted USING (page) "
            "ANTI JOIN own USING (user) GROUP BY user ORDER BY shared_pages DESC, user",
            wanted=pa.table({"page": pages}),
            own=pa.table({"user": pa.array(edits["user"].unique(), pa.string())}),
        ).to_pandas()
        people: pd.DataFrame = shared.loc[[not self._is_bot(name) for name in shared["user"]]]
        self.dropped["bots left out of the reference"] = len(shared) - len(people)
        return people.reset_index(drop=True)

    def activity(self, users: Sequence[str]) -> pd.DataFrame:
        """Return nothing of these accounts' activity: only what is looked up is held."""
        return unknown_activity(users)

    def background(self, users: Sequence[str]) -> pd.DataFrame:
        """Return nothing: of everybody else, only what is looked up is held."""
        return _within(self._raw[~self._raw["user"].isin(users)], self._case.window).iloc[:0]

    def discussions(self, pages: Sequence[str]) -> Discussion:
        """Refuse: an imported wiki holds no texts.

        Raises
        ------
        SourceError
            Always.
        """
        raise SourceError(
            f"[discussions] ({', '.join(pages)})",
            "an imported wiki holds no texts.",
            "Read the wiki itself or its pages-meta-history dump, or remove [discussions].",
        )

    def provenance(self) -> dict[str, Any]:
        """Return the imported files' hashes, what was imported, and the time of the newest edit."""
        newest = self._wiki.ask("SELECT strftime(max(timestamp), '%Y-%m-%dT%H:%M:%S') FROM edits")
        return {
            "kind": "table",
            "imported": self._wiki.about,
            "read_on": f"{newest[0][0].as_py()}+00:00",
            "requests": {},
            **(self._story or {"files": identity([self._path / EDITS, self._path / ABOUT])}),
        }

    @property
    def _days(self) -> tuple[str, str]:
        window = self._case.window
        return str(window.start or "1970-01-01"), str(window.end or "2105-12-31")

    def _load(self, users: Sequence[str]) -> None:
        """Look up the edits of accounts that were not looked up yet."""
        wanted = sorted(set(users) - self._loaded)
        self._loaded |= set(wanted)
        frame = self._wiki.edits_of(wanted)
        if len(frame):
            found = clean(frame, self._path, self._case.wiki, part=True)
            self._raw = pd.concat([self._raw, found.edits], ignore_index=True)
            for why, n in found.dropped.items():
                self.dropped[why] = self.dropped.get(why, 0) + n


Engine = Literal["local", "spark"]
MEMORY = 2_500 * 2**20
THREADS = 2


@dataclass(frozen=True)
class Screened:
    """What a screening came to.

    Attributes
    ----------
    path
        The table.
    accounts, rows, candidates
        Accounts with at least one edit, rows read, rows written.
    dropped
        Rows left out, by reason.
    spilled
        Bytes that were set aside on disk on the way.
    """

    path: Path
    accounts: int
    rows: int
    candidates: int
    dropped: dict[str, int]
    spilled: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as a manifest keeps it; what differs between machines is left out."""
        return {
            "accounts": self.accounts,
            "rows": self.rows,
            "candidates": self.candidates,
            "left out": dict(self.dropped),
        }


def screen(
    path: Path,
    target: Path,
    *,
    engine: Engine = "local",
    top: int = TOP,
    window: tuple[int, int] | None = None,
    threads: int = THREADS,
    memory: int = MEMORY,
    progress: Progress = silent,
) -> Screened:
    """Find every account's best partners and write them, whole or not at all.

    Parameters
    ----------
    path
        Edits: a Parquet or CSV file, or a folder of Parquet files; `timestamp`, `user` or
        `user_id`, `title` or `page_id`, in any order of rows.
    target
        Where the table goes; rows that wait are set aside in its folder.
    engine
        `local`, or `spark` for a cluster; both give the same rows.
    top
        Partners an account, at most.
    window
        First second that counts and first that no longer does, since 1970 UTC.
    threads, memory
        Of the local engine: the result does not depend on them.

    Raises
    ------
    TableError
        If the edits cannot be used; nothing is written.
    ScreeningError
        If the engine is not installed, or memory does not do.
    StoreError
        If the table, or rows that wait, cannot be written; nothing is left behind.
    """
    from sockgraph.store.files import whole_file  # noqa: PLC0415 - brings pandas with it

    run = _engine(engine)
    options = {"top": top, "window": window, "threads": threads, "memory": memory}
    try:
        with whole_file(target) as draft:
            found = run(path, scratch=target.parent, progress=progress, **options)
            written = write_parquet(found.batches(), draft, progress)
    except MemoryError as error:
        raise ScreeningError(
            path,
            "this machine has not enough memory for it.",
            "Ask for fewer partners with --top, or use --engine spark.",
        ) from error
    return Screened(target, found.accounts, found.rows, written, found.dropped, found.spilled)


def _engine(engine: Engine) -> Callable[..., Any]:
    try:
        module = importlib.import_module(f"sockgraph.screening.{engine}")
    except ImportError as error:
        extra = "screen" if engine == "local" else "spark"
        raise ScreeningError(
            f"--engine {engine}",
            f"needs a package that is not installed ({error.name}).",
            f"pip install 'sockgraph[{extra}]'",
        ) from error
    run: Callable[..., Any] = getattr(module, f"screen_{engine}")
    return run
