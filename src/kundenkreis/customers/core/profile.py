"""Who this is: attributes with their source, identifiers, groups (the profile pass).

What a public write key may do here is the heart of rule A22: it can add to somebody nobody knows, and nothing to anybody
known. E-mail, phone, ids and consent never come from a public key.
"""

from typing import Any

from kundenkreis.customers.core.acts import act_us
from kundenkreis.customers.core.commerce import occurred_us
from kundenkreis.customers.core.state import Attribute, CustomerState
from kundenkreis.customers.core.turn import Turn
from kundenkreis.events.core.messages import RESERVED_FOR_SERVERS, is_usable_key
from kundenkreis.kernel.rows import DERIVED, PUBLIC, LogRow

MOST_ATTRIBUTES = 300
MOST_GROUPS = 50
LONGEST_TEXT = 1024
PROVED_ONLY = frozenset(
    {"email", "phone", "id", "userId", "user_id", "username", "customer_number", "consent", "unsubscribed", "role"}
)
"""Traits that name or bind a person: only a server call, a signed token or a confirmed opt-in may set them."""

UNPROVED = frozenset({"anonymous_id", "claimed_user_id"})
"""Identifiers that do not make somebody known."""


def apply_profile(turn: Turn) -> None:
    """Fold what a row says about the person. Marks dirty "attribute:<name>", "identifier", "seen", "first_seen"."""
    row = turn.row
    if row is None:
        return
    state = turn.state
    if row.links is not None:
        _attach(turn, row.links)
    acted_us = act_us(row)
    if acted_us >= 0:
        if acted_us > state.last_seen_us:
            state.last_seen_us = acted_us
            turn.dirty.add("seen")
        if acted_us < state.first_seen_us:
            state.first_seen_us = acted_us
            turn.dirty.add("first_seen")
    if row.type == "identify":
        _take_traits(turn, row, row.traits)
    elif row.type == "group":
        _join_group(turn, row)
    elif row.name == "Attribute Set":
        name = row.properties.get("name")
        if isinstance(name, str):
            _take_traits(turn, row, {name: row.properties.get("value")})


def _take_traits(turn: Turn, row: LogRow, traits: dict[str, Any]) -> None:
    state = turn.state
    public = bool(row.flags & PUBLIC)
    if public and state.profile.known:
        return
    attributes = state.profile.attributes
    happened_us = occurred_us(row)
    # A journey's step comes after what brought it there, and after the steps before it, although all that is one instant.
    follows = bool(row.flags & DERIVED)
    for name, value in traits.items():
        if not is_usable_key(name) or (public and (name in PROVED_ONLY or name in RESERVED_FOR_SERVERS)):
            continue
        held = attributes.get(name)
        if held is not None and (held.happened_us, b"" if follows else held.event_id) >= (happened_us, row.event_id):
            continue
        if held is None and len(attributes) >= MOST_ATTRIBUTES:
            continue
        clean = clean_value(value)
        # Nothing to take away, but its stamp stays: what was said before and is heard only later must not bring it back.
        before = held.value if held is not None else None
        changed = before != clean or type(before) is not type(clean)
        attributes[name] = Attribute(clean, happened_us, row.event_id, row.source or row.actor)
        if changed:
            turn.dirty.add("attribute:" + name)


def clean_value(value: Any, depth: int = 0) -> Any:
    """A JSON value as the profile keeps it: long texts cut, integers beyond 64 bits as text, no depth beyond 8."""
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return value
    if isinstance(value, int):
        return value if -(1 << 63) <= value < (1 << 63) else str(value)
    if depth >= 8:
        return None
    if isinstance(value, list):
        return [clean_value(item, depth + 1) for item in value[:MOST_ATTRIBUTES]]
    return {key[:64]: clean_value(item, depth + 1) for key, item in list(value.items())[:MOST_ATTRIBUTES]}


def attribute(state: CustomerState, path: str) -> Any:
    """The value at a dotted path ("address.country"), None when there is none. The first part names the attribute."""
    held = state.profile.attributes.get(path)
    if held is not None:
        return held.value
    name, dot, rest = path.partition(".")
    if not dot:
        return None
    held = state.profile.attributes.get(name)
    value = held.value if held is not None else None
    for part in rest.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _attach(turn: Turn, links: dict[str, Any]) -> None:
    profile = turn.state.profile
    for kind, value in links.get("attach", ()):
        pair = [kind, value]
        if pair not in profile.identifiers:
            profile.identifiers.append(pair)
            turn.dirty.add("identifier")
        if kind not in UNPROVED:
            profile.known = True
    claimed = links.get("claimed_user_id")
    if claimed:
        profile.claimed_user_id = claimed


def _join_group(turn: Turn, row: LogRow) -> None:
    group_id = row.body.get("groupId")
    groups = turn.state.profile.groups
    if isinstance(group_id, str | int) and not isinstance(group_id, bool) and not row.flags & PUBLIC:
        name = str(group_id)[:255]
        if name not in groups and len(groups) < MOST_GROUPS:
            groups.append(name)
            turn.dirty.add("group")


def absorb_profile(winner: CustomerState, loser: CustomerState) -> None:
    """Merge: per attribute the later statement wins; identifiers and groups unite; the older bucket key survives."""
    for name, theirs in loser.profile.attributes.items():
        mine = winner.profile.attributes.get(name)
        if mine is None or (mine.happened_us, mine.event_id) < (theirs.happened_us, theirs.event_id):
            winner.profile.attributes[name] = theirs
    for pair in loser.profile.identifiers:
        if pair not in winner.profile.identifiers:
            winner.profile.identifiers.append(pair)
    for group in loser.profile.groups:
        if group not in winner.profile.groups:
            winner.profile.groups.append(group)
    winner.profile.known = winner.profile.known or loser.profile.known
    if (loser.created_us, loser.profile_id) < (winner.created_us, winner.profile_id):
        winner.bucket_key = loser.bucket_key
    winner.created_us = min(winner.created_us, loser.created_us)
    winner.first_seen_us = min(winner.first_seen_us, loser.first_seen_us)
    winner.last_seen_us = max(winner.last_seen_us, loser.last_seen_us)
    winner.absorbed = sorted({*winner.absorbed, *loser.absorbed, loser.profile_id})
