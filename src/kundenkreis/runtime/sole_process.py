"""Whether this process is the only one of its kind in a data directory: a file lock, which the system lets go of when a process dies."""

import fcntl
import os
from pathlib import Path


class SoleProcess:
    """Tries to hold a lock file for as long as this process lives."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.is_held = True
        except BlockingIOError:
            self.is_held = False

    def release(self) -> None:
        """Let go; a death does the same."""
        os.close(self._descriptor)
        self.is_held = False
