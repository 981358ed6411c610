"""Blocks become a mail in the brand's frame: HTML and text say the same, hostile data stays data."""

import pytest

from kundenkreis.content.core.blocks import Block, Button, Image, Look
from kundenkreis.content.core.source import ContentSource, Variant
from kundenkreis.content.core.templates import Rendered, check_content, compile_content, render

pytestmark = pytest.mark.pure

VARIABLES = {
    "customer": {"first_name": '<b>"Ann" & Co'},
    "event": {"url": "https://shop.example/?a=1&b=2"},
    "brand": {"name": "Kreis & Laden", "imprint": "Musterweg 1"},
    "unsubscribe_url": "https://shop.example/u/1",
    "preferences_url": "https://shop.example/p/1",
}


def _source(
    *blocks: Block, message_class: str = "marketing", look: Look | None = None, key: str = "de", **parts: str
) -> ContentSource:
    variant = Variant(subject="Neues", blocks=blocks, **parts)
    return ContentSource(
        id="news",
        message_class=message_class,  # type: ignore[arg-type] - a literal by the callers
        value="Was es Neues gibt",
        call_to_action="read",
        variants={key: variant},
        default_language=key[:2],
        look=look or Look(),
    )


def _rendered(source: ContentSource) -> Rendered:
    rendered = render(compile_content(source), VARIABLES, source.default_language)
    assert isinstance(rendered, Rendered)
    return rendered


def test_text_says_what_the_blocks_say() -> None:
    rendered = _rendered(
        _source(
            Block(heading="Guten Tag {{ customer.first_name }}"),
            Block(text="Das ist **neu** und *schön*: [zum Laden](https://shop.example/)\n\nZweiter Absatz"),
            Block(items=["eins", "**zwei**"]),
            Block(image=Image(src="https://shop.example/a.png", alt="Ein Korb", url="https://shop.example/a")),
            Block(button=Button(label="Ansehen", url="{{ event.url | safe_url }}")),
            Block(spacer=20),
            Block(divider=True),
            Block(quote="Sehr gut"),
            message_class="service",
        )
    )
    assert rendered.text == (
        'Guten Tag <b>"Ann" & Co\n\nDas ist neu und schön: zum Laden: https://shop.example/\n\nZweiter Absatz\n\n- eins\n- zwei\n\n'
        "Ein Korb: https://shop.example/a\n\nAnsehen: https://shop.example/?a=1&b=2\n\n----------------------------------------\n\n"
        "Sehr gut\n\n--\nMusterweg 1\n"
    )


def test_html_escapes_data_and_keeps_links_whole() -> None:
    html = _rendered(
        _source(
            Block(heading="{{ customer.first_name }} & wir"),
            Block(button=Button(label="A < B", url="{{ event.url | safe_url }}")),
        )
    ).html
    assert "&lt;b&gt;&#34;Ann&#34; &amp; Co &amp; wir" in html
    assert 'href="https://shop.example/?a=1&amp;b=2"' in html
    assert "A &lt; B" in html
    assert "LQ0" not in html
    assert "{{" not in html


def test_liquid_with_smaller_than_survives_the_compiler() -> None:
    source = _source(Block(text="{% if customer.age < 5 %}klein{% else %}groß{% endif %}"))
    assert "groß" in _rendered(source).html


def test_marketing_frame_brings_imprint_and_the_way_out() -> None:
    rendered = _rendered(_source(Block(text="Hallo")))
    for said in ("https://shop.example/u/1", "https://shop.example/p/1", "Musterweg 1"):
        assert said in rendered.html
        assert said in rendered.text


@pytest.mark.parametrize(
    ("key", "sentence"),
    [("de", "Sie erhalten diese E-Mail"), ("de/du", "Du erhältst diese E-Mail"), ("en", "You receive this e-mail")],
)
def test_frame_speaks_the_language_and_form_of_its_variant(key: str, sentence: str) -> None:
    rendered = _rendered(_source(Block(text="Hallo"), key=key))
    assert sentence in rendered.text
    assert sentence in rendered.html


def test_look_of_the_brand_colours_the_mail_and_counts_as_another_version() -> None:
    plain, red = _source(Block(text="Hallo")), _source(Block(text="Hallo"), look=Look(primary="#aa0000"))
    assert "#aa0000" not in _rendered(plain).html
    assert "#aa0000" in _rendered(red).html
    assert compile_content(plain).version != compile_content(red).version


def test_a_mistake_in_a_block_is_said_once() -> None:
    problems = check_content(_source(Block(text="Hallo {{ customer.frist_name }}")))
    assert [(each.part, each.line, each.what) for each in problems] == [
        ("blocks", 0, "unknown variable customer.frist_name")
    ]


def test_promotion_in_a_service_block_is_refused() -> None:
    problems = check_content(_source(Block(text="Jetzt kaufen mit 10 % Rabatt"), message_class="service"))
    assert {each.part for each in problems} == {"blocks"}


def test_two_ways_of_writing_one_body_are_refused() -> None:
    problems = check_content(_source(Block(text="Hallo"), html="<p>Hallo</p>"))
    assert [each.what for each in problems][:1] == ["blocks and html at the same time"]
