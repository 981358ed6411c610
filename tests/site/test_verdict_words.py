"""Every reason the contact policy can give has words in both languages, with its particulars."""

from typing import Any

import pytest
from django.utils.translation import override

from kundenkreis.site.ports import Reason
from kundenkreis.site.testing import SAMPLE_VERDICT
from tests.site.conftest import Site

pytestmark = pytest.mark.db

NOVEMBER_US = 1_794_500_000_000_000


def words_of(language: str, *reason: Any) -> tuple[str, str]:
    from dataclasses import replace

    from kundenkreis.site.verdict_words import describe_verdict

    rule_id, passed, *detail = reason
    verdict = replace(SAMPLE_VERDICT, reasons=(Reason(rule_id=rule_id, passed=passed, detail=tuple(detail)),))
    with override(language):
        (described,) = describe_verdict(verdict).deciding
    return described.sentence, described.detail


@pytest.mark.parametrize(
    ("reason", "german"),
    [
        (("basis", True, "existing_customer"), ("Eine Rechtsgrundlage liegt vor", "Bestandskunde (§ 7 III UWG)")),
        (
            ("basis", False, "address_changed", "email", "newsletter"),
            ("Es fehlt eine Rechtsgrundlage", "die Adresse hat sich seither geändert (email, newsletter)"),
        ),
        (
            ("situation", False, "late", NOVEMBER_US, ["4711"], "Lieferung verspätet", "delivery late"),
            ("Eine Lage spricht dagegen", "Lieferung verspätet (4711), seit 12. November 2026"),
        ),
        (("limit", False, "weekly", 2, 168), ("Das Kontaktbudget ist ausgeschöpft", "höchstens 2 in 168 Stunden")),
        (
            ("suppressed", False, "soft", NOVEMBER_US),
            ("Die Adresse ist gesperrt", "wiederholt unzustellbar, seit 12. November 2026"),
        ),
        (
            ("objection", False, "marketing", NOVEMBER_US),
            ("Die Person hat widersprochen", "marketing, seit 12. November 2026"),
        ),
        (("validity", False, NOVEMBER_US), ("Nicht mehr nützlich", "12. November 2026, 17:13:20 MEZ")),
        (("quiet_hours", False, "Europe/Berlin"), ("Ruhezeit", "Europe/Berlin")),
        (("erased", False), ("Die Person wurde gelöscht", "")),
        (("forwarded", False, 77), ("Das Profil wurde in ein anderes überführt", "")),
    ],
)
def test_reason_in_german(site: Site, reason: tuple[Any, ...], german: tuple[str, str]) -> None:
    assert words_of("de", *reason) == german


def test_reason_in_english(site: Site) -> None:
    assert words_of("en", "limit", False, "weekly", 2, 168) == (
        "The contact budget is used up",
        "at most 2 in 168 hours",
    )


def test_unknown_rule_and_other_shapes_are_shown_as_they_are(site: Site) -> None:
    assert words_of("en", "moon_phase", False, "waning", 3) == ("moon_phase", "waning, 3")
    assert words_of("en", "limit", False, "weekly") == ("The contact budget is used up", "weekly")
