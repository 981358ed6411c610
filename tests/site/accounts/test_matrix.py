"""A40: every role x every address x reading and posting x own and foreign things, generated from the addresses themselves.

A new address is walked without anybody thinking of it; one without a policy, or without a line in addresses.py, fails in test_shell.py.
"""

from collections.abc import Iterator

import pytest

from kundenkreis.site.access import Role, Viewer, permissions_of
from tests.site.accounts.addresses import ADDRESSES, Address, prepare
from tests.site.conftest import Site

pytestmark = pytest.mark.db

STRANGER = "a stranger"
_NO_ARGUMENTS = Address(own=lambda site: {}, foreign={})


def names_of_addresses() -> Iterator[tuple[str, object, bool]]:
    """Name, view, and whether it takes arguments, of every address."""
    from django.urls import get_resolver
    from django.urls.resolvers import URLPattern, URLResolver

    def walk(patterns: list[URLPattern | URLResolver], inside: bool) -> Iterator[tuple[str, object, bool]]:
        for each in patterns:
            takes = inside or bool(each.pattern.regex.groups)
            if isinstance(each, URLResolver):
                yield from walk(each.url_patterns, takes)
            else:
                yield each.name or str(each.pattern), each.callback, takes

    yield from walk(get_resolver().url_patterns, False)


def someone(role: str) -> Viewer | None:
    if role == STRANGER:
        return None
    return Viewer(account_id=1, name=role, role=Role(role), permissions=permissions_of(Role(role)))


@pytest.mark.parametrize("role", [STRANGER, *Role])
def test_role_gets_what_its_policy_says_and_nothing_else(site: Site, role: str) -> None:
    from kundenkreis.site.routes import Policy, policy_of

    wrong = []
    for name, view, _takes in names_of_addresses():
        policy = policy_of(view)
        assert isinstance(policy, Policy)
        for method in ("GET", "POST"):
            for whose in ("own", "foreign"):
                if whose == "own" or name in ADDRESSES:
                    got, wanted = ask(site, role, name, method, whose), expected(policy, role, name, method, whose)
                    if got not in wanted:
                        wrong.append(f"{method} {name} ({whose}): {got}, not {sorted(wanted)}")
    assert wrong == []


def ask(site: Site, role: str, name: str, method: str, whose: str) -> int:
    """The status of the answer; 401 stands for being sent to sign in."""
    from django.urls import reverse

    prepare(site)
    browser = site.visitor() if role == STRANGER else site.insider(role=role)
    browser.handler.enforce_csrf_checks = False
    browser.raise_request_exception = False
    address = ADDRESSES.get(name, _NO_ARGUMENTS)
    path = reverse(name, kwargs=address.own(site) if whose == "own" else address.foreign)
    answer = browser.generic(method, path)
    return 401 if answer.get("Location", "").startswith("/login/?next=") else answer.status_code


def expected(policy: object, role: str, name: str, method: str, whose: str) -> set[int]:
    """Which statuses are right. Whoever may not, is refused alike whether the thing is there or not."""
    from kundenkreis.site.routes import EVERYBODY, Policy, is_met

    assert isinstance(policy, Policy)
    need = policy.need(method)
    if need is None:
        is_open = role != STRANGER or EVERYBODY in (policy.see, policy.change)
        return {405} if is_open else {401}
    if not is_met(need, someone(role)):
        return {401} if role == STRANGER else {403}
    address = ADDRESSES.get(name, _NO_ARGUMENTS)
    return set(address.own_statuses) if whose == "own" else {address.foreign_status}


def test_address_without_a_policy_is_refused_to_everybody(site: Site) -> None:
    from django.test import override_settings

    with override_settings(ROOT_URLCONF="tests.site.accounts.bare_addresses"):
        for browser in (site.visitor(), site.insider(), site.insider(role="viewer")):
            response = browser.get("/bare/")
            assert (response.status_code, b"told" in response.content) == (403, False)
