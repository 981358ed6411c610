"""Segments, scores, phase and situations of one customer: what is decided about them, and when it must be asked again.

A definition is asked again only when something it reads changed (turn.dirty) or when the instant at which its answer may flip
(state.decisions.recheck_us) has come. Order within a turn: facts, scores and situations take the event in; then what was touched
is asked in topological order: situations, scores, then segments and phase so that whoever reads another comes after it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from kundenkreis.customers.core.state import CustomerState, Phase, Situation
from kundenkreis.customers.core.turn import MembershipChange, ScoreEntry, Turn
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.conditions.registry import SHIPPED
from kundenkreis.segments.core import scores as scoring
from kundenkreis.segments.core.definitions import (
    PhasesDefinition,
    ScoreDefinition,
    SegmentDefinition,
    SituationDefinition,
    TraitDefinition,
)
from kundenkreis.segments.core.facts import FactTable, fold_facts, shrink
from kundenkreis.segments.core.phases import CompiledPhases, PhaseWalk
from kundenkreis.segments.core.protocol import Condition, ConditionKind, FactSpec, Known, Purpose, Reason
from kundenkreis.segments.core.scores import CompiledScore
from kundenkreis.segments.core.situations import CompiledSituation, drop_over
from kundenkreis.segments.core.traits import BUILT_IN, defined_trait
from kundenkreis.segments.core.tree import compile_condition, deciding
from kundenkreis.segments.errors import DefinitionError, Path


class _Node(Protocol):
    """One definition in the order of decisions."""

    key: str
    """Dirty key: what others read and where its recheck is kept."""
    reads: frozenset[str]

    def settle(self, turn: Turn, *, due: bool) -> bool:
        """Ask it again, record and derive what changed, keep its recheck. Returns whether anything changed."""


class CompiledDecisions:
    """Everything that decides membership, compiled; immutable."""

    __slots__ = (
        "_affected",
        "_all",
        "_by_name",
        "_nodes",
        "facts",
        "known",
        "phases",
        "scores",
        "segments",
        "situations",
        "zone",
    )

    def __init__(
        self,
        *,
        zone: Zone,
        segments: Sequence[SegmentDefinition] = (),
        scores: Sequence[ScoreDefinition] = (),
        phases: PhasesDefinition | None = None,
        situations: Sequence[SituationDefinition] = (),
        traits: Sequence[TraitDefinition] = (),
        purposes: Mapping[str, Purpose] | None = None,
        more_facts: Iterable[FactSpec] = (),
        kinds: Mapping[str, ConditionKind] = SHIPPED,
        home: Zone | None = None,
    ) -> None:
        """Compile.

        Args:
            zone: the installation's zone.
            purposes: purposes of the contact policy and what each may rest on; None: unchecked.
            more_facts: facts that others need kept (conditions of journeys).
            kinds: kinds of conditions by name, those of third parties included.
            home: the zone of people of whom neither zone nor country is known (the brand's); None: `zone`.

        Raises:
            DefinitionError: its path begins with (kind, id) of the document; cycles between definitions are named.
        """
        self.zone = zone
        for kind, listed in (("segment", segments), ("score", scores), ("situation", situations), ("trait", traits)):
            _check_ids(kind, listed)
        for trait in traits:
            _check_trait(trait)
        self.scores = {one.id: CompiledScore(one, zone=zone, path=("score", one.id)) for one in _by_id(scores)}
        self.situations = {
            one.id: CompiledSituation(one, zone=zone, path=("situation", one.id)) for one in _by_id(situations)
        }
        table = phases.phases if phases is not None else ()
        self.known = Known(
            segments=frozenset(one.id for one in segments),
            situations=frozenset(self.situations),
            phases={phase.id: frozenset(sub.id for sub in phase.sub_states) for phase in table},
            multipliers={name: one.multiplier for name, one in self.scores.items()},
            traits={one.id: one for one in traits},
            purposes=purposes,
            home=home,
        )
        self.segments: dict[str, Condition] = {
            one.id: compile_condition(
                one.when, zone=zone, known=self.known, path=("segment", one.id, "when"), kinds=kinds
            )
            for one in _by_id(segments)
        }
        self.phases = None
        if phases is not None:
            self.phases = CompiledPhases(phases, zone=zone, known=self.known, path=("phases", ""), kinds=kinds)
            self.known.walk = PhaseWalk(self.phases)
        self.known.compiled.update({f"segment:{name}": one for name, one in self.segments.items()})
        self.known.compiled.update({one.dirty: one for one in self.situations.values()})
        own = [spec for one in self.segments.values() for spec in one.facts]
        in_phases = self.phases.facts if self.phases is not None else ()
        defined = [spec for one in traits for spec in defined_trait(one).facts]
        self.facts = FactTable((*own, *in_phases, *defined, *more_facts), zone=zone)
        self._nodes = self._ordered()
        self._all = (1 << len(self._nodes)) - 1
        self._affected: dict[str, int] = {}
        for position, node in enumerate(self._nodes):
            for key in sorted(node.reads | {node.key}):
                self._affected[key] = self._affected.get(key, 0) | 1 << position
        self._by_name = self._listeners()

    def observe(self, turn: Turn) -> None:
        """Take the turn's event into facts, scores and situations; nothing is decided yet."""
        if turn.state.decisions.situations:
            drop_over(turn)
        row = turn.row
        if row is None:
            return
        self.facts.observe(turn)
        if row.name == scoring.SCORE_ADDED:
            scoring.score_added(self.scores, turn, row)
        listening = self._by_name.get(row.name)
        if listening is None:
            return
        rules, situations = listening
        if rules:
            scoring.score_event(rules, turn)
        for situation in situations:
            situation.observe(turn, row)

    def decide(self, turn: Turn) -> None:
        """Ask everything that was touched or is due, in order."""
        state = turn.state
        pending = self._all if state.decisions.phase is None else self._touched(turn)
        nodes, affected = self._nodes, self._affected
        recheck_us = state.decisions.recheck_us
        while pending:
            lowest = pending & -pending
            pending ^= lowest
            node = nodes[lowest.bit_length() - 1]
            due = recheck_us.get(node.key, NEVER) <= turn.at_us
            if node.settle(turn, due=due):
                turn.dirty.add(node.key)
                pending |= affected[node.key] & -2 * lowest
        if state.decisions.phase is None:
            state.decisions.phase = Phase("", "", turn.at_us, turn.at_us)

    def decide_all(self, turn: Turn) -> None:
        """Ask everything, touched or not."""
        turn.dirty.update(node.key for node in self._nodes)
        turn.dirty.update(self._affected)
        self.decide(turn)

    def lacking(self, previous: "CompiledDecisions | None") -> tuple[FactSpec, ...]:
        """What a state kept under the previous rulebook does not hold (or not enough of), with the event names it follows from.

        Facts, and for scores and situations that are new a line of kind "score" or "situation" with its id as property.
        """
        new_scores, new_situations = self.news(previous)
        return (
            *self.lacking_facts(previous),
            *(FactSpec(0, "score", (*sorted(one.rules), scoring.SCORE_ADDED), (), one.score_id) for one in new_scores),
            *(FactSpec(0, "situation", tuple(sorted(one.names)), (), one.kind) for one in new_situations),
        )

    def lacking_facts(self, previous: "CompiledDecisions | None") -> tuple[FactSpec, ...]:
        """Facts that the previous rulebook did not keep, or kept fewer of."""
        held = previous.facts.by_key if previous is not None else {}
        return tuple(spec for spec in self.facts.specs if spec.key not in held or held[spec.key].size < spec.size)

    def news(
        self, previous: "CompiledDecisions | None"
    ) -> tuple[tuple[CompiledScore, ...], tuple[CompiledSituation, ...]]:
        """Scores and situations from events that the previous rulebook did not have."""
        scores = previous.scores if previous is not None else {}
        situations = previous.situations if previous is not None else {}
        return (
            tuple(one for name, one in self.scores.items() if name not in scores),
            tuple(one for name, one in self.situations.items() if one.names and name not in situations),
        )

    @property
    def keys(self) -> tuple[str, ...]:
        """Dirty keys of all definitions, in the order in which they are asked."""
        return tuple(node.key for node in self._nodes)

    def reads_below(self, keys: Iterable[str]) -> frozenset[str]:
        """These dirty keys with those of all that the definitions behind them read, at any depth.

        A definition becomes dirty when its answer changes now; what it will answer at a later instant also changes with what it reads.
        """
        reads = {node.key: node.reads for node in self._nodes}
        found: set[str] = set()
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            if key not in found:
                found.add(key)
                waiting.extend(reads.get(key, ()))
        return frozenset(found)

    def _touched(self, turn: Turn) -> int:
        affected, pending = self._affected, 0
        for key in turn.dirty:
            if key in affected:
                pending |= affected[key]
        at_us = turn.at_us
        for key, due_us in turn.state.decisions.recheck_us.items():
            if due_us <= at_us:
                pending |= affected.get(key, 0)
        return pending

    def _ordered(self) -> tuple[_Node, ...]:
        nodes: dict[str, _Node] = {}
        for situation in self.situations.values():
            nodes[situation.dirty] = _SituationNode(situation)
        for score in self.scores.values():
            if score.thresholds:
                nodes[score.dirty] = _ScoreNode(score)
        for name, condition in self.segments.items():
            nodes[f"segment:{name}"] = _SegmentNode(name, condition)
        if self.phases is not None:
            nodes["phase"] = _PhaseNode(self.phases)
        return topological(nodes)

    def _listeners(self) -> dict[str, tuple[tuple[Any, ...], tuple[CompiledSituation, ...]]]:
        rules: dict[str, list[Any]] = {}
        situations: dict[str, list[CompiledSituation]] = {}
        for score in self.scores.values():
            for name, listed in score.rules.items():
                rules.setdefault(name, []).extend(listed)
        for situation in self.situations.values():
            for name in situation.names:
                situations.setdefault(name, []).append(situation)
        names = dict.fromkeys((*rules, *situations))
        return {name: (tuple(rules.get(name, ())), tuple(situations.get(name, ()))) for name in names}


def compile_decisions(
    documents: Iterable[Any],
    *,
    zone: Zone,
    purposes: Mapping[str, Purpose] | None = None,
    more_facts: Iterable[FactSpec] = (),
    kinds: Mapping[str, ConditionKind] = SHIPPED,
    home: Zone | None = None,
) -> CompiledDecisions:
    """Compile typed documents of any order: segments, scores, phases, situations, traits.

    Raises:
        DefinitionError: see CompiledDecisions.
    """
    listed = list(documents)
    circles = [one for one in listed if isinstance(one, PhasesDefinition)]
    if len(circles) > 1:
        raise DefinitionError(("phases", ""), "There is one circle: `phases` stands here twice.")
    return CompiledDecisions(
        zone=zone,
        segments=[one for one in listed if isinstance(one, SegmentDefinition)],
        scores=[one for one in listed if isinstance(one, ScoreDefinition)],
        phases=circles[0] if circles else None,
        situations=[one for one in listed if isinstance(one, SituationDefinition)],
        traits=[one for one in listed if isinstance(one, TraitDefinition)],
        purposes=purposes,
        more_facts=more_facts,
        kinds=kinds,
        home=home,
    )


def observe(decisions: CompiledDecisions, turn: Turn) -> None:
    """Take the turn's event into facts, scores and situations."""
    decisions.observe(turn)


def decide(decisions: CompiledDecisions, turn: Turn) -> None:
    """Decide what the turn touched: situations, scores, segments, phase.

    Effects, in this order: state.decisions; turn.records (MembershipChange, ScoreEntry); turn.derived (Situation Began, Situation
    Ended, Score Crossed, Segment Entered, Segment Left, Phase Changed, Sub-State Changed); turn.dirty.
    """
    decisions.decide(turn)


def next_us(decisions: CompiledDecisions, state: CustomerState) -> Micros:
    """The earliest instant at which one of these answers flips without an event; NEVER if none does."""
    return min(state.decisions.recheck_us.values(), default=NEVER)


def adopt(
    decisions: CompiledDecisions,
    turn: Turn,
    history: Sequence[LogRow] = (),
    *,
    previous: CompiledDecisions | None = None,
) -> None:
    """A new rulebook became valid for this customer: everything is asked, and what changes is marked as publishing.

    Args:
        history: the customer's own log rows up to here, needed only when `decisions.lacking(previous)` is not empty.
        previous: the rulebook under which the state was kept; without it facts absent from the state are folded from history.
    """
    turn.publishing = True
    state = turn.state
    _adopt_facts(decisions, state, history, previous, today=turn.day)
    _drop_deleted(decisions, turn)
    if previous is not None:
        _decay_so_far(decisions, turn, previous)
    if history and previous is not None:
        _begin_with_history(decisions, turn, history, previous)
    decisions.decide_all(turn)


def _adopt_facts(
    decisions: CompiledDecisions,
    state: CustomerState,
    history: Sequence[LogRow],
    previous: CompiledDecisions | None,
    *,
    today: int,
) -> None:
    table = decisions.facts
    if history:
        lacking = [
            spec for spec in decisions.lacking_facts(previous) if previous is not None or spec.key not in state.facts
        ]
        folded = fold_facts(FactTable(lacking, zone=table.zone), history)
    else:
        folded = {}
    kept = {key: value for key, value in state.facts.items() if key in table.by_key} | folded
    state.facts = {key: shrink(table.by_key[key], kept[key], today) for key in sorted(kept)}


def _decay_so_far(decisions: CompiledDecisions, turn: Turn, previous: CompiledDecisions) -> None:
    """Days until now decay by the half-life that held on them, whenever the score was last touched."""
    for name, held in turn.state.decisions.scores.items():
        before = previous.scores.get(name)
        if before is not None and before.multiplier != decisions.scores[name].multiplier:
            held.milli_points, held.day = scoring.balance(held, turn.day, before.multiplier), turn.day


def _begin_with_history(
    decisions: CompiledDecisions, turn: Turn, history: Sequence[LogRow], previous: CompiledDecisions
) -> None:
    """New scores and situations begin as if they had always been there; a score's ledger says so in one line."""
    scores, situations = decisions.news(previous)
    if not scores and not situations:
        return
    state = turn.state
    past = CustomerState(state.profile_id, state.bucket_key, state.created_us, state.first_seen_us)
    by_id = {one.score_id: one for one in scores}
    for row in history:
        then = Turn(past, row.at_us, row=row, zone=decisions.zone, rulebook_version=turn.rulebook_version)
        for situation in situations:
            if row.name in situation.names:
                situation.let_time_pass(then)
                situation.observe(then, row)
                situation.settle(then)
        for score in scores:
            scoring.score_event(tuple(score.rules.get(row.name, ())), then)
        if row.name == scoring.SCORE_ADDED:
            scoring.score_added(by_id, then, row)
    for name, score in by_id.items():
        if name in past.decisions.scores:
            held = state.decisions.scores[name] = past.decisions.scores[name]
            balance = scoring.balance(held, turn.day, score.multiplier)
            if balance:
                turn.records.append(ScoreEntry(name, turn.at_us, balance, scoring.HISTORY, turn.cause, balance))
    now = Turn(past, turn.at_us, row=None, zone=decisions.zone, rulebook_version=turn.rulebook_version)
    for situation in situations:
        situation.let_time_pass(now)
        known = past.decisions.situations.get(situation.kind)
        if known is not None:  # what is open begins to stand now, what rests goes on resting
            state.decisions.situations[situation.kind] = Situation(-1, known.keys) if known.keys else known


def _drop_deleted(decisions: CompiledDecisions, turn: Turn) -> None:
    held = turn.state.decisions
    for segment in [one for one in held.inside if one not in decisions.segments]:
        del held.inside[segment]
        _record(turn, "segment", segment, entered=False, reason=_deleted("segment", segment))
    for kind in [one for one in held.situations if one not in decisions.situations]:
        open_before = held.situations.pop(kind).rests_until_us < 0
        if open_before:
            _record(turn, "situation", kind, entered=False, reason=_deleted("situation", kind))
    for name in [one for one in held.scores if one not in decisions.scores]:
        del held.scores[name]
    for name, score in held.scores.items():
        rules = {rule.rule_id for listed in decisions.scores[name].rules.values() for rule in listed}
        score.caps = {rule: window for rule, window in score.caps.items() if rule in rules}
    held.recheck_us = {key: at_us for key, at_us in held.recheck_us.items() if key in decisions.keys}


def _deleted(kind: str, definition_id: str) -> Reason:
    return Reason(kind, False, {"id": definition_id}, {"deleted": True}, [], NEVER)


class _SegmentNode:
    """A segment in the order of decisions."""

    __slots__ = ("_condition", "_id", "key", "reads")

    def __init__(self, segment_id: str, condition: Condition) -> None:
        self._id, self._condition = segment_id, condition
        self.key, self.reads = f"segment:{segment_id}", condition.reads

    def settle(self, turn: Turn, *, due: bool) -> bool:
        state, at_us = turn.state, turn.at_us
        holds, flips_us = self._condition.answer(state, at_us)
        _keep_recheck(state, self.key, flips_us)
        inside = state.decisions.inside
        if holds is (self._id in inside):
            return False
        if holds:
            inside[self._id] = at_us
        else:
            del inside[self._id]
        _record(turn, "segment", self._id, entered=holds, reason=self._condition.explain(state, at_us))
        name = "Segment Entered" if holds else "Segment Left"
        turn.derive(name, {"segment": self._id, "key": self._id})
        return True


class _SituationNode:
    """A situation in the order of decisions."""

    __slots__ = ("_situation", "key", "reads")

    def __init__(self, situation: CompiledSituation) -> None:
        self._situation = situation
        self.key = situation.dirty
        self.reads = situation.reads | {"situation-event:" + situation.kind}

    def settle(self, turn: Turn, *, due: bool) -> bool:
        changed = self._situation.settle(turn)
        _keep_recheck(turn.state, self.key, self._situation.next_us(turn.state, turn.at_us))
        return changed


class _ScoreNode:
    """A score in the order of decisions: tells the thresholds that decay crosses."""

    __slots__ = ("_score", "key", "reads")

    def __init__(self, score: CompiledScore) -> None:
        self._score = score
        self.key = score.dirty
        self.reads: frozenset[str] = frozenset()

    def settle(self, turn: Turn, *, due: bool) -> bool:
        if due:
            self._score.tell_decay(turn)
        _keep_recheck(turn.state, self.key, self._score.next_us(turn.state, turn.day))
        return due


class _PhaseNode:
    """The phase in the order of decisions."""

    __slots__ = ("_phases", "key", "reads")

    def __init__(self, phases: CompiledPhases) -> None:
        self._phases = phases
        self.key, self.reads = "phase", phases.reads

    def settle(self, turn: Turn, *, due: bool) -> bool:
        state, at_us = turn.state, turn.at_us
        held = state.decisions.phase
        place, changes_us = self._phases.place(state, at_us, present=held.phase if held is not None else "")
        _keep_recheck(state, "phase", changes_us)
        old_phase, old_sub = (held.phase, held.sub_state) if held is not None else ("", "")
        if place == (old_phase, old_sub):
            return False
        moved = place.phase != old_phase
        since_us = at_us if moved or held is None else held.since_us
        state.decisions.phase = Phase(place.phase, place.sub_state, since_us, at_us)
        phase_reason, sub_reason = self._phases.explain(state, at_us, place=place)
        if old_sub and (moved or old_sub != place.sub_state):
            _record(turn, "sub_state", old_sub, entered=False, reason=sub_reason)
        if moved:
            if old_phase:
                _record(turn, "phase", old_phase, entered=False, reason=phase_reason)
            _record(turn, "phase", place.phase, entered=True, reason=phase_reason)
        if place.sub_state and (moved or old_sub != place.sub_state):
            _record(turn, "sub_state", place.sub_state, entered=True, reason=sub_reason)
        if moved:
            properties = {"from": old_phase, "to": place.phase, "from_sub_state": old_sub, "sub_state": place.sub_state}
            turn.derive("Phase Changed", {**properties, "key": place.phase})
        else:
            properties = {"phase": place.phase, "from": old_sub, "to": place.sub_state}
            turn.derive("Sub-State Changed", {**properties, "key": place.sub_state})
        return True


def topological(nodes: Mapping[str, _Node]) -> tuple[_Node, ...]:
    """The nodes in the given order, each after those it reads.

    Raises:
        DefinitionError: they read each other in a circle; the message names it.
    """
    done: dict[str, _Node] = {}
    walking: list[str] = []

    def visit(key: str) -> None:
        if key in done:
            return
        if key in walking:
            circle = " -> ".join([*walking[walking.index(key) :], key])
            raise DefinitionError(
                _document_path(key),
                f"These definitions read each other in a circle: {circle}.",
                remedy="Take one of the references out.",
                slug="cycle",
            )
        walking.append(key)
        for read in sorted(nodes[key].reads):
            if read in nodes:
                visit(read)
        walking.pop()
        done[key] = nodes[key]

    for key in nodes:
        visit(key)
    return tuple(done.values())


def _document_path(key: str) -> Path:
    kind, _, name = key.partition(":")
    return (kind, name) if name else ("phases", "")


def _keep_recheck(state: CustomerState, key: str, flips_us: Micros) -> None:
    recheck_us = state.decisions.recheck_us
    if flips_us == NEVER:
        recheck_us.pop(key, None)
    else:
        recheck_us[key] = flips_us


def _record(turn: Turn, kind: str, definition_id: str, *, entered: bool, reason: Reason | None) -> None:
    plain = msgspec.to_builtins(deciding(reason)) if reason is not None else []
    turn.records.append(MembershipChange(kind, definition_id, entered, turn.at_us, turn.cause, plain, turn.publishing))


def _by_id(listed: Sequence[Any]) -> list[Any]:
    return sorted(listed, key=lambda one: one.id)


def _check_ids(kind: str, listed: Sequence[Any]) -> None:
    seen: set[str] = set()
    for one in listed:
        if one.id in seen:
            raise DefinitionError((kind, one.id, "id"), f"There are two of kind {kind} with the id `{one.id}`.")
        seen.add(one.id)


def _check_trait(trait: TraitDefinition) -> None:
    if trait.id in BUILT_IN:
        raise DefinitionError(
            ("trait", trait.id, "id"), f"`{trait.id}` is a built-in trait.", remedy="Choose another id."
        )
    try:
        defined_trait(trait)
    except DefinitionError as error:
        raise error.under("trait", trait.id) from None
