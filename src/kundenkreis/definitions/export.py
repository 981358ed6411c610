"""Definitions written back as files: one per definition, in a folder per kind, in the order in which the reference explains the keys."""

import os
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

import msgspec
import yaml

from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.definitions.errors import Path
from kundenkreis.definitions.kinds import BY_KIND
from kundenkreis.definitions.load import SUFFIXES
from kundenkreis.definitions.shape import shape_of
from kundenkreis.definitions.yaml_source import read_as_text, read_source
from kundenkreis.kernel.errors import CallerError


class ForeignFilesError(CallerError):
    """The directory holds definition files that this export did not write; choose an empty directory."""

    code = "foreign_files"


class Exported(msgspec.Struct, frozen=True, gc=False):
    """What an export did, as paths below the directory."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]
    """Files of definitions that exist no more."""


def export_directory(definitions: Definitions, directory: FilePath) -> Exported:
    """Write the definitions; loading the directory gives them back equal.

    Raises:
        ForeignFilesError: the directory holds other YAML files, which would define things a second time. Nothing was written.
        OSError: the disk refuses.

    Effects: writes files whole or not at all; removes files of an earlier export whose definition is gone.
    """
    texts = {path_of(each): document_text(each) for each in definitions}
    present = (
        sorted(each.relative_to(directory).as_posix() for each in directory.rglob("*") if each.suffix in SUFFIXES)
        if directory.is_dir()
        else []
    )
    stale = [name for name in present if name not in texts]
    foreign = [name for name in stale if not _is_own(directory / name, name)]
    if foreign:
        raise ForeignFilesError(
            f"The directory holds files that no export wrote: {', '.join(foreign[:5])}. Choose an empty directory.",
            files=foreign,
        )
    written = [name for name, text in texts.items() if _write(directory / name, text.encode())]
    unchanged = [name for name in texts if name not in written]
    for name in stale:
        (directory / name).unlink()
    return Exported(tuple(written), tuple(unchanged), tuple(stale))


def path_of(definition: Definition) -> str:
    """Where a definition is written: segments/regulars.yaml, phases.yaml."""
    folder = BY_KIND[definition.kind].folder
    return f"{folder}/{definition.id}.yaml" if definition.id else f"{definition.kind}.yaml"


def document_text(definition: Definition) -> str:
    """A definition as YAML: long texts as blocks, short mappings in braces, keys in the order of the reference."""
    kind = BY_KIND[definition.kind]
    shape = shape_of(definition.document, kind.config, noun=kind.word_en, ignore=("kind", "id"))
    document = _ordered(definition.document, (), shape.keys)
    return yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDEST, default_flow_style=None
    )


_WIDEST = 1_000_000
"""Lines are never broken inside a text: a diff of two exports shows what changed and nothing else."""


def _ordered(value: Any, path: Path, keys: Mapping[Path, tuple[str, ...]]) -> Any:
    """The same data with keys in the order of the reference; free mappings sorted."""
    if isinstance(value, dict):
        names = [name for name in keys.get(path, ()) if name in value]
        names += sorted(name for name in value if name not in names)
        return {name: _ordered(value[name], (*path, name), keys) for name in names}
    if isinstance(value, list):
        return [_ordered(item, (*path, index), keys) for index, item in enumerate(value)]
    return value


def _is_own(file: FilePath, name: str) -> bool:
    """Whether a file holds exactly the definition whose place it is."""
    sources, mistakes = read_source(file.read_bytes(), name)
    if mistakes or len(sources) != 1 or not isinstance(sources[0].value, dict):
        return False
    kind = BY_KIND.get(str(sources[0].value.get("kind")))
    if kind is None:
        return False
    return name == (f"{kind.kind}.yaml" if kind.is_single else f"{kind.folder}/{sources[0].value.get('id')}.yaml")


def _write(file: FilePath, data: bytes) -> bool:
    """Write a file whole; False if it holds that already."""
    if file.is_file() and file.read_bytes() == data:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_bytes(data)
    os.replace(partial, file)
    return True


class _Dumper(yaml.SafeDumper):
    """Writes texts so that our reader and any YAML 1.1 reader see texts."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Equal values are written twice: aliases are refused when read."""
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text and _fits_block(text) else None if read_as_text(text) else '"'
    # A line that begins with another blank than a space reads as one that was indented with it.
    if not _fits_block(text) or (style is None and text[:1].isspace()):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _fits_block(text: str) -> bool:
    """Whether every line break in it is a plain one: others would come back as \\n."""
    return not any(other in text for other in "\r\x85\u2028\u2029\ufeff")


_Dumper.add_representer(str, _text)
