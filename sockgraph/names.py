"""Names and texts of other people, made safe to show at a terminal, on a page, in a spreadsheet."""

from __future__ import annotations

import re
import unicodedata

_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u3005\u3007]")
FORMULA = tuple("=+-@\t\r＝＋－＠")  # what spreadsheets take for the start of a formula


def printable(text: str) -> str:
    r"""Show control, invisible and direction-changing characters as escapes; line ends stay.

    So that no name can move the cursor, hide a line or turn the writing round.

    >>> printable("a\x1b[2Jb\u202ec")
    'a\\x1b[2Jb\\u202ec'
    """
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


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

    >>> clean("ab" + chr(0x202E) + "cd"), clean("x" + chr(9) + "y")
    ('ab⟨U+202E⟩cd', 'x y')
    """
    spaced = re.sub(r"[\t\r\n]+", " ", text)
    shown = [_visible(spaced, i) for i in range(len(spaced))]
    return "".join(shown)


def _visible(text: str, i: int) -> str:
    char = text[i]
    if char == " " or unicodedata.category(char) not in _HIDDEN:
        return char
    if char in _JOINERS and i and not text[i - 1].isascii():
        return char
    return f"⟨U+{ord(char):04X}⟩"


def is_han(text: str) -> bool:
    """Tell whether every letter of a text is a Han character, and there is one.

    >>> is_han("青石巷"), is_han("青石巷 7"), is_han("青い"), is_han("7")
    (True, True, False, False)
    """
    letters = [char for char in text if char.isalpha()]
    return bool(letters) and all(_HAN.match(char) for char in letters)
