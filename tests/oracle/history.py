"""What the oracle reads: the log of every customer, and the definitions in their YAML files. Nothing else.

Rows that the fold derived itself (flag 4) are left out: what they say must follow from the others. Only events that some
definition asks about or a journey's step speaks are kept; the step that spoke it has to be on a path, see `runs.py`.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml
from pysqlite3 import dbapi2 as sqlite

LATE, CLAMPED, DERIVED, CLAIMED, PUBLIC = 1, 2, 4, 8, 16
EVENTS = ("track", "page", "screen")


@dataclass(frozen=True)
class Row:
    """One row of the log."""

    number: int
    event_id: bytes
    type: str
    name: str
    happened_us: int
    at_us: int
    day: int
    origin: str
    flags: int
    links: dict
    body: dict

    @property
    def occurred_us(self):
        """When it happened, never after the instant at which it counts."""
        return min(self.happened_us, self.at_us)

    @property
    def properties(self):
        """The event's properties."""
        value = self.body.get("properties")
        return value if isinstance(value, dict) else {}

    @property
    def traits(self):
        """The traits of an identify."""
        value = self.body.get("traits")
        return value if isinstance(value, dict) else {}

    @property
    def is_late(self):
        """Older than a day on arrival: starts nothing."""
        return bool(self.flags & LATE)


@dataclass(frozen=True)
class Control:
    """A row that touches everybody, as it stands in one partition."""

    number: int
    at_us: int
    event_id: bytes
    name: str
    properties: dict


@dataclass
class Customer:
    """One profile: its rows as they arrived, and who was joined into it or into whom it was joined."""

    profile_id: int
    rows: list = field(default_factory=list)
    """Own rows, in log order; those of a merged profile are in `absorbed`."""
    absorbed: list = field(default_factory=list)
    """[(instant and number of the absorbing row, the other Customer)]."""
    surrendered: tuple = ()
    """(at_us, number) of the row that joined this profile into another."""
    controls: list = field(default_factory=list)
    """Control rows of this customer's partition, in log order."""


@dataclass(frozen=True)
class Definitions:
    """The YAML documents by kind."""

    segments: dict
    scores: dict
    phases: list
    situations: dict
    traits: dict
    journeys: dict
    policy: dict
    brand: dict
    contents: dict


@dataclass(frozen=True)
class Installation:
    """Everything the oracle knows."""

    zone: str
    until_us: int
    """The newest instant on the log: everything due until then is decided."""
    customers: dict
    rulebooks: dict
    """Version -> Definitions."""

    def ids(self, kind):
        """What any version defines: ids of its segments, scores, situations or journeys."""
        return sorted(set().union(*(getattr(one, kind) for one in self.rulebooks.values())))


def read(data, editions):
    """The log under this data directory, and the definitions.

    Args:
        editions: a folder for each rulebook that was published, in this order. One folder for several rulebooks: the newest is as
            it says, the others were the same without journeys, as `kreis demo` publishes them.
    """
    with sqlite.connect(f"file:{Path(data) / 'kreis.db'}?mode=ro", uri=True) as store:
        zone = store.execute("SELECT value FROM meta WHERE name = 'zone'").fetchone()[0]
        until_us = store.execute("SELECT max(at_us) FROM log").fetchone()[0]
        published = store.execute(
            "SELECT count(*) FROM log WHERE partition = 0 AND name = 'Rulebook Published'"
        ).fetchone()[0]
        found = [read_definitions(folder) for folder in editions]
        if len(found) == 1:
            found = [replace(found[0], journeys={})] * (published - 1) + found
        rulebooks = dict(enumerate(found, 1))
        customers = _customers(store, set().union(*map(_names, found)))
    if len(rulebooks) != published:
        raise ValueError(f"{published} rulebooks were published, {len(rulebooks)} are given")
    return Installation(zone, until_us, customers, rulebooks)


class _Loader(yaml.SafeLoader):
    """YAML as docs/reference/definitions.md reads it: `on` is a text, and so are 10:00 and 2026-12-01."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in listed if tag != "tag:yaml.org,2002:timestamp"]
    for first, listed in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if first not in "yYnNoO"
}


def documents_of(path):
    """All documents of one file."""
    return list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=_Loader))


def read_definitions(folder):
    """All documents of all YAML files of a folder."""
    found = {kind: {} for kind in ("segment", "score", "situation", "trait", "journey", "content")}
    phases, policy, brand = [], {}, {}
    for path in sorted(Path(folder).rglob("*.yaml")):
        for document in documents_of(path):
            match document["kind"]:
                case "phases":
                    phases = document["phases"]
                case "policy":
                    policy = document
                case "brand":
                    brand = document
                case kind if kind in found:
                    found[kind][document["id"]] = document
    for journey in found["journey"].values():
        journey.setdefault("priority", policy.get("default_priority", 5))
    return Definitions(
        found["segment"], found["score"], phases, found["situation"], found["trait"], found["journey"], policy, brand,
        found["content"],
    )  # fmt: skip


def _names(value):
    """Names of events that definitions ask about, and what steps of journeys bring about."""
    if isinstance(value, Definitions):
        asked = [value.segments, value.phases, value.situations, value.scores, value.traits, value.journeys]
        return set().union(*map(_names, asked))
    found = set()
    if isinstance(value, dict):
        found |= {"Attribute Set"} if "set_attribute" in value else set()
        found |= {"Score Added"} if "add_score" in value else set()
        name = value.get("name")
        found |= set(name if isinstance(name, list) else [name] if isinstance(name, str) else [])
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found.union(*map(_names, children))


def _customers(store, names):
    customers, controls = {}, {}
    query = (
        "SELECT profile_id, number, event_id, type, name, happened_us, at_us, day, origin, flags, links, body, partition "
        "FROM log ORDER BY number"
    )
    merges = []
    for (
        profile_id,
        number,
        event_id,
        kind,
        name,
        happened_us,
        at_us,
        day,
        origin,
        flags,
        links,
        body,
        partition,
    ) in store.execute(query):
        if flags & DERIVED and name not in names:
            continue
        row = Row(
            number, bytes(event_id), kind, name, happened_us, at_us, day, origin, flags,
            json.loads(links) if links else {}, json.loads(body) if body else {},
        )  # fmt: skip
        if kind == "control":
            control = Control(number, at_us, row.event_id, name, row.properties)
            controls.setdefault(partition, []).append(control)
            continue
        customer = customers.setdefault(profile_id, Customer(profile_id))
        if kind == "merge" and name == "Merge Requested":
            customer.surrendered = (at_us, number)
        elif not customer.surrendered:
            # What reaches a joined profile is passed on: it stands in the log of the other one too.
            customer.rows.append(row)
        if kind == "merge" and name == "State Surrendered":
            merges.append((customer, row))
    for customer, row in merges:
        customer.absorbed.append(((row.at_us, row.number), customers[row.properties["from"]]))
    for customer in customers.values():
        customer.rows.sort(key=lambda row: (row.at_us, row.number))  # what is derived is written after its whole batch
        customer.controls = controls[customer.profile_id & 255]
    return customers
