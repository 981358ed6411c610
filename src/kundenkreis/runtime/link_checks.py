"""Checks of links for the content editor: a few threads beside the pages, bounded in links, time and number. Nothing is kept but in memory."""

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from kundenkreis.content.core.links import MOST_LINKS, Answer, Asking, Finding, first_question, judge
from kundenkreis.site.ports.links import LinkCheck

_logger = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 1.0
"""So long a page waits for a check before it shows how far it is."""
LINK_SECONDS: Final = 8.0
"""For one link with all that it leads to."""
THREADS: Final = 6
"""That many links are asked at a time."""
ALL_SECONDS: Final = MOST_LINKS / THREADS * LINK_SECONDS
"""For all of them: what a name server keeps waiting longer counts as silent."""
MOST_AT_ONCE: Final = 3
"""Checks that run at the same time, so that nobody makes a scanner of the installation."""
_MOST_KEPT: Final = 50


class Web(Protocol):
    """Asks one question of a website (runtime/web_asking.py)."""

    def ask(self, asking: Asking, *, until: float) -> Answer:
        """What it answers, or why it does not, by this instant of the monotonic clock."""
        ...


@dataclass(kw_only=True)
class _Running:
    check_id: str
    links: tuple[str, ...]
    left_out: int
    until: float
    waiting: Iterator[str]
    findings: dict[str, Finding] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)


class BackgroundLinkChecks:
    """Asks about links in threads (site/ports/links.py: LinkChecks). A check lives as long as the process, and until newer ones push it out."""

    def __init__(
        self, web: Web, *, monotonic: Callable[[], float] = time.monotonic, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._web = web
        self._monotonic = monotonic
        self._patience_seconds = patience_seconds
        self._checks: dict[str, _Running] = {}
        self._guard = threading.Lock()

    def start(self, links: Sequence[str]) -> LinkCheck | None:
        """See LinkChecks."""
        every = tuple(dict.fromkeys(links))
        asked = every[:MOST_LINKS]
        check = _Running(
            check_id=secrets.token_urlsafe(12), links=asked, left_out=len(every) - len(asked),
            until=self._monotonic() + ALL_SECONDS, waiting=iter(asked),
        )  # fmt: skip
        with self._guard:
            if sum(not self._is_over(one) for one in self._checks.values()) >= MOST_AT_ONCE:
                return None
            self._checks[check.check_id] = check
            while len(self._checks) > _MOST_KEPT:
                del self._checks[next(iter(self._checks))]
        if not asked:
            check.over.set()
        for number in range(min(THREADS, len(asked))):
            name = f"links-{check.check_id}-{number}"
            threading.Thread(target=self._work, args=(check,), name=name, daemon=True).start()
        check.over.wait(self._patience_seconds)
        return self._seen(check)

    def find(self, check_id: str) -> LinkCheck | None:
        """See LinkChecks."""
        with self._guard:
            check = self._checks.get(check_id)
        return self._seen(check) if check is not None else None

    def _is_over(self, check: _Running) -> bool:
        return check.over.is_set() or self._monotonic() >= check.until

    def _seen(self, check: _Running) -> LinkCheck:
        with self._guard:
            is_over, findings = self._is_over(check), dict(check.findings)
        if is_over:
            findings = {link: findings.get(link, "silent") for link in check.links}
        return LinkCheck(
            check_id=check.check_id, links=check.links, findings=findings, left_out=check.left_out, is_over=is_over
        )

    def _work(self, check: _Running) -> None:
        while True:
            with self._guard:
                link = next(check.waiting, None)
            if link is None or self._monotonic() >= check.until:
                return
            found: Finding
            try:
                found = follow(link, self._web, until=min(self._monotonic() + LINK_SECONDS, check.until))
            except Exception:  # the edge of a thread: one link less is known, the others are asked
                _logger.exception("asking about a link failed")
                found = "odd"
            with self._guard:
                check.findings[link] = found
                if len(check.findings) == len(check.links):
                    check.over.set()


def follow(link: str, web: Web, *, until: float) -> Finding:
    """What is said of a link, wherever it leads; each step is judged anew (content/core/links.py)."""
    step = first_question(link)
    while isinstance(step, Asking):
        step = judge(step, web.ask(step, until=until))
    return step
