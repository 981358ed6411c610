"""The pages' words without pages: for a command that tells people the same things in the same words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from kundenkreis.runtime import sqlite_library
from kundenkreis.site.catalogues import SITE, compile_catalogues
from kundenkreis.site.mounted import words_in_zone


@contextmanager
def words_alone(language: Literal["de", "en"], *, zone: str) -> Iterator[None]:
    """Within, everything in `site/*_words.py` can be asked, in this language and zone.

    Effects: sets Django up in a process in which nobody has, with translations and nothing else; such a process cannot serve pages.
    """
    sqlite_library.install()
    import django  # noqa: PLC0415 - Django imports sqlite3, which install() replaces
    from django.conf import settings  # noqa: PLC0415
    from django.utils import translation  # noqa: PLC0415

    if not settings.configured:
        compile_catalogues()
        settings.configure(USE_I18N=True, USE_TZ=True, LANGUAGE_CODE="en", LOCALE_PATHS=[SITE / "locale"])
        django.setup()
    with translation.override(language), words_in_zone(zone):
        yield
