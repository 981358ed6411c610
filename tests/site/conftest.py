"""The site as one process serves it: set up once, with empty tables and a mounted mailbox and status for each test."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kundenkreis.definitions.drafts import DraftStore
from kundenkreis.definitions.publisher import Publisher
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.web import sources_of
from kundenkreis.settings import Settings
from kundenkreis.site.customers_testing import BulkActsInMemory, CustomersInMemory
from kundenkreis.site.mounted import Mounted, Sources, mount
from kundenkreis.site.ports.decided import DecidedMessage
from kundenkreis.site.ports.journeys import JourneySource
from kundenkreis.site.ports.messages import Message
from kundenkreis.site.ports.status import Status
from kundenkreis.site.ports.trials import Trials
from kundenkreis.site.ports.write_keys import WriteKeyLine
from kundenkreis.site.testing import (
    SAMPLE_STATUS,
    DecidedAsGiven,
    EventsAsGiven,
    JourneysAsGiven,
    MailboxInMemory,
    StartAsGiven,
    StatusAsGiven,
    WriteKeysInMemory,
)
from kundenkreis.site.wsgi import build_application
from tests.runtime.town import Town, live_through

if TYPE_CHECKING:
    from django.test import Client

NOW_US = 1_795_000_000_000_000
"""18 November 2026, 12:06:40 in Berlin. The pages read no other clock."""


class Site:
    """One installation's site, with a browser that is signed in or not."""

    def __init__(self, settings: Settings, stored: Sources) -> None:
        self.settings = settings
        self.stored = stored
        self.now_us = NOW_US
        self.last_insider = ""
        self.is_built = False

    def mount(
        self,
        messages: Iterable[Message] = (),
        status: Status = SAMPLE_STATUS,
        journeys: JourneySource | None = None,
        write_keys: Iterable[WriteKeyLine] = (),
        *,
        customers: CustomersInMemory | None = None,
        drafts: DraftStore | None = None,
        publisher: Publisher | None = None,
        trials: Trials | None = None,
        decided: Iterable[DecidedMessage] = (),
    ) -> None:
        """Serve these messages, this status, these journeys, keys and customers from now on; everything else from an empty installation."""
        people = customers if customers is not None else CustomersInMemory()
        sources = replace(
            self.stored,
            customer=people,
            customer_acts=people,
            bulk_acts=BulkActsInMemory(people),
            customers=people,
            drafts=drafts or self.stored.drafts,
            journeys=journeys or JourneysAsGiven(),
            publisher=publisher or self.stored.publisher,
            trials=trials or self.stored.trials,
            mailbox=MailboxInMemory(messages),
            status=StatusAsGiven(status),
            decided=DecidedAsGiven(decided),
            events=EventsAsGiven(),
            start=StartAsGiven(),
            write_keys=WriteKeysInMemory(write_keys),
        )
        if self.is_built:
            mount(Mounted(settings=self.settings, sources=sources, clock_us=lambda: self.now_us))
        else:
            build_application(self.settings, sources=sources, clock_us=lambda: self.now_us)
            self.is_built = True

    def mount_stored(self, installation: Installation) -> None:
        """Serve a real installation from now on, at the instant of its own clock."""
        sources = sources_of(installation)
        mount(Mounted(settings=self.settings, sources=sources, clock_us=installation.clock.now_us))

    def visitor(self, language: str = "en") -> "Client":
        """A browser that is not signed in and checks forgery protection as a real one meets it."""
        from django.test import Client

        return Client(
            enforce_csrf_checks=True, SERVER_NAME="127.0.0.1", SERVER_PORT="8321", HTTP_ACCEPT_LANGUAGE=language
        )

    def insider(self, language: str = "en", *, role: str = "owner") -> "Client":
        """A browser that is signed in as an account of this role."""
        from django.test import Client

        from kundenkreis.site.models import Account

        account, _ = Account.objects.get_or_create(username=f"the {role}", defaults={"role": role})
        self.last_insider = account.username
        client = Client(SERVER_NAME="127.0.0.1", SERVER_PORT="8321", HTTP_ACCEPT_LANGUAGE=language)
        client.force_login(account)
        return client


@pytest.fixture(scope="session")
def empty_installation(site_settings: Settings) -> Iterable[Installation]:
    """An installation in which nothing has happened yet."""
    installation = Installation(site_settings)
    yield installation
    installation.close()


@pytest.fixture
def site(site_settings: Settings, empty_installation: Installation) -> Iterable[Site]:
    """The site with empty tables, an empty mailbox and an ordinary status."""
    site = Site(site_settings, sources_of(empty_installation))
    site.mount()
    from django.db import connection

    yield site
    from django.contrib.sessions.models import Session
    from django.core.cache import cache
    from django.utils import translation

    from kundenkreis.site.models import Account, Invitation

    Account.objects.all().delete()
    Invitation.objects.all().delete()
    Session.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM site_auditentry")  # which nothing but its retention can do otherwise
    cache.clear()
    connection.close()
    translation.deactivate()  # the last answer's language would be that of the next test


@pytest.fixture
def count_queries() -> Callable[[Callable[[], object]], int]:
    """How many database queries something makes."""

    def count(work: Callable[[], object]) -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as captured:
            work()
        return len(captured)

    return count


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A small installation on SQLite; a folder that tells it more has a fixture of its own."""
    town = Town(tmp_path)
    yield town
    town.close()


@pytest.fixture
def lived_in_town(tmp_path: Path) -> Iterator[Town]:
    """One in which something has happened."""
    town = Town(tmp_path)
    live_through(town)
    yield town
    town.close()


@pytest.fixture
def served(site: Site, town: Town) -> Site:
    """The site of the town."""
    site.mount_stored(town.installation)
    return site
