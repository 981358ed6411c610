"""The content editor's form: shipped contents read back as the same; buttons change the document and nothing else."""

from typing import Any

import pytest

from kundenkreis.playbooks.shipped import shipped_rulebook
from kundenkreis.site.forms.content_form import VariantForm, acted, read_content, variant_forms

pytestmark = pytest.mark.pure


def _posted(document: dict[str, Any]) -> dict[str, str]:
    data = {f"{name}_{language}": text for name in ("name", "value") for language, text in document[name].items()}
    data |= {name: document[name] for name in ("message_class", "call_to_action")}
    data |= {f"{name}:{one}": "on" for name in ("phases", "personas") for one in document.get(name, ())}
    forms = variant_forms(document)
    data["variant_keys"] = " ".join(form.key for form in forms)
    for form in forms:
        data |= _posted_variant(form)
    return data


def _posted_variant(form: VariantForm) -> dict[str, str]:
    data = {f"{form.name}.{name}": text for name, text in form.texts.items()} | {f"{form.name}.body": form.body}
    for block in form.blocks:
        data[f"{block.name}.kind"] = block.kind
        if isinstance(block.value, dict):
            data |= {f"{block.name}.{name}": str(value) for name, value in block.value.items()}
        else:
            data[f"{block.name}.{block.kind}"] = str(block.value)
    return data


def test_shipped_contents_read_back_as_the_same() -> None:
    contents = shipped_rulebook(with_journeys=True).of("content").values()
    assert len(contents) > 10
    for each in contents:
        document = dict(each.document)
        assert read_content(_posted(document), {"kind": "content", "id": each.id}) == document


def test_every_kind_of_block_reads_back() -> None:
    blocks = [
        {"heading": "H"}, {"text": "a\n\nb"}, {"button": {"label": "L", "url": "https://x.example"}}, {"items": ["a", "b"]},
        {"image": {"src": "https://x.example/a.png", "alt": "", "url": "https://x.example", "width": 200}}, {"quote": "Q"},
        {"divider": True}, {"spacer": 40},
    ]  # fmt: skip
    document = _document(blocks=blocks)
    assert read_content(_posted(document), {"kind": "content", "id": "x"}) == document


def _document(**variant: Any) -> dict[str, Any]:
    return {
        "kind": "content", "id": "x", "name": {"de": "n"}, "value": {"de": "v"}, "message_class": "service", "call_to_action": "read",
        "variants": {"de": {"subject": "s", **variant}},
    }  # fmt: skip


def _variant(document: dict[str, Any], key: str = "de") -> Any:
    return document["variants"][key]


def test_buttons_change_the_document() -> None:
    document = _document(blocks=[{"text": "a"}, {"text": "b"}])
    assert _variant(acted(document, "add:button:de"))["blocks"][2] == {"button": {"label": "", "url": ""}}
    assert _variant(acted(document, "up:b:de:1"))["blocks"] == [{"text": "b"}, {"text": "a"}]
    assert _variant(acted(document, "down:b:de:0"))["blocks"] == [{"text": "b"}, {"text": "a"}]
    assert _variant(acted(document, "remove:b:de:0"))["blocks"] == [{"text": "b"}]
    assert _variant(acted(document, "variant:de/du"), "de/du") == _variant(document)
    assert list(acted(acted(document, "variant:en"), "drop:de")["variants"]) == ["en"]
    assert _variant(acted(document, "body:mjml:de")) == {"subject": "s", "mjml": ""}


@pytest.mark.parametrize(
    "act", ["", "add:rocket:de", "up:b:fr:1", "up:b:de:9", "drop:de", "variant:../etc", "variant:de", "x"]
)
def test_acts_that_fit_nothing_change_nothing(act: str) -> None:
    document = _document(blocks=[{"text": "a"}])
    assert acted(document, act) == document


def test_windows_line_ends_become_plain_ones() -> None:
    document = read_content(
        {"variant_keys": "de", "v.de.body": "html", "v.de.html": "<p>\r\n</p>", "v.de.subject": "s"},
        {"kind": "content", "id": "x"},
    )
    assert _variant(document)["html"] == "<p>\n</p>"
