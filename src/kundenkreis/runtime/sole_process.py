"""Whether this process is the only one of its kind in a data directory: a file lock, which the system lets go of when a process dies."""

import fcntl
import hashlib
import os
import socket
from pathlib import Path

from kundenkreis.kernel.errors import CallerError
from kundenkreis.settings import Settings


class AlreadyServedError(CallerError):
    """This data folder is being served already; stop that server first, or name another folder with KREIS_DATA_DIR."""

    code = "already_served"


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


def claim_folder(settings: Settings, name: str) -> SoleProcess | None:
    """Be the only process of this kind in the data folder for as long as it lives; None with PostgreSQL, where several may share one.

    On SQLite a second server or worker would take the bells away from the first one, whose worker would sleep on what it acknowledged.

    Raises:
        AlreadyServedError: there is one.
    """
    settings.make_data_dir()
    if settings.on_postgres:
        return None
    lock = SoleProcess(settings.data_dir / name)
    if not lock.is_held:
        lock.release()
        raise AlreadyServedError(
            f"{settings.data_dir.absolute()} is being served already; stop that server first, or name another folder with KREIS_DATA_DIR."
        )
    return lock


def place_of(data_dir: Path) -> str:
    """Tells this machine and folder from all others, in names of processes that share a database; the same after every restart."""
    here = f"{socket.gethostname()} {data_dir.resolve()}"
    return hashlib.blake2b(here.encode(), digest_size=8).hexdigest()
