"""Every mistake people make, one file each: the answer names file, line, column, what is wrong and what to do.

`bad/NAME.yaml` is read together with the files in `good/`; `bad/NAME.expected` is the whole answer.
"""

from pathlib import Path

import pytest
import yaml

from kundenkreis.definitions import yaml_source
from kundenkreis.definitions.errors import DefinitionError
from kundenkreis.definitions.load import load_files

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
REPLACES = {"cycle_across_kinds": "phases.yaml"}
"""Files that stand in for one of the good ones."""


def read(name: str, data: bytes) -> list[DefinitionError]:
    """What is said about a file beside the good ones."""
    good = [
        (file.relative_to(HERE / "good").as_posix(), file.read_bytes())
        for file in sorted((HERE / "good").rglob("*.yaml"))
        if file.name != REPLACES.get(name)
    ]
    loaded = load_files([*good, (f"{name}.yaml", data)])
    return loaded if isinstance(loaded, list) else []


@pytest.mark.pure
@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_bad_file_is_refused_with_place_and_remedy(file: Path) -> None:
    said = read(file.stem, file.read_bytes())
    assert "".join(f"{each}\n" for each in said) == file.with_suffix(".expected").read_text()


@pytest.mark.pure
@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_the_pure_parser_gives_the_same_answer(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_source, "_LOADER", yaml.SafeLoader)
    assert (
        "".join(f"{each}\n" for each in read(file.stem, file.read_bytes())) == file.with_suffix(".expected").read_text()
    )


@pytest.mark.pure
def test_every_answer_belongs_to_a_file() -> None:
    expected = {file.stem for file in (HERE / "bad").glob("*.expected")}
    assert expected == {file.stem for file in BAD}
    assert all(file.with_suffix(".expected").read_text() for file in BAD)
