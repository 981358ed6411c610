"""The typed documents of segments, scores, phases, situations and traits (docs/reference/definitions.md)."""

from typing import Any, Literal

import msgspec

from kundenkreis.kernel.references import ConditionData, EventName
from kundenkreis.segments.core.protocol import EventPattern, PropertyFilter

Names = dict[str, str]
"""Language -> name for people."""


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which events a trait looks at, and which number of theirs."""

    name: EventName | list[EventName]
    property: str = ""
    where: list[PropertyFilter] = []


class TraitDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A computed trait: exactly one of count, sum, first, last, average_gap."""

    id: str
    name: Names = {}
    kind: Literal["trait"] = "trait"
    count: Measured | None = None
    sum: Measured | None = None
    first: Measured | None = None
    last: Measured | None = None
    average_gap: Measured | None = None


class SegmentDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everybody for whom a condition holds."""

    id: str
    when: ConditionData
    name: Names = {}
    kind: Literal["segment"] = "segment"


class AtMost(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many points a rule gives at most in a window of installation days."""

    points: int | float
    per_days: int


class ScoreRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Points for an event."""

    id: str
    event: EventPattern
    points: int | float
    at_most: AtMost | None = None


class ScoreDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Points from events, halved every so many days."""

    id: str
    rules: list[ScoreRule] = []
    """Empty: only journeys add points."""
    name: Names = {}
    kind: Literal["score"] = "score"
    half_life_days: int | None = None
    maximum: int | float | None = None
    thresholds: list[int | float] = []
    """Points whose crossing, up or down, is told as an event."""


class SubStateDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of a phase: the first that holds."""

    id: str
    when: ConditionData
    name: Names = {}


class PhaseDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One phase of the circle."""

    id: str
    when: ConditionData
    name: Names = {}
    sub_states: list[SubStateDefinition] = []


class PhasesDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The circle: phases in the order that decides ties."""

    phases: list[PhaseDefinition]
    kind: Literal["phases"] = "phases"


class BuiltIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A situation that follows from orders and carts."""

    builtin: Literal["open_cart", "order_in_transit", "late"]


class SituationDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An open matter that stands beside the phase."""

    id: str
    begins: dict[str, Any] | list[EventPattern]
    """{name, where}, a list of such, or {builtin: open_cart | order_in_transit | late}."""
    name: Names = {}
    kind: Literal["situation"] = "situation"
    ends: list[EventPattern] = []
    key: str = ""
    after_days: int = 0
    gentle_days: int = 0
    """So many days after the rest the first message does not sell."""
    resume_hours: int = 0
    """People come out of the rest one after the other, spread over so many hours more."""
    expires_days: int | None = None
