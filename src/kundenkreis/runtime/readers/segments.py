"""Segments read from the store: members, movement, users, and for how many a condition would hold."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from kundenkreis.definitions.definition import Definition, Definitions
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
from kundenkreis.runtime.readers.definition_names import DefinitionNames, NamesInForce
from kundenkreis.runtime.readers.questions import BEGIN, CHUNK, Tally, count_states, read_question, refused
from kundenkreis.segments.errors import DefinitionError
from kundenkreis.site.ports.customers import Named
from kundenkreis.site.ports.segments import DayCount, Estimate, Segment, SegmentLine, UsedBy


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
            try:
                question = read_question(tx, self._installation.rulebooks, condition)
            except DefinitionError as error:
                return refused(error)
            ends = self._monotonic() + budget_ms / 1000
            tally, total, after = Tally(question, at_us=at_us), count_states(tx), BEGIN
            while states := question.stretch(tx, after, self._chunk):
                tally.take(states)
                after = states[-1].profile_id
                if self._monotonic() > ends:
                    break
            return tally.estimate(total, self._names.of(question.version))


def _segments_named(definition: Definition) -> set[str]:
    return {reference.name for reference in definition.references if reference.to == "segment"}


def _users(definitions: Definitions, segment_id: str) -> tuple[UsedBy, ...]:
    names = DefinitionNames([one.document for one in definitions])
    return tuple(
        UsedBy(kind=one.kind, named=names.named(one.kind, one.id))
        for one in definitions
        if segment_id in _segments_named(one)
    )
