"""E-mail content in blocks: a list of headings, texts, buttons and images, laid out in the brand's look as MJML and as plain text.

What an editor shows as a form is here plain data; people who want more write MJML or HTML. The frame (logo, imprint, way out)
comes from the brand and the message class, so no block can forget it.
"""

import re
from collections.abc import Callable, Iterator
from html import escape
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from kundenkreis.content.core.frame_texts import FrameTexts, frame_texts
from kundenkreis.content.core.mjml import protect, restore

COLOUR_PATTERN = "^#[0-9a-fA-F]{6}$"
Colour = Annotated[str, Meta(pattern=COLOUR_PATTERN, description="A colour such as #3c5a3c")]
Written = Annotated[str, Meta(min_length=1, max_length=20_000)]

FONTS = {
    "sans": "Arial, Helvetica, sans-serif",
    "serif": "Georgia, 'Times New Roman', serif",
    "system": "system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif",
}
"""Fonts that mail programs have; web fonts would be fetched from somewhere."""


class Look(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a brand's mails look."""

    primary: Colour = "#3c5a3c"
    """Buttons, links, the brand's name."""
    on_primary: Colour = "#ffffff"
    """Text on it."""
    text: Colour = "#222222"
    muted: Colour = "#5f6368"
    surface: Colour = "#ffffff"
    background: Colour = "#f4f1ea"
    font: Literal["sans", "serif", "system"] = "sans"
    logo: str = ""
    """Address of the logo; "" = the brand's name in letters."""
    logo_width: Annotated[int, Meta(ge=16, le=600)] = 140
    """Pixels."""
    corners: Annotated[int, Meta(ge=0, le=40)] = 8
    """Radius of cards and buttons in pixels."""


class Button(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A button that leads somewhere."""

    label: Written
    url: Written


class Image(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A picture. What it shows is said in `alt`; "" only where it decorates."""

    src: Written
    alt: str
    url: str = ""
    width: Annotated[int, Meta(ge=16, le=600)] = 536
    """Pixels."""


class Block(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One block: exactly one of these keys. Texts know **bold**, *italic* and [label](address); an empty line parts paragraphs."""

    heading: Written | None = None
    text: Written | None = None
    button: Button | None = None
    image: Image | None = None
    items: list[Written] | None = None
    """A list with bullets."""
    quote: Written | None = None
    divider: bool | None = None
    spacer: Annotated[int, Meta(ge=4, le=120)] | None = None
    """Empty height in pixels."""


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds the blocks."""

    look: Look
    language: str
    form_of_address: str
    """sie, du or ""."""
    is_marketing: bool
    preheader: str = ""
    why: str = ""
    """Why this mail came; "" = the general sentence of the language."""


_STRONG = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
_EMPHASIS = re.compile(r"(?<!\*)\*([^*\s][^*]*?)\*(?!\*)")
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


def blocks_to_mjml(blocks: list[Block], frame: Frame) -> str:
    """The blocks in the brand's frame, as MJML with Liquid."""
    look, texts = frame.look, frame_texts(frame.language, frame.form_of_address)
    font = FONTS[look.font]
    inner = "".join(_block_mjml(block, look) for block in blocks)
    preview = f"<mj-preview>{_written(frame.preheader)}</mj-preview>" if frame.preheader else ""
    head = (
        f"<mj-head><mj-title>{{{{ brand.name }}}}</mj-title>{preview}"
        f'<mj-attributes><mj-all font-family="{font}"/>'
        f'<mj-text font-size="16px" line-height="1.55" color="{look.text}" padding="8px 32px"/>'
        f'<mj-button align="left" font-size="16px" padding="12px 32px" inner-padding="12px 22px" background-color="{look.primary}"'
        f' color="{look.on_primary}" border-radius="{look.corners}px"/>'
        '<mj-image align="left" padding="8px 32px"/><mj-divider border-width="1px" border-color="#dddddd" padding="12px 32px"/>'
        "</mj-attributes></mj-head>"
    )
    footer = "".join(
        f'<mj-text font-size="13px" line-height="1.5" color="{look.muted}" padding="4px 32px">{line}</mj-text>'
        for line in _footer(frame, texts, look)
    )
    return (
        f'<mjml lang="{escape(frame.language)}">{head}<mj-body background-color="{look.background}" width="600px">'
        '<mj-section padding="12px 0"></mj-section>'
        f'<mj-section background-color="{look.surface}" border-radius="{look.corners}px" padding="20px 0 24px"><mj-column>'
        f"{_brand_mjml(look)}{inner}</mj-column></mj-section>"
        f'<mj-section padding="12px 0 24px"><mj-column>{footer}</mj-column></mj-section></mj-body></mjml>'
    )


def blocks_to_text(blocks: list[Block], frame: Frame) -> str:
    """The same as plain text with Liquid."""
    texts = frame_texts(frame.language, frame.form_of_address)
    parts = [text for block in blocks if (text := _block_text(block))]
    if frame.is_marketing:
        parts.append(
            "\n".join(
                [
                    "--",
                    frame.why or texts.why,
                    f"{texts.choose}: {{{{ preferences_url }}}}",
                    f"{texts.leave}: {{{{ unsubscribe_url }}}}",
                    "{{ brand.imprint }}",
                ]
            )
        )
    else:
        parts.append("--\n{{ brand.imprint }}")
    return "\n\n".join(parts) + "\n"


def _brand_mjml(look: Look) -> str:
    if look.logo:
        return f'<mj-image src="{escape(look.logo)}" alt="{{{{ brand.name }}}}" width="{look.logo_width}px" padding="8px 32px 16px"/>'
    return f'<mj-text font-size="20px" color="{look.primary}" padding="8px 32px 12px">{{{{ brand.name }}}}</mj-text>'


def _footer(frame: Frame, texts: FrameTexts, look: Look) -> Iterator[str]:
    if frame.is_marketing:
        style = f'style="color:{look.muted}"'
        yield _written(frame.why or texts.why)
        yield (
            f'<a href="{{{{ preferences_url }}}}" {style}>{escape(texts.choose)}</a> · '
            f'<a href="{{{{ unsubscribe_url }}}}" {style}>{escape(texts.leave)}</a>'
        )
    yield "{{ brand.imprint }}"


def _block_mjml(block: Block, look: Look) -> str:
    for kind, write in _MJML.items():
        if (written := getattr(block, kind)) is not None:
            return write(written, look)
    return ""


def _block_text(block: Block) -> str:
    for kind, write in _TEXT.items():
        if (written := getattr(block, kind)) is not None:
            return write(written)
    return ""


def _heading_mjml(heading: str, look: Look) -> str:
    style = "margin:0;font-size:24px;line-height:1.3;font-weight:600"
    return f'<mj-text><h1 style="{style}">{_marked(heading, look)}</h1></mj-text>'


def _button_mjml(button: Button, look: Look) -> str:
    return f'<mj-button href="{_address(button.url)}">{_written(button.label)}</mj-button>'


def _image_mjml(image: Image, look: Look) -> str:
    link = f' href="{_address(image.url)}"' if image.url else ""
    return f'<mj-image src="{_address(image.src)}" alt="{_written(image.alt)}" width="{image.width}px"{link}/>'


def _items_mjml(items: list[str], look: Look) -> str:
    inner = "".join(f'<li style="margin-bottom:8px">{_marked(item, look)}</li>' for item in items)
    return f'<mj-text><ul style="margin:0;padding-left:20px">{inner}</ul></mj-text>'


def _quote_mjml(quote: str, look: Look) -> str:
    style = f"margin:0;padding-left:16px;border-left:3px solid {look.primary}"
    return f'<mj-text><blockquote style="{style}">{_paragraphs(quote, look)}</blockquote></mj-text>'


_MJML: dict[str, Callable[[Any, Look], str]] = {
    "heading": _heading_mjml,
    "text": lambda text, look: f"<mj-text>{_paragraphs(text, look)}</mj-text>",
    "button": _button_mjml,
    "image": _image_mjml,
    "items": _items_mjml,
    "quote": _quote_mjml,
    "divider": lambda shown, _look: "<mj-divider/>" if shown else "",
    "spacer": lambda height, _look: f'<mj-spacer height="{height}px"/>',
}


def _paragraphs_text(text: str) -> str:
    return "\n\n".join(_unmarked(part) for part in _parted(text))


def _image_text(image: Image) -> str:
    return f"{image.alt}: {image.url}" if image.alt and image.url else image.alt


_TEXT: dict[str, Callable[[Any], str]] = {
    "heading": lambda text: _unmarked(text),  # noqa: PLW0108 - defined below
    "text": _paragraphs_text,
    "button": lambda button: f"{button.label}: {button.url}",
    "image": _image_text,
    "items": lambda items: "\n".join(f"- {_unmarked(item)}" for item in items),
    "quote": _paragraphs_text,
    "divider": lambda shown: "-" * 40 if shown else "",
    "spacer": lambda _height: "",
}
KINDS = tuple(_MJML)
"""Kinds of blocks, in the order of the editor's palette."""


def _parted(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def _paragraphs(text: str, look: Look) -> str:
    parts = (_marked(part, look).replace("\n", "<br />") for part in _parted(text))
    return "".join(f'<p style="margin:0 0 12px">{part}</p>' for part in parts)


def _written(text: str) -> str:
    """Text as XML, its Liquid left alone."""
    protected, held = protect(text)
    return restore(escape(protected), held)


def _address(url: str) -> str:
    return _written(url.strip())


def _marked(text: str, look: Look) -> str:
    """Text with its marks as HTML; Liquid is kept away from them."""
    protected, held = protect(text)
    marked = escape(protected, quote=False)
    marked = _LINK.sub(
        lambda link: (
            f'<a href="{link.group(2).replace(chr(34), "%22")}" style="color:{look.primary}">{link.group(1)}</a>'
        ),
        marked,
    )
    marked = _EMPHASIS.sub(r"<em>\1</em>", _STRONG.sub(r"<strong>\1</strong>", marked))
    return restore(marked, held)


def _unmarked(text: str) -> str:
    protected, held = protect(text)
    bare = _EMPHASIS.sub(r"\1", _STRONG.sub(r"\1", _LINK.sub(r"\1: \2", protected)))
    return restore(bare, held)
