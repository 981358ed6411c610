"""Explanations agree with what was stored, now and at every past position asked about."""

from collections.abc import Iterator

import pytest

from kundenkreis.cli.explain_texts import explain_in_words
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import DAY, iso, zone
from kundenkreis.runtime.explain import BadPositionError, Explainer, UnknownCustomerError, UnknownDefinitionError
from tests.runtime.town import START_US, Town, live_through

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("words")]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    database = request.getfixturevalue("postgres_database_of_module") if request.param == "postgres" else ""
    town = Town(tmp_path_factory.mktemp("town"), database)
    live_through(town)
    yield town
    town.close()


def test_segments_and_phases_equal_stored_intervals_at_any_instant(town: Town) -> None:
    store = town.installation.store
    with store.reading() as tx:
        intervals = tx.rows("SELECT profile_id, kind, definition_id, from_us, until_us FROM memberships")
        people = [row[0] for row in tx.rows("SELECT profile_id FROM states ORDER BY profile_id")]
        forwarded = {row[0] for row in tx.rows("SELECT loser FROM merges")}
    people = [one for one in people if one not in forwarded]
    asked = 0
    for profile_id in people[::3]:
        for at_us in range(START_US + DAY, town.clock.now_us(), 17 * DAY):
            explainer = Explainer(town.installation, str(profile_id), at=iso(at_us))
            if explainer.folded is None:
                continue
            inside = {(row[1], row[2]) for row in intervals if row[0] == profile_id and row[3] <= at_us < row[4]}
            for segment in explainer.rulebook.decisions.segments:
                answer = explainer.ask("segment", segment)
                assert answer["answer"] is (("segment", segment) in inside)
                assert answer["reason"]["holds"] is answer["answer"]
                asked += 1
            phase = explainer.ask("phase")
            assert {("phase", phase["answer"])} == {one for one in inside if one[0] == "phase"}
    assert asked > 100


def test_now_equals_the_open_intervals_with_since_and_cause(town: Town) -> None:
    with town.installation.store.reading() as tx:
        rows = tx.rows(
            "SELECT profile_id, definition_id, from_us, cause FROM memberships WHERE kind = 'segment' AND until_us = ? ORDER BY 1, 2", (NEVER,)
        )  # fmt: skip
    for profile_id, segment, from_us, cause in rows[:30]:
        answer = Explainer(town.installation, str(profile_id)).ask("segment", segment)
        assert (answer["answer"], answer["since"]) == (True, iso(from_us))
        assert (answer["cause"] or {}).get("event_id", "") == bytes(cause).hex()


def test_score_ledger_adds_up(town: Town) -> None:
    name = next(iter(Explainer(town.installation, "u1").rulebook.decisions.scores))
    answer = Explainer(town.installation, "email:U1@example.com").ask("score", name)
    with town.installation.store.reading() as tx:
        stored = tx.rows(
            "SELECT balance FROM score_entries WHERE profile_id = ? AND score_id = ? ORDER BY at_us",
            (answer["customer"]["profile_id"], name),
        )
    assert [one["balance"] for one in answer["ledger"]] == [row[0] for row in stored]
    assert answer["answer"] == answer["milli_points"] / 1000
    assert {one["rule"] for one in answer["ledger"]} - set(answer["rules"]) == {"merged"}
    lines = explain_in_words(answer, "de", zone("Europe/Berlin"))[1:-1]
    assert len(lines) == len(answer["ledger"]) > 0
    assert not [line for line in lines if "nicht mehr in Kraft" in line or "(" not in line]


def test_messages_show_every_verdict_in_words(town: Town) -> None:
    with town.installation.store.reading() as tx:
        profile_id, content, effect_id = tx.rows(
            "SELECT profile_id, content_id, effect_id FROM verdicts ORDER BY at_us LIMIT 1"
        )[0]
        stored = tx.rows("SELECT outcome FROM verdicts WHERE effect_id = ? ORDER BY sequence", (effect_id,))
    for name in (content, bytes(effect_id).hex()):
        answer = Explainer(town.installation, str(profile_id)).ask("message", name)
        shown = next(one for one in answer["messages"] if one["message_id"] == bytes(effect_id).hex())
        assert [one["outcome"] for one in shown["verdicts"]] == [row[0] for row in stored]
        for language in ("de", "en"):
            lines = explain_in_words(answer, language, zone("Europe/Berlin"))
            assert len(lines) >= 4
            assert not [line for line in lines if "{" in line]


def test_why_a_message_was_never_decided(town: Town) -> None:
    answer = Explainer(town.installation, "u0").ask("message", "winback_news")
    assert answer["answer"] is False
    assert [one["journey"] for one in answer["why_not"]] == ["churn_winback"]
    assert explain_in_words(answer, "de", zone("Europe/Berlin"))[0] == "Nein, winback_news wurde nicht freigegeben."


def test_a_consent_that_grants_nothing_is_told(town: Town) -> None:
    idle = {"channel": "email", "purpose": "newsletter", "wording": "News, please"}
    town.send("identify", userId="hopeful", traits={"email": "hopeful@example.com"})
    town.send("track", userId="hopeful", event="Consent Confirmed", properties=idle)
    town.run()
    answer = Explainer(town.installation, "hopeful").ask("message", "winback_news")
    assert [one["why"] for one in answer["idle_consents"]] == ["evidence"]
    told = " Einwilligung bestätigt: Erlaubt nichts: Der Wortlaut oder der Nachweis fehlt."
    assert [line for line in explain_in_words(answer, "de", zone("Europe/Berlin")) if line.endswith(told)]
    assert Explainer(town.installation, "u0").ask("message", "winback_news")["idle_consents"] == []


def test_paths_equal_stored_run_entries(town: Town) -> None:
    with town.installation.store.reading() as tx:
        profile_id, journey, run_id = tx.rows(
            "SELECT profile_id, journey_id, run_id FROM run_entries ORDER BY at_us LIMIT 1"
        )[0]
        stored = tx.rows("SELECT step_id, outcome FROM run_entries WHERE run_id = ? ORDER BY sequence", (run_id,))
    answer = Explainer(town.installation, str(profile_id)).ask("journey", journey)
    path = next(run["path"] for run in answer["runs"] if run["run_id"] == bytes(run_id).hex())
    assert [(one["step"], one["outcome"]) for one in path] == stored


def test_a_log_number_is_a_position(town: Town) -> None:
    with town.installation.store.reading() as tx:
        number, profile_id, at_us = tx.rows(
            "SELECT number, profile_id, at_us FROM log WHERE name = 'Order Completed' ORDER BY number DESC LIMIT 1"
        )[0]
    before, after = (Explainer(town.installation, str(profile_id), at=str(one)) for one in (number - 1, number))
    assert before.folded is not None
    assert after.folded is not None
    assert after.folded.state.commerce.last_order_us == at_us > before.folded.state.commerce.last_order_us
    assert (after.ask("phase")["position"], after.ask("phase")["folded_to"]) == (number, number)


def test_nobody_was_here_yet(town: Town) -> None:
    answer = Explainer(town.installation, "u1", at="2020-01-01T00:00:00Z").ask("segment", "regulars")
    assert (answer["answer"], answer["customer"]["exists"]) == (False, False)


def test_errors_name_the_remedy(town: Town) -> None:
    with pytest.raises(UnknownCustomerError, match="nobody@"):
        Explainer(town.installation, "nobody@example.com")
    with pytest.raises(UnknownDefinitionError, match="Known: "):
        Explainer(town.installation, "u1").ask("segment", "no_such")
    with pytest.raises(BadPositionError):
        Explainer(town.installation, "u1", at="yesterday")
    with pytest.raises(BadPositionError, match="zone"):
        Explainer(town.installation, "u1", at="2026-01-01T00:00:00")
