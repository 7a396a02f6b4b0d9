"""What single edits changed, for people who review: read one by one, and kept like every answer.

They lie in a folder of their own, so that what a reviewer looks at changes neither the answers that
the case's tables come from nor the day that they were read.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sockgraph.store.case_store import DIFFS
from sockgraph.store.raw_answers import Entry, RawAnswers, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sockgraph.sources.mediawiki.cache import Asker

KIND = "diffs"
REQUEST = {"action": "compare", "torelative": "prev", "prop": "diff|ids", "curtimestamp": "1"}
NOT_SHOWN = frozenset({"missingcontent", "missingcontent-revid", "nosuchrevid"})
"""Errors that are an answer: the edit, or the one before it, is deleted or hidden."""


def stored_diffs(raw: RawAnswers) -> RawAnswers:
    """Return the diffs that are kept beside a case's answers."""
    return RawAnswers(raw.folder / DIFFS)


def read_diffs(asker: Asker, rev_ids: Sequence[int]) -> dict[int, str]:
    """Return what edits changed, asking only for what is not stored; offline for nothing.

    Parameters
    ----------
    asker
        The wiki and the case's answers.
    rev_ids
        The edits.

    Returns
    -------
    dict
        From revision to the HTML rows of `action=compare` with the revision before it; with
        nothing, for the first of a page. What is deleted or hidden is absent, and so is, offline,
        what was never asked for.

    Raises
    ------
    FetchError
        If the wiki does not answer; what was answered until then is kept.
    """
    wanted = list(dict.fromkeys(map(int, rev_ids)))
    raw = stored_diffs(asker.raw)
    held = _held(raw)
    missing = [] if asker.offline else [rev for rev in wanted if rev not in held]
    if missing:
        with raw.locked():
            held = _held(raw)
            for number, rev in enumerate(missing):
                asker.progress(KIND, number, len(missing))
                if rev not in held:
                    held[rev] = _fetch(asker, raw, rev)
        asker.progress(KIND, len(missing), len(missing))
    told = {rev: compared(raw, held[rev]).get("body") for rev in wanted if rev in held}
    return {rev: body for rev, body in told.items() if body is not None}


def compared(raw: RawAnswers, entry: Entry) -> dict[str, Any]:
    """Return what a stored answer compares; empty where the wiki does not show it."""
    return dict(json.loads(raw.body(entry)).get("compare", {}))


def remove_diffs(raw: RawAnswers, now: Mapping[int, Mapping[str, Any] | None]) -> int:
    """Blank every stored diff that holds text of a revision that is hidden or deleted now.

    Parameters
    ----------
    raw
        The diffs.
    now
        Flags of the revisions that are no longer wholly shown; null where one is gone.

    Returns
    -------
    int
        Diffs blanked.
    """
    kept = [(entry, compared(raw, entry)) for entry in raw.entries()]
    touched = [(e, shown) for e, shown in kept if "body" in shown and _hides(shown, now)]
    for entry, shown in touched:
        left = {"compare": {k: v for k, v in shown.items() if k != "body"}}
        raw.redact(entry, json.dumps(left, ensure_ascii=False).encode(), rows=1)
    return len(touched)


def compared_revisions(raw: RawAnswers) -> set[int]:
    """Return every revision whose text stands in a stored diff."""
    return {rev for entry in raw.entries() for rev in _sides(compared(raw, entry))}


def _hides(shown: Mapping[str, Any], now: Mapping[int, Mapping[str, Any] | None]) -> bool:
    states = [now[rev] for rev in _sides(shown) if rev in now]
    return any(state is None or state.get("sha1hidden") for state in states)


def _sides(shown: Mapping[str, Any]) -> Iterator[int]:
    if "body" in shown:
        yield from (int(shown[side]) for side in ("fromrevid", "torevid") if shown.get(side))


def _held(raw: RawAnswers) -> dict[int, Entry]:
    return {int(entry.subjects[0]): entry for entry in raw.entries()}


def _fetch(asker: Asker, raw: RawAnswers, rev: int) -> Entry:
    params = {**REQUEST, "fromrev": str(rev)}
    body = asker.connection.ask(
        params, kind=KIND, what=f"the diff of {rev}", found=["compare"], settled=NOT_SHOWN
    )
    answer = json.loads(body)
    entry = Entry(
        api=asker.connection.api, params=params, kind=KIND, question=digest([KIND, REQUEST]),
        subjects=(str(rev),), chain=digest([asker.connection.api, params]), number=0,
        following=None, round=0, rows=int("compare" in answer),
        answered=answer.get("curtimestamp"), fetched=f"{asker.clock():%Y-%m-%dT%H:%M:%SZ}",
    )  # fmt: skip
    return raw.put(entry, body)
