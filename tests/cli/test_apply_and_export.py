"""`kreis apply` and `kreis export` as people and machines see them."""

import json
from pathlib import Path

import pytest

from kundenkreis.cli.main import run_command
from tests.definitions.samples import HERE

pytestmark = pytest.mark.db


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"KREIS_DATA_DIR": str(tmp_path / "data")}


def test_apply_shows_asks_publishes_and_then_has_nothing_to_do(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    good = str(HERE / "good")
    assert run_command(["apply", good], environ) == 1
    shown = capsys.readouterr().out.splitlines()
    assert (shown[0], shown[-1]) == ("new: brand default (Kreisladen)", "Nothing was published. Say --yes to publish.")
    assert not Path(environ["KREIS_DATA_DIR"]).exists()
    assert run_command(["apply", good, "--dry-run", "--yes"], environ) == 0
    assert capsys.readouterr().out.splitlines() == shown[:-2]
    assert run_command(["apply", good, "--yes", "--language", "de"], environ) == 0
    published = capsys.readouterr().out.splitlines()
    assert (published[0], published[-1]) == ("neu: Marke default (Kreisladen)", "Published as rulebook 1.")
    assert run_command(["apply", good, "--yes", "--json"], environ) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["changes"], answer["published"], answer["impact"]) == ([], False, None)


def test_apply_names_every_mistake(environ: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("kind: segmant\n---\nkind: segment\nid: A\nname: {de: A}\nwhen: {all: []}\n")
    assert run_command(["apply", str(tmp_path), "--json"], environ) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "definitions_refused"
    assert [(each["place"]["line"], each["place"]["column"], each["remedy"]) for each in error["data"]["mistakes"]] == [
        (1, 7, "Did you mean `segment`?"),
        (4, 5, "Small letters a-z, digits and _, beginning with a letter, at most 64"),
    ]


def test_export_writes_what_was_applied(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run_command(["apply", str(HERE / "good"), "--yes"], environ)
    capsys.readouterr()
    assert run_command(["export", str(tmp_path / "out"), "--json"], environ) == 0
    assert len(json.loads(capsys.readouterr().out)["written"]) == 12
    assert run_command(["apply", str(tmp_path / "out")], environ) == 0
    assert capsys.readouterr().out == "Nothing changes.\n"
