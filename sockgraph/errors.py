"""One tree of errors: each names the value, the rule it broke and the remedy."""

from __future__ import annotations


class SockgraphError(Exception):
    """Base of every error that sockgraph raises on purpose.

    Parameters
    ----------
    value
        What was given or found, as the user would recognise it.
    rule
        The rule that it breaks.
    remedy
        What to do about it.

    Examples
    --------
    >>> error = SockgraphError("fernwick", "is no host.", "Write fernwick.example.")
    >>> error.value, str(error)
    ('fernwick', 'fernwick: is no host. Write fernwick.example.')
    """

    def __init__(self, value: object, rule: str, remedy: str) -> None:
        self.value = str(value)
        self.rule = rule
        self.remedy = remedy
        super().__init__(f"{self.value}: {rule} {remedy}")


class CaseError(SockgraphError):
    """The case file cannot be used as it is."""


class SourceError(SockgraphError):
    """Edits cannot be had from the source."""


class FetchError(SourceError):
    """A wiki did not answer, or answered what cannot be used."""


class TableError(SourceError):
    """A table of edits cannot be read."""


class SchemaError(SockgraphError):
    """A table does not keep its contract."""


class StoreError(SockgraphError):
    """Something under data/ cannot be read or written."""


class StaleArtifactError(StoreError):
    """A file under data/ was made from other inputs than the ones at hand."""


class ScreeningError(SockgraphError):
    """A whole wiki cannot be screened as asked."""


class EvaluationError(SockgraphError):
    """Links and labels do not fit each other."""


class ReviewError(SockgraphError):
    """The ledger refuses an entry, or is not whole."""
