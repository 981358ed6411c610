"""What the pages about content ask: what there is, for whom, where it is used, and how it looks to one person."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Names = Mapping[str, str]
"""Language -> name."""


@dataclass(frozen=True, kw_only=True)
class ContentLine:
    """One content item in the list and on the map."""

    id: str
    names: Names
    message_class: str
    channel: str
    call_to_action: str
    variants: tuple[str, ...]
    """de, de/du, en."""
    phases: tuple[str, ...]
    """() = every phase."""
    personas: tuple[str, ...]
    """Segments it is written for; () = everybody."""
    up_to_date_until: str
    """ISO day; "" = no end."""
    used_by: tuple[tuple[str, Names], ...]
    """Journeys that send it: id and name."""
    sent: int
    """Messages handed over within 30 days."""
    has_draft: bool
    is_published: bool


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """Something that speaks against publishing."""

    variant: str
    part: str
    line: int
    what: str
    remedy: str
    code: str = ""
    """Slug of a mistake in the shape; "" for what the content itself is checked for."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """How a content item looks to one person."""

    subject: str
    preheader: str
    html: str
    text: str
    failed: str
    """Why there is nothing to see; "" if there is."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody to look with."""

    profile_id: int
    """0 = an invented person."""
    name: str
    language: str


class Contents(Protocol):
    """Answers about content."""

    def list_contents(self) -> tuple[ContentLine, ...]:
        """Every content item in force or in draft, by name."""
        ...

    def phases(self) -> tuple[tuple[str, Names], ...]:
        """The phases in their order."""
        ...

    def personas(self) -> tuple[tuple[str, Names], ...]:
        """Segments by id."""
        ...

    def check(self, document: Mapping[str, Any]) -> tuple[Mistake, ...]:
        """Everything that speaks against publishing this document, in the words of the checks."""
        ...

    def variables(self, content_id: str) -> tuple[str, ...]:
        """What can be written into this content between braces, such as customer.first_name; "" = a new one."""
        ...

    def links(self, document: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
        """Link -> the variants it stands in, of every http(s) link as the invented person would get it; those of this installation left out."""
        ...

    def preview(
        self, document: Mapping[str, Any], key: str, *, profile_id: int, without_name: bool,
        brand: Mapping[str, Any] | None = None, hidden: Collection[str] = (),
    ) -> Preview:  # fmt: skip
        """One variant rendered for a customer (0: an invented one); `brand` speaks instead of the one in force.

        Of the customer, attributes of the names in `hidden` (small letters) are left out, and whatever lies inside one.
        """
        ...

    def people(self) -> tuple[Person, ...]:
        """Some customers to look with, an invented one first."""
        ...
