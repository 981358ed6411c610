"""A content item as a form: what it is for, and its variants in blocks, MJML or HTML; read back as the same document.

Fields of a variant begin with "v.<key>."; its blocks are "v.de.b.0.text" and so on. Buttons post an act such as "add:text:de" or
"up:de:2", which changes the document read from the same form.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kundenkreis.content.core.blocks import KINDS

Data = Mapping[str, str]
Document = dict[str, Any]
BODIES = ("blocks", "mjml", "html")
_KEY = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?(/(sie|du))?")
_TEXTS = ("subject", "preheader", "why", "text", "mjml", "html")
_MOST_BLOCKS = 200


@dataclass(frozen=True, kw_only=True)
class BlockForm:
    """One block as the editor shows it."""

    number: int
    kind: str
    name: str
    """What its fields begin with: "v.de.b.0"."""
    value: Any
    """The text, or a mapping of a button's or picture's fields; items one per line."""
    is_first: bool
    is_last: bool


@dataclass(frozen=True, kw_only=True)
class VariantForm:
    """One variant as the editor shows it."""

    key: str
    name: str
    """What its fields begin with: "v.de"."""
    body: str
    """blocks, mjml or html."""
    texts: Mapping[str, str]
    blocks: tuple[BlockForm, ...]


def variant_forms(document: Mapping[str, Any]) -> tuple[VariantForm, ...]:
    """The variants of a document, in its order."""
    return tuple(_variant_form(key, held or {}) for key, held in (document.get("variants") or {}).items())


def _variant_form(key: str, held: Mapping[str, Any]) -> VariantForm:
    blocks = held.get("blocks") or []
    body = next((name for name in BODIES if held.get(name)), "blocks")
    return VariantForm(
        key=key,
        name=f"v.{key}",
        body=body,
        texts={name: str(held.get(name) or "") for name in _TEXTS},
        blocks=tuple(_block_form(key, number, block, len(blocks)) for number, block in enumerate(blocks)),
    )


def _block_form(key: str, number: int, block: Mapping[str, Any], count: int) -> BlockForm:
    kind = next((name for name in KINDS if name in block), "text")
    value = block.get(kind)
    if kind == "items":
        value = "\n".join(str(item) for item in value or ())
    return BlockForm(
        number=number,
        kind=kind,
        name=f"v.{key}.b.{number}",
        value=value,
        is_first=number == 0,
        is_last=number == count - 1,
    )


def read_content(data: Data, before: Mapping[str, Any]) -> Document:
    """The document that a posted form stands for; what the form does not show is kept from `before`."""
    document: Document = dict(before)
    for name in ("name", "value"):
        document[name] = {
            language: text.strip() for language in ("de", "en") if (text := data.get(f"{name}_{language}", "")).strip()
        }
    for name in ("message_class", "call_to_action"):
        document[name] = data.get(name, "") or document.get(name, "")
    for name in ("phases", "personas"):
        chosen = [key.split(":", 1)[1] for key in data if key.startswith(f"{name}:")]
        document.pop(name, None)
        if chosen:
            document[name] = chosen
    document.pop("up_to_date_until", None)
    if until := data.get("up_to_date_until", "").strip():
        document["up_to_date_until"] = until
    keys = [key for key in data.get("variant_keys", "").split(" ") if _KEY.fullmatch(key)]
    document["variants"] = {key: _read_variant(data, f"v.{key}") for key in keys[:20]}
    return document


def _read_variant(data: Data, name: str) -> Document:
    body = data.get(f"{name}.body", "blocks")
    held: Document = {"subject": data.get(f"{name}.subject", "").strip()}
    for part in ("preheader", "why"):
        if text := data.get(f"{name}.{part}", "").strip():
            held[part] = text
    if body == "blocks":
        blocks = [
            _read_block(data, f"{name}.b.{number}")
            for number in range(_MOST_BLOCKS)
            if f"{name}.b.{number}.kind" in data
        ]
        held["blocks"] = [block for block in blocks if block]
    else:
        held[body] = _lines(data.get(f"{name}.{body}", ""))
    if text := _lines(data.get(f"{name}.text", "")).strip("\n"):
        held["text"] = text + "\n"
    return held


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")


def _read_block(data: Data, name: str) -> Document:  # noqa: PLR0911 - one line per kind
    kind = data.get(f"{name}.kind", "")
    text = _lines(data.get(f"{name}.{kind}", "")).strip()
    match kind:
        case "button":
            return {kind: {part: data.get(f"{name}.{part}", "").strip() for part in ("label", "url")}}
        case "image":
            return {kind: _read_image(data, name)}
        case "items":
            return {kind: [line.strip() for line in text.split("\n") if line.strip()]}
        case "divider":
            return {kind: True}
        case "spacer":
            return {kind: int(text) if re.fullmatch(r"\d{1,3}", text) else 24}
        case _ if kind in KINDS:
            return {kind: text}
    return {}


def _read_image(data: Data, name: str) -> Document:
    image: Document = {part: data.get(f"{name}.{part}", "").strip() for part in ("src", "alt", "url")}
    if not image["url"]:
        del image["url"]
    if re.fullmatch(r"\d{1,3}", width := data.get(f"{name}.width", "")) and int(width) != 536:
        image["width"] = int(width)
    return image


_EMPTY: Mapping[str, Any] = {
    "button": {"label": "", "url": ""}, "image": {"src": "", "alt": ""}, "items": [], "divider": True, "spacer": 24,
}  # fmt: skip


def acted(document: Document, act: str) -> Document:
    """The document after a button was pressed; an act that fits nothing changes nothing.

    Acts: add:KIND:VARIANT (a block at the end), remove|up|down::VARIANT:NUMBER as "up:b:de:2", variant:KEY (one more variant, begun as a copy of
    the first), drop:KEY, body:WAY:VARIANT (write it as blocks, mjml or html).
    """
    verb, *rest = act.split(":")
    variants = document.get("variants") or {}
    if verb == "variant" and len(rest) == 1 and _KEY.fullmatch(rest[0]) and rest[0] not in variants:
        first = next(iter(variants.values()), {"subject": "", "blocks": [{"text": ""}]})
        return document | {"variants": variants | {rest[0]: dict(first)}}
    if verb == "drop" and len(rest) == 1 and len(variants) > 1:
        return document | {"variants": {key: held for key, held in variants.items() if key != rest[0]}}
    if len(rest) >= 2 and rest[1] in variants:
        changed = _with_body(variants[rest[1]], verb, rest[0], rest[2] if len(rest) > 2 else "")
        return document | {"variants": variants | {rest[1]: changed}}
    return document


def _with_body(variant: Mapping[str, Any], verb: str, word: str, number: str) -> Document:
    held = dict(variant)
    blocks = list(held.get("blocks") or [])
    if verb == "body" and word in BODIES:
        kept = {name: held.pop(name, None) for name in BODIES}
        held[word] = kept[word] or ([{"text": ""}] if word == "blocks" else "")
        return held
    if verb == "add" and word in KINDS and len(blocks) < _MOST_BLOCKS:
        held["blocks"] = [*blocks, {word: _EMPTY.get(word, "")}]
    if number.isdigit() and int(number) < len(blocks):
        place = int(number)
        block = blocks.pop(place)
        if verb != "remove":
            blocks.insert(max(place + (-1 if verb == "up" else 1), 0), block)
        held["blocks"] = blocks
    return held
