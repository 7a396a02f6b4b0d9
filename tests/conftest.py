"""Fixtures that several test files share."""

from __future__ import annotations

pytest_plugins = ["wiki_fixture"]
