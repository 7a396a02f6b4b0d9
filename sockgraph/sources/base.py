"""What every source offers, and how it tells what it could not give."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sockgraph.account_names import TEMPORARY, kind_of, normal_name
from sockgraph.schema import TABLES, validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@dataclass(frozen=True)
class Coverage:
    """What was read of one account, and what was not; None is unknown, never zero.

    Attributes
    ----------
    edits_read
        Rows in `edits`, after window and cap.
    edit_count
        The wiki's own count, deleted and hidden edits included.
    outside_window
        Rows left out because the case's window excludes them; null where they were not asked for.
    hidden_comments, hidden_texts
        Edits whose summary or text is hidden.
    capped
        Whether older edits were left unread because of `max_edits`.
    not_listed
        `edit_count` less every edit seen: deleted, hidden or imported ones; null when capped.
    renamed_from
        Earlier names, oldest first.
    everywhere
        The lock or block on all wikis that is in force: `what` (`lock`, `block`), `since` (a day)
        and `by`, the latter two null where the wiki does not tell.
    source_whole
        Whether nothing of the file or dump had to be skipped.
    note
        Anything else a reader must know, in a sentence.
    """

    user: str
    edits_read: int
    edit_count: int | None = None
    outside_window: int | None = 0
    hidden_comments: int = 0
    hidden_texts: int = 0
    capped: bool = False
    not_listed: int | None = None
    renamed_from: tuple[str, ...] = ()
    everywhere: tuple[dict[str, str | None], ...] = ()
    source_whole: bool = True
    note: str = ""

    @property
    def full(self) -> bool:
        """Whether the whole public history was read."""
        return not self.capped and self.outside_window == 0 and self.source_whole

    def as_dict(self) -> dict[str, Any]:
        """Return the coverage as the manifest keeps it."""
        lists = {"renamed_from": list(self.renamed_from), "everywhere": list(self.everywhere)}
        return {**asdict(self), **lists, "full": self.full}


@dataclass(frozen=True)
class ReadResult:
    """Edits of some accounts, and what is missing from them."""

    edits: pd.DataFrame
    coverage: tuple[Coverage, ...]
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Discussion:
    """Every revision of the pages that a case lists under [discussions].

    Attributes
    ----------
    edits, texts
        The tables `discussion_edits` and `texts`; a hidden text is null, and so is the name of an
        author who is hidden or not registered.
    pages
        By title: what was read of the page, in numbers.
    missing
        Titles that the source does not have.
    """

    edits: pd.DataFrame
    texts: pd.DataFrame
    pages: dict[str, dict[str, int]]
    missing: tuple[str, ...] = ()


class Source(Protocol):
    """A place that edits come from: a wiki, or a file.

    Tables keep the contracts of `sockgraph.schema`, save that `accounts` comes without `role`.
    """

    def everyone(self) -> list[str]:
        """Return every account of the source; SourceError where it cannot be listed."""

    def vanished(self, names: Sequence[str]) -> set[str]:
        """Return who of these was there once and is hidden by now; the case goes on without."""

    def nominees(self, names: Sequence[str]) -> list[str]:
        """Return the accounts that nominated names mean: on several wikis one may mean several."""

    def resolve(self, names: Sequence[str]) -> dict[str, str]:
        """Return how the source writes each name; SourceError names every one it does not have."""

    def account_facts(self, users: Sequence[str]) -> pd.DataFrame:
        """Return `accounts` without `role`, a row for every user."""

    def read(self, users: Sequence[str]) -> ReadResult:
        """Return the edits of these accounts, within the case's window and cap."""

    def log_events(self, users: Sequence[str]) -> pd.DataFrame:
        """Return `log_events` about and by these accounts; empty where the source has none."""

    def blocked_as_sock(self, users: Sequence[str]) -> set[str]:
        """Return who of these accounts was blocked as a sock, as far as the source tells."""

    def with_sha1(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return `edits` with the hashes of texts on shared pages, where they can be had."""

    def with_texts(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return `edits` with what each added in its author's words, if the case asks for it.

        All accounts that are compared come in one call: each is read alike.
        """

    def shared_histories(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return `histories` of pages that several accounts of `edits` edited, if the case asks."""

    def neighbours(self, edits: pd.DataFrame) -> pd.DataFrame:
        """Return who else edited the pages of `edits`.

        Returns
        -------
        DataFrame
            `user` (unique) and `shared_pages` (int), by descending `shared_pages`, then name; no
            bots, no unregistered editors, nobody of `edits` itself.
        """

    def activity(self, users: Sequence[str]) -> pd.DataFrame:
        """Return what is known of the activity of candidates, before any of their edits is read.

        As `sockgraph.sources.activity.activity_of`; what is not known is null.
        """

    def background(self, users: Sequence[str]) -> pd.DataFrame:
        """Return `edits` of everybody else, where the source holds them anyway; else none.

        They tell how common a page or a word is; nobody of them is compared or kept.
        """

    def discussions(self, pages: Sequence[str]) -> Discussion:
        """Return every revision of these pages with its text; SourceError where it has no texts."""

    def provenance(self) -> dict[str, Any]:
        """Return what the manifest says of the source: kind, place, hashes, requests per kind."""


def pick_discussions(edits: pd.DataFrame, texts: pd.DataFrame, pages: Sequence[str]) -> Discussion:
    """Return the edits of these pages, each with its text; null where the file has none.

    Temporary accounts are not named.

    Parameters
    ----------
    edits
        `edits` or `discussion_edits`.
    texts
        `texts`.
    pages
        Titles, underscores or spaces alike.
    """
    titles = edits["title"].map(normal_name, na_action="ignore")
    wanted = {page: normal_name(page) for page in pages}
    listed = edits[titles.isin(wanted.values())]
    brief = [name for name in listed["user"].dropna().unique() if kind_of(name) == TEMPORARY]
    listed = listed.assign(user=listed["user"].mask(listed["user"].isin(brief)))
    columns = list(TABLES["discussion_edits"].columns)
    found = validate("discussion_edits", listed[[c for c in columns if c in listed]])
    whole = found[["wiki", "rev_id"]].merge(texts, how="left", on=["wiki", "rev_id"])
    told = {page: _counts(found, whole, title) for page, title in wanted.items()}
    missing = tuple(page for page, counts in told.items() if not counts["revisions"])
    return Discussion(found, validate("texts", whole), told, missing)


def _counts(edits: pd.DataFrame, texts: pd.DataFrame, title: str) -> dict[str, int]:
    here = edits["title"].map(normal_name) == title
    rows, read = edits[here], texts[here.to_numpy()]["text"].notna()
    unseen = rows["hidden"].map(lambda parts: "user" in parts).astype(bool)
    return {
        "revisions": len(rows),
        "texts": int(read.sum()),
        "hidden texts": int((~read).sum()),
        "hidden authors": int(unseen.sum()),
        "unregistered": int((rows["user"].isna() & ~unseen).sum()),
        "read in part": 0,
    }
