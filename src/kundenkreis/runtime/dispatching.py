"""The dispatcher's world, put together: who the messages go to, what they say, and the same gate once more before hand-over."""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kundenkreis.channels.core.addresses import wire_of
from kundenkreis.channels.core.channel import Brand, Channel, Links, Recipient
from kundenkreis.channels.core.fences import in_force
from kundenkreis.channels.core.gate import hand_over_gate
from kundenkreis.channels.core.tokens import TokenKey
from kundenkreis.channels.dispatcher import Allowed, Dispatcher, Postponed, Rests, Withheld, World
from kundenkreis.channels.errors import DkimKeyError
from kundenkreis.channels.journal_keeper import JournalKeeper
from kundenkreis.channels.mailbox import MailboxChannel
from kundenkreis.channels.outbox import SqlOutbox, fences_of
from kundenkreis.content.core.customer_variables import customer_variables, full_name, language_of
from kundenkreis.content.core.templates import CompiledContent, compile_content
from kundenkreis.customers.core.consent import address_of
from kundenkreis.customers.core.permission import attribute_value
from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.customers.core.zone import stated_zone
from kundenkreis.definitions.canonical import definitions_from_json
from kundenkreis.definitions.content_checks import default_brand, known_names, source_of
from kundenkreis.definitions.definition import Definition
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.struct_types import make_struct_types_ready
from kundenkreis.runtime.folding import StatesMissingError
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.unheard import unheard_withdrawals
from kundenkreis.settings import Settings, secret_key

if TYPE_CHECKING:
    from kundenkreis.channels.core.dkim import DkimKey
    from kundenkreis.channels.email_smtp import SmtpSettings, Timeouts

_logger = logging.getLogger(__name__)

LINK_KEY, MESSAGE_ID_KEY = "links", "message-id"


class Roster:
    """Reads the people of a batch once; the gate and the templates look at the same state."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._local = threading.local()

    def people(self, messages: Sequence[SendMessage]) -> Mapping[tuple[int, str], Recipient]:
        """The recipients of these messages, by profile id and channel, for each has its own address; whoever has no state is missing."""
        wanted = sorted({message.profile_id for message in messages})
        with self._installation.store.reading() as tx:
            rows = tx.rows_in("SELECT profile_id, state FROM states WHERE profile_id {keys}", wanted)
            self._local.fences = fences_of(tx, wanted)
            stateless = sorted(set(wanted) - {row[0] for row in rows})
            if stateless and tx.rows_in("SELECT profile_id FROM log WHERE profile_id {keys} LIMIT 1", stateless):
                # Not erased but lost: leases bring the messages back when the states are.
                raise StatesMissingError(profile_id=stateless[0])
        states = {row[0]: decode_state(bytes(row[1])) for row in rows}
        self._local.states = states
        reached = sorted(
            {(message.profile_id, message.channel) for message in messages if message.profile_id in states}
        )
        return {(profile_id, channel): recipient(states[profile_id], channel) for profile_id, channel in reached}

    def gate(self, message: SendMessage, now_us: Micros) -> Allowed | Withheld | Postponed:
        """The one judge with the real time, on the state just read."""
        state: CustomerState | None = self._local.states.get(message.profile_id)
        if state is None:
            return Withheld([["erased", False]])
        policy = self._installation.rulebooks(state.rulebook_version).policy
        fences = in_force(self._local.fences.get(message.profile_id, ()), message)
        verdict = hand_over_gate(policy, state, message, now_us, fences=fences)
        if verdict.outcome == "release":
            return Allowed(state.folded_to)
        reasons = [reason for reason in verdict.reasons if not reason[1]] or [["gate", False]]
        if verdict.outcome == "postpone":
            return Postponed(verdict.until_us, reasons)
        return Withheld(reasons)


class PublishedContents:
    """The newest published version of every content item, compiled when first used."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._version = 0
        self._brand: Brand | None = None
        self._compiled: dict[str, CompiledContent | None] = {}
        self._sources: dict[str, Definition] = {}
        self.brand_document: Definition | None = None
        self._guard = threading.Lock()

    def __call__(self, content_id: str) -> CompiledContent | None:
        with self._guard:
            self._refresh()
            if content_id not in self._compiled:
                source = self._sources.get(content_id)
                self._compiled[content_id] = (
                    compile_content(source_of(source, self.brand_document), known=self._known)
                    if source is not None
                    else None
                )
            return self._compiled[content_id]

    def _refresh(self) -> None:
        version = self._installation.rulebooks.newest_version()
        if version == self._version:
            return
        definitions = definitions_from_json(self._installation.rulebooks.stored(version))
        self._sources = dict(definitions.of("content"))
        self.brand_document = default_brand(definitions)
        self._known = known_names(definitions)
        self._compiled = {}
        self._brand = None
        self._version = version

    def brand(self) -> Brand:
        """Who speaks, as published last; the settings fill what no brand document says."""
        with self._guard:
            self._refresh()
            if self._brand is None:
                body = dict(self.brand_document.body) if self.brand_document is not None else {}
                self._brand = brand_of(body, self._installation.settings)
            return self._brand


def brand_of(body: Mapping[str, Any], settings: Settings) -> Brand:
    """The brand document as channels need it."""
    address = settings.mail_from or body.get("sender_address", "post@kundenkreis.example")
    imprint = body.get("imprint", {})
    language = body.get("language", "de")
    return Brand(
        name=body.get("name", settings.brand),
        from_address=address,
        from_name=body.get("sender_name", ""),
        reply_to=body.get("reply_to", ""),
        imprint=imprint.get(language) or next(iter(imprint.values()), ""),
        variables={"imprints": dict(imprint)},
        domain=wire_of(address).rpartition("@")[2],
        zone_name=body.get("zone", settings.zone),
    )


def recipient(state: CustomerState, channel: str) -> Recipient:
    """A customer as a message needs it."""
    form, clock = attribute_value(state, "form_of_address"), stated_zone(state)
    return Recipient(
        profile_id=state.profile_id,
        address=address_of(state, channel),
        name=full_name(state),
        language=language_of(state),
        form_of_address=form if isinstance(form, str) else "",
        zone_name=clock.name if clock is not None else "",
        attributes=customer_variables(state),
    )


def build_world(installation: Installation, *, channels: Mapping[str, Channel] | None = None) -> World:
    """Everything that the dispatchers of this process share."""
    settings = installation.settings
    make_struct_types_ready()  # several threads will read messages, states and definitions
    contents = PublishedContents(installation)
    roster = Roster(installation)
    channels = channels if channels is not None else default_channels(installation)

    def alarm(slug: str, detail: str) -> None:
        _logger.warning("%s: %s", slug, detail)

    journal = None
    # A restored backup takes the mailbox back to where the outbox is: what goes there needs none.
    if not all(isinstance(channel, MailboxChannel) for channel in channels.values()):
        journal = JournalKeeper(
            installation.store,
            installation.data_dir,
            now_us=installation.clock.now_us,
            point=installation.point,
            alarm=alarm,
        )
    return World(
        store=SqlOutbox(installation.store, unheard=unheard_withdrawals(installation)),
        gate=roster.gate,
        people=roster.people,
        contents=contents,
        channels=channels,
        brand=contents.brand,
        links=build_links(settings),
        clock=installation.clock,
        point=installation.point,
        rests=Rests(),
        alarm=alarm,
        journal=journal,
    )


def build_links(settings: Settings) -> Links:
    """How messages address this installation."""
    return Links(settings.public_url, TokenKey(secret_key(settings, LINK_KEY)), secret_key(settings, MESSAGE_ID_KEY))


def default_channels(installation: Installation) -> dict[str, Channel]:
    """E-mail through the mail server of the settings, else into the local mailbox; and the channels of third parties."""
    settings = installation.settings
    others: dict[str, Channel] = {name: make() for name, make in installed_plugins().channels.items()}
    if not settings.smtp_host:
        return {"email": MailboxChannel(), **others}
    # ssl and sockets only where mail is really sent: the demo's dispatcher stays small.
    from kundenkreis.channels.email_smtp import SmtpChannel  # noqa: PLC0415

    return {
        "email": SmtpChannel(
            smtp_server(settings),
            point=installation.point,
            monotonic=time.monotonic,
            dkim=dkim_key(settings),
            bounce_address=settings.bounce_address,
        ),
        **others,
    }


def smtp_server(settings: Settings, *, timeouts: "Timeouts | None" = None) -> "SmtpSettings":
    """The mail server of the settings; the usual patience unless another is given."""
    from kundenkreis.channels.email_smtp import SmtpSettings, Timeouts  # noqa: PLC0415

    return SmtpSettings(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security="starttls_required" if settings.smtp_tls == "starttls" else settings.smtp_tls,
        username=settings.smtp_user,
        password=settings.smtp_password,
        helo_name=settings.smtp_helo or _own_name(settings),
        timeouts=timeouts or Timeouts(),
    )


def _own_name(settings: Settings) -> str:
    """Under which name others reach this machine; a server that hears an unknown one takes the mail for spam."""
    host = urlsplit(settings.base_url).hostname or ""
    is_name = "." in host and not host.replace(".", "").isdigit()
    return wire_of(f"any@{host}").rpartition("@")[2] if is_name else "localhost"


def dkim_key(settings: Settings) -> "DkimKey | None":
    """The key that signs mails; None where the settings name none.

    Raises:
        DkimKeyError: the file cannot be read, or holds no such key.
    """
    if not settings.dkim_key_file:
        return None
    from kundenkreis.channels.core.dkim import load_dkim_key  # noqa: PLC0415 - cryptography only where mails are signed

    try:
        pem = Path(settings.dkim_key_file).read_bytes()
    except OSError as error:
        raise DkimKeyError(f"KREIS_DKIM_KEY_FILE: {settings.dkim_key_file} cannot be read: {error.strerror}.") from None
    return load_dkim_key(wire_of(settings.mail_from).rpartition("@")[2], settings.dkim_selector, pem)


def open_dispatcher(world: World, number: int, *, place: str = "") -> Dispatcher:
    """One dispatcher, for one thread. `place` tells claims of this process's forerunners from those of others."""
    return Dispatcher(world, f"{place}dispatcher-{number}/")
