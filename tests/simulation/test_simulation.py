"""Lives of the whole runtime, each from one seed; the invariants of checks.py hold after every one."""

from collections import Counter
from pathlib import Path

import pytest

from tests.simulation.__main__ import live

pytestmark = pytest.mark.db

SEEDS = range(200)
CHUNK = 40
FOUND = [
    int(line.split()[0])
    for line in (Path(__file__).parent / "seeds.txt").read_text().splitlines()
    if line[:1].isdigit()
]


@pytest.mark.parametrize("seeds", [SEEDS[start : start + CHUNK] for start in range(0, len(SEEDS), CHUNK)], ids=str)
def test_random_lives(tmp_path: Path, seeds: range) -> None:
    counts: Counter[str] = Counter()
    for seed in seeds:
        found, happened = live(seed, tmp_path)
        counts += happened
        assert found == [], f"seed {seed}: python -m tests.simulation --seeds {seed}"
    # A storm that never blew proves nothing.
    for fault in (
        "deaths",
        "disk",
        "smtp",
        "races",
        "unsubscribed",
        "step_clock",
        "publish",
        "past a withdrawal",
        "taken back",
    ):
        assert counts[fault], fault


@pytest.mark.parametrize("name", ["settle", "outbox.intent"])
def test_it_is_noticed_when_the_disk_is_not_awaited_where_it_should_be(tmp_path: Path, name: str) -> None:
    assert any(live(seed, tmp_path, hasty=[name])[0] for seed in SEEDS)


@pytest.mark.parametrize("seed", FOUND)
def test_a_seed_that_once_found_something(tmp_path: Path, seed: int) -> None:
    assert live(seed, tmp_path)[0] == []


def test_a_life_follows_from_its_seed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = live(3, tmp_path / "a"), live(3, tmp_path / "b")
    assert first == second
    assert first[1]["arrive"] > 0
