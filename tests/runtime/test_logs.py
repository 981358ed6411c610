"""What the processes say about themselves is written, and not over and over."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from kundenkreis.runtime.logs import JsonLines, Repeats


class Heard:
    """A logger with the handler of the processes, on a clock that the test moves."""

    def __init__(self, logger: logging.Logger) -> None:
        self.now = 0.0
        self.logger = logger
        self._written = io.StringIO()
        handler = logging.StreamHandler(self._written)
        handler.setFormatter(JsonLines())
        handler.addFilter(Repeats(monotonic=lambda: self.now))
        logger.handlers[:] = [handler]
        logger.propagate = False

    def lines(self) -> list[dict[str, Any]]:
        """What was written so far."""
        return [json.loads(line) for line in self._written.getvalue().splitlines()]


@pytest.fixture
def heard() -> Iterator[Heard]:
    logger = logging.getLogger("tests.repeats")
    yield Heard(logger)
    logger.handlers.clear()
    logger.propagate = True


def test_what_is_said_over_and_over_is_written_once_a_minute(heard: Heard) -> None:
    """A worker tries twice a second, and the tracking API with every request: on a full disk that fills the log's as well."""
    for _ in range(240):
        heard.logger.error("inbox refuses: %s", "database or disk is full")
        heard.now += 0.5
    assert [(line["message"], line.get("repeated")) for line in heard.lines()] == [
        ("inbox refuses: database or disk is full", None),
        ("inbox refuses: database or disk is full", 119),
    ]


def test_other_words_and_other_failures_are_written(heard: Heard) -> None:
    for failure in (OSError(28, "No space left on device"), OSError(5, "Input/output error")) * 2:
        heard.logger.error("failed", exc_info=failure)
        heard.logger.warning("failed")
    heard.logger.error("inbox refuses: %s", "connection lost")
    assert [(line["level"], line["message"], "error" in line) for line in heard.lines()] == [
        ("error", "failed", True), ("warning", "failed", False), ("error", "failed", True), ("error", "inbox refuses: connection lost", False),
    ]  # fmt: skip


def test_what_is_remembered_is_bounded(heard: Heard) -> None:
    for number in range(5_000):
        heard.logger.error("number %d", number)
    assert len(heard.lines()) == 5_000
