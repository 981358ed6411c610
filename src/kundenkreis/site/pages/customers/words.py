"""Sentences of the customer pages: permission, messages that did not come, what happened."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.channels.core.gate_texts import reason_text
from kundenkreis.kernel.zones import zone
from kundenkreis.site import formats
from kundenkreis.site.condition_words import ReasonLine
from kundenkreis.site.event_words import event_word
from kundenkreis.site.mounted import mounted
from kundenkreis.site.personal import personal
from kundenkreis.site.phase_words import phase_word, sub_state_word
from kundenkreis.site.ports.customer import ChannelLight, Light, TimelineEntry, TimelineMessage, TimelinePart, Tone
from kundenkreis.site.ports.customers import Named
from kundenkreis.site.ports.messages import Reason
from kundenkreis.site.profile_words import attribute_word, field_of
from kundenkreis.site.verdict_words import basis_word, describe_verdict, idle_consent_sentence, outcome_word
from kundenkreis.site.words import channel_word

_OPEN_MATTERS = frozenset(
    {"complaint", "late", "bereavement", "detractor", "recall", "mass_incident", "cancelled_by_us"}
)
_MARKS: dict[Tone, str] = {"go": "good", "wait": "calm", "stop": "stop"}
_NEVER_CAME = frozenset({"withheld", "expired", "cancelled", "displaced", "failed"})
_MOST_NAMES = 4


def said(named: Named) -> str:
    """The name of something people defined, in the viewer's language."""
    if named.id == "*":
        return _("every purpose")
    return formats.in_words(named.name)


def name_of(name: str, email: str, number: str, profile_id: int) -> str:
    """How to call a person, as far as the viewer may know."""
    if name:
        return personal(name, "email" if name == email else "name")
    return (
        _("Customer %(number)s") % {"number": number} if number else _("Visitor %(id)s") % {"id": str(profile_id)[-4:]}
    )


def numbered(number: str) -> str:
    """A customer number that says what it is."""
    return _("No. %(number)s") % {"number": number}


def situation_tone(situation: str) -> str:
    """How urgently an open matter looks: stop for what must not be made worse."""
    return "stop" if situation in _OPEN_MATTERS else "calm"


def tone_mark(tone: Tone) -> str:
    """The tone of a badge for a light."""
    return _MARKS[tone]


def tone_word(tone: Tone) -> str:
    """A light in a word."""
    return {"go": _("yes"), "wait": _("not now"), "stop": _("no")}[tone]


def reason_sentence(reason: Reason) -> str:
    """One reason of the contact policy as a sentence."""
    clock = zone(mounted().settings.zone)
    return reason_text([reason.rule_id, reason.passed, *reason.detail], language=formats.language(), clock=clock)


@dataclass(frozen=True, kw_only=True)
class DescribedLight:
    """One purpose of a channel in words."""

    light: Light
    tone: str
    word: str
    sentence: str
    proof: str


@dataclass(frozen=True, kw_only=True)
class DescribedChannel:
    """A channel in words."""

    channel: str
    tone: str
    word: str
    sentence: str
    """The one that counts: the basis, or what stands against it."""
    lights: tuple[DescribedLight, ...]


def describe_channel(channel: ChannelLight) -> DescribedChannel:
    """A channel with its lights in words."""
    lights = tuple(_describe_light(light) for light in channel.lights)
    best = lights[0]
    allowed = [said(one.light.purpose) for one in lights if one.light.tone == channel.tone]
    sentence = best.sentence
    if channel.tone == "go" and len(allowed) > 1:
        sentence = f"{', '.join(allowed)}: {basis_word(best.light.basis)}"
    return DescribedChannel(
        channel=channel.channel,
        tone=tone_mark(channel.tone),
        word=tone_word(channel.tone),
        sentence=sentence,
        lights=lights,
    )


def _describe_light(light: Light) -> DescribedLight:
    evidence = light.evidence
    proof = ""
    if evidence is not None:
        parts = [event_word(evidence.event), formats.day(evidence.at_us), evidence.source, evidence.proof]
        proof = " · ".join(part for part in parts if part)
    if light.tone == "go":
        since = _(" since %(day)s") % {"day": formats.day(light.since_us)} if light.since_us is not None else ""
        sentence = basis_word(light.basis) + since
    else:
        sentence = reason_sentence(light.reasons[0]) if light.reasons else ""
        if light.until_us is not None:
            sentence += " " + _("Possible from %(moment)s.") % {"moment": formats.moment(light.until_us)}
    return DescribedLight(
        light=light, tone=tone_mark(light.tone), word=tone_word(light.tone), sentence=sentence, proof=proof
    )


def since_day(at_us: int) -> str:
    """Since a day."""
    return _("since %(day)s") % {"day": formats.day(at_us)}


def until_day(at_us: int) -> str:
    """Until a day."""
    return _("until %(day)s") % {"day": formats.day(at_us)}


def rests_until(at_us: int) -> str:
    """An open matter that is over, with the rest after it."""
    return _("over; marketing rests until %(day)s") % {"day": formats.day(at_us)}


def days(count: int) -> str:
    """A number of days."""
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": formats.number(count)}


def mostly_within(count: int) -> str:
    """Within how many days nine of ten gaps lie."""
    return _("nine of ten within %(days)s") % {"days": formats.number(count)}


def joined_records(count: int) -> str:
    """How many records were joined into one."""
    text = ngettext(
        "%(count)s more record was joined into this one.", "%(count)s more records were joined into this one.", count
    )
    return text % {"count": formats.number(count)}


def by_event(name: str) -> str:
    """The event that decided."""
    return _("by: %(event)s") % {"event": event_word(name)}


def points_today(milli: int) -> str:
    """The balance of a score."""
    return _("%(points)s points as of today") % {"points": formats.decimal(round(milli / 1000, 1))}


def newest_entries(count: int) -> str:
    """Under a ledger that shows its newest lines."""
    return _("The newest of %(count)s entries. Points fade from day to day, so the balance is no plain sum.") % {
        "count": formats.number(count)
    }


def found_here(line: ReasonLine) -> str:
    """What was found of somebody, behind a condition, as far as it may be seen."""
    found = personal(line.found, field_of(line.attribute)) if line.attribute else line.found
    return _("here: %(found)s") % {"found": found}


def why_heading(kind: str, person: str, what: str, answer: object) -> str:
    """The heading of the page that explains."""
    names = {"person": person, "what": what}
    if kind == "segment" and answer:
        return _("%(person)s is in the segment %(what)s") % names
    if kind == "segment":
        return _("%(person)s is not in the segment %(what)s") % names
    if kind == "score":
        return _("%(person)s: points of the score %(what)s") % names
    return _("%(person)s is in the phase %(what)s") % {"person": person, "what": phase_word(str(answer))}


def scope_word(scope: str) -> str:
    """What an objection or a suppression covers."""
    kind, _colon, name = scope.partition(":")
    if kind == "channel":
        return channel_word(name)
    if kind == "purpose":
        return name
    known = {
        "marketing": _("all marketing"),
        "all": _("everything"),
        "profiling": _("profiling"),
        "service": _("hints"),
    }
    return known.get(scope, scope)


def ban_word(reason: str) -> str:
    """Why an address may not be used."""
    known = {
        "hard": _("the address does not exist"),
        "complaint": _("marked as spam"),
        "manual": _("suppressed by hand"),
    }
    return known.get(reason, reason)


# What happened --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class DescribedEntry:
    """One thing that happened, in words."""

    entry: TimelineEntry
    title: str
    lines: tuple[str, ...]
    icon: str
    tone: str
    phase: str
    amount: str
    is_withheld: bool
    message_id: str
    """Of a message: its decision can be read, and what was sent when it was."""


_ICONS: dict[TimelinePart, str] = {
    "messages": "mail", "orders": "shopping-bag", "service": "headset", "visits": "world", "consent": "shield-check",
    "circle": "circle-dotted", "data": "id-badge-2", "all": "circle",
}  # fmt: skip
_EVENT_ICONS = {
    "Order Shipped": "truck-delivery", "Order Delivered": "package", "Order Refunded": "receipt-refund",
    "Cart Viewed": "shopping-cart", "Product Added": "shopping-cart", "Checkout Started": "shopping-cart", "Call Made": "phone",
    "Call Received": "phone", "Letter Sent": "news", "Voucher Issued": "ticket", "Voucher Redeemed": "ticket",
    "Consent Withdrawn": "shield-x", "Consent Objected": "shield-x", "Marketing Paused": "player-pause",
    "Marketing Resumed": "player-play", "Attribute Set": "pencil", "Product Viewed": "eye", "page": "eye", "screen": "eye",
    "Review Submitted": "star", "Survey Answered": "star",
}  # fmt: skip
_EVENT_TONES = {
    "Order Completed": "good", "Order Delivered": "good", "Order Delayed": "calm", "Consent Withdrawn": "stop",
    "Consent Objected": "stop", "Case Opened": "calm", "Order Refunded": "calm", "Payment Failed": "stop",
}  # fmt: skip


def describe_entry(entry: TimelineEntry, person: str) -> DescribedEntry:
    """One entry of the timeline in words."""
    if entry.message is not None:
        return _describe_message(entry, entry.message, person)
    title, lines = _event_title(entry), list(_event_lines(entry))
    phase = entry.named.id if entry.named is not None and entry.name == "Phase Changed" else ""
    return DescribedEntry(
        entry=entry, title=title, lines=tuple(line for line in lines if line),
        icon=_EVENT_ICONS.get(entry.name, _ICONS[entry.part]), tone=_EVENT_TONES.get(entry.name, ""), phase=phase,
        amount=formats.money(entry.amount.minor, entry.amount.currency) if entry.amount is not None else "",
        is_withheld=False, message_id="",
    )  # fmt: skip


def _describe_message(entry: TimelineEntry, message: TimelineMessage, person: str) -> DescribedEntry:
    last = message.verdicts[-1]
    described = describe_verdict(last)
    lines = [f"{capfirst(channel_word(message.channel))} · {outcome_word(last.outcome)} · {said(message.journey)}"]
    if message.subject:
        lines.append(personal(message.subject))
    is_withheld = last.outcome in _NEVER_CAME
    if is_withheld or last.outcome in ("planned", "postponed"):
        lines.append(withheld_sentence(message, person))
    lines += [f"{event_word(one.name)}, {formats.moment(one.at_us)}" for one in message.fate[-3:]]
    icon = "mail-x" if is_withheld else "mail-check" if last.outcome == "handed_over" else "mail-pause"
    return DescribedEntry(
        entry=entry, title=said(message.content), lines=tuple(lines), icon=icon,
        tone="stop" if is_withheld else {"good": "good", "calm": "calm"}.get(described.tone, ""), phase="", amount="",
        is_withheld=is_withheld, message_id=message.message_id,
    )  # fmt: skip


def withheld_sentence(message: TimelineMessage, person: str) -> str:
    """Why somebody did not get a message, or not yet, in one sentence."""
    last = message.verdicts[-1]
    deciding = [reason_sentence(one) for one in last.reasons if not one.passed][:1]
    why = deciding[0] if deciding else describe_verdict(last).sentence
    if last.outcome in ("planned", "postponed"):
        return _("%(person)s has not got this message yet: due %(moment)s. %(why)s") % {
            "person": person, "moment": formats.moment(last.due_us), "why": deciding[0] if deciding else "",
        }  # fmt: skip
    return _("%(person)s did not get this message: %(why)s") % {"person": person, "why": why}


def _event_title(entry: TimelineEntry) -> str:
    facts = entry.facts
    if entry.named is not None:
        kinds = {
            "Phase Changed": _("Phase: %(name)s"), "Sub-State Changed": _("State: %(name)s"),
            "Segment Entered": _("Entered the segment %(name)s"), "Segment Left": _("Left the segment %(name)s"),
            "Situation Began": _("Began: %(name)s"), "Situation Ended": _("Ended: %(name)s"),
        }  # fmt: skip
        return kinds.get(entry.name, "%(name)s") % {"name": _named_word(entry.name, entry.named)}
    if entry.name == "Attribute Set" and "name" in facts:
        return _("%(value)s corrected") % {"value": attribute_word(str(facts["name"]))}
    if entry.part == "visits" and entry.name not in ("page", "screen") and event_word(entry.name) == entry.name:
        return _("Page: %(name)s") % {"name": entry.name} if "url" in facts or not facts else entry.name
    return event_word(entry.name)


def _named_word(event: str, named: Named) -> str:
    if event == "Phase Changed" and phase_word(named.id) != named.id:
        return phase_word(named.id)
    if event == "Sub-State Changed" and sub_state_word(named.id) != named.id:
        return sub_state_word(named.id)
    return said(named)


def _event_lines(entry: TimelineEntry) -> Iterable[str]:
    facts = entry.facts
    if entry.name == "identify":
        names = [attribute_word(name) for name in facts]
        more = len(names) - _MOST_NAMES
        yield ", ".join(names[:_MOST_NAMES]) + (_(" and %(count)s more") % {"count": more} if more > 0 else "")
    elif entry.part != "circle":
        yield " · ".join(_fact_parts(facts))
    if "idle" in facts:
        yield idle_consent_sentence(str(facts["idle"]))
    if entry.reason:
        yield personal(entry.reason)
    by = entry.actor or entry.source
    if by and (entry.actor or entry.part in ("data", "consent")):
        yield _("from %(source)s") % {"source": by}


def _fact_parts(facts: dict[str, object]) -> Iterable[str]:
    if "order_id" in facts:
        yield f"#{facts['order_id']}"
    for name in (
        "subject",
        "title",
        "text",
        "reason",
        "outcome",
        "value",
        "carrier",
        "voucher_code",
        "query",
        "until",
    ):
        if facts.get(name) and not (name == "value" and "name" not in facts):
            yield personal(str(facts[name]), field_of(str(facts["name"])) if name == "value" else "text")
    if branch := str(facts.get("branch") or ""):
        yield _("Branch %(name)s") % {"name": branch} if branch.isdigit() else personal(branch)
    products, count = facts.get("products"), facts.get("product_count")
    if isinstance(products, list) and isinstance(count, int) and count:
        listed = ", ".join(str(one) for one in products if one)
        yield (
            ngettext("%(count)s position", "%(count)s positions", count) % {"count": formats.number(count)}
            + (f": {listed}" if listed else "")
            + (" …" if count > len(products) else "")
        )
    for name in ("channel", "purpose"):
        if facts.get(name) and "order_id" not in facts:
            yield channel_word(str(facts[name]))


def part_word(part: TimelinePart) -> str:
    """A part of the timeline in words."""
    known: dict[TimelinePart, str] = {
        "all": _("Everything"), "messages": _("Messages"), "orders": _("Orders"), "service": _("Service and sales"),
        "visits": _("Website and app"), "consent": _("Consent"), "circle": _("Circle"), "data": _("Profile"),
    }  # fmt: skip
    return known[part]
