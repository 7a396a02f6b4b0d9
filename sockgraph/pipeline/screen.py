"""The first screening of a run: where accounts are too many to compare all, whom to compare."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sockgraph.errors import ScreeningError
from sockgraph.progress import Progress, silent
from sockgraph.screening import screen
from sockgraph.screening.reading import column_of, lay_out
from sockgraph.screening.strongest import strongest
from sockgraph.screening.wiki import ABOUT, EDITS, WholeWiki, import_wiki

if TYPE_CHECKING:
    from pathlib import Path

    from sockgraph.case import Case
    from sockgraph.sources import Source
    from sockgraph.store import CaseStore

CANDIDATES = "candidates.parquet"
WIKI = "wiki"
RULE = "accounts of the candidate pairs with the highest weighted overlap"
DUMPS = ("history", "xml")


@dataclass(frozen=True)
class Shortlist:
    """Whom a screening leaves to be compared.

    Attributes
    ----------
    source
        Looks their edits up in the imported wiki; the rest is not read.
    users
        The accounts, in alphabetical order.
    facts
        For the manifest: accounts and pairs there are, candidate pairs, and the rule.
    """

    source: Source
    users: tuple[str, ...]
    facts: dict[str, Any]


def shortlist(case: Case, store: CaseStore, *, progress: Progress = silent) -> Shortlist | None:
    """Screen a case that nominates everyone, where they are too many to compare all.

    Returns
    -------
    Shortlist or None
        None where the accounts are `compare_at_most` or fewer, where the case names accounts, and
        where its source is a wiki's API, which cannot list everyone.

    Raises
    ------
    SockgraphError
        If the table cannot be used, memory or disk do not do, or the extra is not installed.
    """
    if not case.everyone or case.source.kind == "mediawiki":
        return None
    most = case.accounts.compare_at_most
    path, here, story = table_of(case, store, progress=progress)
    if not _more_accounts(path, here.accounts.min_edits, most):
        return None
    from sockgraph.screening.source import WikiSource  # noqa: PLC0415 - brings pandas with it

    wiki = imported(path, store, progress)
    source = WikiSource(here, wiki.folder, story=story or _origin(wiki, path))
    eligible = source.everyone()
    if len(eligible) <= most:
        return None
    read = path / EDITS if (path / ABOUT).exists() else path
    target = store.path(CANDIDATES)
    screened = screen(read, target, window=seconds_of(case), progress=progress)
    chosen = strongest(target, eligible, most)
    n = len(eligible)
    facts = {
        "rule": RULE,
        "accounts": n,
        "pairs": n * (n - 1) // 2,
        "candidate pairs": chosen.candidates,
        "candidate pairs compared": chosen.among,
        "chosen accounts": len(chosen.users),
        "least weighted overlap": chosen.least,
        "left out": screened.dropped,
    }
    return Shortlist(source, chosen.users, facts)


def table_of(
    case: Case, store: CaseStore, *, progress: Progress = silent
) -> tuple[Path, Case, dict[str, Any]]:
    """Return the table of edits that a case names, the case with it as its source, and its story.

    A dump is made into a table first; the story is what its import told, empty for a table.

    Raises
    ------
    ScreeningError
        If the source is a wiki's API.
    """
    if case.source.kind in DUMPS:
        from sockgraph.sources.dump import import_dump  # noqa: PLC0415 - brings pandas with it

        story = import_dump(case, store.raw, progress=progress)
        place = store.raw.absolute() / story.pop("key")
        files = {"path": place / "edits.parquet", "accounts": place / "accounts.parquet"}
        source = case.source.model_copy(update={"kind": "table", **files})
        return files["path"], case.model_copy(update={"source": source}), story
    if case.source.kind != "table" or case.source.path is None:
        raise ScreeningError(
            f'source.kind = "{case.source.kind}"',
            "screening reads a table or a dump with the edits of every account.",
            'Import the wiki with `sockgraph import-wiki`, then name its folder: kind = "table".',
        )
    return case.beside(case.source.path), case, {}


def _more_accounts(path: Path, least: int, most: int) -> bool:
    """Whether more than `most` users have `least` rows, by reading no more than it takes to say."""
    if (path / ABOUT).exists():
        return int(WholeWiki(path).about["accounts"]) > most
    layout = lay_out(path)
    name = "user" if "user" in layout.columns else "user_id"
    rows: Counter[Any] = Counter()
    enough: set[Any] = set()
    for values, counts in column_of(layout, name):
        rows.update(dict(zip(values, counts, strict=True)))
        enough.update(value for value in values if rows[value] >= least)
        if len(enough) > most:
            return True
    return False


def imported(path: Path, store: CaseStore, progress: Progress) -> WholeWiki:
    """Return the table as an imported wiki: itself, the case's earlier import, or a new one."""
    if (path / ABOUT).exists():
        return WholeWiki(path)
    wiki = WholeWiki(store.raw / WIKI)
    if wiki.made_of(path):
        return wiki
    return import_wiki(path, wiki.folder, progress=progress)


def _origin(wiki: WholeWiki, path: Path) -> dict[str, Any]:
    return {} if (path / ABOUT).exists() else {"files": wiki.about["files"]}


def seconds_of(case: Case) -> tuple[int, int] | None:
    """Return the case's window as its first second and the first after it; None is all."""
    if case.window.start is None and case.window.end is None:
        return None
    start, end = case.window.start, case.window.end
    first = 0 if start is None else _midnight(start)
    return first, (1 << 32) if end is None else _midnight(end + dt.timedelta(days=1))


def _midnight(day: dt.date) -> int:
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp())
