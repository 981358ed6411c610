"""Segments read from the store: members, movement, users, and how many a condition would hold for.

A condition is asked of states in the order of profile ids, which is how they are stored. A profile id is a hash, so those asked before the
budget ends are a fair sample of everybody.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import sqrt
from typing import Any

from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.kernel.ids import Micros
from kundenkreis.runtime import log
from kundenkreis.runtime.counting.kept import read_kept
from kundenkreis.runtime.counting.segments import (
    FIGURE,
    SHOWN_DAYS,
    SegmentCounts,
    SegmentMoves,
    count_days,
    count_moves,
)
from kundenkreis.runtime.drafts import StoredDrafts
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.publishing import StorePublisher
from kundenkreis.runtime.readers.customer_lines import customer_line
from kundenkreis.runtime.readers.definition_names import DefinitionNames, NamesInForce
from kundenkreis.runtime.rulebooks import newest_version
from kundenkreis.runtime.stores.session import Session
from kundenkreis.segments.core.facts import FactTable, fold_facts
from kundenkreis.segments.core.protocol import Condition, FactSpec
from kundenkreis.segments.core.tree import compile_condition
from kundenkreis.segments.errors import DefinitionError
from kundenkreis.site.ports.customers import Named
from kundenkreis.site.ports.segments import DayCount, Estimate, Segment, SegmentLine, UsedBy

SAMPLE = 8
"""People shown while a condition is edited."""
CHUNK = 500
"""States read at a time: about twenty milliseconds."""
SLOWER = 10
"""Fewer at a time by so much where each person's part of the log is read."""


class StoredSegments:
    """Reads the segments of one installation (site/ports/segments.py: Segments).

    Args:
        monotonic: seconds of a clock that only goes forward; ends an estimate in time.
        chunk: states read at a time; between two of them the clock is looked at.
    """

    def __init__(
        self, installation: Installation, monotonic: Callable[[], float] = time.monotonic, *, chunk: int = CHUNK
    ) -> None:
        self._installation = installation
        self._drafts = StoredDrafts(installation.store)
        self._publisher = StorePublisher(installation)
        self._names = NamesInForce(installation.rulebooks)
        self._monotonic = monotonic
        self._chunk = chunk

    def list_segments(self) -> tuple[SegmentLine, ...]:
        """See ports.Segments."""
        definitions = self._publisher.definitions()
        drafts = {draft.id: draft.document for draft in self._drafts.every("segment")}
        published = definitions.of("segment")
        names = DefinitionNames([*(one.document for one in published.values()), *drafts.values()])
        with self._installation.store.reading() as tx:
            kept = read_kept(tx, FIGURE, SegmentCounts)
            moves = kept.moves if kept is not None else count_moves(tx, at_us=self._installation.clock.now_us())
        none = SegmentMoves()
        used = Counter(name for one in definitions for name in _segments_named(one))
        lines = [
            SegmentLine(
                named=names.named("segment", name), members=moves.get(name, none).members, entered=moves.get(name, none).entered,
                left=moves.get(name, none).left, used_by=used[name], has_draft=name in drafts, is_published=name in published,
            )
            for name in sorted({*published, *drafts})
        ]  # fmt: skip
        return tuple(sorted(lines, key=lambda line: not line.is_published))

    def find_segment(self, segment_id: str) -> Segment | None:
        """See ports.Segments."""
        line = next((line for line in self.list_segments() if line.named.id == segment_id), None)
        if line is None:
            return None
        definitions = self._publisher.definitions()
        held = definitions.of("segment").get(segment_id)
        if held is not None:
            document = dict(held.document)
        else:
            draft = self._drafts.find("segment", segment_id)
            document = dict(draft.document) if draft is not None else {}
        return Segment(
            line=line,
            document=document,
            used_by=_users(definitions, segment_id),
            since_version=self._publisher.version_in_force(),
        )

    def members_by_day(self, segment_id: str, days: int) -> tuple[DayCount, ...]:
        """See ports.Segments."""
        at_us = self._installation.clock.now_us()
        with self._installation.store.reading() as tx:
            kept = read_kept(tx, FIGURE, SegmentCounts) if days == SHOWN_DAYS else None
            moves = kept.days.get(segment_id) if kept is not None else None
            if moves is None:
                moves = count_days(tx, segment_id, days=days, zone=self._installation.zone, at_us=at_us)
        members, found = moves.before, []
        for day in range(moves.first_day, moves.first_day + days):
            came, went = moves.came.get(day, 0), moves.went.get(day, 0)
            members += came - went
            found.append(DayCount(day=day, members=members, entered=came, left=went))
        return tuple(found)

    def choices(self) -> dict[str, tuple[Named, ...]]:
        """See ports.Segments."""
        names = self._names.of(self._installation.rulebooks.newest_version())
        kinds = ("segment", "score", "phase", "sub_state", "situation", "purpose", "trait")
        return {kind: tuple(names.named(kind, one) for one in names.ids.get(kind, ())) for kind in kinds}

    def estimate(self, condition: Any, *, budget_ms: int) -> Estimate:
        """See ports.Segments."""
        at_us = self._installation.clock.now_us()
        with self._installation.store.reading() as tx:
            rulebooks = self._installation.rulebooks
            rulebooks.read(tx)
            version = newest_version(tx)
            rulebook, names = rulebooks(version), self._names.of(version)
            try:
                compiled = compile_condition(
                    condition, zone=rulebook.zone, known=rulebook.decisions.known, kinds=installed_plugins().conditions
                )
            except DefinitionError as error:
                return _nothing(error)
            ends = self._monotonic() + budget_ms / 1000
            return _asked(
                tx, compiled, rulebook, names, at_us=at_us, chunk=self._chunk, is_over=lambda: self._monotonic() > ends
            )


def _nothing(error: DefinitionError) -> Estimate:
    said = f"{error} {error.remedy}".strip()
    return Estimate(people=0, margin=0, of=0, asked=0, is_exact=False, sample=(), mistakes=((error.path, said),))


def _asked(
    tx: Session, condition: Condition, rulebook: Rulebook, names: DefinitionNames, *, at_us: Micros,
    chunk: int, is_over: Callable[[], bool],
) -> Estimate:  # fmt: skip
    kept = rulebook.decisions.facts.by_key
    lacking = [spec for spec in condition.facts if spec.key not in kept or kept[spec.key].size < spec.size]
    total = int(tx.rows("SELECT count(*) FROM states")[0][0])
    read = asked = holding = 0
    sample: list[CustomerState] = []
    for states in _states(tx, lacking, rulebook, chunk):
        read += len(states)
        for state in states:
            if state.forwarded_to:
                continue
            asked += 1
            if condition.answer(state, max(at_us, state.clock_us))[0]:
                holding += 1
                if len(sample) < SAMPLE:
                    sample.append(state)
        if is_over():
            break
    lines = tuple(customer_line(state, names, rulebook.policy, at_us=at_us) for state in sample)
    if read >= total:
        return Estimate(people=holding, margin=0, of=asked, asked=asked, is_exact=True, sample=lines)
    share = read / total
    # Sampling without replacement: the interval closes as the sample nears everybody.
    deviation = sqrt(holding * (1 - holding / max(asked, 1)) * (1 - share)) / share
    return Estimate(
        people=round(holding / share), margin=max(round(1.96 * deviation), 1), of=total, asked=asked, is_exact=False, sample=lines
    )  # fmt: skip


def _states(tx: Session, lacking: Sequence[FactSpec], rulebook: Rulebook, chunk: int) -> Iterator[list[CustomerState]]:
    """All states in chunks, those of merged profiles among them, with the facts folded that the rulebook in force does not keep."""
    table = FactTable(lacking, zone=rulebook.zone) if lacking else None
    listened = {name for spec in lacking for name in spec.names}
    names = None if "*" in listened else listened
    after = -1
    while rows := tx.rows(
        "SELECT profile_id, state FROM states WHERE profile_id > ? ORDER BY profile_id LIMIT ?",
        (after, chunk if table is None else max(chunk // SLOWER, 1)),
    ):
        states = [decode_state(bytes(row[1])) for row in rows]
        if table is not None:
            for state in states:
                owners = [state.profile_id, *state.absorbed]
                history = log.folded_so_far(tx, owners, folded_to=state.folded_to, names=names)
                state.facts = state.facts | fold_facts(table, history)
        yield states
        after = rows[-1][0]


def _segments_named(definition: Definition) -> set[str]:
    return {reference.name for reference in definition.references if reference.to == "segment"}


def _users(definitions: Definitions, segment_id: str) -> tuple[UsedBy, ...]:
    names = DefinitionNames([one.document for one in definitions])
    return tuple(
        UsedBy(kind=one.kind, named=names.named(one.kind, one.id))
        for one in definitions
        if segment_id in _segments_named(one)
    )
