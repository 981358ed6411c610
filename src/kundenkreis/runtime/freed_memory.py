"""Memory that holds nothing any more, given back to the system.

glibc keeps what a program frees, for the program's next need. A process that has done a lot of work and now rests holds tens of megabytes so.
"""

import ctypes
import sys
from collections.abc import Callable
from typing import Any


def _found() -> Callable[[int], Any] | None:
    """glibc's way to give it back; None where there is no glibc (macOS, musl), whose allocators do it by themselves."""
    if not sys.platform.startswith("linux"):
        return None
    trim: Callable[[int], Any] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim


_trim = _found()


def return_freed_memory() -> None:
    """Give all of it back now. Takes milliseconds, so it is for whoever has nothing to do."""
    if _trim is not None:
        _trim(0)
