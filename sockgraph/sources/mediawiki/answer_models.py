"""What a wiki's answer must look like: held to it before it is stored, and when it is read back.

One model a kind of row, by the key that holds the rows; fields that nothing reads are let through.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    TypeAdapter,
    ValidationError,
)

from sockgraph.names import normal_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_ROWS = 50_000
MOST_BYTES = 1 << 28  # fifty revisions of two MiB each, twice over
FIRST_YEAR = 1995  # edits of older software, imported since, are dated from here on
AHEAD = dt.timedelta(days=2)  # that a wiki's clock may be fast


class AnswerError(ValueError):
    """An answer is not as MediaWiki gives it."""


def _in_a_wiki_s_life(stamp: str) -> str:
    at = dt.datetime.fromisoformat(stamp)
    at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
    if at.year < FIRST_YEAR or at > dt.datetime.now(dt.UTC) + AHEAD:
        raise ValueError("no wiki was there at that time")
    return stamp


def _after_a_colon(title: str) -> str:
    if ":" not in title:
        raise ValueError("a page of a user has a colon in its title")
    return title


Text = Annotated[str, Strict(), Field(max_length=1 << 24)]
Name = Annotated[str, Strict(), Field(min_length=1, max_length=1_000)]
Time = Annotated[
    str,
    Strict(),
    Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"),
    AfterValidator(_in_a_wiki_s_life),
]
Id = Annotated[int, Strict(), Field(ge=0, lt=1 << 63)]
RevId = Annotated[int, Strict(), Field(ge=1, lt=1 << 63)]
Small = Annotated[int, Strict(), Field(ge=-(1 << 31), lt=1 << 31)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Edit(_Row):
    revid: RevId
    parentid: Id | None = None
    pageid: Id | None = None
    ns: Small | None = None
    title: Name | None = None
    user: Text = ""
    userid: Id | None = None
    timestamp: Time | None = None
    comment: Text | None = None
    size: Id | None = None
    sizediff: Small | None = None
    sha1: Text | None = None
    tags: list[Text] | None = None
    slots: dict[str, dict[str, Any]] | None = None


class _Contribution(_Edit):
    timestamp: Time


class _Block(_Row):
    blockedtimestamp: Time | None = None
    blockreason: Text | None = None
    blockexpiry: Text | None = None


class _User(_Block):
    name: Name
    userid: Id | None = None
    editcount: Id = 0
    registration: Time | Annotated[str, Field(max_length=0)] | None = None
    groups: list[Text] = []
    blockcomponents: list[_Block] = []


class _ListedUser(_Row):
    """A row of allusers; nothing is kept of temporary accounts but that there are some."""

    name: Name | None = None
    userid: Id | None = None
    editcount: Id = 0


class _Event(_Row):
    logid: Id
    type: Text
    action: Text
    timestamp: Time
    ns: Small | None = None
    title: Text | None = None
    user: Text | None = None
    comment: Text | None = None
    params: dict[str, Any] = {}


class _Contributor(_Row):
    name: Name
    userid: Id | None = None


class _Redirect(_Row):
    title: Annotated[Name, AfterValidator(_after_a_colon)]


class _Page(_Row):
    pageid: Id | None = None
    ns: Small | None = None
    title: Name | None = None
    revisions: list[_Edit] = []
    contributors: list[_Contributor] = []
    redirects: list[_Redirect] = []


class _Merged(_Row):
    wiki: Text
    editcount: Id = 0


class _GlobalUser(_Row):
    name: Name | None = None
    editcount: Id = 0
    merged: list[_Merged] = []


class _GlobalBlock(_Row):
    target: Name | None = None
    timestamp: Time
    by: Text | None = None
    reason: Text | None = None


class _Site(_Row):
    generator: Text | None = None
    wikiid: Text | None = None


class _Extension(_Row):
    name: Text | None = None


class _Temporary(_Row):
    enabled: bool = False
    matchPatterns: list[Text] = []  # noqa: N815 - the API's own name
    matchPattern: Text | list[Text] | None = None  # noqa: N815 - likewise
    genPattern: Text | None = None  # noqa: N815 - likewise


class _Compare(_Row):
    body: Text | None = None


def _rows(model: type[BaseModel]) -> Any:
    return Annotated[list[model], Field(max_length=MOST_ROWS)]  # type: ignore[valid-type]


_SHAPES: dict[str, Any] = {
    "usercontribs": _rows(_Contribution),
    "users": _rows(_User),
    "allusers": _rows(_ListedUser),
    "logevents": _rows(_Event),
    "pages": _rows(_Page),
    "globalblocks": _rows(_GlobalBlock),
    "globaluserinfo": _GlobalUser,
    "general": _Site,
    "extensions": _rows(_Extension),
    "autocreatetempuser": _Temporary,
    "badrevids": dict[str, Any] | list[Any],
    "compare": _Compare,
    "curtimestamp": Time,
    "warnings": dict[str, dict[str, Any]],
    "continue": dict[
        Annotated[str, Field(pattern=r"^[a-z]*continue$")],
        Annotated[str, Strict(), Field(max_length=4_000)] | Annotated[int, Strict()],
    ],
}


@functools.cache
def _shape(key: str) -> TypeAdapter[Any]:
    return TypeAdapter(_SHAPES[key])


def check(answer: Mapping[str, Any], params: Mapping[str, str]) -> None:
    """Hold an answer to MediaWiki's form, and to what was asked.

    Parameters
    ----------
    answer
        The whole JSON.
    params
        What was asked.

    Raises
    ------
    AnswerError
        Naming the first field that is amiss.

    >>> check({"query": {"users": [{"userid": 5}]}}, {"ususers": "Heron"})
    Traceback (most recent call last):
    ...
    sockgraph.sources.mediawiki.answer_models.AnswerError: users.0.name: Field required
    """
    query = answer.get("query", {})
    if not isinstance(query, dict):
        raise AnswerError("query: it is no object")
    for place in (answer, query):
        for key, value in place.items():
            if key in _SHAPES:
                _held(key, value)
    for fault in _beside_the_question(query, params):
        raise AnswerError(fault)


def _held(key: str, value: object) -> None:
    try:
        _shape(key).validate_python(value)
        if key == "logevents" and isinstance(value, list):
            _titles_of_users(value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, (key, *fault["loc"])))
        raise AnswerError(f"{where}: {fault['msg']}") from None
    except RecursionError:
        raise AnswerError(f"{key}: it is nested too deep") from None


def _titles_of_users(rows: list[dict[str, Any]]) -> None:
    for number, row in enumerate(rows):
        title = row.get("title")
        if row.get("ns") == 2 and title and ":" not in title:
            raise AnswerError(
                f"logevents.{number}.title: a page of a user has a colon in its title"
            )


def _beside_the_question(query: Mapping[str, Any], params: Mapping[str, str]) -> Iterator[str]:
    """Say where an answer speaks of others than it was asked about."""
    if params.get("ucuser"):
        asked = {normal_name(name) for name in _listed(params["ucuser"])}
        for number, row in enumerate(query.get("usercontribs", [])):
            if row.get("user") and normal_name(row["user"]) not in asked:
                yield f"usercontribs.{number}.user: nobody asked about this account"
    if params.get("ususers"):
        rows = query.get("users", [])
        told = {_key(row["name"]) for row in rows}
        lacking = [
            name
            for name in _listed(params["ususers"])
            if not name.startswith("(hidden ")  # its answer was taken out when the wiki hid it
            and told.isdisjoint({_key(name), _key(name.rpartition(":")[2])})  # "User:" may be gone
        ]
        if lacking and not any(row.get("invalid") for row in rows):
            yield f"users: no word of {lacking[0]}"
    if params.get("pageids"):
        pages = set(_listed(params["pageids"]))
        for number, page in enumerate(query.get("pages", [])):
            if str(page.get("pageid")) not in pages:
                yield f"pages.{number}.pageid: nobody asked about this page"


def _key(name: str) -> str:
    """Return a name as MediaWiki spells it, but for the first letter, which wikis treat apart."""
    plain = normal_name(name)
    return plain[:1].casefold() + plain[1:]


def _listed(value: str) -> list[str]:
    return value.removeprefix("\x1f").split("\x1f" if value.startswith("\x1f") else "|")
