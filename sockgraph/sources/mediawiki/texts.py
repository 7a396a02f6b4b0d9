"""What edits added, from a live wiki: their texts and the ones before, fifty revisions a request.

Every account, nominated or reference, is read alike: the same number of its newest edits, posts on
talk pages first. Answers are kept as they came, so a run goes on where it was; at most `REQUESTS`
are made for a case.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from sockgraph.errors import FetchError
from sockgraph.runtime import notice
from sockgraph.schema import UNDOING
from sockgraph.sources.added_text import LARGEST, added
from sockgraph.sources.mediawiki.queries import NAMES_PER_REQUEST, TEXTS, TEXTS_BEFORE_SLOTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from sockgraph.sources.mediawiki.cache import CachedClient
    from sockgraph.sources.mediawiki.queries import Query

REQUESTS = 300
"""Requests for texts that a case may take, all its wikis together."""
EACH = 100
"""Edits of one account that are read, at most."""
LEAST = 40
"""Bytes that an edit must have added to be read."""
UNDONE = UNDOING | {"mw-reverted"}
"""Tags of edits that bring back what others wrote, or did not last."""


def with_texts(
    asker: CachedClient, edits: pd.DataFrame, sizes: Mapping[int, int], mode: str, *, wikis: int = 1
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return `edits` with `text`, what they added, and how much was not read and why.

    Parameters
    ----------
    asker
        The wiki and the case's answers.
    edits
        Of every account that is compared, in one call.
    sizes
        Bytes of the page after an edit, as far as known: larger ones than `LARGEST` are not read.
    mode
        "posts": talk pages alone; "all": articles too.
    wikis
        How many wikis share the requests.

    Raises
    ------
    FetchError
        If the wiki does not answer; what was answered until then is kept.
    """
    chosen, counts = _chosen(edits, sizes, mode, REQUESTS * NAMES_PER_REQUEST // wikis)
    number = chosen["rev_id"].astype("int64")
    parents = chosen["parent_id"].fillna(0).astype("int64")
    asked = [str(n) for n in sorted({*number, *parents} - {0})]
    _tell(asker, TEXTS, asked)
    shown = _shown(asker, asked)
    pairs = zip(number, parents, strict=True)
    texts = {rev: _added(rev, parent, shown, counts) for rev, parent in pairs}
    read = edits["rev_id"].astype("int64").map(texts).astype("string")
    return edits.assign(text=read.array), dict(counts)


def _chosen(
    edits: pd.DataFrame, sizes: Mapping[int, int], mode: str, revisions: int
) -> tuple[pd.DataFrame, Counter[str]]:
    """Choose what is read: of every account equally many, posts first and of them the newest."""
    space = edits["ns"].fillna(-1).astype("int64").to_numpy()
    post = (space > 0) & (space % 2 == 1)
    wanted = post | (space == 0) if mode == "all" else post
    brief = (edits["size_diff"].fillna(LEAST) < LEAST).to_numpy(dtype=bool)
    hidden = np.array(["text" in h or "suppressed" in h for h in edits["hidden"]], dtype=bool)
    undone = np.array([bool(UNDONE & set(tags or ())) for tags in edits["tags"]], dtype=bool)
    size = edits["rev_id"].map(dict(sizes)).fillna(0).to_numpy(dtype=float)
    first = (edits["parent_id"].fillna(-1) < 0).to_numpy(dtype=bool)  # no word of what was before
    told = Counter(
        {
            "texts: edits of the kind asked for": int(wanted.sum()),
            "texts: hidden": int((wanted & hidden).sum()),
            "texts: on pages too large to read": int((wanted & (size > LARGEST)).sum()),
        }
    )
    fit = wanted & ~brief & ~hidden & ~undone & ~first & (size <= LARGEST)
    here = edits.assign(post=post)[fit]
    each = min(EACH, revisions // (2 * max(here["user"].nunique(), 1)))
    order = here.sort_values(["post", "timestamp", "rev_id"], ascending=False, kind="stable")
    chosen = order.groupby("user", sort=False).head(each)
    told["texts: edits left unread, the account has enough"] = len(here) - len(chosen)
    return chosen, told


def _tell(asker: CachedClient, question: Query, asked: list[str]) -> None:
    """Say before how many requests there will be."""
    had = {s for chain in asker.raw.chains(question.identity) for s in chain.subjects}
    new = len(set(asked) - had)
    if new and not asker.offline:
        n = -(-new // NAMES_PER_REQUEST)
        notice(f"{asker.connection.host}: {n:,} requests for what {new:,} revisions say.")


def _shown(asker: CachedClient, asked: list[str]) -> dict[int, str | None]:
    """Return the texts by revision; null where hidden, absent where deleted."""
    question = TEXTS
    try:
        asker.ensure(question, asked)
    except FetchError as error:
        if "rvslots" not in str(error):
            raise
        question = TEXTS_BEFORE_SLOTS  # as before MediaWiki 1.32
        asker.ensure(question, asked)
    return {
        row["revid"]: _content(row)
        for page in asker.rows(question, asked)
        for row in page.get("revisions", [])
    }


def _content(row: Mapping[str, Any]) -> str | None:
    """Return a revision's wikitext, in the form with slots or the one before there were any."""
    slot = row.get("slots", {}).get("main", row)
    model = slot.get("contentmodel", "wikitext")
    text = slot.get("content") if model == "wikitext" else None
    return text if isinstance(text, str) else None


def _added(
    rev: int, parent: int, shown: Mapping[int, str | None], counts: Counter[str]
) -> str | None:
    after, before = shown.get(rev), shown.get(parent) if parent else ""
    if after is None or before is None:
        counts["texts: hidden or deleted since, or the one before is"] += 1
        return None
    counts["texts: read"] += 1
    return added(before, after)
