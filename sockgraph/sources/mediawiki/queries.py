"""What is asked of a wiki: each kind of request, once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sockgraph.store.raw_answers import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sockgraph.case import Window

NAMES_PER_REQUEST = 50


@dataclass(frozen=True)
class Query:
    """A kind of request, whomever it is about.

    Attributes
    ----------
    kind
        A word for it, in the manifest and in errors.
    fixed
        The parameters that never change.
    found
        The key under `query` that holds the rows.
    about
        The parameter that names the subjects; empty where there are none.
    limit
        The parameter that says how many rows to give; empty where there is none.
    since
        The parameter that keeps a refresh to what is newer; empty: it asks for all again.
    batch
        Subjects a request.
    refreshed
        Whether a refresh asks again at all.
    count
        Tells how many rows an answer holds.
    filed
        What of the answer is kept; told, too, which names are temporary accounts'.
    """

    kind: str
    fixed: Mapping[str, str] = field(hash=False)
    found: str
    about: str = ""
    limit: str = ""
    since: str = ""
    batch: int = NAMES_PER_REQUEST
    refreshed: bool = True
    count: Callable[[Any], int] = field(default=len, hash=False)
    filed: Callable[[Any, Callable[[str], bool]], Any] = field(
        default=lambda answer, _: answer, hash=False
    )

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys under `query` of which an answer has one; all revisions may be gone."""
        return (self.found, "badrevids") if self.about == "revids" else (self.found,)

    @property
    def identity(self) -> str:
        """What answers are filed under."""
        return digest([self.kind, dict(self.fixed)])

    def params(self, subjects: Sequence[str], page_size: int | None) -> dict[str, str]:
        """Return the parameters of the first request about these subjects."""
        params = {"action": "query", "curtimestamp": "1", **self.fixed}
        if self.about:
            params[self.about] = _joined(subjects)
        if self.limit:
            params[self.limit] = str(page_size or "max")
        return params


def _page_editors(found: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(page.get("contributors", [])) for page in found)


def _page_revisions(found: Sequence[Mapping[str, Any]]) -> int:
    return sum(len(page.get("revisions", [])) for page in found)


def _without_addresses(answer: dict[str, Any], temporary: Callable[[str], bool]) -> dict[str, Any]:
    """Leave out who unregistered editors and temporary accounts are: they are kept nowhere."""
    query = answer["query"]
    pages = [
        {**page, "revisions": [_unnamed(row, temporary) for row in page["revisions"]]}
        if "revisions" in page
        else page
        for page in query.get("pages", [])
    ]
    return {**answer, "query": {**query, "pages": pages}}


def _unnamed(row: Mapping[str, Any], temporary: Callable[[str], bool]) -> dict[str, Any]:
    """Return a revision, without its author if nobody registered; not every wiki marks `temp`."""
    brief = bool(row.get("temp")) or ("user" in row and temporary(row["user"]))
    if not (brief or row.get("anon")):
        return dict(row)
    kept = {k: v for k, v in row.items() if k not in {"user", "userid"}}
    return {**kept, "temp": True} if brief else kept


def _without_names(answer: dict[str, Any], temporary: Callable[[str], bool]) -> dict[str, Any]:
    """Keep of a list of temporary accounts only how many there are."""
    query = answer["query"]
    brief: list[dict[str, Any]] = [
        {} for row in query.get("allusers", []) if temporary(row.get("name", ""))
    ]
    return {**answer, "query": {**query, "allusers": brief}}


def _joined(values: Sequence[str]) -> str:
    """Join with MediaWiki's separator; the other one where a value holds it."""
    if any("|" in value for value in values):
        return "\x1f" + "\x1f".join(values)
    return "|".join(values)


SITE = Query(
    "site",
    {"meta": "siteinfo", "siprop": "autocreatetempuser|extensions|general"},
    "general",
    refreshed=False,
)
USERS = Query(
    "accounts",
    {"list": "users", "usprop": "blockinfo|editcount|groups|registration"},
    "users",
    about="ususers",
)
SPELLING = Query("spellings", {"list": "users"}, "users", about="ususers", batch=1)
GLOBAL = Query(
    "global accounts",
    {"meta": "globaluserinfo", "guiprop": "editcount|merged"},
    "globaluserinfo",
    about="guiuser",
    batch=1,
    count=lambda _: 1,
)
ALL_USERS = Query(
    "account list",
    {"list": "allusers", "auprop": "editcount", "auwitheditsonly": "1", "auexcludegroup": "bot"},
    "allusers",
    limit="aulimit",
)
BUT_TEMPORARY = replace(ALL_USERS, fixed={**ALL_USERS.fixed, "auexcludetemp": "1"})
TEMPORARY_USERS = Query(
    "temporary accounts, counted",
    {"list": "allusers", "auwitheditsonly": "1"},
    "allusers",
    about="auprefix",
    limit="aulimit",
    batch=1,
    filed=_without_names,
)


def _log(kind: str, type_: str | None = None, *, about: str = "", actors: bool = True) -> Query:
    """Return a question for a log; of one actor or one type, as the API takes one of each."""
    told = "ids|title|type|user|timestamp|comment|details"
    return Query(
        kind,
        {
            "list": "logevents",
            **({} if type_ is None else {"letype": type_}),
            "leprop": told if actors else told.replace("user|", ""),
        },
        "logevents",
        about=about,
        limit="lelimit",
        since="leend",
        batch=1 if about else NAMES_PER_REQUEST,
    )


LOGS = _log("logs about accounts", about="letitle")
BLOCKS = _log("blocks of accounts", "block", about="letitle", actors=False)
MOVES = _log("moves by accounts", "move", about="leuser")
CREATIONS = _log("accounts created by accounts", "newusers", about="leuser")
THANKS = _log("thanks by accounts", "thanks", about="leuser")
RENAMES = _log("renames", "renameuser")
LOCKED = Query(
    "global locks",
    {"meta": "globaluserinfo"},
    "globaluserinfo",
    about="guiuser",
    batch=1,
    count=lambda _: 1,
)
GLOBAL_BLOCKS = Query(
    "global blocks",
    {"list": "globalblocks", "bgprop": "target|by|timestamp|expiry|reason"},
    "globalblocks",
    about="bgtargets",
    limit="bglimit",
)
REDIRECTS = Query(
    "redirects of user pages",
    {"prop": "redirects", "rdprop": "title", "rdnamespace": "2"},
    "pages",
    about="titles",
    limit="rdlimit",
)
EDITORS = Query(
    "page editors",
    {"prop": "contributors", "pcexcludegroup": "bot"},
    "pages",
    about="pageids",
    limit="pclimit",
    refreshed=False,
    count=_page_editors,
)
REVISIONS = Query(
    "revisions",
    {"prop": "revisions", "rvprop": "ids|sha1"},
    "pages",
    about="revids",
    refreshed=False,
    count=_page_revisions,
)
HISTORY = Query(
    "page histories",
    {"prop": "revisions", "rvprop": "comment|flags|ids|sha1|size|tags|timestamp|user|userid"},
    "pages",
    about="pageids",
    limit="rvlimit",
    since="rvend",
    batch=1,
    count=_page_revisions,
    filed=_without_addresses,
)
DISCUSSIONS = Query(
    "discussions",
    {
        "prop": "revisions",
        "rvprop": "comment|content|flags|ids|sha1|timestamp|user",
        "rvslots": "main",
        "redirects": "1",
    },
    "pages",
    about="titles",
    limit="rvlimit",
    since="rvend",
    batch=1,
    count=_page_revisions,
    filed=_without_addresses,
)

TEXTS = Query(
    "texts",
    {"prop": "revisions", "rvprop": "content|contentmodel|ids", "rvslots": "main"},
    "pages",
    about="revids",
    refreshed=False,
    count=_page_revisions,
)
TEXTS_BEFORE_SLOTS = replace(TEXTS, fixed={k: v for k, v in TEXTS.fixed.items() if k != "rvslots"})


def starts_of(told: Sequence[str]) -> list[str]:
    """Return what names of these patterns begin with; of two that overlap, the shorter."""
    starts = sorted({pattern.partition("$1")[0] for pattern in told})
    return [s for s in starts if not any(s != other and s.startswith(other) for other in starts)]


def contributions(window: Window) -> Query:
    """Return the question for edits within a window; the API's start is the newest."""
    fixed = {
        "list": "usercontribs",
        "ucprop": "comment|flags|ids|size|sizediff|tags|timestamp|title",
    }
    if window.end:
        fixed["ucstart"] = f"{window.end}T23:59:59Z"
    if window.start:
        fixed["ucend"] = f"{window.start}T00:00:00Z"
    return Query(
        "contributions", fixed, "usercontribs", about="ucuser", limit="uclimit", since="ucend"
    )
