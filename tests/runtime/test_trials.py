"""Trial runs beside the pages: the figures of the simulator, the newest of a journey, and an end that leaves nothing."""

import time
from collections.abc import Iterator

import pytest

from kundenkreis.runtime.simulate import simulate
from kundenkreis.runtime.trials import BackgroundTrials
from kundenkreis.site.ports.trials import Trial, TrialResult
from tests.runtime.town import START_US, Town, live_through

pytestmark = pytest.mark.db


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    town = Town(tmp_path_factory.mktemp("town"))
    live_through(town)
    yield town
    town.close()


def finished(trials: BackgroundTrials, trial: Trial) -> Trial:
    """The run when it is over."""
    while True:
        found = trials.find(str((trial.document or {})["id"]))
        assert found is not None
        assert found.trial_id == trial.trial_id
        if found.state != "at_work":
            return found
        time.sleep(0.01)


def test_a_trial_run_gives_what_the_simulator_gives(town: Town) -> None:
    document = next(one for one in town.documents() if one["kind"] == "journey" and one["id"] == "welcome")
    days = {
        "from_day": town.installation.zone.day_number(START_US),
        "to_day": town.installation.zone.day_number(town.clock.now_us()),
    }
    trials = BackgroundTrials(town.installation)
    found = finished(trials, trials.start(document, **days))
    alone = simulate(town.installation, [document], **days)
    assert alone.entries > 0
    assert found.result == TrialResult(
        sample_percent=100.0, entries=alone.entries, control=alone.holdout, messages=alone.messages, goals=alone.goals,
        under_way=alone.under_way, collisions=alone.cap_hits, displaced=sum(alone.displaced_real.values()),
        entries_per_day=alone.entries_per_day, messages_per_day=alone.messages_per_day, withheld=alone.not_sent_by_reason,
        exits=alone.exits, steps=alone.steps,
    )  # fmt: skip
    assert not trials.end("welcome", "other")
    assert trials.end("welcome", found.trial_id)
    assert trials.find("welcome") is None


def test_newer_trial_run_takes_the_place_of_the_one_before(town: Town) -> None:
    document = next(one for one in town.documents() if one["kind"] == "journey" and one["id"] == "welcome")
    day = town.installation.zone.day_number(START_US)
    trials = BackgroundTrials(town.installation)
    first = trials.start(document, from_day=day, to_day=day + 1)
    second = trials.start(document, from_day=day, to_day=day + 2)
    assert finished(trials, second).to_day == day + 2
    assert not trials.end("welcome", first.trial_id)


def test_trial_run_that_cannot_be_made_says_why(town: Town) -> None:
    document = next(one for one in town.documents() if one["kind"] == "journey" and one["id"] == "welcome")
    trials = BackgroundTrials(town.installation)
    found = finished(trials, trials.start(document, from_day=20_500, to_day=20_400))
    assert (found.state, found.problem) == ("failed", "The last day lies before the first.")
