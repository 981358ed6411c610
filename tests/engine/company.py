"""A small company that shows everything the fold can do, as documents of three published rulebooks."""

import json
from typing import Any

from kundenkreis.definitions.canonical import canonical_json, definitions_from_json

Document = dict[str, Any]
BERLIN = "Europe/Berlin"
ORDERED = ["Order Completed", "Store Purchase"]


def _words(text: str) -> dict[str, str]:
    return {"de": text, "en": text}


def segment(name: str, when: Document) -> Document:
    return {"kind": "segment", "id": name, "name": _words(name), "when": when}


def content(name: str, message_class: str = "marketing") -> Document:
    foot = "\n{{ unsubscribe_url }}\n{{ brand.imprint }}" if message_class == "marketing" else ""
    variant = {"subject": name, "text": "Guten Tag {{ customer.first_name | default: '' }}." + foot}
    return {
        "kind": "content", "id": name, "name": _words(name), "message_class": message_class, "value": _words("Weiß, was es gibt"),
        "call_to_action": "read" if message_class == "marketing" else "none", "variants": {"de": variant},
    }  # fmt: skip


def message(step: str, name: str, **more: Any) -> Document:
    config = {
        "content": name,
        "channel": "email",
        "purpose": "news",
        "message_class": "marketing",
        "valid_for_hours": 48,
    }
    return {"id": step, "message": {**config, "if_withheld": "skip", **more}}


def journey(name: str, **more: Any) -> Document:
    return {"kind": "journey", "id": name, "name": _words(name), **more}


PLAIN_SEGMENTS = (
    segment("busy", {"event": {"name": "Product Viewed", "count": {"at_least": 2}, "within_days": 3}}),
    segment("hot", {"event": {"name": "Product Viewed", "count": {"at_least": 2}, "within_hours": 5}}),
    segment("buyers", {"event": {"name": ORDERED, "count": {"at_least": 1}}}),
    segment("spenders", {"event_sum": {"name": ORDERED, "property": "total", "op": ">=", "value": 100, "within_days": 30}}),
    segment("birthday", {"attribute": {"name": "birthday", "op": "anniversary_in_days", "value": 0}}),
    segment("recent", {"event_time": {"name": ORDERED, "which": "last", "op": "within_last_days", "value": 7}}),
    segment("lucky", {"bucket": {"from": 0, "to": 5000, "salt": "x"}}),
    segment("warm", {"score": {"id": "activity", "op": ">=", "value": 6}}),
    segment("quiet_buyers", {"all": [{"segment": {"id": "buyers"}}, {"not": {"segment": {"id": "busy"}}}]}),
)  # fmt: skip
"""Segments that the brute-force oracle can answer about, too."""

_BASE: tuple[Document, ...] = (
    {
        "kind": "brand", "id": "default", "name": "Muster", "sender_name": "Muster", "sender_address": "post@muster.example",
        "imprint": {"de": "Muster GmbH"}, "language": "de", "form_of_address": "sie", "country": "DE", "zone": BERLIN,
    },
    *PLAIN_SEGMENTS,
    {
        "kind": "score", "id": "activity", "name": _words("activity"), "half_life_days": 5, "maximum": 40, "thresholds": [6, 20],
        "rules": [
            {"id": "viewed", "event": {"name": "Product Viewed"}, "points": 2, "at_most": {"points": 6, "per_days": 1}},
            {"id": "ordered", "event": {"name": "Order Completed"}, "points": 9},
        ],
    },
    {
        "kind": "phases",
        "phases": [
            {"id": "winback", "name": _words("winback"), "when": {"trait": {"name": "days_since_last_order", "op": ">=", "value": 20}}},
            {"id": "loyalty", "name": _words("loyalty"), "when": {"trait": {"name": "order_count", "op": ">=", "value": 2}}},
            {
                "id": "care", "name": _words("care"), "when": {"trait": {"name": "delivered_count", "op": ">=", "value": 1}},
                "sub_states": [
                    {"id": "fresh", "name": _words("fresh"), "when": {"trait": {"name": "days_since_first_delivery", "op": "<=", "value": 4}}}
                ],
            },
            {"id": "trust", "name": _words("trust"), "when": {"trait": {"name": "is_known", "op": "is_true"}}},
            {"id": "attention", "name": _words("attention"), "when": {"all": []}},
        ],
    },
    {
        "kind": "situation", "id": "complaint", "name": _words("complaint"), "key": "case_id", "after_days": 2,
        "begins": {"name": "Case Opened", "where": [{"property": "kind", "op": "equals", "value": "complaint"}]},
        "ends": [{"name": "Case Solved"}],
    },
    *(content(name) for name in ("hello", "tips", "offer", "wish", "again")),
    content("receipt", "transactional"),
    journey(
        "welcome", priority=3, entry={"event": {"name": "Consent Confirmed"}}, re_entry={"cooldown_days": 2},
        goal={"event": {"name": "Order Completed"}, "within_days": 10},
        steps=[
            message("hello", "hello"),
            {"id": "pause", "wait": {"days": 1, "at": "10:00"}},
            message("tips", "tips", if_withheld="wait"),
            {"id": "watch", "wait_for": {"any": [{"id": "seen", "event": {"name": "Product Viewed"}, "next": "mark"}],
                                         "timeout": {"hours": 30}, "on_timeout": "offer"}},
            {"id": "mark", "set_attribute": {"name": "welcomed", "value": True}, "next": "exit"},
            message("offer", "offer", priority=8),
        ],
    ),
    journey(
        "thanks", priority=1, entry={"event": {"name": "Order Completed"}, "key": "order_id"}, re_entry="once_per_key",
        exit_when={"event": {"name": "Order Cancelled"}},
        steps=[
            message("receipt", "receipt", purpose="order", message_class="transactional"),
            {"id": "pause", "wait": {"hours": 26}},
            message("tips", "tips", priority=6),
            {"id": "tell", "emit_event": {"name": "Thanked", "properties": {}}},
        ],
    ),
    journey(
        "nudge", priority=7, entry={"segment_entered": "busy"}, re_entry="after_exit",
        holdout={"percent": 10, "salt": "nudge"}, exit_when={"segment": {"id": "recent"}},
        steps=[
            message("offer", "offer", if_withheld="exit"),
            {"id": "test", "split": {"salt": "t", "parts": [{"id": "a", "percent": 50, "next": "long"}, {"id": "b", "percent": 50, "next": "exit"}]}},
            {"id": "long", "wait": {"minutes": 90}},
            {"id": "score", "add_score": {"score": "activity", "points": 3}},
        ],
    ),
    journey(
        "wishes", priority=5, entry={"date": {"attribute": "birthday", "offset_days": 0, "at": "02:30", "yearly": True}}, re_entry="always",
        steps=[message("wish", "wish")],
    ),
    {
        "kind": "policy",
        "limits": [
            {"id": "email_day", "channel": "email", "message_class": "marketing", "at_most": 1, "per_hours": 24},
            {"id": "email_week", "channel": "email", "message_class": "marketing", "at_most": 3, "per_hours": 168},
        ],
        "quiet_hours": [{"channel": "email", "message_class": "marketing", "from": "21:00", "to": "07:00"}],
        "situations": [{"situation": "complaint", "holds": "marketing", "priorities": [1, 10], "reason": _words("complaint")}],
        "purposes": [
            {"id": "news", "name": _words("news"), "bases": ["express_consent"]},
            {"id": "order", "name": _words("order"), "bases": ["contract", "requested"]},
        ],
        "after_conversion": {"days": 3, "extra_per_week": 1},
        "global_holdout": {"percent": 5, "salt": "global"},
    },
)  # fmt: skip

_LATER = (
    segment("viewers", {"event": {"name": "Product Viewed", "count": {"at_least": 4}}}),
    segment("often_busy", {"event": {"name": "Segment Entered", "count": {"at_least": 2}}}),
    journey(
        "again", priority=9, entry={"segment_entered": "viewers"}, re_entry="once",
        steps=[{"id": "pause", "wait": {"hours": 3}}, message("again", "again", if_withheld="wait")],
    ),
)  # fmt: skip


def _changed() -> tuple[Document, ...]:
    """Version 3: a segment less, a journey changed, so that runs stay in its earlier form; facts that version 2 needed are gone."""
    kept = [one for one in _BASE if one.get("id") != "spenders"]
    nudge = next(one for one in kept if one.get("id") == "nudge")
    kept[kept.index(nudge)] = {**nudge, "steps": [{"id": "rest", "wait": {"days": 1}}, message("late_offer", "offer")]}
    return tuple(kept)


VERSIONS: tuple[tuple[Document, ...], ...] = (_BASE, (*_BASE, *_LATER), _changed(), (*_changed(), *_LATER))


def canonical(version: int) -> bytes:
    """What is published as this version, counted from 1."""
    return canonical_json(definitions_from_json(json.dumps(VERSIONS[version - 1]).encode()))
