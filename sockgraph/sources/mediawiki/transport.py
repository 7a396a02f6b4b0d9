"""Connections that end when an answer takes too long, however it drips."""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    from collections.abc import Iterator


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
