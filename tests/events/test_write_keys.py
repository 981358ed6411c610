"""Write keys: looked up in any spelling, loaded again on change, shown to nobody (attacks A16, A42)."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundenkreis.events.errors import WriteKeyFileError
from kundenkreis.events.write_key_book import WriteKeyBook
from kundenkreis.events.write_keys import WriteKey, WriteKeyFile, WriteKeys, new_identity_secret, new_key

pytestmark = pytest.mark.pure

PUBLIC = WriteKey(key="kk_public_canary", source="shop", kind="public", brand="b", identity_secret="canary-secret")
SERVER = WriteKey(key="kk_server_canary", source="till", kind="server")


def loaded(*keys: WriteKey) -> WriteKeys:
    """These keys, in force."""
    found = WriteKeys(lambda: keys, lambda: 1)
    found.refresh(0)
    return found


def test_new_keys_cannot_be_guessed_and_say_their_kind() -> None:
    public, server = {new_key("public") for _ in range(100)}, {new_key("server") for _ in range(100)}
    assert (len(public), len(server)) == (100, 100)
    assert {key[:10] for key in public} == {"kk_public_"}
    assert {len(key) for key in public | server} == {10 + 32}
    assert len({new_identity_secret() for _ in range(100)}) == 100


def test_repr_shows_no_secret() -> None:
    for text in (repr(PUBLIC), str(PUBLIC), f"{PUBLIC}", repr([PUBLIC])):
        assert "canary" not in text
    assert repr(PUBLIC) == "WriteKey(source='shop', kind='public', brand='b')"


def test_key_is_found_by_header_by_itself_and_by_source() -> None:
    keys = loaded(PUBLIC, SERVER)
    header = b"Basic " + base64.b64encode(b"kk_server_canary:")
    assert keys.by_header(header) is SERVER
    assert keys.by_key("kk_public_canary") is PUBLIC
    assert keys.by_source("shop") is PUBLIC
    assert (keys.by_key(""), keys.by_key("x"), keys.by_source("x"), keys.by_header(b"")) == (None, None, None, None)


@given(st.binary(max_size=60))
def test_no_header_raises_or_opens(header: bytes) -> None:
    keys = loaded(PUBLIC, SERVER)
    assert keys.by_header(header) is None
    assert keys.by_header(b"Basic " + header) is None


def test_file_is_private_replaced_as_a_whole_and_read_back(tmp_path: Path) -> None:
    file = WriteKeyFile(tmp_path / "write_keys.json")
    assert (file.load(), file.version()) == ([], None)
    file.save([PUBLIC, SERVER])
    first = file.version()
    assert file.load() == [PUBLIC, SERVER]
    assert stat.S_IMODE(os.stat(tmp_path / "write_keys.json").st_mode) == 0o600
    file.save([SERVER])
    assert (file.load(), file.version() == first) == ([SERVER], False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["write_keys.json"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b'{"key":"canary"}',
        b'[{"key":"canary"}]',
        b'[{"key":"canary","source":"s","kind":"root"}]',
        b"\xff canary",
    ],
)
def test_unreadable_file_is_refused_without_its_content(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "write_keys.json"
    path.write_bytes(text)
    with pytest.raises(WriteKeyFileError) as caught:
        WriteKeyFile(path).load()
    assert caught.value.data["path"] == str(path)
    assert "canary" not in repr((caught.value, caught.value.data, caught.value.__cause__))


def test_change_is_seen_after_a_second_and_a_broken_file_changes_nothing(tmp_path: Path) -> None:
    file = WriteKeyFile(tmp_path / "write_keys.json")
    file.save([PUBLIC])
    keys = WriteKeys(file.load, file.version)
    keys.refresh(10.0)
    file.save([SERVER])
    keys.refresh(10.9)
    assert keys.by_source("till") is None
    keys.refresh(11.0)
    assert (keys.by_source("till"), keys.by_source("shop"), keys.generation) == (SERVER, None, 2)
    keys.refresh(12.0)
    assert keys.generation == 2
    (tmp_path / "write_keys.json").write_bytes(b"[")
    keys.refresh(13.0)
    assert (keys.by_source("till"), keys.generation) == (SERVER, 2)


def test_start_with_a_broken_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "write_keys.json").write_bytes(b"[")
    file = WriteKeyFile(tmp_path / "write_keys.json")
    with pytest.raises(WriteKeyFileError):
        WriteKeys(file.load, file.version).refresh(0)


def test_keys_made_at_the_same_moment_are_all_kept(tmp_path: Path) -> None:
    books = [WriteKeyBook(WriteKeyFile(tmp_path / "keys.json")) for _ in range(8)]
    with ThreadPoolExecutor(8) as people:
        made = list(people.map(lambda book: [book.create("shop", "server").key for _ in range(5)], books))
    held = {one.key for one in books[0].list_keys()}
    assert held == {key for keys in made for key in keys}
    assert len(held) == 40
