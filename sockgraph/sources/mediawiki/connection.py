"""Who asks a wiki, and over which connections.

Credentials are a token or passwords, of the environment or the keyring, for the wikis that are
named. A connection ends when an answer takes too long, however it drips.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import os
import re
import socket
import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from sockgraph.errors import SourceError
from sockgraph.names import is_ip

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


class Timeout:
    """Tells whether an answer took too long."""

    def __init__(self) -> None:
        self.ended = False


class TimeoutAdapter(HTTPAdapter):
    """Carries requests over connections that can be ended from outside."""

    def __init__(self) -> None:
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make pools whose connections are known here."""
        super().init_poolmanager(*args, **kwargs)
        known = self._open

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                known.add(self.sock)  # an answer may outlive its connection

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                known.add(self.sock)  # an answer may outlive its connection

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[Timeout]:
        """End every connection when it is time; they serve one request, one after the other."""
        watch = Timeout()

        def end() -> None:
            watch.ended = True
            for connected in list(self._open):
                with contextlib.suppress(OSError):
                    connected.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            yield watch
        finally:
            timer.cancel()


TOKEN = "SOCKGRAPH_OAUTH_TOKEN"  # noqa: S105 - the variable's name
BOT_USER = "SOCKGRAPH_BOT_USER"
BOT_PASSWORD = "SOCKGRAPH_BOT_PASSWORD"  # noqa: S105 - the variable's name
HTTP_USER = "SOCKGRAPH_HTTP_USER"
HTTP_PASSWORD = "SOCKGRAPH_HTTP_PASSWORD"  # noqa: S105 - the variable's name
FOR = "SOCKGRAPH_CREDENTIALS_FOR"
SEES_HIDDEN = frozenset({"deletedhistory", "deletedtext", "suppressrevision", "viewsuppressed"})


@dataclass(frozen=True)
class Credentials:
    """An OAuth 2 token of one's own, or a bot password, and a server's; never shown."""

    token: str = field(default="", repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    http_user: str = field(default="", repr=False)
    http_password: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.token or self.user or self.http_user)

    @property
    def of_an_account(self) -> bool:
        """Whether the wiki, not only its server, is told who asks."""
        return bool(self.token or self.user)


def credentials(environment: Mapping[str, str] = os.environ) -> Credentials:
    """Return what the environment gives; where it says `keyring`, what the keyring holds.

    Raises
    ------
    SourceError
        If a password's half is missing, two ways that exclude each other are given, or the keyring
        does not hold what it should.
    """
    names = (TOKEN, BOT_USER, BOT_PASSWORD, HTTP_USER, HTTP_PASSWORD)
    given = {name: _secret(environment.get(name, ""), name) for name in names}
    for one, other in ((BOT_USER, BOT_PASSWORD), (HTTP_USER, HTTP_PASSWORD)):
        if bool(given[one]) != bool(given[other]):
            lacking = other if given[one] else one
            raise SourceError(lacking, "it is not set, its other half is.", "Set both, or neither.")
    if not re.fullmatch(r"[!-~]*", given[TOKEN]):
        raise SourceError(
            TOKEN, "it holds a character that no token has.", "Copy it anew, without line breaks."
        )
    for other in (BOT_USER, HTTP_USER):  # a token and a server's password are one header
        if given[TOKEN] and given[other]:
            raise SourceError(f"{TOKEN} and {other}", "both are set.", "Unset one of them.")
    return Credentials(*given.values())


def _secret(value: str, name: str) -> str:
    """Return a value of the environment, or what the keyring keeps under its name."""
    if value != "keyring":
        return value
    try:
        found = importlib.import_module("keyring").get_password("sockgraph", name)
    except ImportError as error:
        raise SourceError(
            name, "it is kept in the keyring, which needs a package.", "pip install keyring"
        ) from error
    if not found:
        raise SourceError(
            name, "the keyring does not hold it.", f"Put it there: keyring set sockgraph {name}"
        )
    return str(found)


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
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.strip("[]")
    return name == "localhost" or (is_ip(name) and ipaddress.ip_address(name).is_loopback)
