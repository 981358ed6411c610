"""The web role: one uvicorn process with the tracking API in front, public message links beside it, Django's pages behind.

The tracking path never touches Django; pages run in a small thread pool behind it, so neither waits for the other.
"""

import logging
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from a2wsgi import WSGIMiddleware

from kundenkreis.events.core.request_body import Limits
from kundenkreis.events.http_protocol import GuardedHttpProtocol
from kundenkreis.events.tracking import TrackingApp
from kundenkreis.events.writer import InboxWriter
from kundenkreis.kernel.struct_types import make_struct_types_ready
from kundenkreis.runtime.bulk_acts import StoredBulkActs
from kundenkreis.runtime.channel_tests import StoredChannels
from kundenkreis.runtime.customer_acts import StoredCustomerActs
from kundenkreis.runtime.drafts import StoredDrafts
from kundenkreis.runtime.exact_counts import BackgroundCounts
from kundenkreis.runtime.held_messages import StoredHeldMessages
from kundenkreis.runtime.installation import WORKER_BELL, Installation
from kundenkreis.runtime.link_checks import BackgroundLinkChecks
from kundenkreis.runtime.mailbox_pages import StoredMailbox
from kundenkreis.runtime.public_links import public_links
from kundenkreis.runtime.publishing import StorePublisher
from kundenkreis.runtime.readers.contents import StoredContents
from kundenkreis.runtime.readers.customer import StoredCustomer
from kundenkreis.runtime.readers.customers import StoredCustomers
from kundenkreis.runtime.readers.decided import StoredDecidedMessages
from kundenkreis.runtime.readers.definition_search import DefinitionSearch
from kundenkreis.runtime.readers.event_catalogue import StoredEventCatalogue
from kundenkreis.runtime.readers.events import StoredEvents
from kundenkreis.runtime.readers.journeys import StoredJourneys
from kundenkreis.runtime.readers.segments import StoredSegments
from kundenkreis.runtime.readers.start import StoredStart
from kundenkreis.runtime.readers.uses import StoredUses
from kundenkreis.runtime.readers.write_keys import StoredWriteKeys
from kundenkreis.runtime.status import InstallationStatus
from kundenkreis.runtime.trials import BackgroundTrials
from kundenkreis.runtime.web_asking import SocketWeb
from kundenkreis.site.mounted import Sources

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

PAGE_THREADS = 8


def sources_of(installation: Installation) -> Sources:
    """Who answers the pages' questions about this installation."""
    from kundenkreis.site import formats  # noqa: PLC0415 - Django: the worker and the command line never need it

    customers, journeys = StoredCustomers(installation), StoredJourneys(installation)
    return Sources(
        customer=StoredCustomer(installation),
        customer_acts=StoredCustomerActs(installation),
        bulk_acts=StoredBulkActs(installation, customers),
        customers=customers,
        drafts=StoredDrafts(installation.store),
        publisher=StorePublisher(installation),
        channels=StoredChannels(installation),
        contents=StoredContents(installation),
        segments=StoredSegments(installation),
        counts=BackgroundCounts(installation),
        journeys=journeys,
        links=BackgroundLinkChecks(SocketWeb()),
        trials=BackgroundTrials(installation),
        decided=StoredDecidedMessages(installation),
        events=StoredEvents(installation),
        event_catalogue=StoredEventCatalogue(installation),
        held=StoredHeldMessages(installation),
        mailbox=StoredMailbox(installation.store),
        status=InstallationStatus(installation),
        start=StoredStart(installation.store),
        uses=StoredUses(installation, customers, journeys),
        write_keys=StoredWriteKeys(installation.write_key_book()),
        searches={
            "customer": customers,
            "segment": DefinitionSearch(
                installation, kind="segment", address="/segments/{}/", language=formats.language
            ),
            "content": DefinitionSearch(
                installation, kind="content", address="/contents/{}/edit/", language=formats.language
            ),
            "journey": DefinitionSearch(
                installation, kind="journey", address="/journeys/{}/", language=formats.language
            ),
        },
    )


def build_app(installation: Installation) -> TrackingApp:
    """The ASGI application of one installation."""
    # Django is imported here, not above: the worker and the command line never need it.
    from kundenkreis.site.wsgi import build_application  # noqa: PLC0415

    pages = WSGIMiddleware(
        build_application(
            installation.settings,
            sources=sources_of(installation),
        ),
        workers=PAGE_THREADS,
    )
    links = public_links(installation)
    make_struct_types_ready()

    async def behind(scope: Scope, receive: Receive, send: Send) -> None:
        app: Any = links.get(scope["path"][:3], pages) if scope["type"] == "http" else pages
        await app(scope, receive, send)

    return tracking_app(installation, behind)


def tracking_app(installation: Installation, fallback: AsgiApp | None = None) -> TrackingApp:
    """The tracking API with the limits of this installation; `fallback`: what answers all other paths."""
    bell, settings = installation.bell(WORKER_BELL), installation.settings
    return TrackingApp(
        lambda: InboxWriter(installation.open_inbox(), notify=bell.ring, most_waiting=settings.queue_limit_events),
        installation.write_keys(),
        point=installation.point,
        fallback=fallback,
        limits=Limits(settings.event_limit_bytes, settings.batch_limit_bytes),
        rate_per_second=settings.key_rate_per_second,
    )


def run_web(installation: Installation) -> None:
    """Serve until told to stop; what was taken is stored before the process ends."""
    settings = installation.settings
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    # uvicorn ends in order on these signals and then raises them once more; that second one must not kill before the store is closed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    installation.bell(WORKER_BELL).ring()  # our forerunner may have died between its commit and its ring
    uvicorn.run(
        build_app(installation),
        host=settings.host,
        port=settings.port,
        http=GuardedHttpProtocol,
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=10,
        server_header=False,
    )
