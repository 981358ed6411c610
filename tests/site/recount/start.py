"""How each figure of the pages is counted again, straight from log and states. A page's new figures are one function here."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from math import ceil

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import DAY, HOUR
from kundenkreis.runtime.readers.may_contact import ask, lawful_channels, marketing_purposes
from tests.site.recount.past import Past

Recount = Callable[[Past], Mapping[str, int]]
"""What `data-figure` names -> what its `data-value` must be. A figure that is missing here must be 0."""

PERIODS = (7, 30, 90)


def circle(past: Past) -> dict[str, int]:
    """Who is in which phase, by the states."""
    figures: Counter[str] = Counter()
    for state in past.states:
        place = state.decisions.phase
        if place is None:
            continue
        known = "known" if state.profile.known else "anonymous"
        figures[f"circle.{known}.{place.phase}"] += 1
        figures["circle.people"] += state.profile.known
        if place.sub_state and state.profile.known:
            figures[f"circle.sub_state.{place.sub_state}"] += 1
    return figures


def moves(past: Past) -> dict[str, int]:
    """Who moved within a period and is not back, by the log's changes of phase; net change by walking them backwards.

    Several changes at one instant are one move: from where somebody was before it to where they were after it.
    """
    phase_now = {
        state.profile_id: state.decisions.phase.phase for state in past.states if state.decisions.phase is not None
    }
    figures: Counter[str] = Counter()
    for days in PERIODS:
        moved: dict[tuple[str, str], set[int]] = defaultdict(set)
        phase_then = dict(phase_now)
        changes: dict[tuple[int, int], tuple[str, str]] = {}
        for row in past.events("Phase Changed"):
            if row.at_us >= past.since_us(days) and row.profile_id in phase_now:
                key = (row.at_us, row.profile_id)
                first = changes[key][0] if key in changes else str(row.properties["from"])
                changes[key] = (first, str(row.properties["to"]))
        for (_, profile_id), (before, after) in sorted(changes.items(), reverse=True):
            phase_then[profile_id] = before
            if before and phase_now[profile_id] != before:
                moved[before, after].add(profile_id)
        for (before, after), people in moved.items():
            figures[f"circle.move.{days}.{before}.{after}"] = len(people)
        for phase in phase_now.values():
            figures[f"circle.net.{days}.{phase}"] += 1
        for phase in phase_then.values():
            if phase:
                figures[f"circle.net.{days}.{phase}"] -= 1
        for profile_id, phase in phase_now.items():
            for one in {phase, phase_then[profile_id]} - {""} if phase_then[profile_id] != phase else set():
                figures[f"behind.circle.net.{days}.{one}"] += 1
    return figures


def today(past: Past) -> dict[str, int]:
    """People in open situations, by the states; what was set aside is read where it lies."""
    figures: Counter[str] = Counter()
    for state in past.states:
        for situation, held in state.decisions.situations.items():
            if held.keys and situation in ("complaint", "question", "late", "return", "payment_open", "rights_request"):
                figures[f"today.situation:{situation}"] += 1
    figures["today.quarantined_events"] = past.set_aside
    return figures


def reach(past: Past) -> dict[str, int]:
    """The gate's answer for everybody from the phase purchase on; their marketing contacts of 7 days by the verdicts."""
    figures: Counter[str] = Counter()
    contacts = Counter(
        one.profile_id
        for one in past.verdicts
        if one.outcome == "handed_over" and one.message_class == "marketing" and one.at_us >= past.at_us - 7 * DAY
    )
    pressure = []
    for state in past.states:
        place = state.decisions.phase
        if place is None or place.phase in ("attention", "trust"):
            continue
        figures["reach.people"] += 1
        lawful = lawful_channels(past.policy, state, at_us=past.at_us)
        for channel in {"email", "sms"} & set(lawful):
            figures[f"reach.channel.{channel}"] += 1
        if {"email", "sms"} & set(lawful):
            figures["reach.reachable"] += 1
            pressure.append(contacts[state.profile_id])
        elif "letter" in lawful:
            figures["reach.letter"] += 1
        figures.update(_rights(past, state, lawful))
        figures.update(_conversion(past, state))
        if {"email", "sms"} & set(lawful):
            figures[f"pressure.people.{pressure[-1]}"] += 1
            figures["pressure.limit"] += all(
                _is_full(past, state, channel) for channel in {"email", "sms"} & set(lawful)
            )
    pressure.sort()
    if pressure:
        for name, part in (("median", 0.5), ("ninetieth", 0.9)):
            figures[f"pressure.{name}"] = pressure[max(ceil(part * len(pressure)) - 1, 0)]
        figures["pressure.most"] = pressure[-1]
        for name in ("median", "ninetieth", "most"):
            figures[f"behind.pressure.{name}"] = pressure.count(figures[f"pressure.{name}"])
    return figures


def _rights(past: Past, state: CustomerState, lawful: tuple[str, ...]) -> list[str]:
    """What is on record of this person's rights, by when it happened."""
    on_record = [("granted" if one.granted else "withdrawn", one.happened_us) for one in state.consent.grants.values()]
    on_record += [("objected", since_us) for since_us in state.consent.objections.values()]
    on_record += [
        ("bounced", entry[1])
        for entries in state.consent.suppressed.values()
        for entry in entries
        if entry[0] == "hard"
    ]
    express = {one.partition("|")[0] for one, grant in state.consent.grants.items() if grant.granted}
    if "email" in lawful and "email" not in express:
        on_record.append(("granted", state.commerce.first_order_us))
    return [
        f"rights.{days}.{what}"
        for days in PERIODS
        for what in {what for what, at_us in on_record if past.since_us(days) <= at_us <= past.at_us}
    ]


def _conversion(past: Past, state: CustomerState) -> dict[str, int]:
    """Hand-overs in the 14 days on each side of the first order, by the verdicts."""
    first_us = state.commerce.first_order_us
    if not 14 * DAY <= past.at_us - first_us <= 45 * DAY or first_us - state.first_seen_us < 14 * DAY:
        return {}
    mine = [
        one.at_us
        for one in past.verdicts
        if one.outcome == "handed_over"
        and one.message_class == "marketing"
        and past.person_of(one.profile_id) == state.profile_id
    ]
    return {
        "pressure.converted": 1,
        "pressure.before": sum(first_us - 14 * DAY <= at_us < first_us for at_us in mine),
        "pressure.after": sum(first_us <= at_us < first_us + 14 * DAY for at_us in mine),
    }


def _is_full(past: Past, state: CustomerState, channel: str) -> bool:
    """Whether the contact policy would refuse every purpose for a limit that holds for all of them."""
    general = {limit.id for limit in past.policy.limits_on(channel) if not limit.purposes}
    answers = [
        ask(past.policy, state, channel, one, at_us=past.at_us, fences=()) for one in marketing_purposes(past.policy)
    ]
    return all(
        any(reason[0] == "limit" and not reason[1] and reason[2] in general for reason in one.verdict.reasons)
        for one in answers
    )


def _orders_by_person(past: Past) -> dict[int, list[tuple[int, int]]]:
    """(ordered_us, net) of each person's orders that stand, in order."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for profile_id, _, ordered_us, total, refunded, _, status, _ in past.orders:
        if status == "completed":
            found[past.person_of(profile_id)].append((ordered_us, total - refunded))
    return found


def orders(past: Past) -> dict[str, int]:
    """Revenue of 26 weeks by what an order was, and second orders within 90 days of a first one."""
    figures: Counter[str] = Counter()
    day_now = past.zone.day_number(past.at_us)
    first_monday = day_now - past.zone.weekday(past.at_us) - 7 * 25
    buyers: set[tuple[str, int]] = set()
    stays = defaultdict(list)
    for row in past.events("Phase Changed"):
        if row.properties["to"] == "winback":
            stays[row.profile_id].append([row.at_us, NEVER])
        elif row.properties["from"] == "winback":
            stays[row.profile_id][-1][1] = row.at_us
    for person, placed in _orders_by_person(past).items():
        for place, (ordered_us, net) in enumerate(placed):
            relation = "first" if place == 0 else "repeat"
            if place and any(
                begun < ordered_us <= ended and placed[place - 1][0] <= begun for begun, ended in stays[person]
            ):
                relation = "won_back"
            day = past.zone.day_number(ordered_us)
            if day >= first_monday:
                figures[f"revenue.week.{first_monday + (day - first_monday) // 7 * 7}.{relation}"] += net
                figures[f"revenue.{relation.replace('_', '-')}"] += net
                figures["revenue.total"] += net
                week = first_monday + (day - first_monday) // 7 * 7
                buyers |= {(f"revenue.week.{week}.{relation}", person), ("revenue.total", person)}
                buyers.add((f"revenue.{relation.replace('_', '-')}", person))
        first_us = placed[0][0]
        age = day_now - past.zone.day_number(first_us)
        if 90 <= age < 90 + 12 * 30:
            until_day = day_now - 90 - (age - 90) // 30 * 30
            figures[f"second.{until_day}.people"] += 1
            figures[f"second.{until_day}.again"] += len(placed) > 1 and placed[1][0] <= first_us + 90 * DAY
    figures.update(f"behind.{name}" for name, _ in buyers)
    return figures


def fates(past: Past) -> dict[bytes, str]:
    """What became of each message, by its newest verdict, the outbox and the mailbox."""
    held = {bytes(row[0]): (row[1], row[2]) for row in past.outbox}
    newest = {one.effect_id: one for one in past.verdicts}
    found = {}
    for effect_id, one in newest.items():
        state, uncertain = held.get(effect_id, ("", 0))
        if one.outcome in ("withheld", "displaced", "expired", "cancelled") and state not in ("accepted", "held"):
            fate = "withheld"
        elif one.outcome == "failed" or state == "failed":
            fate = "bounced"
        elif state == "held" or (state == "accepted" and uncertain):
            fate = "uncertain"
        elif effect_id in past.kept:
            fate = "delivered"
        else:
            fate = "open" if one.outcome == "handed_over" or state == "accepted" else "waiting"
        found[effect_id] = fate
    return found


def sending(past: Past) -> dict[str, int]:
    """Messages of the last hours by when they were decided first."""
    figures: Counter[str] = Counter()
    became = fates(past)
    for one in past.verdicts:
        for hours in (24, 168):
            if not one.sequence and one.at_us >= past.at_us - hours * HOUR:
                figures[f"sending.{hours}.{one.channel}.{became[one.effect_id]}"] += 1
                figures[f"sending.{hours}.{one.channel}.decided"] += 1
    for one in past.verdicts:
        if (
            not one.sequence
            and one.at_us >= past.at_us - 7 * DAY
            and became[one.effect_id] not in ("withheld", "waiting")
        ):
            for domain in _domains(past, one.profile_id):
                figures[f"sending.domain.{domain}.handed_over"] += 1
    return figures


def _domains(past: Past, profile_id: int) -> list[str]:
    """Where this person's mail is received."""
    person = past.person_of(profile_id)
    state = next(state for state in past.states if state.profile_id == person)
    return [value.partition("@")[2] for kind, value in state.profile.identifiers if kind == "email"]


START: tuple[Recount, ...] = (circle, moves, today, reach, orders, sending)
