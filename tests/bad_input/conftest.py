"""The same small installation as in tests/privacy."""

from tests.privacy.conftest import database, found

__all__ = ["database", "found"]
