"""What the processes say about themselves: one JSON object per line on stderr, without secrets and without people.

JSON escapes every control character, so nobody can write a line of their own into the log. What looks like a key, a password, a token
or an e-mail address is replaced, whoever put it into a message or an exception.
"""

import json
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TextIO

from kundenkreis.settings import Settings

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"kk_(public|server)_[A-Za-z0-9_\-]+"), r"kk_\1_[removed]"),
    (re.compile(r"(\w+://[^\s:/@]*):[^\s@]+@"), r"\1:[removed]@"),
    (re.compile(r"\b(Basic|Bearer|token)\s+[A-Za-z0-9+/=._\-]{8,}", re.IGNORECASE), r"\1 [removed]"),
    (re.compile(r"\b(password|passwd|secret|api_?key)(['\"]?\s*[=:]\s*['\"]?)[^\s'\",]+", re.IGNORECASE), r"\1\2[removed]"),
    (re.compile(r"[^\s<>\"'(),;:=]+@[^\s<>\"'(),;:=]+\.[^\s<>\"'(),;:=]+"), "[address]"),
    (re.compile(r"(Key \([^)]*\)=)\([^)]*\)"), r"\1([removed])"),
)  # fmt: skip
"""The last is how PostgreSQL names the value that broke a constraint."""
LONGEST = 8_000
QUIET_SECONDS = 60.0
"""So long a line that was written is not written again: what is tried twice a second while a disk is full would fill the log's as well."""
_MOST_REMEMBERED = 1_000


def without_secrets(text: str, secrets: Collection[str] = ()) -> str:
    """The text without what may not stand in a log: these secrets, and what looks like one or like an e-mail address."""
    for secret in secrets:
        text = text.replace(secret, "[removed]")
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class JsonLines(logging.Formatter):
    """A record as one line: time, level, logger, message, and the traceback if there is one."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        super().__init__()
        # Long ones first, so that none is cut by another that it contains; very short ones stand in any text.
        self._secrets = sorted((one for one in secrets if len(one) >= 4), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str | int] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._clean(record.getMessage()),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = self._clean("".join(traceback.format_exception(record.exc_info[1])))
        if repeated := getattr(record, "repeated", 0):
            line["repeated"] = repeated
        return json.dumps(line)

    def _clean(self, text: str) -> str:
        return without_secrets(text, self._secrets)[-LONGEST:]


class Repeats(logging.Filter):
    """Lets one line through that is said over and over, then no other like it for a minute; the next one tells how many were left out.

    Alike are lines of one logger with the same words and the same failure, wherever it came from.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._said: dict[tuple[str, int, str, str], list[float]] = {}
        """Line -> [when it may be written again, how often it was left out]."""

    def filter(self, record: logging.LogRecord) -> bool:
        failure = repr(record.exc_info[1]) if record.exc_info else ""
        line, now = (record.name, record.levelno, record.getMessage(), failure), self._monotonic()
        with self._guard:
            until, left_out = self._said.get(line, (now, 0))
            if now < until:
                self._said[line][1] += 1
                return False
            if len(self._said) >= _MOST_REMEMBERED:
                self._said.clear()
            self._said[line] = [now + QUIET_SECONDS, 0]
        record.repeated = int(left_out)
        return True


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """The values of the settings that nobody may read in a log."""
    return tuple(each for each in (settings.smtp_password, settings.database, settings.oidc_client_secret) if each)


def write_logs(settings: Settings, *, to: TextIO | None = None) -> None:
    """Every logger of this process writes JSON lines from now on; warnings and worse."""
    handler = logging.StreamHandler(to if to is not None else sys.stderr)
    handler.setFormatter(JsonLines(secrets_of(settings)))
    handler.addFilter(Repeats())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
