"""The JSON schema of all kinds of definitions, made from their typed configs: for editors and for people who generate files."""

import json
from typing import Any

import msgspec

from kundenkreis.definitions.documents.base import ID_PATTERN, Config
from kundenkreis.definitions.kinds import KINDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def definitions_schema() -> dict[str, Any]:
    """The schema of one document (what stands between two `---`), JSON Schema 2020-12."""
    configs = [kind.config for kind in KINDS]
    _, components = msgspec.json.schema_components(configs, ref_template="#/$defs/{name}")
    for config in _all_configs():
        if config.__name__ in components:
            _add_choice(components[config.__name__], config)
    documents = []
    for kind in KINDS:
        schema = components.pop(kind.config.__name__)
        head = {"kind": {"const": kind.kind}} | (
            {} if kind.is_single else {"id": {"type": "string", "pattern": ID_PATTERN}}
        )
        components[f"{kind.kind}_document"] = {
            **schema,
            "title": kind.word_en,
            "properties": {**head, **schema["properties"]},
            "required": [*head, *schema["required"]],
        }
        documents.append({"$ref": f"#/$defs/{kind.kind}_document"})
    return {
        "$schema": DIALECT,
        "title": "Definitions of Kundenkreis",
        "description": "One document of a definitions file; docs/reference/definitions.md explains every kind.",
        "oneOf": documents,
        "$defs": dict(sorted(components.items())),
    }


def schema_text() -> str:
    """The schema as it is published in docs/reference/definitions.schema.json."""
    return json.dumps(definitions_schema(), ensure_ascii=False, indent=1) + "\n"


def _all_configs() -> list[type[Config]]:
    """Every part of a document, at any depth of inheritance."""
    found: list[type[Config]] = []
    queue: list[type[Config]] = [Config]
    for each in queue:
        queue += each.__subclasses__()
        found.append(each)
    return found


def _add_choice(schema: dict[str, Any], config: type[Config]) -> None:
    if config.one_of == ("*",):
        schema["minProperties"] = schema["maxProperties"] = 1
    elif config.one_of:
        schema["oneOf"] = [{"required": [name]} for name in config.one_of]
