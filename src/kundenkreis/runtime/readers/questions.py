"""A condition put to states, one stretch of them after the other.

They are asked in the order of profile ids, which is how they are stored. A profile id is a hash, so those asked before time runs out are a fair
sample of everybody, and whoever comes later stands anywhere.
"""

from math import sqrt
from typing import Any

from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.kernel.ids import Micros
from kundenkreis.runtime import log
from kundenkreis.runtime.readers.customer_lines import customer_line
from kundenkreis.runtime.readers.definition_names import DefinitionNames
from kundenkreis.runtime.rulebooks import Rulebooks, newest_version
from kundenkreis.runtime.stores.session import Session
from kundenkreis.segments.core.facts import FactTable, fold_facts
from kundenkreis.segments.core.tree import compile_condition
from kundenkreis.segments.errors import DefinitionError
from kundenkreis.site.ports.segments import Estimate

SAMPLE = 8
"""People shown while a condition is edited."""
CHUNK = 500
"""States read at a time: about twenty milliseconds."""
SLOWER = 10
"""Fewer at a time by so much where each person's part of the log is read."""
BEGIN = -1
"""Before the first profile id."""


class Question:
    """A condition as the rulebook in force understands it."""

    def __init__(self, condition: Any, rulebook: Rulebook, version: int) -> None:
        self.rulebook = rulebook
        self.version = version
        self.condition = compile_condition(
            condition, zone=rulebook.zone, known=rulebook.decisions.known, kinds=installed_plugins().conditions
        )
        kept = rulebook.decisions.facts.by_key
        lacking = [one for one in self.condition.facts if one.key not in kept or kept[one.key].size < one.size]
        listened = {name for spec in lacking for name in spec.names}
        self._table = FactTable(lacking, zone=rulebook.zone) if lacking else None
        self._names = None if "*" in listened else listened

    def stretch(self, tx: Session, after: int, size: int) -> list[CustomerState]:
        """The next states, those of merged profiles among them, with the facts folded that the rulebook in force does not keep.

        Args:
            after: the last profile id of the stretch before.
            size: how many at most; fewer where each person's part of the log is read.
        """
        rows = tx.rows(
            "SELECT profile_id, state FROM states WHERE profile_id > ? ORDER BY profile_id LIMIT ?",
            (after, size if self._table is None else max(size // SLOWER, 1)),
        )
        states = [decode_state(bytes(row[1])) for row in rows]
        if self._table is not None:
            for state in states:
                owners = [state.profile_id, *state.absorbed]
                history = log.folded_so_far(tx, owners, folded_to=state.folded_to, names=self._names)
                state.facts = state.facts | fold_facts(self._table, history)
        return states


class Tally:
    """Those asked so far, and for whom it holds.

    Args:
        at_us: the instant that is asked about.
    """

    def __init__(self, question: Question, *, at_us: Micros) -> None:
        self._question = question
        self._at_us = at_us
        self.read = self._asked = self._holding = 0
        self._sample: list[CustomerState] = []

    def take(self, states: list[CustomerState]) -> None:
        """Ask these."""
        self.read += len(states)
        for state in states:
            if state.forwarded_to:
                continue
            self._asked += 1
            if self._question.condition.answer(state, max(self._at_us, state.clock_us))[0]:
                self._holding += 1
                if len(self._sample) < SAMPLE:
                    self._sample.append(state)

    def exact(self, names: DefinitionNames) -> Estimate:
        """The count, when everybody has been asked."""
        lines = tuple(
            customer_line(one, names, self._question.rulebook.policy, at_us=self._at_us) for one in self._sample
        )
        return Estimate(people=self._holding, margin=0, of=self._asked, asked=self._asked, is_exact=True, sample=lines)

    def estimate(self, total: int, names: DefinitionNames) -> Estimate:
        """What those asked say of all states there are."""
        found = self.exact(names)
        if self.read >= total:
            return found
        share = self.read / total
        # Sampling without replacement: the interval closes as the sample nears everybody.
        deviation = sqrt(self._holding * (1 - self._holding / max(self._asked, 1)) * (1 - share)) / share
        return Estimate(
            people=round(self._holding / share), margin=max(round(1.96 * deviation), 1), of=total, asked=self._asked,
            is_exact=False, sample=found.sample,
        )  # fmt: skip


def read_question(tx: Session, rulebooks: Rulebooks, condition: Any) -> Question:
    """The condition as the newest rulebook understands it. Raises DefinitionError."""
    rulebooks.read(tx)
    version = newest_version(tx)
    return Question(condition, rulebooks(version), version)


def count_states(tx: Session) -> int:
    """How many states there are, those of merged profiles among them."""
    return int(tx.rows("SELECT count(*) FROM states")[0][0])


def refused(error: DefinitionError) -> Estimate:
    """The answer to a condition that cannot be asked."""
    said = f"{error} {error.remedy}".strip()
    return Estimate(people=0, margin=0, of=0, asked=0, is_exact=False, sample=(), mistakes=((error.path, said),))
