"""What the command says about a failure that no part foresaw: of the disk, of the database, or a bug."""

import sqlite3
import traceback

from kundenkreis.kernel.errors import BugError, KundenkreisError, ProviderError
from kundenkreis.runtime.logs import without_secrets
from kundenkreis.site.database_away import DRIVERS

_FULL, _INPUT_OUTPUT = 13, 10
"""SQLITE_FULL, SQLITE_IOERR."""


class FileFailedError(ProviderError):
    """A file or folder cannot be read or written."""

    code = "file_failed"


class DatabaseFailedError(ProviderError):
    """The database cannot be used."""

    code = "database_failed"


def told(error: Exception) -> KundenkreisError:
    """The failure as an error that says what to do; a bug brings its traceback along, without secrets."""
    if isinstance(error, KundenkreisError):
        return error
    text = " ".join(without_secrets(str(error)).split())
    if _is_of_the_disk(error):
        return FileFailedError(
            f"The disk of the data folder is full or fails: {text}. Make room there, and do it again."
        )
    if isinstance(error, sqlite3.Error) or type(error).__module__.startswith(DRIVERS):
        return DatabaseFailedError(
            f"The database cannot be used: {text}. See that it runs, that KREIS_DATABASE or KREIS_DATA_DIR names it, and that this account may use it."
        )
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename is not None else ""
        return FileFailedError(f"{where}{error.strerror or text}.")
    trace = without_secrets("".join(traceback.format_exception(error)))
    return BugError(f"Kundenkreis contradicts itself; please report this: {type(error).__name__}: {text}", trace=trace)


def _is_of_the_disk(error: BaseException | None) -> bool:
    """Whether the database says so, or what Django made of its words: what was raised first is asked as well."""
    if error is None:
        return False
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (_FULL, _INPUT_OUTPUT) or _is_of_the_disk(error.__cause__)
