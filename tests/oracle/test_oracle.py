"""A small demo, answered twice: by the installation, and by an oracle that shares nothing with it but log and YAML."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from tests.oracle.__main__ import PLAYBOOKS, main
from tests.oracle.asking import KINDS, Report, ask
from tests.oracle.explained import Explained
from tests.oracle.history import read
from tests.oracle.stored import Stored
from tests.oracle.village import Village

pytestmark = [pytest.mark.db, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
SEED = "7"
CUSTOMERS = 20


def load_demo(folder: Path, *, households: int, source: Path) -> None:
    """A demo of few households, loaded as `kreis demo` loads it."""
    command = [sys.executable, "-m", "kundenkreis.cli.main", "demo", "--load-only", "--households", str(households)]
    environment = {**os.environ, "KREIS_DATA_DIR": str(folder), "PYTHONPATH": str(source)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with the shipped definitions."""
    folder = tmp_path_factory.mktemp("oracle")
    load_demo(folder, households=20, source=ROOT / "src")
    return folder


def test_the_oracle_knows_nothing_of_the_package() -> None:
    """Its own files import no module of Kundenkreis; `explained.py` and `village.py` are the other side."""
    other_side = ("explained.py", "village.py")
    files = [path for path in sorted(Path(__file__).parent.glob("*.py")) if path.name not in other_side]
    package = "kunden" + "kreis"
    lines = [line for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if line.strip().startswith((f"import {package}", f"from {package}"))] == []


def test_clocks_are_those_of_the_locked_package() -> None:
    """Since 2026 the clocks of Vancouver stay as they are in summer; many machines have not heard of it."""
    code = "from tests.oracle.local_time import instant; print(instant(20_774, 600, 'America/Vancouver'))"
    asked = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert asked.stdout == "1794934800000000\n"


def agree(reports: Sequence[Report]) -> None:
    """Both gave the same answer to every question."""
    assert [line for report in reports for line in report.disagreements] == []
    assert [report.not_covered for report in reports] == [{}] * len(KINDS)


def test_both_say_the_same(data: Path) -> None:
    installation = read(data, [PLAYBOOKS])
    stored = Stored(data)
    reports = ask(installation, stored, seed=SEED, customers=CUSTOMERS)
    stored.close()
    assert [line for report in reports for line in report.disagreements] == []
    assert [report.kind for report in reports] == list(KINDS)
    assert all(report.positive > CUSTOMERS // 2 for report in reports)


def test_both_say_the_same_of_other_definitions(tmp_path: Path) -> None:
    """Conditions, traits, goals and steps that the shipped definitions do not use, through a year of eight households."""
    shutil.copytree(ROOT / "src" / "kundenkreis", tmp_path / "src" / "kundenkreis")
    playbooks = tmp_path / "src" / "kundenkreis" / "playbooks"
    shutil.copy(Path(__file__).parent / "more_definitions.yaml", playbooks / "base" / "more.yaml")
    load_demo(tmp_path / "data", households=8, source=tmp_path / "src")
    stored = Stored(tmp_path / "data")
    reports = ask(read(tmp_path / "data", [playbooks]), stored, seed=SEED, customers=30)
    assert stored.was_ever("segment") >= {"either_way", "lukewarm", "became_lukewarm", "by_traits", "was_tried"}
    stored.close()
    agree(reports)


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Path]]:
    """(data directory, folders of the three rulebooks) of some weeks in which everything happens that the demo has not."""
    folder = tmp_path_factory.mktemp("village")
    return folder / "data", Village(folder, SEED, people=16, days=60).live()


def test_both_say_the_same_of_a_village(village: tuple[Path, list[Path]]) -> None:
    """Three rulebooks one after the other, other classes of messages, suppressions, waiting, pushing out, starting over, schedules,
    broadcasts, dates that come once and broken promises; at the end, as the tables tell it.
    """
    data, editions = village
    stored = Stored(data)
    reports = ask(read(data, editions), stored, seed=SEED, customers=16)
    stored.close()
    agree(reports)
    assert [report.positive > report.compared // 2 for report in reports] == [True] * 4


def test_explain_says_the_same_of_a_village(village: tuple[Path, list[Path]]) -> None:
    """At the end and at instants in between, under whichever rulebook was in force then; why-not included."""
    data, editions = village
    explained = Explained(data)
    reports = ask(read(data, editions), explained, seed=SEED, customers=3)
    explained.close()
    agree(reports)


@pytest.mark.parametrize(
    ("least", "question"),
    [
        # Yes and no of what each kind of question decides, over everybody who lived in the village.
        (60, "SELECT count(*) FROM verdicts WHERE outcome = 'released' AND message_class = 'transactional'"),
        (5, "SELECT count(*) FROM verdicts WHERE outcome = 'withheld' AND message_class = 'transactional'"),
        (40, "SELECT count(*) FROM verdicts WHERE outcome = 'released' AND message_class = 'service'"),
        (10, "SELECT count(*) FROM verdicts WHERE outcome = 'withheld' AND message_class = 'service'"),
        (20, "SELECT count(*) FROM verdicts WHERE reasons LIKE '[[\"suppressed\"%'"),
        (3, "SELECT count(*) FROM verdicts WHERE reasons LIKE '[[\"basis\",true,\"existing_customer\"%'"),
        (2, "SELECT count(*) FROM verdicts WHERE reasons LIKE '[[\"basis\",true,\"requested\"%' AND message_class = 'marketing'"),
        (20, "SELECT count(*) FROM verdicts WHERE outcome = 'expired'"),
        (5, "SELECT count(*) FROM verdicts WHERE reasons LIKE '[[\"sunday\",false%'"),
        (20, "SELECT count(*) FROM verdicts WHERE reasons LIKE '%[\"holiday\",false%'"),
        (3, "SELECT count(*) FROM verdicts WHERE reasons LIKE '[[\"situation\",false,\"trouble\"%'"),
        (5, "SELECT count(*) FROM verdicts v JOIN verdicts w USING (effect_id) WHERE v.outcome = 'withheld' AND w.outcome = 'released'"),
        (2, "SELECT count(*) FROM verdicts WHERE outcome = 'displaced'"),
        (10, "SELECT count(*) FROM verdicts WHERE outcome = 'cancelled'"),
        (10, "SELECT count(*) FROM run_entries WHERE outcome = 'exited:restarted'"),
        (20, "SELECT count(*) FROM run_entries WHERE outcome = 'exited:exit_when' AND journey_id = 'cart'"),
        (5, "SELECT count(*) FROM run_entries e JOIN run_entries o USING (profile_id, journey_id) JOIN run_entries l ON l.run_id = o.run_id "
            "WHERE e.journey_id = 'cart' AND e.outcome = 'exited:exit_when' AND o.outcome = 'entered' AND o.run_id <> e.run_id "
            "AND o.at_us < e.at_us AND l.at_us > e.at_us"),
        (40, "SELECT count(*) FROM run_entries WHERE outcome = 'entered' AND journey_id IN ('weekly', 'monthly', 'daily')"),
        (20, "SELECT count(*) FROM run_entries WHERE outcome = 'entered' AND journey_id = 'mailing'"),
        (5, "SELECT count(*) FROM run_entries WHERE outcome = 'entered' AND journey_id = 'renewal'"),
        (20, "SELECT count(*) FROM run_entries r JOIN rulebooks b ON b.version = 2 WHERE journey_id IN ('regard', 'stroll') AND r.at_us > b.published_us "
             "AND step_id <> ''"),
        (20, "SELECT count(*) FROM memberships WHERE definition_id = 'overdue'"),
        (10, "SELECT count(*) FROM memberships WHERE definition_id = 'waiting_long' AND until_us < 1 << 62"),
        (5, "SELECT count(*) FROM score_entries WHERE rule_id = 'history'"),
    ],
)  # fmt: skip
def test_everything_happens_in_the_village(village: tuple[Path, list[Path]], least: int, question: str) -> None:
    with sqlite.connect(village[0] / "kreis.db") as store:
        assert store.execute(question).fetchone()[0] >= least
    store.close()


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("segment", "UPDATE memberships SET from_us = from_us + 1 WHERE kind = 'segment'"),
        ("phase", "DELETE FROM memberships WHERE kind = 'sub_state'"),
        ("score", "UPDATE score_entries SET balance = balance - 1"),
        ("message", "UPDATE verdicts SET reasons = '[[\"limit\", false]]' WHERE outcome = 'withheld'"),
        ("message", "DELETE FROM run_entries WHERE outcome = 'entered'"),
    ],
)
def test_what_is_wrong_is_seen(data: Path, tmp_path: Path, kind: str, change: str) -> None:
    shutil.copy(data / "kreis.db", tmp_path / "kreis.db")
    with sqlite.connect(tmp_path / "kreis.db") as store:
        store.execute(change)
    store.close()
    assert main(["--data", str(tmp_path), "--seed", SEED, "--customers", "12", "--kinds", kind]) == 1
