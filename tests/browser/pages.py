"""Every page of the application: the list that the browser tests walk and `make screenshots` photographs.

A new address is a line here, or in NOT_PAGES with the reason; tests/site/test_page_list.py sees to it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page to look at."""

    address: str
    """The name of its address in site/urls.py."""
    path: str
    """Its path with the names of examples in braces: /mailbox/{message}/."""
    is_open: bool = False
    """Looked at without signing in."""
    status: int = 200
    """What it answers with; a page that says that something is over is a page too."""
    is_shown: bool = False
    """Its picture is kept in docs/screenshots."""

    @property
    def picture(self) -> str:
        """What its pictures are called: the address, and which part of the page."""
        _, _, part = self.path.partition("?tab=")
        return f"{self.address}-{part}" if part else self.address


PAGES = (
    Page(address="login", path="/login/", is_open=True),
    Page(address="account_reset_password", path="/login/forgot/", is_open=True),
    Page(address="account_reset_password_done", path="/login/forgot/sent/", is_open=True),
    Page(address="login_link", path="/login/no-such-link/", is_open=True, status=410),
    Page(address="invitation", path="/invitation/no-such-invitation/", is_open=True, status=410),
    Page(address="socialaccount_login_error", path="/login/sso/failed/", is_open=True, status=400),
    Page(address="start", path="/start/", is_shown=True),
    Page(address="account", path="/account/"),
    Page(address="customers", path="/customers/", is_shown=True),
    Page(address="customer", path="/customers/{customer}/", is_shown=True),
    Page(address="customer", path="/customers/{customer}/?tab=profile"),
    Page(address="customer", path="/customers/{customer}/?tab=consent"),
    Page(address="customer", path="/customers/{customer}/?tab=orders"),
    Page(address="customer", path="/customers/{customer}/?tab=circle"),
    Page(address="customer_why", path="/customers/{customer}/why/phase/{phase}/"),
    Page(address="contents", path="/contents/"),
    Page(address="content_map", path="/contents/map/"),
    Page(address="content_new", path="/contents/new/"),
    Page(address="content_edit", path="/contents/{content}/edit/"),
    Page(address="content_delete", path="/contents/{content}/delete/"),
    Page(address="messages", path="/messages/"),
    Page(address="decided_message", path="/messages/{message}/"),
    Page(address="customer_correct", path="/customers/{customer}/correct/?name=email"),
    Page(address="customer_pause", path="/customers/{customer}/pause/"),
    Page(address="customer_merge", path="/customers/{customer}/merge/"),
    Page(address="customers_pause", path="/customers/together/pause/?everybody=1"),
    Page(address="customers_resume", path="/customers/together/resume/?everybody=1"),
    Page(address="customers_set", path="/customers/together/set/?everybody=1"),
    Page(address="segments", path="/segments/"),
    Page(address="segment", path="/segments/{segment}/"),
    Page(address="segment_new", path="/segments/new/"),
    Page(address="segment_edit", path="/segments/{segment}/edit/"),
    Page(address="segment_delete", path="/segments/{segment}/delete/"),
    Page(address="scores", path="/scores/"),
    Page(address="score_new", path="/scores/new/"),
    Page(address="score", path="/scores/activity/"),
    Page(address="score_delete", path="/scores/activity/delete/"),
    Page(address="phases", path="/phases/"),
    Page(address="journey_library", path="/journeys/library/"),
    Page(address="journey_start", path="/journeys/library/welcome/"),
    Page(address="journey_edit", path="/journeys/{journey}/edit/", is_shown=True),
    Page(address="journey_simulate", path="/journeys/{journey}/trial/"),
    Page(address="journeys", path="/journeys/"),
    Page(address="journey", path="/journeys/{journey}/", is_shown=True),
    Page(address="journey_people", path="/journeys/{journey}/people/"),
    Page(address="journey_trace", path="/journeys/{journey}/people/{person_in_journey}/"),
    Page(address="held_messages", path="/messages/held/"),
    Page(address="mailbox", path="/mailbox/"),
    Page(address="message", path="/mailbox/{message}/"),
    Page(address="settings", path="/settings/"),
    Page(address="events", path="/events/"),
    Page(address="event", path="/events/{event}/"),
    Page(address="quarantine", path="/events/quarantine/"),
    Page(address="brand", path="/settings/brand/"),
    Page(address="contact_rules", path="/settings/contact-rules/"),
    Page(address="event_catalogue", path="/settings/events/"),
    Page(address="channels", path="/settings/channels/"),
    Page(address="definitions", path="/settings/definitions/"),
    Page(address="api_docs", path="/api/docs/"),
    Page(address="users", path="/settings/users/"),
    Page(address="user", path="/settings/users/{account}/"),
    Page(address="keys", path="/settings/keys/"),
    Page(address="audit_log", path="/settings/audit/"),
    Page(address="status", path="/status/"),
)

NOT_PAGES = {
    "home": "leads on",
    "alive": "no content",
    "customers_export": "a file",
    "definitions_export": "a file",
    "api": "answers for programs",
    "content_preview": "what would be sent, in a frame of the editor",
    "content_links": "a part of the content editor; test_link_checks.py goes there",
    "customer_timeline": "a part of a page",
    "customers_together": "needs an act on many; test_behaviour.py goes there",
    "customer_stop": "needs a planned message",
    "held_decide": "needs a message on hold",
    "journey_publish": "leads on without a draft",
    "segment_count": "a part of a page",
    "segment_publish": "leads on without a draft",
    "score_publish": "leads on without a draft",
    "phases_publish": "leads on without a draft",
    "brand_preview": "a sample, in a frame of the brand's page",
    "brand_publish": "leads on without a draft",
    "contact_rules_publish": "leads on without a draft",
    "search": "a part of a page",
    "message_html": "what was sent, in a frame of the message's page",
    "account_login": "the sign-in page under the name that allauth looks for",
    "mfa_index": "the account's page under the name that allauth looks for",
    "socialaccount_login_cancelled": "the same page as socialaccount_login_error",
    "mfa_authenticate": "leads on unless a password was just given",
    "mfa_login_webauthn": "an answer to a script",
    "account_reset_password_from_key": "needs a mail's link; the page is that of a first password",
    "openid_connect_login": "leads to a provider",
    "openid_connect_callback": "comes from a provider",
    "welcome": "for a first owner only",
    "account_change_password": "asks to confirm first",
    "account_set_password": "asks to confirm first",
    "account_reauthenticate": "leads on when there is no password",
    "mfa_reauthenticate": "leads on when there is no code",
    "mfa_reauthenticate_webauthn": "leads on when there is no passkey",
    "mfa_activate_totp": "asks to confirm first",
    "mfa_deactivate_totp": "asks to confirm first",
    "mfa_add_webauthn": "asks to confirm first",
    "mfa_remove_webauthn": "needs a passkey",
    "mfa_view_recovery_codes": "asks to confirm first",
    "mfa_generate_recovery_codes": "asks to confirm first",
}
"""Addresses that can be read and are no page of their own, each with the reason."""
