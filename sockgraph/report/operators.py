"""Which case, and who else, in words: the report, the desk and the terminal say the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup, escape

from sockgraph.evidence import which_case
from sockgraph.evidence.flagging import REASONS
from sockgraph.report import wording as words
from sockgraph.report.markup import anchor, name
from sockgraph.strings import say, tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sockgraph.case import Case


@dataclass(frozen=True)
class Asked:
    """An account that is no known operator's, what is answered, and every operator's number."""

    user: str
    answer: Markup
    ranked: Markup


def asked(case: Case, links: pd.DataFrame, calibration: Mapping[str, Any]) -> list[Asked]:
    """Return the answers to "which case?", an account each; none where no operator is known."""
    if not case.operators:
        return []
    compared = {*links["user_a"], *links["user_b"]}
    known = {one.name: [u for u in one.accounts if u in compared] for one in case.operators}
    urls = {one.name: one.url for one in case.operators}
    found = which_case(links, {name: users for name, users in known.items() if users})
    promised = (calibration.get("promise") or {}).get("threshold") is not None
    return [
        _asked(str(user), rows, urls, promised=promised) for user, rows in found.groupby("user")
    ]


def _asked(
    user: str, rows: pd.DataFrame, urls: Mapping[str, str | None], *, promised: bool
) -> Asked:
    """Say the answer, and every operator with its log10 LR against none of them."""
    named = {k: anchor(urls[k], name(k)) for k in rows["operator"] if k is not None}
    told = rows[rows["operator"].notna()]
    ranked = [
        Markup("{} {}").format(named[k], words.signed(lr))
        for k, lr in zip(told["operator"], told["log10_lr"], strict=True)
        if pd.notna(lr)
    ]
    if rows["given"].isna().any():
        answer = tell("too few edits" if rows["score"].isna().all() else "not calibrated")
    elif not promised:  # where nothing can be flagged, nobody is "none of them"
        answer = tell(REASONS["promise"])
    else:
        given = rows.loc[rows["given"].astype(bool), "operator"]
        answer = Markup("; ").join(
            tell("none of them") if k is None or pd.isna(k) else named[k] for k in given
        )
    return Asked(user, answer, Markup("; ").join(ranked or [escape(words.DASH)]))


def would_be_given(calibration: Mapping[str, Any]) -> Markup | None:
    """Say how many accounts of the same pages would be given to one of the known operators."""
    near = calibration.get("as_near")
    if not near:
        return None
    return tell(
        "Of {n} of the same pages, <b>{k}</b> would be given to one of these operators.",
        n=words.counted(near["reference"], "reference account"),
        k=words.thousands(near["operators"]),
    )


def who_else(calibration: Mapping[str, Any]) -> list[Markup]:
    """Say how many accounts of the same pages stand as near to a nominated one as a flag asks."""
    near = calibration.get("as_near")
    if not near:
        return []
    said = (
        "<b>Who else?</b> Of {n} of the same pages, <b>{k}</b> would stand as near to a nominated"
        " account as a flag asks. They are counted, never named."
    )
    n = words.counted(near["reference"], "reference account")
    return [tell(said, n=n, k=words.thousands(near["nominated"]))]


def plain(case: Case, links: pd.DataFrame, calibration: Mapping[str, Any]) -> list[str]:
    """Return both, a line each, as a terminal shows them."""
    answers = [
        say("{user}: {answer}", user=one.user, answer=one.answer.striptags())
        for one in asked(case, links, calibration)
    ]
    given = would_be_given(calibration) if answers else None
    heading = [f"{say('Which case?')} {answers[0]}", *answers[1:]] if answers else []
    told = [*([given] if given else []), *who_else(calibration)]
    return [*heading, *(one.striptags() for one in told)]
