"""What stands before a private wiki: a server of its own that asks for a password, over TLS."""

from __future__ import annotations

import base64
import contextlib
import http.client
import http.server
import ssl
import subprocess
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOP = {"connection", "content-length", "transfer-encoding"}


@contextlib.contextmanager
def proxied(
    upstream: str, *, basic: tuple[str, str] | None = None, pem: Path | None = None
) -> Iterator[str]:
    """Yield the address of a reverse proxy before a wiki.

    Parameters
    ----------
    upstream
        The wiki's host and port.
    basic
        Name and password that it asks for, as HTTP basic auth.
    pem
        Its certificate and key, see `certificate`; without, it speaks plain HTTP.
    """
    wanted = base64.b64encode(":".join(basic).encode()).decode() if basic else ""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if basic and self.headers.get("Authorization") != f"Basic {wanted}":
                asks = [("WWW-Authenticate", 'Basic realm="private"')]
                return self.answer(401, asks, b"<h1>401 Authorization Required</h1>")
            passed = {k: v for k, v in self.headers.items() if k not in {"Connection", "Host"}}
            with contextlib.closing(http.client.HTTPConnection(upstream, timeout=60)) as wiki:
                wiki.request(self.command, self.path, body or None, passed)
                told = wiki.getresponse()
                return self.answer(told.status, told.getheaders(), told.read())

        def do_POST(self) -> None:
            self.do_GET()

        def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if pem:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate(folder: Path) -> Path:
    """Make a certificate for this machine that only its owner vouches for."""
    key, cert, both = (folder / name for name in ("key.pem", "cert.pem", "both.pem"))
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=wiki", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", key, "-out", cert),
        ],
        check=True,
        capture_output=True,
    )
    both.write_text(cert.read_text() + key.read_text())
    return both
