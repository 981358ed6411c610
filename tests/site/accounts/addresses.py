"""What stands in the place of <id> when the matrix walks the addresses: one thing that is there, one that is not or is another's.

Whoever adds an address with an argument adds its line here; `prepare` mounts the things.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.definitions.testing import MemoryPublisher
from kundenkreis.playbooks.shipped import shipped_rulebook
from kundenkreis.site.customers_testing import SAMPLE_CUSTOMER, SAMPLE_LINE, SAMPLE_PLANNED, CustomersInMemory
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.bulk_acts import Change
from kundenkreis.site.ports.customer_acts import Actor
from kundenkreis.site.ports.write_keys import WriteKeyLine
from kundenkreis.site.testing import SAMPLE_JOURNEY, JourneysAsGiven, make_decided, make_message
from tests.site.conftest import Site

Arguments = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Address:
    """Arguments of one address."""

    own: Callable[[Site], Arguments]
    """Makes, where needed, and names something that is there."""
    foreign: Arguments
    """Names what is not there, or is not the viewer's."""
    foreign_status: int = 404
    own_statuses: frozenset[int] = frozenset({200, 202, 204, 302, 303, 400, 409, 422})
    """What may be answered to whom it lets in, given that a post comes without any field."""


def prepare(site: Site) -> None:
    """Mount what the addresses below lead to."""
    people = CustomersInMemory(
        [SAMPLE_LINE],
        customers=[replace(SAMPLE_CUSTOMER, planned=(SAMPLE_PLANNED,))],
        answers={(7, "phase", "now"): {"answer": "loyalty", "reason": None, "history": []}},
    )
    people.save_filter("kept", {"phase": {"is": "loyalty"}}, actor="somebody")
    publisher = MemoryPublisher()
    publisher.publish(canonical_json(shipped_rulebook(with_journeys=True)), actor="files")
    site.mount(
        [make_message("0a")],
        decided=[make_decided("0a")],
        customers=people,
        journeys=JourneysAsGiven([SAMPLE_JOURNEY]),
        publisher=publisher,
        write_keys=[WriteKeyLine(shown="kk_server_0", source="shop", kind="server", brand="")],
    )


def _fixed(**arguments: Any) -> Callable[[Site], Arguments]:
    return lambda site: arguments


def _act_on_many(site: Site) -> Arguments:
    mounted().sources.bulk_acts.begin("0a", Change(act="resume"), Actor(name="somebody", reason="x"), account_id=0)
    return {"bulk_id": "0a"}


def _login_token(site: Site) -> Arguments:
    from kundenkreis.kernel.zones import to_datetime
    from kundenkreis.site.logins import issue_login_path

    path = issue_login_path(now=to_datetime(site.now_us), valid_minutes=30)
    return {"token": path.split("/")[2]}


def _colleague(site: Site) -> Arguments:
    """Somebody whom owners and administrators may edit."""
    from kundenkreis.site.models import Account

    account, _ = Account.objects.update_or_create(
        username="colleague", defaults={"role": "viewer", "email": "colleague@example.com", "is_active": True}
    )
    return {"account_id": account.pk}


def _invitation(site: Site) -> tuple[int, str]:
    from datetime import timedelta

    from kundenkreis.kernel.zones import to_datetime
    from kundenkreis.site.accounts.tokens import new_token, token_hash
    from kundenkreis.site.models import Invitation

    now, token = to_datetime(site.now_us), new_token()
    made = Invitation.objects.create(
        token_hash=token_hash(token),
        email="new@example.com",
        role="viewer",
        created_at=now,
        expires_at=now + timedelta(days=7),
    )
    return made.pk, token


def _reset_key(site: Site) -> Arguments:
    from allauth.account.forms import default_token_generator
    from allauth.account.utils import user_pk_to_url_str

    from kundenkreis.site.models import Account

    account = Account.objects.get(pk=_colleague(site)["account_id"])
    return {"uidb36": user_pk_to_url_str(account), "key": default_token_generator.make_token(account)}


def _api_key(site: Site) -> Arguments:
    from kundenkreis.kernel.zones import to_datetime
    from kundenkreis.site.accounts.tokens import new_token, token_hash
    from kundenkreis.site.models import ApiKey

    made = ApiKey.objects.create(
        account_id=_colleague(site)["account_id"],
        name="Till",
        prefix="kk_api_",
        key_hash=token_hash(new_token()),
        scopes=["customers.see"],
        created_at=to_datetime(site.now_us),
    )
    return {"key_id": made.pk}


def _passkey(site: Site) -> Arguments:
    """A passkey of the viewer, if anybody is signed in."""
    from allauth.mfa.models import Authenticator

    from kundenkreis.site.models import Account

    account = Account.objects.filter(username=site.last_insider).first()
    if account is None:
        return {"pk": _NOBODYS}
    data = {"name": "Key", "credential": {}}
    return {"pk": Authenticator.objects.create(user=account, type=Authenticator.Type.WEBAUTHN, data=data).pk}


def _check_of_links(site: Site) -> str:
    check = site.stored.links.start(())
    assert check is not None
    return check.check_id


_NO_CONTENT = Address(
    own=_fixed(content_id="greeting"), foreign={"content_id": "no_such_content"}, own_statuses=frozenset({404})
)
"""The installation that the site stands on has no content; tests/site/contents walks one that has."""
_NO_SEGMENT = replace(_NO_CONTENT, own=_fixed(segment_id="at_risk"), foreign={"segment_id": "no_such_segment"})
"""Nor has it a segment that counts anybody; the rulebook that is edited has one."""
_NOBODYS = 999_999


_OWN_CUSTOMER, _NO_CUSTOMER = _fixed(profile_id=7), {"profile_id": 8}

ADDRESSES: dict[str, Address] = {
    "api": Address(  # tests/site/api walks what lies behind
        own=_fixed(address="v1/status"),
        foreign={"address": "v1/no-such-address"},
        own_statuses=frozenset({200, 401, 403, 405}),
    ),
    "journey": Address(own=_fixed(journey_id="welcome"), foreign={"journey_id": "nosuch"}),
    "journey_start": Address(own=_fixed(playbook="welcome"), foreign={"playbook": "nosuch"}),
    "journey_edit": Address(own=_fixed(journey_id="welcome"), foreign={"journey_id": "nosuch"}),
    "journey_discard": Address(own=_fixed(journey_id="welcome"), foreign={"journey_id": "nosuch"}, foreign_status=302),
    "journey_switch": Address(own=_fixed(journey_id="welcome"), foreign={"journey_id": "nosuch"}),
    "journey_publish": Address(own=_fixed(journey_id="welcome"), foreign={"journey_id": "nosuch"}),
    "journey_simulate": Address(own=_fixed(journey_id="welcome"), foreign={"journey_id": "nosuch"}),
    "journey_people": Address(own=_fixed(journey_id="welcome"), foreign={"journey_id": "nosuch"}),
    "journey_trace": Address(
        own=_fixed(journey_id="welcome", profile_id=7), foreign={"journey_id": "welcome", "profile_id": 8}
    ),
    "customer": Address(own=_OWN_CUSTOMER, foreign=_NO_CUSTOMER),
    "customer_timeline": Address(own=_OWN_CUSTOMER, foreign=_NO_CUSTOMER),
    "customer_why": Address(
        own=_fixed(profile_id=7, kind="phase", name="now"), foreign={"profile_id": 7, "kind": "phase", "name": "then"}
    ),
    "customer_correct": Address(own=_OWN_CUSTOMER, foreign=_NO_CUSTOMER, own_statuses=frozenset({404})),
    "customer_pause": Address(own=_OWN_CUSTOMER, foreign=_NO_CUSTOMER),
    "customer_resume": Address(own=_OWN_CUSTOMER, foreign=_NO_CUSTOMER),
    "customer_merge": Address(own=_OWN_CUSTOMER, foreign=_NO_CUSTOMER),
    "customer_stop": Address(own=_fixed(profile_id=7, message_id="0a"), foreign={"profile_id": 7, "message_id": "0b"}),
    "customers_together": Address(own=_act_on_many, foreign={"bulk_id": "0b"}),
    "customers_together_go_on": Address(own=_act_on_many, foreign={"bulk_id": "0b"}),
    "customers_filter_delete": Address(own=_fixed(filter_id=b"kept".hex()), foreign={"filter_id": "no-such-filter"}),
    "login_link": Address(own=_login_token, foreign={"token": "no-such-token"}, foreign_status=410),
    "account_reset_password_from_key": Address(
        own=_reset_key, foreign={"uidb36": "1", "key": "no-such-key"}, foreign_status=410
    ),
    "invitation": Address(
        own=lambda site: {"token": _invitation(site)[1]}, foreign={"token": "no-such-token"}, foreign_status=410
    ),
    "openid_connect_login": Address(
        own=_fixed(provider_id="company"),
        foreign={"provider_id": "another"},
        own_statuses=frozenset({404}),  # no provider is set up here; test_single_sign_on.py has one
    ),
    "openid_connect_callback": Address(
        own=_fixed(provider_id="company"), foreign={"provider_id": "another"}, own_statuses=frozenset({404})
    ),
    "mfa_remove_webauthn": Address(own=_passkey, foreign={"pk": _NOBODYS}),
    "user": Address(own=_colleague, foreign={"account_id": _NOBODYS}),
    "withdraw_invitation": Address(
        own=lambda site: {"invitation_id": _invitation(site)[0]}, foreign={"invitation_id": _NOBODYS}
    ),
    "revoke_api_key": Address(own=_api_key, foreign={"key_id": _NOBODYS}),
    "revoke_write_key": Address(own=_fixed(shown="kk_server_0"), foreign={"shown": "kk_server_9"}),
    "content_edit": _NO_CONTENT,
    "content_preview": _NO_CONTENT,
    "content_publish": _NO_CONTENT,
    "content_delete": _NO_CONTENT,
    "content_restore": _NO_CONTENT,
    "content_discard": replace(_NO_CONTENT, own_statuses=frozenset({302}), foreign_status=302),
    "content_links": Address(
        own=lambda site: {"check_id": _check_of_links(site)}, foreign={"check_id": "no-such-check"}
    ),
    "segment": _NO_SEGMENT,
    "segment_edit": Address(own=_fixed(segment_id="at_risk"), foreign={"segment_id": "no_such_segment"}),
    "segment_count": Address(own=_fixed(count_id="0a"), foreign={"count_id": "0b"}, foreign_status=200),
    "segment_publish": _NO_SEGMENT,
    "segment_delete": Address(own=_fixed(segment_id="at_risk"), foreign={"segment_id": "no_such_segment"}),
    "segment_restore": _NO_SEGMENT,
    "segment_discard": replace(_NO_SEGMENT, own_statuses=frozenset({302}), foreign_status=302),
    "score": Address(own=_fixed(score_id="activity"), foreign={"score_id": "no_such_score"}),
    "score_publish": Address(own=_fixed(score_id="activity"), foreign={"score_id": "no_such_score"}),
    "score_delete": Address(own=_fixed(score_id="activity"), foreign={"score_id": "no_such_score"}),
    "score_restore": replace(_NO_CONTENT, own=_fixed(score_id="activity"), foreign={"score_id": "no_such_score"}),
    "score_discard": Address(
        own=_fixed(score_id="activity"), foreign={"score_id": "no_such_score"}, foreign_status=302
    ),
    "event": Address(own=_fixed(number=1), foreign={"number": 999}),
    "decided_message": Address(own=_fixed(message_id="0a"), foreign={"message_id": "0b"}),
    "message": Address(own=_fixed(message_id="0a"), foreign={"message_id": "0b"}),
    "message_html": Address(own=_fixed(message_id="0a"), foreign={"message_id": "0b"}),
}
