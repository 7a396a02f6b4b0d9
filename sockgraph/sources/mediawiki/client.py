"""The wiki client: one request at a time, patient with a wiki that is busy, clear when it gives up.

mwclient carries the requests. Its own retries are switched off, because in 0.11 they ignore
Retry-After, give up on 429 at once, and take an empty answer for an empty list.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import email.utils
import html
import json
import re
import time
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote, urlencode

import mwclient
import requests
from requests.auth import HTTPBasicAuth

from sockgraph import __version__
from sockgraph.errors import FetchError, SourceError
from sockgraph.sources.mediawiki import answer_models
from sockgraph.sources.mediawiki.connection import (
    Credentials,
    TimeoutAdapter,
    refuse_plain,
    refuse_rights,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence


MAXLAG = 5
ATTEMPTS = 7
LONGEST_WAIT = 300.0
LONGEST_GET = 4000  # characters; some servers refuse longer addresses
TIMEOUT = (10, 60)
WHOLE = 180.0
PER_MINUTE = 200
BUSY_STATUS = frozenset({429, 500, 502, 503, 504})
BUSY_CODES = frozenset({"maxlag", "ratelimited", "readonly", "cirrussearch-too-busy-error"})
LOGIN_REMEDY = "Check the credentials in the environment, or unset them: reading needs none."
HTTP_REMEDIES = {
    401: "The server asks for a password of its own, before the wiki: set SOCKGRAPH_HTTP_USER and"
    " SOCKGRAPH_HTTP_PASSWORD.",
    403: "Check source.contact and the credentials; if a protection against robots stands before"
    " the wiki, ask its operators to let your User-Agent through.",
}
PATH_REMEDY = 'Check wikis and source.api_path in the case file (often "/w/" or "/").'
CERTIFICATE_REMEDY = (
    "If its authority is your own, name its file: REQUESTS_CA_BUNDLE=/path/to/authority.pem."
)
REFUSED_REMEDY = "Correct the case file, or report this if it is right."
REMEDIES = {
    "badcontinue": "Run with --refresh: it begins anew, and keeps what was read.",
    "readapidenied": "Only its members read this wiki: give credentials (docs/fetching.md).",
}
SHAPE_REMEDY = "Tell the wiki's operators; nothing of this answer was stored."
KEPT = "What was read is kept: run the same command again later."


BOM = "\ufeff"  # some servers put it before every answer


class _BusyError(Exception):
    """The wiki asks to come back, or its answer cannot be used; worth another attempt."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        self.wait = wait
        super().__init__(why)


class _RefusedError(Exception):
    """The answer will not change however often it is asked for."""

    def __init__(self, why: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(why)


class _Session(requests.Session):
    """Judges status and headers before mwclient misreads them."""

    def __init__(self, user_agent: str, whole: float) -> None:
        super().__init__()
        self._whole = whole
        self._adapter = TimeoutAdapter()
        self.mount("https://", self._adapter)
        self.mount("http://", self._adapter)
        self.headers["User-Agent"] = user_agent
        self.auth = lambda request: request  # or requests would send what it finds in ~/.netrc
        self.wait: float | None = None

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        """Return an answer that is worth reading; else say how it fails."""
        with self._adapter.within(self._whole) as watch:
            try:
                response = super().request(*args, **{**kwargs, "stream": True})
                _read(response)
            except requests.exceptions.RequestException as error:
                if watch.ended:
                    raise _BusyError(
                        f"its answer took more than {self._whole:g} seconds"
                    ) from error
                raise
        self.wait = _retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
        if response.headers.get("X-Database-Lag"):
            raise _BusyError("its database lags", self.wait)
        response.encoding = "utf-8"
        if response.status_code in BUSY_STATUS and "API is not enabled" not in response.text:
            raise _BusyError(_status(response), self.wait)
        _refuse_elsewhere(response)
        return response


def _read(response: requests.Response) -> None:
    """Read an answer to its end, if that is not too far: it may unpack to anything."""
    parts, size = [], 0
    for part in response.iter_content(1 << 16):
        parts.append(part)
        size += len(part)
        if size > answer_models.MOST_BYTES:
            response.close()
            raise _RefusedError(
                f"its answer is larger than {answer_models.MOST_BYTES >> 20} MiB.", SHAPE_REMEDY
            )
    response._content = b"".join(parts)  # noqa: SLF001 - as if it had been read at once


def _refuse_elsewhere(response: requests.Response) -> None:
    if response.is_redirect:
        where = response.headers["Location"]
        raise _RefusedError(
            f"it sends us elsewhere, to {where}.",
            "Check wikis, source.scheme and source.api_path in the case file.",
        )
    if response.status_code != requests.codes.ok:
        said = _status(response)
        remedy = HTTP_REMEDIES.get(response.status_code, PATH_REMEDY)
        raise _RefusedError(f"it answers {said}.", LOGIN_REMEDY if "mwoauth" in said else remedy)


def _status(response: requests.Response) -> str:
    said = _own_words(response.text)
    return f"HTTP {response.status_code}{f': {said}' if said else ''}"


def _own_words(text: str) -> str:
    """Return what a refusal says, in one line: an API's error, a page's title, or its text."""
    with contextlib.suppress(ValueError, AttributeError, TypeError):
        fault = json.loads(text.lstrip(BOM))["error"]
        return f"{fault.get('info')} ({fault.get('code')})"[:300]
    titled = re.search(r"<(title|h1)[^>]*>(.*?)</\1>", text, re.DOTALL | re.IGNORECASE)
    plain = html.unescape(re.sub(r"<[^>]*>", " ", titled.group(2) if titled else text))
    return " ".join(plain.split())[:300].rstrip(".")


def _refuse_login(error: Mapping[str, Any] | None) -> None:
    if error is None:
        return
    code = str(error.get("code"))
    if code in BUSY_CODES:
        raise _BusyError(code)
    raise _RefusedError(f"it refuses the login: {error.get('info')} ({code}).", LOGIN_REMEDY)


def _carried(contact: str) -> str:
    """Return the operator's contact as a header carries it: other letters percent-encoded.

    Raises
    ------
    SourceError
        If it holds a line break or another control character.
    """
    if any(unicodedata.category(char) == "Cc" for char in contact):
        raise SourceError(
            "source.contact", "it holds a line break or control character.", "Write it on one line."
        )
    return contact if contact.isascii() else quote(contact, safe=" !#$&'()*+,/:;=?@[]~")


@dataclass(kw_only=True)
class Connection:
    """One wiki's API.

    Parameters
    ----------
    scheme, host, path
        Where the API is: `{scheme}://{host}{path}api.php`.
    contact
        The operator's own, for the User-Agent.
    per_minute
        Requests a minute at most; null for as many as are answered one after the other.
    credentials
        The operator's, if any; sent to this wiki alone.
    timeout
        Seconds to wait for a connection, and for the next part of an answer.
    whole
        Seconds that a whole answer may take, however it drips.
    sleep, clock
        Replaced in tests.

    Attributes
    ----------
    requests, rows, retries, shared
        Answers had, rows in them, attempts that had to be repeated, and answers that another case
        had, per kind, since this object was made.
    """

    host: str
    scheme: str
    path: str
    contact: str
    per_minute: float | None = PER_MINUTE
    credentials: Credentials = field(default_factory=Credentials)
    timeout: tuple[float, float] = TIMEOUT
    whole: float = WHOLE
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    requests: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    shared: Counter[str] = field(default_factory=Counter)
    _last: float | None = None
    _answered: bool = False
    _logged_in: bool = False

    def __post_init__(self) -> None:
        path = "/" + self.path.strip("/")
        self.path = path if path.endswith("/") else path + "/"
        self._session = _Session(f"sockgraph/{__version__} ({_carried(self.contact)})", self.whole)
        if self.credentials:
            refuse_plain(self.scheme, self.host)
        if self.credentials.http_user:
            user, password = self.credentials.http_user, self.credentials.http_password
            self._session.auth = HTTPBasicAuth(
                user.encode(), password.encode()
            )  # str: Latin-1 only
        if self.credentials.token:
            self._session.headers["Authorization"] = f"Bearer {self.credentials.token}"
        self._site = mwclient.Site(
            self.host, path=self.path, scheme=self.scheme, pool=self._session, do_init=False,
            max_retries=0, force_login=False,
            connection_options={"timeout": self.timeout, "allow_redirects": False},
        )  # fmt: skip

    @property
    def api(self) -> str:
        """The API's address."""
        return f"{self.scheme}://{self.host}{self.path}api.php"

    def ask(
        self,
        params: Mapping[str, str],
        *,
        kind: str,
        what: str,
        found: Sequence[str],
        settled: Collection[str] = (),
    ) -> bytes:
        """Return the answer, byte for byte, once it is one that can be used.

        Parameters
        ----------
        params
            The request.
        kind
            What it is counted as.
        what
            What it asks for, in words, for errors.
        found
            The keys, under `query` or at the top, of which a usable answer has one at least.
        settled
            Codes of errors that are an answer, and not asked again.

        Raises
        ------
        FetchError
            At once if the wiki cannot be reached or refuses; after 7 attempts, waiting longer each
            time and as long as the wiki asks, if it stays busy or its answers stay unusable.
        """
        for attempt in range(ATTEMPTS):
            self._pace()
            try:
                body = self._attempt(params, found, settled)
            except _RefusedError as error:
                raise FetchError(self.host, f"asked for {what}: {error}", error.remedy) from error
            except _BusyError as busy:
                self.retries[kind] += 1
                self._wait(busy, attempt, what)
            else:
                self.requests[kind] += 1
                self._answered = True
                return body
        raise AssertionError  # _wait raises after the last attempt

    def _attempt(
        self, params: Mapping[str, str], found: Sequence[str], settled: Collection[str]
    ) -> bytes:
        sent = {**params, "format": "json", "formatversion": "2", "maxlag": str(MAXLAG)}
        if sent.get("action") == "query":
            sent.setdefault("continue", "")  # before 1.26 a wiki continues in another way without
        try:
            if self.credentials.of_an_account:
                self._log_in()
                sent["assert"] = "user"
            text = self._call(sent).lstrip(BOM)
        except (requests.exceptions.ConnectionError, requests.exceptions.Timeout) as error:
            raise self._unreached(error) from error
        except (requests.exceptions.RequestException, UnicodeError) as error:
            raise _BusyError(f"its answer broke off: {type(error).__name__}") from error
        self._judge(text, found, settled, params)
        return text.encode()

    def _call(self, sent: Mapping[str, str]) -> str:
        method = "GET" if len(urlencode(sent)) < LONGEST_GET else "POST"
        text: str = self._site.raw_call("api", sent, retry_on_error=False, http_method=method)
        return text

    def _log_in(self) -> None:
        """Log in, once, with an account that sees no more than the public."""
        if self._logged_in:
            return
        asked = {"meta": "userinfo", "uiprop": "rights", "assert": "user"}
        try:
            if self.credentials.user:
                self._enter()
            answer = self._site.raw_api("query", "GET", retry_on_error=False, **asked)
            _refuse_login(answer.get("error"))
            rights = answer["query"]["userinfo"]["rights"]
        except mwclient.errors.InvalidResponse as error:
            self._judge_text(str(error.response_text), error)
        except mwclient.errors.APIError as error:
            _refuse_login({"code": error.code, "info": error.info})
        except (mwclient.errors.MwClientError, AttributeError, KeyError, TypeError) as error:
            raise _BusyError(f"the login failed ({type(error).__name__})") from None
        refuse_rights(self.host, rights)
        self._logged_in = True

    def _enter(self) -> None:
        """Send the password, once: a wrong one does not become right."""
        try:
            self._site.login(self.credentials.user, self.credentials.password)
        except mwclient.errors.LoginError as error:
            raise _RefusedError(f"it refuses the login ({error}).", LOGIN_REMEDY) from None
        except KeyError as error:
            if error.args != ("reason",):
                raise
            raise _RefusedError(
                "it refuses the login, and gives no reason.", LOGIN_REMEDY
            ) from None

    def _unreached(self, error: Exception) -> Exception:
        """Tell a misspelt or dead host, before the first answer, from a bad moment later."""
        why = f"it cannot be reached: {_root(error)}"
        if isinstance(error, requests.exceptions.SSLError):
            return _RefusedError(
                f"its certificate is not trusted: {_root(error)}.", CERTIFICATE_REMEDY
            )
        if self._answered:
            return _BusyError(why)
        return _RefusedError(
            f"{why}.", "Check the spelling of wikis in the case file, and your connection."
        )

    def _judge(
        self, text: str, found: Sequence[str], settled: Collection[str], params: Mapping[str, str]
    ) -> None:
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:  # nested too deep is no JSON of a wiki's
            self._judge_text(text, error)
        if not isinstance(answer, dict) or not answer:
            raise _BusyError(f"its answer is empty: {text[:20]!r}")
        fault, query = answer.get("error", {}), answer.get("query", {})
        if not isinstance(fault, dict) or not isinstance(query, dict):
            raise _BusyError("its answer is not in MediaWiki's form")
        if "error" in answer:
            if fault.get("code") in settled:
                return
            self._judge_error(fault)
        if set(found).isdisjoint({*answer, *query}):
            raise _BusyError(f"its answer lacks {found[0]}")
        try:
            answer_models.check(answer, params)
        except answer_models.AnswerError as error:
            raise _RefusedError(
                f"its answer is not as MediaWiki gives it ({error}).", SHAPE_REMEDY
            ) from error

    def _judge_text(self, text: str, error: Exception) -> NoReturn:
        kind = "HTML" if text.lstrip()[:1] == "<" else "no whole JSON"
        if kind == "HTML" and not self._answered:
            raise _RefusedError(
                f"{self.api} answers with a web page, not as a MediaWiki API: {_own_words(text)}.",
                PATH_REMEDY,
            ) from error
        raise _BusyError(f"its answer is {kind}") from error

    def _judge_error(self, error: Mapping[str, Any]) -> None:
        code, said = str(error.get("code"))[:100], str(error.get("info"))[:300]
        if code == "assertuserfailed":
            self._logged_in = False
            raise _BusyError("it has logged us out")
        if code in BUSY_CODES or code.startswith("internal_api_error"):
            raise _BusyError(f"{code}: {said}", self._session.wait)
        raise _RefusedError(f"it refuses: {said} ({code}).", REMEDIES.get(code, REFUSED_REMEDY))

    def _wait(self, busy: _BusyError, attempt: int, what: str) -> None:
        pause = max(busy.wait or 0.0, float(2**attempt))
        if attempt + 1 == ATTEMPTS:
            raise FetchError(
                self.host,
                f"no usable answer to {what} in {ATTEMPTS} attempts (last: {busy}).",
                KEPT,
            ) from busy
        if pause > LONGEST_WAIT:
            raise FetchError(
                self.host, f"asked for {what}, it says to wait {pause:.0f} seconds ({busy}).", KEPT
            ) from busy
        self.sleep(pause)

    def _pace(self) -> None:
        if self.per_minute and self._last is not None:
            rest = self._last + 60 / self.per_minute - self.clock()
            if rest > 0:
                self.sleep(rest)
        self._last = self.clock()


def _retry_after(header: str | None, date: str | None) -> float | None:
    """Read Retry-After, seconds or a date by the server's own clock; null where it says neither."""
    if header is None:
        return None
    if re.fullmatch(r"\s*[0-9]+\s*", header):
        return float(header)
    until, now = _moment(header), _moment(date or "") or dt.datetime.now(dt.UTC)
    return None if until is None else max(0.0, (until - now).total_seconds())


def _moment(text: str) -> dt.datetime | None:
    try:
        at = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _root(error: BaseException) -> str:
    """Say in a few words what lies under requests' and urllib3's wrappings."""
    reason = getattr(error.args[0], "reason", error.args[0]) if error.args else error
    text = str(reason).rsplit(": ", 1)[-1] or type(error).__name__
    return text.strip("<>() '\"")
