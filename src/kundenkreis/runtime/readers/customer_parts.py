"""Parts of the customer page that follow from the state alone: profile, rhythm, permission, situations, what comes."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from statistics import median
from typing import Any

from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.customers.core.permission import attribute_value
from kundenkreis.customers.core.state import Attribute, CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.runtime.readers.customer_lines import net_sales, plain_value
from kundenkreis.runtime.readers.definition_names import DefinitionNames
from kundenkreis.runtime.readers.may_contact import Answer, ask_all
from kundenkreis.site.ports.customer import (
    Ban,
    ChannelLight,
    ConsentRecord,
    Evidence,
    Kind,
    Light,
    PlannedMessage,
    Rhythm,
    RunNow,
    SituationNow,
    Tone,
    Value,
)
from kundenkreis.site.ports.customers import Amount
from kundenkreis.site.ports.messages import Reason

_PARTNER_ROLES = frozenset({"partner", "reseller", "seller"})
_TONES: tuple[Tone, ...] = ("go", "wait", "stop")
FEWEST_GAPS = 2
"""Gaps from which on a rhythm can be told."""


def kind_of(state: CustomerState) -> Kind:
    """What this person is to the company."""
    if attribute_value(state, "role") in _PARTNER_ROLES:
        return "partner"
    if not state.profile.known:
        return "visitor"
    held = state.decisions.phase
    if held is not None and held.sub_state == "former":
        return "former_customer"
    return "customer" if state.commerce.order_count else "prospect"


def values_of(state: CustomerState) -> tuple[Value, ...]:
    """Every attribute with its source, objects spread over their fields, by name."""
    return tuple(
        value
        for name in sorted(state.profile.attributes, key=str.casefold)
        for value in _values(name, state.profile.attributes[name])
    )


def _values(name: str, held: Attribute) -> Iterator[Value]:
    if isinstance(held.value, Mapping):
        for key, part in held.value.items():
            yield Value(
                name=f"{name}.{key}",
                text=plain_value(part),
                source=held.source,
                at_us=held.happened_us,
                is_editable=False,
            )
    elif held.value is not None:
        yield Value(
            name=name, text=plain_value(held.value), source=held.source, at_us=held.happened_us,
            is_editable=not isinstance(held.value, list),
        )  # fmt: skip


def rhythm_of(state: CustomerState, *, today: int) -> Rhythm:
    """Orders in figures; gaps between days with a purchase, as the phases use them."""
    commerce = state.commerce
    days = commerce.purchase_days
    gaps = sorted(later - earlier for earlier, later in pairwise(days))
    sales = net_sales(state)
    # What was paid for orders given back in full is still among the state's sales, so only what remains has a mean.
    is_plain = len(sales) == 1 and commerce.order_count > 0
    return Rhythm(
        order_count=commerce.order_count,
        sales=sales,
        refunded=tuple(Amount(minor=minor, currency=one) for one, minor in commerce.refunded.items() if minor),
        average=Amount(minor=round(sales[0].minor / commerce.order_count), currency=sales[0].currency) if is_plain else None,
        first_us=commerce.first_order_us if commerce.first_order_us < NEVER else None,
        last_us=commerce.last_order_us if commerce.last_order_us >= 0 else None,
        usual_gap_days=round(median(gaps)) if len(gaps) >= FEWEST_GAPS else None,
        long_gap_days=gaps[-(-90 * len(gaps) // 100) - 1] if len(gaps) >= FEWEST_GAPS else None,
        silent_days=today - days[-1] if days else None,
    )  # fmt: skip


def situations_of(state: CustomerState, names: DefinitionNames, *, at_us: Micros) -> tuple[SituationNow, ...]:
    """Open matters and the rest after them, the oldest first."""
    found = [
        SituationNow(
            named=names.named("situation", kind), since_us=one.since_us, keys=tuple(key for key in one.keys if key)[:3],
            rests_until_us=None if one.keys else one.rests_until_us,
        )
        for kind, one in state.decisions.situations.items()
        if one.keys or one.rests_until_us > at_us
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.rests_until_us is not None, one.since_us)))


def channels_of(
    state: CustomerState, policy: CompiledPolicy, names: DefinitionNames, evidence: Mapping[bytes, Evidence], *,
    at_us: Micros, fences: tuple[str, ...],
) -> tuple[ChannelLight, ...]:  # fmt: skip
    """May I? Per channel, the best of its purposes in front."""
    found = []
    for channel, answers in ask_all(policy, state, at_us=at_us, fences=fences).items():
        lights = sorted((_light(one, names, evidence) for one in answers), key=lambda one: _TONES.index(one.tone))
        found.append(ChannelLight(channel=channel, tone=lights[0].tone, lights=tuple(lights)))
    return tuple(found)


def _light(answer: Answer, names: DefinitionNames, evidence: Mapping[bytes, Evidence]) -> Light:
    verdict, grant = answer.verdict, answer.grant
    refused = tuple(
        Reason(rule_id=str(one[0]), passed=False, detail=tuple(one[2:])) for one in verdict.reasons if not one[1]
    )
    return Light(
        channel=answer.channel,
        purpose=names.named("purpose", answer.purpose),
        tone=answer.tone,
        basis=verdict.basis,
        reasons=refused,
        until_us=verdict.until_us if answer.tone == "wait" and verdict.until_us < NEVER else None,
        since_us=grant.happened_us if grant is not None else None,
        evidence=evidence.get(grant.event_id) if grant is not None else None,
    )


def consents_of(
    state: CustomerState, names: DefinitionNames, evidence: Mapping[bytes, Evidence]
) -> tuple[ConsentRecord, ...]:
    """Every record, the newest first."""
    found = []
    for key, grant in state.consent.grants.items():
        channel, _, purpose = key.partition("|")
        found.append(
            ConsentRecord(
                channel=channel,
                purpose=names.named("purpose", purpose),
                basis=grant.basis,
                is_granted=grant.granted,
                at_us=grant.happened_us,
                expires_us=grant.expires_us if grant.expires_us < NEVER else None,
                address=grant.address if grant.address != "?" else "",
                is_proven=grant.proven,
                evidence=evidence.get(grant.event_id),
            )
        )
    return tuple(sorted(found, key=lambda one: -one.at_us))


def bans_of(state: CustomerState) -> tuple[Ban, ...]:
    """Objections, and addresses that may not be used."""
    consent = state.consent
    found = [
        Ban(kind="objection", scope=scope, reason="", address="", since_us=since_us)
        for scope, since_us in consent.objections.items()
    ]
    for address, entries in consent.suppressed.items():
        found += [
            Ban(kind="suppression", scope=scope, reason=reason, address=address, since_us=since_us)
            for reason, since_us, scope, lifted_us in entries
            if since_us >= lifted_us
        ]
    return tuple(sorted(found, key=lambda one: -one.since_us))


def planned_of(state: CustomerState, names: DefinitionNames) -> tuple[PlannedMessage, ...]:
    """What is coming, by due time; what waits for a change comes last."""
    found = [
        PlannedMessage(
            message_id=one.effect_id.hex(), content=names.named("content", one.content_id), channel=one.channel,
            message_class=one.message_class, journey=names.named("journey", one.journey_id), due_us=one.due_us,
            is_waiting=one.waiting, in_hand_over=one.handed_over,
        )
        for one in state.contact.planned
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.is_waiting, one.due_us, one.message_id)))


def runs_of(state: CustomerState, names: DefinitionNames) -> tuple[RunNow, ...]:
    """Journeys under way, the newest first."""
    found = [
        RunNow(
            journey=names.named("journey", run.journey_id), version=run.version, entered_us=run.entered_us,
            step_id=run.step_id, step_since_us=run.step_since_us, wakes_us=run.wake_us if run.wake_us < NEVER else None,
            is_only_measured=run.waiting_for == "goal", in_control_group=run.in_holdout,
        )
        for run in state.runs
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda run: -run.entered_us))


def proofs_in(state: CustomerState) -> set[bytes]:
    """Event ids of everything that proves a record of consent."""
    return {grant.event_id for grant in state.consent.grants.values()}


def contact_person_of(state: CustomerState) -> str:
    """Who looks after this person: attribute `contact_person` (or `contactPerson`), a name or an object with one."""
    value: Any = attribute_value(state, "contact_person") or attribute_value(state, "contactPerson")
    if isinstance(value, Mapping):
        value = value.get("name")
    return value if isinstance(value, str) else ""
