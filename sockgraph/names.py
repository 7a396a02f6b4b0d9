"""Names and texts of other people, made safe to show at a terminal, on a page, in a spreadsheet.

One rule says which characters cannot be seen as what they are (`_unseen`); every place that shows
names spells these out. Names that look alike are pointed out, never scored.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

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
_NO_INK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\u0334-\u0338\u2065\ufdd0-\ufdef\ufff0-\ufff8\ufffe\uffff\U0001d159\U000e0000-\U000e0fff]"
)
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


def printable(text: str) -> str:
    r"""Show characters that cannot be seen as what they are as escapes; line ends stay.

    So that no name can move the cursor, hide a line or turn the writing round.

    >>> printable("a\x1b[2Jb\u202ec"), printable("\u9752\u3164")
    ('a\\x1b[2Jb\\u202ec', '青\\u3164')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c == "\n" or (c.isprintable() and not _unseen(text, i)) else _escaped(c)
        for i, c in enumerate(text)
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()


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
