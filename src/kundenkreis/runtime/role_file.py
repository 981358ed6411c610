"""Which processes serve this installation: written by the supervisor, read by the status."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "roles.json"


@dataclass(frozen=True)
class RoleProcess:
    """One role's process as the supervisor last saw it."""

    name: str
    pid: int
    since_us: int
    restarts: int
    birth: str = ""
    """Tells the process from others that get its number later; "" where the system does not say."""

    @property
    def is_alive(self) -> bool:
        """Whether this process exists now. After a restart of the machine, and soon in a container, its number may be somebody else's."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return not self.birth or birth_of(self.pid) == self.birth


def birth_of(pid: int) -> str:
    """When a process was started, in ticks since the machine was, and which start of the machine that is; "" where the system does not say.

    Source: proc_pid_stat(5), field 22; the name in field 2 may hold spaces and parentheses.
    """
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {ticks}"
    except (OSError, IndexError):
        return ""


def write_roles(data_dir: Path, roles: Sequence[RoleProcess]) -> None:
    """Replace the file in one step, so that a reader never sees half of it."""
    draft = data_dir / f"{FILE}.new"
    draft.write_text(json.dumps([asdict(role) for role in roles]))
    draft.replace(data_dir / FILE)


def read_roles(data_dir: Path) -> list[RoleProcess]:
    """The roles last written; empty when nothing was ever served from here, or when the file is damaged: the next start writes it anew."""
    try:
        return [RoleProcess(**item) for item in json.loads((data_dir / FILE).read_text())]
    except (FileNotFoundError, ValueError, TypeError):
        return []
