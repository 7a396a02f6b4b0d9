"""Names: which are accounts', how MediaWiki writes them, and how they are shown without deceiving.

Names and texts of other people are made safe at a terminal, on a page, in a spreadsheet. One rule
says which characters cannot be seen as what they are (`_unseen`); every place that shows names
spells these out. Names that look alike are pointed out, never scored.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import unicodedata
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from sockgraph.errors import CaseError

if TYPE_CHECKING:
    from collections.abc import Iterable

ACCOUNT, BLANK, UNREGISTERED, TEMPORARY, PLACEHOLDER = range(5)
KINDS = (
    "",
    "rows without a user",
    "rows of unregistered editors",
    "rows of temporary accounts",
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
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_JOINED = frozenset(  # scripts whose letters need joiners, by the first word of a letter's name
    {
        "ARABIC", "BENGALI", "DEVANAGARI", "GUJARATI", "GURMUKHI", "KANNADA", "KHMER", "MALAYALAM",
        "MONGOLIAN", "MYANMAR", "ORIYA", "SINHALA", "SYRIAC", "TAMIL", "TELUGU",
    }
)  # fmt: skip
_EMOJI_STYLE = "\N{VARIATION SELECTOR-16}"
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
# Letters, marks and symbols that have no ink: Unicode's Default_Ignorable_Code_Point beyond Cf, and
# the blank pattern of Braille; what is no character; and strokes laid over a letter, which make it
# another one.
_BLANK = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\u0334-\u0338\u2065\ufdd0-\ufdef\ufff0-\ufff8\ufffe\uffff\U0001d159\U000e0000-\U000e0fff"
)
_NO_INK = re.compile(f"[{_BLANK}]")
HIDDEN = f"[{_BLANK}\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
"""A pattern of what can stand inside a name unseen, where text is searched for it."""
_MOST_MARKS = 3  # on one letter: Hebrew and Vietnamese have fewer
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u3005\u3007]")
FORMULA = tuple("=+-@\t\r＝＋－＠")  # what spreadsheets take for the start of a formula
# Scripts that one name may mix, as UTS #39 has it ("highly restrictive", and Latin with any other
# but those whose letters look like Latin ones)
_TOGETHER = (
    {"LATIN", "HAN", "HIRAGANA", "KATAKANA"},
    {"LATIN", "HAN", "BOPOMOFO"},
    {"LATIN", "HAN", "HANGUL"},
)
_LIKE_LATIN = {"CYRILLIC", "GREEK", "CHEROKEE", "COPTIC", "ARMENIAN"}
_MOST_NOTES = 20


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


def printable(text: str) -> str:
    r"""Show characters that cannot be seen as what they are as escapes; line ends stay.

    So that no name can move the cursor, hide a line or turn the writing round.

    >>> printable("a\x1b[2Jb\u202ec"), printable("\u9752\u3164")
    ('a\\x1b[2Jb\\u202ec', '青\\u3164')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c
        if c == "\n" or (c.isprintable() and not _unseen(text, i))
        else c.encode("unicode_escape").decode()
        for i, c in enumerate(text)
    )


def cell(text: str) -> str:
    """Return a text as a CSV cell that no spreadsheet reckons: an apostrophe before a formula.

    >>> cell("=1+1"), cell("Heron")
    ("'=1+1", 'Heron')
    """
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def from_cell(text: str) -> str:
    """Undo `cell`.

    >>> from_cell("'=1+1"), from_cell("'tis")
    ('=1+1', "'tis")
    """
    quoted = text.startswith("'") and text.lstrip("'").startswith(FORMULA)
    return text[1:] if quoted else text


def clean(text: str) -> str:
    """Make characters that hide or reorder text visible, as `⟨U+202E⟩`.

    Joiners stay where they join letters that need them (Persian, Indic, emoji), not in Latin text.

    >>> clean("ab" + chr(0x202E) + "cd"), clean("x" + chr(9) + "y"), clean("青石" + chr(0xFE00))
    ('ab⟨U+202E⟩cd', 'x y', '青石⟨U+FE00⟩')
    """
    if text.isascii() and text.isprintable():
        return text
    spaced = re.sub(r"[\t\r\n]+", " ", text)
    return "".join(f"⟨U+{ord(c):04X}⟩" if _unseen(spaced, i) else c for i, c in enumerate(spaced))


def clean_all(value: Any) -> Any:
    """Return JSON with every text in it made visible, see `clean`.

    >>> clean_all({"who": ["a" + chr(0x200B), 1]})
    {'who': ['a⟨U+200B⟩', 1]}
    """
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: clean_all(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [clean_all(one) for one in value]
    return value


def _unseen(text: str, i: int) -> bool:
    """Tell whether nobody would see a character of a text as what it is."""
    char = text[i]
    kind = unicodedata.category(char)
    if char in _JOINERS:
        return not _joins(text, i)
    if kind in _HIDDEN:
        return True
    if _NO_INK.match(char):
        emoji = i > 0 and unicodedata.category(text[i - 1]) in {"So", "Sk"}
        return not (char == _EMOJI_STYLE and emoji)
    if kind in {"Mn", "Me"}:
        before = text[max(0, i - _MOST_MARKS) : i]
        stacked = len(before) == _MOST_MARKS and all(unicodedata.combining(c) for c in before)
        return stacked or not before or before[-1].isspace()
    return False


def _joins(text: str, i: int) -> bool:
    """Tell whether a joiner stands between two letters of a script that has them, or two emoji."""
    if i == 0 or i + 1 >= len(text):
        return False
    before, after = text[i - 1], text[i + 1]
    if before == _EMOJI_STYLE or unicodedata.category(before) in {"So", "Sk"}:
        return unicodedata.category(after) == "So"
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in (before, after)}
    return len(scripts) == 1 and scripts <= _JOINED


def is_han(text: str) -> bool:
    """Tell whether every letter of a text is a Han character, and there is one.

    >>> is_han("青石巷"), is_han("青石巷 7"), is_han("青い"), is_han("7")
    (True, True, False, False)
    """
    letters = [char for char in text if char.isalpha()]
    return bool(letters) and all(_HAN.match(char) for char in letters)


def skeleton(name: str) -> str:
    r"""Return what is the same for names that look alike (the skeleton of UTS #39).

    What cannot be seen is left out, spaces of any width are one, and of characters that look alike
    one stands for all, by Unicode's table of confusables.

    >>> skeleton("Аlder\u200b") == skeleton("Alder"), skeleton("Alder") == skeleton("Elder")
    (True, False)
    """
    spaced = re.sub(r"[\s_\u3000\u2800]+", " ", unicodedata.normalize("NFD", name)).strip()
    seen = (c for i, c in enumerate(spaced) if not _unseen(spaced, i) and c not in _JOINERS)
    return unicodedata.normalize("NFD", "".join(map(_prototype, seen)))


@cache
def _prototype(char: str) -> str:
    """Return which character, or characters, stand for all that look like this one."""
    from confusable_homoglyphs.confusables import (  # half a megabyte of JSON
        confusables_data,
    )

    near = [one["c"].strip("\u200e\u200f") for one in confusables_data.get(char, ())]
    if len(near) != 1:
        return char  # nothing looks like it, or it is what the others are likened to
    other = str(near[0])
    if len(confusables_data.get(other, ())) > 1 or len(other) > 1:
        return other
    return min(char, other)


def name_notes(names: Iterable[str]) -> tuple[str, ...]:
    """Return, in words, which names hold what cannot be seen, mix scripts, or look alike.

    >>> name_notes(["Аlder", "Alder"])[-1]
    'These names look alike: Alder; Аlder (U+0410 CYRILLIC CAPITAL LETTER A).'
    """
    known = sorted(set(names))
    notes = [
        f"{clean(name)} holds characters that cannot be seen: their codes are shown."
        for name in known
        if clean(name) != name
    ]
    notes += [note for name in known if (note := _mixed(name))]
    for same in look_alike(known):
        listed = "; ".join(_told_apart(name, same) for name in same)
        notes.append(f"These names look alike: {listed}.")
    more = len(notes) - _MOST_NOTES
    return (*notes[:_MOST_NOTES], *([f"{more} more such names."] if more > 0 else ()))


def look_alike(names: Iterable[str]) -> list[list[str]]:
    """Return the names that look alike, in lists of two or more.

    >>> look_alike(["Аlder", "Heron", "Alder"])
    [['Alder', 'Аlder']]
    """
    alike: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        alike.setdefault(skeleton(name), []).append(name)
    return [same for same in alike.values() if len(same) > 1]


def own_characters(name: str, others: Iterable[str]) -> list[str]:
    """Return up to three characters beyond ASCII that a name has and names like it have not."""
    rest = set[str]().union(*(other for other in others if other != name))
    return [c for c in dict.fromkeys(name) if c not in rest and not c.isascii()][:3]


def _mixed(name: str) -> str | None:
    """Say which scripts a name mixes that no one writes together; None if it does not."""
    from confusable_homoglyphs.categories import alias  # as above

    by_script: dict[str, str] = {}
    for char in name:
        if char.isalpha():
            by_script.setdefault(alias(char).upper(), char)
    scripts = set(by_script) - {"COMMON", "INHERITED", "UNKNOWN"}
    beside_latin = scripts - {"LATIN"}
    if len(scripts) < 2 or any(scripts <= allowed for allowed in _TOGETHER):
        return None
    if len(beside_latin) == 1 and not beside_latin & _LIKE_LATIN:
        return None
    shown = ", ".join(f"{script.title()} ({by_script[script]})" for script in sorted(scripts))
    return f"{clean(name)} mixes letters of several scripts: {shown}."


def _told_apart(name: str, others: list[str]) -> str:
    """Return a name with the characters that the other names lack, by code and name."""
    own = own_characters(name, others)
    if not own:
        return clean(name)
    told = ", ".join(f"U+{ord(c):04X} {unicodedata.name(c, 'without a name')}" for c in own)
    return f"{clean(name)} ({told})"
