"""Django for this installation: its settings follow from ours, and are set once per process."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from kundenkreis.kernel import advisory_locks
from kundenkreis.kernel.errors import BugError
from kundenkreis.runtime import sqlite_library
from kundenkreis.settings import Settings, secret_key
from kundenkreis.sqlite_wal import make_private

SESSION_DAYS = 30
"""The cookie's life; guard.py ends sessions earlier."""
_MINUTE = 60
_LOCK_TIMEOUT_SECONDS = 20
APP_FILE = "app.db"


class AlreadyConfiguredError(BugError):
    """Django was set up for another installation in this process."""

    code = "site_already_configured"


def _database(settings: Settings) -> dict[str, Any]:
    if not settings.on_postgres:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": settings.data_dir / APP_FILE,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": _LOCK_TIMEOUT_SECONDS,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
        }
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - not needed on SQLite

    parts = {name: value for name, value in conninfo_to_dict(settings.database).items() if value is not None}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "OPTIONS": parts,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _content_security_policy() -> dict[str, Any]:
    """Nothing but our own files; no inline script or style anywhere."""
    return {
        "DIRECTIVES": {
            "default-src": ["'none'"],
            "script-src": ["'self'"],
            "style-src": ["'self'"],
            "font-src": ["'self'"],
            "img-src": ["'self'"],
            "connect-src": ["'self'"],
            "frame-src": ["'self'"],
            "form-action": ["'self'"],
            "base-uri": ["'none'"],
            "frame-ancestors": ["'none'"],
        }
    }


def _signing_in(settings: Settings) -> dict[str, Any]:
    """How people sign in: django-allauth behind pages of our own."""
    provider = {
        "provider_id": "company",
        "name": settings.oidc_name,
        "client_id": settings.oidc_client_id,
        "secret": settings.oidc_client_secret,
        "settings": {"server_url": settings.oidc_url},
    }
    return {
        "AUTHENTICATION_BACKENDS": ["allauth.account.auth_backends.AuthenticationBackend"],
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
        "PASSWORD_RESET_TIMEOUT": 30 * _MINUTE,
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
            for name, options in (
                ("MinimumLengthValidator", {"min_length": 12}),
                ("CommonPasswordValidator", {}),
                ("UserAttributeSimilarityValidator", {"user_attributes": ("email", "name")}),
            )
        ],
        "ACCOUNT_ADAPTER": "kundenkreis.site.accounts.adapter.AccountAdapter",
        "ACCOUNT_LOGIN_METHODS": {"email"},
        "ACCOUNT_DEFAULT_HTTP_PROTOCOL": settings.public_url.partition(":")[0],
        "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*"],
        "ACCOUNT_EMAIL_VERIFICATION": "none",  # addresses are vouched for by whoever invites
        "ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS": False,  # strangers' addresses get no mail from us
        "ACCOUNT_SESSION_REMEMBER": True,
        "ACCOUNT_REAUTHENTICATION_TIMEOUT": 10 * _MINUTE,
        "ACCOUNT_USER_DISPLAY": "kundenkreis.site.accounts.people.shown_name",
        "ACCOUNT_RATE_LIMITS": {"login_failed": "20/m/ip,5/5m/key", "login": "60/m/ip"},
        "MFA_ADAPTER": "kundenkreis.site.accounts.adapter.MfaAdapter",
        "MFA_SUPPORTED_TYPES": ["totp", "webauthn", "recovery_codes"],
        "MFA_PASSKEY_LOGIN_ENABLED": True,
        "MFA_TOTP_TOLERANCE": 1,  # telephones' clocks go wrong, and people type slowly
        "MFA_FORMS": {
            "authenticate": "kundenkreis.site.accounts.code_forms.CodeForm",
            "reauthenticate": "kundenkreis.site.accounts.code_forms.ConfirmCodeForm",
        },
        "MFA_RECOVERY_CODES_SHOW_ONCE": True,
        "SOCIALACCOUNT_ADAPTER": "kundenkreis.site.accounts.adapter.SocialAdapter",
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION": True,
        "SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT": True,
        # By GET, because a form may post to ourselves only; the answer is bound to this browser by its state.
        "SOCIALACCOUNT_LOGIN_ON_GET": True,
        "SOCIALACCOUNT_PROVIDERS": {"openid_connect": {"APPS": [provider], "OAUTH_PKCE_ENABLED": True}}
        if settings.oidc_url
        else {},
    }


def _staff_mail(settings: Settings) -> dict[str, Any]:
    """Mail to people who work here goes to the same server as mail to customers."""
    return {
        "EMAIL_BACKEND": f"django.core.mail.backends.{'smtp' if settings.smtp_host else 'dummy'}.EmailBackend",
        "EMAIL_HOST": settings.smtp_host,
        "EMAIL_PORT": settings.smtp_port,
        "EMAIL_HOST_USER": settings.smtp_user,
        "EMAIL_HOST_PASSWORD": settings.smtp_password,
        "EMAIL_USE_TLS": settings.smtp_tls == "starttls",
        "EMAIL_USE_SSL": settings.smtp_tls == "tls",
        "EMAIL_TIMEOUT": 30,
        "DEFAULT_FROM_EMAIL": settings.mail_from,
    }


def django_settings(settings: Settings) -> dict[str, Any]:
    """Django's settings for this installation."""
    host = urlsplit(settings.public_url).hostname or ""
    public_host = f"[{host}]" if ":" in host else host
    is_https = settings.public_url.startswith("https://")
    return {
        "DEBUG": False,
        "SECRET_KEY": secret_key(settings, "site").hex(),
        # Names by which this machine is known; others are refused, against DNS rebinding.
        "ALLOWED_HOSTS": sorted({public_host, "127.0.0.1", "localhost", "[::1]"}),
        "CSRF_TRUSTED_ORIGINS": [settings.public_url],
        "ROOT_URLCONF": "kundenkreis.site.urls",
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "kundenkreis.site",  # before allauth: our templates take the place of its own
            "allauth",
            "allauth.account",
            "allauth.mfa",
            "allauth.socialaccount",
            "allauth.socialaccount.providers.openid_connect",
        ],
        # Limits of attempts to sign in stand here beside what pages remember: with the 300 entries of the default, views would push them out.
        "CACHES": {
            "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}}
        },
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "csp.middleware.CSPMiddleware",
            "kundenkreis.site.compression.pack_files",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "django.middleware.gzip.GZipMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.locale.LocaleMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "allauth.account.middleware.AccountMiddleware",
            "kundenkreis.site.guard.AccessMiddleware",
            "kundenkreis.site.middleware.vary_by_htmx",
            "kundenkreis.site.middleware.toasts_for_htmx",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.template.context_processors.i18n",
                        "django.contrib.auth.context_processors.auth",
                        "kundenkreis.site.shell.page_context",
                    ]
                },
            }
        ],
        "DATABASES": {"default": _database(settings)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "AUTH_USER_MODEL": "site.Account",
        "LOGIN_URL": "login",
        **_signing_in(settings),
        **_staff_mail(settings),
        # __Host-: only from this host, only over https, for every path; no other host can set or read it.
        "SESSION_COOKIE_NAME": "__Host-kreis_session" if is_https else "kreis_session",
        "SESSION_COOKIE_AGE": SESSION_DAYS * 86_400,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": is_https,
        "CSRF_COOKIE_NAME": "__Host-kreis_csrf" if is_https else "kreis_csrf",
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SECURE": is_https,
        "CSRF_FAILURE_VIEW": "kundenkreis.site.shell.csrf_failed",
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "CONTENT_SECURITY_POLICY": _content_security_policy(),
        "LANGUAGE_CODE": "en",
        "LANGUAGES": [("de", "Deutsch"), ("en", "English")],
        "LANGUAGE_COOKIE_NAME": "kreis_language",
        "LANGUAGE_COOKIE_HTTPONLY": True,
        "LANGUAGE_COOKIE_SAMESITE": "Lax",
        "LANGUAGE_COOKIE_AGE": 365 * 86_400,
        "USE_TZ": True,
        "TIME_ZONE": settings.zone,
        "STATIC_URL": "/static/",
        "STORAGES": {"staticfiles": {"BACKEND": "kundenkreis.site.assets.FingerprintStorage"}},
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": False,
        "WHITENOISE_ALLOW_ALL_ORIGINS": False,
        "WHITENOISE_IMMUTABLE_FILE_TEST": "",  # every address: it carries a fingerprint of the content, or a version
        "KREIS": settings,  # so that a second configure() can tell whether it asks for the same
    }


def configure(settings: Settings) -> None:
    """Set Django up for this installation. Again with the same settings is harmless.

    Raises:
        AlreadyConfiguredError: this process serves another installation.
        SqliteLibraryError, SecretFileError: see there.

    Effects: makes the data folder and the secret file if they are missing.
    """
    sqlite_library.install()
    import django  # noqa: PLC0415 - Django imports sqlite3, which install() replaces
    from django.conf import settings as configured  # noqa: PLC0415

    if configured.configured:
        if settings != configured.KREIS:
            raise AlreadyConfiguredError
        return
    settings.make_data_dir()
    configured.configure(**django_settings(settings))
    django.setup()
    # Whoever asks for a name that is not ours gets 400. Scanners do so all day; no failure of ours, and nothing to fill the log with.
    # A filter, because the web server's own set-up enables every logger anew.
    logging.getLogger("django.security.DisallowedHost").addFilter(lambda _record: False)


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Hold the installation's migration lock: processes that start together must not all create tables."""
    if settings.on_postgres:
        from django.db import connection  # noqa: PLC0415 - only after configure()

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [advisory_locks.SITE_SCHEMA])
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [advisory_locks.SITE_SCHEMA])
    else:
        import fcntl  # noqa: PLC0415 - not on every system that can serve from PostgreSQL

        with (settings.data_dir / "app.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            make_private(settings.data_dir / APP_FILE)
            yield


def migrate(settings: Settings) -> None:
    """Bring the site's tables up to date. configure() comes first."""
    from django.core.management import call_command  # noqa: PLC0415 - only after configure()

    with _only_one(settings):
        call_command("migrate", verbosity=0, interactive=False)
