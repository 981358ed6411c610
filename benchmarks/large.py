"""A large installation on SQLite in minutes: the demo's people, folded as shipped, multiplied.

    python -m benchmarks.large FOLDER [--customers 1000000] [--events 20] [--template LOADED_DEMO]

The template is a loaded demo (made by `kreis demo --load-only` where none is given): every row of it went through inbox, resolver and fold.
Of its people as many are taken as it needs for `--events` log rows each on average, and copied until there are enough. A copy is a person of its own: another
name, address, telephone number and user id, its own ids of events, runs and messages, its own partition, its own place in list and search.
What copies share is when things happened and what log bodies and payloads say; a rebuild from such a log would find the template's people, so its
rows have no checksums. The local mailbox is not copied, because an installation of this size hands over by SMTP. The counter's figures are left for
the counter.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite3

from kundenkreis.customers.core.listing import fold_text, line_of, listed, terms_of
from kundenkreis.customers.core.state import Attribute, CustomerState, decode_state, encode_state
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import partition_of
from kundenkreis.runtime.installation import STORE_FILE
from kundenkreis.runtime.stores.schema import FIGURES, MAILBOX, NO_CHECKSUM, TABLES, Table, create_statements

SMALL = ("meta", "partitions", "clocks", "numbers", "rulebooks", "anonymous_counts", "saved_filters", "drafts")
"""Tables about the installation, taken over row by row."""
LEFT_OUT = (FIGURES.name, MAILBOX.name, "quarantined_events", "quarantined_customers", "tombstones", "internal_inbox")
_MASK = "((r.{0} | c.mask) - (r.{0} & c.mask))"
"""Exclusive or, which SQLite lacks: a copy's profile id is as good a hash as the one it is made of."""
_PERSON = "p.new_id"
_ID = "CASE length(r.{0}) WHEN 16 THEN CAST(substr(r.{0}, 1, 12) || c.mark AS BLOB) ELSE r.{0} END"
"""Ids of events, runs and effects are hashes: twelve bytes of them and the number of the copy."""
_NUMBER = "(r.{0} * (SELECT count(*) FROM copies) + c.copy)"


@dataclass(frozen=True)
class Plan:
    """How one table is multiplied: the order in which its rows come by themselves, and what a copy's columns are."""

    order: str
    """person: by profile id; key: by the template's key, then by copy."""
    columns: Mapping[str, str]


_BY_PERSON = {"profile_id": _PERSON}
PLANS: dict[str, Plan] = {
    "log": Plan("key", {
        "number": _NUMBER.format("number"), "profile_id": _MASK.format("profile_id"),
        "partition": f"({_MASK.format('profile_id')} & 255)", "event_id": _ID.format("event_id"), "cause": _ID.format("cause"),
        "checksum": str(NO_CHECKSUM),
    }),
    "dedupe": Plan("key", {"event_id": _ID.format("event_id")}),
    "merges": Plan("key", {"loser": _MASK.format("loser"), "winner": _MASK.format("winner"), "event_id": _ID.format("event_id")}),
    "memberships": Plan("person", _BY_PERSON | {name: _ID.format(name) for name in ("cause", "left_cause")}),
    "score_entries": Plan("person", _BY_PERSON | {"cause": _ID.format("cause")}),
    "fences": Plan("person", _BY_PERSON),
    "run_entries": Plan("key", {"run_id": _ID.format("run_id"), "profile_id": _MASK.format("profile_id")}),
    "runs": Plan("person", _BY_PERSON | {"run_id": _ID.format("run_id")}),
    "verdicts": Plan("key", {
        "effect_id": _ID.format("effect_id"), "run_id": _ID.format("run_id"), "profile_id": _MASK.format("profile_id"),
    }),
    "orders": Plan("key", {
        "order_id": "(r.order_id || c.tail)", "profile_id": _MASK.format("profile_id"), "cause": _ID.format("cause"),
    }),
    "outbox": Plan("key", {"effect_id": _ID.format("effect_id"), "profile_id": _MASK.format("profile_id")}),
}  # fmt: skip
"""Every table with people, but those made from the states: states, identifiers, customer_list, search_terms."""


@dataclass(frozen=True)
class Copy:
    """What makes a copy somebody else."""

    number: int
    mask: int

    def profile_id(self, of: int) -> int:
        """The copy's id of this person."""
        return of ^ self.mask

    def id(self, of: bytes) -> bytes:
        """The copy's id of an event, run or effect."""
        return of[:12] + self.mark if len(of) == 16 else of

    @property
    def mark(self) -> bytes:
        """The last four bytes of its ids."""
        return self.number.to_bytes(4, "big")

    @property
    def tail(self) -> str:
        """What its names of things end with."""
        return f"-{self.number}"


def copies_of(count: int) -> list[Copy]:
    """So many copies."""
    return [Copy(number, int.from_bytes(hash128("copy", number)[:8], "big") >> 2) for number in range(count)]


class Names:
    """First and last names by language."""

    def __init__(self) -> None:
        text = resources.files("kundenkreis.demo").joinpath("names.json").read_text(encoding="utf-8")
        self._names: dict[str, list[str]] = json.loads(text)

    def of(self, profile_id: int, language: str) -> tuple[str, str]:
        """(first, last), the same for the same person."""
        language = language if f"first_{language}" in self._names else "de"
        first, last = self._names[f"first_{language}"], self._names[f"last_{language}"]
        return first[(profile_id >> 8) % len(first)], last[(profile_id >> 24) % len(last)]


def vary(state: CustomerState, copy: Copy, serial: int, *, copies: int, names: Names) -> None:
    """Make this private state that of another person."""
    state.profile_id = copy.profile_id(state.profile_id)
    state.bucket_key = hash128("bucket", state.profile_id).hex()
    state.folded_to = state.folded_to * copies + copy.number
    state.forwarded_to = copy.profile_id(state.forwarded_to) if state.forwarded_to else 0
    state.absorbed = [copy.profile_id(one) for one in state.absorbed]
    _rename(state, copy, serial, names)
    for run in state.runs:
        run.run_id, run.entered_event = copy.id(run.run_id), copy.id(run.entered_event)
        if run.waiting_for.startswith("message:"):
            run.waiting_for = "message:" + copy.id(bytes.fromhex(run.waiting_for[8:])).hex()
    for planned in state.contact.planned:
        planned.effect_id, planned.run_id = copy.id(planned.effect_id), copy.id(planned.run_id)
        planned.cause = copy.id(planned.cause)
    for contact in state.contact.contacts:
        contact.effect_id = copy.id(contact.effect_id)
    commerce = state.commerce
    commerce.open_orders = {order_id + copy.tail: order for order_id, order in commerce.open_orders.items()}


def _rename(state: CustomerState, copy: Copy, serial: int, names: Names) -> None:
    profile, consent = state.profile, state.consent
    get = profile.attributes.get
    language = get("language")
    first, last = names.of(state.profile_id, str(language.value) if language else "de")
    renamed: dict[str, str] = {}
    for pair in profile.identifiers:
        kind, value = pair
        if kind == "email":
            renamed[value] = f"{fold_text(first)}.{fold_text(last)}.{serial}@{value.partition('@')[2]}"
        elif kind == "phone":
            renamed[value] = f"{value[:-7]}{serial:07}"
        else:
            renamed[value] = value + copy.tail
        pair[1] = renamed[value]
    attribute: Attribute
    for name, attribute in profile.attributes.items():
        attribute.event_id = copy.id(attribute.event_id)
        value = attribute.value
        if name == "firstName":
            attribute.value = first
        elif name == "lastName":
            attribute.value = last
        elif isinstance(value, str):
            attribute.value = renamed.get(value, renamed.get(value.casefold(), value))
    for grant in consent.grants.values():
        grant.event_id, grant.address = copy.id(grant.event_id), renamed.get(grant.address, grant.address)
    consent.suppressed = {renamed.get(address, address): kept for address, kept in consent.suppressed.items()}
    consent.soft_bounces = {renamed.get(address, address): kept for address, kept in consent.soft_bounces.items()}


def chosen(db: Any, *, customers: int, rows_each: float) -> tuple[list[int], int]:
    """(profile ids of the template's people, merged ones with their winners; how many copies).

    The busiest are left out until the mean number of log rows is the one asked for, then as many as are needed are drawn by their ids, which are hashes.
    """
    winner_of = dict(db.execute("SELECT loser, winner FROM template.merges"))
    families: dict[int, list[int]] = defaultdict(list)
    rows: dict[int, int] = defaultdict(int)
    counts = dict(db.execute("SELECT profile_id, count(*) FROM template.log GROUP BY profile_id"))
    for (profile_id,) in db.execute("SELECT profile_id FROM template.states ORDER BY profile_id"):
        root = profile_id
        while root in winner_of:
            root = winner_of[root]
        families[root].append(profile_id)
        rows[root] += counts.get(profile_id, 0)
    by_rows = sorted(families, key=lambda root: (rows[root], root))
    people = total = 0
    kept: list[int] = []
    for root in by_rows:
        people, total = people + len(families[root]), total + rows[root]
        kept.append(root)
        if total > rows_each * people and rows[root] > rows_each:
            break
    copies = max(-(-customers // people), 1)
    wanted, drawn = -(-customers // copies), []
    for root in sorted(kept):
        if len(drawn) >= wanted:
            break
        drawn += families[root]
    return sorted(drawn), copies


def _sparse(tables: Iterable[Table]) -> list[str]:
    """Indexes of a few rows of a table: kept while it is filled, because making them afterwards reads all of it."""
    return [one for table in tables for one in create_statements(table, "sqlite")[1:] if " WHERE " in one]


class Multiplier:
    """Writes the large store."""

    def __init__(self, template: Path, target: Path) -> None:
        self.db = sqlite3.connect(target, isolation_level=None)
        os.environ.setdefault("SQLITE_TMPDIR", str(target.parent))
        for pragma in (
            "journal_mode=OFF",
            "synchronous=OFF",
            "locking_mode=EXCLUSIVE",
            "cache_size=-500000",
            "threads=2",
        ):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.execute("ATTACH ? AS template", (str(template),))
        self.db.execute("ATTACH ':memory:' AS memory")
        self._begun = time.monotonic()

    def make(self, *, customers: int, rows_each: float) -> dict[str, int]:
        """All of it; how many there are of what."""
        people, count = chosen(self.db, customers=customers, rows_each=rows_each)
        copies = copies_of(count)
        self._lay_out(people, copies)
        for table in TABLES:
            self.db.execute(create_statements(table, "sqlite")[0])
        for statement in _sparse(table for table in TABLES if table.name == "log"):
            self.db.execute(statement)
        self.db.execute("BEGIN")
        self._fill_states(people, copies)
        for name, plan in PLANS.items():
            self._multiply(next(table for table in TABLES if table.name == name), plan)
        self._take_over(count)
        self.db.execute("COMMIT")
        for table in TABLES:
            for statement in create_statements(table, "sqlite")[1:]:
                self.db.execute(statement)
            if table.name in PLANS:
                self._say(f"indexes of {table.name}")
        self.db.execute("PRAGMA journal_mode=WAL")
        counted = ("states", "log", "memberships", "run_entries", "verdicts", "orders", "search_terms")
        return {name: self.db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in counted}

    def _lay_out(self, people: Sequence[int], copies: Sequence[Copy]) -> None:
        """In memory: the copies, everybody by new id, and the template's rows of the chosen."""
        run = self.db.execute
        run("CREATE TABLE memory.copies (copy INTEGER PRIMARY KEY, mask INTEGER, mark BLOB, tail TEXT)")
        self.db.executemany(
            "INSERT INTO memory.copies VALUES (?, ?, ?, ?)", [(c.number, c.mask, c.mark, c.tail) for c in copies]
        )
        run("CREATE TABLE memory.person (new_id INTEGER PRIMARY KEY, old_id INTEGER, copy INTEGER)")
        self.db.executemany(
            "INSERT INTO memory.person VALUES (?, ?, ?)",
            (
                (new_id, old_id, number)
                for new_id, old_id, number in sorted(
                    (c.profile_id(one), one, c.number) for c in copies for one in people
                )
            ),
        )
        run("CREATE TABLE memory.chosen (profile_id INTEGER PRIMARY KEY)")
        self.db.executemany("INSERT INTO memory.chosen VALUES (?)", [(one,) for one in people])
        for table in TABLES:
            if table.name in PLANS:
                text = create_statements(table, "sqlite")[0].replace(
                    f"EXISTS {table.name}", f"EXISTS memory.t_{table.name}", 1
                )
                run(text)
                run(
                    f"INSERT INTO memory.t_{table.name} SELECT r.* FROM template.{table.name} r WHERE {self._belongs(table)}"
                )
        self._say("template laid out")

    def _belongs(self, table: Table) -> str:
        if table.name == "dedupe":
            return "r.event_id IN (SELECT event_id FROM memory.t_log)"
        return f"r.{'loser' if table.name == 'merges' else 'profile_id'} IN (SELECT profile_id FROM memory.chosen)"

    def _multiply(self, table: Table, plan: Plan) -> None:
        values = ", ".join(plan.columns.get(name, f"r.{name}") for name in table.column_names)
        if plan.order == "person":
            source = f"memory.person p CROSS JOIN memory.t_{table.name} r ON r.profile_id = p.old_id CROSS JOIN memory.copies c ON c.copy = p.copy"
        else:
            source = f"(SELECT * FROM memory.t_{table.name} ORDER BY {', '.join(table.primary_key)}) r CROSS JOIN memory.copies c"
        self.db.execute(f"INSERT INTO main.{table.name} SELECT {values} FROM {source}")
        self._say(f"{table.name}: {self.db.execute('SELECT changes()').fetchone()[0]:,}")

    def _fill_states(self, people: Sequence[int], copies: Sequence[Copy]) -> None:
        """States, and what follows from them: list, search terms, identifiers."""
        run = self.db.execute
        held = {row[0]: row[1:] for row in run("SELECT profile_id, wake_us, control_to, state FROM template.states")}
        place = {profile_id: number for number, profile_id in enumerate(people)}
        run("CREATE TABLE memory.terms (term BLOB, profile_id INTEGER)")
        run("CREATE TABLE memory.pairs (kind TEXT, value TEXT, profile_id INTEGER)")
        names, count = Names(), len(copies)
        by_person = run("SELECT new_id, old_id, copy FROM memory.person ORDER BY new_id")
        while some := by_person.fetchmany(20_000):
            states: list[tuple[Any, ...]] = []
            lines: list[tuple[Any, ...]] = []
            terms: list[tuple[Any, ...]] = []
            pairs: list[tuple[Any, ...]] = []
            for new_id, old_id, number in some:
                wake_us, control_to, data = held[old_id]
                state = decode_state(data)
                vary(state, copies[number], place[old_id] * count + number, copies=count, names=names)
                states.append((new_id, partition_of(new_id), wake_us, control_to * count, encode_state(state)))
                if (one := listed(state)) is not None:
                    lines.append((new_id, *line_of(one)))
                    terms.extend((term, new_id) for term in terms_of(one))
                    pairs.extend((kind, value, new_id) for kind, value in state.profile.identifiers)
            self.db.executemany("INSERT INTO main.states VALUES (?, ?, ?, ?, ?)", states)
            self.db.executemany("INSERT INTO main.customer_list VALUES (?, ?, ?, ?, ?, ?)", lines)
            self.db.executemany("INSERT INTO memory.terms VALUES (?, ?)", terms)
            self.db.executemany("INSERT INTO memory.pairs VALUES (?, ?, ?)", pairs)
        self._say("states")
        run(
            "INSERT OR IGNORE INTO main.search_terms SELECT term, profile_id FROM memory.terms ORDER BY term, profile_id"
        )
        run(
            "INSERT OR IGNORE INTO main.identifiers SELECT kind, value, profile_id FROM memory.pairs ORDER BY kind, value"
        )
        run("DROP TABLE memory.terms")
        run("DROP TABLE memory.pairs")
        self._say("search terms and identifiers")

    def _take_over(self, count: int) -> None:
        """What belongs to the installation, with log numbers as they are now."""
        run = self.db.execute
        for name in SMALL:
            run(f"INSERT INTO main.{name} SELECT * FROM template.{name}")
        log = next(table for table in TABLES if table.name == "log")
        other = {"number": f"r.number * {count}", "checksum": str(NO_CHECKSUM)}
        columns = ", ".join(other.get(name, f"r.{name}") for name in log.column_names)
        run(f"INSERT INTO main.log SELECT {columns} FROM template.log r WHERE r.type = 'control'")
        run(f"UPDATE main.numbers SET next = next * {count} WHERE name IN ('log', 'control')")
        run(f"UPDATE main.partitions SET folded_to = folded_to * {count}")
        run(f"UPDATE main.meta SET value = CAST(value * {count} AS TEXT) WHERE name = 'dedupe_pruned_to'")

    def _say(self, what: str) -> None:
        print(f"{time.monotonic() - self._begun:6.0f} s  {what}", file=sys.stderr, flush=True)


def checks(folder: Path) -> Iterator[str]:
    """What is wrong with a multiplied store; nothing."""
    db = sqlite3.connect(f"file:{folder / STORE_FILE}?mode=ro", uri=True)
    for profile_id, partition, data in db.execute(
        "SELECT profile_id, partition, state FROM states ORDER BY profile_id LIMIT 2000"
    ):
        state = decode_state(data)
        if (state.profile_id, partition_of(profile_id)) != (profile_id, partition):
            yield f"the state of {profile_id} says {state.profile_id}"
        for kind, value in state.profile.identifiers if not state.forwarded_to else ():
            if db.execute(
                "SELECT profile_id FROM identifiers WHERE kind = ? AND value = ?", (kind, value)
            ).fetchone() != (profile_id,):
                yield f"{kind} {value} does not find {profile_id}"
        for run in state.runs:
            found = db.execute("SELECT DISTINCT profile_id FROM run_entries WHERE run_id = ?", (run.run_id,)).fetchall()
            if found and found != [(profile_id,)]:
                yield f"a run of {profile_id} belongs to {found}"
        last = db.execute(
            "SELECT max(number), min(partition), max(partition) FROM log WHERE profile_id = ?", (profile_id,)
        ).fetchone()
        if last[1:] != (partition, partition):
            yield f"log rows of {profile_id} lie in {last[1:]}"
    db.close()


def main() -> None:
    """Make it, check it, say what it holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--events", type=float, default=20, help="log rows of a customer on average")
    parser.add_argument("--template", type=Path, help="a loaded demo; it is only read")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    if folder.exists():
        raise SystemExit(f"{folder} is there already")
    template: Path = arguments.template or folder.with_name(folder.name + "-template")
    if not template.exists():
        command = [sys.executable, "-m", "kundenkreis.cli.main", "demo", "--load-only", "--json"]
        subprocess.run(command, env=os.environ | {"KREIS_DATA_DIR": str(template)}, check=True, stdout=sys.stderr)
    shutil.copytree(template, folder, ignore=shutil.ignore_patterns(STORE_FILE + "*"))
    counts = Multiplier(template / STORE_FILE, folder / STORE_FILE).make(
        customers=arguments.customers, rows_each=arguments.events
    )
    for problem in checks(folder):
        raise SystemExit(problem)
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
