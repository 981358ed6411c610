"""The figures below the circle, put into words and drawings: each with its definition, how many people stand behind it, its interval."""

from dataclasses import dataclass, replace
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.journeys.core.figures import FEWEST, Share, wilson
from kundenkreis.site import access, message_words
from kundenkreis.site.formats import calendar_day, decimal, money, number, percent, short_day, whole_percent
from kundenkreis.site.ports.decided import FATES
from kundenkreis.site.ports.start import (
    Conversion,
    Reach,
    Revenue,
    RightsChanged,
    SecondOrderRate,
    Sending,
    StartFigures,
    Today,
)
from kundenkreis.site.start_charts import draw_columns, draw_rates
from kundenkreis.site.start_words import period_name
from kundenkreis.site.words import channel_word

_ORDER = {
    access.Role.SALES: ("today", "reach", "pressure", "revenue", "second_orders", "sending"),
    access.Role.SERVICE: ("today", "sending", "second_orders"),
    access.Role.EXTERNAL_PARTNER: ("reach", "pressure", "sending"),
}
_EVERYTHING = ("today", "reach", "pressure", "revenue", "second_orders", "sending")


_FIRST = {access.Role.SALES: "today", access.Role.SERVICE: "today"}
"""Roles whose day begins with what waits."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """One figure."""

    name: str
    title: str
    definition: str
    at_us: int
    content: dict[str, Any]
    is_first: bool = False
    """Stands before the circle: the work of the day of this role."""

    @property
    def template(self) -> str:
        """What shows it."""
        return f"start/{self.name}.html"


def cards_of(figures: StartFigures, days: int) -> list[Card]:
    """The cards that concern the viewer's role, in the order of their work.

    Args:
        days: the chosen period, one of PERIODS.
    """
    viewer = access.viewer()
    order = _ORDER.get(viewer.role, _EVERYTHING) if viewer else ()
    made = {
        "today": figures.today and _today(figures.today),
        "reach": figures.reach and _reach(figures.reach, days),
        "revenue": figures.revenue and _revenue(figures.revenue),
        "second_orders": figures.second_orders and _second_orders(figures.second_orders),
        "pressure": figures.reach and _pressure(figures.reach),
        "sending": figures.sending and _sending(figures.sending),
    }
    first = _FIRST.get(viewer.role, "") if viewer else ""
    return [replace(card, is_first=name == first) for name in order if (card := made[name])]


def rate_text(hits: int, of: int) -> str:
    """A rate, or the counts alone where there are too few people for one."""
    if of < FEWEST:
        return _("%(hits)s of %(of)s") % {"hits": number(hits), "of": number(of)}
    return percent(hits / of)


def _interval(hits: int, of: int) -> str:
    if of < FEWEST:
        return _("too few people for a rate")
    low, high = wilson(Share(hits, of))
    return _("95 %% interval %(low)s to %(high)s") % {"low": percent(low), "high": percent(high)}


def _people(count: int) -> str:
    return ngettext("%(count)s person", "%(count)s people", count) % {"count": number(count)}


def _today(today: Today) -> Card:
    items = [
        {"item": one, "word": _to_do_word(one.kind), "href": _to_do_href(one.kind), "figure": f"today.{one.kind}"}
        for one in today.items
    ]
    return Card(
        name="today",
        title=_("To do today"),
        definition=_(
            "What waits for somebody, the oldest first: open matters of customers, what was set aside, messages that a "
            "person must decide about."
        ),
        at_us=today.at_us,
        content={"items": items},
    )  # fmt: skip


def _to_do_word(kind: str) -> str:
    known = {
        "situation:complaint": _("open complaints"),
        "situation:question": _("open questions"),
        "situation:late": _("late parcels"),
        "situation:return": _("returns on their way"),
        "situation:payment_open": _("open payments"),
        "situation:rights_request": _("requests about personal data"),
        "quarantined_events": _("events set aside"),
        "quarantined_customers": _("customers set aside"),
        "messages_held": _("messages on hold"),
    }
    return known.get(kind, kind)


def _to_do_href(kind: str) -> str:
    name, _colon, situation = kind.partition(":")
    if name == "situation":
        return path_to("customers", f"?situation={situation}", needs="customers.see")
    if kind == "messages_held":
        return path_to("held_messages", "", needs="messages.see")
    return path_to("quarantine", "", needs="events.see")


def path_to(url_name: str, query: str, *, needs: str) -> str:
    """An address that the viewer may open, "" otherwise."""
    try:
        return reverse(url_name) + query if access.may(needs) else ""
    except NoReverseMatch:
        return ""


def _reach(reach: Reach, days: int) -> Card:
    rights = next(one for one in reach.rights if one.days == days)
    channels = [
        {
            "word": capfirst(channel_word(one.channel)),
            "href": people_path(f"reach.channel.{one.channel}"),
            "one": one,
            "total": one.by_consent + one.as_customer,
            "text": rate_text(one.by_consent + one.as_customer, reach.people),
            "consent_width": f"{100 * one.by_consent / max(reach.people, 1):.2f}",
            "customer_width": f"{100 * one.as_customer / max(reach.people, 1):.2f}",
            "customer_x": f"{100 * one.by_consent / max(reach.people, 1):.2f}",
        }
        for one in reach.channels
        if one.by_consent or one.as_customer
    ]
    return Card(
        name="reach",
        title=_("Reachability"),
        definition=_(
            "People from the phase purchase on who may lawfully be promoted to on at least one electronic channel, of all "
            "such people. People who can only be written letters are apart."
        ),
        at_us=reach.at_us,
        content={
            "reach": reach,
            "text": rate_text(reach.reachable, reach.people),
            "of": _people(reach.people),
            "channels": channels,
            "hrefs": {name: people_path(f"reach.{name}") for name in ("people", "reachable", "letter")},
            "days": days,
            "period": period_name(days),
            "rights": _rights(rights),
        },
    )  # fmt: skip


def _rights(rights: RightsChanged) -> list[dict[str, Any]]:
    """What came and what went, as bars on one scale."""
    rows = (
        ("granted", _("new rights"), rights.granted, "+"),
        ("withdrawn", _("withdrawn"), rights.withdrawn, "−"),
        ("objected", _("objections"), rights.objected, "−"),
        ("bounced", _("undeliverable for good"), rights.bounced, "−"),
    )
    most = max(*(count for _name, _word, count, _sign in rows), 1)
    return [
        {
            "name": name,
            "word": word,
            "count": count,
            "text": f"{sign}{number(count)}" if count else number(0),
            "width": f"{100 * count / most:.2f}",
            "is_gain": sign == "+",
            "href": people_path(f"rights.{rights.days}.{name}"),
        }
        for name, word, count, sign in rows
    ]


def people_path(figure: str) -> str:
    """Where the people behind a figure are listed; "" where the viewer may not see them."""
    return path_to("customers", f"?figure={figure}", needs="customers.see")


def _revenue(revenue: Revenue) -> Card:
    drawing = draw_columns(
        [[("repeat", week.repeat), ("first", week.first), ("won-back", week.won_back)] for week in revenue.weeks],
        [week.year_before for week in revenue.weeks],
    )
    total = sum(week.first + week.repeat + week.won_back for week in revenue.weeks)

    def part(name: str, label: str) -> dict[str, Any]:
        minor = sum(getattr(week, name) for week in revenue.weeks)
        return {
            "name": name.replace("_", "-"),
            "label": label,
            "minor": minor,
            "text": money(minor, revenue.currency),
            "href": people_path(f"revenue.{name}"),
        }

    return Card(
        name="revenue",
        title=_("Revenue by relationship"),
        definition=_(
            "Orders less refunds per week: first orders, repeated ones, and the first order of somebody after win-back "
            "began. The line is the same week a year before."
        ),
        at_us=revenue.at_us,
        content={
            "drawing": drawing,
            "total": total,
            "href": people_path("revenue.all"),
            "text": money(total, revenue.currency),
            "orders": ngettext("%(count)s order in %(weeks)s weeks", "%(count)s orders in %(weeks)s weeks", revenue.orders)
            % {"count": number(revenue.orders), "weeks": number(len(revenue.weeks))},
            "parts": [part("first", _("first orders")), part("repeat", _("repeated")), part("won_back", _("won back"))],
            "weeks": [
                (
                    short_day(week.day), week.day,
                    [
                        (name, minor, money(minor, revenue.currency), people_path(f"revenue.{name}.{week.day}") if minor else "")
                        for name, minor in (("first", week.first), ("repeat", week.repeat), ("won_back", week.won_back))
                    ],
                )
                for week in revenue.weeks
            ],
        },
    )  # fmt: skip


def _second_orders(rate: SecondOrderRate) -> Card:
    newest = rate.months[-1]
    rates = [
        (one.again / one.people, *wilson(Share(one.again, one.people))) if one.people >= FEWEST else None
        for one in rate.months
    ]
    return Card(
        name="second_orders",
        title=_("Second order rate"),
        definition=_(
            "Of the people whose first order was 90 to 119 days ago, was delivered and not wholly returned: who ordered "
            "again within 90 days. One value for each 30 days."
        ),
        at_us=rate.at_us,
        content={
            "newest": newest,
            "text": rate_text(newest.again, newest.people),
            "interval": _interval(newest.again, newest.people),
            "of": _people(newest.people) if newest.people >= FEWEST else "",
            "drawing": draw_rates(rates),
            "first_day": calendar_day(rate.months[0].until_day),
            "last_day": calendar_day(newest.until_day),
            "full": whole_percent(1),
            "half": whole_percent(0.5),
            "hrefs": _second_hrefs(newest.until_day),
            "months": [
                (short_day(one.until_day), rate_text(one.again, one.people), one, _second_hrefs(one.until_day))
                for one in rate.months
            ],
        },
    )  # fmt: skip


def _second_hrefs(until_day: int) -> dict[str, str]:
    return {part: people_path(f"second.{until_day}.{part}") for part in ("people", "again")}


def _pressure(reach: Reach) -> Card:
    most = max((people for _contacts, people in reach.contacts), default=1)

    def at(part: float) -> int:
        wanted, seen = part * reach.reachable, 0
        for contacts, people in reach.contacts:
            seen += people
            if seen >= wanted:
                return contacts
        return 0

    return Card(
        name="pressure",
        title=_("Contact pressure"),
        definition=_(
            "Marketing contacts per reachable person in 7 days: the person in the middle, the one whom nine of ten do not "
            "exceed, and the most. At a limit: one contact more on any channel would break a contact rule."
        ),
        at_us=reach.at_us,
        content={
            "rows": [
                (label, name, contacts, people_path(f"pressure.{contacts}"))
                for label, name, contacts in (
                    (_("median"), "median", at(0.5)),
                    (_("9 of 10 at most"), "ninetieth", at(0.9)),
                    (_("most"), "most", reach.contacts[-1][0] if reach.contacts else 0),
                )
            ],
            "strip": [
                {
                    "contacts": contacts,
                    "word": _contacts(contacts), "people": people, "width": f"{100 * people / most:.2f}",
                    "href": people_path(f"pressure.{contacts}"),
                }
                for contacts, people in reach.contacts
            ],
            "of": _people(reach.reachable),
            "reachable": reach.reachable,
            "reachable_href": people_path("reach.reachable"),
            "at_limit": reach.at_limit,
            "at_limit_text": rate_text(reach.at_limit, reach.reachable),
            "at_limit_href": people_path("pressure.limit"),
            "conversion": reach.conversion,
            "ratio": _ratio(reach.conversion),
            "converted": _people(reach.conversion.people),
            "converted_href": people_path("pressure.converted"),
        },
    )  # fmt: skip


def _contacts(count: int) -> str:
    return ngettext("%(count)s contact", "%(count)s contacts", count) % {"count": number(count)}


def _ratio(conversion: Conversion) -> str:
    """Contacts after a first order for one before it; "" where there are too few people or none was contacted before."""
    if conversion.people < FEWEST or not conversion.before:
        return ""
    return decimal(round(conversion.after / conversion.before, 2))


def _sending(sending: Sending) -> Card:
    rows = [
        {
            "channel": capfirst(channel_word(flow.channel)),
            "span": _("24 h") if flow.hours == 24 else _("7 days"),
            "decided": sum(flow.fates.values()),
            "prefix": f"sending.{flow.hours}.{flow.channel}",
            "fates": [
                (
                    fate,
                    flow.fates.get(fate, 0),
                    path_to(
                        "messages", f"?fate={fate}&channel={flow.channel}&hours={flow.hours}", needs="messages.see"
                    ),
                )
                for fate in FATES
            ],
        }
        for flow in sending.flows
    ]
    return Card(
        name="sending",
        title=_("Sending"),
        definition=_(
            "Decided = withheld + waiting + handed over; handed over = delivered + without an answer yet + undeliverable + "
            "uncertain. By the instant of the first decision."
        ),
        at_us=sending.at_us,
        content={
            "rows": rows,
            "heads": [(message_words.fate_word(fate), message_words.fate_definition(fate)) for fate in FATES],
            "domains": [(one, rate_text(one.complaints, one.handed_over)) for one in sending.domains],
        },
    )  # fmt: skip
