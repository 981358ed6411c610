"""The frame around all commands: answers, JSON, errors, exit codes."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kundenkreis.cli.main import COMMANDS, run_command

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
@pytest.mark.parametrize("command", ["keys", "status", "login"])
def test_a_new_data_folder_is_its_owners_alone(command: str, tmp_path: Path) -> None:
    """Whatever comes first: the files in it hold everything about customers."""
    environment = os.environ | {"KREIS_DATA_DIR": str(tmp_path / "data")}
    call = [
        sys.executable,
        "-m",
        "kundenkreis.cli.main",
        command,
        "--json",
    ]  # a process of its own: `login` sets Django up
    subprocess.run(call, env=environment, check=True, stdout=subprocess.DEVNULL)
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
