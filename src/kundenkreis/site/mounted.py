"""What this process's site was mounted with: settings, the answers it shows, the clock."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from kundenkreis.definitions.drafts import DraftStore
from kundenkreis.definitions.publisher import Publisher
from kundenkreis.kernel.errors import BugError
from kundenkreis.settings import Settings
from kundenkreis.site.ports.bulk_acts import BulkActs
from kundenkreis.site.ports.channels import Channels
from kundenkreis.site.ports.contents import Contents
from kundenkreis.site.ports.counts import Counts
from kundenkreis.site.ports.customer import CustomerSource
from kundenkreis.site.ports.customer_acts import CustomerActs
from kundenkreis.site.ports.customers import CustomerList
from kundenkreis.site.ports.decided import DecidedMessages
from kundenkreis.site.ports.event_catalogue import EventCatalogue
from kundenkreis.site.ports.events import EventSource
from kundenkreis.site.ports.held import HeldMessages
from kundenkreis.site.ports.journeys import JourneySource
from kundenkreis.site.ports.links import LinkChecks
from kundenkreis.site.ports.messages import Mailbox
from kundenkreis.site.ports.search import Search
from kundenkreis.site.ports.segments import Segments
from kundenkreis.site.ports.start import StartSource
from kundenkreis.site.ports.status import StatusSource
from kundenkreis.site.ports.trials import Trials
from kundenkreis.site.ports.uses import Uses
from kundenkreis.site.ports.write_keys import WriteKeySource


class NotMountedError(BugError):
    """A page was asked for before build_application() mounted the site."""

    code = "site_not_mounted"


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Who answers the pages' questions: one field per area, a protocol of `site/ports/`."""

    drafts: DraftStore
    publisher: Publisher
    bulk_acts: BulkActs
    channels: Channels
    contents: Contents
    segments: Segments
    counts: Counts
    journeys: JourneySource
    links: LinkChecks
    customer: CustomerSource
    customer_acts: CustomerActs
    customers: CustomerList
    decided: DecidedMessages
    events: EventSource
    event_catalogue: EventCatalogue
    held: HeldMessages
    mailbox: Mailbox
    trials: Trials
    status: StatusSource
    start: StartSource
    uses: Uses
    write_keys: WriteKeySource
    searches: Mapping[str, Search] = field(default_factory=dict)
    """Kind of palette.KINDS -> who finds things of this kind."""


@dataclass(frozen=True, kw_only=True)
class Mounted:
    """One installation's site."""

    settings: Settings
    sources: Sources
    clock_us: Callable[[], int]
    """Microseconds since the epoch, now."""


_current: list[Mounted] = []


def mount(mounted: Mounted) -> None:
    """Serve this from now on."""
    _current[:] = [mounted]


def mounted() -> Mounted:
    """What pages work with.

    Raises:
        NotMountedError: build_application() was not called.
    """
    if not _current:
        raise NotMountedError
    return _current[0]


_zone_of_words: ContextVar[str] = ContextVar("zone_of_words", default="")


def zone_name() -> str:
    """In which zone words tell of instants: the installation's.

    Raises:
        NotMountedError: nothing is mounted, and nobody speaks without pages (`site/words_alone.py`).
    """
    return _zone_of_words.get() or mounted().settings.zone


@contextmanager
def words_in_zone(name: str) -> Iterator[None]:
    """Within, words tell of instants in this zone, whatever is mounted."""
    before = _zone_of_words.set(name)
    try:
        yield
    finally:
        _zone_of_words.reset(before)
