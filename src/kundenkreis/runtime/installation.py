"""One installation, opened: its store, inbox, rulebooks, bells and keys, put together from the settings.

Every shell (serve, command line, demo, tests) starts here, so that they cannot differ in how things are wired.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.inbox import Inbox, PostgresInbox, SqliteInbox
from kundenkreis.events.write_key_book import WriteKeyBook
from kundenkreis.events.write_keys import KeyKind, WriteKey, WriteKeyFile, WriteKeys, new_key
from kundenkreis.kernel.errors import CallerError
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, Zone, zone
from kundenkreis.privacy.pruning import Pruner
from kundenkreis.privacy.tombstones import tombstone_key
from kundenkreis.runtime.admission import Admission
from kundenkreis.runtime.bases import ensure_fold_version
from kundenkreis.runtime.bells import Bell, Listener, PostgresBell, PostgresListener, SocketBell, SocketListener
from kundenkreis.runtime.clock import Clock, SystemClock
from kundenkreis.runtime.customer_list import fill_customer_list
from kundenkreis.runtime.fold_helpers import FoldHelpers, other_processors
from kundenkreis.runtime.reading import ReadRequests, read_requests
from kundenkreis.runtime.rulebooks import (
    ANONYMOUS_DAYS,
    DEFAULT_ANONYMOUS_LIFE,
    Rulebooks,
    append_control,
    documents_of,
    publish,
)
from kundenkreis.runtime.stores.meta import claim_meta, inbox_position, read_meta, write_meta
from kundenkreis.runtime.stores.postgres import PostgresSession, PostgresStore
from kundenkreis.runtime.stores.session import Point, Session, Store, migrate, no_point
from kundenkreis.runtime.stores.sqlite import CACHE_MEBIBYTES, SqliteStore
from kundenkreis.runtime.worker import EmbeddedWorker, PartitionWorker, TakeInbox
from kundenkreis.settings import Settings

STORE_FILE, INBOX_FILE, KEYS_FILE = "kreis.db", "inbox.db", "write_keys.json"
WORKER_BELL, DISPATCHER_BELL, COUNTER_BELL = "worker", "dispatcher", "counter"


DEFAULT_ZONE = Settings().zone


class ZoneFixedError(CallerError):
    """The time zone of an installation is fixed once data exists."""

    code = "zone_fixed"


class NoInstallationError(CallerError):
    """There is no installation in this data folder; say where it lies with KREIS_DATA_DIR, or begin one with kreis serve."""

    code = "no_installation"


class Installation:
    """What one company's Kundenkreis consists of on this machine.

    Effects of opening: creates the data directory, missing tables, and publishes the starter rulebook on an empty store.
    """

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, point: Point = no_point, durable: bool = True,
        cache_mebibytes: int = CACHE_MEBIBYTES,
    ) -> None:  # fmt: skip
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.point = point
        self.data_dir: Path = settings.data_dir
        self._closing = ExitStack()
        settings.make_data_dir()
        self._bells: list[Bell] = []
        self._worker_bell = self.bell(WORKER_BELL)
        self.store: Store = open_store(settings, point, durable=durable, cache_mebibytes=cache_mebibytes)
        try:
            self._prepare_store()
            self.zone: Zone = self._fixed_zone()
            # Pages show what the rules count by, whatever the environment left out.
            self.settings = replace(self.settings, zone=self.zone.name)
            self._keep_anonymous_days()
        except BaseException:
            self.close()
            raise
        self.rulebooks = Rulebooks(self.store, zone=self.zone)

    @property
    def late_after_us(self) -> Micros:
        """Age on arrival beyond which an event starts no journey."""
        return self.settings.lateness_hours * HOUR

    def publish(
        self, definitions: bytes, *, actor: str, at_us: Micros | None = None, include_existing: Sequence[str] = (),
        after: int | None = None,
    ) -> tuple[int, int]:  # fmt: skip
        """Compile, then publish a rulebook given as canonical JSON; (version, last log number). Wakes the worker.

        Raises:
            PublishedMeanwhileError: `after` is given, and the newest version is another.
        """
        self.rulebooks.check(documents_of(definitions))
        with self.store.transaction("publish") as tx:
            published = publish(
                tx, definitions, actor=actor, at_us=at_us if at_us is not None else self.clock.now_us(), zone=self.zone,
                include_existing=include_existing, after=after,
            )  # fmt: skip
        self._worker_bell.ring()
        return published

    def append_control(self, name: str, properties: dict[str, object], *, actor: str) -> int:
        """One control row in every partition: the way to touch everybody; the last log number. Wakes the worker."""
        at_us = self.clock.now_us()
        with self.store.transaction("control") as tx:
            number = append_control(
                tx,
                name,
                properties,
                actor=actor,
                at_us=at_us,
                zone=self.zone,
                key=f"{sorted(properties.items())}@{at_us}",
            )
        self._worker_bell.ring()
        return number

    def ensure_rulebook(self) -> None:
        """On an empty installation, publish the shipped circle, situations and contact policy, without any journey."""
        if self.rulebooks.newest_version() == 0:
            # Reading YAML is needed once in the life of an installation.
            from kundenkreis.definitions.canonical import canonical_json  # noqa: PLC0415
            from kundenkreis.playbooks.shipped import shipped_rulebook  # noqa: PLC0415

            self.publish(canonical_json(shipped_rulebook(with_journeys=False)), actor="installation")

    def open_inbox(self) -> Inbox:
        """A writing end of the inbox, for one thread."""
        if self.settings.on_postgres:
            return PostgresInbox(self.settings.database, point=self.point)
        with self.store.reading() as tx:
            taken_to = inbox_position(tx)
        return SqliteInbox(self.data_dir / INBOX_FILE, point=self.point, taken_to=taken_to)

    def admission(self) -> Admission:
        """What the write keys allow the events of their sources."""
        settings = self.settings
        return Admission(
            self.write_keys(), anonymous_per_day=settings.anonymous_per_day, event_bytes=settings.event_limit_bytes,
            future_tolerance_us=settings.ahead_minutes * MINUTE,
        )  # fmt: skip

    def open_worker(
        self, name: str = "worker-1", *, read_requests: ReadRequests = read_requests
    ) -> EmbeddedWorker | PartitionWorker:
        """The worker that fits this store; with it, an older store begins to be carried over (runtime/bases.py).

        Args:
            read_requests: how the worker of a SQLite store reads what stands in its inbox.
        """
        ensure_fold_version(self.store, at_us=self.clock.now_us(), zone=self.zone)
        if isinstance(self.store, PostgresStore):
            inbox = PostgresInbox(self.settings.database, point=self.point)
            inbox.backlog()  # creates its table
            self._closing.callback(inbox.close)
            return PartitionWorker(
                self.store, _take_from(inbox), self.rulebooks, name=name, zone=self.zone, clock=self.clock,
                late_after_us=self.late_after_us, point=self.point, admission=self.admission(),
                tombstone_key=tombstone_key(self.settings), pruner=Pruner(dedupe_days=self.settings.dedupe_days),
            )  # fmt: skip
        assert isinstance(self.store, SqliteStore)
        self.store.checkpoint_beside()
        reading = SqliteInbox(self.data_dir / INBOX_FILE, point=self.point)
        self._closing.callback(reading.close)
        # Real time, whatever the year: the demo's clock stands still while a batch is folded.
        helpers = FoldHelpers(SystemClock(), most=min(self.settings.fold_helpers, other_processors()))
        worker = EmbeddedWorker(
            self.store, reading, self.rulebooks, zone=self.zone, clock=self.clock,
            late_after_us=self.late_after_us, point=self.point, admission=self.admission(),
            tombstone_key=tombstone_key(self.settings), pruner=Pruner(dedupe_days=self.settings.dedupe_days), helpers=helpers,
            open_another=lambda: SqliteInbox(self.data_dir / INBOX_FILE), read_requests=read_requests,
            hurry=self.store.hurry,
        )  # fmt: skip
        self._closing.callback(worker.close)
        return worker

    def bell(self, name: str) -> Bell:
        """The ringing end of a bell; closed with the installation."""
        made: Bell = (
            PostgresBell(self.settings.database, name, point=self.point)
            if self.settings.on_postgres
            else SocketBell(self.data_dir, name, point=self.point)
        )
        self._bells.append(made)
        return made

    def listener(self, name: str) -> Listener:
        """The listening end of a bell."""
        return (
            PostgresListener(self.settings.database, name)
            if self.settings.on_postgres
            else SocketListener(self.data_dir, name)
        )

    def write_keys(self) -> WriteKeys:
        """The write keys in force; read again when the file changes."""
        file = WriteKeyFile(self.data_dir / KEYS_FILE)
        return WriteKeys(file.load, version=file.version)

    def write_key_book(self) -> WriteKeyBook:
        """What people do with write keys."""
        return WriteKeyBook(WriteKeyFile(self.data_dir / KEYS_FILE, point=self.point))

    def ensure_write_keys(self, sources: Sequence[tuple[str, KeyKind]]) -> list[WriteKey]:
        """Make sure that each (source, kind) has a key; all keys of the installation."""
        file = WriteKeyFile(self.data_dir / KEYS_FILE, point=self.point)
        keys = list(file.load())
        held = {(key.source, key.kind) for key in keys}
        for source, kind in sources:
            if (source, kind) not in held:
                keys.append(WriteKey(key=new_key(kind), source=source, kind=kind))
        file.save(keys)
        return keys

    def close(self) -> None:
        """Let go of the store, of the inboxes that its workers read, and of the bells."""
        self._closing.close()
        for bell in self._bells:
            bell.close()
        self._bells.clear()
        self.store.close()

    def _prepare_store(self) -> None:
        if isinstance(self.store, PostgresStore):
            self.store.check_server()
        migrate(self.store)
        fill_customer_list(self.store)

    def _keep_anonymous_days(self) -> None:
        """The fold obeys this setting, so it stands with the data: a rebuild must decide the same, and a command that was started without it
        changes nothing.
        """
        with self.store.transaction("settings") as tx:
            kept = read_meta(tx, ANONYMOUS_DAYS)
            days = self.settings.anonymous_days or int(kept or DEFAULT_ANONYMOUS_LIFE // DAY)
            if kept != str(days):
                write_meta(tx, ANONYMOUS_DAYS, str(days))
        self.settings = replace(self.settings, anonymous_days=days)

    def _fixed_zone(self) -> Zone:
        """The zone that was fixed when this installation was made; the settings' on an empty one."""
        asked = self.settings.zone
        with self.store.transaction("zone") as tx:
            fixed = claim_meta(tx, "zone", asked)
        if asked not in (fixed, DEFAULT_ZONE):
            raise ZoneFixedError(
                f"This installation counts its days in {fixed}; KREIS_ZONE says {asked}. "
                f"Set KREIS_ZONE={fixed} or leave it out, or start with an empty data folder.",
                fixed=fixed,
                asked=asked,
            )
        return zone(fixed)


def existing_installation(settings: Settings) -> Installation:
    """The installation that is there.

    Raises:
        NoInstallationError: see check_exists().
    """
    check_exists(settings)
    return Installation(settings)


def is_there(settings: Settings) -> bool:
    """Whether something has begun in the data folder; a database on PostgreSQL counts as begun."""
    return settings.on_postgres or (settings.data_dir / STORE_FILE).exists()


def check_exists(settings: Settings) -> None:
    """Who looks at an installation or mends it never makes another, because of a mistyped folder.

    Raises:
        NoInstallationError: the data folder holds none.
    """
    if not is_there(settings):
        raise NoInstallationError(
            f"There is no installation in {settings.data_dir.absolute()}. "
            "Say where it lies with KREIS_DATA_DIR, or begin one with kreis serve.",
            folder=str(settings.data_dir.absolute()),
        )


def open_store(
    settings: Settings, point: Point, *, durable: bool = True, cache_mebibytes: int = CACHE_MEBIBYTES
) -> Store:
    """The operational store that the settings name."""
    if settings.on_postgres:
        return PostgresStore(settings.database, point=point)
    path = settings.data_dir / STORE_FILE
    return SqliteStore(path, point=point, is_durable=durable, cache_mebibytes=cache_mebibytes)


def _take_from(inbox: PostgresInbox) -> TakeInbox:
    def take(tx: Session, most_items: int, most_bytes: int, after: int) -> list[tuple[int, InboxItem]]:
        assert isinstance(tx, PostgresSession)
        return inbox.take(tx.cursor, most_items=most_items, most_bytes=most_bytes, after=after)

    return take
