"""wait: for a duration, until a local date, until a weekday and hour, or until a date the entering event named."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from kundenkreis.customers.core.state import Run
from kundenkreis.journeys.core.definitions import MOST_DAYS, Duration, Weekday
from kundenkreis.journeys.core.local_time import (
    WEEKDAYS,
    after_duration,
    clock_seconds,
    next_weekday_us,
    parse_local,
)
from kundenkreis.journeys.core.properties import property_at
from kundenkreis.journeys.core.protocol import (
    CompileContext,
    Edge,
    End,
    Go,
    Moment,
    NameOf,
    Outcome,
    PlainStep,
    Stay,
    StepKind,
    StepSource,
)
from kundenkreis.journeys.steps.telling import WEEKDAYS as WEEKDAY_WORDS
from kundenkreis.journeys.steps.telling import duration, readable
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import Zone


class WaitConfig(Duration, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of: a duration (and `at`), `until`, `until_weekday` with `at`, `until_property` (with offset_days and
    `at`).
    """

    until: str | None = None
    """Local date and time of the customer: "2026-12-01T10:00". Past: goes on at once."""
    until_weekday: Weekday | None = None
    until_property: str | None = None
    """Property of the entering event holding an ISO date or date-time. Past: goes on at once; missing: the run ends as
    failed.
    """
    offset_days: Annotated[int, msgspec.Meta(ge=-3660, le=3660)] = 0


class WaitStep(PlainStep):
    """A compiled wait."""

    def __init__(self, config: WaitConfig) -> None:
        self.config = config
        self.at_second = clock_seconds(config.at) if config.at is not None else None
        self.weekday = WEEKDAYS.index(config.until_weekday) if config.until_weekday else -1
        self.edges = (Edge("next", "", ("next",), self.holds_a_minute),)
        self.is_local = config.at is not None or bool(config.calendar_days or config.until or config.until_property)

    @property
    def holds_a_minute(self) -> bool:
        """Whether a loop through this step takes time: fixed dates may lie in the past and hold nothing up."""
        config = self.config
        if config.until is not None or config.until_property is not None:
            return False
        return config.has_length or config.at is not None

    def due_us(self, run: Run, zone: Zone) -> Micros | None:
        """When the waiting of this run is over; None if the entering event does not say so. May lie in the past."""
        config, since = self.config, run.step_since_us
        if config.until_weekday is not None:
            return next_weekday_us(since, self.weekday, self.at_second or 0, zone)
        if config.until is not None:
            return _local_us(config.until, 0, self.at_second, zone)
        if config.until_property is not None:
            return _local_us(
                property_at(run.variables, config.until_property), config.offset_days, self.at_second, zone
            )
        return after_duration(
            since, days=config.calendar_days, exact_us=config.exact_us, at_second=self.at_second, zone=zone
        )

    def decide(self, run: Run, moment: Moment) -> Outcome:
        """Stay until the time is over."""
        due = self.due_us(run, moment.zone)
        if due is None:
            return End("failed", ["date_missing", self.config.until_property])
        reason: Sequence[Any] = ["until", due, moment.zone.name]
        return Go(reason=reason) if due <= moment.at_us else Stay(until_us=due, reason=reason)


def _local_us(value: Any, offset_days: int, at_second: int | None, zone: Zone) -> Micros | None:
    local = parse_local(value, zone)
    if local is None:
        return None
    day, second, micros = local
    if at_second is not None:
        second, micros = at_second, 0
    return zone.instant_us(day + offset_days, second) + micros


_PROBE = Zone("UTC")
"""Only to see whether a text is a date."""


def compile_wait(source: StepSource, context: CompileContext) -> WaitStep:
    """Refuses waits that state nothing, or two things at once."""
    config: WaitConfig = source.config
    stated = [config.until is not None, config.until_weekday is not None, config.until_property is not None]
    has_duration = config.has_length or (config.at is not None and not any(stated))
    if sum(stated) + has_duration != 1:
        context.problem(
            source.path,
            "wait_unclear",
            "State one thing to wait for: a duration, until, until_weekday or until_property.",
        )
    if config.until_weekday is not None and config.at is None:
        context.problem((*source.path, "at"), "wait_time_missing", 'Give the time of day, such as at: "10:00".')
    if config.until is not None and parse_local(config.until, zone=_PROBE) is None:
        context.problem(
            (*source.path, "until"), "wait_date_wrong", 'Write the local date and time as "2026-12-01T10:00".'
        )
    if config.calendar_days > MOST_DAYS:
        context.problem(source.path, "wait_too_long", "Waits end within ten years.")
    return WaitStep(config)


def tell_wait(config: WaitConfig, name_of: NameOf) -> dict[str, str]:
    """How long, or until when."""
    at_de, at_en = (f", {config.at} Uhr", f", {config.at}") if config.at is not None else ("", "")
    if config.until_weekday is not None:
        day = WEEKDAY_WORDS[config.until_weekday]
        return {"de": f"bis {day['de']}{at_de}", "en": f"until {day['en']}{at_en}"}
    if config.until is not None:
        return {"de": f"bis {config.until.replace('T', ' ')}", "en": f"until {config.until.replace('T', ' ')}"}
    if config.until_property is None:
        return duration(config)
    days = abs(config.offset_days)
    before = config.offset_days < 0
    moved_de = f"{days} Tage {'vor' if before else 'nach'} " if days else "bis "
    moved_en = f"{days} days {'before' if before else 'after'} " if days else "until "
    name = readable(config.until_property)
    return {"de": f"{moved_de}{name['de']}{at_de}", "en": f"{moved_en}{name['en']}{at_en}"}


WAIT = StepKind(
    kind="wait",
    config=WaitConfig,
    label={"de": "Warten", "en": "Wait"},
    sample={"days": 3, "at": "10:00"},
    compile=compile_wait,
    icon="clock",
    group="wait",
    tell=tell_wait,
)
"""Wait: the run goes on when a time has come."""
