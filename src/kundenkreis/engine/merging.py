"""Merging two customers, in two messages: the loser surrenders its state, the winner absorbs it.

The resolver appends Merge Requested to the loser's log (it has fixed the direction: the merged one is never merged back). The loser's
fold becomes a forwarder and sends its whole state to the winner's log through the internal inbox; the winner's fold
absorbs it: facts add, runs unite by entry key, consent never widens. Undone by folding apart, because rows keep their original
profile id.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from operator import itemgetter

from kundenkreis.customers.core.commerce import absorb_commerce
from kundenkreis.customers.core.consent import merge_consent
from kundenkreis.customers.core.permission import void_grants
from kundenkreis.customers.core.profile import absorb_profile
from kundenkreis.customers.core.state import MOST_CONTACTS, MOST_RUNS, CustomerState, decode_state, encode_state
from kundenkreis.customers.core.turn import MembershipChange, RunEntry, Turn
from kundenkreis.engine.rulebook import Rulebook, RulebookOf
from kundenkreis.journeys.core.walk import MEASURED
from kundenkreis.kernel.effects import AppendEvent
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import EffectId, Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.segments.core.decisions import adopt
from kundenkreis.segments.core.facts import FactTable, absorb_facts, fold_facts
from kundenkreis.segments.core.scores import absorb_scores
from kundenkreis.segments.core.situations import drop_over

MERGE_REQUESTED = "Merge Requested"
STATE_SURRENDERED = "State Surrendered"


def apply_merge(turn: Turn, rulebook: Rulebook, rulebook_of: RulebookOf, history: Sequence[LogRow]) -> None:
    """Fold a merge row: surrender when this is the loser, absorb when it is the winner.

    Args:
        history: what was folded of the loser, needed only when it surrendered under a rulebook that lacks facts of this one.
    """
    row = turn.row
    assert row is not None
    drop_over(turn)
    if row.name == MERGE_REQUESTED:
        _surrender(turn, winner=int(row.properties["into"]))
    elif row.name == STATE_SURRENDERED:
        loser = decode_state(b64decode(row.properties["state"]))
        lacking = rulebook.decisions.lacking(rulebook_of(loser.rulebook_version).decisions)
        if lacking:
            theirs = {loser.profile_id, *loser.absorbed}
            rows = [one for one in history if one.profile_id in theirs]
            loser.facts |= fold_facts(FactTable(lacking, zone=rulebook.zone), rows)
        _absorb(turn, rulebook, loser)


def joined(winner: CustomerState, loser: CustomerState, rulebook: Rulebook, *, at_us: Micros) -> CustomerState:
    """What the winner would be after absorbing the loser at this instant. Both stay as they are.

    Where the loser was kept under a rulebook with fewer facts, what it lacks counts as never happened; the fold itself reads it up.
    """
    turn = Turn(
        decode_state(encode_state(winner)), at_us, row=None, zone=rulebook.zone, rulebook_version=rulebook.version
    )
    _absorb(turn, rulebook, decode_state(encode_state(loser)))
    return turn.state


def surrendered(row: LogRow) -> CustomerState | None:
    """The state that this row brings to its winner, None if it brings none."""
    if row.type != "merge" or row.name != STATE_SURRENDERED:
        return None
    return decode_state(b64decode(row.properties["state"]))


def forward(state: CustomerState, row: LogRow) -> list[AppendEvent]:
    """A row that reached a forwarder goes on to the customer that absorbed it, with everything it carried."""
    body = dict(row.body)
    if row.links:
        body["links"] = row.links
    return [
        AppendEvent(
            effect_id=EffectId(hash128("forward", row.event_id)),
            profile_id=state.forwarded_to,
            type=row.type,
            name=row.name,
            happened_us=row.happened_us,
            origin=row.origin,
            body=body,
            cause=row.event_id,
            depth=row.depth,
            flags=row.flags,
            actor=row.actor,
            reason=row.reason,
        )
    ]


def _surrender(turn: Turn, *, winner: int) -> None:
    state, row = turn.state, turn.row
    assert row is not None
    for segment in state.decisions.inside:
        turn.records.append(MembershipChange("segment", segment, False, turn.at_us, turn.cause, ["merged"]))
    if state.decisions.phase is not None:
        phase = state.decisions.phase
        turn.records.append(MembershipChange("phase", phase.phase, False, turn.at_us, turn.cause, ["merged"]))
        if phase.sub_state:
            turn.records.append(
                MembershipChange("sub_state", phase.sub_state, False, turn.at_us, turn.cause, ["merged"])
            )
    for kind, situation in state.decisions.situations.items():
        if situation.rests_until_us < 0:
            turn.records.append(MembershipChange("situation", kind, False, turn.at_us, turn.cause, ["merged"]))
    turn.effects.append(
        AppendEvent(
            effect_id=EffectId(hash128("surrender", row.event_id)),
            profile_id=winner,
            type="merge",
            name=STATE_SURRENDERED,
            happened_us=turn.at_us,
            origin="control",
            body={"properties": {"from": state.profile_id, "state": b64encode(encode_state(state)).decode()}},
            cause=row.event_id,
            depth=row.depth + 1,
        )
    )
    state.forwarded_to = winner


def _absorb(turn: Turn, rulebook: Rulebook, loser: CustomerState) -> None:
    winner = turn.state
    absorb_commerce(turn, loser)
    void = void_grants(winner, turn.at_us), void_grants(loser, turn.at_us)
    merge_consent(winner.consent, loser.consent, void=void)
    absorb_facts(rulebook.decisions, winner, loser)
    absorb_profile(winner, loser)
    ended = _unite_runs(turn, loser)
    absorb_scores(rulebook.decisions.scores, turn, loser.decisions.scores)
    _unite_situations(turn, loser)
    _unite_contacts(turn, loser, ended)
    turn.publishing = True
    turn.dirty.update(("merge", "orders", "deliveries", "cart", "consent", "identifier", "seen", "first_seen"))
    turn.dirty.update("attribute:" + name for name in loser.profile.attributes)
    adopt(rulebook.decisions, turn, ())


def _unite_situations(turn: Turn, loser: CustomerState) -> None:
    """A matter that stands open for either stands open; of two that are over the longer rest holds. What rests stands open for nobody."""
    mine = turn.state.decisions.situations
    for kind, theirs in loser.decisions.situations.items():
        held = mine.get(kind)
        was_open = held is not None and held.rests_until_us < 0
        is_open = theirs.rests_until_us < 0
        if is_open and not was_open:
            turn.records.append(MembershipChange("situation", kind, True, turn.at_us, turn.cause, ["merged"]))
        if held is None or (is_open and not was_open):
            mine[kind] = theirs
        elif is_open:
            held.since_us = min(held.since_us, theirs.since_us)
            both = {**theirs.keys, **held.keys}
            held.keys = {key: min(own, theirs.keys.get(key, own), key=itemgetter(0)) for key, own in both.items()}
        elif not was_open:
            held.rests_until_us = max(held.rests_until_us, theirs.rests_until_us)
            held.gentle_until_us = max(held.gentle_until_us, theirs.gentle_until_us)


def _unite_runs(turn: Turn, loser: CustomerState) -> set[bytes]:
    """Runs unite by journey and entry key: the winner's own run goes on, the loser's duplicate ends as merged. A run that has taken its steps, and
    whose goal is only measured, is nobody's duplicate.

    Returns the ids of the runs that ended so.
    """
    winner = turn.state
    held = {(run.journey_id, run.entry_key) for run in winner.runs if run.waiting_for != MEASURED}
    ended: set[bytes] = set()
    for run in loser.runs:
        is_double = run.waiting_for != MEASURED and (run.journey_id, run.entry_key) in held
        if is_double or len(winner.runs) >= MOST_RUNS:
            ended.add(run.run_id)
            entry = RunEntry(
                run.run_id,
                run.sequence,
                run.journey_id,
                run.version,
                run.step_id,
                "exited:merged",
                turn.at_us,
                ["merged"],
            )
            turn.records.append(entry)
        else:
            winner.runs.append(run)
    for journey_id, theirs in loser.journeys.items():
        mine = winner.journeys.get(journey_id)
        if mine is None:
            winner.journeys[journey_id] = theirs
        else:
            mine.entries += theirs.entries
            mine.last_entered_us = max(mine.last_entered_us, theirs.last_entered_us)
            mine.last_exit_us = max(mine.last_exit_us, theirs.last_exit_us)
            mine.keys.extend(key for key in theirs.keys if key not in mine.keys)
    return ended


def _unite_contacts(turn: Turn, loser: CustomerState, ended: set[bytes]) -> None:
    """One person, one budget: contacts and plans of both count together; a pause of either holds.

    What a run had planned that ended with the merge is taken back. If it lies in the outbox, the gate stops it there,
    because its profile is joined into another, and it is not judged again here.
    """
    mine, theirs = turn.state.contact, loser.contact
    mine.contacts = sorted([*mine.contacts, *theirs.contacts], key=lambda c: (c.at_us, c.effect_id))[-MOST_CONTACTS:]
    mine.planned.extend(theirs.planned)
    for planned in theirs.planned:
        if planned.run_id in ended and planned.handed_over:
            planned.valid_until_us = turn.at_us - 1
        elif planned.run_id in ended:
            turn.cancellations.append((planned.effect_id, "exited:merged"))
    if theirs.paused_until_us > mine.paused_until_us:
        mine.paused_until_us, mine.pause_reason = theirs.paused_until_us, theirs.pause_reason
