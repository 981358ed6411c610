"""From requests to messages: every check that an event passes before it may enter the log."""

import json
from pathlib import Path
from typing import Any
from unicodedata import normalize

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundenkreis.events.core.identity_token import identity_token
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.core.instants import instant_us
from kundenkreis.events.core.messages import TYPES, Malformed, Message, is_usable_key, read_item
from kundenkreis.kernel.rows import CLAIMED, CLAMPED, LATE, PUBLIC
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, SECOND

pytestmark = pytest.mark.pure

DATA = Path(__file__).parents[2] / "data"


def us(text: str) -> int:
    """The instant of this text, which must be one."""
    found = instant_us(text)
    assert found is not None
    return found


NOW = us("2026-11-21T10:00:00Z")


def event(**changes: Any) -> dict[str, Any]:
    """A plain track call, changed; None removes a field."""
    body = {"type": "track", "event": "Signed Up", "userId": "u-1", "messageId": "m-1", **changes}
    return {key: value for key, value in body.items() if value is not None}


def read(body: Any, *, public: bool = False, endpoint: str = "batch", **options: Any) -> Message | Malformed:
    """The one event, read as the only one of a batch or alone."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    wrapped = b'{"batch":[%s]}' % raw if endpoint == "batch" else raw
    (found,) = read_item(InboxItem(NOW, "shop", public, endpoint, wrapped), **options)
    return found


def message(body: Any, **options: Any) -> Message:
    """The same where it must be well formed."""
    found = read(body, **options)
    assert type(found) is Message, found
    return found


def refusal(body: Any, **options: Any) -> str:
    """The code of the reason where it must be malformed."""
    found = read(body, **options)
    assert type(found) is Malformed, found
    return found.code


def test_message_holds_what_was_sent() -> None:
    body = event(anonymousId="a-1", properties={"plan": "pro"}, timestamp="2026-11-21T09:59:00Z")
    raw = json.dumps(body, indent=1).encode()
    assert message(raw) == Message(
        type="track",
        name="Signed Up",
        message_id="m-1",
        user_id="u-1",
        anonymous_id="a-1",
        previous_id=None,
        group_id=None,
        happened_us=NOW - MINUTE,
        flags=0,
        body=body,
        raw=raw,
    )


@pytest.mark.parametrize("endpoint", sorted(TYPES))
def test_endpoint_names_the_type_of_a_single_call(endpoint: str) -> None:
    body = {"userId": "u-1", "event": "Signed Up", "name": "Home", "groupId": "g-1", "previousId": "p-1"}
    found = message(body, endpoint=endpoint)
    names = {"track": "Signed Up", "page": "Home", "screen": "Home"}
    assert (found.type, found.name, found.group_id, found.previous_id) == (
        endpoint,
        names.get(endpoint, ""),
        "g-1" if endpoint == "group" else None,
        "p-1" if endpoint == "alias" else None,
    )


def test_old_libraries_call_the_type_action() -> None:
    assert message({**event(type=None), "action": "track"}).type == "track"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": None}, "unknown_type"),
        ({"type": "merge"}, "unknown_type"),
        ({"type": "batch"}, "unknown_type"),
        ({"type": ["track"]}, "unknown_type"),
        ({"event": None}, "no_name"),
        ({"event": "   "}, "no_name"),
        ({"event": 7}, "bad_name"),
        ({"event": "x" * 201}, "bad_name"),
        ({"userId": None}, "no_identity"),
        ({"userId": "  "}, "no_identity"),
        ({"userId": 1.5}, "bad_id"),
        ({"userId": True}, "bad_id"),
        ({"userId": {"id": "u"}}, "bad_id"),
        ({"userId": "x" * 256}, "bad_id"),
        ({"userId": "a\r\nb"}, "bad_id"),
        ({"userId": "a\x1b[31mb"}, "bad_id"),
        ({"userId": "a\u200bb"}, "bad_id"),
        ({"userId": "a\u202eb"}, "bad_id"),
        ({"userId": "null"}, "blocked_id"),
        ({"userId": "Undefined"}, "blocked_id"),
        ({"userId": " [object Object] "}, "blocked_id"),
        ({"userId": "0"}, "blocked_id"),
        ({"userId": 0}, "blocked_id"),
        ({"userId": "none"}, "blocked_id"),
        ({"anonymousId": "anonymous"}, "blocked_id"),
        ({"messageId": {"a": 1}}, "bad_message_id"),
        ({"messageId": "m" * 256}, "bad_message_id"),
        ({"properties": [1]}, "bad_properties"),
        ({"properties": "x"}, "bad_properties"),
        ({"context": [1]}, "bad_context"),
        ({"properties": {f"k{i}": i for i in range(301)}}, "too_many_keys"),
        ({"type": "identify", "traits": "x"}, "bad_traits"),
        ({"type": "identify", "traits": {f"k{i}": i for i in range(301)}}, "too_many_keys"),
        ({"type": "group"}, "no_identity"),
        ({"type": "alias"}, "no_identity"),
        ({"type": "alias", "previousId": "null"}, "blocked_id"),
        ({"event": "Order Completed"}, "missing_property"),
        ({"event": "Order Completed", "properties": {"order_id": "1", "total": "12,50"}}, "bad_property.not_a_number"),
        ({"event": "Order Completed", "properties": {"order_id": "1", "total": -1}}, "bad_property.negative"),
    ],
)
def test_malformed_event_is_quarantined_with_its_reason(changes: dict[str, Any], code: str) -> None:
    body = event(**changes)
    found = read(body)
    assert type(found) is Malformed
    assert (found.code, json.loads(found.raw)) == (code, body)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"1", "not_an_object"),
        (b"[]", "not_an_object"),
        (b'{"type":"track","event":"x","userId":"u","n":1e400}', "bad_json"),
        (b'{"type":"track","event":"x","userId":"u","n":' + b"9" * 5000 + b"}", "bad_json"),
        (b'{"type":"track","event":"x","userId":"u","n":"\\u0000"}', "nul_character"),
        (b'{"type":"track","event":"x","userId":"u","n":[9223372036854775808]}', "number_out_of_range"),
        (b'{"type":"track","event":"x","userId":"u","n":' + b"[" * 16 + b"]" * 16 + b"}", "too_deep"),
        (b'{"type":"track","event":"x","userId":"u","n":"' + b"x" * 40_000 + b'"}', "event_too_large"),
    ],
)
def test_json_that_no_store_can_hold_is_quarantined(raw: bytes, code: str) -> None:
    assert refusal(raw) == code


def test_item_that_is_no_json_at_all_is_quarantined_whole() -> None:
    for endpoint in ("batch", "track"):
        (found,) = read_item(InboxItem(NOW, "shop", False, endpoint, b"\xff{"))
        assert type(found) is Malformed
        assert (found.code, found.raw) == ("bad_json", b"\xff{")


def test_one_bad_event_leaves_the_others_of_its_batch() -> None:
    bodies = [event(messageId="1"), event(messageId="2", userId="null"), event(messageId="3")]
    item = InboxItem(NOW, "shop", False, "batch", json.dumps({"batch": bodies}).encode())
    assert [(type(found), found.message_id) for found in read_item(item)] == [
        (Message, "1"),
        (Malformed, "2"),
        (Message, "3"),
    ]


# --- time (attacks A48, A49) ---


@pytest.mark.parametrize(
    ("times", "happened_us", "flags"),
    [
        ({}, NOW, 0),
        ({"timestamp": "2026-11-21T09:00:00Z"}, NOW - HOUR, 0),
        ({"timestamp": "2026-11-21T10:04:59Z"}, NOW + 299 * SECOND, 0),
        ({"timestamp": "2026-11-21T10:05:00Z"}, NOW + 300 * SECOND, 0),
        ({"timestamp": "2026-11-21T10:05:01Z"}, NOW, CLAMPED),
        ({"timestamp": "2036-11-21T10:00:00Z"}, NOW, CLAMPED),
        ({"timestamp": "9999-12-31T23:59:59Z"}, NOW, CLAMPED),
        ({"timestamp": "2026-11-20T10:00:00Z"}, NOW - DAY, 0),
        ({"timestamp": "2026-11-20T09:59:59Z"}, NOW - DAY - SECOND, LATE),
        ({"timestamp": "2016-11-21T10:00:00Z"}, us("2016-11-21T10:00:00Z"), LATE),
        ({"timestamp": "1971-01-01"}, us("1971-01-01"), LATE),
        # A clock that is a day fast: sent "tomorrow", one minute after the event.
        ({"timestamp": "2026-11-22T09:59:00Z", "sentAt": "2026-11-22T10:00:00Z"}, NOW - MINUTE, 0),
        # A clock that stands at 1970.
        ({"timestamp": "1970-01-01T00:00:10Z", "sentAt": "1970-01-01T00:00:40Z"}, NOW - 30 * SECOND, 0),
        # Kept offline for two days.
        ({"timestamp": "2026-11-19T10:00:00Z", "sentAt": "2026-11-21T10:00:00Z"}, NOW - 2 * DAY, LATE),
        ({"originalTimestamp": "2026-11-21T09:00:00Z", "sentAt": "2026-11-21T09:30:00Z"}, NOW - 30 * MINUTE, 0),
        ({"originalTimestamp": "2026-11-21T09:00:00Z"}, NOW - HOUR, 0),
        ({"timestamp": "2026-11-21T09:00:00Z", "sentAt": "yesterday"}, NOW - HOUR, 0),
        ({"timestamp": "2026-11-21T09:00:00Z", "sentAt": 1795255200}, NOW - HOUR, 0),
        # Through another collector: corrected there.
        (
            {
                "timestamp": "2026-11-20T08:00:00Z",
                "originalTimestamp": "2026-11-20T07:00:00Z",
                "sentAt": "2026-11-20T07:00:01Z",
                "receivedAt": "2026-11-20T08:00:01Z",
            },
            us("2026-11-20T08:00:00Z"),
            LATE,
        ),
    ],
)
def test_time_is_corrected_clamped_and_flagged(times: dict[str, Any], happened_us: int, flags: int) -> None:
    found = message(event(**times))
    assert (found.happened_us, found.flags) == (happened_us, flags)


@pytest.mark.parametrize(
    "stamp",
    [1795255200, 1795255200123, "1795255200", "01.02.03", "0000-01-01", "0001-01-01T00:00:00Z", "1900-01-01", "", True,
     "1970-01-01T00:00:00Z", ["2026-11-21"], "2026-02-29T00:00:00Z"],
)  # fmt: skip
def test_time_that_is_none_is_never_guessed(stamp: Any) -> None:
    assert refusal(event(timestamp=stamp)) == "bad_timestamp"


def test_sent_at_of_the_batch_counts_for_its_events() -> None:
    body = {"batch": [event(timestamp="2026-11-22T09:59:00Z")], "sentAt": "2026-11-22T10:00:00Z"}
    (found,) = read_item(InboxItem(NOW, "shop", False, "batch", json.dumps(body).encode()))
    assert type(found) is Message
    assert found.happened_us == NOW - MINUTE


def test_lateness_is_a_setting() -> None:
    stamp = "2017-03-01T12:00:00Z"
    assert message(event(timestamp=stamp), late_after_us=20 * 366 * DAY).flags == 0
    assert message(event(timestamp=stamp), late_after_us=HOUR).flags == LATE


@given(st.integers(-(10**17), 10**17), st.integers(-(10**9), 10**9))
def test_skew_formula(original_offset: int, skew: int) -> None:
    """happened = received - (sent - original), whatever the sender's clock shows, or clamped, or refused."""
    from kundenkreis.kernel.zones import iso

    original, sent = NOW + skew * 1000 - abs(original_offset) // 100, NOW + skew * 1000
    found = read(event(originalTimestamp=iso(original), sentAt=iso(sent)))
    expected = NOW - (sent - original)
    if type(found) is Message:
        assert found.happened_us == expected
    else:
        assert expected < us("1971-01-01")


# --- identity and public keys (attacks A16, A22, A5) ---

SECRET = "a-secret-of-the-source"


def test_public_key_without_proof_only_claims() -> None:
    body = event(anonymousId="a-1", context={"identityToken": identity_token("u-2", SECRET)})
    assert message(body, public=True, identity_secret=SECRET).flags == PUBLIC | CLAIMED
    assert message(body, public=True).flags == PUBLIC | CLAIMED
    assert message(event(anonymousId="a-1"), public=True, identity_secret=SECRET).flags == PUBLIC | CLAIMED


def test_public_key_with_proof_speaks_for_the_user_and_the_token_is_not_kept() -> None:
    body = event(context={"identityToken": identity_token("u-1", SECRET), "locale": "de"})
    found = message(body, public=True, identity_secret=SECRET)
    assert (found.flags, found.user_id, found.body) == (PUBLIC, "u-1", event(context={"locale": "de"}))
    assert json.loads(found.raw) == found.body


def test_public_key_needs_an_anonymous_id_beside_a_claim() -> None:
    assert refusal(event(), public=True) == "no_identity"


def test_public_key_without_user_id_is_simply_anonymous() -> None:
    assert message(event(userId=None, anonymousId="a-1"), public=True).flags == PUBLIC


def test_server_key_needs_no_token() -> None:
    assert message(event()).flags == 0


@pytest.mark.parametrize(
    "name",
    ["Consent Confirmed", "consent  confirmed", "CONSENT WITHDRAWN", "Points Earned", "Voucher Issued", "Tier Changed",
     "Email Bounced", "Unsubscribed", "unsubscribed", "Mass Incident Opened", "Payment Settled", "Deal Won",
     "Consent anything", "Case Solved", "Ｃonsent Confirmed", " Consent Confirmed "],
)  # fmt: skip
def test_public_key_cannot_send_what_grants_or_withdraws(name: str) -> None:
    body = event(event=name, anonymousId="a-1", userId=None, properties={"channel": "email", "points": 5})
    assert refusal(body, public=True) == "needs_server_key"


def test_public_key_cannot_alias() -> None:
    body = {"type": "alias", "userId": "u-1", "previousId": "a-1", "anonymousId": "a-1"}
    assert refusal(body, public=True) == "needs_server_key"
    assert message(body).previous_id == "a-1"


def test_mass_assignment_by_a_public_key_stays_data() -> None:
    traits = {
        "email": "me@evil.example", "consent_email": True, "unsubscribed": False, "role": "admin", "created_at": "2001-01-01",
        "workspace_id": 1, "_id": 7, "lifetime_value": 1e9, "__proto__": {"a": 1}, "firstName": "Eva",
    }  # fmt: skip
    body = {"type": "identify", "userId": "victim", "anonymousId": "a-1", "traits": traits}
    found = message(body, public=True)
    assert (found.flags, found.body) == (PUBLIC | CLAIMED, body)
    assert set(traits) - set(found.unusable) == {"email", "firstName"}
    assert set(message(body).unusable) == {"consent_email", "unsubscribed", "workspace_id", "_id", "__proto__"}


def test_conditions_and_expressions_in_an_event_are_only_data() -> None:
    payload = {
        "condition": {"type": "profilePropertyCondition", "value": "script::Runtime.getRuntime().exec('id')"},
        "template": "{{7*7}}{% include '/etc/passwd' %}",
        "$where": "1;select pg_sleep(5)",
    }
    body = event(properties=payload, condition=payload)
    assert message(body).body == body


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("plan", True), ("first name", True), ("a.b-c_d$1", True), ("x" * 64, True),
        ("x" * 65, False), ("x" * 300, False), ("", False), ('"); DROP', False), ("größe", False), ("__proto__", False),
        ("a/b", False), ("a\nb", False), ("consent_sms", False), ("{{7*7}}", False), ("a'b", False),
    ],
)  # fmt: skip
def test_trait_names_that_may_become_attributes(key: str, expected: bool) -> None:
    assert is_usable_key(key) is expected
    body = {"type": "identify", "userId": "u-1", "traits": {key: 1, "$ref": 2}}
    found = message(body)
    assert (found.body, found.unusable) == (body, () if expected else (key,))


# --- ids, names, keys (attacks A43, A50) ---


@pytest.mark.parametrize(
    ("given_id", "expected"),
    [
        ("u-1", "u-1"),
        (" u-1 ", "u-1"),
        (4711, "4711"),
        ("007", "007"),
        (normalize("NFD", "Jörg"), "Jörg"),
        ("x" * 255, "x" * 255),
    ],
)
def test_identifier_is_trimmed_and_normalised(given_id: Any, expected: str) -> None:
    assert message(event(userId=given_id)).user_id == expected


def test_name_is_normalised_so_that_one_word_is_one_event() -> None:
    assert message(event(event=normalize("NFD", " Café besucht "))).name == normalize("NFC", "Café besucht")


def test_keys_are_normalised_and_nothing_else_is() -> None:
    composed, decomposed = normalize("NFC", "größe"), normalize("NFD", "größe")
    found = message(event(properties={decomposed: decomposed, "Ordnung": 1}))
    assert found.body["properties"] == {composed: decomposed, "Ordnung": 1}
    assert json.loads(found.raw) == found.body


def test_hostile_texts_pass_unchanged() -> None:
    texts = json.loads((DATA / "hostile_texts.json").read_text())
    for text in texts:
        body = event(properties={"text": text})
        if "\x00" in text:
            assert refusal(body) == "nul_character"
        else:
            found = message(json.dumps(body, ensure_ascii=False).encode())
            assert found.body == body


def test_without_message_id_a_repeat_is_still_a_repeat() -> None:
    body = event(messageId=None)
    raw = json.dumps(body).encode()
    first, again = message(raw), message(raw)
    assert first.message_id == again.message_id
    assert first.message_id.startswith("auto-")
    others = {
        message(event(messageId=None, userId="u-2")).message_id,
        read_item(InboxItem(NOW, "app", False, "track", raw))[0].message_id,
    }
    assert first.message_id not in others
    assert "messageId" not in first.body


@pytest.mark.parametrize("endpoint", ["track", ""])
def test_equal_events_without_id_and_instant_are_one_only_while_somebody_may_try_again(endpoint: str) -> None:
    """Somebody logs in every day, and the sender says nothing but that."""

    def id_at(after_us: int, **more: str) -> str:
        body = event(messageId=None, event="Logged In", **more)
        raw = json.dumps(body if endpoint else {"batch": [body]}).encode()
        (found,) = read_item(InboxItem(NOW + after_us, "shop", False, endpoint or "batch", raw))
        return found.message_id

    assert NOW % (10 * MINUTE) == 0
    assert id_at(0) == id_at(SECOND) == id_at(10 * MINUTE - 1)
    assert len({id_at(0), id_at(10 * MINUTE), id_at(DAY)}) == 3
    stamp = "2026-11-21T09:00:00Z"
    assert id_at(0, timestamp=stamp) == id_at(30 * DAY, timestamp=stamp)
    assert id_at(0, originalTimestamp=stamp) == id_at(30 * DAY, originalTimestamp=stamp)
    # What cannot be read tells no instant: it is the same whenever it comes.
    assert read(b"{", endpoint="track").message_id == read(b"{", endpoint="track").message_id


def test_write_key_never_gets_into_a_message_or_the_quarantine() -> None:
    canary = "kk_public_canary"
    good = message({**event(), "writeKey": canary}, endpoint="track")
    bad = read({**event(userId="null"), "writeKey": canary, "context": {"identityToken": canary}}, endpoint="track")
    batch = {"batch": [event(), event(userId="null")], "writeKey": canary}
    found = [good, bad, *read_item(InboxItem(NOW, "shop", False, "batch", json.dumps(batch).encode()))]
    assert [type(one) for one in found] == [Message, Malformed, Message, Malformed]
    assert canary not in repr(found)


def test_context_of_the_batch_lies_under_that_of_each_event() -> None:
    batch = {
        "batch": [event(context={"locale": "de"}), event()],
        "context": {"locale": "en", "app": {"name": "shop"}},
        "integrations": {"All": False},
    }
    found = read_item(InboxItem(NOW, "shop", False, "batch", json.dumps(batch).encode()))
    expected = [
        event(context={"locale": "de", "app": {"name": "shop"}}, integrations={"All": False}),
        event(context={"locale": "en", "app": {"name": "shop"}}, integrations={"All": False}),
    ]
    assert [one.body for one in found if type(one) is Message] == expected
    assert [json.loads(one.raw) for one in found] == expected


def test_numeric_text_becomes_the_number_in_body_and_bytes() -> None:
    found = message(event(event="Order Completed", properties={"order_id": 7, "total": "119.90", "currency": "eur"}))
    assert found.body["properties"] == {"order_id": "7", "total": 119.9, "currency": "EUR"}
    assert json.loads(found.raw) == found.body


# --- properties over everything ---

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcdefgXYZ _0", max_size=8), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip
OBJECT = st.dictionaries(st.text("abcdefgXYZ _0", max_size=8), JSON, max_size=5)


@given(
    kind=st.sampled_from(["track", "page", "screen", "identify", "group"]),
    properties=OBJECT, context=OBJECT, traits=OBJECT, compact=st.booleans(), ascii_only=st.booleans(),
)  # fmt: skip
def test_body_out_equals_body_in(
    kind: str, properties: Any, context: Any, traits: Any, compact: bool, ascii_only: bool
) -> None:
    body = {
        "type": kind, "event": "Something Happened", "name": "Home", "groupId": "g-1", "userId": "u-1",
        "messageId": "m-1", "properties": properties, "context": context, "traits": traits,
    }  # fmt: skip
    raw = json.dumps(body, ensure_ascii=ascii_only, separators=(",", ":") if compact else None).encode()
    found = message(raw)
    assert found.body == body
    assert found.raw == raw
    assert msgspec.json.decode(found.raw) == body


@given(st.binary(max_size=300), st.sampled_from(["batch", *sorted(TYPES)]), st.booleans())
def test_no_bytes_raise(body: bytes, endpoint: str, public: bool) -> None:
    assert all(type(one) in (Message, Malformed) for one in read_item(InboxItem(NOW, "s", public, endpoint, body)))


FIELDS = ["type", "event", "name", "userId", "anonymousId", "previousId", "groupId", "messageId", "timestamp", "sentAt",
          "originalTimestamp", "receivedAt", "properties", "traits", "context", "integrations", "writeKey"]  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), JSON), st.sampled_from(["batch", *sorted(TYPES)]), st.booleans())
def test_no_json_raises(body: dict[str, Any], endpoint: str, public: bool) -> None:
    found = read(body, endpoint=endpoint, public=public)
    assert type(found) in (Message, Malformed)
    if type(found) is Message:
        assert json.loads(found.raw) == found.body
        assert "writeKey" not in found.body


# --- the examples of the Segment specification ---

EXAMPLES = [
    (line["file"].rpartition("spec/")[2], line["json"])
    for line in map(json.loads, (DATA / "segment" / "examples.jsonl").read_text().splitlines())
    if isinstance(line.get("json"), dict) and ("type" in line["json"] or "action" in line["json"])
]

EXPECTED_REFUSALS = {
    # Shortened on the page: without any id.
    ("group.md", "group", ""): "no_identity",
    ("page.md", "page", ""): "no_identity",
    ("screen.md", "screen", ""): "no_identity",
    ("track.md", "track", "User Registered"): "no_identity",
    # Written "user_id" on the page.
    **{("email.md", "track", name): "no_identity" for name in (
        "Email Bounced", "Email Delivered", "Email Link Clicked", "Email Marked as Spam", "Email Opened", "Unsubscribed",
    )},
    # Version 1 of the e-commerce events: "orderId".
    ("ecommerce/index.md", "track", "Order Completed"): "missing_property",
}  # fmt: skip


def test_examples_of_the_specification_come_out_as_they_went_in() -> None:
    refused = {}
    for page, body in EXAMPLES:
        found = read(body)
        if type(found) is Message:
            assert found.body == body
            assert found.type == body.get("type", body.get("action"))
        else:
            assert type(found) is Malformed
            refused[page, body.get("type", body.get("action")), body.get("event", "")] = found.code
    assert refused == EXPECTED_REFUSALS
    assert len(EXAMPLES) == 75


def test_the_same_bytes_are_two_events_where_only_the_address_says_which() -> None:
    raw = b'{"userId":"u","name":"Home"}'
    ids = {
        read_item(InboxItem(NOW, "shop", False, endpoint, raw))[0].message_id for endpoint in ("page", "screen", "page")
    }
    assert len(ids) == 2


def test_what_a_batch_shares_counts_for_each_of_its_events() -> None:
    """The tracking API refuses more; what comes another way is held to the same."""
    body = {"batch": [{"type": "track", "event": "Seen", "userId": "u"}], "context": {"a": "x" * 50_000}}
    (found,) = read_item(InboxItem(NOW, "import", False, "batch", json.dumps(body).encode()))
    assert isinstance(found, Malformed)
    assert found.code == "event_too_large"


@pytest.mark.parametrize("name", ["Sub-State Changed", "Phase Changed", "Score Crossed"])
def test_a_public_key_sends_nothing_that_kundenkreis_says_itself(name: str) -> None:
    found = read({"type": "track", "event": name, "anonymousId": "a"}, public=True)
    assert isinstance(found, Malformed)
    assert found.code == "needs_server_key"


# --- libraries of RudderStack ---


def test_traits_that_stand_in_the_context_of_an_identify_are_its_traits() -> None:
    """RudderStack's libraries for Python and for web pages send them there and nowhere else."""
    traits = {"email": "anna@example.org", "consent_email": True, "Cafe\u0301": 1}
    found = message(event(type="identify", context={"traits": traits, "library": {"name": "RudderLabs"}}))
    assert found.body["traits"] == {"email": "anna@example.org", "consent_email": True, "Caf\u00e9": 1}
    assert found.body["context"] == {"library": {"name": "RudderLabs"}}
    assert json.loads(found.raw) == found.body
    assert found.unusable == ("consent_email", "Caf\u00e9")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "identify", "traits": {"plan": "pro"}, "context": {"traits": {"plan": "free"}}},
        {"type": "identify", "traits": {}, "context": {"traits": {"plan": "free"}}},
        {"type": "identify", "context": {"traits": "pro"}},
        {"type": "track", "context": {"traits": {"plan": "free"}}},
        {"type": "group", "groupId": "g-1", "context": {"traits": {"plan": "free"}}},
    ],
)
def test_traits_in_the_context_of_other_calls_stay_there(changes: dict[str, Any]) -> None:
    raw = json.dumps(event(**changes)).encode()
    found = message(raw)
    assert (found.body, found.raw) == (json.loads(raw), raw)


def test_too_many_traits_in_the_context_are_too_many_traits() -> None:
    traits = {f"k{i}": i for i in range(301)}
    assert refusal(event(type="identify", context={"traits": traits})) == "too_many_keys"


@pytest.mark.parametrize(
    ("times", "happened_us"),
    [
        # Said by the caller, and called when: an import of last year's orders.
        (
            {"timestamp": "2025-11-21T10:00:00Z", "originalTimestamp": "2026-11-21T09:59:58Z"},
            us("2025-11-21T10:00:00Z"),
        ),
        # The same with a clock that is a minute fast.
        (
            {
                "timestamp": "2025-11-21T10:00:00Z",
                "originalTimestamp": "2026-11-21T10:00:58Z",
                "sentAt": "2026-11-21T10:01:00Z",
            },
            us("2025-11-21T09:59:00Z"),
        ),
    ],
)
def test_what_the_caller_says_counts_before_when_it_was_called(times: dict[str, str], happened_us: int) -> None:
    assert message(event(**times)).happened_us == happened_us
