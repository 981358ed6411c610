"""The scenarios that the pages of the playbooks promise, folded by the engine under the shipped rulebook."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import kundenkreis.playbooks
from kundenkreis.definitions.load import load_directory
from kundenkreis.engine.advance import Outcome, advance, new_customer
from kundenkreis.engine.compiling import compile_rulebook
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.hashing import bucket_of, event_id_of, profile_id_of
from kundenkreis.kernel.ids import partition_of
from kundenkreis.kernel.rows import LATE, LogRow
from kundenkreis.kernel.zones import DAY, from_datetime, to_datetime, zone

BERLIN = ZoneInfo("Europe/Berlin")
ANNA = {
    "firstName": "Anna",
    "lastName": "Muster",
    "email": "anna@example.org",
    "address": {"country": "DE"},
    "timezone": "Europe/Berlin",
}
Happening = tuple[str, str, dict[str, Any]]
"""(local time, event or "identify", properties or traits)."""


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    loaded = load_directory(Path(kundenkreis.playbooks.__file__).parent)
    assert not isinstance(loaded, list)
    documents = [{"kind": d.kind, **({"id": d.id} if d.id else {}), **d.body} for d in loaded]
    return compile_rulebook([documents], zone=zone("Europe/Berlin"))


def consent(at: str, purpose: str = "newsletter") -> Happening:
    proof = {"wording": "Ja, ich möchte ...", "text_version": "1", "form": "Anmeldung"}
    return at, "Consent Confirmed", {"channel": "email", "purpose": purpose, "basis": "express_consent", **proof}


def order(at: str, channel: str = "till", **more: Any) -> Happening:
    return at, "Order Completed", {"order_id": f"o-{at}", "total": 40, "currency": "USD", "channel": channel, **more}


def local_us(at: str) -> int:
    return from_datetime(datetime.fromisoformat(at).replace(tzinfo=BERLIN))


def fold(rulebook: Rulebook, happenings: Iterable[Happening], *, until: str) -> Outcome:
    """Anna's year, told in Berlin time; what happened before is history that starts nothing where it says "old"."""
    rows = []
    salt = next(n for n in range(1_000) if _is_in_no_control_group(f"anna-{n}"))
    for number, (at, name, content) in enumerate(happenings, start=1):
        at_us = local_us(at.removeprefix("old "))
        event_id = event_id_of("test", f"anna-{salt}" if number == 1 else f"{name} {at}")
        identifies = name == "identify"
        rows.append(
            LogRow(
                partition=0,
                number=number,
                event_id=event_id,
                profile_id=profile_id_of(rows[0].event_id if rows else event_id),
                type="identify" if identifies else "track",
                name="" if identifies else name,
                happened_us=at_us,
                received_us=at_us,
                at_us=at_us,
                day=zone("Europe/Berlin").day_number(at_us),
                origin="api",
                flags=LATE if at.startswith("old ") else 0,
                source="test",
                links={"attach": [["user_id", "anna"]]} if identifies else None,
                body={"traits" if identifies else "properties": content},
            )
        )
    for row in rows:
        row.partition = partition_of(row.profile_id)
    return advance(new_customer(rows[0], rulebook_version=1), rows, lambda _: rulebook, until_us=local_us(until))


def _is_in_no_control_group(message_id: str) -> bool:
    key = event_id_of("test", message_id).hex()
    return all(
        bucket_of(key, salt) >= 1_000
        for salt in ("global", "welcome", "second_purchase", "birthday", "voucher", "winback")
    )


def mails(outcome: Outcome) -> list[tuple[str, str]]:
    """(content, local time planned) of every message handed out."""
    return [
        (effect.content_id, to_datetime(effect.due_us).astimezone(BERLIN).strftime("%Y-%m-%d %H:%M"))
        for effect in outcome.effects
        if isinstance(effect, SendMessage)
    ]


def test_welcome_greets_at_once_writes_on_tuesday_and_stops_at_an_order(rulebook: Rulebook) -> None:
    saturday = "2026-03-07 23:58"
    told = [("2026-03-07 23:57", "identify", ANNA), consent(saturday), order("2026-03-12 12:00")]
    assert mails(fold(rulebook, told, until="2026-03-20 00:00")) == [
        ("welcome_hello", "2026-03-07 23:58"),
        ("welcome_benefits", "2026-03-10 10:00"),
        ("second_purchase_care", "2026-03-15 10:00"),  # what comes after a first order goes on from there
    ]


def test_welcome_helps_with_the_first_order_on_day_seven(rulebook: Rulebook) -> None:
    told = [("2026-03-04 11:59", "identify", ANNA), consent("2026-03-04 12:00")]
    assert mails(fold(rulebook, told, until="2026-04-20 00:00")) == [
        ("welcome_hello", "2026-03-04 12:00"),
        ("welcome_benefits", "2026-03-07 10:00"),
        ("welcome_first_order", "2026-03-11 10:00"),
    ]


def test_welcome_speaks_to_customers_as_customers(rulebook: Rulebook) -> None:
    told = [
        ("old 2026-01-02 11:59", "identify", ANNA),
        order("old 2026-01-02 12:00"),
        order("old 2026-01-20 12:00"),
        consent("2026-02-02 12:00"),
    ]
    assert mails(fold(rulebook, told, until="2026-02-27 00:00")) == [
        ("welcome_hello_customer", "2026-02-02 12:00"),
        ("welcome_benefits", "2026-02-05 10:00"),
    ]


def test_nobody_without_consent_is_written_to(rulebook: Rulebook) -> None:
    told = [("2026-03-04 11:59", "identify", {**ANNA, "birthday": "1980-05-05"}), order("2026-03-04 12:00")]
    assert mails(fold(rulebook, told, until="2026-12-31 00:00")) == []


def test_second_purchase_gives_tips_then_the_card(rulebook: Rulebook) -> None:
    told = [("old 2026-03-01 11:58", "identify", ANNA), consent("old 2026-03-01 11:59"), order("2026-03-04 12:00")]
    assert mails(fold(rulebook, told, until="2026-05-30 00:00")) == [
        ("second_purchase_care", "2026-03-07 10:00"),
        ("second_purchase_programme", "2026-03-26 10:00"),
    ]


def test_second_purchase_stops_at_the_second_order(rulebook: Rulebook) -> None:
    told = [
        ("old 2026-03-01 11:58", "identify", ANNA),
        consent("old 2026-03-01 11:59"),
        order("2026-03-04 12:00"),
        order("2026-03-14 12:00"),
    ]
    assert mails(fold(rulebook, told, until="2026-04-20 00:00")) == [("second_purchase_care", "2026-03-07 10:00")]


def test_born_on_29_february(rulebook: Rulebook) -> None:
    told = [
        ("old 2026-10-01 11:58", "identify", {**ANNA, "birthday": "1984-02-29"}),
        consent("old 2026-10-01 11:59", "birthday"),
        order("old 2026-10-02 12:00"),
        order("old 2026-12-02 12:00"),
    ]
    assert mails(fold(rulebook, told, until="2027-03-20 00:00")) == [
        ("birthday_before", "2027-02-21 10:00"),
        ("birthday_day", "2027-02-28 09:00"),
        ("birthday_reminder", "2027-03-10 10:00"),
    ]


def test_a_gift_already_used_is_not_offered_again(rulebook: Rulebook) -> None:
    told = [
        ("old 2026-10-01 11:58", "identify", {**ANNA, "birthday": "1984-02-20"}),
        consent("old 2026-10-01 11:59", "birthday"),
        ("2027-02-16 15:00", "Voucher Redeemed", {"voucher_code": "kuchen", "kind": "birthday_gift"}),
    ]
    assert mails(fold(rulebook, told, until="2027-03-20 00:00")) == [
        ("birthday_before", "2027-02-13 10:00"),
        ("birthday_day_used", "2027-02-20 09:00"),
    ]


@pytest.mark.parametrize("birthday", ["1900-01-01", "1970-01-01", "2015-02-20"])
def test_placeholder_birthdays_and_children_get_nothing(rulebook: Rulebook, birthday: str) -> None:
    told = [
        ("old 2026-10-01 11:58", "identify", {**ANNA, "birthday": birthday}),
        consent("old 2026-10-01 11:59", "birthday"),
    ]
    assert mails(fold(rulebook, told, until="2027-12-20 00:00")) == []


def _booklet(code: str, at: str, expires: str) -> Happening:
    return (
        at,
        "Voucher Issued",
        {
            "voucher_code": code,
            "booklet_code": code,
            "kind": "booklet",
            "coupons": 16,
            "expires_at": expires,
            "valid_until": expires[:10],
        },
    )


def test_booklet_is_called_to_mind_a_week_before_it_expires(rulebook: Rulebook) -> None:
    told = [
        ("old 2026-03-01 11:58", "identify", ANNA),
        consent("old 2026-03-01 11:59"),
        _booklet("heft-1", "2026-04-01 10:00", "2026-05-06T21:59:59.000Z"),
    ]
    assert mails(fold(rulebook, told, until="2026-06-01 00:00")) == [("voucher_reminder", "2026-04-29 10:00")]


def test_booklet_in_use_is_not_called_to_mind(rulebook: Rulebook) -> None:
    told = [
        ("old 2026-03-01 11:58", "identify", ANNA),
        consent("old 2026-03-01 11:59"),
        _booklet("heft-1", "2026-04-01 10:00", "2026-05-06T21:59:59.000Z"),
        ("2026-04-20 10:00", "Voucher Redeemed", {"voucher_code": "51380041013", "booklet_code": "heft-1"}),
    ]
    assert mails(fold(rulebook, told, until="2026-06-01 00:00")) == []


def test_a_coupon_of_one_booklet_says_nothing_about_the_other(rulebook: Rulebook) -> None:
    told = [
        ("old 2026-03-01 11:58", "identify", ANNA),
        consent("old 2026-03-01 11:59"),
        _booklet("heft-1", "2026-04-01 10:00", "2026-05-06T21:59:59.000Z"),
        _booklet("heft-2", "2026-04-02 10:00", "2026-05-20T21:59:59.000Z"),
        ("2026-04-20 10:00", "Voucher Redeemed", {"voucher_code": "51380041013", "booklet_code": "heft-1"}),
    ]
    assert mails(fold(rulebook, told, until="2026-06-01 00:00")) == [("voucher_reminder", "2026-05-13 10:00")]


def _weekly(first: str, weeks: int) -> list[Happening]:
    start_us = local_us(first)
    days = (to_datetime(start_us + 7 * n * DAY).astimezone(UTC) for n in range(weeks))
    return [order(f"old {day.strftime('%Y-%m-%d')} 12:00") for day in days]


def test_weekly_buyer_is_won_back_after_six_weeks_of_silence(rulebook: Rulebook) -> None:
    told = [
        ("old 2026-01-01 11:58", "identify", ANNA),
        consent("old 2026-01-01 11:59"),
        *_weekly("2026-01-05 12:00", 10),
    ]
    sent = mails(fold(rulebook, told, until="2026-07-20 00:00"))
    assert [content for content, _ in sent] == [
        "winback_news",
        "winback_opinion",
        "winback_offer_c",
        "winback_last_week",
    ]
    assert sent[0][1][:10] == "2026-04-21"  # last order 9 March, 43 days later


def test_weekly_buyer_on_holiday_is_not_at_risk(rulebook: Rulebook) -> None:
    told = [
        ("old 2026-01-01 11:58", "identify", ANNA),
        consent("old 2026-01-01 11:59"),
        *_weekly("2026-01-05 12:00", 10),
        order("2026-04-06 12:00"),
    ]
    outcome = fold(rulebook, told, until="2026-04-20 00:00")
    assert mails(outcome) == []
    assert outcome.state.decisions.phase is not None
    assert outcome.state.decisions.phase.phase == "loyalty"


def test_december_buyer_is_not_at_risk_in_july(rulebook: Rulebook) -> None:
    told: list[Happening] = [("old 2022-12-10 11:00", "identify", ANNA)]
    told += [order(f"old {year}-12-{day} 12:00") for year in (2022, 2023, 2024, 2025) for day in (10, 17)]
    outcome = fold(rulebook, told, until="2026-07-01 00:00")
    assert outcome.state.decisions.phase is not None
    assert outcome.state.decisions.phase.phase == "loyalty"


def test_complaint_stops_advertising_until_a_week_after_it_is_solved(rulebook: Rulebook) -> None:
    case = {"case_id": "4711", "kind": "complaint", "severity": 2}
    told = [
        ("old 2026-03-01 11:58", "identify", ANNA),
        consent("old 2026-03-01 11:59"),
        _booklet("heft-1", "2026-04-01 10:00", "2026-05-06T21:59:59.000Z"),
        ("2026-04-20 10:00", "Case Opened", case),
        ("2026-04-27 10:00", "Case Solved", case),
    ]
    sent = mails(fold(rulebook, told, until="2026-06-01 00:00"))
    assert [content for content, at in sent if at < "2026-05-04 10:00"] == []
