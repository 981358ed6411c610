"""The rulebook that comes with Kundenkreis: the circle, situations, segments, scores, contact policy, and the playbooks' journeys."""

from functools import cache
from pathlib import Path

from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.load import load_directory
from kundenkreis.kernel.errors import BugError

FOLDER = Path(__file__).parent


def shipped_rulebook(*, with_journeys: bool) -> Definitions:
    """The shipped definitions.

    Args:
        with_journeys: False leaves the journeys out: a fresh installation sends nothing that nobody switched on.

    Raises:
        BugError: the shipped files are not sound; a test keeps that from being released.
    """
    return Definitions(each for each in _loaded() if with_journeys or each.kind != "journey")


@cache
def _loaded() -> Definitions:
    """Read and checked once: these files do not change while a process runs."""
    loaded = load_directory(FOLDER)
    if isinstance(loaded, list):
        raise BugError("The shipped playbooks are not sound: " + "; ".join(str(mistake) for mistake in loaded[:5]))
    return loaded
