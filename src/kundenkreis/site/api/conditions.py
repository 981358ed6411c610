"""Conditions that programs ask: checked like those of segments before anything is counted."""

from typing import Annotated, Any

from pydantic import Field

from kundenkreis.definitions.drafts import check_drafts
from kundenkreis.definitions.use_cases.edit_drafts import in_force
from kundenkreis.site.api.errors import ConditionRefusedError
from kundenkreis.site.api.offers import require
from kundenkreis.site.api.problems import pointer as json_pointer
from kundenkreis.site.mounted import mounted
from kundenkreis.site.special_categories import needed_to_ask

Condition = Annotated[
    dict[str, Any], Field(description="A condition as segments are made of (docs/reference/definitions.md).")
]
_ASKED_ID = "asked_over_the_api"


def check_condition(condition: dict[str, Any], *, pointer: str) -> None:
    """Raises ConditionRefusedError with every mistake and its place below this member of the body, ForbiddenError without the permission
    to see what it asks for."""
    require(*needed_to_ask(condition))
    document = {"kind": "segment", "id": _ASKED_ID, "name": {"en": "-", "de": "-"}, "when": condition}
    checked = check_drafts([document], in_force(mounted().sources.publisher))
    found = [
        {
            "pointer": json_pointer([pointer, *mistake.path[1:]]),
            "detail": f"{mistake.what}. {mistake.remedy}".strip(),
        }
        for mistake in checked.mistakes
    ]
    if found:
        raise ConditionRefusedError(errors=found)
