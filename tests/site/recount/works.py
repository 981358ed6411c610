"""Messages, content, events and how the installation is doing: counted again from verdicts, outbox, log and states."""

from collections import Counter

from kundenkreis.kernel.ids import NEVER, PARTITIONS
from kundenkreis.kernel.rows import DERIVED
from kundenkreis.kernel.zones import DAY, HOUR, to_datetime
from tests.site.recount.past import Past
from tests.site.recount.start import fates

PAGE = 50
KINDS = frozenset({"track", "identify", "page", "screen", "group", "alias"})


def messages(past: Past) -> dict[str, int]:
    """The list, as long as a page lets it be."""
    became = Counter(fates(past).values())
    figures = {f"messages.shown...{fate}": min(count, PAGE) for fate, count in became.items()}
    return figures | {"messages.shown...": min(became.total(), PAGE), "mailbox.messages": len(past.kept)}


def contents(past: Past) -> dict[str, int]:
    """What was handed over lately, and the places of the map."""
    figures: Counter[str] = Counter()
    for one in past.verdicts:
        if one.outcome == "handed_over" and one.at_us >= past.at_us - 30 * DAY:
            figures[f"content.{one.content_id}.sent"] += 1
    items = [one for one in past.documents if one["kind"] == "content"]
    phases = [phase["id"] for one in past.documents if one["kind"] == "phases" for phase in one["phases"]]
    said = {
        (phase, persona)
        for one in items
        for phase in one.get("phases") or ()
        for persona in one.get("personas") or ("",)
    }
    personas = {"", *(persona for one in items for persona in one.get("personas") or ())}
    figures["map.gaps"] = len({(phase, persona) for phase in phases for persona in personas} - said)
    today = to_datetime(past.at_us).date().isoformat()
    figures["map.outdated"] = sum("" < one.get("up_to_date_until", "") < today for one in items)
    figures["map.unplaced"] = sum(not one.get("phases") for one in items)
    return figures


def events(past: Past) -> dict[str, int]:
    """What came from outside, by name; what was set aside."""
    figures: Counter[str] = Counter()
    for row in past.log:
        if row.type in KINDS and not row.flags & DERIVED and row.origin != "feedback":
            figures[f"event.{row.name if row.type == 'track' else row.type}"] += 1
    figures["quarantine.events"] = past.set_aside
    return figures


def status(past: Past) -> dict[str, int]:
    """Everything about the installation that can be read off its rows. What stands in the inbox is what the fixture left there."""
    figures: Counter[str] = Counter()
    figures["status.customers"] = len(past.states)
    figures["status.newest_row"] = max(row.number for row in past.log)
    figures["status.rulebook_version"] = sum(1 for _ in past.events("Rulebook Published")) // PARTITIONS
    figures["status.overdue"] = sum(wake <= past.at_us for wake in past.wakes)
    for place, span in enumerate((HOUR, DAY, 7 * DAY), start=1):
        figures[f"status.due.{place}"] = sum(wake <= past.at_us + span and wake < NEVER for wake in past.wakes)
    channel_of = {one.effect_id: one.channel for one in past.verdicts}
    kinds = {
        "accepted": "handed_over",
        "failed": "failed",
        "queued": "waiting",
        "claimed": "waiting",
        "intent": "waiting",
        "held": "waiting",
    }
    for effect_id, state, uncertain in past.outbox:
        name = f"status.sending.{channel_of[bytes(effect_id)]}" if bytes(effect_id) in channel_of else ""
        if name and state in kinds:
            figures[f"{name}.{kinds[state]}"] += 1
        if name and uncertain:
            figures[f"{name}.uncertain"] += 1
    return figures


WORKS = (messages, contents, events, status)
