"""The small charts of a journey's page, drawn on the server: coordinates as SVG attributes, so that no style is inline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from kundenkreis.journeys.core.figures import Comparison, Share, wilson
from kundenkreis.kernel.zones import date_of
from kundenkreis.site import journey_words
from kundenkreis.site.formats import number, short_day
from kundenkreis.site.ports.journeys import DayFigure

HEIGHT, WIDTH = 120, 560
_MOST_BARS = 60


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar of a chart."""

    x: str
    y: str
    width: str
    height: str
    words: str
    """What it says, for hovering and screen readers."""
    is_odd: bool = False
    """Outside of what was expected."""
    figure: str = ""
    """Name of the number for the recount; "" where it is a number of a trial."""
    exact: int = 0


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Bars over days."""

    bars: tuple[Bar, ...]
    band: str
    """Points of the polygon of what was expected; "" without."""
    first: str
    last: str
    top: str
    """The greatest value."""
    summary: str
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, kw_only=True)
class Group:
    """One group against the other: a bar with its whisker."""

    label: str
    rate: str
    counts: str
    width: str
    low: str
    high: str
    is_control: bool
    share: Share

    @property
    def name(self) -> str:
        """Of its figures."""
        return "control" if self.is_control else "treated"


def groups(reached: Comparison) -> tuple[Group, ...]:
    """Those who went the journey and the control group, as bars of their rates; () while there are too few for a percentage."""
    if reached.effect == "too_early":
        return ()
    most = max(wilson(reached.treated)[1], wilson(reached.control)[1], 0.01)
    return (
        _group(_("Went the journey"), reached.treated, most),
        _group(_("Control group"), reached.control, most, True),
    )


def _group(label: str, share: Share, most: float, is_control: bool = False) -> Group:
    low, high = wilson(share)
    counts = _("%(count)s of %(of)s") % {"count": number(share.hits), "of": number(share.of)}
    return Group(
        label=label, rate=journey_words.percent(share.rate), counts=counts, width=_at(share.rate / most * 100), low=_at(low / most * 100),
        high=_at(high / most * 100), is_control=is_control, share=share,
    )  # fmt: skip


def entries(days: Sequence[DayFigure]) -> Chart | None:
    """Entries per day with the band of what such a weekday brings; None before the first day."""
    if not days:
        return None
    most = max(*(day.entries for day in days), *(day.high for day in days), 1)
    step = WIDTH / len(days)
    bars = tuple(
        _bar(
            place, step, day.entries / most, f"{short_day(day.day)}: {number(day.entries)}",
            is_odd=day.low >= 0 and not day.low <= day.entries <= day.high, figure=f"entries.{day.day}", exact=day.entries,
        )
        for place, day in enumerate(days)
    )  # fmt: skip
    known = [(place, day) for place, day in enumerate(days) if day.low >= 0]
    upper = [f"{_at((place + 0.5) * step)},{_at(HEIGHT * (1 - day.high / most))}" for place, day in known]
    lower = [f"{_at((place + 0.5) * step)},{_at(HEIGHT * (1 - day.low / most))}" for place, day in reversed(known)]
    total = sum(day.entries for day in days)
    return Chart(
        bars=bars, band=" ".join([*upper, *lower]) if len(known) > 1 else "", first=short_day(days[0].day),
        last=short_day(days[-1].day), top=number(round(most)),
        summary=_("%(count)s entries in %(days)s") % {"count": number(total), "days": journey_words.days(len(days))},
    )  # fmt: skip


def days_to_goal(days: Mapping[int, int], within: int) -> Chart | None:
    """How many reached the goal on which day after their entry; None while nobody has."""
    if not days:
        return None
    length = min(max(within, max(days) + 1, 1), _MOST_BARS)
    counts = [days.get(day, 0) for day in range(length)]
    counts[-1] += sum(count for day, count in days.items() if day >= length)
    most, step = max(*counts, 1), WIDTH / length
    bars = tuple(
        _bar(
            place,
            step,
            count / most,
            _("day %(day)s: %(count)s") % {"day": place + 1, "count": number(count)},
            figure=f"to_goal.{place}",
            exact=count,
        )
        for place, count in enumerate(counts)
    )
    return Chart(
        bars=bars, band="", first=_("day %(day)s") % {"day": 1}, last=_("day %(day)s") % {"day": length}, top=number(most),
        summary=_("%(count)s reached the goal") % {"count": journey_words.people(sum(counts))},
    )  # fmt: skip


def _bar(
    place: int, step: float, share: float, words: str, *, is_odd: bool = False, figure: str = "", exact: int = 0
) -> Bar:
    height = HEIGHT * share
    gap = min(step * 0.25, 3.0)
    return Bar(
        x=_at(place * step + gap / 2), y=_at(HEIGHT - height), width=_at(step - gap), height=_at(height), words=words, is_odd=is_odd,
        figure=figure, exact=exact,
    )  # fmt: skip


def _at(value: float) -> str:
    return f"{value:.2f}"


def per_day(counts: Mapping[str, int], from_day: int, to_day: int, text: str) -> Chart:
    """Counts by ISO day over a stretch of days; `text` tells %(count)s and %(days)s."""
    days = range(from_day, to_day + 1)
    values = [counts.get(date_of(day).isoformat(), 0) for day in days]
    most, step = max(*values, 1), WIDTH / len(days)
    bars = tuple(
        _bar(place, step, value / most, f"{short_day(day)}: {number(value)}")
        for place, (day, value) in enumerate(zip(days, values, strict=True))
    )
    summary = text % {"count": number(sum(values)), "days": journey_words.days(len(days))}
    return Chart(
        bars=bars, band="", first=short_day(from_day), last=short_day(to_day), top=number(most), summary=summary
    )  # fmt: skip
