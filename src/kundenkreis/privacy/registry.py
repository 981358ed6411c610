"""The one registry of every table that holds personal data: whose rows they are, how they end, how long they live.

The operational store's tables say it themselves (`runtime/stores/schema.py`); here stands what is beside it: the inbox and the tables of
the web application. Erasing, pruning and `docs/reference/retention.md` read nothing else, and a test compares this with the tables that
a freshly made installation really has.
"""

from dataclasses import dataclass
from typing import Final, Literal

from kundenkreis.runtime.stores.schema import TABLES

Place = Literal["store", "inbox", "application"]
Way = Literal["profile", "runs", "merges", "events", "content", "kept", "account"]
"""How an erasure finds the rows: by profile id; by the runs of the profile; by either side of a merge; by the event ids of the
person's log rows; by looking for the person's identifiers inside; not at all, because the row proves the erasure; with the account of somebody
who works here."""


@dataclass(frozen=True)
class PersonalTable:
    """One table with personal data."""

    name: str
    place: Place
    erase_by: str
    """The column that leads to the person."""
    way: Way
    retention: str
    """Key of `RETENTION`."""


@dataclass(frozen=True)
class RetentionClass:
    """How long a kind of data lives, and what ends it."""

    period: str
    ended_by: str


RETENTION: Final[dict[str, RetentionClass]] = {
    "events": RetentionClass(
        "As long as the customer is kept. Anonymous customers: until they were silent for `KREIS_ANONYMOUS_DAYS`.",
        "`kreis erase`; the worker, at the instant the silence is long enough",
    ),
    "customers": RetentionClass(
        "As long as the customer is kept. Anonymous customers: until they were silent for `KREIS_ANONYMOUS_DAYS`.",
        "`kreis erase`; the worker, at the instant the silence is long enough",
    ),
    "messages": RetentionClass("As long as the customer is kept.", "`kreis erase`"),
    "technical": RetentionClass(
        "Repeats are recognised for `KREIS_DEDUPE_DAYS`; events in the quarantine are kept for 90 days; requests in the inbox until "
        "they are in the log; whom a change of many customers together concerned for 90 days.",
        "the worker, a little at a time; the next such change; `kreis erase`",
    ),
    "proof": RetentionClass(
        "Kept: a profile id that leads nowhere any more, and keyed hashes. They keep an erased person from coming back.", "nothing"
    ),
    "staff": RetentionClass("As long as somebody works with the installation; sessions and login links expire.", "deleting the account"),
    "audit": RetentionClass(
        "`KREIS_AUDIT_DAYS`. Who saw, changed and exported what; of customers a number and names of fields, never their values.",
        "the web process, a little at a time",
    ),
}  # fmt: skip

_WAYS: dict[str, Way] = {
    "run_entries": "runs",
    "dedupe": "events",
    "merges": "merges",
    "quarantined_events": "content",
    "fences": "kept",
    "tombstones": "kept",
}

_BESIDE: tuple[PersonalTable, ...] = (
    PersonalTable("inbox", "inbox", "body", "content", "technical"),
    PersonalTable("site_account", "application", "id", "account", "staff"),
    PersonalTable("site_account_groups", "application", "account_id", "account", "staff"),
    PersonalTable("site_account_user_permissions", "application", "account_id", "account", "staff"),
    PersonalTable("site_loginlink", "application", "account_id", "account", "staff"),
    PersonalTable("site_invitation", "application", "email", "account", "staff"),
    PersonalTable("site_apikey", "application", "account_id", "account", "staff"),
    PersonalTable("site_keptanswer", "application", "account_id", "account", "staff"),
    PersonalTable("site_auditentry", "application", "actor_id", "kept", "audit"),
    PersonalTable("account_emailaddress", "application", "user_id", "account", "staff"),
    PersonalTable("account_emailconfirmation", "application", "email_address_id", "account", "staff"),
    PersonalTable("mfa_authenticator", "application", "user_id", "account", "staff"),
    PersonalTable("socialaccount_socialaccount", "application", "user_id", "account", "staff"),
    PersonalTable("socialaccount_socialtoken", "application", "account_id", "account", "staff"),
    PersonalTable("django_session", "application", "session_data", "account", "staff"),
)

NOT_PERSONAL_BESIDE: Final = frozenset(
    {
        "auth_group",
        "auth_group_permissions",
        "auth_permission",
        "django_content_type",
        "django_migrations",
        "socialaccount_socialapp",
    }
)
"""Tables of the web application that hold nothing about a person."""


def personal_tables() -> tuple[PersonalTable, ...]:
    """Every table with personal data of an installation."""
    own = tuple(
        PersonalTable(
            table.name, "store", table.personal.erase_by, _WAYS.get(table.name, "profile"), table.personal.retention
        )
        for table in TABLES
        if table.personal is not None
    )
    return own + _BESIDE


def tables_found_by(way: Way) -> tuple[str, ...]:
    """Names of the operational store's tables whose rows are found in this way."""
    return tuple(table.name for table in personal_tables() if table.place == "store" and table.way == way)


def known_tables() -> frozenset[str]:
    """Every table that an installation may have, personal or not."""
    return frozenset(
        {table.name for table in TABLES} | {table.name for table in personal_tables()} | NOT_PERSONAL_BESIDE
    )
