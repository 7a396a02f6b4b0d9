"""Which names are accounts', how MediaWiki writes them, and which say that they are bots."""

from __future__ import annotations

import hmac
import ipaddress
import re
import unicodedata
from functools import lru_cache
from urllib.parse import parse_qs, unquote

from sockgraph.errors import CaseError

ACCOUNT, BLANK, UNREGISTERED, TEMPORARY, PLACEHOLDER = range(5)
KINDS = (
    "",
    "rows without a user",
    "rows of unregistered editors",
    "rows of temporary accounts (assumed: called as ~2025-12345-67 or *Unregistered 3)",
    "rows of no account (placeholders, imported names, user_id 0)",
)
"""Why rows are left out, by the kind of their user."""

# As MediaWikiTitleCodec::splitTitleString and UserNameUtils::isValid have them
_SPACES = re.compile(r"[\s_\xa0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]+")
TEMPORARY_NAME = r"~\d{4}-\d+(-\d+)*|\*Unregistered \d+"
"""What temporary accounts are called where no wiki tells: as MediaWiki's settings make names now,
and as they did before 1.41."""
_HASHED_IP = re.compile(r"ip-[0-9a-f]+")  # as pseudonymised exports write unregistered editors
_IMPORTED = re.compile(r"[\w-]+>.")  # `imported>Name`, `w>Name`: of another wiki
_VANISHED = re.compile(  # as CentralAuth and wikis' clerks name who leaves
    r"(?:vanished|renamed)[ _]?user[ _]?\w+|(?:已隐退|已隱退|隐退|隱退)(?:用户|用戶|使用者)\s?\w+",
    re.IGNORECASE,
)
_MAYBE_IP = re.compile(r"[0-9a-fA-F:.]+")
_MASKED_IP = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.xxx")  # as the first wikis wrote them
# MediaWiki's own reserved names that save edits, and what exports write for nobody
_PLACEHOLDERS = frozenset(
    {
        "Anonymous", "Conversion script", "Delete page script", "Maintenance script",
        "MediaWiki default", "MediaWiki message delivery", "Move page script", "ScriptImporter",
        "Template namespace initialisation script", "Unknown user",
    }
)  # fmt: skip
_BOT = re.compile(  # a word that ends so, and perhaps a number
    r"([^\W\d_]*(?:bot|бот|بوت|ربات|בוט|ボット|機器人|机器人|봇|บอต))\d*(?![^\W\d_])", re.IGNORECASE
)
_PEOPLE = frozenset(  # surnames, and a fish
    {
        "abbot", "barbot", "cabot", "chabot", "corbot", "debot", "dubot", "garbot", "gibot",
        "grabot", "guerbot", "guibot", "herbot", "joubot", "labot", "lambot", "lebot", "libot",
        "mabot", "marbot", "nabot", "rabot", "ribot", "sabot", "talbot", "thibot", "tribot",
        "turbot", "verbot", "аббот", "кабот", "талбот", "шабот",
    }
)  # fmt: skip

_PAGE = re.compile(  # English and Chinese names of an account's pages, behind a wiki's prefix
    r"(?:\S*/)?:?(?:[a-z-]{1,12}:)*"
    r"(?:(?:user|u|用户|用戶|使用者)(?:[ _]talk|讨论|討論|对话|對話)?[ _]*:"
    r"|(?:special|特殊|特別|特别):"
    r"(?:deleted)?(?:contributions|contribs|centralauth|log|(?:用户|用戶|使用者)?(?:贡献|貢獻))/)"
    r"[ _]*([^/|\]#]+).*",
    re.IGNORECASE,
)


def name_on_page(text: str) -> str:
    """Return an account's name, also where the title or address of a page of its own is given.

    Raises
    ------
    CaseError
        If it is an address, and not of such a page.

    Examples
    --------
    >>> [name_on_page(x) for x in ("User:Heron", "[[user talk:Heron|H.]]", "用户:青石巷", "Usera ")]
    ['Heron', 'Heron', '青石巷', 'Usera']
    >>> name_on_page("https://zh.wikipedia.org/wiki/User:%E9%9D%92_%E7%9F%B3?uselang=en")
    '青_石'
    """
    title = text.strip().lstrip("[:")
    start, _, query = title.partition("?")
    asked = parse_qs(query.partition("#")[0])
    if "title" in asked:
        title = "/".join([*asked["title"], *asked.get("target", asked.get("user", ()))])
    elif "://" in title:
        title = unquote(start)
    page = _PAGE.fullmatch(title)
    if page is None and "://" in text:
        raise CaseError(text, "it is the address of no page of an account.", "Write the name.")
    return page[1].strip() if page else text.strip()


def normal_name(name: str) -> str:
    r"""Write a name or title as MediaWiki does: what looks the same is the same.

    Characters are composed, underscores and all kinds of spaces are single spaces, marks that
    nobody sees are gone, the first letter is a capital.

    >>> normal_name(" example_A\u200e "), normal_name("e\u0301cole")
    ('Example A', 'École')
    """
    return capital(plain_name(name))


@lru_cache(1 << 16)
def plain_name(name: str) -> str:
    """Return the name as `normal_name` does, its first letter left as it is."""
    return _SPACES.sub(" ", visible_name(name)).strip()


def visible_name(name: str) -> str:
    """Return the name without what nobody sees; underscores and single spaces stay."""
    if name.isascii() and name.isprintable():
        return name.strip()
    return _INVISIBLE.sub("", unicodedata.normalize("NFC", name)).strip()


def capital(name: str) -> str:
    """Return the name with a capital first, where the letter has one of its own.

    >>> capital("heron"), capital("ßeta"), capital("აია")
    ('Heron', 'ßeta', 'აია')
    """
    first = name[:1].title()
    return first + name[1:] if len(first) == 1 else name


def has_vanished(name: str) -> bool:
    """Tell whether an account was renamed so that its former names are not to be read.

    >>> [has_vanished(name) for name in ("Vanished user 4k2", "Renamed user 0a1b", "Heron")]
    [True, True, False]
    """
    return _VANISHED.fullmatch(name) is not None


def hidden_pseudonym(key: str, name: str) -> str:
    """Return what stands for an account that its wiki hides, the same in every run of a case.

    Parameters
    ----------
    key
        The case's id, or its file's stem where it has none.
    """
    digest = hmac.digest(key.encode(), normal_name(name).encode(), "sha256")
    return f"(hidden {digest.hex()[:12]})"


@lru_cache
def temporary_names(told: tuple[str, ...] = ()) -> re.Pattern[str]:
    """Return what the whole name of a temporary account matches.

    Parameters
    ----------
    told
        The wiki's own patterns (siteinfo's `matchPatterns`), `$1` for what differs. A file, a dump
        and a wiki without them tell none: `TEMPORARY_NAME` is assumed.

    >>> [bool(temporary_names(("Guest $1",)).fullmatch(name)) for name in ("Guest 7", "Guesting")]
    [True, False]
    """
    own = "|".join(re.escape(pattern).replace(r"\$1", ".+") for pattern in told)
    return re.compile(own or TEMPORARY_NAME)


def kind_of(name: str, told: tuple[str, ...] = ()) -> int:
    """Return ACCOUNT, or why rows of this editor are left out; `told` as in `temporary_names`.

    >>> [kind_of(name) for name in ("Example A", " ", "192.0.2.1", "~2025-123-4", "w>Example A")]
    [0, 1, 2, 3, 4]
    """
    if not name.strip():
        return BLANK
    if temporary_names(told).fullmatch(name):
        return TEMPORARY
    if _HASHED_IP.fullmatch(name) or _MASKED_IP.fullmatch(name) or is_ip(name):
        return UNREGISTERED
    imported = _IMPORTED.match(name) is not None
    return PLACEHOLDER if imported or normal_name(name) in _PLACEHOLDERS else ACCOUNT


def is_ip(name: str) -> bool:
    """Tell whether a name is an IP address, as unregistered editors' names are."""
    if not _MAYBE_IP.fullmatch(name):
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def says_bot(name: str) -> bool:
    """Tell whether a name says that it is a bot's: the last resort, where no group tells.

    Bot policies ask that a bot's name ends so. People whose surname does are no bots.

    >>> [says_bot(name) for name in ("TidyBot II", "Tidybot", "翻譯機器人", "Ann Talbot", "Cabot")]
    [True, True, True, False, False]
    """
    return any(word.lower() not in _PEOPLE for word in _BOT.findall(name))
