"""Published rulebooks: stored as canonical JSON, compiled once per process, looked up by version for ever."""

from collections.abc import Callable

from kundenkreis.engine.controls import RULEBOOK_PUBLISHED
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.kernel.errors import BugError
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import PARTITIONS, Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import Zone
from kundenkreis.runtime import log
from kundenkreis.runtime.stores.schema import RULEBOOKS
from kundenkreis.runtime.stores.session import Session, Store

Compile = Callable[[bytes, int], Rulebook]
"""(canonical JSON, version) -> compiled rulebook."""


class Rulebooks:
    """The rulebooks of one store; callable as `RulebookOf`."""

    def __init__(self, store: Store, compile_rulebook: Compile) -> None:
        self._store = store
        self._compile = compile_rulebook
        self._compiled: dict[int, Rulebook] = {}

    def __call__(self, version: int) -> Rulebook:
        rulebook = self._compiled.get(version)
        if rulebook is None:
            rulebook = self._compiled[version] = self._compile(self.definitions(version), version)
        return rulebook

    def definitions(self, version: int) -> bytes:
        """The canonical JSON of a version."""
        with self._store.reading() as tx:
            rows = tx.rows("SELECT definitions FROM rulebooks WHERE version = ?", (version,))
        if not rows:
            raise BugError(f"rulebook version {version} is named in the log but not stored")
        return bytes(rows[0][0])

    def newest_version(self) -> int:
        """The version published last, 0 when nothing was published yet."""
        with self._store.reading() as tx:
            return newest_version(tx)


def newest_version(tx: Session) -> int:
    """The version published last, 0 when nothing was published yet."""
    return int(tx.rows("SELECT coalesce(max(version), 0) FROM rulebooks")[0][0])


def publish(
    tx: Session, definitions: bytes, *, actor: str, at_us: Micros, zone: Zone, options: dict[str, object] | None = None
) -> tuple[int, int]:
    """Store a rulebook and append its control row to every partition; (version, last log number).

    The compiled form must have been built once before, so that nothing unsound is ever published.
    """
    version = newest_version(tx) + 1
    tx.insert(RULEBOOKS, [(version, at_us, hash128(definitions).hex(), actor, definitions)])
    number = append_control(
        tx,
        RULEBOOK_PUBLISHED,
        {"version": version, **(options or {})},
        actor=actor,
        at_us=at_us,
        zone=zone,
        key=str(version),
    )
    return version, number


def append_control(
    tx: Session, name: str, properties: dict[str, object], *, actor: str, at_us: Micros, zone: Zone, key: str
) -> int:
    """One control row in every partition's log; the number of the last."""
    lock = " FOR UPDATE" if tx.dialect == "postgres" else ""
    clocks = tx.rows(f"SELECT partition, clock_us FROM clocks ORDER BY partition{lock}")
    number = log.next_numbers(tx, PARTITIONS)
    rows = []
    for partition, clock_us in clocks:
        row = LogRow(
            partition=partition, number=number + partition, event_id=hash128("control", name, key, partition), profile_id=0,
            type="control", name=name, happened_us=at_us, received_us=at_us, at_us=max(at_us, clock_us), day=zone.day_number(at_us),
            origin="control", actor=actor, body={"properties": properties},
        )  # fmt: skip
        rows.append(log.stored(row, None))
    log.append(tx, rows)
    tx.run("UPDATE clocks SET clock_us = ? WHERE clock_us < ?", (at_us, at_us))
    return number + PARTITIONS - 1
