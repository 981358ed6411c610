"""Definitions that the tests of this part share."""

from pathlib import Path

from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.errors import DefinitionError
from kundenkreis.definitions.load import load_directory, load_files

HERE = Path(__file__).parent


def good() -> Definitions:
    """Everything the format knows, loaded from the files in good/."""
    return accepted(load_directory(HERE / "good"))


def accepted(loaded: Definitions | list[DefinitionError]) -> Definitions:
    """What was loaded; fails with the mistakes if it was refused."""
    assert isinstance(loaded, Definitions), "\n".join(map(str, loaded))
    return loaded


def good_with(text: str, name: str = "more.yaml") -> Definitions | list[DefinitionError]:
    """The files in good/ and one more."""
    files = [(file.name, file.read_bytes()) for file in sorted((HERE / "good").rglob("*.yaml"))]
    return load_files([*files, (name, text.encode())])
