"""What stands in the way of a server is told before anything is started."""

import socket
from pathlib import Path

import pytest

from kundenkreis.cli.main import run_command
from kundenkreis.cli.serve_command import tell_lost_keys
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.secret_mark import SecretChangedError, check_secret
from kundenkreis.runtime.serve import PortTakenError, await_port
from kundenkreis.runtime.sole_process import AlreadyServedError, claim_folder
from kundenkreis.settings import Settings
from tests.runtime.town import Town, live_through, ring_bells

pytestmark = pytest.mark.db


def test_a_folder_is_served_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second server would take the bells away from the first, whose worker would sleep on what it acknowledged."""
    settings = Settings(data_dir=tmp_path)
    held = claim_folder(settings, "serve.lock")
    assert held is not None
    with pytest.raises(AlreadyServedError):
        claim_folder(settings, "serve.lock")
    assert run_command(["serve"], {"KREIS_DATA_DIR": str(tmp_path)}) == 2
    assert capsys.readouterr().err == (
        f"kreis: {tmp_path} is being served already; stop that server first, or name another folder with KREIS_DATA_DIR.\n"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["serve.lock"]
    held.release()
    again = claim_folder(settings, "serve.lock")
    assert again is not None
    again.release()


def test_servers_on_postgres_may_share_a_folder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database="postgresql://kreis@db/kreis")
    assert (claim_folder(settings, "serve.lock"), claim_folder(settings, "serve.lock")) == (None, None)


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = Settings(data_dir=tmp_path, port=port)
        with pytest.raises(PortTakenError) as caught:
            await_port(settings, patience_seconds=0)
        assert str(caught.value) == (
            f"Nothing can listen at 127.0.0.1:{port}: Address already in use. Name a free port with KREIS_PORT, or stop what listens there."
        )
    await_port(settings, patience_seconds=0)


def test_an_address_of_another_machine_is_told(tmp_path: Path) -> None:
    with pytest.raises(PortTakenError) as caught:
        await_port(Settings(data_dir=tmp_path, host="192.0.2.1"), patience_seconds=0)
    assert str(caught.value).startswith("Nothing can listen at 192.0.2.1:8321: Cannot assign requested address.")


def test_what_comes_after_the_inbox_was_lost_is_taken_in(tmp_path: Path) -> None:
    town = Town(tmp_path)
    live_through(town)
    town.close()
    for part in tmp_path.glob("inbox.db*"):
        part.unlink()
    town.installation = Installation(town.settings, clock=town.clock)
    town.inbox, town.worker = town.installation.open_inbox(), town.installation.open_worker()
    ring_bells(town)
    with town.installation.store.reading() as tx:
        assert tx.rows("SELECT count(*) FROM log WHERE name = 'Bell Rung'") == [(5,)]
    town.close()


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_another_secret_than_that_of_the_data_is_refused(
    tmp_path: Path, store: str, postgres_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A restore that left secret.key behind would begin with a new one, without a word."""
    database = postgres_database if store == "postgres" else ""
    environ = {"KREIS_DATA_DIR": str(tmp_path), "KREIS_DATABASE": database}
    installation = Installation(Settings(data_dir=tmp_path, database=database))
    check_secret(installation.store, installation.settings)
    check_secret(installation.store, installation.settings)
    (tmp_path / "secret.key").unlink()
    with pytest.raises(SecretChangedError):
        check_secret(installation.store, installation.settings)
    assert run_command(["erase", "--again"], environ) == 2
    told = capsys.readouterr().err
    assert told.startswith(
        f"kreis: {tmp_path / 'secret.key'} is another key than the one with which this installation's data were made"
    )
    assert "kreis serve --new-secret" in told
    check_secret(installation.store, installation.settings, accepts_new=True)
    check_secret(installation.store, installation.settings)
    installation.close()


def test_lost_write_keys_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A restore that left write_keys.json behind would refuse all senders, and nobody would know why."""
    new = Installation(Settings(data_dir=tmp_path / "new"))
    tell_lost_keys(new)
    new.close()
    town = Town(tmp_path)
    live_through(town)
    town.installation.ensure_write_keys([("web", "public")])
    tell_lost_keys(town.installation)
    assert capsys.readouterr().err == ""
    (tmp_path / "write_keys.json").unlink()
    tell_lost_keys(town.installation)
    assert capsys.readouterr().err == (
        f"{tmp_path / 'write_keys.json'} is not there, so new write keys are made: whoever sends with an earlier one is refused (401). "
        "Put the file back from a copy, or give the new ones to your senders: kreis keys\n"
    )
    town.close()
