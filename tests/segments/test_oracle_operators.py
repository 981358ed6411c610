"""The oracles' reading of `includes` is that of the operators: a truth is no number, and matches itself."""

import pytest

from kundenkreis.segments.core.operators import value_test
from tests.oracle.comparing import compares

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("wanted", [True, False, 1, 0, 1.0, "1", "True"])
@pytest.mark.parametrize("found", [[True], [False], [1], [0], [1.0], ["1"], ["TRUE"], [None], [], "1", 1, None])
def test_includes_means_the_same_to_both(found: object, wanted: object) -> None:
    assert compares(found, "includes", wanted, 0, "UTC") == value_test("includes", wanted)(found)


def test_includes_tells_truths_from_numbers() -> None:
    assert compares([True], "includes", True, 0, "UTC")
    assert not compares([True], "includes", 1, 0, "UTC")
    assert not compares([1], "includes", True, 0, "UTC")
