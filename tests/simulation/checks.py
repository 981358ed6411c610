"""What must hold after every life (trust: invariants), each check by its own counting."""

from collections import Counter, defaultdict
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from kundenkreis.channels.core.claims import FINAL
from kundenkreis.customers.core.state import decode_state
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.hashing import event_id_of
from kundenkreis.kernel.zones import HOUR, MINUTE, SECOND, to_datetime
from kundenkreis.runtime.rebuild import verify
from kundenkreis.runtime.stores.sqlite import SqliteStore
from tests.engine.stories import ZONE
from tests.simulation.simulation import Simulation

ENDED = {"handed_over", "failed", "withheld", "expired", "cancelled"}


def violations(sim: Simulation, folder: Path) -> list[str]:
    """Everything that should not be, in words."""
    found: list[str] = []
    for check in (
        taken_in_once,
        decided_once,
        handed_over_once,
        never_after_withdrawal,
        never_past_unheard,
        in_quiet_hours,
        caps,
        drained,
        sums,
        one_person,
        known_fate,
    ):
        found += [f"{check.__name__}: {what}" for what in check(sim)]
    return found + [f"rebuild: {what}" for what in rebuilt(sim, folder)]


def taken_in_once(sim: Simulation) -> list[str]:
    """I1: every acknowledged event stands once in the log, or in the quarantine if it is malformed."""
    counted = Counter(bytes(row[0]) for row in sim.rows("SELECT event_id FROM log"))
    malformed = sim.rows("SELECT source, raw FROM quarantined_events WHERE code <> 'loop'")
    quarantined = Counter((source, str(msgspec.json.decode(raw).get("messageId"))) for source, raw in malformed)
    found = [f"event {event_id.hex()} {count} times" for event_id, count in counted.items() if count > 1]
    found += [f"{one} quarantined {count} times" for one, count in quarantined.items() if count > sim.tried[one]]
    for source, message_id in sorted(sim.acknowledged):
        if event_id_of(source, message_id) not in counted and (source, message_id) not in quarantined:
            found.append(f"{message_id} was acknowledged and is lost")
    return found


def decided_once(sim: Simulation) -> list[str]:
    """I2: a message is released once, and once more for each time the gate sent it back."""
    back: Counter[str] = Counter()
    for (body,) in sim.rows(
        "SELECT body FROM log WHERE origin = 'feedback' AND name IN ('Message Postponed', 'Message Withheld')"
    ):
        back[msgspec.json.decode(body)["properties"]["message_id"]] += 1
    released = Counter(
        bytes(row[0]).hex() for row in sim.rows("SELECT effect_id FROM verdicts WHERE outcome = 'released'")
    )
    found = [f"{one} released {n} times, sent back {back[one]}" for one, n in released.items() if n > 1 + back[one]]
    in_outbox = {bytes(row[0]).hex() for row in sim.rows("SELECT effect_id FROM outbox")}
    return found + [f"{one} released or queued, not both" for one in in_outbox ^ set(released)]


def handed_over_once(sim: Simulation) -> list[str]:
    """I4: the server has each message at most once, except where its fate was unknown, and that is flagged."""
    commits = Counter(commit.effect_id for commit in sim.server.commits)
    found = []
    for effect_id, state, uncertain, payload in sim.rows("SELECT effect_id, state, uncertain, payload FROM outbox"):
        message, count = msgspec.msgpack.decode(payload, type=SendMessage), commits[bytes(effect_id)]
        name = f"{message.message_class} {bytes(effect_id).hex()} {state} uncertain={uncertain} commits={count}"
        if count > 1 + uncertain or (message.message_class == "marketing" and count > 1):
            found.append(f"twice: {name}")
        if state == "accepted" and not count:
            found.append(f"never: {name}")
        if state in ("withheld", "failed", "postponed", "queued") and count and not uncertain:
            found.append(f"sent but not said: {name}")
    return found


def never_after_withdrawal(sim: Simulation) -> list[str]:
    """I5: no intent later than an acknowledged withdrawal of this person, unless a confirmation acknowledged after the
    withdrawal came before the message was released.
    """
    found = []
    releases: dict[bytes, list[int]] = defaultdict(list)
    for (effect_id, _), number in sim.released.items():
        releases[effect_id].append(number)
    owners = dict(sim.rows("SELECT event_id, profile_id FROM log WHERE name = 'Consent Confirmed'"))
    confirmed = [(number, owners[event_id]) for event_id, number in sim.confirmed.items() if event_id in owners]
    for one in sim.intents:
        released = max((number for number in releases[one.message.effect_id] if number < one.number), default=0)
        again = [number for number, profile_id in confirmed if profile_id in one.person]
        for number, profile_id, scope in sim.withdrawn:
            if profile_id not in one.person or number > one.number or not _is_about(scope, one.message):
                continue
            if one.message.purpose == "news" and any(number < came < released for came in again):
                sim.counts["past a withdrawal"] += 1
                continue
            found.append(f"{one.message.effect_id.hex()} at {to_datetime(one.wall_us)} past {scope}")
    return found


def never_past_unheard(sim: Simulation) -> list[str]:
    """No intent while something that the person has forbidden through the tracking API waits to be folded."""
    return sim.past_unheard


def _is_about(scope: str, message: SendMessage) -> bool:
    """All marketing, or everything that is not transactional for one purpose by e-mail."""
    if scope == "marketing":
        return message.message_class == "marketing"
    return message.message_class != "transactional" and scope == f"purpose/{message.purpose}/email"


def in_quiet_hours(sim: Simulation) -> list[str]:
    """I7: the gate lets no marketing out at night, except within half an hour of an act that it answers."""
    found = []
    for message, at_us, zone, last_seen_us in sim.allowed:
        local = to_datetime(at_us).astimezone(ZoneInfo(zone))
        if message.message_class == "marketing" and not 7 <= local.hour < 21 and at_us - last_seen_us > 30 * MINUTE:
            found.append(f"{message.content_id} at {local}")
    return found


def caps(sim: Simulation) -> list[str]:
    """I7: one marketing mail in 24 hours, three in 168, per profile, as the mail server counts."""
    found = []
    class_of = {one.message.effect_id: one.message for one in sim.intents}
    times: dict[int, dict[bytes, int]] = defaultdict(dict)
    for commit in sim.server.commits:
        message = class_of[commit.effect_id]
        if message.message_class == "marketing":
            times[message.profile_id].setdefault(commit.effect_id, commit.wall_us)
    for profile_id, by_effect in times.items():
        ordered = sorted(by_effect.values())
        for at_most, hours in ((1, 24), (3, 168)):
            for first, last in zip(ordered, ordered[at_most:], strict=False):
                if last - first < hours * HOUR - MINUTE:
                    found.append(f"{profile_id}: {at_most + 1} mails within {(last - first) / HOUR:.2f} h of {hours} h")
    return found


def drained(sim: Simulation) -> list[str]:
    """I3, I12: nothing is left that could be done now; nobody is in quarantine."""
    found = [
        f"customer quarantined: {row[0]} {row[1][-600:]}"
        for row in sim.rows("SELECT code, detail FROM quarantined_customers")
    ]
    waiting = sim.rows("SELECT state, next_try_us FROM outbox WHERE state IN ('queued', 'claimed', 'intent')")
    found += [f"outbox {state} {next_us}" for state, next_us in waiting if next_us < sim.now_us() - SECOND]
    states = {row[0] for row in sim.rows("SELECT DISTINCT state FROM outbox")}
    found += [f"strange state {state}" for state in states - {*FINAL, "queued", "claimed", "intent"}]
    newest = dict(sim.rows("SELECT partition, max(number) FROM log WHERE type = 'control' GROUP BY partition"))
    behind = [
        row[0] for row in sim.rows("SELECT profile_id, partition, control_to FROM states") if row[2] < newest[row[1]]
    ]
    found += [f"the newest rulebook never reached {profile_id}" for profile_id in behind]
    found += [f"{row[0]} relays wait" for row in sim.rows("SELECT count(*) FROM internal_inbox") if row[0]]
    return found


def sums(sim: Simulation) -> list[str]:
    """I11: counters in states equal a recount of rows."""
    states = [decode_state(bytes(row[0])) for row in sim.rows("SELECT state FROM states")]
    alive = [state for state in states if not state.forwarded_to]
    counted = sum(state.commerce.order_count for state in alive)
    orders = sim.rows("SELECT count(*) FROM orders WHERE status = 'completed'")[0][0]
    found = [] if counted == orders else [f"{counted} orders in states, {orders} in rows"]
    for state in alive:
        inside = sorted(state.decisions.inside)
        rows = sim.rows(
            "SELECT definition_id FROM memberships WHERE profile_id = ? AND kind = 'segment' AND until_us > 4e18 ORDER BY 1",
            state.profile_id,
        )
        if inside != [row[0] for row in rows]:
            found.append(f"{state.profile_id} is in {inside}, memberships say {rows}")
    for loser, winner in sim.rows("SELECT loser, winner FROM merges"):
        owner = [state for state in alive if loser in state.absorbed]
        if len(owner) != 1:
            found.append(f"{loser} was merged into {winner} and belongs to {[one.profile_id for one in owner]}")
    return found


def one_person(sim: Simulation) -> list[str]:
    """Whoever names a user id or device is found by it: each row belongs to the person to whom its identifiers lead."""
    winner_of = dict(sim.rows("SELECT loser, winner FROM merges"))
    holder = {
        (kind, value): profile_id
        for kind, value, profile_id in sim.rows("SELECT kind, value, profile_id FROM identifiers")
    }
    found = [f"{pair} leads to {one}, who was merged away" for pair, one in holder.items() if one in winner_of]
    for profile_id, body in sim.rows(
        "SELECT profile_id, body FROM log WHERE source IN ('shop', 'web') AND type <> 'merge'"
    ):
        said, person = msgspec.json.decode(body), profile_id
        while person in winner_of:
            person = winner_of[person]
        kind, name = ("user_id", "userId") if "userId" in said else ("anonymous_id", "anonymousId")
        if holder.get((kind, said[name])) != person:
            found.append(
                f"{said['messageId']} of {said[name]} belongs to {person}, not {holder.get((kind, said[name]))}"
            )
    return found


def known_fate(sim: Simulation) -> list[str]:
    """No message whose fate is unknown: every one decided is planned still, or its last verdict is an end."""
    planned = {
        one.effect_id
        for (data,) in sim.rows("SELECT state FROM states")
        if not (state := decode_state(bytes(data))).forwarded_to
        for one in state.contact.planned
    }
    last: dict[bytes, str] = {}
    for effect_id, outcome in sim.rows("SELECT effect_id, outcome FROM verdicts ORDER BY sequence"):
        last[bytes(effect_id)] = outcome
    return [
        f"{one.hex()} ends as {outcome}" for one, outcome in last.items() if outcome not in ENDED and one not in planned
    ]


def rebuilt(sim: Simulation, folder: Path) -> list[str]:
    """I9: the log folded again gives the same bytes."""
    path = folder / f"rebuilt-{sim.seed}.db"
    path.write_bytes((folder / "empty.db").read_bytes())
    store = SqliteStore(path, is_durable=False, cache_mebibytes=4)
    report = verify(sim.store, store, zone=ZONE)
    store.close()
    path.unlink()
    return [str(one) for one in report.differences[:5]]
