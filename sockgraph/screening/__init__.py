"""Whole-wiki screening: which pairs of accounts are worth asking about at all; it flags nobody."""
