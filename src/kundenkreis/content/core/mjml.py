"""MJML with Liquid in it, made into the HTML of a mail.

Liquid breaks an XML parser as soon as it holds `<`, and percent-encoders maim it inside links. So each `{{ }}` and `{% %}` is
replaced by a plain word first and put back at the end. Styles are inlined once, when content is published; per recipient only Liquid runs.
Source: the MJML 4 language (documentation.mjml.io); compiled by mrml, inlined by css-inline.
"""

import re
from functools import lru_cache

import css_inline
import mrml

_LIQUID = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_COMMENT = re.compile(r"(<!--.*?-->)", re.DOTALL)
_ALONE = re.compile(r"(?:(?<=>)(?<!<title>)|^)\s*((?:LQ\d{5}QL\s*)+)(?=<|$)")
_ANCHOR = re.compile(r"<!--((?:LQ\d{5}QL\s*)+)-->")
_WORD = re.compile(r"LQ(\d{5})QL")
_REACHES_OUT = re.compile(r"<\s*mj-include\b", re.IGNORECASE)
_TEXT_PARTS = re.compile(
    r"<mj-(?P<tag>text|button|image|divider)\b(?P<attributes>[^>]*?)(?:/>|>(?P<inside>.*?)</mj-(?P=tag)\s*>)",
    re.DOTALL | re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"([\w-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_LINK = re.compile(r"<a\b[^>]*?\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)')[^>]*>(.*?)</a\s*>", re.DOTALL | re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>|</(?:li|tr)\s*>", re.IGNORECASE)
_PARAGRAPH = re.compile(r"</?(?:p|h[1-6]|ul|ol|table|div|blockquote)\b[^>]*>", re.IGNORECASE)
_ITEM = re.compile(r"<li\b[^>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"<[^>]+>")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": " "}
_RULE = "-" * 40


class MjmlProblemError(ValueError):
    """The MJML cannot be read. The text says why, in the words of the compiler."""


def to_html(source: str) -> str:
    """The HTML that this MJML stands for, Liquid untouched, styles inlined.

    Raises:
        MjmlProblemError: not well-formed, or it asks for files.
    """
    if _REACHES_OUT.search(source):
        raise MjmlProblemError("mj-include is not possible: content stands on its own")
    return _to_html(source)


@lru_cache(maxsize=200)
def _to_html(source: str) -> str:
    protected, held = protect(source)
    try:
        html = mrml.to_html(protected).content
    except OSError as error:
        raise MjmlProblemError(str(error)) from None
    inlined = css_inline.CSSInliner(keep_style_tags=True, load_remote_stylesheets=False).inline(_anchored(html))
    return restore(_ANCHOR.sub(r"\1", inlined), held)


def _anchored(html: str) -> str:
    """Words that stand alone between tags become comments: an HTML parser moves bare text out of tables, comments stay. Not in the title,
    which is all text.
    """
    parts = _COMMENT.split(
        html
    )  # outside, comment, outside, ...: conditional comments of Outlook hold tags of their own
    parts[::2] = [_ALONE.sub(r"<!--\1-->", part) for part in parts[::2]]
    return "".join(parts)


def protect(source: str) -> tuple[str, list[str]]:
    """(the source with a plain word for each piece of Liquid, those pieces)."""
    held: list[str] = []

    def word(match: re.Match[str]) -> str:
        held.append(match.group(0))
        return f"LQ{len(held) - 1:05d}QL"

    return _LIQUID.sub(word, source), held


def restore(text: str, held: list[str]) -> str:
    """The Liquid put back."""
    return _WORD.sub(lambda match: held[int(match.group(1))], text)


def to_text(source: str) -> str:
    """The plain text of this MJML, Liquid untouched: texts, `label: link` for buttons, the alternative text of images."""
    protected, held = protect(source)
    parts = [text for match in _TEXT_PARTS.finditer(protected) if (text := _part_text(match))]
    return restore("\n\n".join(parts), held) + "\n"


def _part_text(match: re.Match[str]) -> str:
    attributes = {name: one or other for name, one, other in _ATTRIBUTE.findall(match.group("attributes"))}
    inside = match.group("inside") or ""
    match match.group("tag").lower():
        case "button":
            return f"{plain(inside)}: {_decoded(attributes.get('href', ''))}".rstrip(": ")
        case "image":
            return _decoded(attributes.get("alt", ""))
        case "divider":
            return _RULE
        case _:
            return plain(inside)


def plain(html: str) -> str:
    """What this piece of HTML says without markup; links as `label: address`, paragraphs apart by an empty line."""
    text = _LINK.sub(lambda link: _linked(_MARKUP.sub("", link.group(3)).strip(), link.group(1) or link.group(2)), html)
    text = _ITEM.sub("- ", _PARAGRAPH.sub("\n\n", _BREAK.sub("\n", text)))
    text = _decoded(_MARKUP.sub("", text))
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _linked(label: str, address: str) -> str:
    return address if label in ("", address) else f"{label}: {address}"


def _decoded(text: str) -> str:
    for entity, character in _ENTITIES.items():
        if entity != "&amp;":
            text = text.replace(entity, character)
    return text.replace("&amp;", "&")
