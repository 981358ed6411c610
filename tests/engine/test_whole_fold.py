"""The promise of the whole fold, over random stories: what a log says does not depend on how it is cut or where the process dies.

What exactly is promised:

- *A log* (rows with their numbers and instants) gives the same bytes of everything decided in any batching and after any
  crash: states, memberships, score entries, runs, verdicts, orders, identifiers, the outbox's payloads, derived events.
- *Messages* give the same log and the same decisions in any batching, if (1) timers never run past the arrival of a message
  still to come: a row is folded at max(received_us, the clock), so a worker whose clock has run on dates it later;
  (2) a batch ends behind a merge: the loser's state travels through the internal inbox, and what is resolved in the same batch
  as the merge stands before it in the log, what comes later behind it; (3) a batch ends before the report about a message, because
  nobody hands over what is not committed. Only the numbers of rows differ: derived rows take numbers between batches.
"""

import random
from collections import Counter
from pathlib import Path

import pytest

from kundenkreis.runtime.rebuild import verify
from tests.engine.stories import ZONE, Life, Story, Teller, differences, retell, told

pytestmark = pytest.mark.db

SEEDS = range(20)
CHUNKS = [SEEDS[start : start + 5] for start in range(0, len(SEEDS), 5)]
WAYS = ((0.0, 0.0), (0.6, 0.06), (1.0, 0.06))
"""(how likely a step joins the batch before it, how likely a transaction is lost)."""


def tell(seed: int, folder: Path) -> tuple[Story, Life, int]:
    teller = Teller(seed, folder / f"{seed}.db")
    story, life = teller.tell()
    return story, life, teller.end_us


@pytest.mark.parametrize("seeds", CHUNKS, ids=str)
def test_any_batching_and_any_crash_give_the_same(tmp_path: Path, seeds: range) -> None:
    for seed in seeds:
        story, life, end_us = tell(seed, tmp_path)
        first = told(life)
        assert first["quarantined_customers"] == []
        for number, (joins, dies) in enumerate(WAYS):
            other = Life(tmp_path / f"{seed}-{number}.db")
            retell(story, other, random.Random(f"{seed} {number}"), joins=joins, dies=dies, end_us=end_us)
            assert differences(first, told(other)) == [], f"seed {seed}, way {number}"
            other.close()
        life.close()


@pytest.mark.parametrize("seeds", CHUNKS, ids=str)
def test_a_rebuild_is_equal_to_the_byte(tmp_path: Path, seeds: range) -> None:
    for seed in seeds:
        _, life, _ = tell(seed, tmp_path)
        other = Life(tmp_path / f"{seed}-rebuilt.db")
        report = verify(life.store, other.store, zone=ZONE)
        assert report.differences == [], f"seed {seed}"
        assert report.customers == life.rows("SELECT count(*) FROM states")[0][0]
        other.close()
        life.close()


def test_the_stories_hold_enough_of_everything(tmp_path: Path) -> None:
    marks: Counter[str] = Counter()
    for seed in SEEDS:
        story, life, end_us = tell(seed, tmp_path)
        marks += story.marks
        other = Life(tmp_path / f"{seed}-other.db")
        marks += retell(story, other, random.Random(f"{seed} 1"), joins=0.6, dies=0.06, end_us=end_us)
        life.close()
        other.close()
    shares = {
        **{name: marks[name] / marks["steps"] for name in ("late_rows", "duplicate", "merge_rows", "refund", "publish", "zone", "dst", "tie")},
        **{name: marks[name] / marks["verdicts"] for name in ("cap", "withheld")},
        **{name: marks[name] / marks["batches"] for name in ("outage", "crashes")},
    }  # fmt: skip
    assert {name: share for name, share in shares.items() if share < 0.05} == {}
