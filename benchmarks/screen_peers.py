# ruff: noqa: S608 - each tool imports only what it is measured on
"""One job, done by one tool, in a process of its own: `screen_peers.py TOOL EDITS OUT`.

The job is `candidates.parquet`: for every account its 50 best partners by weighted overlap, with
shared pages, co-edits within an hour and the cosine of the hours of the week. Tools that can do
only a part of it do that part, and the table says so.
"""

from __future__ import annotations

import sys
from pathlib import Path

TOP = 50
SQL = """
CREATE TABLE e AS SELECT user_id AS u, page_id AS p, epoch(timestamp)::BIGINT AS t
  FROM read_parquet('{path}');
CREATE TABLE inc AS SELECT DISTINCT u, p FROM e;
CREATE TABLE n AS SELECT count(DISTINCT u) AS n FROM e;
CREATE TABLE deg AS SELECT p, floor(pow(ln(n / count(*)), 2) * 1048576 + 0.5)::BIGINT AS w
  FROM inc, n GROUP BY p, n;
CREATE TABLE iw AS SELECT u, p, w FROM inc JOIN deg USING (p);
CREATE TABLE mass AS SELECT u, sum(w)::DOUBLE AS m FROM iw GROUP BY u;
CREATE TABLE pairs AS SELECT a.u AS a, b.u AS b, count(*) AS shared, sum(a.w)::DOUBLE AS c
  FROM iw a JOIN iw b ON a.p = b.p AND a.u < b.u GROUP BY ALL HAVING count(*) >= 2;
CREATE TABLE scored AS SELECT a, b, shared,
  CASE WHEN x.m * y.m > 0 THEN floor(c / sqrt(x.m * y.m) * 1e6 + 0.5) ELSE 0 END AS micro
  FROM pairs JOIN mass x ON a = x.u JOIN mass y ON b = y.u;
CREATE TABLE top AS SELECT * FROM (SELECT *, row_number() OVER
    (PARTITION BY a ORDER BY micro DESC, shared DESC, b) AS rank
  FROM (SELECT * FROM scored UNION ALL SELECT b, a, shared, micro FROM scored)) WHERE rank <= {top};
"""
SQL_COEDITS = """
CREATE TABLE close AS SELECT a.u AS a, b.u AS b, count(*) AS coedits
  FROM (SELECT *, t // 3600 AS h FROM e) a
  JOIN (SELECT *, t // 3600 + d AS h FROM e, (VALUES (-1), (0), (1)) AS shift(d)) b
    ON a.p = b.p AND a.h = b.h AND a.u < b.u AND abs(a.t - b.t) <= 3600 GROUP BY ALL;
"""
SQL_HOURS = """
CREATE TABLE hours AS SELECT u, ((t // 3600 - 96) % 168)::INT AS h, count(*)::BIGINT AS c
  FROM e GROUP BY ALL;
CREATE TABLE norm AS SELECT u, sum(c * c)::DOUBLE AS q FROM hours GROUP BY u;
CREATE TABLE alike AS SELECT a, b, floor(sum(x.c * y.c) / sqrt(any_value(p.q) * any_value(q.q))
    * 1e6 + 0.5) AS hours
  FROM top JOIN hours x ON x.u = a JOIN hours y ON y.u = b AND y.h = x.h
  JOIN norm p ON p.u = a JOIN norm q ON q.u = b GROUP BY a, b;
"""
SQL_OUT = """
SELECT top.a AS a, rank, top.b AS b, shared, micro / 1e6 AS weighted_overlap,
    coalesce(coedits, 0) AS coedits,
    coalesce(hours, 0) / 1e6 AS hours
  FROM top LEFT JOIN close ON close.a = least(top.a, top.b) AND close.b = greatest(top.a, top.b)
  LEFT JOIN alike ON alike.a = top.a AND alike.b = top.b ORDER BY 1, 2
"""


def sockgraph(path: Path, out: Path) -> None:
    """Do all of it with the local engine."""
    from sockgraph.screening.candidates import screen_local, write_parquet

    write_parquet(screen_local(path, top=TOP, scratch=out.parent).batches(), out)


def spark(path: Path, out: Path) -> None:
    """Do all of it with the Spark engine, on this machine."""
    from sockgraph.screening.candidates import write_parquet
    from sockgraph.screening.spark import screen_spark

    write_parquet(screen_spark(path, top=TOP).batches(), out)


def duckdb_sql(path: Path, out: Path) -> None:
    """Do all of it in SQL, by definition: the oracle at size S."""
    import duckdb

    base = duckdb.connect()
    base.execute("SET threads = 2")
    for part in (SQL.format(path=path, top=TOP), SQL_COEDITS, SQL_HOURS):
        base.execute(part)
    base.execute(f"COPY ({SQL_OUT}) TO '{out}' (FORMAT parquet)")


def assembled(path: Path, out: Path) -> None:
    """Put the best tool for each part together; `>= 2 shared` comes after the top, not before."""
    import duckdb
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    import scipy.sparse as sp
    from sparse_dot_topn import sp_matmul_topn

    base = duckdb.connect()
    base.execute("SET threads = 2")
    base.execute(
        f"CREATE TABLE e AS SELECT user_id AS u, page_id AS p, epoch(timestamp)::BIGINT AS t "
        f"FROM read_parquet('{path}')"
    )
    inc = base.execute("SELECT DISTINCT u, p FROM e").fetchnumpy()
    users, u = np.unique(inc["u"], return_inverse=True)
    pages, p = np.unique(inc["p"], return_inverse=True)
    weight = np.log(users.size / np.bincount(p))
    seen = sp.csr_matrix((np.ones(u.size, np.float32), (u, p)), shape=(users.size, pages.size))
    mass = np.sqrt(seen @ weight**2)
    cosine = sp.diags(1 / np.maximum(mass, 1e-30)) @ seen @ sp.diags(weight)
    cosine = cosine.tocsr().astype(np.float32)
    best = sp_matmul_topn(cosine, cosine.T.tocsr(), top_n=TOP + 1, n_threads=2, sort=True).tocoo()
    off = best.row != best.col
    a, b, score = best.row[off], best.col[off], best.data[off]
    shared = np.zeros(a.size, np.int32)
    for low in range(0, a.size, 1 << 18):
        part = slice(low, low + (1 << 18))
        shared[part] = np.asarray(seen[a[part]].multiply(seen[b[part]]).sum(axis=1)).ravel()
    hours = _hours(base, users)
    alike = np.concatenate(
        [
            np.einsum("ij,ij->i", hours[a[i : i + 100_000]], hours[b[i : i + 100_000]])
            for i in range(0, a.size, 100_000)
        ]
    )
    base.execute(SQL_COEDITS)
    found = pa.table({"a": users[a], "b": users[b], "s": score, "n": shared, "h": alike})
    found = found.filter(pa.compute.greater_equal(found["n"], 2))
    base.register("found", found)
    joined = base.sql(
        "SELECT found.*, coalesce(coedits, 0) AS coedits FROM found LEFT JOIN close ON "
        "close.a = least(found.a, found.b) AND close.b = greatest(found.a, found.b)"
    ).to_arrow_table()
    pq.write_table(joined, out)


def _hours(base: object, users: object) -> object:
    import numpy as np

    got = base.execute(
        "SELECT u, ((t // 3600 - 96) % 168)::INT AS h, count(*)::FLOAT AS c FROM e GROUP BY ALL"
    ).fetchnumpy()
    hours = np.zeros((users.size, 168), np.float32)
    hours[np.searchsorted(users, got["u"]), got["h"]] = got["c"]
    return hours / np.linalg.norm(hours, axis=1, keepdims=True)


def scipy_products(path: Path, out: Path) -> None:
    """Overlap and counts alone, as two sparse products (no co-edits, no hours)."""
    import numpy as np

    seen, weighted, users = _matrices(path)
    counts = (seen @ seen.T).tocsr()
    cosine = (weighted @ weighted.T).tocsr()
    keep = []
    for row in range(users.size):
        part = slice(counts.indptr[row], counts.indptr[row + 1])
        col, n = counts.indices[part], counts.data[part]
        score = cosine[row].toarray().ravel()[col]
        ok = (n >= 2) & (col != row)
        keep.append(col[ok][np.argsort(-score[ok], kind="stable")[:TOP]])
    np.save(out.with_suffix(".npy"), np.concatenate(keep))


def sklearn_cosine(path: Path, out: Path) -> None:
    """Overlap alone, by `cosine_similarity` on sparse rows (no counts, co-edits or hours)."""
    import numpy as np
    from sklearn.metrics.pairwise import cosine_similarity

    _, weighted, users = _matrices(path)
    found = cosine_similarity(weighted, dense_output=False).tocsr()
    keep = []
    for row in range(users.size):
        part = slice(found.indptr[row], found.indptr[row + 1])
        keep.append(found.indices[part][np.argsort(-found.data[part])[: TOP + 1]])
    np.save(out.with_suffix(".npy"), np.concatenate(keep))


def _matrices(path: Path) -> tuple[object, object, object]:
    import numpy as np
    import pyarrow.parquet as pq
    import scipy.sparse as sp

    read = pq.read_table(path, columns=["user_id", "page_id"])
    users, u = np.unique(read["user_id"].to_numpy(), return_inverse=True)
    pages, p = np.unique(read["page_id"].to_numpy(), return_inverse=True)
    seen = sp.csr_matrix((np.ones(u.size), (u, p)), shape=(users.size, pages.size))
    seen.data[:] = 1
    weight = np.log(users.size / np.bincount(seen.indices, minlength=pages.size))
    mass = np.sqrt(seen @ weight**2)
    return seen, (sp.diags(1 / np.maximum(mass, 1e-30)) @ seen @ sp.diags(weight)).tocsr(), users


def pandas_merge(path: Path, out: Path) -> None:
    """Overlap and counts alone, by a self-join (no co-edits, no hours)."""
    import numpy as np
    import pandas as pd

    edits = pd.read_parquet(path, columns=["user_id", "page_id"]).drop_duplicates()
    degree = edits.groupby("page_id")["user_id"].transform("size")
    edits = edits.assign(w=np.log(edits["user_id"].nunique() / degree) ** 2)
    mass = edits.groupby("user_id")["w"].sum()
    both = edits.merge(edits[["user_id", "page_id"]], on="page_id", suffixes=("", "_b"))
    both = both[both["user_id"] != both["user_id_b"]]
    pairs = both.groupby(["user_id", "user_id_b"])["w"].agg(["size", "sum"]).reset_index()
    pairs = pairs[pairs["size"] >= 2]
    norms = np.sqrt(pairs["user_id"].map(mass) * pairs["user_id_b"].map(mass))
    pairs = pairs.assign(score=pairs["sum"] / norms).sort_values("score", ascending=False)
    pairs.groupby("user_id").head(TOP).to_parquet(out)


TOOLS = {
    "sockgraph": sockgraph,
    "assembled": assembled,
    "duckdb": duckdb_sql,
    "scipy": scipy_products,
    "sklearn": sklearn_cosine,
    "pandas": pandas_merge,
    "spark": spark,
}

if __name__ == "__main__":
    TOOLS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
