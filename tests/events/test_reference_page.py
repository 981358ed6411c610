"""The reference pages say what the code does."""

import re
from pathlib import Path

import pytest

from kundenkreis.events import tracking
from kundenkreis.events.core import identifiers, messages, properties, request_body
from kundenkreis.events.core.reasons import REASONS
from kundenkreis.events.core.request_body import Refusal
from kundenkreis.events.reference_page import page

pytestmark = pytest.mark.pure

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_events_page_is_current() -> None:
    assert (REFERENCE / "events.md").read_text() == page(), "make it anew: python -m kundenkreis.events.reference_page"


def test_every_reason_is_explained_and_none_is_made_up() -> None:
    def found(module: object, pattern: str) -> set[str]:
        source = Path(str(module.__file__)).read_text()  # type: ignore[attr-defined]  # modules have a file
        return set(re.findall(pattern, source))

    raised = found(messages, r'_(?:Bad|malformed)\(\s*"(\w+)"') | found(identifiers, r'Error\("(\w+)"')
    raised |= {"bad_properties", "bad_traits", "bad_context", "missing_property"}  # made from a field's name; by check
    raised |= {f"bad_property.{code}" for code in found(properties, r'Wrong\("(\w+)"')}
    raised |= {"anonymous_quota"}  # by the resolver, runtime/admission.py
    assert sorted(raised) == sorted(REASONS)


def test_every_refusal_stands_on_the_page_of_the_tracking_api() -> None:
    refusals = {one for module in (request_body, tracking) for one in vars(module).values() if type(one) is Refusal}
    documented = set(
        re.findall(r"^\| (\d{3}) \| `(\w+)` \|", (REFERENCE / "tracking-api.md").read_text(), re.MULTILINE)
    )
    assert documented == {(str(one.status), one.code) for one in refusals}
