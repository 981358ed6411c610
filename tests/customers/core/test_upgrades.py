"""A stored state of any age is read as one of today; one of tomorrow is refused."""

from pathlib import Path

import msgspec
import pytest

from kundenkreis.customers.core.state import (
    FOLD_VERSION,
    TIME_ZONE_DATA,
    CustomerState,
    Run,
    decode_state,
    encode_state,
    read_state,
)
from kundenkreis.customers.core.upgrades import (
    UPGRADERS,
    PlainState,
    StoreTooNewError,
    same_shape,
    upgraded,
    version_of,
)

pytestmark = pytest.mark.pure


def state() -> CustomerState:
    """Somebody with a run."""
    run = Run(b"r" * 16, "welcome", 3, "", 5, "wait", 6)
    return CustomerState(7, "key", 1, 2, runs=[run], steps_today=[20_000, 4])


def as_of(version: int, data: bytes) -> bytes:
    """How an older program would have kept it: today's steps as one number, in versions 0 and -1; without them in version -2."""
    plain = msgspec.msgpack.decode(data)
    plain[5] = version
    if version < -1:
        return msgspec.msgpack.encode(plain[:-1])
    day, steps = plain[-1]
    plain[-1] = day * 1000 + steps
    return msgspec.msgpack.encode(plain)


def split_steps(plain: PlainState) -> PlainState:
    """0 -> 1"""
    return [*plain[:-1], list(divmod(plain[-1], 1000))]


def add_steps(plain: PlainState) -> PlainState:
    """-2 -> -1"""
    return [*plain, 0]


@pytest.fixture(autouse=True)
def older_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three versions before the first."""
    for version, upgrade in ((-2, add_steps), (-1, same_shape), (0, split_steps)):
        monkeypatch.setitem(UPGRADERS, version, upgrade)


@pytest.mark.parametrize("version", [0, -1])
def test_older_states_become_those_of_today(version: int) -> None:
    data = encode_state(state())
    old = as_of(version, data)
    assert version_of(old) == version
    assert upgraded(old, to=FOLD_VERSION) == data
    assert read_state(old) == (state(), version)
    assert encode_state(decode_state(old)) == data


def test_upgraders_run_one_after_the_other() -> None:
    expected = msgspec.structs.replace(state(), steps_today=[0, 0])
    assert read_state(as_of(-2, encode_state(state()))) == (expected, -2)


def test_a_state_of_today_is_read_as_it_is() -> None:
    assert read_state(encode_state(state())) == (state(), FOLD_VERSION)


def test_newer_and_unknown_versions_are_refused() -> None:
    newer = encode_state(msgspec.structs.replace(state(), fold_version=FOLD_VERSION + 1))
    with pytest.raises(StoreTooNewError):
        decode_state(newer)
    with pytest.raises(msgspec.ValidationError, match="version -9"):
        decode_state(encode_state(msgspec.structs.replace(state(), fold_version=-9)))


@pytest.mark.parametrize("data", [b"\x90", b"\xc0", msgspec.msgpack.encode([1, "k", 1, 1, 1, "one"])])
def test_what_is_no_state_says_so(data: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_state(data)


def test_time_zone_data_belongs_to_the_version() -> None:
    """New zone tables can move any instant: then FOLD_VERSION rises, with `same_shape` as the upgrader, and TIME_ZONE_DATA follows."""
    locked = (Path(__file__).parents[3] / "requirements.lock").read_text(encoding="utf-8")
    assert f"\ntzdata=={TIME_ZONE_DATA} " in locked
