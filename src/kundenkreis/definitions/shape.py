"""Whether plain data has the shape of a typed config: every mistake at once, each with its path and a remedy.

`msgspec.convert` stops at the first mistake and speaks of JSON types. People who write files want all mistakes, in their
words, with what to do. So the same type description is walked here first; afterwards `convert` cannot fail any more.
"""

import re
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import inspect

from kundenkreis.definitions.documents import ID_HINT, ID_PATTERN, PATTERN_HINTS
from kundenkreis.definitions.errors import Path, Problem
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.definitions.kinds import ONE_OF, Plugins
from kundenkreis.definitions.suggest import closest, did_you_mean
from kundenkreis.journeys.core.definitions import EventTrigger, trigger_of
from kundenkreis.kernel.references import HOLDS, REFERS_TO, StepId
from kundenkreis.segments.core.protocol import PropertyFilter


class Reference(msgspec.Struct, frozen=True, gc=False):
    """A text that names another definition."""

    path: Path
    to: str
    """Kind of definition: segment, score, phase, content, step, event, ..."""
    name: str


class Findings(msgspec.Struct, frozen=True, gc=False):
    """What in a document others must look at."""

    references: tuple[Reference, ...] = ()
    leaves: tuple[Path, ...] = ()
    """Conditions with a leaf: the mapping with its one key."""
    filters: tuple[Path, ...] = ()
    """Property filters."""


class Shape:
    """What the walk over one document found."""

    def __init__(self, plugins: Plugins) -> None:
        self.plugins = plugins
        self.problems: list[Problem] = []
        self.references: list[Reference] = []
        self.leaves: list[Path] = []
        self.filters: list[Path] = []
        self.keys: dict[Path, tuple[str, ...]] = {}
        """The keys that a mapping may hold, in the order of the reference; free mappings are not in here."""

    @property
    def findings(self) -> Findings:
        """What others must look at."""
        return Findings(tuple(self.references), tuple(self.leaves), tuple(self.filters))

    def report(self, path: Path, code: str, what: str, remedy: str, *, at_key: bool = False) -> None:
        self.problems.append(Problem(path=path, code=code, what=what, remedy=remedy, at_key=at_key))


def shape_of(
    value: Any, config: type[msgspec.Struct], *, noun: str, ignore: tuple[str, ...] = (), plugins: Plugins | None = None
) -> Shape:
    """Walk a document. `noun` is what people call it ("segment"); keys in `ignore` were read by somebody else."""
    shape = Shape(plugins or installed_plugins())
    _struct(shape, value, _type_of(config), (), noun=noun, ignore=ignore)
    return shape


@lru_cache(maxsize=500)
def _type_of(config: Any) -> inspect.Type:
    return inspect.type_info(config)


def _walk(shape: Shape, value: Any, kind: inspect.Type, path: Path) -> None:
    """Compare a value with a type."""
    hint = ""
    while isinstance(kind, inspect.Metadata):
        extra = kind.extra_json_schema or {}
        hint = extra.get("description", hint)
        if REFERS_TO in extra and isinstance(value, str):
            shape.references.append(Reference(path, extra[REFERS_TO], value))
        if HOLDS in extra:
            _HOLDS[extra[HOLDS]](shape, value, path)
            return
        kind = kind.type
    if isinstance(kind, inspect.StrType):
        _text(shape, value, kind, path, hint)
        return
    walker = _WALKERS.get(type(kind))
    if walker is None:
        raise NotImplementedError(f"a config may not hold the type {kind!r}")
    walker(shape, value, kind, path)


def _noun_of(path: Path, value: Any = None) -> str:
    if path and isinstance(path[-1], int) and isinstance(value, dict) and isinstance(value.get("id"), str):
        return f"`{value['id']}`"
    names = [each for each in path if isinstance(each, str)]
    return f"`{names[-1]}`" if names else "the document"


def _struct(shape: Shape, value: Any, kind: Any, path: Path, *, noun: str = "", ignore: tuple[str, ...] = ()) -> None:
    noun = noun or _noun_of(path, value)
    fields = {field.encode_name: field for field in kind.fields}
    if not isinstance(value, dict):
        shape.report(path, "wrong_type", f"{noun} must be a mapping, not {shown(value)}", _mapping_remedy(kind))
        return
    if kind.cls is PropertyFilter:
        shape.filters.append(path)
    shape.keys[path] = (*ignore, *shape.keys.get(path, ()), *fields)
    meant: set[str] = set()
    for key, item in value.items():
        if key in fields:
            _walk(shape, item, fields[key].type, (*path, key))
        elif key not in ignore:
            free = [name for name in (*fields, *ignore) if name not in value]
            meant.add(closest(key, free))
            remedy = did_you_mean(key, free or [*fields, *ignore])
            shape.report((*path, key), "unknown_key", f"`{key}` is not a key of {noun}", remedy, at_key=True)
    for name, field in fields.items():
        if field.required and name not in value and name not in meant and name not in ignore:
            remedy = getattr(kind.cls, "remedies", {}).get(name, f"Add `{name}:`")
            shape.report(path, "missing_key", f"`{name}` is missing in {noun}", remedy, at_key=True)
    _choice(shape, value, kind.cls, path, noun)


def _mapping_remedy(kind: inspect.StructType) -> str:
    keys = [field.encode_name for field in kind.fields if field.required]
    keys = keys or [field.encode_name for field in kind.fields][:3]
    return f"Write {{{', '.join(f'{key}: ...' for key in keys)}}}"


_LISTS = ("all", "any", "none")


def _condition(shape: Shape, value: Any, path: Path) -> None:
    """A mapping with exactly one key: all, any, none, not or a kind of leaf."""
    noun = _noun_of(path)
    if not isinstance(value, dict):
        remedy = (
            "A list of conditions stands under `all:`, `any:` or `none:`"
            if isinstance(value, list)
            else "Write a condition, such as {segment: {id: ...}}"
        )
        shape.report(path, "wrong_type", f"{noun} must be a condition, not {shown(value)}", remedy)
        return
    kinds = shape.plugins.conditions
    _one_key(shape, value, path, choice=(*_LISTS, "not", *kinds), noun=noun, several=_all_of(value))
    for key, item in value.items():
        below = (*path, key)
        if key in _LISTS:
            _conditions(shape, item, below)
        elif key == "not":
            _condition(shape, item, below)
        elif key in kinds:
            shape.leaves.append(path)
            _walk(shape, item, _type_of(kinds[key].config), below)


def _conditions(shape: Shape, value: Any, path: Path) -> None:
    if not isinstance(value, list):
        _wrong_type(shape, value, "a list", path)
        return
    for index, item in enumerate(value):
        _condition(shape, item, (*path, index))


def _all_of(value: dict[str, Any]) -> str:
    return "Put them into a list, each with a `-`, under `all:` (or `any:`)" if len(value) > 1 else ""


class _StepHead(msgspec.Struct, frozen=True, kw_only=True):
    """What every step has besides the one thing it does."""

    id: Annotated[str, msgspec.Meta(pattern=ID_PATTERN, description=ID_HINT)]
    next: StepId = ""


def _step(shape: Shape, value: Any, path: Path) -> None:
    """An id, perhaps a next, and exactly one kind of step."""
    if not isinstance(value, dict):
        remedy = "Write {id: ..., wait: {days: 1}} or another kind of step"
        shape.report(path, "wrong_type", f"a step must be a mapping, not {shown(value)}", remedy)
        return
    kinds, head = shape.plugins.steps, _type_of(_StepHead)
    of_head = {key: item for key, item in value.items() if key in _STEP_HEAD}
    _struct(shape, of_head, head, path)
    shape.keys[path] = ("id", *kinds, "next")
    own = {key: item for key, item in value.items() if key not in _STEP_HEAD}
    _one_key(shape, own, path, choice=tuple(kinds), noun=_noun_of(path, value), several="Make two steps of it")
    for key, item in own.items():
        if key in kinds:
            _walk(shape, item, _type_of(kinds[key].config), (*path, key))


_STEP_HEAD = ("id", "next")


def _one_key(
    shape: Shape, value: dict[str, Any], path: Path, *, choice: tuple[str, ...], noun: str, several: str
) -> None:
    """Report keys that are none of the choice, and more or less than one that is."""
    given = [key for key in value if key in choice]
    for key in value:
        if key not in choice:
            what = f"`{key}` is not a key of {noun}"
            shape.report((*path, key), "unknown_key", what, did_you_mean(key, choice), at_key=True)
    if len(given) > 1:
        what = f"{noun} holds {_listed(given)}, but only one of them is possible"
        shape.report((*path, given[1]), "more_than_one", what, several, at_key=True)
    elif not value:
        shape.report(path, "none_of", f"{noun} says nothing", f"Write one of: {', '.join(choice)}")


def _exit(shape: Shape, value: Any, path: Path) -> None:
    """The next event, or a condition. Only the next event can be one about this run: a condition counts all that happened."""
    trigger = trigger_of(value) if isinstance(value, dict) else None
    if trigger is not None:
        _walk(shape, trigger, _type_of(EventTrigger), (*path, "event"))
        return
    event = value.get("event") if isinstance(value, dict) and len(value) == 1 else None
    if isinstance(event, dict) and "key" in event:
        others = _listed([key for key in event if key not in EventTrigger.__struct_fields__])
        shape.report(
            (*path, "event", "key"), "key_with_count", f"`key` goes with the next event about this run; with {others} it is a condition on all that happened",
            f"Leave out `key`, or {others}", at_key=True,
        )  # fmt: skip
        value = {"event": {key: item for key, item in event.items() if key != "key"}}
    _condition(shape, value, path)


_HOLDS = {"condition": _condition, "exit": _exit, "step": _step}


def _choice(shape: Shape, value: dict[str, Any], config: Any, path: Path, noun: str) -> None:
    """A struct of which exactly one of some keys must be there."""
    choice = ONE_OF.get(config, ())
    given = [key for key in value if key in choice]
    if len(given) > 1:
        what = f"{noun} holds {_listed(given)}, but only one of them is possible"
        shape.report((*path, given[1]), "more_than_one", what, "Keep one of them", at_key=True)
    elif choice and not given:
        shape.report(
            path, "none_of", f"{noun} lacks what it is about", f"Write one of: {', '.join(choice)}", at_key=True
        )


def _listed(words: list[str]) -> str:
    *others, last = (f"`{word}`" for word in words)
    return f"{', '.join(others)} and {last}" if others else last


def shown(value: Any) -> str:
    """A value as people wrote it, shortened."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return f"the text `{''.join(map(_visible, value[:60]))}`"
        case _:
            return f"the number {value}"


def _visible(character: str) -> str:
    """A character that is nothing to look at (line end, direction mark) by its number, so that no message is forged."""
    return character if character.isprintable() else f"<U+{ord(character):04X}>"


def _wrong_type(shape: Shape, value: Any, expected: str, path: Path) -> None:
    shape.report(
        path, "wrong_type", f"{_noun_of(path)} must be {expected}, not {shown(value)}", _type_remedy(value, expected)
    )


def _type_remedy(value: Any, expected: str) -> str:
    if value is None:
        return f"Write {expected} behind the `:`, or delete the key"
    if expected == "true or false" and isinstance(value, str):
        return (
            "Write true or false; yes, no, on and off are texts here"
            if value.casefold() in _LOOKS_BOOLEAN
            else "Write true or false"
        )
    if expected == "a text" and isinstance(value, int | float | bool):
        written = ("true" if value else "false") if isinstance(value, bool) else value
        return f'Put it in quotes: "{written}"'
    if "number" in expected and isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]+(\.[0-9]+)?", value):
        return f"Leave out the quotes: {value}"
    if expected == "a list" and not isinstance(value, list):
        return "Write a list: [one, two], or one entry per line with a `-` before each"
    return f"Write {expected}"


_LOOKS_BOOLEAN = frozenset({"yes", "no", "on", "off", "y", "n", "ja", "nein"})


def _text(shape: Shape, value: Any, kind: inspect.StrType, path: Path, hint: str) -> None:
    pattern_hint = hint or PATTERN_HINTS.get(kind.pattern or "", f"It must fit the pattern {kind.pattern}")
    if kind.pattern is not None and isinstance(value, int | float) and re.search(kind.pattern, str(value)) is None:
        # In quotes it would be refused as well.
        shape.report(path, "wrong_type", f"{_noun_of(path)} must be a text, not {shown(value)}", pattern_hint)
    elif not isinstance(value, str):
        _wrong_type(shape, value, "a text", path)
    elif kind.pattern is not None and re.search(kind.pattern, value) is None:
        shape.report(path, "pattern", f"{_noun_of(path)} cannot be {shown(value)}", pattern_hint)
    elif kind.min_length is not None and len(value) < kind.min_length:
        shape.report(path, "empty", f"{_noun_of(path)} is empty", "Write something, or delete the key")
    elif kind.max_length is not None and len(value) > kind.max_length:
        shape.report(
            path, "too_long", f"{_noun_of(path)} has {len(value)} characters", f"At most {kind.max_length} are possible"
        )


def _whole(shape: Shape, value: Any, kind: inspect.IntType, path: Path) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        _wrong_type(shape, value, "a whole number", path)
    else:
        _bounds(shape, value, kind, path)


def _decimal(shape: Shape, value: Any, kind: inspect.FloatType, path: Path) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _wrong_type(shape, value, "a number", path)
    else:
        _bounds(shape, value, kind, path)


def _bounds(shape: Shape, value: float, kind: Any, path: Path) -> None:
    low = kind.ge if kind.ge is not None else kind.gt
    high = kind.le if kind.le is not None else kind.lt
    too_low = (kind.ge is not None and value < kind.ge) or (kind.gt is not None and value <= kind.gt)
    too_high = (kind.le is not None and value > kind.le) or (kind.lt is not None and value >= kind.lt)
    if too_low or too_high:
        span = (
            f"from {low} to {high}"
            if low is not None and high is not None
            else f"from {low} on"
            if low is not None
            else f"up to {high}"
        )
        shape.report(path, "out_of_range", f"{_noun_of(path)} cannot be {value}", f"Possible is a number {span}")


def _boolean(shape: Shape, value: Any, kind: inspect.Type, path: Path) -> None:
    if not isinstance(value, bool):
        _wrong_type(shape, value, "true or false", path)


def _null(shape: Shape, value: Any, kind: inspect.Type, path: Path) -> None:
    if value is not None:
        _wrong_type(shape, value, "empty", path)


def _literal(shape: Shape, value: Any, kind: inspect.LiteralType, path: Path) -> None:
    if value in kind.values and type(value) in {type(each) for each in kind.values}:
        return
    choices = [str(each) for each in kind.values]
    code = "unknown_operator" if path and path[-1] == "op" else "unknown_word"
    what = (
        f"{shown(value)} is not an operator"
        if code == "unknown_operator"
        else f"{_noun_of(path)} cannot be {shown(value)}"
    )
    shape.report(path, code, what[0].lower() + what[1:], did_you_mean(str(value), choices))


def _list(shape: Shape, value: Any, kind: Any, path: Path) -> None:
    if not isinstance(value, list):
        _wrong_type(shape, value, "a list", path)
        return
    if kind.min_length is not None and len(value) < kind.min_length:
        shape.report(
            path, "too_few", f"{_noun_of(path)} needs at least {kind.min_length} entries", "Add one, or delete the key"
        )
    if kind.max_length is not None and len(value) > kind.max_length:
        shape.report(
            path, "too_many", f"{_noun_of(path)} has {len(value)} entries", f"At most {kind.max_length} are possible"
        )
    for index, item in enumerate(value):
        _walk(shape, item, kind.item_type, (*path, index))
    _distinct_ids(shape, value, path)


def _distinct_ids(shape: Shape, items: list[Any], path: Path) -> None:
    seen: dict[str, int] = {}
    for index, item in enumerate(items):
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(name, str):
            continue
        if name in seen:
            what = f"the id `{name}` stands in {_noun_of(path)} a second time"
            shape.report(
                (*path, index, "id"), "duplicate_id", what, f"Give it another id; entry {seen[name] + 1} has it already"
            )
        seen.setdefault(name, index)


def _mapping(shape: Shape, value: Any, kind: inspect.DictType, path: Path) -> None:
    if not isinstance(value, dict):
        per_language = isinstance(_bare(kind.value_type), inspect.StrType)
        remedy = "Write one per language: {de: ..., en: ...}" if per_language else "Write {key: value}"
        shape.report(path, "wrong_type", f"{_noun_of(path)} must be a mapping, not {shown(value)}", remedy)
        return
    if kind.min_length is not None and len(value) < kind.min_length:
        shape.report(path, "too_few", f"{_noun_of(path)} is empty", "Add an entry, or delete the key")
    for key, item in value.items():
        found = len(shape.problems)
        _walk(shape, key, kind.key_type, (*path, key))
        shape.problems[found:] = [msgspec.structs.replace(problem, at_key=True) for problem in shape.problems[found:]]
        _walk(shape, item, kind.value_type, (*path, key))


def _anything(shape: Shape, value: Any, kind: inspect.Type, path: Path) -> None:
    """Every plain value is welcome."""


_PLAIN_TYPE: dict[type, tuple[type, ...]] = {
    str: (inspect.StrType, inspect.LiteralType),
    bool: (inspect.BoolType,),
    int: (inspect.IntType, inspect.FloatType),
    float: (inspect.FloatType,),
    type(None): (inspect.NoneType,),
    list: (inspect.ListType, inspect.VarTupleType),
    dict: (inspect.StructType, inspect.DictType),
}


def _union(shape: Shape, value: Any, kind: inspect.UnionType, path: Path) -> None:
    members = list(kind.types)
    if any(isinstance(_bare(each), inspect.AnyType) for each in members):
        return
    fitting = [each for each in members if isinstance(_bare(each), _PLAIN_TYPE[type(value)])]
    something = [each for each in members if not isinstance(each, inspect.NoneType)]
    if fitting or len(something) == 1:
        _walk(shape, value, (fitting or something)[0], path)
    else:
        words = list(dict.fromkeys(_TYPE_WORDS[type(_bare(each))] for each in members))
        _wrong_type(shape, value, " or ".join(words), path)


def _bare(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


_TYPE_WORDS: dict[type, str] = {
    inspect.StrType: "a text",
    inspect.LiteralType: "one of the known words",
    inspect.BoolType: "true or false",
    inspect.IntType: "a number",
    inspect.FloatType: "a number",
    inspect.NoneType: "empty",
    inspect.ListType: "a list",
    inspect.VarTupleType: "a list",
    inspect.StructType: "a mapping (`key: value`)",
    inspect.DictType: "a mapping (`key: value`)",
}

_WALKERS: dict[type, Any] = {
    inspect.StructType: _struct,
    inspect.IntType: _whole,
    inspect.FloatType: _decimal,
    inspect.BoolType: _boolean,
    inspect.NoneType: _null,
    inspect.LiteralType: _literal,
    inspect.ListType: _list,
    inspect.VarTupleType: _list,
    inspect.DictType: _mapping,
    inspect.AnyType: _anything,
    inspect.UnionType: _union,
}
