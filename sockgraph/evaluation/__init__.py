"""Links and groups against labels: discrimination, calibration, false links, groups, in one table.

Nothing here knows how a link was made: any table of pairs with a score can be judged. Labels say
which accounts are known to have one operator; every rule for what labels leave open (ties, nulls,
pairs that are missing) is stated where it is applied, and none of them flatters.
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from sockgraph.clustering import component_clusters
from sockgraph.clustering.linkage import THRESHOLD
from sockgraph.evaluation.labelled_pairs import LabelledPairs, match_labels, read_clusters
from sockgraph.evaluation.metrics import (
    average_precision,
    cllr,
    cllr_min,
    exceeding,
    recall_at_fpr,
    roc_auc,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sockgraph.evaluation.labelled_pairs import TableLike


@dataclass(frozen=True)
class GroupMetrics:
    """How groups agree with labels; null where there is nothing to divide by.

    Attributes
    ----------
    pair_precision
        Of the pairs that share a group, the share that has one operator.
    pair_recall
        Of the pairs that have one operator, the share that shares a group.
    b3_precision, b3_recall
        Mean over the accounts of persons with several accounts of the share of the account's group
        that is its person's, and of its person's accounts that are in its group; the account itself
        counts on both sides (Bagga & Baldwin 1998, LREC workshop).
    innocents_absorbed
        Of the persons with one account, the share whose account is in a group with an account of
        somebody else.
    """

    pair_precision: float | None
    pair_recall: float | None
    b3_precision: float | None
    b3_recall: float | None
    innocents_absorbed: float | None


def group_metrics(person: np.ndarray, group: np.ndarray) -> GroupMetrics:
    """Judge groups of accounts.

    Parameters
    ----------
    person, group : ndarray of int, shape (n,)
        Each account's person and group; an account that no group holds is a group of its own.
    """
    accounts = pd.DataFrame({"person": person, "group": group})
    size = accounts.groupby("group")["person"].transform("size").to_numpy()
    owned = accounts.groupby("person")["group"].transform("size").to_numpy()
    shared = accounts.groupby(["person", "group"])["group"].transform("size").to_numpy()
    several, alone = owned > 1, owned == 1
    together = (shared - 1).sum()
    return GroupMetrics(
        pair_precision=ratio(together, (size - 1).sum()),
        pair_recall=ratio(together, (owned - 1).sum()),
        b3_precision=ratio((shared / size)[several].sum(), int(several.sum())),
        b3_recall=ratio((shared / owned)[several].sum(), int(several.sum())),
        innocents_absorbed=ratio((alone & (size > 1)).sum(), alone.sum()),
    )


def ratio(part: float, whole: float) -> float | None:
    """Return part / whole, or null where there is no whole."""
    return float(part / whole) if whole else None


UNDEFINED = "\N{EN DASH}"
MEANINGS = {
    "auc": "chance that a true pair scores above a false one",
    "average_precision": "mean precision at the true pairs",
    "recall_at_fpr_1e-3": "true pairs found at one false link in 1,000",
    "cllr": "cost of the LRs, bits: 0 perfect, 1 says nothing",
    "cllr_min": "of which the ranking's; the rest is calibration loss",
    "p_lr_gt_10": "false pairs with LR > 10; at most 0.1 if calibrated",
    "p_lr_gt_100": "false pairs with LR > 100; at most 0.01",
    "p_lr_gt_1000": "false pairs with LR > 1,000; at most 0.001",
    "n_true": "pairs with one operator",
    "n_false": "pairs with different operators",
    "n_insufficient": "pairs with too little evidence to speak",
    "flagged": "pairs flagged",
    "flagged_precision": "flagged pairs that are true",
    "flagged_recall": "true pairs that are flagged",
    "pair_precision": "pairs within a group that are true",
    "pair_recall": "true pairs within a group",
    "b3_precision": "of an account's group, its person's share",
    "b3_recall": "of a person's accounts, the share in one group",
    "innocents_absorbed": "persons with one account grouped with another's",
}
CONTRASTS = {
    "stable": "the same of stable groups alone",
    "components": "the same of connected components at log10 LR 1",
}
CONTRASTED = ("pair_recall", "b3_precision", "innocents_absorbed")
MEANINGS |= {f"{name}_{of}": words for name, words in CONTRASTS.items() for of in CONTRASTED}


@dataclass(frozen=True)
class Evaluation:
    """Links, and groups if given, against labels. Null: not defined for these tables.

    Attributes
    ----------
    auc, average_precision, recall_at_fpr_1e3
        Of the ranking by `score`, ties averaged (see `ranking`).
    cllr, cllr_min
        Of `log10_lr`, null = 0 (see `calibration`), in bits.
    p_lr_gt_10, p_lr_gt_100, p_lr_gt_1000
        Share of different-operator pairs with an LR above that.
    n_true, n_false
        Pairs of labelled accounts with one operator, and with different ones.
    n_insufficient
        Pairs whose score is null or whose band says `insufficient`; missing pairs not among them.
    flagged
        Flagged pairs of labelled accounts.
    flagged_precision, flagged_recall
        Share of those that are true, and of the true pairs that are flagged.
    groups
        Set if groups were given: of all of them, unresolved ones too, since they are shown.
    stable, components
        Set with them, for contrast: of the groups whose `status` is stable (all without a status),
        and of what chains of links at a log10 LR of 1 and above would hold together.
    n_unlabelled
        Accounts in the links that no label names, left out.
    n_uncompared
        Labelled accounts that no link names, left out where that was asked for.
    n_missing
        Pairs of labelled accounts without a row, ranked last.
    """

    auc: float
    average_precision: float
    recall_at_fpr_1e3: float
    cllr: float
    cllr_min: float
    p_lr_gt_10: float
    p_lr_gt_100: float
    p_lr_gt_1000: float
    n_true: int
    n_false: int
    n_insufficient: int
    flagged: int
    flagged_precision: float | None
    flagged_recall: float
    groups: GroupMetrics | None
    stable: GroupMetrics | None
    components: GroupMetrics | None
    n_unlabelled: int
    n_uncompared: int
    n_missing: int

    def as_dict(self) -> dict[str, float | int | None]:
        """Return the figures under their public names; those of groups only if there are any."""
        told = asdict(self)
        told |= told.pop("groups") or {}
        told["recall_at_fpr_1e-3"] = told.pop("recall_at_fpr_1e3")
        return {name: told[name] for name in MEANINGS if name in told}

    def contrasts(self) -> dict[str, float | None]:
        """Return what stands beside the groups: the stable ones alone, and chains of links."""
        given = {name: getattr(self, name) for name in CONTRASTS}
        return {
            f"{name}_{of}": getattr(groups, of)
            for name, groups in given.items()
            if groups is not None
            for of in CONTRASTED
        }


def evaluate(
    links: TableLike,
    labels: TableLike,
    *,
    clusters: TableLike | None = None,
    allow_missing: bool = False,
    compared_only: bool = False,
) -> Evaluation:
    """Judge links, and groups if given, against known persons.

    Parameters
    ----------
    links, labels, clusters
        Tables, or paths of CSV or Parquet files.
    links
        As `flag` returns them; at least `user_a, user_b, score, log10_lr, flagged`, one row a pair;
        `band` is read if there. Accounts that no label names are left out and counted.
    labels
        `user, person`; a null person is a person of their own.
    clusters
        `user, cluster_id`, and `status` if there; a labelled account that is not in it, or has a
        null, is in no group.
    allow_missing
        Let pairs of labelled accounts be missing from the links: they rank last, below null
        scores, with a log10 LR of 0.
    compared_only
        Leave out, and count, labelled accounts that no link names.

    Raises
    ------
    EvaluationError
        If a table is not as it should be, pairs are missing, or there are no pairs of both kinds.

    Examples
    --------
    >>> import pandas as pd
    >>> import sockgraph as sg
    >>> links = pd.DataFrame({"user_a": ["A", "A", "B"], "user_b": ["B", "C", "C"],
    ...     "score": [2.0, -1.0, -1.5], "log10_lr": [1.8, -1.0, -1.5],
    ...     "flagged": [True, False, False]})
    >>> labels = pd.DataFrame({"user": ["A", "B", "C"], "person": ["one", "one", None]})
    >>> sg.evaluate(links, labels).auc
    1.0
    """
    groups = None if clusters is None else read_clusters(clusters)
    judged = match_labels(links, labels, allow_missing=allow_missing, compared_only=compared_only)
    ranking, ratios = judged.ranking, judged.ratios
    flagged = judged.links["flagged"].to_numpy(bool)
    right = int((flagged & judged.same).sum())
    return Evaluation(
        auc=roc_auc(ranking),
        average_precision=average_precision(ranking),
        recall_at_fpr_1e3=recall_at_fpr(ranking),
        cllr=cllr(ratios),
        cllr_min=cllr_min(ratios),
        p_lr_gt_10=exceeding(ratios, 10),
        p_lr_gt_100=exceeding(ratios, 100),
        p_lr_gt_1000=exceeding(ratios, 1000),
        n_true=ranking.n_same,
        n_false=ranking.n_different,
        n_insufficient=int(_insufficient(judged.links).sum()),
        flagged=int(flagged.sum()),
        flagged_precision=ratio(right, flagged.sum()),
        flagged_recall=right / ranking.n_same,
        groups=None if groups is None else _groups(judged, groups),
        stable=None if groups is None else _groups(judged, _steady(groups)),
        components=None if groups is None else _groups(judged, _chained(judged.table)),
        n_unlabelled=judged.n_unlabelled,
        n_uncompared=judged.n_uncompared,
        n_missing=judged.missing_same + judged.missing_different,
    )


def _insufficient(links: pd.DataFrame) -> NDArray[np.bool_]:
    null = links["score"].isna().to_numpy()
    return null | links["band"].isin(["insufficient"]).to_numpy() if "band" in links else null


def _steady(clusters: pd.DataFrame) -> pd.DataFrame:
    """Return the groups without the unresolved ones."""
    if "status" not in clusters:
        return clusters
    return clusters.assign(cluster_id=clusters["cluster_id"].where(clusters["status"] == "stable"))


def _chained(links: pd.DataFrame) -> pd.DataFrame:
    numbers = pd.to_numeric(links["log10_lr"]).astype("float64")
    return component_clusters(links.assign(log10_lr=numbers), threshold=THRESHOLD)


def _groups(judged: LabelledPairs, clusters: pd.DataFrame) -> GroupMetrics:
    """Judge the groups of the labelled accounts; whoever no group holds is a group of one."""
    held = read_clusters(clusters).set_index("user")["cluster_id"].reindex(judged.users)
    codes, known = pd.factorize(held)
    group = np.where(codes < 0, len(known) + np.arange(len(codes)), codes)
    return group_metrics(judged.person, group)


def evaluation_table(evaluation: Evaluation) -> str:
    """Return the figures as plain text, one a line with its meaning, undefined ones as a dash."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    for name, value in (evaluation.as_dict() | evaluation.contrasts()).items():
        table.add_row(name, _figure(value), MEANINGS[name])
    out = io.StringIO()
    Console(file=out, width=100, color_system=None, highlight=False).print(table)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    return "\n".join([*lines, *_left_out(evaluation)]) + "\n"


def _figure(value: float | None) -> str:
    if value is None:
        return UNDEFINED
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _left_out(evaluation: Evaluation) -> list[str]:
    notes = (
        (evaluation.n_unlabelled, "accounts in the links have no label: left out."),
        (evaluation.n_uncompared, "labelled accounts are in no link: left out."),
        (evaluation.n_missing, "pairs of labelled accounts have no row: ranked last."),
    )
    return [f"{count:,} {what}" for count, what in notes if count]
