"""What somebody typed to change a customer: read, checked, and kept with what is wrong at the field; for one customer and for many."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils.translation import gettext as _

from kundenkreis.kernel.zones import from_datetime, to_datetime
from kundenkreis.site import formats
from kundenkreis.site.access import viewer
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.customer_acts import Actor

LONGEST_REASON: Final = 200
LONGEST_VALUE: Final = 1024
MOST_PAUSE_DAYS: Final = 90
_USUAL_PAUSE_DAYS: Final = 14


@dataclass(kw_only=True)
class Typed:
    """What somebody typed into a form, and what is wrong with it, by field."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    def require_reason(self) -> None:
        """Every act says why."""
        if not self.values["reason"]:
            self.errors["reason"] = _("Say why; it stands in the timeline.")


def read_typed(request: HttpRequest, **defaults: str) -> Typed:
    """The fields of these names, and the reason."""
    values = {
        name: "".join(sign for sign in request.POST.get(name, default) if sign.isprintable()).strip()
        for name, default in {"reason": "", **defaults}.items()
    }
    values["reason"] = values["reason"][:LONGEST_REASON]
    return Typed(values=values)


def actor_for(reason: str) -> Actor:
    """The viewer as whoever acts."""
    someone = viewer()
    return Actor(name=someone.name if someone is not None else "", reason=reason)


@dataclass(frozen=True, kw_only=True)
class PauseDays:
    """When a pause may end, as ISO days."""

    earliest: str
    usual: str
    latest: str


def pause_days() -> PauseDays:
    """When a pause that begins today may end."""
    today = _today()
    return PauseDays(
        earliest=(today + timedelta(days=1)).isoformat(),
        usual=(today + timedelta(days=_USUAL_PAUSE_DAYS)).isoformat(),
        latest=(today + timedelta(days=MOST_PAUSE_DAYS)).isoformat(),
    )


def read_until_us(typed: Typed) -> int | None:
    """The instant at which a pause ends, the beginning of the day typed as `until`; None, with what is wrong, if there is none."""
    today = _today()
    latest = today + timedelta(days=MOST_PAUSE_DAYS)
    until = _date(typed.values["until"])
    if until is None:
        typed.errors["until"] = _("Give a date.")
        return None
    if not today < until <= latest:
        typed.errors["until"] = _("From tomorrow until %(day)s at the latest.") % {
            "day": formats.day(_start_us(latest))
        }
        return None
    return _start_us(until)


def _zone() -> ZoneInfo:
    return ZoneInfo(mounted().settings.zone)


def _today() -> date:
    return to_datetime(mounted().clock_us()).astimezone(_zone()).date()


def _start_us(on: date) -> int:
    return from_datetime(datetime(on.year, on.month, on.day, tzinfo=_zone()).astimezone(UTC))


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
