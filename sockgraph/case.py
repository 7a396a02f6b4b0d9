"""The case file: what is compared, why, and on what terms. `load_case` is the only way in."""

from __future__ import annotations

import datetime as dt
import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from sockgraph.errors import CaseError
from sockgraph.names import normal_name

SLUG = re.compile(r"(?!(con|prn|aux|nul|com\d|lpt\d)\Z)[a-z0-9-]{1,64}")
SLUG_RULE = (
    "1 to 64 of a-z, 0-9 and '-', and no name of a device that Windows keeps (con, nul, com1)"
)
HOST = re.compile(
    r"(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?"
)
EVERYONE = "*"
FIRST_LOOK = 40
"""Reference accounts of a first look; fewer than 30 calibrate nothing."""
MANY = 50
"""More listed names than these are compared only if somebody says so once more."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    @model_validator(mode="before")
    @classmethod
    def _printable(cls, given: Any) -> Any:
        """Refuse NUL: no name, title or path of a file has one."""
        held = given.items() if isinstance(given, dict) else ()
        for key, value in held:
            if any(isinstance(v, str) and "\0" in v for v in (value, *_listed(value))):
                msg = f"{key} holds a NUL character. Remove it."
                raise ValueError(msg)
        return given


def _listed(value: object) -> list[object] | tuple[object, ...]:
    return value if isinstance(value, (list, tuple)) else ()


class Source(_Part):
    """Where the edits come from.

    Attributes
    ----------
    path, accounts, log_events
        Files of the kind `table`, relative to the case file; the last two are optional. Of the
        kinds `history` and `xml`, `path` is a dump or a folder of them.
    texts
        What is read of what edits added: "posts" on talk pages, "all", or "none". Of the kind
        `table` also a file of the texts of [discussions]. See `reads`.
    accept_broken
        Of the kinds `history` and `xml`: use a dump although it is not whole.
    scheme, api_path, contact
        Of the kind `mediawiki`; `contact` is the operator's own and required.
    sha1
        Of the kind `mediawiki`: whether to ask for the hashes of texts on shared pages.
    histories
        Of the kind `mediawiki`: of how many shared pages the whole history is read.
    requests_per_minute, page_size
        Of the kind `mediawiki`: limits of the operator's own; rows an answer.
    """

    kind: Literal["mediawiki", "history", "xml", "table"]
    path: Path | None = None
    accounts: Path | None = None
    log_events: Path | None = None
    texts: Literal["posts", "all", "none"] | Path | None = None
    accept_broken: bool = False
    scheme: Literal["https", "http"] = "https"
    api_path: str = "/w/"
    contact: str | None = Field(default=None, repr=False)  # a notebook may print a case
    sha1: bool = True
    histories: int = Field(default=0, ge=0, le=2000)
    requests_per_minute: float | None = Field(default=None, gt=0, le=2000, allow_inf_nan=False)
    page_size: int | None = Field(default=None, ge=1, le=5000)

    @property
    def reads(self) -> Literal["posts", "all", "none"]:
        """What is read of what edits added; by default nothing but what a table brings along."""
        if self.texts in {"posts", "all", "none"}:
            return self.texts
        return "all" if self.kind == "table" else "none"

    @property
    def text_file(self) -> Path | None:
        """The file of the texts of [discussions], if one is named."""
        return self.texts if isinstance(self.texts, Path) else None

    @field_validator("api_path")
    @classmethod
    def _folder(cls, path: str) -> str:
        """Understand the API's own path, `/w/api.php`, as the folder that it lies in."""
        inner = path.strip("/").removesuffix("api.php").strip("/")
        return f"/{inner}/" if inner else "/"

    @model_validator(mode="after")
    def _complete(self) -> Source:
        if self.kind == "mediawiki" and not self.contact:
            msg = (
                "source.contact is missing: a wiki's operators must be able to reach you. "
                'Add contact = "your e-mail address or user page" to [source].'
            )
            raise ValueError(msg)
        if self.kind != "table" and self.text_file is not None:
            msg = (
                f'source.texts is "posts", "all" or "none" (given: {str(self.texts)!r}); a file of'
                ' texts goes with kind = "table".'
            )
            raise ValueError(msg)
        if self.kind == "history" and self.reads != "none":
            msg = 'source.texts: a history dump holds no texts. Remove it, or read an "xml" dump.'
            raise ValueError(msg)
        if self.kind != "mediawiki" and self.path is None:
            msg = 'source.path is missing. Add path = "edits.parquet" (or dumps) to [source].'
            raise ValueError(msg)
        return self


class Accounts(_Part):
    """The accounts that are compared with each other.

    Attributes
    ----------
    compare_at_most
        With `["*"]`: where the source has more accounts, they are screened first, and so many of
        them are compared.
    """

    nominated: tuple[str, ...] = Field(min_length=1)
    min_edits: int = Field(default=10, ge=1)
    max_edits: int = Field(default=20_000, ge=1)
    compare_at_most: int = Field(default=1_000, ge=2)

    @field_validator("nominated")
    @classmethod
    def _names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if EVERYONE in names and len(names) > 1:
            msg = '"*" means every account and stands alone. Remove the other names, or the "*".'
            raise ValueError(msg)
        seen: dict[str, str] = {}
        for name in names:
            key = normal_name(name)
            if not key:
                msg = "an account name is empty. Remove it."
                raise ValueError(msg)
            if key in seen:
                msg = f"{name!r} is nominated twice (as {seen[key]!r}). Remove one of the two."
                raise ValueError(msg)
            seen[key] = name
        return names


class Reference(_Part):
    """The people the nominated accounts are compared with; never named."""

    accounts: int = Field(default=300, ge=0)
    labels: Path | None = None
    seed: int = Field(default=20210913, ge=0)


class Evidence(_Part):
    """What a link needs before people are asked to look at it."""

    flag_log10_lr: float = Field(default=0.3, gt=0, allow_inf_nan=False)


class Prior(_Part):
    """The user's own prior, per pair; shown beside the LR that it would take."""

    per_pair: float = Field(gt=0, lt=1)


class Declared(_Part):
    """Accounts that say themselves that they are one operator's."""

    accounts: tuple[str, ...] = Field(min_length=2)
    url: str | None = None


class Operator(_Part):
    """An operator known from an earlier case, by accounts that are nominated here.

    Attributes
    ----------
    name
        What the answer calls it: the earlier case's title, say.
    """

    name: str = Field(min_length=1, max_length=100)
    accounts: tuple[str, ...] = Field(min_length=1)
    url: str | None = None


class Earlier(_Part):
    """A finding or lock made elsewhere: it enters review as `asserted`."""

    a: str
    b: str
    by: str
    date: dt.date
    action: str | None = None
    url: str | None = None

    @model_validator(mode="after")
    def _two(self) -> Earlier:
        if normal_name(self.a) == normal_name(self.b):
            msg = f"an [[earlier]] link joins {self.a!r} to itself. Name two accounts."
            raise ValueError(msg)
        return self


class Discussions(_Part):
    """Pages read for votes and comments: political data, so it takes a reason of its own.

    Attributes
    ----------
    reason
        Why what people said there bears on the case.
    pages
        Titles, with their namespace, as the wiki writes them.
    profile
        Whose markup votes are written in.
    """

    reason: str = Field(min_length=1)
    pages: tuple[str, ...] = Field(min_length=1)
    profile: Literal["enwiki", "zhwiki"] = "enwiki"


class Review(_Part):
    """How much review a link of this case takes.

    Attributes
    ----------
    reviewers
        How many must agree before a link is upheld; never fewer than two.
    light
        Whether one reviewer may close a link by what spares the person: clearly different, cannot
        tell, too few edits.
    foils
        Pairs known to be different people in each packet.
    """

    reviewers: int = Field(default=2, ge=2, le=9)
    light: bool = True
    foils: int = Field(default=3, ge=0, le=20)


class Retention(_Part):
    """How long what was fetched, and what was made of it, is kept.

    Attributes
    ----------
    days
        Once the oldest of it is older, all of it is removed before anything else is done with the
        case; null keeps it until it is purged.
    """

    days: int | None = Field(default=None, ge=1)


class Window(_Part):
    """The days that are read, both ends included, UTC."""

    start: dt.date | None = None
    end: dt.date | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if self.start and self.end and self.end < self.start:
            msg = f"[window] ends ({self.end}) before it starts ({self.start}). Swap the two."
            raise ValueError(msg)
        return self


class Case(_Part):
    """A case: frozen, complete, and checked.

    Attributes
    ----------
    slug
        The file's stem; names the folder under data/.
    folder
        Where the case file lies; relative paths start there.
    by
        Who files the case; they cannot review its links.

    Examples
    --------
    >>> import sockgraph as sg
    >>> case = sg.load_case(folder / "tiny.toml")
    >>> case.slug, case.source.kind, case.accounts.min_edits
    ('tiny', 'table', 10)
    """

    slug: str
    folder: Path
    id: str | None = None
    title: str = Field(min_length=1, max_length=300)
    reason: str = Field(min_length=1)
    by: str | None = None
    wikis: tuple[str, ...] = Field(min_length=1)
    source: Source
    accounts: Accounts
    reference: Reference = Reference()
    evidence: Evidence = Evidence()
    prior: Prior | None = None
    declared: tuple[Declared, ...] = ()
    operators: tuple[Operator, ...] = ()
    earlier: tuple[Earlier, ...] = ()
    window: Window = Window()
    retention: Retention = Retention()
    review: Review = Review()
    discussions: Discussions | None = None

    @field_validator("wikis")
    @classmethod
    def _hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not HOST.fullmatch(host):
                msg = f"{host!r} is not a host name. Write it like zh.wikipedia.org, no https://."
                raise ValueError(msg)
        if len(set(hosts)) < len(hosts):
            msg = "a wiki is listed twice. Remove one of the two."
            raise ValueError(msg)
        return hosts

    @model_validator(mode="after")
    def _one_wiki_a_file(self) -> Case:
        if len(self.wikis) > 1 and self.source.kind != "mediawiki":
            msg = (
                f"{len(self.wikis)} wikis are listed, and {self.source.kind!r} is of one wiki. "
                'Keep one, or read them with kind = "mediawiki".'
            )
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _known_operators(self) -> Case:
        names = [normal_name(name) for one in self.operators for name in one.accounts]
        called = [one.name for one in self.operators]
        nominated = {normal_name(name) for name in self.accounts.nominated}
        for name in names:
            if name not in nominated:
                msg = f"[[operators]] names {name!r}: add it to accounts.nominated, to be compared."
                raise ValueError(msg)
        if len(set(names)) < len(names) or len(set(called)) < len(called):
            msg = "[[operators]]: an account, or an operator's name, is given twice. Keep one."
            raise ValueError(msg)
        if nominated == set(names):
            msg = "[[operators]] hold every nominated account. Nominate the one that you ask about."
            raise ValueError(msg)
        return self

    @property
    def everyone(self) -> bool:
        """Whether every account of the source is compared (`nominated = ["*"]`)."""
        return self.accounts.nominated == (EVERYONE,)

    @property
    def wiki(self) -> str:
        """The case's wiki; of several, the first."""
        return self.wikis[0]

    @property
    def places(self) -> int:
        """How many reference accounts are drawn: each costs a wiki requests of its own.

        Fewer in a first look, at one account of a live wiki, where the case asks for no reference.
        """
        named = {*self.accounts.nominated, *(n for link in self.earlier for n in (link.a, link.b))}
        one = len(named) == 1 and not self.everyone and self.source.kind == "mediawiki"
        return (
            FIRST_LOOK if one and not self.reference.model_fields_set else self.reference.accounts
        )

    def beside(self, path: Path) -> Path:
        """Return a path of the case file as seen from here."""
        return self.folder / path

    @property
    def named(self) -> tuple[str, ...]:
        """Every account that the case file names, each once, in the file's order."""
        listed = [*(() if self.everyone else self.accounts.nominated)]
        listed += [name for link in self.earlier for name in (link.a, link.b)]
        listed += [name for entry in self.declared for name in entry.accounts]
        listed += [name for one in self.operators for name in one.accounts]
        return tuple(dict.fromkeys(listed))


def load_case(path: Path | str) -> Case:
    """Read and check a case file.

    Parameters
    ----------
    path
        A TOML file whose stem is `[a-z0-9-]{1,64}`.

    Raises
    ------
    CaseError
        If the file is missing, is not TOML, or breaks a rule; every fault is listed.

    Examples
    --------
    >>> import sockgraph as sg
    >>> case = sg.load_case(folder / "tiny.toml")
    >>> case.title, case.wikis
    ('Returned text', ('fernwick.example',))
    """
    path = Path(path)
    if not SLUG.fullmatch(path.stem):
        raise CaseError(
            path.name,
            f"a case file's name is {SLUG_RULE}, then .toml.",
            "Rename the file.",
        )
    given = _read_toml(path)
    clash = {"slug", "folder"} & given.keys()
    if clash:
        raise CaseError(path, f"{min(clash)!r} is taken from the file's place.", "Remove it.")
    try:
        return Case.model_validate({**given, "slug": path.stem, "folder": path.parent.absolute()})
    except ValidationError as error:
        raise CaseError(path, faults(error), "See docs/case-file.md for every key.") from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise CaseError(path, "there is no such file.", "Check the path.") from error
    except OSError as error:
        raise CaseError(
            path, f"it cannot be read ({error.strerror}).", "Check its permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise CaseError(
            path, f"it is not UTF-8 (byte {error.start}).", "Save it as UTF-8."
        ) from error
    except ValueError as error:  # TOMLDecodeError, or a number longer than Python reads
        raise CaseError(path, f"it is not TOML: {error}.", "Correct that line.") from error
    except RecursionError as error:
        raise CaseError(path, "its lists are nested too deep.", "Flatten them.") from error


def faults(error: ValidationError) -> str:
    """Say every fault of a case file in the user's words."""
    return " ".join(_fault(fault) for fault in error.errors(include_url=False))


def _fault(fault: Any) -> str:
    where = ".".join(str(step) for step in fault["loc"])
    if fault["type"] == "missing":
        meaning = _MISSING.get(where, "")
        return f"{where} is missing{meaning}."
    if fault["type"] == "extra_forbidden":
        return f"{where} is not a key of a case file{_nearest(where)}."
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    given = fault["input"]
    shown = "" if isinstance(given, dict) else f" (given: {given!r})"
    return f"{where}: {fault['msg']}{shown}."


_MISSING = {
    "discussions.reason": ": say why what people said on these pages bears on the case",
    "discussions.pages": ': list them, pages = ["Wikipedia:…"]',
    "reason": ": say why these accounts are compared; there is no case without a reason",
    "accounts": ': add [accounts] with nominated = ["…"]',
    "source": ': add [source] with kind = "mediawiki" or "table"',
}


def _nearest(where: str) -> str:
    *parents, last = where.split(".")
    part: Any = Case
    for name in parents:
        field = part.model_fields.get(name) if hasattr(part, "model_fields") else None
        part = field.annotation if field else None
    keys = list(getattr(part, "model_fields", {}))
    close = difflib.get_close_matches(last, keys, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
