"""Addresses of static files that change when the file does, so that browsers may keep them for ever."""

import hashlib
from functools import lru_cache
from pathlib import Path

from django.contrib.staticfiles.storage import StaticFilesStorage

FOLDER = Path(__file__).parent / "static"


@lru_cache
def fingerprint(name: str) -> str:
    """Eight hexadecimal digits over the file's content."""
    return hashlib.blake2b((FOLDER / name).read_bytes(), digest_size=4).hexdigest()


class FingerprintStorage(StaticFilesStorage):
    """{% static "site/kreis.css" %} -> /static/site/kreis.css?v=1a2b3c4d."""

    def url(self, name: str | None) -> str:
        """The address of a file of this package, with its fingerprint."""
        assert name  # {% static %} always names a file
        return f"{super().url(name)}?v={fingerprint(name)}"
