"""MJML with Liquid: compiled, inlined, and read as plain text."""

import pytest

from kundenkreis.content.core.mjml import MjmlProblemError, plain, to_html, to_text
from kundenkreis.content.core.source import ContentSource, Variant
from kundenkreis.content.core.templates import check_content

pytestmark = pytest.mark.pure

SOURCE = """<mjml><mj-body><mj-section><mj-column>
  <mj-text><p>Guten Tag {{ customer.first_name | default: "<Sie>" }},</p><p>zwei<br/>Zeilen &amp; <a href="{{ unsubscribe_url }}">Abmelden</a></p>
  <ul><li>eins</li><li>zwei</li></ul></mj-text>
  <mj-raw>{% if event.total < 5 %}</mj-raw><mj-button href="https://a.example/?x=1&amp;y={{ event.id }}">Los</mj-button><mj-raw>{% endif %}</mj-raw>
  <mj-image src="https://a.example/a.png" alt="Ein Korb" /><mj-divider />
</mj-column></mj-section></mj-body></mjml>"""


def test_html_keeps_every_piece_of_liquid_as_written() -> None:
    html = to_html(SOURCE)
    for piece in (
        '{{ customer.first_name | default: "<Sie>" }}',
        "{% if event.total < 5 %}",
        "{% endif %}",
        "y={{ event.id }}",
    ):
        assert html.count(piece) == 1
    assert html.index("{% if event.total < 5 %}") < html.index("Los") < html.index("{% endif %}")
    assert "LQ0" not in html


def test_text_is_made_of_what_people_read() -> None:
    assert to_text(SOURCE) == (
        'Guten Tag {{ customer.first_name | default: "<Sie>" }},\n\nzwei\nZeilen & Abmelden: {{ unsubscribe_url }}\n\n'
        "- eins\n- zwei\n\nLos: https://a.example/?x=1&y={{ event.id }}\n\nEin Korb\n\n----------------------------------------\n"
    )


def test_files_are_never_read() -> None:
    with pytest.raises(MjmlProblemError, match="mj-include"):
        to_html('<mjml><mj-body><mj-include path="/etc/passwd"/></mj-body></mjml>')


def test_broken_mjml_is_a_problem_with_its_place() -> None:
    source = ContentSource(
        id="x",
        message_class="service",
        value="v",
        call_to_action="read",
        variants={"de": Variant(subject="s", mjml="<mjml><mj-body><mj-section></mj-body></mjml>")},
    )
    assert [(each.variant, each.part) for each in check_content(source)] == [("de", "mjml")]


def test_plain_decodes_entities_once() -> None:
    assert plain("<p>a &amp;lt; b</p>") == "a &lt; b"


def test_a_title_is_text_and_no_comment() -> None:
    body = "<mj-body><mj-section><mj-column><mj-text>Hallo</mj-text></mj-column></mj-section></mj-body>"
    source = f"<mjml><mj-head><mj-title>{{{{ brand.name }}}}</mj-title></mj-head>{body}</mjml>"
    assert "<title>{{ brand.name }}</title>" in to_html(source)
