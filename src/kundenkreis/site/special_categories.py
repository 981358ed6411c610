"""Special categories of personal data (Art. 9 GDPR) where nobody shows a single value: raw events, conditions, previews of content.

Whoever may not see them may not count, search or sort people by them either, or a search would tell what the page hides.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kundenkreis.definitions.drafts import Document
from kundenkreis.definitions.errors import SpecialCategoryError
from kundenkreis.site.access import may
from kundenkreis.site.personal import masked
from kundenkreis.site.profile_words import SENSITIVE, is_sensitive

_GROUPS: Final = frozenset({"all", "any", "none", "not"})
_IMPERSONAL: Final = frozenset(
    {
        "bucket",
        "consent",
        "event",
        "event_time",
        "order_silence",
        "phase",
        "reachable",
        "score",
        "segment",
        "situation",
        "trait",
    }
)
"""Kinds of conditions that read no value of a person, as long as they ask for none of an event's (`where`)."""


def needed_to_ask(condition: object) -> tuple[str, ...]:
    """The permissions without which nobody asks for whom this condition holds."""
    if any(True for _name in _sensitive_names(condition)):
        return ("personal.see", "personal.sensitive")
    return ("personal.see",) if _reads_values(condition) else ()


def may_ask(condition: object) -> bool:
    """Whether the viewer may know for whom this condition holds."""
    return may(*needed_to_ask(condition))


def _reads_values(part: object) -> bool:
    """Whether a condition asks for values of the profile or of events, or is of a kind of which nobody here knows what it asks."""
    if isinstance(part, list):
        return any(_reads_values(one) for one in part)
    if not isinstance(part, dict):
        return True
    return any(
        _reads_values(config)
        if kind in _GROUPS
        else kind not in _IMPERSONAL or (isinstance(config, dict) and "where" in config)
        for kind, config in part.items()
    )


def _sensitive_names(part: object) -> Iterator[str]:
    """Names of attributes and properties of special categories that a document's conditions ask for, at whatever depth."""
    if isinstance(part, list):
        for one in part:
            yield from _sensitive_names(one)
    elif isinstance(part, Mapping):
        for kind, config in part.items():
            name = config.get("name") if kind == "attribute" and isinstance(config, Mapping) else None
            asked = name if name is not None else config if kind == "property" else None
            if isinstance(asked, str) and is_sensitive(asked):
                yield asked
            yield from _sensitive_names(config)


def check_writing(document: Document, *before: Document | None) -> None:
    """Nobody writes a condition by whose numbers they would learn what they may not see.

    Raises:
        SpecialCategoryError: the document asks for a special category that none of those before did, and the viewer may not see them.
    """
    if may("personal.sensitive"):
        return
    new = sorted(set(_sensitive_names(document)) - set(_sensitive_names(list(before))))
    if new:
        raise SpecialCategoryError(names=new)


def without_special_categories(text: str) -> str:
    """A raw event as the viewer may read it: values of special categories masked. "" where it cannot be told where they stand."""
    if may("personal.sensitive") or not any(name in text.casefold() for name in SENSITIVE):
        return text
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return json.dumps(_masked(document), indent=2, ensure_ascii=False)


def _masked(part: Any) -> Any:
    if isinstance(part, list):
        return [_masked(one) for one in part]
    if isinstance(part, dict):
        return {
            name: masked("-", "sensitive") if is_sensitive(name) and one not in (None, "") else _masked(one)
            for name, one in part.items()
        }
    return part


def hidden_attributes() -> frozenset[str]:
    """Names of attributes that are left out of what the viewer previews."""
    return frozenset() if may("personal.sensitive") else SENSITIVE
