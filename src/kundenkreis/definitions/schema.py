"""The JSON schema of all kinds of definitions, made from their typed configs: for editors and for people who generate files."""

import json
import sys
from typing import Any

import msgspec

from kundenkreis.definitions.documents import ID_PATTERN
from kundenkreis.definitions.kinds import KINDS, ONE_OF, SHIPPED, Kind, Plugins
from kundenkreis.journeys.core.definitions import EventTrigger
from kundenkreis.kernel.references import HOLDS, REFERS_TO
from kundenkreis.segments.core.operators import ALL_OPS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def definitions_schema(plugins: Plugins = SHIPPED) -> dict[str, Any]:
    """The schema of one document (what stands between two `---`), JSON Schema 2020-12."""
    types: list[Any] = [kind.config for kind in KINDS]
    types += [kind.config for kind in plugins.conditions.values()]
    types += [kind.config for kind in plugins.steps.values()]
    schemas, parts = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    words = [*(kind.kind for kind in KINDS), *plugins.conditions, *(f"step {word}" for word in plugins.steps)]
    of = dict(zip(words, schemas, strict=True))
    for config, choice in ONE_OF.items():
        parts[config.__name__]["oneOf"] = [{"required": [name]} for name in choice]
    parts["condition"] = _condition({word: of[word] for word in plugins.conditions})
    parts["exit"] = _exit()
    parts["step"] = _step({word: of[f"step {word}"] for word in plugins.steps})
    documents = []
    for kind in KINDS:
        parts[f"{kind.kind}_document"] = _document(kind, parts.pop(kind.config.__name__))
        documents.append({"$ref": f"#/$defs/{kind.kind}_document"})
    _link(parts)
    return {
        "$schema": DIALECT,
        "title": "Definitions of Kundenkreis",
        "description": "One document of a definitions file; docs/reference/definitions.md explains every kind.",
        "oneOf": documents,
        "$defs": dict(sorted(parts.items())),
    }


def _document(kind: Kind, schema: dict[str, Any]) -> dict[str, Any]:
    head: dict[str, Any] = {"kind": {"const": kind.kind}}
    if not kind.is_single:
        head["id"] = {"type": "string", "pattern": ID_PATTERN}
    required = [*head, *(name for name in schema["required"] if name not in head)]
    return {**schema, "title": kind.word_en, "properties": {**schema["properties"], **head}, "required": required}


def _condition(leaves: dict[str, Any]) -> dict[str, Any]:
    several = {"type": "array", "items": {"$ref": "#/$defs/condition"}}
    trees = {"all": several, "any": several, "none": several, "not": {"$ref": "#/$defs/condition"}}
    return {
        "title": "condition",
        "description": "Exactly one key.",
        "type": "object",
        "properties": {**trees, **leaves},
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _exit() -> dict[str, Any]:
    event = {
        "type": "object",
        "properties": {"event": {"$ref": f"#/$defs/{EventTrigger.__name__}"}},
        "required": ["event"],
        "additionalProperties": False,
    }
    description = "The next event, with a key the next one about this run; or a condition."
    return {"title": "exit", "description": description, "anyOf": [event, {"$ref": "#/$defs/condition"}]}


def _step(kinds: dict[str, Any]) -> dict[str, Any]:
    head = {"id": {"type": "string", "pattern": ID_PATTERN}, "next": {"type": "string"}}
    return {
        "title": "step",
        "description": "An id and exactly one thing to do.",
        "type": "object",
        "properties": {**head, **kinds},
        "required": ["id"],
        "additionalProperties": False,
        "oneOf": [{"required": [word]} for word in kinds],
    }


def _link(schema: Any) -> None:
    """Replace what only the registries know by a reference to it, in place."""
    if isinstance(schema, dict):
        if held := schema.pop(HOLDS, None):
            schema.clear()
            schema["$ref"] = f"#/$defs/{held}"
        if schema.get(REFERS_TO) == "operator":
            schema["enum"] = sorted(ALL_OPS)
        for item in schema.values():
            _link(item)
    elif isinstance(schema, list):
        for item in schema:
            _link(item)


def schema_text(plugins: Plugins = SHIPPED) -> str:
    """The schema as it is published in docs/reference/definitions.schema.json."""
    return json.dumps(definitions_schema(plugins), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
