"""Every setting of an installation: read from the environment once, checked as a whole, frozen.

The defaults run on one machine with nothing installed. A value that cannot work is refused at start, together with all
others that cannot, each with what to do about it. `docs/reference/settings.md` is written from this file.
"""

import dataclasses
import difflib
import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

from kundenkreis.kernel.errors import CallerError
from kundenkreis.kernel.zones import UnknownZoneError, zone

LONGEST_BOUNCE_LOCAL_PART = 21
"""What 64 characters (RFC 5321) leave beside the name of the message (channels/core/verp.py)."""

PREFIX = "KREIS_"
NO_SETTINGS = frozenset({"KREIS_CRASH_AT"})
"""Read elsewhere (runtime/points.py), by the fault tests only."""

SmtpTls = Literal["starttls", "tls", "none"]


class SettingsError(CallerError):
    """The settings cannot work as they are."""

    code = "settings"


class DataFolderError(CallerError):
    """This cannot be the data folder; name another with KREIS_DATA_DIR, or mend what stands there."""

    code = "data_folder"


class SecretFileError(CallerError):
    """The secret key file cannot be used."""

    code = "secret_file"


def _setting(default: Any, unit: str, doc: str, *, secret: bool = False, low: int = 0, high: int = 0) -> Any:
    """A field with what people need to know about it. `low`..`high` bound a number."""
    return field(default=default, metadata={"unit": unit, "doc": doc, "secret": secret, "low": low, "high": high})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one installation. Each field is read from KREIS_<NAME IN CAPITALS>."""

    data_dir: Path = _setting(Path("data"), "folder", "Where everything lives that the installation stores on disk.")
    database: str = _setting(
        "",
        "URL",
        "Empty: SQLite files in the data folder. Else a PostgreSQL URL, postgresql://user:password@host/name.",
        secret=True,
    )
    workers: int = _setting(
        1, "processes", "How many workers fold customers. More than one needs PostgreSQL.", low=1, high=64
    )
    fold_helpers: int = _setting(
        1,
        "processes",
        "How many processes fold beside the worker while it catches up on SQLite; each takes some 100 MB and ends when there is nothing "
        "left to catch up with. Never more than the machine has other processors. 0: none.",
        high=16,
    )
    host: str = _setting(
        "127.0.0.1", "address", "Where the web server listens. The default is reachable from this machine only."
    )
    port: int = _setting(8321, "TCP port", "Port of the web server.", low=1, high=65_535)
    base_url: str = _setting(
        "", "URL", "How the outside world reaches this installation, for links in messages. Empty: http://host:port."
    )
    secret_file: str = _setting(
        "",
        "file",
        "File with the key that signs links and sessions. Empty: secret.key in the data folder, made at first start.",
    )
    zone: str = _setting(
        "Europe/Berlin",
        "IANA time zone",
        "The installation's zone: its calendar days bound all windows. Fixed once data exists.",
    )
    brand: str = _setting("Kundenkreis", "text", "Name of the brand that customers see.")
    smtp_host: str = _setting("", "host name", "Mail server. Empty: every message goes to the local mailbox instead.")
    smtp_port: int = _setting(
        587, "TCP port", "Port of the mail server: 587 with starttls, 465 with tls.", low=1, high=65_535
    )
    smtp_tls: SmtpTls = _setting(
        "starttls",
        "starttls, tls or none",
        "How the connection to the mail server is encrypted. none is accepted on loopback only.",
    )
    smtp_user: str = _setting("", "text", "Account at the mail server. Empty: no login.")
    smtp_password: str = _setting("", "text", "Password of that account.", secret=True)
    smtp_connections: int = _setting(
        10, "connections", "How many connections to the mail server are open at once.", low=1, high=200
    )
    smtp_helo: str = _setting(
        "", "host name", "Name by which we greet the mail server. Empty: that of KREIS_BASE_URL, else localhost."
    )
    dkim_key_file: str = _setting(
        "",
        "file",
        "PEM file with the RSA key that signs every mail in the name of the sender's domain (DKIM). Empty: for mail servers that sign themselves.",
    )
    dkim_selector: str = _setting(
        "", "text", "Where the key's public half stands in the DNS: <selector>._domainkey.<domain of KREIS_MAIL_FROM>."
    )
    mail_from: str = _setting("", "e-mail address", "Sender of every e-mail. Needed as soon as there is a mail server.")
    bounce_address: str = _setting(
        "",
        "e-mail address",
        "Where bounces arrive, if mail to bounces+anything@ your domain comes there too: every message gets an envelope sender of its "
        "own. Empty: they go to the sender. `kreis feedback` reads them.",
    )
    event_limit_bytes: int = _setting(
        32 * 1024, "bytes", "Largest single event that the tracking API accepts.", low=1024, high=1024 * 1024
    )
    batch_limit_bytes: int = _setting(500 * 1024, "bytes", "Largest body of a batch.", low=1024, high=64 * 1024 * 1024)
    queue_limit_events: int = _setting(
        20_000,
        "requests",
        "Requests waiting to become durable, a batch being one; beyond, senders are told to come back (503).",
        low=100,
        high=1_000_000,
    )
    key_rate_per_second: int = _setting(
        0,
        "events per second",
        "What one write key without a rate of its own may send; beyond, it is told to slow down (429). 0: no limit.",
        low=0,
        high=1_000_000,
    )
    anonymous_per_day: int = _setting(
        100_000,
        "customers per day",
        "Anonymous customers that one write key may create in a day. 0: no limit.",
        low=0,
        high=100_000_000,
    )
    anonymous_days: int = _setting(
        0,
        "days",
        "Anonymous customers who stayed silent that long are forgotten. 0: as it was set before, 90 at first.",
        low=0,
        high=3650,
    )
    dedupe_days: int = _setting(90, "days", "How long a repeated messageId is recognised.", low=90, high=3650)
    lateness_hours: int = _setting(
        24,
        "hours",
        "Events older than this on arrival update profile and facts but start no journey.",
        low=1,
        high=8760,
    )
    ahead_minutes: int = _setting(
        5, "minutes", "Events claiming to be further in the future than this get the time of arrival.", low=0, high=1440
    )

    audit_days: int = _setting(
        1095, "days", "How long the audit log keeps who saw, changed and exported what.", low=30, high=36_500
    )
    oidc_url: str = _setting(
        "", "URL", "Address of the company's OpenID Connect provider, for single sign-on. Empty: none."
    )
    oidc_name: str = _setting("Single Sign-on", "text", "What the sign-in page calls that provider.")
    oidc_client_id: str = _setting("", "text", "The client that the provider knows this installation by.")
    oidc_client_secret: str = _setting("", "text", "That client's secret.", secret=True)

    def make_data_dir(self) -> None:
        """See that the data folder is there; a new one is for its owner only.

        Raises:
            DataFolderError: something else stands there, or the folder cannot be made.
        """
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise DataFolderError(
                f"{self.data_dir} cannot be the data folder: {error.strerror}. Name another with KREIS_DATA_DIR, or mend what stands there."
            ) from None

    @property
    def on_postgres(self) -> bool:
        """Whether the operational store is PostgreSQL."""
        return bool(self.database)

    @property
    def secret_path(self) -> Path:
        """Where the key lies that signs links and sessions."""
        return Path(self.secret_file) if self.secret_file else self.data_dir / "secret.key"

    @property
    def public_url(self) -> str:
        """Scheme, host and port of every link this installation hands out, without a slash at the end."""
        if self.base_url:
            return self.base_url.rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


def variable_of(name: str) -> str:
    """The environment variable of a field: data_dir -> KREIS_DATA_DIR."""
    return PREFIX + name.upper()


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings that this environment asks for.

    Args:
        environ: usually os.environ; only names that begin with KREIS_ are looked at. An empty value is the default.

    Raises:
        SettingsError: at least one value, name or combination cannot work. The message lists all of them.
    """
    fields = {variable_of(each.name): each for each in dataclasses.fields(Settings)}
    problems: list[str] = []
    values: dict[str, Any] = {}
    for variable in sorted(name for name in environ if name.startswith(PREFIX) and name not in NO_SETTINGS):
        if variable not in fields:
            near = difflib.get_close_matches(variable, fields, n=1)
            advice = f"Did you mean {near[0]}?" if near else "docs/reference/settings.md lists all names."
            problems.append(f"{variable} is no setting. {advice}")
        elif text := environ[variable].strip():
            try:
                values[fields[variable].name] = _parsed(fields[variable], text)
            except ValueError as error:
                problems.append(f"{variable}: {error}")
    settings = Settings(**values)
    problems += [problem for rule in _RULES if (problem := rule(settings))]
    if problems:
        raise SettingsError("\n".join(problems), problems=problems)
    return settings


def _parsed(setting: "dataclasses.Field[Any]", text: str) -> Any:
    """The text as the field's type. Raises ValueError with a sentence that says what to write instead."""
    if setting.type is Path:
        return Path(text)
    if setting.type is int:
        low, high = setting.metadata["low"], setting.metadata["high"]
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"{text!r} is not a whole number from {low} to {high} ({setting.metadata['unit']}).")
        return int(text)
    if choices := get_args(setting.type):
        if text not in choices:
            raise ValueError(f"{text!r} is not one of {', '.join(choices)}.")
        return text
    return text


def _database_rule(settings: Settings) -> str:
    if not settings.database:
        return ""
    try:
        url = urlsplit(settings.database)
    except ValueError:
        return "KREIS_DATABASE cannot be read as a URL. Write postgresql://user:password@host/name."
    if url.scheme not in ("postgresql", "postgres") or len(url.path) < 2:
        return (
            "KREIS_DATABASE must be a PostgreSQL URL with a database name, postgresql://user:password@host/name. "
            "Leave it empty for SQLite in the data folder."
        )
    return ""


def _workers_rule(settings: Settings) -> str:
    if settings.workers > 1 and not settings.database:
        return "KREIS_WORKERS above 1 needs PostgreSQL. Set KREIS_DATABASE, or leave KREIS_WORKERS at 1."
    return ""


def _zone_rule(settings: Settings) -> str:
    try:
        zone(settings.zone)
    except UnknownZoneError:
        return f"KREIS_ZONE: {settings.zone!r} is not a known time zone. Use an IANA name such as Europe/Berlin."
    return ""


def _base_url_rule(settings: Settings) -> str:
    if not settings.base_url:
        return ""
    try:
        url = urlsplit(settings.base_url)
        whole = url.scheme in ("http", "https") and bool(url.hostname) and (url.port is None or url.port > 0)
    except ValueError:
        whole = False
        url = urlsplit("")
    if not whole or url.query or url.fragment or url.path.strip("/"):
        return "KREIS_BASE_URL must be scheme and host without a path, such as https://kreis.example.com."
    return ""


def _smtp_rule(settings: Settings) -> str:
    if not settings.smtp_host:
        given = [variable_of(name) for name in ("smtp_user", "smtp_password") if getattr(settings, name)]
        return f"{given[0]} is set without KREIS_SMTP_HOST. Name the mail server, or remove it." if given else ""
    if "@" not in settings.mail_from:
        return "KREIS_SMTP_HOST needs a sender: set KREIS_MAIL_FROM to an e-mail address of your domain."
    if bool(settings.smtp_user) != bool(settings.smtp_password):
        return "KREIS_SMTP_USER and KREIS_SMTP_PASSWORD belong together: set both or neither."
    if settings.smtp_tls == "none" and not is_loopback(settings.smtp_host):
        return "KREIS_SMTP_TLS=none would send messages readable over the network. Use starttls or tls."
    return ""


_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def _helo_rule(settings: Settings) -> str:
    if settings.smtp_helo and not _HOST_NAME.fullmatch(settings.smtp_helo):
        return "KREIS_SMTP_HELO is not a host name. Write it as mail.muster.example."
    return ""


def _dkim_rule(settings: Settings) -> str:
    if bool(settings.dkim_key_file) != bool(settings.dkim_selector):
        return "KREIS_DKIM_KEY_FILE and KREIS_DKIM_SELECTOR belong together: set both or neither."
    if settings.dkim_key_file and not settings.smtp_host:
        return "KREIS_DKIM_KEY_FILE is set without KREIS_SMTP_HOST. Name the mail server, or remove it."
    if settings.dkim_selector and not _HOST_NAME.fullmatch(settings.dkim_selector):
        return "KREIS_DKIM_SELECTOR is not a name in the DNS. Write it as kreis1."
    return ""


def _bounce_rule(settings: Settings) -> str:
    local, at, domain = settings.bounce_address.rpartition("@")
    if settings.bounce_address and not (at and local and domain):
        return "KREIS_BOUNCE_ADDRESS is not an e-mail address. Write it as bounces@mail.muster.example."
    if len(local) > LONGEST_BOUNCE_LOCAL_PART:
        return f"KREIS_BOUNCE_ADDRESS may have {LONGEST_BOUNCE_LOCAL_PART} characters before the @: the rest names the message."
    return ""


def _oidc_rule(settings: Settings) -> str:
    given = [bool(each) for each in (settings.oidc_url, settings.oidc_client_id, settings.oidc_client_secret)]
    if any(given) and not all(given):
        return "KREIS_OIDC_URL, KREIS_OIDC_CLIENT_ID and KREIS_OIDC_CLIENT_SECRET belong together: set all or none."
    if settings.oidc_url and not settings.oidc_url.startswith("https://"):
        try:
            host = urlsplit(settings.oidc_url).hostname or ""
        except ValueError:
            host = ""
        if not settings.oidc_url.startswith("http://") or not is_loopback(host):
            return "KREIS_OIDC_URL must begin with https://: who signs in is decided there."
    return ""


def _limits_rule(settings: Settings) -> str:
    if settings.batch_limit_bytes < settings.event_limit_bytes:
        return "KREIS_BATCH_LIMIT_BYTES is smaller than KREIS_EVENT_LIMIT_BYTES. A batch must hold at least one event."
    return ""


def _exposure_rule(settings: Settings) -> str:
    if not is_loopback(settings.host) and not settings.base_url:
        return (
            f"KREIS_HOST={settings.host} listens to the network, so links need a name that others can reach: "
            "set KREIS_BASE_URL, such as https://kreis.example.com."
        )
    return ""


_RULES: tuple[Callable[[Settings], str], ...] = (
    _database_rule,
    _workers_rule,
    _zone_rule,
    _base_url_rule,
    _smtp_rule,
    _helo_rule,
    _dkim_rule,
    _bounce_rule,
    _oidc_rule,
    _limits_rule,
    _exposure_rule,
)
"""What must hold between values; each answers "" or a sentence with the remedy."""


def is_loopback(host: str) -> bool:
    """Whether this host name is the machine itself."""
    return host in ("localhost", "::1") or host.startswith("127.")


_SECRET_BYTES = 32


def secret_key(settings: Settings, purpose: str) -> bytes:
    """32 key bytes for one purpose ("sessions", "unsubscribe", ...), the same at every call on this installation.

    Keys of different purposes reveal nothing about each other (HMAC-SHA256 over the installation's secret).

    Raises:
        SecretFileError: the file is damaged, unreadable, or others may read it.

    Effects: makes the secret file, readable by its owner only, if there is none.
    """
    path = settings.secret_path
    try:
        secret = _read_secret(path)
        if secret is None:
            _make_secret(path)
            secret = _read_secret(path)
    except OSError as error:
        raise SecretFileError(
            f"{path} cannot be used: {error.strerror}. Check the folder's owner and permissions.", path=str(path)
        ) from error
    return hmac.digest(cast(bytes, secret), purpose.encode(), hashlib.sha256)


def _read_secret(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            mode, content = os.fstat(file.fileno()).st_mode, file.read()
    except FileNotFoundError:
        return None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SecretFileError(f"Others may read {path}. Run: chmod 600 {path}", path=str(path))
    try:
        secret = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        secret = b""
    if len(secret) != _SECRET_BYTES:
        raise SecretFileError(
            f"{path} does not hold {_SECRET_BYTES} bytes in hexadecimal. Put it back from a copy. Where none is left, "
            "remove it and start with kreis serve --new-secret: links and sessions handed out so far stop working.",
            path=str(path),
        )
    return secret


def _make_secret(path: Path) -> None:
    """Write a new secret under its final name in one step, so that two processes starting at once agree on one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_hex(_SECRET_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return  # another process was first; its secret is the secret
    finally:
        draft.unlink()
