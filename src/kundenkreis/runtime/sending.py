"""Letting messages go out again after a backup was restored."""

import msgspec

from kundenkreis.channels.pause import PAUSED, go_on, read_pause
from kundenkreis.runtime.installation import DISPATCHER_BELL, Installation
from kundenkreis.runtime.stores.meta import write_meta

RESUMED = "sending_resumed"
"""Name in `meta` of who let sending go on last, when, and after what."""


def resume_sending(installation: Installation, *, actor: str) -> bool:
    """Let sending go on; False if it was not paused. Notes who did it, and wakes the senders."""
    with installation.store.transaction("resume") as tx:
        held = read_pause(tx)
        if held is None:
            return False
        go_on(tx, PAUSED)
        noted = {"actor": actor, "at_us": installation.clock.now_us(), "paused": msgspec.to_builtins(held)}
        write_meta(tx, RESUMED, msgspec.json.encode(noted).decode())
    installation.bell(DISPATCHER_BELL).ring()
    return True
