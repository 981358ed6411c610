"""Definitions from a directory of files: every mistake of every file, or the definitions as one whole."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath
from typing import Any

import msgspec

from kundenkreis.definitions.compile_checks import check_parts, problem_of
from kundenkreis.definitions.content_checks import check_contents, check_message_classes
from kundenkreis.definitions.definition import Definition, Definitions, key_of, typed
from kundenkreis.definitions.documents import Id
from kundenkreis.definitions.doubts import doubts
from kundenkreis.definitions.errors import DefinitionError, Place, Problem
from kundenkreis.definitions.installed import SERVED, installed_plugins
from kundenkreis.definitions.kinds import BY_KIND, Kind, Plugins
from kundenkreis.definitions.references import check_cycles, check_event_names, check_references
from kundenkreis.definitions.shape import shape_of, shown
from kundenkreis.definitions.source import Source
from kundenkreis.definitions.suggest import SEE_REFERENCE, did_you_mean
from kundenkreis.definitions.yaml_source import LARGEST_FILE_BYTES, read_source
from kundenkreis.engine.compiling import compile_rulebook
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.errors import DefinitionError as CompilerError

SUFFIXES = frozenset({".yaml", ".yml"})
MOST_FILES = 5_000


def _files(directory: FilePath) -> list[FilePath] | DefinitionError:
    """All YAML files that are not hidden, or why there is nothing to read."""
    place = Place(str(directory))
    if not directory.is_dir():
        what = "this is no directory" if directory.exists() else "there is no such directory"
        return _mistake(place, "no_directory", what, "Name the directory that holds the YAML files")
    try:
        files = _walked(directory)
    except OSError as error:
        # What cannot be looked into must not look as if it were gone: its definitions would be taken back.
        what = f"the directory cannot be read: {error.strerror}"
        return _mistake(Place(str(error.filename)), "unreadable", what, "Give yourself the right to read it")
    if not files:
        remedy = "`kreis export` writes what is published now"
        return _mistake(place, "no_files", "the directory holds no .yaml file", remedy)
    if len(files) > MOST_FILES:
        what = f"the directory holds {len(files):,} files"
        return _mistake(place, "too_many_files", what, f"At most {MOST_FILES:,} are read")
    return files


def _walked(directory: FilePath) -> list[FilePath]:
    """Raises OSError for a folder that cannot be read."""

    def refuse(error: OSError) -> None:
        raise error

    found = []
    for folder, below, names in os.walk(directory, onerror=refuse):
        below[:] = [name for name in below if not name.startswith(".")]
        found += [FilePath(folder, name) for name in names if not name.startswith(".")]
    return sorted(each for each in found if each.suffix.lower() in SUFFIXES)


def load_directory(directory: FilePath, plugins: Plugins | None = None) -> Definitions | list[DefinitionError]:
    """The definitions in all YAML files under a directory, or all mistakes in them in the order of files and lines.

    Effects: reads files. Hidden files and folders (.git) are passed over.
    """
    files = _files(directory)
    if isinstance(files, DefinitionError):
        return [files]
    contents: list[tuple[str, bytes]] = []
    mistakes: list[DefinitionError] = []
    for each in files:
        name = each.as_posix()
        if each.exists() and not each.is_file():
            mistakes.append(
                _mistake(Place(name), "unreadable", "this is no file", "Delete it, or give it a name without .yaml")
            )
            continue
        try:
            with each.open("rb") as opened:
                contents.append((name, opened.read(LARGEST_FILE_BYTES + 1)))  # one more is enough to be refused
        except OSError as error:
            mistakes.append(
                _mistake(
                    Place(name),
                    "unreadable",
                    f"the file cannot be read: {error.strerror}",
                    "Mend its permissions or where it leads, or delete it",
                )
            )
    loaded = load_files(contents, plugins)
    if mistakes or isinstance(loaded, list):
        return mistakes + (loaded if isinstance(loaded, list) else [])
    if not loaded:
        # Read as it stands, this would take everything back that is published.
        return [
            _mistake(
                Place(files[0].as_posix()),
                "no_definition",
                f"{'this file holds' if len(files) == 1 else 'these files hold'} no definition",
                "Begin one with `kind: segment` or another kind; `kreis export` writes what is published now",
            )
        ]
    return loaded


def load_files(
    files: Iterable[tuple[str, bytes]], plugins: Plugins | None = None
) -> Definitions | list[DefinitionError]:
    """The definitions in files given as (name, bytes), or all mistakes in them."""
    sources: list[Source] = []
    mistakes: list[DefinitionError] = []
    for name, data in files:
        of_file, wrong = read_source(data, name)
        sources += of_file
        mistakes += wrong
    return assemble(sources, mistakes, plugins)


def assemble(
    sources: Sequence[Source],
    mistakes: Sequence[DefinitionError] = (),
    plugins: Plugins | None = None,
    *,
    beside: Sequence[Definition] = (),
) -> Definitions | list[DefinitionError]:
    """Definitions from documents; `mistakes` are those found while reading them, `beside` stand there already and have the right shape.

    Every document is checked by itself; how they fit together is asked only when all of them have the right shape, because a name
    may be unknown only since its document is broken.
    """
    found = list(mistakes)
    heads: dict[str, Place] = {}
    definitions = [each for source in sources if (each := _definition(source, heads, found, plugins)) is not None]
    if found:
        return sorted(dict.fromkeys(found), key=_order)
    return check(Definitions([*beside, *definitions]), plugins)


def check(definitions: Definitions, plugins: Plugins | None = None) -> Definitions | list[DefinitionError]:
    """How the definitions fit together: the same with notes, or all mistakes.

    Several rules may refuse the same place; the first of them, which knows best what was meant, is heard.
    """
    kinds = plugins or installed_plugins()
    of_events, notes = check_event_names(definitions)
    found = [
        *check_references(definitions, kinds.channels),
        *check_cycles(definitions),
        *of_events,
        *check_contents(definitions),
        *check_message_classes(definitions),
    ]
    places = {mistake.place for mistake in found}
    found += [mistake for mistake in check_parts(definitions, kinds) if mistake.place not in places]
    if not found:
        found = _check_whole(definitions, kinds)
    if found:
        return sorted(dict.fromkeys(found), key=_order)
    notes += doubts(definitions, channels={*SERVED, *kinds.channels})
    return Definitions(definitions, notes=tuple(sorted(notes, key=_order)))


def _check_whole(definitions: Definitions, kinds: Plugins) -> list[DefinitionError]:
    """What only the compilers of the whole find; nothing is left to find where every part was looked at."""
    try:
        compile_rulebook([definitions.documents()], zone=Zone("UTC"), conditions=kinds.conditions, steps=kinds.steps)
    except CompilerError as error:
        kind, name, *path = error.path if len(error.path) > 1 else ("", "")
        definition = definitions.get(key_of(str(kind), str(name)))
        if definition is None:
            raise
        return [definition.mistake(problem_of(error, tuple(path)))]
    return []


def _order(mistake: DefinitionError) -> tuple[Place, str]:
    return mistake.place, mistake.what


def _mistake(place: Place, code: str, what: str, remedy: str) -> DefinitionError:
    return DefinitionError(place=place, code=code, what=what, remedy=remedy)


def _definition(
    source: Source, heads: dict[str, Place], found: list[DefinitionError], plugins: Plugins | None
) -> Definition | None:
    """A document as a definition; what is wrong with it goes to `found`. `heads`: where each key was first defined."""
    kind = _kind(source, found)
    if kind is None:
        return None
    name = _id(source, kind, found)
    if name is not None:
        _distinct(source, kind, name, heads, found)
    body = {key: value for key, value in source.value.items() if key not in _head(kind)}
    shape = shape_of(
        source.value, kind.config, noun=f"a document of kind {kind.kind}", ignore=_head(kind), plugins=plugins
    )
    for problem in shape.problems:
        if name is not None or problem.path != ("id",):  # said already
            found.append(_placed(source, problem))
    if name is None or shape.problems:
        return None
    try:
        config = typed(kind, name, body)
    except msgspec.ValidationError as error:  # a rule that only the type itself knows
        said = str(error)
        problem = Problem(path=path_of(said, body), code="invalid", what=_without_path(said), remedy=SEE_REFERENCE)
        found.append(_placed(source, problem))
        return None
    return Definition(kind.kind, name, body, config, shape.findings, source)


def _head(kind: Kind) -> tuple[str, ...]:
    return ("kind",) if kind.is_single else ("kind", "id")


def _kind(source: Source, found: list[DefinitionError]) -> Kind | None:
    document = source.value
    if not isinstance(document, dict):
        found.append(
            _placed(
                source,
                Problem(
                    path=(),
                    code="no_mapping",
                    what=f"the document is {shown(document)}, not a mapping",
                    remedy="Begin it with `kind: segment` or another kind",
                ),
            )
        )
    elif "kind" not in document:
        found.append(
            _placed(
                source,
                Problem(
                    path=(),
                    code="missing_kind",
                    what="`kind` is missing",
                    remedy=f"Begin the document with one of: {_kinds()}",
                ),
            )
        )
    elif not isinstance(document["kind"], str) or document["kind"] not in BY_KIND:
        problem = Problem(
            path=("kind",),
            code="unknown_kind",
            what=f"{shown(document['kind'])} is not a kind of definition",
            remedy=did_you_mean(str(document["kind"]), BY_KIND),
        )
        found.append(_placed(source, problem))
    else:
        return BY_KIND[document["kind"]]
    return None


def _kinds() -> str:
    return ", ".join(f"`kind: {kind}`" for kind in BY_KIND)


def _id(source: Source, kind: Kind, found: list[DefinitionError]) -> str | None:
    """The document's id, "" for kinds without one, None if it is missing or wrong."""
    if kind.is_single:
        return ""
    if "id" not in source.value:
        found.append(
            _placed(
                source,
                Problem(
                    path=(), code="missing_id", what="`id` is missing", remedy=f"Add `id: my_{kind.kind}` below `kind`"
                ),
            )
        )
        return None
    shape = shape_of({"id": source.value["id"]}, _Identified, noun="the document")
    for problem in shape.problems:
        found.append(_placed(source, problem))
    return None if shape.problems else str(source.value["id"])


_Identified = msgspec.defstruct("_Identified", [("id", Id)])


def _placed(source: Source, problem: Problem) -> DefinitionError:
    return _mistake(source.place(problem.path, at_key=problem.at_key), problem.code, problem.what, problem.remedy)


def _distinct(source: Source, kind: Kind, name: str, heads: dict[str, Place], found: list[DefinitionError]) -> None:
    place = source.place(("id",) if name else ("kind",))
    first = heads.setdefault(key_of(kind.kind, name), place)
    if first is not place:
        what = (
            f"the {kind.word_en} `{name}` is defined a second time"
            if name
            else f"there is a second document of kind {kind.kind}"
        )
        remedy = "Rename or delete one" if name else "Write both into one document, or delete one"
        found.append(_mistake(place, "duplicate_definition", what, f"{remedy}; the first is at {first}"))


def path_of(message: str, body: Any) -> tuple[str | int, ...]:
    """The path at the end of a message of msgspec ("... - at `$.rules[0].points`"), as far as it exists in the body."""
    written = message.rpartition(" - at `$")[2].rstrip("`") if " - at `$" in message else ""
    path: list[str | int] = []
    for name, index in _STEP.findall(written):
        step: str | int = int(index) if index else name
        inside = (isinstance(body, dict) and step in body) or (
            isinstance(body, list) and isinstance(step, int) and step < len(body)
        )
        if not inside:
            break
        path.append(step)
        body = body[step]
    return tuple(path)


def _without_path(message: str) -> str:
    return message.partition(" - at `")[0]


_STEP = re.compile(r"\.([^.\[\]`]+)|\[(\d+)\]")
