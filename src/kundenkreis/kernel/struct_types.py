"""Types of structs, made ready before threads share them.

msgspec works out what it has to know of a Struct when it first reads one, and keeps it with the type. Threads that read the first one at the same time
have ended a process with a segmentation fault (msgspec 0.21, `convert` by ten threads). So whoever is about to start threads has it done for all types.
"""

from collections.abc import Iterator
from contextlib import suppress

import msgspec


def make_struct_types_ready() -> int:
    """Let msgspec look at every struct that is known in this process; how many it can read."""
    ready = 0
    for kind in _below(msgspec.Struct):
        with suppress(
            TypeError, NameError
        ):  # a plug-in's, with fields that JSON has no form for: nobody reads it from there
            msgspec.json.Decoder(kind)
            ready += 1
    return ready


def _below(kind: type[msgspec.Struct]) -> Iterator[type[msgspec.Struct]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)
