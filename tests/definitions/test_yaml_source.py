"""What YAML means here: plain data with places, and nothing that surprises or runs."""

import pytest

from kundenkreis.definitions.errors import Place
from kundenkreis.definitions.source import Source
from kundenkreis.definitions.yaml_source import LARGEST_FILE_BYTES, MOST_VALUES, read_source

pytestmark = pytest.mark.pure


def one(text: str) -> Source:
    """The only document of a text without mistakes."""
    sources, mistakes = read_source(text.encode(), "file.yaml")
    assert mistakes == []
    (source,) = sources
    return source


def said(data: bytes) -> list[str]:
    """Codes and places of what is wrong."""
    return [f"{each.code} {each.place}" for each in read_source(data, "file.yaml")[1]]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True), ("True", True), ("FALSE", False), ("yes", "yes"), ("no", "no"), ("on", "on"), ("Off", "Off"), ("y", "y"),
        ("null", None), ("~", None), ("", None), ("'null'", "null"), ("12", 12), ("-3", -3), ("+3", 3), ("0", 0), ("0x1f", 31), ("0o17", 15),
        ("1.50", 1.5), (".5", 0.5), ("1e3", 1000.0), ("1_000", "1_000"), ("10:00", "10:00"), ("190:20:30", "190:20:30"),
        ("2026-12-01", "2026-12-01"), ("2026-12-01T10:00:00Z", "2026-12-01T10:00:00Z"), ('"5"', "5"), ("=", "="), ("1.2.3", "1.2.3"),
        ("hello world", "hello world"), ("'it''s'", "it's"), (r'"a\tb\u00e4"', "a\tbä"),
    ],
)  # fmt: skip
def test_plain_words_mean_what_they_look_like(written: str, value: object) -> None:
    read = one(f"key: {written}").value["key"]
    assert (read, type(read)) == (value, type(value))


def test_clock_times_are_texts_inside_braces_too() -> None:
    assert one("{days: 3, at: 10:00, on: thursday}").value == {"days": 3, "at": "10:00", "on": "thursday"}


def test_every_value_and_key_knows_its_place() -> None:
    source = one("kind: segment\nlist:\n  - {a: 1}\n  - b\n")
    assert source.places == {
        (): Place("file.yaml", 1, 1),
        ("kind",): Place("file.yaml", 1, 7),
        ("list",): Place("file.yaml", 3, 3),
        ("list", 0): Place("file.yaml", 3, 5),
        ("list", 0, "a"): Place("file.yaml", 3, 9),
        ("list", 1): Place("file.yaml", 4, 5),
    }
    assert source.keys == {
        ("kind",): Place("file.yaml", 1, 1),
        ("list",): Place("file.yaml", 2, 1),
        ("list", 0, "a"): Place("file.yaml", 3, 6),
    }


def test_what_is_missing_stands_where_the_value_around_it_stands() -> None:
    source = one("a:\n  b: 1\n")
    assert source.place(("a", "c", "d")) == Place("file.yaml", 2, 3)


def test_lines_of_block_texts_are_found_in_the_file() -> None:
    source = one("html: |\n\n    <p>\n      {{ name }}\nquoted: 'a\n  b'\n")
    assert source.value["html"] == "\n<p>\n  {{ name }}\n"
    assert source.place_in_text(("html",), 3, 3) == Place("file.yaml", 4, 7)
    assert source.place_in_text(("quoted",), 2) == Place("file.yaml", 5, 9)


def test_several_documents_and_empty_ones() -> None:
    sources, mistakes = read_source(b"kind: a\n---\n# nothing here\n---\nkind: b\n...\n", "file.yaml")
    assert ([each.value for each in sources], mistakes) == ([{"kind": "a"}, {"kind": "b"}], [])
    assert sources[1].place(("kind",)) == Place("file.yaml", 5, 7)


def test_documents_before_a_mistake_are_still_read() -> None:
    sources, mistakes = read_source(b"kind: a\n---\nkind: [\n", "file.yaml")
    assert [each.value for each in sources] == [{"kind": "a"}]
    assert [each.code for each in mistakes] == ["yaml"]


def test_byte_order_mark_and_windows_line_ends_are_accepted() -> None:
    sources, mistakes = read_source("\ufeffkind: a\r\nname: ä\r\n".encode(), "file.yaml")
    assert ([each.value for each in sources], mistakes) == ([{"kind": "a", "name": "ä"}], [])
    assert sources[0].place(("kind",)) == Place("file.yaml", 1, 7)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"kind: a\nname: \xfcber\n", "not_utf8 file.yaml:2:7"),
        ("kind: a".encode("utf-16"), "not_utf8 file.yaml:1:1"),
        (b"kind: a\nname: a\x00b\n", "control_character file.yaml:2:8"),
        (b'kind: "a\\0b"\n', "control_character file.yaml:1:7"),
        (b'"a\\eb": 1\n', "control_character file.yaml:1:1"),
        (b"a: 1\na: 2\n", "duplicate_key file.yaml:2:1"),
        (b'a: 1\n"a": 2\n', "duplicate_key file.yaml:2:1"),
        (b"1: one\n", "key_not_text file.yaml:1:1"),
        (b"true: one\n", "key_not_text file.yaml:1:1"),
        (b"? [a, b]\n: one\n", "key_not_text file.yaml:1:3"),
        (b"<<: {a: 1}\n", "merge_key file.yaml:1:1"),
        (b"a: &x 1\n", "anchor file.yaml:1:4"),
        (b"a: *x\n", "alias file.yaml:1:4"),
        (b"a: !!str 1\n", "tag file.yaml:1:4"),
        (b"a: ! 1\n", "tag file.yaml:1:4"),
        (b"a: !!python/name:os.system x\n", "tag file.yaml:1:4"),
        (b"a: .nan\n", "not_finite file.yaml:1:4"),
        (b"a: -.inf\n", "not_finite file.yaml:1:4"),
        (b"a: 1e400\n", "number_too_large file.yaml:1:4"),
        (b"a: 9007199254740992\n", "number_too_large file.yaml:1:4"),
        (b"a: 1" + b"0" * 5000, "number_too_large file.yaml:1:4"),
        (b"a: 01067\n", "leading_zero file.yaml:1:4"),
        (b"a:\n\tb: 1\n", "tab file.yaml:2:1"),
        (b"a: {b: 1\nc: 2\n", "yaml file.yaml:1:4"),
        (b"a: 'b\n", "yaml file.yaml:1:4"),
    ],
)
def test_what_is_refused_says_where(data: bytes, expected: str) -> None:
    assert said(data) == [expected]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "], ids=["lists", "mappings", "blocks"])
def test_deep_nesting_is_refused_before_it_is_read(opening: str) -> None:
    (mistake,) = read_source((opening * 300 + "x").encode(), "file.yaml")[1]
    assert mistake.code == "too_deep"
    (mistake,) = read_source((opening * 200_000).encode(), "file.yaml")[1]
    assert mistake.code == "too_deep"


def test_large_files_are_refused() -> None:
    assert said(b"#" * 5_000_000) == ["file_too_large file.yaml"]
    assert said(b"#" * LARGEST_FILE_BYTES) == []


def test_many_values_are_refused() -> None:
    assert said(b"- 1\n" * MOST_VALUES) == [f"too_many_values file.yaml:{MOST_VALUES}:3"]


def test_billion_laughs_cannot_be_written() -> None:
    bomb = b"a: &a [x]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (98 + i, 98 + i, 97 + i, 97 + i) for i in range(20))
    assert said(bomb) == ["anchor file.yaml:1:4"]
