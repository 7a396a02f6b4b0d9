"""Answers given at the terminal, kept closed in a file of their own until they are due.

The file is the reviewer's alone: readable by its owner only, apart from the ledger, and emptied as
answers are opened. Two reviewers who do not trust one machine use packets.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from sockgraph.errors import ReviewError
from sockgraph.review.rules import record_of
from sockgraph.review.states import History, Pair, histories, person_key
from sockgraph.review.work import Kept, Sealed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from sockgraph.review.ledger import Entry

FOLDER = "unopened"


def kept_name(reviewer: str) -> str:
    """Return the name, in the case's folder, of the file of a reviewer's closed answers."""
    return f"{FOLDER}/{hashlib.sha256(person_key(reviewer).encode()).hexdigest()[:16]}.json"


def with_answer(kept: Iterable[Kept], new: Kept) -> list[Kept]:
    """Return kept answers with one more; an earlier answer to the same step is replaced."""
    mine: list[Kept] = []
    others: list[Kept] = []
    for one in kept:
        (mine if one.pair == new.pair else others).append(one)
    answers = {step: sealed for one in mine for step, sealed in one.answers.items()}
    return [*others, Kept(new.pair, new.reviewer, {**answers, **new.answers})]


def still_closed(entries: Iterable[Entry], kept: Iterable[Kept]) -> list[Kept]:
    """Return the answers that are not open yet."""
    known = histories(entries)
    return [k for k in kept if not _opened(known.get(k.pair), k.reviewer)]


def _opened(history: History | None, reviewer: str) -> bool:
    return bool(record_of(history.current if history else None, reviewer).answers)


def kept_text(kept: Sequence[Kept]) -> str:
    """Return closed answers as their file has them."""
    return json.dumps(
        [
            {
                "pair": list(one.pair),
                "reviewer": one.reviewer,
                "answers": {
                    step: {"answer": dict(sealed.answer), "salt": sealed.salt}
                    for step, sealed in one.answers.items()
                },
            }
            for one in kept
        ],
        ensure_ascii=False,
        indent=1,
    )


def read_kept(path: Path) -> list[Kept]:
    """Read closed answers; none where there is no file.

    Raises
    ------
    ReviewError
        If the file is damaged.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        return [_kept(one) for one in given]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReviewError(
            path,
            f"the closed answers cannot be read ({error}).",
            "Restore the file from a copy: without it the findings in it cannot be opened.",
        ) from error


def _kept(given: dict[str, Any]) -> Kept:
    a, b = given["pair"]
    pair: Pair = (str(a), str(b))
    answers = {s: Sealed(v["answer"], v["salt"]) for s, v in given["answers"].items()}
    return Kept(pair, str(given["reviewer"]), answers)
