"""The public functions that work on a case: thin, over the rooms that do the work.

`sockgraph` lists them beside `load_case`, `to_graph`, `cluster` and `flag`. A case is the path of
its file, as `str` or `Path`, or what `load_case`, `run` or `read` returned. Without one, `run`,
`read`, `review` and `validate` take the case that the environment variable `SOCKGRAPH_CASE` names,
else the demo. Nothing is imported before it is needed: screening needs no scikit-learn, running no
widget.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from sockgraph.case import Case
from sockgraph.errors import SockgraphError
from sockgraph.runtime import DATA, Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from sockgraph.desk.review_widget import ReviewWidget
    from sockgraph.desk.widget import Explorer, StartWidget
    from sockgraph.evidence import Comparison, EvidenceSettings
    from sockgraph.evidence.exploration import Window
    from sockgraph.pipeline.results import CaseResult
    from sockgraph.pipeline.validate import ValidationResult
    from sockgraph.reference import Population

    CaseLike: TypeAlias = Case | CaseResult | Path | str
    Table: TypeAlias = pd.DataFrame | Path | str


def fetch(
    case: CaseLike,
    *,
    data: Path | str = DATA,
    refresh: bool = False,
    many: bool = False,
    progress: Progress = silent,
) -> Population:
    """Read everything that a case compares; what is stored is not asked for again.

    Parameters
    ----------
    case
        The case.
    data
        The data folder.
    refresh
        Ask again for what may have changed, and for edits made since.
    many
        More than 50 accounts are listed on purpose.
    progress
        Told of every step.

    Returns
    -------
    Population
        Tables by attribute: `accounts`, `edits`, `log_events`, `coverage` (what was read of each
        account); reference accounts under their cover names.

    Raises
    ------
    SockgraphError
        If the case cannot be used or the source fails; what was answered until then is kept.

    Examples
    --------
    >>> import sockgraph as sg
    >>> people = sg.fetch(case_file, data=folder)
    >>> people.accounts["role"].value_counts().to_dict()
    {'reference': 12, 'nominated': 4}
    """
    from sockgraph.pipeline.run import fetch_case

    with _shown(progress) as told:
        fetched = fetch_case(
            _file(case, data), data=Path(data), refresh=refresh, many=many, progress=told
        )
    return fetched.population


def compare(
    data: Population | pd.DataFrame,
    *,
    nominated: Sequence[str] | None = None,
    settings: EvidenceSettings | None = None,
    without: Sequence[str] = (),
    window: Window | None = None,
    progress: Progress = silent,
) -> Comparison:
    """Weigh the evidence for and against one operator behind every pair of accounts.

    H1: one operator. H2: two people of the same community.

    Parameters
    ----------
    data
        What `fetch` returned, or a table of edits: at least `user` and `timestamp`, and `title`,
        `comment` and the rest of the contract's columns as far as they are known.
    nominated
        Of a table: the accounts to compare; the others are their reference. Default: everybody, who
        are their own reference.
    settings
        Of a table: how evidence is weighed.
    without
        What if these were not there? `signal:hours`, `family:text`, `account:NAME`,
        `week:2024-W05`, `page:TITLE`. Likenesses are kept in memory, so that the next question of
        the same edits takes a second. The result is an exploration: no file is written of it, and
        no finding can cite it.
    window
        Likewise: only edits from the first to the last day or moment; None: no end.
    progress
        Told of every step.

    Returns
    -------
    Comparison
        `links` (every pair, both directions; nothing is flagged yet), `evidence` (what each signal
        says), `calibration` (what the numbers rest on) and more. Scores only, with the reason,
        where the reference cannot calibrate.

    Raises
    ------
    SockgraphError
        If this is neither, or a column is missing.

    Examples
    --------
    >>> import sockgraph as sg
    >>> scores = sg.compare(edits, nominated=["Alder Tollgate", "Quillmoss", "Weir Lantern"])
    >>> scores.links[["user_a", "user_b"]].to_numpy().tolist()[0]
    ['Alder Tollgate', 'Quillmoss']
    >>> sg.compare(edits, without=["family:text"]).exploration
    ('family:text',)
    """
    import pandas as pd
    from threadpoolctl import threadpool_limits

    from sockgraph.evidence import ComparisonInput, EvidenceSettings, compare, what_if
    from sockgraph.pipeline.run import compare_case
    from sockgraph.reference import Population

    if isinstance(data, Population):
        return compare_case(data, without=without, window=window, progress=progress)
    if not isinstance(data, pd.DataFrame):
        raise SockgraphError(
            f"data ({type(data).__name__})",
            "what is compared is what sg.fetch(case) returned, or a table of edits.",
            "Give a DataFrame with the columns user, timestamp, title, comment.",
        )
    edits = _edits(data)
    given = ComparisonInput(edits, _roles(edits, nominated), settings or EvidenceSettings())
    with threadpool_limits(1):  # threads of small sums wait for each other more than they add up
        if without or window is not None:
            return what_if(given, without=without, window=window, progress=progress)
        return compare(given, progress=progress)


@contextlib.contextmanager
def _shown(progress: Progress) -> Iterator[Progress]:
    """Yield what is told of every step: in a notebook, where nobody asked, a bar in its cell."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if progress is not silent or not hasattr(shell, "kernel"):
        yield progress
        return
    try:
        from IPython.display import display

        from sockgraph.desk.widget import Bar
    except ImportError:  # without the extra `notebook`
        yield progress
        return
    bar = Bar()
    put: Any = display  # it has no types
    put(bar)
    try:
        yield bar.heard
        bar.say("Done.")
    finally:
        bar.end()


def _edits(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of edits as the contract has it; a wiki and numbers where there are none."""
    import pandas as pd

    from sockgraph.schema import validate

    given = table.assign(
        wiki=table.get("wiki", "wiki"), rev_id=table.get("rev_id", pd.RangeIndex(1, len(table) + 1))
    )
    if "timestamp" in given:
        given["timestamp"] = pd.to_datetime(given["timestamp"], utc=True)
    return validate("edits", given)


def _roles(edits: pd.DataFrame, nominated: Sequence[str] | None) -> pd.DataFrame:
    """Return the `accounts` table of a table of edits."""
    import pandas as pd

    from sockgraph.schema import validate

    users = edits["user"].drop_duplicates()
    asked = list(users) if nominated is None else list(nominated)
    unknown = sorted(set(asked) - set(users))
    if unknown:
        raise SockgraphError(
            ", ".join(unknown), "the table has no edits of this name.", "Spell it as `user` does."
        )
    role = users.isin(asked).map({True: "nominated", False: "reference"})
    table = pd.DataFrame({"user": users, "role": role, "wiki": edits["wiki"].iloc[0]})
    return validate("accounts", table)


def run(
    case: CaseLike | None = None,
    *,
    data: Path | str = DATA,
    offline: bool = False,
    refresh: bool = False,
    many: bool = False,
    progress: Progress = silent,
) -> CaseResult:
    """Run a case from its file to its report: fetch what is missing, compare, group, flag, write.

    Parameters
    ----------
    case
        The case; by default the one that `SOCKGRAPH_CASE` names, else the demo.
    data
        The data folder; tables, graph, report and ledger go to `<data>/processed/<case>/`.
    offline
        Ask no wiki anything; use what was fetched before.
    refresh
        Ask again for what may have changed, and for edits made since.
    many
        More than 50 accounts are listed on purpose.
    progress
        Told of every step; without it, a bar in the cell of a notebook.

    Returns
    -------
    CaseResult
        Tables by attribute (`links`, `clusters`, `evidence`, ...), `report`, `manifest`.

    Raises
    ------
    SockgraphError
        If anything given cannot be used; nothing is written then.

    Examples
    --------
    >>> import sockgraph as sg
    >>> result = sg.run(case_file, data=folder, offline=True)
    >>> len(result.links), result.report.name
    (6, 'report.html')
    """
    from sockgraph.pipeline.run import run_case

    with _shown(progress) as told:
        return run_case(
            _file(case, data),
            data=Path(data),
            offline=offline,
            refresh=refresh,
            many=many,
            progress=told,
        )


def read(case: CaseLike | None = None, *, data: Path | str = DATA) -> CaseResult:
    """Read back what `run` wrote.

    Parameters
    ----------
    case
        The case; by default as for `run`.
    data
        The data folder.

    Raises
    ------
    StoreError
        If the case was not run yet.
    StaleArtifactError
        If a table is not the one that the manifest describes.

    Examples
    --------
    >>> import sockgraph as sg
    >>> sg.read(case_file, data=folder).clusters.columns.tolist()
    ['user', 'cluster_id', 'membership', 'weakest_link', 'status']
    """
    from sockgraph.pipeline.results import read_case

    return read_case(_file(case, data), data=Path(data))


def explore(
    case: CaseLike | None = None, *, data: Path | str = DATA, by: str = ""
) -> Explorer | StartWidget:
    """Open the investigator's desk in JupyterLab: every pair, and the edits behind each link.

    Parameters
    ----------
    case
        A case that was run. Without one, a case is chosen or made in the cell, run with a progress
        bar, and opened.
    data
        The data folder.
    by
        Who writes notes; without it, notes can be read only.

    Raises
    ------
    SockgraphError
        If the extra `notebook` is not installed. What else is wrong stands in the widget.

    Examples
    --------
    >>> import sockgraph as sg
    >>> desk = sg.explore(case_file, data=folder)
    >>> len(desk.scene["nodes"]), desk.problem
    (4, None)
    """
    with _notebook("explore"):
        from sockgraph.desk.widget import Explorer, StartWidget
    if case is None:
        return StartWidget(data=Path(data), by=by)
    return Explorer(_ran(case, data), data=Path(data), by=by)


def review(
    case: CaseLike | None = None,
    *,
    reviewer: str,
    data: Path | str = DATA,
    foils: int = 2,
) -> ReviewWidget:
    """Open one reviewer's review in JupyterLab: pairs without scores, raw edits side by side.

    Parameters
    ----------
    case
        A case that was run; by default as for `run`.
    reviewer
        Who reviews; stands in the ledger.
    data
        The data folder.
    foils
        Pairs known to be different people, mixed in.

    Raises
    ------
    SockgraphError
        If the extra `notebook` is not installed. What else is wrong stands in the widget.

    Examples
    --------
    >>> import sockgraph as sg
    >>> type(sg.review(case_file, reviewer="Marrow Lintel", data=folder, foils=0)).__name__
    'ReviewWidget'
    """
    with _notebook("review"):
        from sockgraph.desk.review_widget import ReviewWidget
    return ReviewWidget(_ran(case, data), reviewer=reviewer, data=Path(data), foils=foils)


def validate(
    case: CaseLike | None = None,
    labels: Path | str | None = None,
    *,
    data: Path | str = DATA,
    progress: Progress = silent,
) -> ValidationResult:
    """Measure how often the numbers of a case that was run would be wrong, and write a page of it.

    Parameters
    ----------
    case
        A case that was run; by default as for `run`.
    labels
        CSV or Parquet with `user, person`: accounts whose operators are known. Default: the case's
        own `reference.labels`, if it names any; else its own reference, histories cut in two.
    data
        The data folder.
    progress
        Told of every step.

    Returns
    -------
    ValidationResult
        With `validation.reason` set where nothing could be calibrated; the page then says why.

    Raises
    ------
    StoreError
        If the case was not run yet.
    EvaluationError
        If the labels cannot be used; nothing is written then.

    Examples
    --------
    >>> import sockgraph as sg
    >>> sg.validate(case_file, data=folder).page.name
    'validation.html'
    """
    from sockgraph.pipeline.validate import validate_case

    known = None if labels is None else Path(labels)
    with _shown(progress) as told:
        return validate_case(_file(case, data), known, data=Path(data), progress=told)


def _file(case: CaseLike | None, data: Path | str) -> Path:
    """Return a case's file; without a case, the file that is meant then."""
    if case is None:
        return _default_case(Path(data))
    known = getattr(case, "case", case)  # what `run` and `read` return holds its case
    if isinstance(known, Case):
        return known.folder / f"{known.slug}.toml"
    if isinstance(known, (str, Path)):
        return Path(known)
    raise SockgraphError(
        f"case ({type(case).__name__})",
        "a case is the path of its file, or what sg.load_case(path) returned.",
        "Give one of them.",
    )


def _default_case(data: Path) -> Path:
    """Return the case that the environment names, else the demo's, invented if it is not there."""
    named = os.environ.get("SOCKGRAPH_CASE")
    if named:
        return Path(named)
    from sockgraph.pipeline.run import demo_case

    demo = data / "raw" / "demo" / "demo.toml"
    return demo if demo.exists() else demo_case(data)


def _ran(case: CaseLike | None, data: Path | str) -> CaseResult | Path:
    """Return a case that was run, or the file to read it by."""
    from sockgraph.pipeline.results import CaseResult

    return case if isinstance(case, CaseResult) else _file(case, data)


@contextlib.contextmanager
def _notebook(name: str) -> Iterator[None]:
    """Say what is missing where a widget's import fails: it needs the extra `notebook`."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise SockgraphError(
            f"sockgraph.{name}()",
            f"it needs {error.name}, of the extra `notebook`.",
            "Install it: pip install 'sockgraph[notebook]'.",
        ) from error
