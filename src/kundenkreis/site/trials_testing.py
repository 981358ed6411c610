"""Trial runs that are what they are given: the counterpart of site/ports/trials.py in tests."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kundenkreis.site.ports.trials import SeenEvent, Trial, TrialResult


class TrialsAsGiven:
    """Trial runs that end at once with what they were given; nothing else was ever seen than the events given."""

    def __init__(self, result: TrialResult | None = None, seen: Iterable[str] = ()) -> None:
        self.result = result
        self._seen = frozenset(seen)
        self.started: dict[str, Trial] = {}

    def start(self, document: Mapping[str, Any], *, from_day: int, to_day: int) -> Trial:
        """See ports.Trials."""
        trial = Trial(
            trial_id=f"{len(self.started)}a", from_day=from_day, to_day=to_day, done=1, total=4, result=self.result, document=document
        )  # fmt: skip
        self.started[str(document["id"])] = trial
        return trial

    def find(self, journey_id: str) -> Trial | None:
        """See ports.Trials."""
        return self.started.get(journey_id)

    def end(self, journey_id: str, trial_id: str) -> bool:
        """See ports.Trials."""
        trial = self.started.get(journey_id)
        return trial is not None and trial.trial_id == trial_id and self.started.pop(journey_id) is trial

    def first_day(self) -> int:
        """See ports.Trials."""
        return 20_500

    def seen_events(self, names: Sequence[str]) -> tuple[SeenEvent, ...]:
        """See ports.Trials."""
        return tuple(
            SeenEvent(name=name, count=7, first_us=0, last_us=0)
            if name in self._seen
            else SeenEvent(name=name, count=0, first_us=0, last_us=0)
            for name in names
        )
