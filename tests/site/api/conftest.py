"""A town of customers behind the API, and keys to ask it with."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.runtime.town import Town
from tests.site.conftest import Site

Ask = Callable[..., Any]


@pytest.fixture
def town(tmp_path: Any) -> Iterator[Town]:
    town = Town(tmp_path)
    for number in (1, 2, 3):
        traits = {"email": f"u{number}@example.com", "firstName": "Anna", "lastName": f"Berg{number}"}
        town.send("identify", userId=f"u{number}", traits=traits)
        town.order(f"u{number}", f"o{number}", 20.5)
    town.run()
    yield town
    town.close()


def make_key(role: str = "owner", scopes: list[str] | None = None) -> str:
    """A key of somebody of this role, with all their permissions unless told otherwise."""
    from kundenkreis.kernel.zones import to_datetime
    from kundenkreis.site.access import Role, permissions_of
    from kundenkreis.site.accounts.tokens import token_hash
    from kundenkreis.site.models import Account, ApiKey
    from kundenkreis.site.mounted import mounted

    account, _ = Account.objects.get_or_create(username=f"the {role}", defaults={"role": role})
    key = f"kk_api_{role}_{ApiKey.objects.count()}"
    ApiKey.objects.create(
        account=account, name="Till", prefix=key[:13], key_hash=token_hash(key), created_at=to_datetime(mounted().clock_us()),
        scopes=sorted(permissions_of(Role(role))) if scopes is None else scopes,
    )  # fmt: skip
    return key


def ask(site: Site, key: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """An answer of the API to a program."""
    import json

    client = site.visitor()
    given = {"HTTP_AUTHORIZATION": f"Bearer {key}"} if key else {}
    given |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    sent = json.dumps(body) if body is not None else ""
    return client.generic(method, f"/api/v1/{path}", sent, content_type="application/json", **given)


def finished(site: Site, key: str, path: str) -> Any:
    """What was begun there, once it is no longer at work."""
    while True:
        answer = ask(site, key, "GET", path)
        assert answer.status_code == 200, answer.content
        if answer.json()["state"] != "at_work":
            return answer.json()
        time.sleep(0.01)
