"""Named crash points: places where the fault tests end a real process with kill -9.

KREIS_CRASH_AT=name:n kills the process at the n-th time it passes `name`; several are separated by commas. Nothing else in the
program knows about it.
"""

import os
import signal
from collections.abc import Mapping

from kundenkreis.kernel.errors import CallerError
from kundenkreis.runtime.stores.session import Point, no_point

VARIABLE = "KREIS_CRASH_AT"


def without_crash_points(environ: Mapping[str, str]) -> dict[str, str]:
    """This environment for a process that is not to die."""
    return {name: value for name, value in environ.items() if name != VARIABLE}


class CrashPointError(CallerError):
    """KREIS_CRASH_AT must look like name:1 or name:1,other:3."""

    code = "crash_point"


def point_from(environ: Mapping[str, str]) -> Point:
    """The crash points that this environment asks for; the harmless one when it asks for none."""
    text = environ.get(VARIABLE, "")
    if not text:
        return no_point
    left: dict[str, int] = {}
    for part in text.split(","):
        name, _, count = part.rpartition(":")
        if not name or not count.isdigit() or int(count) < 1:
            raise CrashPointError(value=text)
        left[name] = int(count)

    def point(name: str) -> None:
        if name in left:
            left[name] -= 1
            if left[name] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return point
