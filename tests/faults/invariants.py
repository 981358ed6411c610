"""What must hold after every run, whatever died in it. Each violation is a sentence; no sentence, no violation."""

from collections import Counter
from email import message_from_bytes
from pathlib import Path

from kundenkreis.channels.core.claims import FINAL
from kundenkreis.kernel.hashing import event_id_of
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.rebuild import verify
from kundenkreis.runtime.stores.session import Session, migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore
from tests.faults.stage import CUSTOMERS, SOURCE, Stage


def violations(stage: Stage) -> list[str]:
    """Everything that is not as it must be, after the roles have ended and nothing waits any more."""
    with stage.installation.store.reading() as tx:
        found = [*_log(tx, stage), *_decisions(tx), *_sending(tx, stage), *_quarantine(tx)]
    return [*found, *_rebuilt(stage.installation, stage.data_dir)]


def _log(tx: Session, stage: Stage) -> list[str]:
    """I1: each acknowledged event is on the log exactly once; nothing is there that nobody sent."""
    counts = Counter(bytes(row[0]) for row in tx.rows("SELECT event_id FROM log"))
    names = {event_id_of(SOURCE, message_id): message_id for message_id in stage.sent}
    found = [
        f"event {names.get(key, key.hex())} is {count} times on the log" for key, count in counts.items() if count > 1
    ]
    lost = [message_id for message_id in stage.acknowledged if event_id_of(SOURCE, message_id) not in counts]
    found += [f"acknowledged event {message_id} is not on the log" for message_id in sorted(lost)]
    arrived = {
        bytes(row[0]) for row in tx.rows("SELECT event_id FROM log WHERE source = ? AND type <> 'merge'", (SOURCE,))
    }
    found += [f"event {key.hex()} is on the log and was never sent" for key in arrived - set(names)]
    numbers = [row[0] for row in tx.rows("SELECT number FROM log ORDER BY number")]
    if len(set(numbers)) != len(numbers):
        found.append("a log number was given twice")
    return found


def _decisions(tx: Session) -> list[str]:
    """I2, I3: one decision per customer, one outbox row per decision, each in a state that is an end."""
    found: list[str] = []
    decided = {bytes(row[0]) for row in tx.rows("SELECT effect_id FROM verdicts")}
    outbox = {bytes(row[0]): row[1] for row in tx.rows("SELECT effect_id, state FROM outbox")}
    released = {bytes(row[0]) for row in tx.rows("SELECT effect_id FROM verdicts WHERE outcome = 'released'")}
    if len(decided) != CUSTOMERS:
        found.append(f"{len(decided)} messages decided for {CUSTOMERS} customers")
    if set(outbox) != released:
        found.append(f"{len(released)} messages released, {len(outbox)} in the outbox")
    runs = Counter(
        (row[0], row[1]) for row in tx.rows("SELECT profile_id, journey_id FROM run_entries WHERE outcome = 'entered'")
    )
    found += [f"customer {key[0]} entered {key[1]} {count} times" for key, count in runs.items() if count > 1]
    lines = set(tx.rows("SELECT DISTINCT profile_id, run_id FROM run_entries"))
    for lost in lines ^ set(tx.rows("SELECT profile_id, run_id FROM runs")):
        found.append(f"customer {lost[0]} and their run stand only in one of run_entries and runs")
    states = Counter(outbox.values())
    if sum(states.values()) != len(decided):
        found.append(f"states of the outbox sum up to {sum(states.values())}, decided were {len(decided)}")
    found += [f"{count} messages are stuck as {state}" for state, count in states.items() if state not in FINAL]
    return found


def _sending(tx: Session, stage: Stage) -> list[str]:
    """I4: what the server took and what we recorded agree; more than once or in doubt only where it says so."""
    found: list[str] = []
    reported = Counter(
        bytes(row[0]) for row in tx.rows("SELECT cause FROM log WHERE origin = 'feedback' AND name = 'Message Sent'")
    )
    taken = commits(stage) if stage.sink is not None else mailbox(tx)
    rows = tx.rows(
        "SELECT o.effect_id, o.state, o.uncertain, s.state FROM outbox o JOIN states s ON s.profile_id = o.profile_id"
    )
    for effect_id, state, uncertain, _ in rows:
        key = bytes(effect_id)
        count = taken.pop(address_of(tx, key), 0)
        name = f"message {key.hex()[:8]} ({state}, uncertain {uncertain})"
        if count > 1 and not uncertain:
            found.append(f"{name} was taken {count} times without a flag")
        if count > 2:
            found.append(f"{name} was taken {count} times")
        if state == "accepted" and not count:
            found.append(f"{name} was never taken")
        if state in ("withheld", "failed", "postponed"):
            found.append(f"{name} ended so without a reason in the story")
        if state == "held" and not uncertain:
            found.append(f"{name} is held without doubt")
        if reported[key] != (state == "accepted"):
            found.append(f"{name} has {reported[key]} events Message Sent")
    found += [f"{address} got {count} messages that nobody recorded" for address, count in taken.items()]
    return found


def commits(stage: Stage) -> Counter[str]:
    """How many messages the server took, by recipient: every customer of the story has one address and one message."""
    assert stage.sink is not None
    return Counter(message.envelope_to for message in stage.sink.committed)


def message_ids(stage: Stage) -> dict[str, set[str]]:
    """The Message-IDs that each recipient got."""
    assert stage.sink is not None
    found: dict[str, set[str]] = {}
    for message in stage.sink.committed:
        found.setdefault(message.envelope_to, set()).add(str(message_from_bytes(message.data)["Message-ID"]))
    return found


def mailbox(tx: Session) -> Counter[str]:
    """How many messages the local mailbox holds, by recipient."""
    return Counter(row[0] for row in tx.rows("SELECT to_address FROM mailbox"))


def address_of(tx: Session, effect_id: bytes) -> str:
    """The address of the customer for whom this message was decided."""
    rows = tx.rows(
        "SELECT i.value FROM outbox o JOIN identifiers i ON i.profile_id = o.profile_id AND i.kind = 'email' WHERE o.effect_id = ?",
        (effect_id,),
    )
    return str(rows[0][0]) if rows else ""


def _quarantine(tx: Session) -> list[str]:
    customers = tx.rows("SELECT profile_id, detail FROM quarantined_customers")
    events = tx.rows("SELECT code, detail FROM quarantined_events")
    return [f"quarantined: {row}" for row in [*customers, *events]]


def _rebuilt(installation: Installation, folder: Path) -> list[str]:
    """I9: folding the log again gives the same states, memberships, runs, verdicts and effects."""
    target = SqliteStore(folder / "rebuilt.db")
    try:
        migrate(target)
        report = verify(installation.store, target, zone=installation.zone)
    finally:
        target.close()
    return [f"rebuilt otherwise: {difference}" for difference in report.differences]


def states_of_outbox(stage: Stage) -> dict[tuple[str, int], int]:
    """How many messages are in which state, by (state, whether in doubt)."""
    with stage.installation.store.reading() as tx:
        rows = tx.rows("SELECT state, uncertain, count(*) FROM outbox GROUP BY state, uncertain")
    return {(row[0], row[1]): row[2] for row in rows}
