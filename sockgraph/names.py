"""Names and texts of other people, made safe to show at a terminal and in a spreadsheet."""

from __future__ import annotations

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
