"""Whole-wiki screening: which pairs of accounts are worth asking about at all; it flags nobody.

`candidates.screen` writes `candidates.parquet`; `docs/scale.md` says how far one machine goes, and
what to do beyond it.
"""
