"""What the list of customers asks: who is here, found by anything that names them, narrowed by any condition."""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Sort = Literal["seen", "-seen", "name", "-name", "sales", "-sales", "since", "-since"]
"""By what the list is ordered; with a minus the greatest first."""
SORTS: tuple[Sort, ...] = ("seen", "-seen", "name", "-name", "sales", "-sales", "since", "-since")
View = Literal["known", "visitors", "everybody"]


VIEWS: tuple[View, ...] = ("known", "visitors", "everybody")


@dataclass(frozen=True, kw_only=True)
class Words:
    """What something that people defined is called, in both languages."""

    de: str
    en: str


@dataclass(frozen=True, kw_only=True)
class Named:
    """A phase, sub-state, segment, situation, journey, content ... by its id, with its name."""

    id: str
    name: Words


@dataclass(frozen=True, kw_only=True)
class Amount:
    """Money in the currency of the data."""

    minor: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where on the circle somebody stands."""

    phase: Named
    sub_state: Named | None
    since_us: int


@dataclass(frozen=True, kw_only=True)
class CustomerLine:
    """One person in the list."""

    profile_id: int
    name: str
    """"" for somebody of whom no name and no address is known."""
    is_known: bool
    email: str
    phone: str
    number: str
    """Customer number, as the shop or the till gave it."""
    city: str
    place: Place | None
    situations: tuple[Named, ...]
    segments: tuple[Named, ...]
    sales: tuple[Amount, ...]
    """Orders less refunds, per currency."""
    order_count: int
    last_order_us: int | None
    seen_us: int
    """Last act."""
    since_us: int
    """First contact."""
    channels: tuple[str, ...]
    """Channels on which marketing is lawful now."""


@dataclass(frozen=True, kw_only=True)
class CustomerQuery:
    """What the list is asked for. Everything given must hold."""

    text: str = ""
    """Beginnings of names, addresses, numbers; any four digits of a telephone number in a row."""
    view: View = "known"
    """Whom to look among. Ignored while searching: a search finds everybody."""
    phase: str = ""
    sub_state: str = ""
    situation: str = ""
    segment: str = ""
    figure: str = ""
    """Only the people behind this figure of the start page, by its name (runtime/readers/figure_people.py)."""
    people: tuple[int, ...] = ()
    """Only these, by profile id; whom to look among is then ignored. () for no such limit."""
    condition: dict[str, Any] | None = None
    """Any condition as segments are made of (docs/reference/definitions.md)."""
    sort: Sort = "-seen"
    cursor: str = ""
    limit: int = 50


@dataclass(frozen=True, kw_only=True)
class CustomersFound:
    """A stretch of the list."""

    lines: tuple[CustomerLine, ...]
    total: int
    total_is: Literal["exact", "estimate", "more"]
    """exact; estimate: from a sample; more: there are more than `total`."""
    next_cursor: str
    """What to pass as `cursor` for the following ones; "" at the end."""
    is_cut: bool = False
    """The search was cut off at its most frequent words: type more to be sure."""
    problem: str = ""
    """Why the condition cannot be asked, as a slug: "" if it can. unknown: it names what does not exist; not_counted: it needs
    something that is counted only from a segment's publication on."""
    problem_detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One quick filter."""

    named: Named
    customers: int
    is_more: bool
    """There are more than `customers`; counting stopped there."""
    parts: tuple["Choice", ...] = ()
    """Sub-states of a phase."""


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The quick filters of the list."""

    phases: tuple[Choice, ...]
    situations: tuple[Choice, ...]
    segments: tuple[Choice, ...]
    known: int
    visitors: int
    attributes: tuple[str, ...] = field(default=())
    """Names of attributes that the newest customers have: offered as columns and in filters."""
    single: tuple[str, ...] = field(default=())
    """Those of them that hold one value each, no list and no object."""


@dataclass(frozen=True, kw_only=True)
class SavedFilter:
    """A condition under a name."""

    filter_id: str
    name: str
    condition: dict[str, Any]
    actor: str
    saved_us: int


class CustomerList(Protocol):
    """Reads the list of customers."""

    def find_customers(self, query: CustomerQuery) -> CustomersFound:
        """Customers that match, in the order asked for."""
        ...

    def read_choices(self) -> Choices:
        """The quick filters, with how many people each leads to."""
        ...

    def read_attributes(self, profile_ids: tuple[int, ...], names: tuple[str, ...]) -> dict[int, dict[str, str]]:
        """Values of these attributes as text, for the columns somebody chose."""
        ...

    def saved_filters(self) -> tuple[SavedFilter, ...]:
        """By name."""
        ...

    def save_filter(self, name: str, condition: dict[str, Any], *, actor: str) -> str:
        """Keep a condition under a name, in place of one of the same name; its id."""
        ...

    def delete_filter(self, filter_id: str) -> None:
        """Forget a saved filter. Harmless if there is none."""
        ...
