"""What the installation itself says, read from its tables: the other side of every comparison."""

import json
from pathlib import Path

from pysqlite3 import dbapi2 as sqlite

from tests.oracle.permission import NEVER


class Stored:
    """The derived tables, read only."""

    def __init__(self, data):
        self._store = sqlite.connect(f"file:{Path(data) / 'kreis.db'}?mode=ro", uri=True)

    def close(self):
        """Let go of the file."""
        self._store.close()

    def intervals(self, profile_id, kind, until_us):
        """(kind, id) -> {from_us: until_us}, as far as it was decided by an instant."""
        found = {}
        for definition_id, from_us, left_us in self._store.execute(
            "SELECT definition_id, from_us, until_us FROM memberships WHERE profile_id = ? AND kind = ?",
            (profile_id, kind),
        ):
            if from_us <= until_us:
                found.setdefault((kind, definition_id), {})[from_us] = left_us if left_us <= until_us else NEVER
        return found

    def was_ever(self, kind):
        """Ids of which anybody ever was a member."""
        rows = self._store.execute("SELECT DISTINCT definition_id FROM memberships WHERE kind = ?", (kind,))
        return {row[0] for row in rows}

    def ledger(self, profile_id, score_id, until_us):
        """Lines of a score as `points.ledger` gives them."""
        return [
            (at_us, rule_id, bytes(cause), milli, balance)
            for at_us, rule_id, cause, milli, balance in self._store.execute(
                "SELECT at_us, rule_id, cause, milli_points, balance FROM score_entries WHERE profile_id = ? AND score_id = ? "
                "AND at_us <= ?",
                (profile_id, score_id, until_us),
            )
        ]

    def verdicts(self, profile_id, until_us):
        """effect id -> [(at_us, outcome, deciding reason, due_us)] in order, and effect id -> (journey, step)."""
        found, named = {}, {}
        for effect_id, at_us, outcome, reasons, due_us, journey, step in self._store.execute(
            "SELECT effect_id, at_us, outcome, reasons, due_us, journey_id, step_id FROM verdicts "
            "WHERE profile_id = ? AND at_us <= ? ORDER BY effect_id, sequence",
            (profile_id, until_us),
        ):
            found.setdefault(bytes(effect_id), []).append((at_us, outcome, json.loads(reasons)[0][0], due_us))
            named[bytes(effect_id)] = (journey, step)
        return found, named

    def paths(self, profile_id, until_us):
        """(journey, run id) -> [(step, outcome, at_us)] in order."""
        found = {}
        for run_id, journey, step, outcome, at_us in self._store.execute(
            "SELECT run_id, journey_id, step_id, outcome, at_us FROM run_entries WHERE profile_id = ? AND at_us <= ? "
            "ORDER BY run_id, sequence",
            (profile_id, until_us),
        ):
            found.setdefault((journey, bytes(run_id)), []).append((step, outcome, at_us))
        return found

    def letters(self, profile_id):
        """Message ids in the local mailbox."""
        return {
            bytes(row[0])
            for row in self._store.execute("SELECT message_id FROM mailbox WHERE profile_id = ?", (profile_id,))
        }
