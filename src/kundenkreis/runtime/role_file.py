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

    @property
    def is_alive(self) -> bool:
        """Whether a process with this number exists now."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


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
