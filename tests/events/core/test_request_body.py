"""What a body must be to be taken in: JSON bombs, encodings, charsets (attack A34)."""

import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundenkreis.events.core import request_body as rb
from kundenkreis.events.core.request_body import Accepted, Refusal, check_body, to_utf8, unpack


def packed(data: bytes) -> bytes:
    """gzip without the time of day in its head: parallel workers must collect the same test ids."""
    return gzip.compress(data, mtime=0)


pytestmark = pytest.mark.pure

EVENT = {"type": "track", "event": "Café besucht", "userId": "u-1"}


def nested(depth: int, *, within: str = "%s") -> bytes:
    """An event whose deepest object stands `depth` deep."""
    return (within % ('{"a":' * depth + "1" + "}" * depth)).encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", rb.BAD_JSON),
        (b"{", rb.BAD_JSON),
        (b"{} trailing", rb.BAD_JSON),
        (b'{"a":NaN}', rb.BAD_JSON),
        (b'{"a":Infinity}', rb.BAD_JSON),
        (b'{"a":1e400}', rb.BAD_JSON),
        (b'{"a":' + b"9" * 5000 + b"}", rb.BAD_JSON),
        (b'{"a":"\\ud800"}', rb.BAD_JSON),
        (b'{"a":"\\udc00x"}', rb.BAD_JSON),
        (b'{"a":"\xed\xa0\x80"}', rb.BAD_JSON),
        (b'{"a":"\xc0\x80"}', rb.BAD_JSON),
        (b'{"a":"\xff"}', rb.BAD_JSON),
        (b'{"a":"\x00"}', rb.BAD_JSON),
        (b'{"a":"\\u0000"}', rb.HOLDS_NUL),
        (b'{"\\u0000":1}', rb.HOLDS_NUL),
        (b'{"a":[{"b":["\\u0000"]}]}', rb.HOLDS_NUL),
        (b'{"a":9223372036854775808}', rb.NUMBER_TOO_LARGE),
        (b'{"a":[{"b":-9223372036854775809}]}', rb.NUMBER_TOO_LARGE),
        (b'{"a":' + b"9" * 4000 + b"}", rb.NUMBER_TOO_LARGE),
        (b"[1]", rb.NOT_AN_OBJECT),
        (b'"text"', rb.NOT_AN_OBJECT),
        (b"null", rb.NOT_AN_OBJECT),
        (nested(17), rb.TOO_DEEP),
        (b"[" * 10_000 + b"]" * 10_000, rb.TOO_DEEP),
        (b'{"a":"' + b"x" * rb.MOST_EVENT_BYTES + b'"}', rb.EVENT_TOO_LARGE),
        (json.dumps({f"k{i}": i for i in range(50_000)}).encode(), rb.EVENT_TOO_LARGE),
        (b"{}", Accepted(1, "")),
        (b'{"a":1,"a":2}', Accepted(1, "")),
        (b'{"a":"\\\\u0000"}', Accepted(1, "")),
        (b'{"a":"\\ud83d\\ude00"}', Accepted(1, "")),
        (nested(16), Accepted(1, "")),
        (b'{"a":[' + b",".join([b"{}"] * 100) + b"]}", Accepted(1, "")),
        (b'{"a":"' + b"{" * 50 + b'\\"' + b"[" * 50 + b'"}', Accepted(1, "")),
        (b'{"a":9223372036854775807,"b":-9223372036854775808}', Accepted(1, "")),
        (b'{"a":"12345678901234567890","b":1.2345678901234567890123}', Accepted(1, "")),
        (b'{"writeKey":"kk"}', Accepted(1, "kk")),
        (b'{"writeKey":7}', Accepted(1, "")),
        (json.dumps(EVENT, ensure_ascii=False).encode(), Accepted(1, "")),
    ],
)
def test_single_event_is_judged(body: bytes, expected: Accepted | Refusal) -> None:
    assert check_body("track", body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[]", rb.BAD_BATCH),
        (b"{}", rb.BAD_BATCH),
        (b'{"batch":{}}', rb.BAD_BATCH),
        (b'{"batch":[}', rb.BAD_JSON),
        (b'{"batch":[{"a":NaN,}]}', rb.BAD_JSON),
        (b'{"batch":[{"a":"\\"}', rb.BAD_JSON),
        (b'{"batch":[],"x":"\xff"}', rb.BAD_JSON),
        (b'{"batch":[' + b"[" * 10_000 + b"]" * 10_000 + b"]}", rb.BAD_JSON),
        (b'{"batch":[]}', Accepted(0, "")),
        (b'{"batch":[{},1,null]}', Accepted(3, "")),
        (b'{"batch":[{}],"writeKey":"kk"}', Accepted(1, "kk")),
        (b'{"batch":[{}],"writeKey":[1]}', Accepted(1, "")),
        # One bad event must not cost the other ones: it is quarantined when it is read.
        (b'{"batch":[{},{"a":"\\u0000"},{"a":1e400},' + nested(17) + b"]}", Accepted(4, "")),
        (b'{"batch":[' + b",".join([b"{}"] * 2_500) + b"]}", Accepted(2_500, "")),
        (b'{"batch":[' + b",".join([b"{}"] * 2_501) + b"]}", rb.TOO_MANY_EVENTS),
        (
            b'{"batch":[{},{"a":"' + b"x" * rb.MOST_EVENT_BYTES + b'"}]}',
            Refusal(
                413,
                "event_too_large",
                "One event may have 32 KB; number 2 of this batch is larger. Nothing of it was taken.",
            ),
        ),
        (b'{"batch":[' + b",".join([b'{"a":"%s"}' % (b"x" * 30_000)] * 16) + b"]}", Accepted(16, "")),
        (b'{"batch":[' + b",".join([b'{"a":"%s"}' % (b"x" * 30_000)] * 18) + b"]}", rb.BATCH_TOO_LARGE),
    ],
)
def test_batch_is_judged(body: bytes, expected: Accepted | Refusal) -> None:
    assert check_body("batch", body) == expected


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        # As Python writes numbers that are none, and texts that are half a character.
        (b"NaN", b"1e999"),
        (b"[-Infinity,Infinity]", b"[1e999,1e999]"),
        (rb'"\ud800"', rb'"\ufffd"'),
        (rb'"\ude00\ud83d"', rb'"\ufffd\ufffd"'),
        (rb'[NaN,"\ud83d\ude00 \\ud800 \" NaN"]', rb'[1e999,"\ud83d\ude00 \\ud800 \" NaN"]'),
    ],
)
def test_what_no_json_holds_costs_no_other_event_of_the_batch(sent: bytes, kept: bytes) -> None:
    body, mended = (b'{"batch":[{"event":"NaN"},{"a":' + value + b"}]}" for value in (sent, kept))
    assert check_body("batch", body) == Accepted(2, "", mended)


def test_no_body_makes_the_search_for_depth_begin_again_and_again() -> None:
    """Texts that are never closed: with a search that went back, this one would take hours."""
    for end in (b"", b"\\"):
        assert rb.is_too_deep(b"[" * 20 + b'"' + b'\\"' * 500_000 + end)
        assert rb.without_what_no_json_holds(b'"' + b'\\"' * 500_000 + end) == b'"' + b'\\"' * 500_000 + end


@pytest.mark.parametrize(
    ("encoding", "packed", "expected"),
    [
        ("gzip", packed(b"{}"), b"{}"),
        ("x-gzip", packed(b"{}"), b"{}"),
        ("deflate", zlib.compress(b"{}"), b"{}"),
        ("identity", b"{}", b"{}"),
        ("gzip", b"{}", rb.BAD_ENCODING),
        ("gzip", b"", rb.BAD_ENCODING),
        ("gzip", packed(b"{}")[:-4], rb.BAD_ENCODING),
        ("gzip", packed(b"{}") + b"more", rb.BAD_ENCODING),
        ("gzip", packed(b" " * 100_000_000), rb.EVENT_TOO_LARGE),
        ("gzip", packed(packed(b" " * 10_000_000)), packed(b" " * 10_000_000)),
        ("br", b"{}", rb.UNKNOWN_ENCODING),
        ("gzip, gzip", b"{}", rb.UNKNOWN_ENCODING),
    ],
)
def test_content_encoding_is_undone_up_to_the_limit(encoding: str, packed: bytes, expected: bytes | Refusal) -> None:
    assert unpack(packed, encoding, endpoint="track") == expected


@pytest.mark.parametrize(
    ("charset", "python_name"),
    [
        ("", "utf-8"),
        ("utf-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("iso-8859-1", "latin-1"),
        ("windows-1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-16le", "utf-16-le"),
        ("utf-16be", "utf-16-be"),
    ],
)
def test_charset_becomes_utf8(charset: str, python_name: str) -> None:
    text = json.dumps(EVENT, ensure_ascii=False)
    assert to_utf8(text.encode(python_name), charset) == text.encode()


@pytest.mark.parametrize(
    ("body", "charset", "expected"),
    [
        (b"{}", "koi8-r", rb.UNKNOWN_CHARSET),
        (b"{}", "../../etc", rb.UNKNOWN_CHARSET),
        (b"\x81", "windows-1252", rb.BAD_JSON),
        (b"\x00\xd8\x00\x00", "utf-16le", rb.BAD_JSON),
        (b"caf\xc3\xa9", "us-ascii", rb.BAD_JSON),
    ],
)
def test_unreadable_text_is_refused(body: bytes, charset: str, expected: Refusal) -> None:
    assert to_utf8(body, charset) == expected


@given(
    st.recursive(st.none(), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2))
)
def test_depth_is_counted_as_a_walk_over_the_value_counts_it(value: object) -> None:
    def depth(one: object) -> int:
        if isinstance(one, dict):
            return 1 + max((depth(inner) for inner in one.values()), default=0)
        if isinstance(one, list):
            return 1 + max((depth(inner) for inner in one), default=0)
        return 0

    deep: object = value
    for _ in range(12):
        deep = [deep]
    assert rb.is_too_deep(json.dumps(deep).encode()) == (depth(deep) > rb.MOST_DEPTH)


@given(st.binary(max_size=200), st.sampled_from(["track", "batch"]))
def test_no_body_raises(body: bytes, endpoint: str) -> None:
    assert type(check_body(endpoint, body)) in (Accepted, Refusal)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate"]))
def test_no_packed_body_raises(body: bytes, encoding: str) -> None:
    assert type(unpack(body, encoding, endpoint="track")) in (bytes, Refusal)
