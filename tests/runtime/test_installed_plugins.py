"""A condition, a step and a channel of a third party: each one file and one line, as docs/reference/plug-ins.md shows them, installed
beside Kundenkreis and nowhere else named.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from kundenkreis.channels.dispatcher import Dispatcher
from kundenkreis.cli.main import run_command
from kundenkreis.definitions.errors import PluginRefusedError
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.definitions.kinds import SHIPPED
from kundenkreis.kernel.zones import DAY, MINUTE
from kundenkreis.runtime.dispatching import build_world
from kundenkreis.runtime.explain import Explainer
from kundenkreis.runtime.rebuild import second_store, verify
from tests.runtime.town import Town

pytestmark = pytest.mark.db

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "plug-ins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
FILES = {text.splitlines()[0].removeprefix("# "): text for kind, text in BLOCKS if kind == "python"}
"""File name -> text, as the page for outsiders shows them."""
DEFINITIONS: list[dict[str, Any]] = [
    document for kind, text in BLOCKS if kind == "yaml" for document in yaml.safe_load_all(text)
]


def points_of_the_page() -> str:
    """The entry points as an installer writes them."""
    (project,) = [tomllib.loads(text)["project"] for kind, text in BLOCKS if kind == "toml"]
    groups = project["entry-points"].items()
    return "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items()) for group, points in groups
    )


def install(folder: Path, points: str = "", name: str = "kreis-moon") -> None:
    """What an installer leaves behind: modules, and a record with the entry points."""
    folder.mkdir(exist_ok=True)
    for file, text in FILES.items():
        (folder / file).write_text(text)
    record = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text(points or points_of_the_page())


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed distributions, looked at anew and forgotten afterwards."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    installed_plugins.cache_clear()
    yield folder
    installed_plugins.cache_clear()
    for module in [name for name in sys.modules if name.startswith("kreis_moon_")]:
        del sys.modules[module]


def live(town: Town) -> None:
    """Three customers with one, two and three orders."""
    for number in range(3):
        town.send("identify", userId=f"u{number}", traits={"email": f"u{number}@example.com", "country": "DE"})
        for again in range(number + 1):
            town.order(f"u{number}", f"o{number}-{again}", 20.0)
    town.run()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_they_live_in_a_journey_and_survive_a_rebuild(
    site: Path, tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    install(site)
    database = request.getfixturevalue("postgres_database") if kind == "postgres" else ""
    town = Town(tmp_path / "town", database)
    town.publish([*town.documents(), *DEFINITIONS])
    live(town)
    store = town.installation.store
    with store.reading() as tx:
        howls = tx.rows("SELECT count(*) FROM log WHERE name = 'Howled'")
        inside = tx.rows("SELECT count(*) FROM memberships WHERE definition_id = 'odd_ones'")
    assert (howls, inside) == ([(6,)], [(1,)])
    town.pass_time(DAY)
    dispatcher = Dispatcher(build_world(town.installation), "test")
    while dispatcher.run_once().claimed:
        pass
    dispatcher.close()
    town.pass_time(MINUTE)
    assert import_module("kreis_moon_channel").FLOWN == ["by_air"] * 6
    with store.reading() as tx:
        flown = tx.rows(
            "SELECT o.state FROM outbox o JOIN verdicts v ON v.effect_id = o.effect_id WHERE v.channel = 'pigeon'"
        )
    assert {row[0] for row in flown} == {"accepted"}
    with second_store(None) as second:
        report = verify(store, second, zone=town.installation.zone)
    assert (report.differences, report.compared["outbox"]) == ([], 6)
    answer = Explainer(town.installation, "u2").ask("segment", "odd_ones")
    assert answer["answer"] is True
    assert answer["reason"]["kind"] == "odd_orders"
    assert answer["reason"]["found"] == {"orders": 3}
    path = Explainer(town.installation, "u0").ask("journey", "night")["runs"][0]["path"]
    assert "first" in [one["step"] for one in path]
    town.close()


def test_the_commands_know_them_too(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(site)
    town = Town(tmp_path / "town")
    live(town)
    town.close()
    environ = {"KREIS_DATA_DIR": str(tmp_path / "town")}
    out = tmp_path / "definitions"
    assert run_command(["export", str(out), "--schema", str(tmp_path / "schema.json")], environ) == 0
    parts = json.loads((tmp_path / "schema.json").read_text())["$defs"]
    assert "odd_orders" in parts["condition"]["properties"]
    assert "howl" in parts["step"]["properties"]
    (out / "mine.yaml").write_text("\n---\n".join(json.dumps(one) for one in DEFINITIONS))
    capsys.readouterr()
    assert run_command(["apply", str(out), "--yes"], environ) == 0, capsys.readouterr().err
    capsys.readouterr()
    (tmp_path / "draft.json").write_text(json.dumps({**DEFINITIONS[2], "id": "late_night"}))
    draft = (tmp_path / "draft.json").rename(tmp_path / "draft.yaml")
    assert run_command(["simulate", str(draft), "--from", "2026-01-01", "--to", "2026-01-01", "--json"], environ) == 0
    assert json.loads(capsys.readouterr().out)["journeys"] == ["late_night"]
    again = subprocess.run(
        [sys.executable, "-m", "kundenkreis.cli.main", "rebuild", "--verify", "--json"],
        env={**environ, "PYTHONPATH": f"{site}:{':'.join(one for one in sys.path if one)}"}, capture_output=True, check=False,
    )  # fmt: skip
    assert json.loads(again.stdout)["equal"] is True


def test_without_them_nothing_is_different(site: Path) -> None:
    assert installed_plugins() == SHIPPED


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ("[kundenkreis.steps]\nwait = kreis_moon_absent:WAIT\n", "importing it raised"),
        ("[kundenkreis.steps]\nwait = kreis_moon_channel:Pigeon\n", "it has no 'kind'"),
        ("[kundenkreis.conditions]\na = kreis_moon_condition:KIND\nb = kreis_moon_condition:KIND\n", "'odd_orders' is taken"),
        ("[kundenkreis.channels]\na = kreis_moon_channel:Pigeon\nb = kreis_moon_channel:Pigeon\n", "a channel for 'pigeon'"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named(site: Path, points: str, why: str) -> None:
    install(site, points, name="kreis-broken")
    with pytest.raises(PluginRefusedError, match="uninstall kreis-broken") as refused:
        installed_plugins()
    assert why in str(refused.value)
