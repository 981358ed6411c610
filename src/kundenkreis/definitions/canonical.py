"""The one way to write a rulebook as bytes: what is stored, hashed and compiled from, without YAML.

A canonical rulebook is a JSON list of documents as in the files, in the order of the kinds and ids, keys sorted, no spaces.
Equal definitions give equal bytes, whatever files, order and quoting they came from.
"""

import json
from typing import Any

import msgspec

from kundenkreis.definitions.definition import Definition, Definitions, typed
from kundenkreis.definitions.kinds import BY_KIND
from kundenkreis.definitions.shape import shape_of
from kundenkreis.kernel.errors import BugError
from kundenkreis.kernel.hashing import hash128


class StoredRulebookError(BugError):
    """A stored rulebook cannot be read by this version of Kundenkreis."""

    code = "stored_rulebook"


def canonical_json(definitions: Definitions) -> bytes:
    """The definitions as canonical bytes."""
    return json.dumps(
        definitions.documents(), sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def version_hash(canonical: bytes) -> str:
    """32 hex digits that name these definitions: equal for equal definitions only."""
    return hash128(canonical).hex()


def definitions_from_json(canonical: bytes) -> Definitions:
    """The definitions of a stored rulebook.

    Raises:
        StoredRulebookError: the bytes are not a rulebook that this version can read. What was published once stays readable,
            so this is a bug or a damaged store.
    """
    try:
        return Definitions([_definition(document) for document in json.loads(canonical)])
    except (ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise StoredRulebookError(f"A stored rulebook cannot be read: {error}") from error


def _definition(document: dict[str, Any]) -> Definition:
    kind = BY_KIND[document["kind"]]
    body = {key: value for key, value in document.items() if key != "kind" and (kind.is_single or key != "id")}
    shape = shape_of(document, kind.config, noun=kind.word_en, ignore=("kind", "id"))
    name = "" if kind.is_single else document["id"]
    return Definition(kind.kind, name, body, typed(kind, name, body), shape.findings)
