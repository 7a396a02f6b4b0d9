"""Only nominated accounts keep their names beside what they voted."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd


def cover_voters(votes: pd.DataFrame, named: Collection[str], salt: str) -> pd.DataFrame:
    """Return votes with everybody else under a number: `voter-0001`, `voter-0002`.

    They are the crowd that chance is drawn from; who they are is nobody's business.

    Parameters
    ----------
    votes
        The table `votes`.
    named
        Accounts that keep their names.
    salt
        The case's id: it decides the order of the numbers.
    """
    others = sorted(
        set(votes["user"]) - set(named),
        key=lambda name: hmac.new(salt.encode(), name.encode(), hashlib.sha256).digest(),
    )
    covers = {name: f"voter-{number:04}" for number, name in enumerate(others, 1)}
    users = votes["user"].map(lambda name: covers.get(name, name))
    return votes.assign(user=users).sort_values(
        ["wiki", "page", "user", "rev_id"], ignore_index=True
    )
