"""A server on loopback that answers as wikis do on their worst days."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Handler = BaseHTTPRequestHandler


@dataclass(frozen=True)
class Say:
    """One answer.

    Attributes
    ----------
    cut
        Send this many bytes of the body and then break the connection off.
    how
        "whole", "reset" (a reset in mid-answer), "hang" (no answer until the server ends), "drip"
        (a byte of the body now and then) or "drip headers" (the same, and no end of the headers).
    """

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json; charset=utf-8"),)
    cut: int | None = None
    how: str = "whole"

    def send(self, handler: Handler, ended: threading.Event) -> None:
        if self.how == "hang":
            ended.wait()
            return
        if self.how == "drip headers":
            drip(handler, b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 150, ended)
            return
        if any(name == "Date" for name, _ in self.headers):
            handler.send_response_only(self.status)
        else:
            handler.send_response(self.status)
        for name, value in self.headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        if self.how == "drip":
            drip(handler, self.body, ended)
            return
        handler.wfile.write(self.body[: self.cut])
        if self.how == "reset":
            handler.wfile.flush()
            linger = struct.pack("ii", 1, 0)  # closing now sends a reset, not an end
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            handler.connection.close()


def drip(handler: Handler, content: bytes, ended: threading.Event) -> None:
    for byte in content:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        if ended.wait(0.05):
            return


def say(answer: Any, **headers: str) -> Say:
    """A whole JSON answer."""
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Say(json.dumps(answer).encode(), headers=(("Content-Type", "application/json"), *more))


def error(code: str, **headers: str) -> Say:
    """An API error, with HTTP status 200 as MediaWiki sends it."""
    return say({"error": {"code": code, "info": f"because of {code}"}}, **headers)


def status(code: int, **headers: str) -> Say:
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Say(b"<html>busy</html>", status=code, headers=(("Content-Type", "text/html"), *more))


def zipped(answer: Any, *, keep: float = 1.0) -> Say:
    """A gzip answer, of which only a part may be there."""
    body = gzip.compress(json.dumps(answer).encode(), mtime=0)
    body = body[: int(len(body) * keep)]
    return Say(body, headers=(("Content-Type", "application/json"), ("Content-Encoding", "gzip")))


@dataclass
class FaultyWiki:
    """Answers in the order of `script`, then as `otherwise` says; remembers every request."""

    host: str
    script: list[Say] = field(default_factory=list)
    otherwise: Callable[[dict[str, str]], Say] = field(default=lambda _: say({"query": {}}))
    asked: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def answer(self, handler: Handler, ended: threading.Event) -> None:
        length = int(handler.headers.get("Content-Length", 0))
        query = urlsplit(handler.path).query or handler.rfile.read(length).decode()
        params = dict(parse_qsl(query, keep_blank_values=True))
        self.asked.append(params)
        self.headers.append(dict(handler.headers))
        self.paths.append(handler.path)
        said = self.script.pop(0) if self.script else self.otherwise(params)
        with contextlib.suppress(ConnectionError):
            said.send(handler, ended)


@contextlib.contextmanager
def faulty_wiki() -> Iterator[FaultyWiki]:
    """Yield a running server; its threads end with the block."""
    ended = threading.Event()
    wiki = FaultyWiki("")

    class _Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wiki.answer(self, ended)

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    wiki.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield wiki
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
