"""Canonical bytes: equal for equal definitions, readable without YAML, and the fold compiles from them."""

import json
import subprocess
import sys

import pytest

from kundenkreis.definitions.canonical import StoredRulebookError, canonical_json, definitions_from_json, version_hash
from kundenkreis.definitions.rulebook import brands_of, compile_contents
from kundenkreis.engine.compiling import compile_rulebook
from kundenkreis.kernel.zones import Zone
from tests.definitions.samples import accepted, good, good_with

pytestmark = pytest.mark.pure

LATE = "kind: segment\nid: late\nname: {de: Spät, en: Late}\nwhen: {all: []}\n"
LATE_OTHERWISE = 'id: "late"\nwhen:\n  all: []\nname:\n  en: Late\n  de: "Spät"\nkind: segment\n'


def test_equal_definitions_give_equal_bytes_whatever_the_file_looks_like() -> None:
    one, other = accepted(good_with(LATE)), accepted(good_with(LATE_OTHERWISE, "another/place.yaml"))
    assert canonical_json(one) == canonical_json(other)
    assert version_hash(canonical_json(one)) == version_hash(canonical_json(other))
    assert canonical_json(one) != canonical_json(good())


def test_canonical_json_is_a_sorted_list_of_documents() -> None:
    documents = json.loads(canonical_json(good()))
    assert [(each["kind"], each.get("id", "")) for each in documents][:4] == [
        ("brand", "default"),
        ("trait", "web_orders"),
        ("segment", "everything"),
        ("segment", "regulars"),
    ]
    assert json.dumps(documents, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() == canonical_json(
        good()
    )


def test_stored_rulebooks_are_read_back_equal() -> None:
    definitions = good()
    stored = definitions_from_json(canonical_json(definitions))
    assert stored == definitions
    assert [each.config for each in stored] == [each.config for each in definitions]
    assert [set(map(str, each.references)) for each in stored] == [
        set(map(str, each.references)) for each in definitions
    ]


def test_stored_rulebooks_compile() -> None:
    stored = definitions_from_json(canonical_json(good()))
    rulebook = compile_rulebook([stored.documents()], zone=Zone("Europe/Berlin"))
    assert sorted(rulebook.decisions.segments) == ["everything", "regulars"]
    assert sorted(rulebook.journeys.current) == ["birthday", "thursday_letter", "welcome"]
    assert sorted(rulebook.policy.purposes) == ["newsletter", "similar_goods"]


def test_contents_and_brands_are_ready_for_the_senders() -> None:
    stored = definitions_from_json(canonical_json(good()))
    content = compile_contents(stored)["welcome_hello"]
    assert (content.message_class, sorted(content.variants)) == ("marketing", ["de", "en"])
    assert brands_of(stored)["default"].sender_address == "hallo@kreisladen.example"


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[1]", b'[{"kind":"gone","id":"a"}]', b'[{"kind":"segment","id":"a"}]', b"\xff"]
)
def test_damaged_rulebooks_are_a_bug_of_ours(data: bytes) -> None:
    if data == b"{}":
        assert len(definitions_from_json(data)) == 0
        return
    with pytest.raises(StoredRulebookError):
        definitions_from_json(data)


def test_reading_a_stored_rulebook_needs_no_yaml() -> None:
    program = (
        "import sys; sys.modules['yaml'] = None\n"
        "from kundenkreis.definitions.canonical import definitions_from_json\n"
        "print(len(definitions_from_json(sys.stdin.buffer.read())))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], input=canonical_json(good()), capture_output=True, check=False
    )
    assert (ran.stdout.strip(), ran.stderr) == (b"12", b"")
