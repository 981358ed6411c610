"""Customers that are held in memory: the site's counterpart of the readers in tests, with one sample person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kundenkreis.site.ports.bulk_acts import FATES, MOST_PEOPLE, BulkAct, Change, Fate, Look
from kundenkreis.site.ports.customer import (
    ChannelLight,
    Customer,
    Evidence,
    Light,
    Order,
    OrderLine,
    PlannedMessage,
    Rhythm,
    TimelineEntry,
    TimelinePage,
    TimelinePart,
    Value,
)
from kundenkreis.site.ports.customer_acts import Actor, MergePreview
from kundenkreis.site.ports.customers import (
    Amount,
    Choice,
    Choices,
    CustomerLine,
    CustomerQuery,
    CustomersFound,
    Named,
    Place,
    SavedFilter,
    Words,
)
from kundenkreis.site.ports.messages import Reason
from kundenkreis.site.ports.search import Found

DAY_US = 86_400_000_000

LOYALTY = Named(id="loyalty", name=Words(de="Bindung", en="Loyalty"))
NEWSLETTER = Named(id="newsletter", name=Words(de="Newsletter", en="Newsletter"))

SAMPLE_LINE = CustomerLine(
    profile_id=7, name="Marie Brandt", is_known=True, email="marie.brandt@example.com", phone="+49 911 1234567",
    number="hh-7", city="Nürnberg", place=Place(phase=LOYALTY, sub_state=None, since_us=0), situations=(), segments=(),
    sales=(Amount(minor=123450, currency="EUR"),), order_count=4, last_order_us=0, seen_us=0, since_us=-300 * DAY_US,
    channels=("email",),
)  # fmt: skip
"""An ordinary person around instant 0."""

SAMPLE_CUSTOMER = Customer(
    profile_id=7, name="Marie Brandt", is_known=True, number="hh-7", email="marie.brandt@example.com",
    phone="+49 911 1234567", language="de", city="Nürnberg", country="DE", groups=(), kind="customer",
    place=SAMPLE_LINE.place, place_reason={}, place_cause=None, since_us=-300 * DAY_US, seen_us=0, situations=(),
    channels=(
        ChannelLight(
            channel="email", tone="go",
            lights=(
                Light(
                    channel="email", purpose=NEWSLETTER, tone="go", basis="express_consent", reasons=(), until_us=None,
                    since_us=-200 * DAY_US,
                    evidence=Evidence(
                        at_us=-200 * DAY_US, event="Consent Confirmed", source="shop", wording="Ja, ich will", proof="form 7"
                    ),
                ),
            ),
        ),
        ChannelLight(
            channel="call", tone="stop",
            lights=(
                Light(
                    channel="call", purpose=NEWSLETTER, tone="stop", basis="", until_us=None, since_us=None, evidence=None,
                    reasons=(Reason(rule_id="basis", passed=False, detail=("no_basis", "call", "newsletter")),),
                ),
            ),
        ),
    ),
    contact_person="", paused_until_us=None, pause_reason="", last_contact=None, planned=(), runs=(),
    values=(
        Value(name="email", text="marie.brandt@example.com", source="shop", at_us=0, is_editable=True),
        Value(name="firstName", text="Marie", source="shop", at_us=0, is_editable=True),
    ),
    identifiers=(), merged=0, phases=(), segments=(), left_segments=(), scores=(),
    orders=(
        Order(
            order_id="4711", at_us=0, total=Amount(minor=4990, currency="EUR"), refunded=Amount(minor=0, currency="EUR"),
            status="delivered", channel="web", delivered_us=DAY_US,
            lines=(OrderLine(product="p1", quantity=2, price=Amount(minor=2495, currency="EUR"), category="Tee"),),
        ),
    ),
    rhythm=Rhythm(
        order_count=1, sales=(Amount(minor=4990, currency="EUR"),), refunded=(), average=Amount(minor=4990, currency="EUR"),
        first_us=0, last_us=0, usual_gap_days=None, long_gap_days=None, silent_days=3,
    ),
    consents=(), bans=(), tracking=False,
)  # fmt: skip
"""The same person's page."""


SAMPLE_PLANNED = PlannedMessage(
    message_id="0a", content=NEWSLETTER, channel="email", message_class="marketing", journey=NEWSLETTER, due_us=DAY_US,
    is_waiting=False, in_hand_over=False,
)  # fmt: skip
"""A message that is coming."""


class CustomersInMemory:
    """A list of customers and their pages. Cursors are positions in the list of matches; conditions hold for nobody."""

    def __init__(
        self,
        lines: Iterable[CustomerLine] = (),
        *,
        customers: Iterable[Customer] = (),
        entries: Iterable[TimelineEntry] = (),
        answers: Mapping[tuple[int, str, str], dict[str, Any]] | None = None,
    ) -> None:
        self._lines = list(lines)
        self._customers = {customer.profile_id: customer for customer in customers}
        self._entries = list(entries)
        self._answers = dict(answers or {})
        self._filters: dict[str, SavedFilter] = {}
        self.acts: list[tuple[object, ...]] = []
        """What was done: name of the act, profile id, what else, who, why."""

    def find_customers(self, query: CustomerQuery) -> CustomersFound:
        """See ports.CustomerList."""
        words = query.text.lower().split()
        found = [
            line
            for line in self._lines
            if all(word in f"{line.name} {line.email} {line.number}".lower() for word in words)
            and (words or query.people or query.view == "everybody" or line.is_known is (query.view == "known"))
            and query.phase in ("", line.place.phase.id if line.place else "")
            and query.condition is None
            and (not query.people or line.profile_id in query.people)
        ]
        key = {"name": lambda line: line.name, "sales": _sales, "since": lambda line: line.since_us}.get(
            query.sort.removeprefix("-"), lambda line: line.seen_us
        )
        found.sort(key=key, reverse=query.sort.startswith("-"))
        begin = int(query.cursor) if query.cursor.isdigit() else 0
        end = begin + query.limit
        return CustomersFound(
            lines=tuple(found[begin:end]), total=len(found), total_is="exact",
            next_cursor=str(end) if end < len(found) else "",
        )  # fmt: skip

    def read_choices(self) -> Choices:
        """See ports.CustomerList."""
        phases = {line.place.phase.id: line.place.phase for line in self._lines if line.place is not None}
        return Choices(
            phases=tuple(
                Choice(
                    named=phase, is_more=False,
                    customers=sum(line.place is not None and line.place.phase.id == id_ for line in self._lines),
                )
                for id_, phase in phases.items()
            ),
            situations=(), segments=(), known=sum(line.is_known for line in self._lines),
            visitors=sum(not line.is_known for line in self._lines), attributes=("city",), single=("city",),
        )  # fmt: skip

    def read_attributes(self, profile_ids: tuple[int, ...], names: tuple[str, ...]) -> dict[int, dict[str, str]]:
        """See ports.CustomerList."""
        cities = {line.profile_id: line.city for line in self._lines}
        return {one: {name: cities[one] if name == "city" else "" for name in names} for one in profile_ids}

    def saved_filters(self) -> tuple[SavedFilter, ...]:
        """See ports.CustomerList."""
        return tuple(sorted(self._filters.values(), key=lambda one: one.name))

    def save_filter(self, name: str, condition: dict[str, Any], *, actor: str) -> str:
        """See ports.CustomerList."""
        filter_id = name.casefold().encode().hex()
        self._filters[filter_id] = SavedFilter(
            filter_id=filter_id, name=name, condition=condition, actor=actor, saved_us=0
        )
        return filter_id

    def delete_filter(self, filter_id: str) -> None:
        """See ports.CustomerList."""
        self._filters.pop(filter_id, None)

    def find_customer(self, profile_id: int) -> Customer | None:
        """See ports.CustomerSource."""
        return self._customers.get(profile_id)

    def read_timeline(self, profile_id: int, part: TimelinePart, *, cursor: str, limit: int) -> TimelinePage:
        """See ports.CustomerSource."""
        found = [entry for entry in self._entries if part in ("all", entry.part)]
        begin = int(cursor) if cursor.isdigit() else 0
        end = begin + limit
        return TimelinePage(entries=tuple(found[begin:end]), next_cursor=str(end) if end < len(found) else "")

    def explain(self, profile_id: int, kind: str, name: str) -> dict[str, Any] | None:
        """See ports.CustomerSource."""
        return self._answers.get((profile_id, kind, name))

    def correct_value(self, profile_id: int, name: str, value: str, actor: Actor) -> bool:
        """See ports.CustomerActs."""
        self.acts.append(("correct", profile_id, name, value, actor.name, actor.reason))
        return True

    def pause_marketing(self, profile_id: int, until_us: int, actor: Actor) -> bool:
        """See ports.CustomerActs."""
        self.acts.append(("pause", profile_id, until_us, actor.name, actor.reason))
        return True

    def resume_marketing(self, profile_id: int, actor: Actor) -> bool:
        """See ports.CustomerActs."""
        self.acts.append(("resume", profile_id, actor.name, actor.reason))
        return True

    def stop_message(self, profile_id: int, message_id: str, actor: Actor) -> bool:
        """See ports.CustomerActs."""
        self.acts.append(("stop", profile_id, message_id, actor.name, actor.reason))
        return True

    def preview_merge(self, kept_id: int, joined_id: int) -> MergePreview | None:
        """See ports.CustomerActs."""
        lines = {line.profile_id: line for line in self._lines}
        if kept_id == joined_id or kept_id not in lines or joined_id not in lines:
            return None
        after = replace(lines[kept_id], order_count=lines[kept_id].order_count + lines[joined_id].order_count)
        return MergePreview(kept=lines[kept_id], joined=lines[joined_id], after=after, values=(), consents_lost=())

    def merge(self, kept_id: int, joined_id: int, actor: Actor) -> bool:
        """See ports.CustomerActs."""
        self.acts.append(("merge", kept_id, joined_id, actor.name, actor.reason))
        return True

    def search(self, query: str, limit: int) -> tuple[Found, ...]:
        """See ports.Search."""
        found = self.find_customers(CustomerQuery(text=query, limit=limit))
        return tuple(
            Found(
                kind="customer",
                id=str(one.profile_id),
                title=one.name,
                detail=one.email,
                path=f"/customers/{one.profile_id}/",
            )
            for one in found.lines
        )


class BulkActsInMemory:
    """Acts on many of these people, done through their single acts, two at a time."""

    def __init__(self, people: CustomersInMemory) -> None:
        self._people = people
        self._acts: dict[str, BulkAct] = {}
        self._fates: dict[str, dict[int, Fate]] = {}

    def look(self, query: CustomerQuery, change: Change | None) -> Look:
        """See ports.BulkActs."""
        found = self._people.find_customers(replace(query, cursor="", limit=MOST_PEOPLE + 1))
        is_too_many = found.total > MOST_PEOPLE
        fates: dict[Fate, int] = {} if is_too_many or change is None else {"done": found.total}
        return Look(
            people=found.total, is_exact=not is_too_many, is_too_many=is_too_many, fates=fates, first=found.lines[:5]
        )  # fmt: skip

    def begin(self, bulk_id: str, change: Change, actor: Actor, *, account_id: int) -> bool:
        """See ports.BulkActs."""
        if bulk_id in self._acts:
            return False
        self._acts[bulk_id] = BulkAct(
            bulk_id=bulk_id, change=change, actor=actor, account_id=account_id, begun_us=0, state="gathering", total=0,
            fates=dict.fromkeys(FATES, 0), is_resting=False, is_shown=False,
        )  # fmt: skip
        self._fates[bulk_id] = {}
        return True

    def gather(self, bulk_id: str, query: CustomerQuery) -> bool:
        """See ports.BulkActs."""
        found = self._people.find_customers(replace(query, cursor="", limit=MOST_PEOPLE + 1))
        if found.total > MOST_PEOPLE:
            self._set(bulk_id, state="too_many")
            return False
        self._fates[bulk_id] = {line.profile_id: "pending" for line in found.lines}
        self._set(bulk_id, state="at_work", total=len(found.lines))
        return True

    def take(self, bulk_id: str) -> tuple[int, ...]:
        """See ports.BulkActs."""
        if self._acts[bulk_id].state != "at_work":
            return ()
        people = tuple(one for one, fate in self._fates[bulk_id].items() if fate == "pending")[:2]
        if not people:
            self._set(bulk_id, state="done", is_shown=True)
        return people

    def perform(self, bulk_id: str, people: Sequence[int]) -> None:
        """See ports.BulkActs."""
        act, mine = self._acts[bulk_id], self._fates[bulk_id]
        for one in people:
            if mine[one] != "pending":
                continue
            if act.change.act == "pause":
                self._people.pause_marketing(one, act.change.until_us, act.actor)
            elif act.change.act == "resume":
                self._people.resume_marketing(one, act.actor)
            else:
                self._people.correct_value(one, act.change.name, act.change.value, act.actor)
            mine[one] = "done"
        self._set(bulk_id)

    def find(self, bulk_id: str) -> BulkAct | None:
        """See ports.BulkActs."""
        return self._acts.get(bulk_id)

    def take_up(self, bulk_id: str) -> bool:
        """See ports.BulkActs."""
        act = self._acts[bulk_id]
        if not act.is_resting or act.state != "at_work":
            return False
        self._set(bulk_id, is_resting=False)
        return True

    def rest(self, bulk_id: str) -> None:
        """As if whoever worked on it had died."""
        self._set(bulk_id, is_resting=True)

    def stop(self, bulk_id: str) -> None:
        """See ports.BulkActs."""
        self._set(bulk_id, state="stopped", is_resting=False)

    def unfinished(self) -> tuple[BulkAct, ...]:
        """See ports.BulkActs."""
        return tuple(act for act in self._acts.values() if act.state in ("gathering", "at_work"))

    def _set(self, bulk_id: str, **fields: Any) -> None:
        met = list(self._fates[bulk_id].values())
        fates = {fate: met.count(fate) for fate in FATES}
        self._acts[bulk_id] = replace(self._acts[bulk_id], **{"fates": fates, **fields})


def make_line(profile_id: int, name: str, **fields: Any) -> CustomerLine:
    """The sample line with another name and what else is given."""
    address = f"{'.'.join(name.lower().split())}@example.com"
    return replace(SAMPLE_LINE, **{"profile_id": profile_id, "name": name, "email": address, **fields})


def _sales(line: CustomerLine) -> int:
    return sum(one.minor for one in line.sales)
