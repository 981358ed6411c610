"""Whether the rows of the log are still what was appended: each by its checksum.

Texts are read as bytes, because a damaged one may be no text any more, and then no database gives it out as one. SQLite keeps the type of a
value beside the value, where it can be damaged too: what is of another type than its column is read as NULL, which no column holds.
"""

from typing import Any

from kundenkreis.runtime import log
from kundenkreis.runtime.comparing import Difference, RebuildReport, shown
from kundenkreis.runtime.stores.schema import LOG, NO_CHECKSUM, ColumnType
from kundenkreis.runtime.stores.session import Session

_READ: dict[str, dict[ColumnType, str]] = {
    "sqlite": {
        "integer": "CASE typeof({0}) WHEN 'integer' THEN {0} END",
        "text": "CASE typeof({0}) WHEN 'text' THEN CAST({0} AS BLOB) END",
        "bytes": "CASE typeof({0}) WHEN 'blob' THEN {0} END",
    },
    "postgres": {"integer": "{0}", "text": "textsend({0})", "bytes": "{0}"},
}
_TEXTS = tuple(index for index, (_, kind) in enumerate(LOG.columns) if kind == "text")
_NUMBER, _PROFILE_ID = (log.COLUMN_NAMES.index(name) for name in ("number", "profile_id"))

WHAT_TO_DO = (
    "Rows of the log are not what was written: the database is damaged, or somebody has changed it. Stop the server, keep the database as "
    "it is for a closer look, and restore a backup."
)


def check_log(tx: Session, report: RebuildReport) -> None:
    """Report every row that does not fit its checksum, ascending by number; those that have none are counted.

    Effects: reads the whole log, a few rows at a time.
    """
    columns = ", ".join(_READ[tx.dialect][kind].format(name) for name, kind in LOG.columns)
    checked = 0
    for *row, checksum in tx.stream(f"SELECT {columns} FROM log ORDER BY number"):
        if checksum == NO_CHECKSUM:
            report.without_checksum += 1
            continue
        checked += 1
        now = _checksum_now(row)
        if now != checksum or checksum is None:
            report.damaged += 1
            where = f"{row[_NUMBER]} of customer {row[_PROFILE_ID]}"
            report.add(
                Difference(LOG.name, where, "checksum", shown(checksum), "unreadable" if now is None else shown(now))
            )
    report.compared[LOG.name] = checked
    if report.damaged:
        report.what_to_do = WHAT_TO_DO


def _checksum_now(row: list[Any]) -> int | None:
    """The checksum of a row as it stands there, its texts as bytes; None if there is something that no column can hold."""
    if None in row:
        return None
    try:
        for index in _TEXTS:
            row[index] = row[index].decode()
    except UnicodeDecodeError:
        return None
    return log.checksum_of(tuple(row))
