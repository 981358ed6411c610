"""From older encodings of the state to the one of today, version by version.

A stored state says under which FOLD_VERSION it was folded. An upgrader turns the plain data of one version into that of the next, so a
state of any age is read by going through all of them in turn. Upgraders are kept for ever: the log holds states too (bases, and those
surrendered by a merge), and a backup may be older than anything that runs today.

Where the shape stays and only what the fold makes of it changes (code, time zone data), the upgrader is `same_shape`.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from kundenkreis.kernel.errors import CallerError

PlainState = list[Any]
"""A state as it is encoded: one list of fields in the order of its version."""
Upgrader = Callable[[PlainState], PlainState]

VERSION_FIELD = 5
"""Where `fold_version` stands, in every version for ever."""

_decode = msgspec.msgpack.Decoder(list).decode
_encode = msgspec.msgpack.Encoder().encode


class StoreTooNewError(CallerError):
    """This data was written by a newer version of Kundenkreis. Install that version, or a later one."""

    code = "store_too_new"


def same_shape(state: PlainState) -> PlainState:
    """The upgrader of a version that left the encoding as it was."""
    return state


UPGRADERS: dict[int, Upgrader] = {
    # Schedules see later answers of what their audience reads; new situations keep the rest after a matter; runs go on without what a rulebook
    # has no longer; waiting messages get a place as soon as there is one; the policy's order decides between matters that end together.
    1: same_shape,
    # Messages answer acts of the person alone; situations and orders of two people who are one count once; what overtakes its order counts.
    2: same_shape,
    # Goals within their window may arrive a week after it; a refusal at hand-over ends a run that a refusal ends; `default_priority` counts.
    # A matter that two people who are one both had open is as old as the older. A new score of which nothing is left writes no line.
    # A goal within its window counts after it also when it is less than a day old, and after steps that took longer.
    # Of an event that several conditions of journeys count, as many instants are kept as the largest needs. Sums and keys see a name with dots.
    3: same_shape,
    # What a journey sets holds against what brought it there in the same instant; what it says is no order. An order that states no amount is worth
    # its products; sales stay right when a currency empties. What was taken away stays away when an older word comes late. Help and purposes end
    # by one withdrawal and begin by a newer proof; other channels say nothing about the mailbox; soft bounces begin no second rest; attempts to
    # call are limited; contacts planned for later take no place after the first purchase; void permissions lift no objection at a merge.
    4: same_shape,
}
"""Version n -> what turns its states into those of version n + 1. One line per upgrade; none is ever taken out."""


def version_of(data: bytes) -> int:
    """The FOLD_VERSION that a stored state names. Raises msgspec.ValidationError when the bytes are not a state."""
    state = _decode(data)
    version = state[VERSION_FIELD] if len(state) > VERSION_FIELD else None
    if type(version) is not int:
        raise msgspec.ValidationError("this is not a state: it names no version")
    return version


def is_of_another_version(data: bytes, version: int) -> bool:
    """Whether these bytes are a state of another version than this one; False when they are no state at all."""
    try:
        return version_of(data) != version
    except msgspec.DecodeError:
        return False


def upgraded(data: bytes, *, to: int) -> bytes:
    """A stored state of an older version in the encoding of version `to`.

    Raises:
        StoreTooNewError: it is of a later version.
        msgspec.ValidationError: the bytes are not a state, or of a version that never was.
    """
    version = version_of(data)
    if version > to:
        raise StoreTooNewError(stored=version, known=to)
    state = _decode(data)
    for step in range(version, to):
        if step not in UPGRADERS:
            raise msgspec.ValidationError(f"there are no states of version {step}")
        state = UPGRADERS[step](state)
        state[VERSION_FIELD] = step + 1
    return _encode(state)
