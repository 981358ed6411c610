"""Whether a failure is that of the database: then nobody made a mistake, and trying again later is all there is to do."""

_AWAY = frozenset({"OperationalError", "InterfaceError", "ReadOnlySqlTransaction"})
DRIVERS = ("pysqlite3", "psycopg", "django.db.utils")
"""Modules of what databases raise. Asked by name: importing them takes longer than most commands."""


def is_database_away(error: BaseException | None) -> bool:
    """Whether the database does not answer, is locked or full, or may only be read; also where Django has put it into words of its own."""
    while error is not None:
        kinds = {kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith(DRIVERS)}
        if kinds & _AWAY:
            return True
        error = error.__cause__
    return False
