"""Exact counts over the API: begun, asked for until they are done, without people for keys that may not see them."""

from typing import Any

import pytest

from kundenkreis.site.access import Role, permissions_of
from tests.site.api.conftest import ask, finished, make_key
from tests.site.conftest import Site

pytestmark = pytest.mark.db

_BUYERS = {"condition": {"trait": {"name": "order_count", "op": ">=", "value": 1}}}


def _finished(site: Site, key: str, count: Any) -> Any:
    return finished(site, key, f"segments/counts/{count['count_id']}")


def test_everybody_is_counted_in_the_background(served: Site) -> None:
    key = make_key()
    begun = ask(served, key, "POST", "segments/counts", _BUYERS, idempotency_key="c").json()
    found = _finished(served, key, begun)
    assert (found["state"], found["done"], found["result"]["people"], found["result"]["is_exact"]) == (
        "done",
        found["total"],
        3,
        True,
    )
    assert (found["result"]["as_of_us"] > 0, len(found["result"]["sample"])) == (True, 3)
    blind = make_key(scopes=sorted(permissions_of(Role.OWNER) - {"personal.see"}))
    assert _finished(served, blind, begun)["result"] == {**found["result"], "sample": []}
    assert ask(served, key, "POST", "segments/counts", _BUYERS, idempotency_key="c").json() == begun
    newer = ask(served, key, "POST", "segments/counts", _BUYERS).json()
    for other, count in ((key, begun), (make_key("marketing"), newer)):
        gone = ask(served, other, "GET", f"segments/counts/{count['count_id']}")
        assert (gone.status_code, gone.json()["code"]) == (404, "count_gone")
    refused = ask(served, key, "POST", "segments/counts", {"condition": {"event": {"nam": "x"}}})
    assert (refused.status_code, refused.json()["code"]) == (422, "condition_refused")
