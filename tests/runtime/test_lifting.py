"""A fence holds until a newer proven consent has been folded, and never gives way to a claim judged before it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kundenkreis.channels.core.fences import EVERYTHING, MARKETING, purpose_on
from kundenkreis.channels.outbox import SqlOutbox
from kundenkreis.kernel.zones import DAY, MINUTE
from tests.runtime.town import Town

pytestmark = pytest.mark.db

CONSENT = {
    "channel": "email",
    "purpose": "newsletter",
    "basis": "express_consent",
    "wording": "News, please",
    "proof": "form 7",
}


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    town = Town(tmp_path / "town", database)
    town.send("identify", userId="u1", traits={"email": "u1@example.com", "country": "DE"})
    town.send("track", userId="u1", event="Consent Confirmed", properties=CONSENT)
    town.run()
    yield town
    town.close()


def fence(town: Town, scope: str) -> None:
    with town.installation.store.reading() as tx:
        profile_id = tx.rows("SELECT profile_id FROM identifiers WHERE value = 'u1'")[0][0]
    SqlOutbox(town.installation.store).write_fence(profile_id, scope, at_us=town.clock.now_us(), reason="test")


def fences(town: Town) -> list[str]:
    with town.installation.store.reading() as tx:
        return [row[0] for row in tx.rows("SELECT scope FROM fences ORDER BY scope")]


def confirm(town: Town, **more: str) -> None:
    town.send("track", userId="u1", event="Consent Confirmed", properties={**CONSENT, **more})
    town.run()


def test_a_newer_proven_consent_lifts_the_fence(town: Town) -> None:
    fence(town, purpose_on("newsletter", "email"))
    fence(town, MARKETING)
    town.pass_time(DAY)
    confirm(town)
    assert fences(town) == []


def test_what_is_lifted_waits_for_claims_judged_before_the_fence(town: Town) -> None:
    scope = purpose_on("newsletter", "email")
    fence(town, scope)
    town.pass_time(5 * MINUTE)
    confirm(town)
    assert fences(town) == [scope]
    town.pass_time(DAY)
    confirm(town)
    assert fences(town) == []


def test_another_purpose_lifts_nothing(town: Town) -> None:
    scope = purpose_on("newsletter", "email")
    fence(town, scope)
    town.pass_time(DAY)
    confirm(town, purpose="birthday")
    assert fences(town) == [scope]


def test_erasure_is_never_lifted(town: Town) -> None:
    fence(town, EVERYTHING)
    town.pass_time(DAY)
    confirm(town)
    assert fences(town) == [EVERYTHING]
