"""The frame around all commands: answers, JSON, errors, exit codes."""

import json
import os
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pysqlite3 as sqlite3
import pytest
from django.db.utils import DatabaseError

from kundenkreis.cli import main
from kundenkreis.cli.command import Command
from kundenkreis.cli.failures import told
from kundenkreis.cli.main import COMMANDS, run_command
from kundenkreis.runtime.installation import Installation
from kundenkreis.settings import Settings
from tests.faults.stage import free_port

pytestmark = pytest.mark.pure


def test_settings_as_json_hide_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    environ = {"KREIS_DATABASE": "postgresql://kreis:hush@db/kreis", "KREIS_PORT": "9000"}
    assert run_command(["settings", "--json"], environ) == 0
    printed = capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads(printed)["settings"]}
    assert rows["KREIS_PORT"] == {"name": "KREIS_PORT", "value": 9000, "unit": "TCP port", "is_default": False}
    assert rows["KREIS_DATABASE"]["value"] == "(set, not shown)"
    assert rows["KREIS_HOST"]["is_default"] is True
    assert "hush" not in printed


def test_settings_as_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["settings"], {"KREIS_BRAND": "[red]Lindenhof"}) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["Setting", "Value", "Unit", "From"]
    assert [line.split() for line in lines if line.startswith("KREIS_BRAND")] == [
        ["KREIS_BRAND", "[red]Lindenhof", "text", "environment"]
    ]


def test_error_goes_to_stderr_with_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["settings"], {"KREIS_PORT": "99999"}) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "kreis: KREIS_PORT: '99999' is not a whole number from 1 to 65535 (TCP port).\n"


def test_error_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["settings", "--json"], {"KREIS_PORT": "99999"}) == 2
    problem = "KREIS_PORT: '99999' is not a whole number from 1 to 65535 (TCP port)."
    assert json.loads(capsys.readouterr().out) == {
        "error": {"code": "settings", "message": problem, "data": {"problems": [problem]}}
    }


def test_a_call_that_is_none_says_how_it_is_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["explain", "segment"], {}) == 2
    usage = "kreis explain [-h] [--json] [--at POSITION] [--language {de,en}] KIND CUSTOMER [ID]"
    problem = "the following arguments are required: CUSTOMER"
    assert capsys.readouterr() == ("", f"usage: {usage}\nkreis: {problem}\n")
    assert run_command(["explain", "segment", "--json"], {}) == 2
    assert json.loads(capsys.readouterr().out) == {
        "error": {"code": "usage", "message": problem, "data": {"usage": usage}}
    }


@pytest.mark.db
@pytest.mark.parametrize("command", ["keys create --source shop", "apply nowhere --yes"])
def test_a_new_data_folder_is_its_owners_alone(command: str, tmp_path: Path) -> None:
    """Whatever comes first: the files in it hold everything about customers."""
    environment = os.environ | {"KREIS_DATA_DIR": str(tmp_path / "data")}
    call = [sys.executable, "-m", "kundenkreis.cli.main", *command.split(), "--json"]
    subprocess.run(call, env=environment, check=not command.startswith("apply"), stdout=subprocess.DEVNULL)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help_and_json(
    command: object, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    with pytest.raises(SystemExit) as caught:
        run_command([name, "--help"], {})
    assert caught.value.code == 0
    assert "--json" in capsys.readouterr().out


@pytest.mark.parametrize(
    "command",
    ["status", "export out", "explain phase anna", "rebuild --verify", "rebuild --in-place", "erase anna", "replay", "resume", "login",
     "simulate --journey welcome --from 2026-03-01 --to 2026-03-31"],
)  # fmt: skip
def test_who_looks_at_an_installation_makes_none(
    command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = tmp_path / "mistyped"
    assert run_command([*command.split(), "--json"], {"KREIS_DATA_DIR": str(folder)}) == 2
    problem = (
        f"There is no installation in {folder}. Say where it lies with KREIS_DATA_DIR, or begin one with kreis serve."
    )
    assert json.loads(capsys.readouterr().out) == {
        "error": {"code": "no_installation", "message": problem, "data": {"folder": str(folder)}}
    }
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["keys create --source shop", "apply . --yes"])
def test_a_data_folder_that_is_none_is_told(command: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.touch()
    assert run_command(command.split(), {"KREIS_DATA_DIR": str(place)}) == 2
    assert capsys.readouterr().err == (
        f"kreis: {place} cannot be the data folder: File exists. Name another with KREIS_DATA_DIR, or mend what stands there.\n"
    )


@pytest.mark.db
def test_a_database_that_is_away_is_told_without_its_password(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    environ = {"KREIS_DATA_DIR": str(tmp_path), "KREIS_DATABASE": "postgresql://kreis:hush@127.0.0.1:1/kreis"}
    assert run_command(["status", "--json"], environ) == 1
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["code"] == "database_failed"
    assert (captured.err, "hush" in captured.out) == ("", False)


@pytest.mark.db
def test_a_file_that_is_no_database_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "kreis.db").write_bytes(b"no database at all" * 100)
    assert run_command(["status"], {"KREIS_DATA_DIR": str(tmp_path)}) == 1
    assert capsys.readouterr().err.startswith("kreis: The database cannot be used: file is not a database. See that")


@pytest.mark.db
def test_a_file_that_is_no_inbox_is_told_before_anything_is_served(tmp_path: Path) -> None:
    """A worker would fail at it again and again."""
    (tmp_path / "inbox.db").write_bytes(b"no database at all" * 100)
    environment = os.environ | {"KREIS_DATA_DIR": str(tmp_path), "KREIS_PORT": str(free_port())}
    call = [sys.executable, "-m", "kundenkreis.cli.main", "serve"]
    done = subprocess.run(call, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"{tmp_path}/inbox.db is damaged (file is not a database)" in done.stderr


def test_accounts_that_are_in_no_database_are_told() -> None:
    error = told(DatabaseError("file is not a database"))
    assert str(error).startswith("The database cannot be used: file is not a database. See that")


def test_a_full_disk_is_told() -> None:
    """As such, not as a database that might not run."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as caught:
            connection.executescript("CREATE TABLE one (x); CREATE TABLE two (x); CREATE TABLE three (x)")
    words = "The disk of the data folder is full or fails: database or disk is full. Make room there, and do it again."
    assert str(told(caught.value)) == words
    of_site = DatabaseError("database or disk is full")
    of_site.__cause__ = caught.value
    assert str(told(of_site)) == words


@pytest.mark.db
@pytest.mark.parametrize(("file", "command"), [("roles.json", ["status"]), ("tombstones.jsonl", ["erase", "--again"])])
def test_a_damaged_file_beside_the_database_stops_nobody(file: str, command: list[str], tmp_path: Path) -> None:
    environ = {"KREIS_DATA_DIR": str(tmp_path)}
    Installation(Settings(data_dir=tmp_path)).close()
    (tmp_path / file).write_bytes(b"\xff{broken\n")
    assert run_command(command, environ) == 0


def test_a_file_that_cannot_be_written_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "write_keys.json.new").mkdir()
    assert run_command(["keys", "create", "--source", "shop"], {"KREIS_DATA_DIR": str(tmp_path)}) == 1
    assert capsys.readouterr().err == f"kreis: {tmp_path}/write_keys.json.new: Is a directory.\n"


def test_a_bug_is_told_with_its_traceback_and_exit_code_3(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def contradict(*_: object) -> None:
        raise ValueError("kk_server_abc")

    monkeypatch.setattr(
        main, "COMMANDS", (Command(name="odd", summary="Err", add_arguments=contradict_not, run=contradict),)
    )
    assert run_command(["odd", "--json"], {}) == 3
    captured = capsys.readouterr()
    problem = "Kundenkreis contradicts itself; please report this: ValueError: kk_server_[removed]"
    assert json.loads(captured.out) == {"error": {"code": "bug", "message": problem, "data": {}}}
    assert (captured.err.splitlines()[0], "kk_server_abc" in captured.err) == (
        "Traceback (most recent call last):", False
    )  # fmt: skip


def contradict_not(_: object) -> None:
    """A command without arguments."""


def test_an_argument_that_is_none_gets_the_usage_of_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["keys", "--bogus", "--json"], {}) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["message"], error["data"]["usage"].split()[:2]) == (
        "unrecognized arguments: --bogus",
        ["kreis", "keys"],
    )


@pytest.mark.parametrize("encoding", ["ascii:strict", "latin-1:strict", "utf-8:strict"])
def test_no_terminal_is_too_simple_for_an_answer(encoding: str, tmp_path: Path) -> None:
    """Umlauts where only ASCII is known, and a file whose name is no UTF-8."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / os.fsdecode(b"\xff.yaml")).write_text("kind: Stück\n", encoding="utf-8")
    environment = os.environ | {"KREIS_DATA_DIR": str(tmp_path / "data"), "PYTHONIOENCODING": encoding}
    call = [sys.executable, "-m", "kundenkreis.cli.main", "apply", str(rules)]
    done = subprocess.run([*call, "--json"], env=environment, capture_output=True, check=False)
    mistake = json.loads(done.stdout)["error"]["data"]["mistakes"][0]
    assert (done.returncode, mistake["place"]["file"]) == (2, f"{rules}/\udcff.yaml")
    assert mistake["what"] == "the text `Stück` is not a kind of definition"
    done = subprocess.run(call, env=environment, capture_output=True, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (2, False)


def test_exit_code_is_the_answers_when_nobody_reads_on(tmp_path: Path) -> None:
    environment = os.environ | {"KREIS_DATA_DIR": str(tmp_path)}
    for command, code in (("settings", 0), ("settings --json", 0)):
        reading, writing = os.pipe()
        os.close(reading)
        call = [sys.executable, "-m", "kundenkreis.cli.main", *command.split()]
        done = subprocess.run(call, env=environment, stdout=writing, stderr=subprocess.PIPE, check=False)
        os.close(writing)
        assert (done.returncode, done.stderr) == (code, b"")
