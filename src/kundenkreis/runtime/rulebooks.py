"""Published rulebooks: stored as canonical JSON, compiled once per process, looked up by version for ever."""

import threading
from collections.abc import Sequence
from typing import Any

import msgspec

from kundenkreis.definitions.errors import PublishedMeanwhileError
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.engine.compiling import Document, compile_rulebook
from kundenkreis.engine.controls import RULEBOOK_PUBLISHED
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.kernel.errors import BugError
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import PARTITIONS, Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import DAY, Zone, zone
from kundenkreis.runtime import log
from kundenkreis.runtime.partition_clocks import read_clocks, write_clocks
from kundenkreis.runtime.stores.meta import read_meta
from kundenkreis.runtime.stores.schema import RULEBOOKS
from kundenkreis.runtime.stores.session import Session, Store

ANONYMOUS_DAYS = "anonymous_days"
"""Name in `meta`: a setting that the fold obeys, kept with the data so that a rebuild obeys the same."""
DEFAULT_ANONYMOUS_LIFE: Micros = 90 * DAY


class Published(msgspec.Struct):
    """Everything published so far, as one process tells it another."""

    zone: str
    documents: dict[int, list[dict[str, Any]]]
    """Version -> its definitions, without a gap from 1."""
    include: dict[int, list[str]]
    anonymous_life_us: Micros


class KnownRulebooks:
    """The rulebooks published so far; callable as `RulebookOf`, each compiled when it is first asked for."""

    def __init__(self, published: Published) -> None:
        self.zone = zone(published.zone)
        self._known = published
        self._compiled: dict[int, Rulebook] = {}
        self._compiling = threading.Lock()

    def __call__(self, version: int) -> Rulebook:
        rulebook = self._compiled.get(version)
        if rulebook is None:
            with self._compiling:  # once, however many threads ask at the same time
                rulebook = self._compiled.get(version)
                if rulebook is None:
                    rulebook = self._compiled[version] = self._compile(version)
        return rulebook

    @property
    def newest_known(self) -> int:
        """The last version that this process has read."""
        return max(self._known.documents, default=0)

    def documents(self, version: int) -> list[dict[str, Any]]:
        """The definitions of a version as plain data."""
        if version not in self._known.documents:
            raise BugError(f"rulebook version {version} is named in the log but not stored")
        return self._known.documents[version]

    def _compile(self, version: int) -> Rulebook:
        self.documents(version)
        return compile_installed(
            self._past(version), zone=self.zone, include_existing=self._known.include.get(version, ()),
            anonymous_life_us=self._known.anonymous_life_us,
        )  # fmt: skip

    def _past(self, version: int) -> list[list[dict[str, Any]]]:
        return [self._known.documents[number] for number in range(1, version + 1)]


class Rulebooks(KnownRulebooks):
    """The rulebooks of one store; what is not known yet is read."""

    def __init__(self, store: Store, *, zone: Zone) -> None:
        super().__init__(Published(zone.name, {}, {}, DEFAULT_ANONYMOUS_LIFE))
        self._store = store

    @property
    def published(self) -> Published:
        """What this process knows, for another one."""
        return self._known

    def documents(self, version: int) -> list[dict[str, Any]]:
        """The definitions of a version as plain data."""
        if version not in self._known.documents:
            self._read()
        return super().documents(version)

    def stored(self, version: int) -> bytes:
        """The canonical JSON of a version, as published."""
        with self._store.reading() as tx:
            return bytes(tx.rows("SELECT definitions FROM rulebooks WHERE version = ?", (version,))[0][0])

    def check(self, documents: list[dict[str, Any]]) -> Rulebook:
        """The rulebook that publishing these documents would make; raises what is wrong with them."""
        self._read()
        return compile_installed(
            [*self._past(self.newest_known), documents], zone=self.zone, anonymous_life_us=self._known.anonymous_life_us
        )

    def read(self, tx: Session) -> None:
        """Learn versions published since, inside a transaction that is open already."""
        newest = self.newest_known
        if not newest:
            days = read_meta(tx, ANONYMOUS_DAYS)
            self._known.anonymous_life_us = int(days) * DAY if days is not None else DEFAULT_ANONYMOUS_LIFE
        rows = tx.rows("SELECT version, definitions, include_existing FROM rulebooks WHERE version > ?", (newest,))
        for version, definitions, include in rows:
            self._known.documents[version] = documents_of(bytes(definitions))
            self._known.include[version] = msgspec.json.decode(include)

    def _read(self) -> None:
        with self._store.reading() as tx:
            self.read(tx)

    def newest_version(self) -> int:
        """The version published last, 0 when nothing was published yet."""
        with self._store.reading() as tx:
            return newest_version(tx)


def compile_installed(
    versions: Sequence[Sequence[Document]],
    *,
    zone: Zone,
    include_existing: Sequence[str] = (),
    anonymous_life_us: Micros = DEFAULT_ANONYMOUS_LIFE,
) -> Rulebook:
    """`compile_rulebook` with the kinds of conditions and steps that are installed here."""
    plugins = installed_plugins()
    return compile_rulebook(
        versions, zone=zone, include_existing=include_existing, anonymous_life_us=anonymous_life_us,
        conditions=plugins.conditions, steps=plugins.steps,
    )  # fmt: skip


def newest_version(tx: Session) -> int:
    """The version published last, 0 when nothing was published yet."""
    return int(tx.rows("SELECT coalesce(max(version), 0) FROM rulebooks")[0][0])


def documents_of(definitions: bytes) -> list[dict[str, Any]]:
    """The documents of a stored rulebook (definitions/canonical.py): objects with `kind` and `id`."""
    documents: list[dict[str, Any]] = msgspec.json.decode(definitions)
    return documents


def publish(
    tx: Session, definitions: bytes, *, actor: str, at_us: Micros, zone: Zone, include_existing: Sequence[str] = (),
    after: int | None = None,
) -> tuple[int, int]:  # fmt: skip
    """Store a rulebook and append its control row to every partition; (version, last log number).

    The compiled form must have been built once before, so that nothing unsound is ever published.

    Raises:
        PublishedMeanwhileError: `after` is given, and the newest version is another.
    """
    newest = newest_version(tx)
    if after not in (None, newest):
        raise PublishedMeanwhileError(version=newest)
    version = newest + 1
    include = msgspec.json.encode(sorted(include_existing)).decode()
    tx.insert(RULEBOOKS, [(version, at_us, hash128(definitions).hex(), actor, definitions, include)])
    properties: dict[str, object] = {"version": version}
    number = append_control(tx, RULEBOOK_PUBLISHED, properties, actor=actor, at_us=at_us, zone=zone, key=str(version))
    return version, number


def append_control(
    tx: Session, name: str, properties: dict[str, object], *, actor: str, at_us: Micros, zone: Zone, key: str
) -> int:
    """One control row in every partition's log; the number of the last."""
    clocks = read_clocks(tx, range(PARTITIONS))
    number = log.next_numbers(tx, PARTITIONS)
    rows = []
    for partition, clock_us in clocks.items():
        row = LogRow(
            partition=partition, number=number + partition, event_id=hash128("control", name, key, partition), profile_id=0,
            type="control", name=name, happened_us=at_us, received_us=at_us, at_us=max(at_us, clock_us), day=zone.day_number(at_us),
            origin="control", actor=actor, body={"properties": properties},
        )  # fmt: skip
        rows.append(log.stored(row, None))
    log.append(tx, rows)
    write_clocks(tx, {partition: max(at_us, clock_us) for partition, clock_us in clocks.items()})
    tx.run("UPDATE numbers SET next = ? WHERE name = 'control'", (number + PARTITIONS - 1,))
    return number + PARTITIONS - 1
