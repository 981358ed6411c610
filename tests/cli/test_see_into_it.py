"""explain, simulate, rebuild, replay and keys as people call them: tables, JSON, exit codes."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kundenkreis.channels.pause import STOPPED, go_on, pause, stop
from kundenkreis.cli.explain_texts import explain_in_words, path_text
from kundenkreis.cli.main import run_command
from kundenkreis.kernel.zones import zone
from kundenkreis.runtime.explain import BadPositionError
from kundenkreis.runtime.installation import open_store
from kundenkreis.runtime.log_checks import WHAT_TO_DO
from kundenkreis.runtime.stores.meta import read_meta
from kundenkreis.runtime.stores.session import no_point
from kundenkreis.settings import read_settings
from tests.runtime.town import Town, live_through

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("words")]

EVERY_REASON: list[list[Any]] = [
    ["until", 1788422400000000, "Europe/Berlin"], ["first_of", ["bought", "hot"], 1788422400000000], ["event", "Order Completed", "ab"],
    ["bucket", 17, "trial"], ["remainder"], ["condition", {"kind": "all"}], ["Message Released", ""], ["exit_step"], [],
]  # fmt: skip


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def environ(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("town")
    database = request.getfixturevalue("postgres_database_of_module") if request.param == "postgres" else ""
    town = Town(folder, database)
    live_through(town)
    town.close()
    return {"KREIS_DATA_DIR": str(folder), "KREIS_DATABASE": database}


class Kreis:
    """The command on one installation."""

    def __init__(self, environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
        self._environ = environ
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str]:
        code = run_command(list(arguments), self._environ)
        return code, self._capsys.readouterr().out

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json")[1])


@pytest.fixture
def kreis(environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Kreis:
    return Kreis(environ, capsys)


def test_explain_in_both_languages_and_as_json(kreis: Kreis) -> None:
    assert kreis("explain", "phase", "u1", "--language", "de")[1].startswith("Phase ")
    code, text = kreis("explain", "segment", "email:u1@example.com", "regulars")
    assert (code, text.split(",")[0]) == (0, "No")
    answer = kreis.json("explain", "segment", "user_id:u1", "regulars")
    assert [answer[name] for name in ("kind", "id", "answer")] == ["segment", "regulars", False]
    assert list(answer["reason"]) == ["kind", "holds", "config", "found", "flips"]


def test_a_way_through_a_journey_is_told_in_words() -> None:
    assert [path_text(reason, "en") for reason in EVERY_REASON] == [
        "until 2026-09-03 08:00:00 UTC (Europe/Berlin)", "what comes first: bought, hot, 2026-09-03 08:00:00 UTC", "event Order completed",
        "bucket 17 of 10000 (trial)", "all others", "condition", "Message released", "end of the journey", "",
    ]  # fmt: skip
    assert path_text(["exit_step"], "de") == "Ende der Strecke"


def test_an_unknown_customer_is_said_so(kreis: Kreis) -> None:
    assert kreis("explain", "phase", "nobody")[0] == 2
    assert kreis.json("explain", "phase", "nobody")["error"]["code"] == "unknown_customer"


def test_simulate_a_published_journey(kreis: Kreis) -> None:
    days = ("--from", "2026-01-05", "--to", "2026-02-28")
    result = kreis.json("simulate", "--journey", "birthday_anniversary", *days)
    assert result["entries"] > 0
    code, text = kreis(
        "simulate", "--journey", "birthday_anniversary", *days, "--sample", "50%", "--reaction", "Order Completed=5%@2d"
    )
    assert code == 0
    assert "A sample of 50 % by stable hash." in text
    assert "5 % Order Completed after 2 days" in text
    assert kreis("simulate", "--journey", "none", *days)[0] == 2
    assert kreis("simulate", "--journey", "welcome", "--from", "soon", "--to", "later")[0] == 2
    for year in ("2019", "2090"):
        answer = kreis.json("simulate", "--journey", "welcome", "--from", f"{year}-01-01", "--to", f"{year}-02-01")
        assert answer["error"]["message"] == "There is no past in these days."
    answer = kreis.json("simulate", "draft.yaml", "--journey", "welcome", *days)
    assert answer["error"]["message"] == "Name either a draft or a published journey with --journey, not both."


def test_rebuild_verify_and_what_differs(kreis: Kreis, environ: dict[str, str], tmp_path: Path) -> None:
    code, text = kreis("rebuild", "--verify", "--into", str(tmp_path / "second.db"))
    assert (code, text.splitlines()[-1]) == (0, "Equal to what the log says.")
    assert kreis("rebuild", "--verify", "--into", str(tmp_path / "second.db"))[0] == 2
    store = open_store(read_settings(environ), no_point)
    with store.transaction() as tx:
        tx.run("UPDATE verdicts SET priority = priority + 1 WHERE sequence = 0")
    store.close()
    code, text = kreis("rebuild", "--verify")
    assert code == 1
    assert "verdicts" in text
    assert kreis.json("rebuild", "--in-place")["differing"] > 0
    assert kreis.json("rebuild", "--verify")["equal"] is True


def test_rebuild_verify_tells_rows_of_the_log_that_changed(kreis: Kreis, environ: dict[str, str]) -> None:
    with closing(open_store(read_settings(environ), no_point)) as store:
        with store.transaction() as tx:
            columns = "SELECT number, profile_id, actor, checksum FROM log"
            changed, profile_id, actor, _ = tx.rows(f"{columns} WHERE name = 'Product Viewed' ORDER BY 1")[0]
            older, _, _, checksum = tx.rows(f"{columns} ORDER BY 1 DESC LIMIT 1")[0]
            tx.run("UPDATE log SET actor = 'x' WHERE number = ?", (changed,))
            tx.run("UPDATE log SET checksum = -1 WHERE number = ?", (older,))
        code, text = kreis("rebuild", "--verify")
        told = kreis.json("rebuild", "--verify")
        with store.transaction() as tx:
            tx.run("UPDATE log SET actor = ? WHERE number = ?", (actor, changed))
            tx.run("UPDATE log SET checksum = ? WHERE number = ?", (checksum, older))
    where = f"{changed} of customer {profile_id}"
    lines = text.splitlines()
    assert (code, lines[0].split(", ")[-1]) == (1, "1 without a checksum in the log")
    assert [line.partition(": ")[0] for line in lines if ": stored " in line] == [f"log {where}, checksum"]
    assert lines[-2:] == [WHAT_TO_DO, "Differs in 1 place from what the log says."]
    assert [(one["table"], one["key"], one["column"]) for one in told["differences"]] == [("log", where, "checksum")]
    assert (told["damaged"], told["without_checksum"], told["what_to_do"], told["equal"]) == (1, 1, WHAT_TO_DO, False)
    told = kreis.json("rebuild", "--verify")
    assert (told["damaged"], told["without_checksum"], told["what_to_do"], told["equal"]) == (0, 0, "", True)


def test_replay_shows_and_sends_again(kreis: Kreis) -> None:
    shown = kreis.json("replay")
    assert len(shown["quarantine"]["events"]) == 2
    code, text = kreis("replay")
    assert (code, len(text.splitlines())) == (0, 2)
    code, text = kreis("replay", "--id", "41", "--customer", "7")
    assert (code, text.splitlines()[1:]) == (1, ["Not in quarantine: events 41", "Not in quarantine: customers 7"])
    assert kreis.json("replay", "--events")["replayed"] == {"events": 2, "skipped": 0, "customers": 0}
    assert kreis.json("replay")["quarantine"]["events"] == []


def test_keys_are_shown_once(kreis: Kreis) -> None:
    made = kreis.json("keys", "create", "--source", "till", "--kind", "public")["created"]
    assert made.startswith("kk_public_")
    listed = kreis("keys")[1]
    assert "till" in listed
    assert made not in listed
    assert kreis("keys", "revoke", "--key", made[:16] + "...")[0] == 0
    assert kreis.json("keys")["keys"] == []
    assert kreis("keys", "revoke", "--key", "kk_")[0] == 2
    assert kreis("keys", "create")[0] == 2


def test_key_of_an_unknown_brand_is_refused_and_the_known_ones_named(kreis: Kreis) -> None:
    told = kreis.json("keys", "create", "--source", "till", "--brand", "nobrand")
    assert told["error"]["message"] == "There is no brand nobrand. Known: default."
    assert kreis.json("keys")["keys"] == []
    made = kreis.json("keys", "create", "--source", "till", "--brand", "default")["created"]
    assert [one["brand"] for one in kreis.json("keys")["keys"]] == ["default"]
    kreis("keys", "revoke", "--key", made)


def test_origins_and_identity_secret_of_a_key_are_set_and_taken_away(kreis: Kreis) -> None:
    public = ("keys", "create", "--source", "web", "--kind", "public")
    made = kreis.json(
        *public, "--origin", "https://Shop.Example:443/", "--origin", "http://localhost:3000", "--identity-secret"
    )
    key, secret = made["created"], made["identity_secret"]
    assert len(secret) >= 43

    def held() -> tuple[object, object]:
        (one,) = kreis.json("keys")["keys"]
        return one["origins"], one["has_identity_secret"]

    assert held() == (["https://shop.example", "http://localhost:3000"], True)
    assert secret not in kreis("keys")[1]
    change = ("keys", "change", "--key", key[:16] + "...")
    assert kreis(*change)[0] == 2
    for wrong in (
        "shop.example",
        "https://shop.example/checkout",
        "ftp://shop.example",
        "https://",
        "https://a:b@shop.example",
        "https://[::1",
    ):
        assert (kreis(*change, "--origin", wrong)[0], held()) == (
            2,
            (["https://shop.example", "http://localhost:3000"], True),
        )
    kreis(*change, "--origin", "https://käse.example")
    assert held() == (["https://xn--kse-qla.example"], True)
    kreis(*change, "--any-origin", "--no-identity-secret")
    assert held() == ([], False)
    renewed = kreis.json(*change, "--identity-secret")["identity_secret"]
    assert (renewed != secret, held()) == (True, ([], True))
    second = kreis.json(*public)["created"]
    assert [one["has_identity_secret"] for one in kreis.json("keys")["keys"]] == [True, True]
    assert kreis("keys", "create", "--source", "till", "--identity-secret")[0] == 2
    for one in (key, second):
        kreis("keys", "revoke", "--key", one)


def test_paused_sending_is_shown_and_resumed(kreis: Kreis, environ: dict[str, str]) -> None:
    assert kreis("resume") == (1, "Sending was not paused.\n")
    store = open_store(read_settings(environ), no_point)
    with store.transaction("test") as tx:
        pause(tx, at_us=1788422400000000, found=3, missing=0)
        pause(tx, at_us=1788422500000000, found=4, missing=1)
        stop(tx, at_us=1788422400000000, detail="[Errno 28] No space left on device")
    told = kreis.json("status")
    assert told["paused"] == {"since_us": 1788422400000000, "found": 7, "missing": 1}
    assert told["stopped"] == {"since_us": 1788422400000000, "detail": "[Errno 28] No space left on device"}
    text = kreis("status")[1]
    assert (
        "Sending is paused since 2026-09-03T08:00:00.000000Z: the database was restored from a backup. 7 messages had gone"
        in text
    )
    assert "Nothing is sent since 2026-09-03T08:00:00.000000Z: [Errno 28] No space left on device" in text
    assert kreis.json("resume") == {"was_paused": True}
    assert kreis.json("status")["paused"] is None
    with store.transaction("test") as tx:
        assert '"actor":"command line"' in str(read_meta(tx, "sending_resumed"))
        go_on(tx, STOPPED)
    store.close()


def test_an_explanation_says_what_is_missing_in_the_call(
    kreis: Kreis, capsys: pytest.CaptureFixture[str], environ: dict[str, str]
) -> None:
    def refused(*call: str) -> str:
        assert run_command(["explain", *call], environ) == 2
        return capsys.readouterr().err

    assert refused("segment", "u1").startswith("kreis: Say which segment is meant, after the customer. Known: ")
    assert refused("phase", "u1", "care") == "kreis: A phase is explained without an ID; leave out 'care'.\n"
    assert refused("phase", "u1", "--at", "2026-11-21") == (
        "kreis: Say in which zone 2026-11-21 is meant, such as 2026-11-21T00:00:00Z or 2026-11-21T00:00:00+01:00.\n"
    )
    for position in ("²", "0001-01-01T00:00:00+14:00", "-3"):
        assert refused("phase", "u1", "--at", position) == f"kreis: {BadPositionError.__doc__}\n"
    assert kreis("explain", "phase", "u1", "--at", "9" * 30)[0] == 0


def test_a_content_that_no_journey_sends_is_told_as_such() -> None:
    answer = {
        "kind": "message",
        "id": "spare",
        "answer": False,
        "messages": [],
        "why_not": [],
        "customer": {"exists": True},
        "rulebook": 3,
        "at": "now",
    }
    assert explain_in_words(answer, "en", zone("UTC")) == [
        "No, spare was not released.", "No journey in force sends this content.", "Rulebook 3, as of now.",
    ]  # fmt: skip


def test_what_was_released_and_stopped_afterwards_is_no_plain_yes() -> None:
    message = {"message_id": "ab", "content": "hello", "channel": "email", "fate": "withheld", "told": [], "verdicts": [
        {"at": "then", "outcome": "released", "reasons": [["basis", True, "express_consent"], ["address", True]]},
        {"at": "later", "outcome": "withheld", "reasons": [["withdrawn", False]]},
    ]}  # fmt: skip
    answer = {
        "kind": "message",
        "id": "hello",
        "answer": True,
        "messages": [message],
        "customer": {"exists": True},
        "rulebook": 3,
        "at": "now",
    }
    assert explain_in_words(answer, "de", zone("UTC")) == [
        "Ja, hello wurde freigegeben, aber nicht übergeben.", "ab hello (E-Mail): zurückgehalten", "  then freigegeben",
        "    + Eine Rechtsgrundlage ist da: Einwilligung", "    + Eine Adresse für den Kanal ist da", "  later zurückgehalten",
        "    - Einwilligung widerrufen.", "Regelwerk 3, Stand now.",
    ]  # fmt: skip


def test_conditions_are_told_in_the_words_of_the_pages() -> None:
    event = {"kind": "event", "holds": False, "config": {"name": "Order Completed", "count": {"at_least": 2}},
             "found": {"count": 1, "last_us": 1788422400000000}}  # fmt: skip
    tree = {"kind": "not", "holds": True, "parts": [event], "config": {}, "found": {}}
    answer = {"kind": "segment", "id": "new", "answer": True, "since": None, "flips": None, "reason": tree, "customer": {"exists": True},
              "cause": {"name": "Order Completed", "happened": "then"}, "rulebook": 3, "at": "now"}  # fmt: skip
    assert explain_in_words(answer, "en", zone("Europe/Berlin")) == [
        "Yes, in segment new since ?.", "Decided by: Order completed on then.", "Does not change by itself.", "+ This does not hold",
        "  - Order completed at least 2 times (found: once, last on 3 Sept 2026)", "Rulebook 3, as of now.",
    ]  # fmt: skip
    assert explain_in_words(answer, "de", zone("Europe/Berlin"))[3:5] == [
        "+ Das trifft nicht zu", "  - Bestellung abgeschlossen mindestens 2-mal (gefunden: einmal, zuletzt am 03.09.2026)",
    ]  # fmt: skip


def test_words_need_no_pages(environ: dict[str, str]) -> None:
    """In a process of its own, as people call it."""
    call = [sys.executable, "-m", "kundenkreis", "explain", "phase", "u1", "--language", "de"]
    said = subprocess.run(call, env={**os.environ, **environ}, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[0].startswith("Phase Rückgewinnung seit ")


def test_a_line_of_a_ledger_says_where_its_points_come_from() -> None:
    rule = {"id": "bought", "event": {"name": "Order Completed"}, "points": 15}
    ledger = [
        {"at": "then", "rule": name, "milli_points": 15_000, "balance": 15_000, "event": {"name": event}}
        for name, event in (
            ("bought", "Order Completed"),
            ("merged", ""),
            ("history", ""),
            ("old_rule", ""),
            ("hot", "Score Added"),
        )
    ]
    answer = {"kind": "score", "id": "activity", "answer": 15.0, "rules": {"bought": rule}, "ledger": ledger, "customer": {"exists": True},
              "rulebook": 3, "at": "now"}  # fmt: skip
    assert [line.partition("= 15 ")[2] for line in explain_in_words(answer, "en", zone("UTC"))[1:-1]] == [
        "(Order completed: +15 points)", "(Taken over from a joined record)", "(Counted of the past when the score was new)",
        "(A rule that is no longer in force (old rule))", "(Given by a journey)",
    ]  # fmt: skip
