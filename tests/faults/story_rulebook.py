"""The rulebook of the story."""

from pathlib import Path

from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.definitions.load import load_directory

RULEBOOK = Path(__file__).parent / "rulebook"


def definitions() -> bytes:
    """The rulebook as canonical JSON."""
    loaded = load_directory(RULEBOOK)
    assert not isinstance(loaded, list), "\n".join(map(str, loaded))
    return canonical_json(loaded)
