"""Screening by definition, pair by pair: slow, short, and sharing no code with the engines."""

import math
from collections import Counter, defaultdict
from itertools import combinations


def brute(edits, top):
    """edits: (user, page, second) or (user, page, second, id). Rows as candidates.parquet has."""
    pages, hours, ids, times = defaultdict(set), defaultdict(Counter), {}, defaultdict(list)
    for user, page, second, *user_id in edits:
        pages[page].add(user)
        hours[user][(second // 3600 - 96) % 168] += 1
        ids[user] = user_id[0] if user_id else 0
        times[page].append((second, user))
    n = len(hours)
    weight = {p: math.floor(math.log(n / len(u)) ** 2 * 2**20 + 0.5) for p, u in pages.items()}
    mine = {u: {p for p in pages if u in pages[p]} for u in hours}
    mass = {u: sum(weight[p] for p in mine[u]) for u in hours}
    close = Counter()
    for edits_of_page in times.values():
        for (t, u), (s, v) in combinations(edits_of_page, 2):
            if u != v and abs(t - s) <= 3600:
                close[frozenset((u, v))] += 1
    found = defaultdict(list)
    for a, b in combinations(sorted(hours), 2):
        shared = mine[a] & mine[b]
        if len(shared) < 2:
            continue
        both = math.sqrt(float(mass[a]) * float(mass[b]))
        score = math.floor(sum(weight[p] for p in shared) / both * 1e6 + 0.5) if both else 0
        row = (len(shared), score / 1e6, close[frozenset((a, b))], cosine(hours[a], hours[b]))
        found[a].append((-score, -len(shared), ids[b] == 0, ids[b], b, row))
        found[b].append((-score, -len(shared), ids[a] == 0, ids[a], a, row))
    return [
        (a, rank, entry[4], *entry[5])
        for a in sorted(found)
        for rank, entry in enumerate(sorted(found[a])[:top], 1)
    ]


def cosine(a, b):
    dot = sum(a[h] * b[h] for h in a)
    norms = sum(n * n for n in a.values()) * sum(n * n for n in b.values())
    return math.floor(dot / math.sqrt(norms) * 1e6 + 0.5) / 1e6
