"""Settings: read once, refused as a whole when they cannot work, secrets kept."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kundenkreis.settings import SecretFileError, Settings, SettingsError, read_settings, secret_key

pytestmark = pytest.mark.pure


MAIL = {"KREIS_SMTP_HOST": "mail.example.com", "KREIS_MAIL_FROM": "a@example.com"}


def problems_of(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_settings(environ)
    problems = caught.value.data["problems"]
    assert isinstance(problems, list)
    return problems


def test_nothing_set_is_the_embedded_default() -> None:
    settings = read_settings({"PATH": "/bin"})
    assert settings == Settings()
    assert (settings.data_dir, settings.on_postgres) == (Path("data"), False)
    assert settings.public_url == "http://127.0.0.1:8321"


def test_values_are_typed() -> None:
    settings = read_settings(
        {"KREIS_DATA_DIR": "/srv/kreis", "KREIS_PORT": " 9000 ", "KREIS_SMTP_TLS": "", "KREIS_ZONE": "America/New_York"}
    )
    assert settings == Settings(data_dir=Path("/srv/kreis"), port=9000, zone="America/New_York")


def test_ipv6_host_is_bracketed_in_links() -> None:
    assert read_settings({"KREIS_HOST": "::1"}).public_url == "http://[::1]:8321"


def test_all_problems_are_told_at_once() -> None:
    assert problems_of(KREIS_PORT="0x50", KREIS_ZONE="Mars/Olympus", KREIS_PROT="1") == [
        "KREIS_PORT: '0x50' is not a whole number from 1 to 65535 (TCP port).",
        "KREIS_PROT is no setting. Did you mean KREIS_PORT?",
        "KREIS_ZONE: 'Mars/Olympus' is not a known time zone. Use an IANA name such as Europe/Berlin.",
    ]


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        (
            {"KREIS_WORKERS": "2"},
            "KREIS_WORKERS above 1 needs PostgreSQL. Set KREIS_DATABASE, or leave KREIS_WORKERS at 1.",
        ),
        (
            {"KREIS_DATABASE": "mysql://localhost/kreis"},
            "KREIS_DATABASE must be a PostgreSQL URL with a database name, postgresql://user:password@host/name. "
            "Leave it empty for SQLite in the data folder.",
        ),
        (
            {"KREIS_SMTP_HOST": "mail.example.com"},
            "KREIS_SMTP_HOST needs a sender: set KREIS_MAIL_FROM to an e-mail address of your domain.",
        ),
        (
            {"KREIS_SMTP_HOST": "mail.example.com", "KREIS_MAIL_FROM": "a@example.com", "KREIS_SMTP_TLS": "none"},
            "KREIS_SMTP_TLS=none would send messages readable over the network. Use starttls or tls.",
        ),
        (
            {"KREIS_SMTP_HOST": "localhost", "KREIS_MAIL_FROM": "a@example.com", "KREIS_SMTP_USER": "a"},
            "KREIS_SMTP_USER and KREIS_SMTP_PASSWORD belong together: set both or neither.",
        ),
        (
            {**MAIL, "KREIS_DKIM_KEY_FILE": "dkim.pem"},
            "KREIS_DKIM_KEY_FILE and KREIS_DKIM_SELECTOR belong together: set both or neither.",
        ),
        (
            {"KREIS_DKIM_KEY_FILE": "dkim.pem", "KREIS_DKIM_SELECTOR": "s1"},
            "KREIS_DKIM_KEY_FILE is set without KREIS_SMTP_HOST. Name the mail server, or remove it.",
        ),
        (
            {**MAIL, "KREIS_DKIM_KEY_FILE": "dkim.pem", "KREIS_DKIM_SELECTOR": "s1; t=1"},
            "KREIS_DKIM_SELECTOR is not a name in the DNS. Write it as kreis1.",
        ),
        (
            {"KREIS_SMTP_HELO": "mail example"},
            "KREIS_SMTP_HELO is not a host name. Write it as mail.muster.example.",
        ),
        (
            {"KREIS_SMTP_PASSWORD": "x"},
            "KREIS_SMTP_PASSWORD is set without KREIS_SMTP_HOST. Name the mail server, or remove it.",
        ),
        (
            {"KREIS_BATCH_LIMIT_BYTES": "2048"},
            "KREIS_BATCH_LIMIT_BYTES is smaller than KREIS_EVENT_LIMIT_BYTES. A batch must hold at least one event.",
        ),
        (
            {"KREIS_HOST": "0.0.0.0"},
            "KREIS_HOST=0.0.0.0 listens to the network, so links need a name that others can reach: "
            "set KREIS_BASE_URL, such as https://kreis.example.com.",
        ),
        *(
            (
                {"KREIS_BASE_URL": url},
                "KREIS_BASE_URL must be scheme and host without a path, such as https://kreis.example.com.",
            )
            for url in (
                "kreis.example.com",
                "https://a.example/b",
                "ftp://a.example",
                "https://a.example:x",
                "https://[",
            )
        ),
    ],
)
def test_mixes_that_cannot_work_are_refused(environ: dict[str, str], problem: str) -> None:
    assert problems_of(**environ) == [problem]


def test_smtp_on_loopback_needs_no_encryption() -> None:
    settings = read_settings(
        {"KREIS_SMTP_HOST": "127.0.0.1", "KREIS_SMTP_TLS": "none", "KREIS_MAIL_FROM": "shop@example.com"}
    )
    assert (settings.smtp_host, settings.smtp_tls) == ("127.0.0.1", "none")


def test_secret_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    first = secret_key(settings, "sessions")
    assert len(first) == 32
    assert secret_key(settings, "sessions") == first
    assert secret_key(settings, "unsubscribe") != first
    assert [path.name for path in settings.data_dir.iterdir()] == ["secret.key"]
    assert stat.S_IMODE((settings.data_dir / "secret.key").stat().st_mode) == 0o600


def test_processes_starting_together_agree_on_one_secret(tmp_path: Path) -> None:
    settings = Settings(secret_file=str(tmp_path / "shared.key"))
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: secret_key(settings, "sessions"), range(16)))
    assert len(keys) == 1
    assert os.listdir(tmp_path) == ["shared.key"]


def test_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    secret_key(settings, "sessions")
    path = tmp_path / "secret.key"
    path.chmod(0o640)
    with pytest.raises(SecretFileError, match=f"^Others may read {path}. Run: chmod 600 {path}$"):
        secret_key(settings, "sessions")


def test_damaged_secret_is_refused_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    path.write_text("half a ke")
    path.chmod(0o600)
    with pytest.raises(SecretFileError, match="does not hold 32 bytes in hexadecimal"):
        secret_key(Settings(data_dir=tmp_path), "sessions")
    assert path.read_text() == "half a ke"


def test_secret_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SecretFileError, match=r"cannot be used: Not a directory. Check the folder's owner"):
        secret_key(Settings(data_dir=tmp_path / "file" / "data"), "sessions")
