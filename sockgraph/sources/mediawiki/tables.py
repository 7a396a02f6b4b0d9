"""From stored answers to the contract's tables: no request, no clock, nothing but the rows."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from sockgraph.errors import FetchError
from sockgraph.log_events import SOCK_BLOCK, kept_out
from sockgraph.names import has_vanished, normal_name
from sockgraph.schema import TABLES, empty, validate
from sockgraph.sources.mediawiki import accounts as renames
from sockgraph.sources.mediawiki.queries import BLOCKS, CREATIONS, LOGS, MOVES, SITE, THANKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sockgraph.sources.mediawiki.cache import CachedClient
    from sockgraph.store.raw_answers import AnswerChain


KEPT_LOGS = frozenset(
    {
        "block",
        "gblblock",
        "globalauth",
        "gblrename",
        "move",
        "newusers",
        "renameuser",
        "rights",
        "thanks",
    }
)
ENDLESS = frozenset({"infinite", "infinity", "indefinite", "never"})
USER_NAMESPACE = 2


def _told(make: Callable[[str, Any], pd.DataFrame]) -> Callable[[str, Any], pd.DataFrame]:
    """Say of rows that are not as MediaWiki gives them whose they are, and what to do."""

    @functools.wraps(make)
    def told(wiki: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
        try:
            return make(wiki, rows)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise FetchError(
                wiki,
                f"a stored answer has a row that cannot be read ({type(error).__name__}: {error}).",
                "Tell the wiki's operators; `sockgraph purge CASE` removes it, to fetch anew.",
            ) from error

    return told


@_told
def edits_table(wiki: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return `edits`; of rows with one `revid` the last stands, being the newest answer."""
    by_id = {row["revid"]: _edit(wiki, row) for row in rows}
    return table_of("edits", list(by_id.values()))


def _edit(wiki: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "wiki": wiki,
        "rev_id": row["revid"],
        "user": row["user"],
        "user_id": row.get("userid") or None,  # 0 is an imported or unregistered author
        "title": row.get("title"),
        "page_id": row.get("pageid"),
        "ns": row.get("ns"),
        "timestamp": row["timestamp"],
        "comment": None if row.get("commenthidden") else row.get("comment"),
        "minor": row.get("minor"),
        "size_diff": row.get("sizediff"),
        "parent_id": row.get("parentid"),
        "tags": row.get("tags"),
        "sha1": row.get("sha1"),  # usercontribs does not give it
        "hidden": hidden_parts(row),
    }


def hidden_parts(row: Mapping[str, Any]) -> list[str]:
    """Return what of a revision the wiki conceals; a hash is hidden with its text."""
    flags = {**row, "texthidden": row.get("texthidden") or row.get("sha1hidden")}
    hidden = [what for what in ("comment", "text", "user") if flags.get(f"{what}hidden")]
    return [*hidden, *(["suppressed"] if row.get("suppressed") else [])]


@_told
def accounts_table(wiki: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return `accounts` without `role`."""
    found = [
        {
            "wiki": wiki,
            "user": row["name"],
            "user_id": row.get("userid"),
            "registered": row.get("registration") or None,
            "edit_count": row.get("editcount"),
            "groups": [group for group in row.get("groups", []) if group not in {"*", "user"}],
            "blocked_at": min((b["blockedtimestamp"] for b in whole_blocks(row)), default=None),
            "role": "reference",
        }
        for row in rows
    ]
    return table_of("accounts", found).drop(columns="role")


@_told
def log_table(wiki: str, rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return `log_events` of the kinds that bear on accounts, each event once."""
    by_id = {row["logid"]: _event(wiki, row) for row in rows if row["type"] in KEPT_LOGS}
    return table_of("log_events", list(by_id.values()))


def _event(wiki: str, row: Mapping[str, Any]) -> dict[str, Any]:
    title = None if row.get("actionhidden") else row.get("title")
    if title and row.get("ns") == USER_NAMESPACE:
        title = title.split(":", 1)[1]
        if row["type"] in {"globalauth", "gblblock"}:
            title = title.removesuffix("@global")
    return {
        "wiki": wiki,
        "log_id": row["logid"],
        "type": row["type"],
        "action": row["action"],
        "timestamp": row["timestamp"],
        "actor": None if row.get("userhidden") else row.get("user"),
        "target": title,
        "params": json.dumps(row.get("params", {}), ensure_ascii=False, sort_keys=True),
        "comment": None if row.get("commenthidden") else row.get("comment"),
    }


def blocks_of(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return each block that `list=users` shows: of several, their sum says too little of each."""
    return list(row.get("blockcomponents") or [row]) if row.get("blockedtimestamp") else []


def whole_blocks(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the blocks from the whole wiki."""
    return [b for b in blocks_of(row) if not b.get("blockpartial") and b.get("blockedtimestamp")]


def blocked_for_good(row: Mapping[str, Any]) -> bool:
    """Tell whether `list=users` shows a block without end, or one as a sock."""
    return any(
        block.get("blockexpiry") in ENDLESS or SOCK_BLOCK.search(str(block.get("blockreason", "")))
        for block in whole_blocks(row)
    )


def block_notes(row: Mapping[str, Any]) -> str:
    """Say in a sentence each which blocks are of parts of the wiki only."""
    return " ".join(
        f"It is blocked from parts of the wiki, not from all of it, since"
        f" {block['blockedtimestamp'][:10]}{_why(block.get('blockreason'))}."
        for block in blocks_of(row)
        if block.get("blockpartial") and block.get("blockedtimestamp")
    )


def _why(reason: object) -> str:
    return f" ({reason})" if reason else ""


def renamings(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return (old name, new name) of each rename, oldest first."""
    told = sorted((r for r in rows if r["type"] == "renameuser"), key=lambda r: r["timestamp"])
    pairs = [(r.get("params", {}).get("olduser"), r.get("params", {}).get("newuser")) for r in told]
    return [(normal_name(old), normal_name(new)) for old, new in pairs if old and new]


def earlier_names(user: str, pairs: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Follow renames backwards from today's name; oldest first. Of who vanished there are none.

    >>> earlier_names("C", [("A", "B"), ("X", "Y"), ("B", "C")])
    ('A', 'B')
    >>> earlier_names("Vanished user 4k2", [("A", "Vanished user 4k2")])
    ()
    """
    if has_vanished(user):
        return ()
    names: list[str] = []
    for old, new in reversed(pairs):
        if new == (names[0] if names else user):
            names.insert(0, old)
    return tuple(names)


def table_of(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows as the contract's table, times read from ISO 8601."""
    if not rows:
        return empty(name)
    frame = pd.DataFrame(rows, columns=list(TABLES[name].columns), dtype=object)
    times = [c for c, spec in TABLES[name].columns.items() if spec.kind.startswith("datetime")]
    parsed = {
        c: pd.to_datetime(frame[c], utc=True, format="ISO8601").dt.as_unit("us") for c in times
    }
    return validate(name, frame.assign(**parsed))


LOG_ROWS = 2000  # of one account and kind, newest first: some have moved pages by the thousand


def read_logs(
    asker: CachedClient, users: Sequence[str], named: Sequence[str]
) -> list[dict[str, Any]]:
    """Return blocks, rights, renames, creation, moves and thanks about and by these accounts.

    Each is a request of its own for each account, since the log takes one name: what was done to
    the account is one, its moves, the accounts it created and its thanks are one each; thanks are
    asked for only where the wiki has them.

    Parameters
    ----------
    users
        Whom the logs are about.
    named
        Those of them whose earlier names may be looked up.
    """
    titles = log_titles(asker, users, named)
    asker.ensure(LOGS, titles, enough=log_read)
    rows = list(asker.rows(LOGS, titles, enough=log_read))
    for question in (MOVES, CREATIONS, *([THANKS] if has(asker, "Thanks") else [])):
        asker.ensure(question, users, enough=log_read)
        rows += asker.rows(question, users, enough=log_read)
    return rows + _renames_to(asker, named)


def log_titles(asker: CachedClient, users: Sequence[str], named: Sequence[str]) -> list[str]:
    """Return what logs about these accounts are filed under; of those named, global ones too."""
    titles = [f"User:{user}" for user in users]
    return titles + [f"User:{user}@global" for user in named if has(asker, "CentralAuth")]


def _renames_to(asker: CachedClient, named: Sequence[str]) -> list[dict[str, Any]]:
    renames.ask_renames(asker, named)
    known = renames.renamings(asker, named)
    earlier = {name for user in named for name in earlier_names(user, known)}
    return renames.rename_rows(asker, named, earlier)


def blocked_before(asker: CachedClient, users: Sequence[str]) -> set[str]:
    """Return who of these was ever blocked as a sock, by the wiki's log: a request each."""
    titles = [f"User:{user}" for user in users]
    asker.ensure(BLOCKS, titles)
    return kept_out(log_table("", asker.rows(BLOCKS, titles)), users)


def has(asker: CachedClient, extension: str) -> bool:
    """Tell whether the wiki has an extension."""
    return any(one.get("name") == extension for one in asker.whole(SITE).get("extensions", []))


def version(asker: CachedClient) -> tuple[int, int] | None:
    """Return the wiki's version of MediaWiki, as 1.43 is (1, 43); null where it does not say."""
    told = str(asker.whole(SITE)["general"].get("generator"))
    numbers = re.match(r"MediaWiki (\d+)\.(\d+)", told)
    return (int(numbers[1]), int(numbers[2])) if numbers else None


def log_read(chain: AnswerChain) -> bool:
    """Tell whether an account's log is read far enough."""
    return chain.complete or chain.rows >= LOG_ROWS
