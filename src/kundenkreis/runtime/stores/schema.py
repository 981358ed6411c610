"""Every table of the operational store, once, for SQLite and PostgreSQL alike.

A table with personal data says how it is erased and how long it is kept; `privacy/registry.py` reads that from here, and a test
fails on a table that says nothing. Column types: integer (64 bit), text, bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kundenkreis.kernel.ids import NEVER

ColumnType = Literal["integer", "text", "bytes"]


@dataclass(frozen=True)
class Personal:
    """How a person's rows are found and when they end."""

    erase_by: str
    """Column that names the person: profile_id, or the column joined over ("event_id" of the person's log rows)."""
    retention: str
    """Which retention class applies (docs/reference/retention.md): events, customers, messages, proof, technical."""


NOT_PERSONAL = None
"""The table holds nothing about a person."""


@dataclass(frozen=True)
class Table:
    """One table: columns in order, primary key, indexes."""

    name: str
    columns: tuple[tuple[str, ColumnType], ...]
    primary_key: tuple[str, ...]
    personal: Personal | None
    indexes: tuple[str, ...] = ()
    """Each "name ON columns [WHERE ...]", portable SQL."""
    derived: bool = False
    """Can be dropped and rebuilt from the log."""
    generated_key: bool = False
    """The primary key is numbered by the database."""
    fill: int = 100
    """How full PostgreSQL packs the pages, in percent: a new version of a row that finds room beside the old one touches no index."""
    is_wide: bool = False
    """The key is a hash, and rows are long or stand in an index where many are equal: on SQLite they stand in the order in which they came, behind an
    index of the key. Otherwise every fourth insert would split a page between others (sqlite.org/withoutrowid.html, section 4), and equal entries
    of an index would be ordered by the hash, each on a page of its own."""
    later: Mapping[str, int] = field(default_factory=dict)
    """Columns that older stores lack, each with the value that their rows get."""
    filled_from: str = ""
    """A query over tables before this one: its rows in a store that was made before this table."""
    column_names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "column_names", tuple(name for name, _ in self.columns))


def _columns(text: str) -> tuple[tuple[str, ColumnType], ...]:
    types: dict[str, ColumnType] = {"i": "integer", "t": "text", "b": "bytes"}
    return tuple((name, types[kind]) for name, kind in (part.split(":") for part in text.split()))


def _table(
    name: str,
    columns: str,
    key: str,
    personal: Personal | None,
    *indexes: str,
    derived: bool = False,
    generated: bool = False,
    fill: int = 100,
    wide: bool = False,
    later: Mapping[str, int] | None = None,
    filled_from: str = "",
) -> Table:
    return Table(
        name, _columns(columns), tuple(key.split()), personal, indexes, derived, generated, fill, wide, later or {}, filled_from
    )  # fmt: skip


_BY_PROFILE_CUSTOMER = Personal("profile_id", "customers")
_BY_PROFILE_EVENTS = Personal("profile_id", "events")
_BY_PROFILE_MESSAGES = Personal("profile_id", "messages")

META = _table("meta", "name:t value:t", "name", NOT_PERSONAL)
PARTITIONS = _table(
    "partitions",
    "partition:i folded_to:i owner:t epoch:i lease_until_us:i",
    "partition",
    NOT_PERSONAL,
)
CLOCKS = _table("clocks", "partition:i clock_us:i", "partition", NOT_PERSONAL)
"""Apart from `partitions`, because the resolver locks clocks while a worker holds its partitions for the length of a fold."""
NUMBERS = _table("numbers", "name:t next:i", "name", NOT_PERSONAL)
NO_CHECKSUM = -1
"""Of log rows from before they had one; a checksum is never negative."""
LOG = _table(
    "log",
    "number:i partition:i event_id:b profile_id:i type:t name:t happened_us:i received_us:i at_us:i day:i origin:t actor:t "
    "reason:t cause:b depth:i flags:i source:t brand:t schema_version:i links:t body:b checksum:i",
    "number",
    _BY_PROFILE_EVENTS,
    "log_of_customer ON log (profile_id, number)",
    "log_controls ON log (partition, number) WHERE type = 'control'",
    "log_bases ON log (profile_id, number) WHERE type = 'state'",
    later={"checksum": NO_CHECKSUM},
)
DEDUPE = _table("dedupe", "event_id:b day:i", "event_id", Personal("event_id", "technical"))
IDENTIFIERS = _table(
    "identifiers",
    "kind:t value:t profile_id:i",
    "kind value",
    _BY_PROFILE_CUSTOMER,
    "identifiers_of_customer ON identifiers (profile_id)",
    derived=True,
)
MERGES = _table(
    "merges", "loser:i winner:i event_id:b", "loser", Personal("loser", "customers"), "merges_of ON merges (winner)"
)
STATES = _table(
    "states",
    "profile_id:i partition:i wake_us:i control_to:i state:b",
    "profile_id",
    _BY_PROFILE_CUSTOMER,
    "states_wake ON states (wake_us) WHERE wake_us < 4611686018427387903",
    "states_control ON states (partition, control_to)",
    derived=True,
    fill=50,
)
MEMBERSHIPS = _table(
    "memberships",
    "profile_id:i kind:t definition_id:t from_us:i until_us:i cause:b reason:t left_cause:b left_reason:t publishing:i",
    "profile_id kind definition_id from_us",
    _BY_PROFILE_CUSTOMER,
    "memberships_of_definition ON memberships (kind, definition_id, until_us)",
    derived=True,
)
SCORE_ENTRIES = _table(
    "score_entries",
    "profile_id:i score_id:t at_us:i rule_id:t cause:b milli_points:i balance:i",
    "profile_id score_id at_us rule_id cause",
    _BY_PROFILE_CUSTOMER,
    derived=True,
)
RUN_ENTRIES = _table(
    "run_entries",
    "run_id:b sequence:i profile_id:i journey_id:t version:i entry_key:t step_id:t outcome:t at_us:i reason:t",
    "run_id sequence",
    _BY_PROFILE_CUSTOMER,
    # All that the pages of a journey count, without reading a path; in time for the lists of people behind each number.
    "run_entries_by_step ON run_entries (journey_id, step_id, outcome, at_us, version)",
    derived=True,
    wide=True,
)
RUNS = _table(
    "runs",
    "profile_id:i run_id:b",
    "profile_id run_id",
    _BY_PROFILE_CUSTOMER,
    derived=True,
    filled_from="SELECT DISTINCT profile_id, run_id FROM run_entries",
)
"""The customers of `run_entries` with their runs: a run has some ten lines, and each would stand in an index by customer, on a page of its own.
A run has lines of several customers where one was merged into another in the middle of it."""
VERDICTS = _table(
    "verdicts",
    "effect_id:b sequence:i profile_id:i at_us:i outcome:t reasons:t channel:t content_id:t message_class:t purpose:t basis:t due_us:i "
    "journey_id:t run_id:b step_id:t rulebook_version:i priority:i",
    "effect_id sequence",
    _BY_PROFILE_MESSAGES,
    "verdicts_of_customer ON verdicts (profile_id, at_us)",
    "verdicts_first ON verdicts (at_us, effect_id) WHERE sequence = 0",
    # Why messages of a journey did not go out.
    "verdicts_of_journey ON verdicts (journey_id, outcome, at_us)",
    derived=True,
    wide=True,
)
CUSTOMER_LIST = _table(
    "customer_list",
    "profile_id:i is_known:i seen_us:i since_us:i sales_minor:i name_key:b",
    "profile_id",
    _BY_PROFILE_CUSTOMER,
    "customer_list_seen ON customer_list (is_known, seen_us, profile_id)",
    "customer_list_since ON customer_list (is_known, since_us, profile_id)",
    "customer_list_sales ON customer_list (is_known, sales_minor, profile_id)",
    "customer_list_name ON customer_list (is_known, name_key, profile_id)",
    derived=True,
)
"""What the list of customers sorts by (customers/core/listing.py), so that a page of it reads fifty states and no more; one index per order."""
SEARCH_TERMS = _table(
    "search_terms",
    "term:b profile_id:i",
    "term profile_id",
    _BY_PROFILE_CUSTOMER,
    "search_terms_of_customer ON search_terms (profile_id, term)",
    derived=True,
)
"""Folded beginnings by which people are found. Bytes, because a range of texts means something else in every collation."""
SAVED_FILTERS = _table("saved_filters", "filter_id:t name:t condition:t actor:t saved_us:i", "filter_id", NOT_PERSONAL)
"""Conditions that people keep under a name for the list of customers."""
BULK_ACTS = _table(
    "bulk_acts",
    "bulk_id:t act:t until_us:i name:t value:t sample:t actor:t account_id:i reason:t begun_us:i state:t total:i lease_until_us:i "
    "last_event:b",
    "bulk_id",
    NOT_PERSONAL,
)
"""What was done to many customers together (runtime/bulk_acts.py), and how far it is."""
BULK_PEOPLE = _table(
    "bulk_people",
    "profile_id:i bulk_id:t fate:t",
    "profile_id bulk_id",
    Personal("profile_id", "technical"),
    # Whose turn is next, and who stands behind each number of the outcome.
    "bulk_people_of ON bulk_people (bulk_id, fate, profile_id)",
)
"""Whom it was done to."""
ORDERS = _table(
    "orders",
    "order_id:t profile_id:i ordered_us:i total_minor:i refunded_minor:i currency:t status:t channel:t delivered_us:i lines:b cause:b",
    "order_id profile_id",
    _BY_PROFILE_CUSTOMER,
    "orders_of_customer ON orders (profile_id, ordered_us)",
    derived=True,
)
OUTBOX = _table(
    "outbox",
    "effect_id:b profile_id:i due_us:i state:t claimed_by:t claim_epoch:i lease_until_us:i attempts:i next_try_us:i payload:b "
    "uncertain:i reply:t finished_us:i",
    "effect_id",
    _BY_PROFILE_MESSAGES,
    "outbox_due ON outbox (next_try_us) WHERE state IN ('queued', 'claimed', 'intent')",
    "outbox_of_customer ON outbox (profile_id)",
    "outbox_held ON outbox (finished_us) WHERE state = 'held'",
    wide=True,
)
JOURNALS = _table("journals", "journal_id:t position:i", "journal_id", NOT_PERSONAL)
"""How far the outbox knows each journal of sent messages (channels/sent_journal.py): written with every record of a hand-over, so that a database
that was restored from a backup shows by itself what went out after the backup was made."""
SENT_BEFORE = _table("sent_before", "effect_id:b sent_us:i reply:t", "effect_id", NOT_PERSONAL)
"""Messages that a journal names and that a restored database had not decided yet: recorded instead of sent once they are claimed. Not personal:
an effect id leads to a person only through the outbox, which an erasure clears."""
INTERNAL_INBOX = _table(
    "internal_inbox",
    "position:i effect_id:b profile_id:i received_us:i payload:b",
    "position",
    _BY_PROFILE_EVENTS,
    generated=True,
)
FENCES = _table(
    "fences",
    "profile_id:i scope:t since_us:i reason:t epoch:i",
    "profile_id scope",
    Personal("profile_id", "proof"),
    later={"epoch": NEVER},
)
MAILBOX = _table(
    "mailbox",
    "message_id:b profile_id:i handed_over_us:i to_address:t from_address:t subject:t language:t body:b headers:t content_id:t content_version:t",
    "message_id",
    _BY_PROFILE_MESSAGES,
    "mailbox_by_time ON mailbox (handed_over_us)",
    "mailbox_of_customer ON mailbox (profile_id)",
    wide=True,
)
QUARANTINED_EVENTS = _table(
    "quarantined_events",
    "id:i received_us:i source:t public:i code:t detail:t raw:b replayed_us:i",
    "id",
    Personal("id", "technical"),
    generated=True,
)
QUARANTINED_CUSTOMERS = _table(
    "quarantined_customers",
    "profile_id:i since_us:i number:i code:t detail:t",
    "profile_id",
    _BY_PROFILE_CUSTOMER,
)
TOMBSTONES = _table("tombstones", "mark:b kind:t erased_us:i", "mark", Personal("mark", "proof"))
"""Keyed hashes of the identifiers of erased people (privacy/tombstones.py): what happened before the erasure never comes back."""
ANONYMOUS_COUNTS = _table(
    "anonymous_counts", "span:t started_us:i source:t count:i", "span started_us source", NOT_PERSONAL
)
"""How many strangers each source brought per hour and day (runtime/admission.py)."""
RULEBOOKS = _table(
    "rulebooks", "version:i published_us:i hash:t actor:t definitions:b include_existing:t", "version", NOT_PERSONAL
)
FIGURES = _table("figures", "name:t at_us:i took_us:i body:b", "name", NOT_PERSONAL, derived=True)
"""What was counted of everybody and when (runtime/counting/counter.py): numbers only."""
DRAFTS = _table(
    "drafts",
    "kind:t definition_id:t document:b base_version:i base:t revision:i edited_by:t edited_us:i",
    "kind definition_id",
    NOT_PERSONAL,
)
"""Definitions that somebody works on (definitions/drafts.py)."""

TABLES: tuple[Table, ...] = (
    META,
    PARTITIONS,
    CLOCKS,
    NUMBERS,
    LOG,
    DEDUPE,
    IDENTIFIERS,
    MERGES,
    STATES,
    MEMBERSHIPS,
    SCORE_ENTRIES,
    RUN_ENTRIES,
    RUNS,
    VERDICTS,
    CUSTOMER_LIST,
    SEARCH_TERMS,
    SAVED_FILTERS,
    BULK_ACTS,
    BULK_PEOPLE,
    ORDERS,
    OUTBOX,
    JOURNALS,
    SENT_BEFORE,
    INTERNAL_INBOX,
    FENCES,
    MAILBOX,
    QUARANTINED_EVENTS,
    QUARANTINED_CUSTOMERS,
    TOMBSTONES,
    ANONYMOUS_COUNTS,
    RULEBOOKS,
    FIGURES,
    DRAFTS,
)

OBSOLETE_INDEXES = ("run_entries_of_customer",)
"""Of older stores: each cost a page per row and finds nothing that is asked for any more."""

BY_RUNS = "profile_id {keys} AND run_id IN (SELECT run_id FROM runs WHERE profile_id {keys})"
"""Which rows of `run_entries` belong to customers, for `Session.rows_in`: found by their runs, because they have no index by customer."""

_TYPES = {
    "sqlite": {"integer": "INTEGER", "text": "TEXT", "bytes": "BLOB"},
    "postgres": {"integer": "BIGINT", "text": 'TEXT COLLATE "C"', "bytes": "BYTEA"},
}
"""On PostgreSQL texts compare by their bytes, as on SQLite: several times as fast in an index as by a language's rules, and no index falls out of order
when the system's rules change (PostgreSQL's documentation, "Collation Support")."""


def column_statement(table: Table, column: str, dialect: str) -> str:
    """DDL that adds a column of `Table.later` to a table of an older store."""
    kind = _TYPES[dialect][dict(table.columns)[column]]
    return f"ALTER TABLE {table.name} ADD COLUMN {column} {kind} NOT NULL DEFAULT {table.later[column]}"


def create_statements(table: Table, dialect: str) -> list[str]:
    """DDL of one table and its indexes; safe to run again."""
    types = _TYPES[dialect]
    single_integer_key = len(table.primary_key) == 1 and dict(table.columns)[table.primary_key[0]] == "integer"
    columns = []
    for name, kind in table.columns:
        text = f"{name} {types[kind]} NOT NULL"
        if table.generated_key and name == table.primary_key[0]:
            text = (
                f"{name} INTEGER PRIMARY KEY AUTOINCREMENT" if dialect == "sqlite" else f"{name} BIGSERIAL PRIMARY KEY"
            )
        columns.append(text)
    if not table.generated_key:
        columns.append(f"PRIMARY KEY ({', '.join(table.primary_key)})")
    # A table of rows found by a compound or text key needs no second tree for row numbers.
    has_own_tree = single_integer_key or table.generated_key or table.is_wide
    tail = " WITHOUT ROWID" if dialect == "sqlite" and not has_own_tree else ""
    if dialect == "postgres" and table.fill < 100:
        tail = f" WITH (fillfactor = {table.fill})"
    return [
        f"CREATE TABLE IF NOT EXISTS {table.name} ({', '.join(columns)}){tail}",
        *(f"CREATE INDEX IF NOT EXISTS {index}" for index in table.indexes),
    ]
