"""Who asks: credentials from the environment alone, and only such as see what everybody sees."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sockgraph.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

TOKEN = "SOCKGRAPH_OAUTH_TOKEN"  # noqa: S105 - the variable's name
BOT_USER = "SOCKGRAPH_BOT_USER"
BOT_PASSWORD = "SOCKGRAPH_BOT_PASSWORD"  # noqa: S105 - the variable's name
FOR = "SOCKGRAPH_CREDENTIALS_FOR"
SEES_HIDDEN = frozenset({"deletedhistory", "deletedtext", "suppressrevision", "viewsuppressed"})


@dataclass(frozen=True)
class Credentials:
    """An OAuth 2 token of one's own, or a bot password; never shown."""

    token: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.token or self.user)


def credentials(environment: Mapping[str, str] = os.environ) -> Credentials:
    """Return what the environment gives.

    Raises
    ------
    SourceError
        If a bot password's half is missing, or both ways are given.
    """
    token, user, password = (environment.get(name, "") for name in (TOKEN, BOT_USER, BOT_PASSWORD))
    if bool(user) != bool(password):
        lacking = BOT_PASSWORD if user else BOT_USER
        raise SourceError(lacking, "it is not set, its other half is.", "Set both, or neither.")
    if token and user:
        raise SourceError(f"{TOKEN} and {BOT_USER}", "both are set.", "Unset one of them.")
    return Credentials(token, user, password)


def credentials_for(host: str, environment: Mapping[str, str] = os.environ) -> Credentials:
    """Return the credentials if they are for this wiki: for every one, unless the wikis are named.

    Raises
    ------
    SourceError
        As `credentials`.
    """
    given, hosts = credentials(environment), _hosts(environment)
    return given if not hosts or host in hosts else Credentials()


def refuse_strangers(hosts: Collection[str], environment: Mapping[str, str] = os.environ) -> None:
    """Refuse to send credentials to several wikis that nobody named.

    Raises
    ------
    SourceError
        If there are credentials, and no word of whom they are for.
    """
    if credentials(environment) and not _hosts(environment):
        raise SourceError(
            FOR,
            f"it is not set, and the case reads {len(hosts)} wikis: a secret is for one of them.",
            f'Name the wikis that the credentials are for, {FOR}="{min(hosts)}", or unset them.',
        )


def _hosts(environment: Mapping[str, str]) -> list[str]:
    return [host.strip() for host in environment.get(FOR, "").split(",") if host.strip()]


def refuse_plain(scheme: str, host: str) -> None:
    """Refuse to send credentials where others could read them.

    Raises
    ------
    SourceError
        If the wiki is not asked over https, nor on this machine.
    """
    if scheme != "https" and not is_loopback(host):
        raise SourceError(
            f"{scheme}://{host}",
            "credentials are sent over https only.",
            'Set scheme = "https" in [source], or unset the credentials.',
        )


def refuse_rights(host: str, rights: Collection[str]) -> None:
    """Refuse an account that is shown what the public is not.

    Raises
    ------
    SourceError
        If it holds one of the rights.
    """
    held = sorted(SEES_HIDDEN & set(rights))
    if held:
        raise SourceError(
            host,
            f"the credentials see what is hidden from the public ({', '.join(held)}).",
            "Use a bot password or token with the grants basic and high-volume alone.",
        )


def is_loopback(host: str) -> bool:
    """Tell whether a host, with or without port, is this machine."""
    name = host.rsplit(":", 1)[0]
    return name == "localhost" or (is_ip(name) and ipaddress.ip_address(name).is_loopback)


def is_ip(name: str) -> bool:
    """Tell whether a name is an IP address, as unregistered editors' names are."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
