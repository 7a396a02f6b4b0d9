"""Which editors are accounts: the rule of `sockgraph.sources.table`, a test keeps the two equal.

It stands here again because the engines start in a fraction of a second, on workers too, and the
sources bring pandas with them.
"""

from __future__ import annotations

import ipaddress
import re

ACCOUNT, BLANK, UNREGISTERED, TEMPORARY = range(4)
KINDS = ("", "rows without a user", "rows of unregistered editors", "rows of temporary accounts")
_TEMPORARY = re.compile(r"~\d{4}-\d+(-\d+)*")  # MediaWiki's default pattern
_HASHED_IP = re.compile(r"ip-[0-9a-f]+")  # as pseudonymised exports write them
_MAYBE_IP = re.compile(r"[0-9a-fA-F:.]+")


def kind_of(name: str) -> int:
    """Return ACCOUNT, or why rows of this editor are left out.

    >>> [kind_of(name) for name in ("Example A", " ", "192.0.2.1", "~2025-123-4")]
    [0, 1, 2, 3]
    """
    if not name.strip():
        return BLANK
    if _TEMPORARY.fullmatch(name):
        return TEMPORARY
    return UNREGISTERED if _HASHED_IP.fullmatch(name) or _is_ip(name) else ACCOUNT


def _is_ip(name: str) -> bool:
    if not _MAYBE_IP.fullmatch(name):
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
