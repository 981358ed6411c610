"""Content: compiled with line and remedy, rendered per person, failing as a value."""

import json
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

from kundenkreis.content.core.source import ContentSource, Problem, Variant, fallback_keys, version_of
from kundenkreis.content.core.templates import (
    DEFAULT_NAMES,
    Rendered,
    RenderFailed,
    check_content,
    compile_content,
    offered_names,
    render,
)
from kundenkreis.content.errors import ContentRefusedError

pytestmark = pytest.mark.pure

FOOT = "\n{{ unsubscribe_url }}\n{{ brand.imprint }}"
VARIABLES: dict[str, Any] = {
    "customer": {"first_name": "Änne", "last_name": "O'Neil", "language": "de"},
    "event": {
        "products": [{"name": "Tee & Tasse", "price": 12.5}],
        "until": "2026-11-30",
        "paid_us": 1_790_000_000_000_000,
    },
    "brand": {"imprint": "Muster GmbH, Musterweg 1", "name": "Muster"},
    "message": {"date": "2026-11-21"},
    "unsubscribe_url": "https://post.example/u/abc",
    "preferences_url": "https://post.example/p/abc",
}


def source(subject: str = "Hallo", text: str = "Guten Tag", html: str = "", **changes: Any) -> ContentSource:
    fields: dict[str, Any] = {
        "id": "greeting",
        "message_class": "service",
        "value": "Weiß, wie es weitergeht",
        "call_to_action": "none",
        "variants": {"de": Variant(subject=subject, text=text, html=html)},
    }
    return ContentSource(**(fields | changes))


def rendered(text: str, **keywords: Any) -> str:
    outcome = render(compile_content(source(text=text)), VARIABLES, "de", **keywords)
    assert isinstance(outcome, Rendered), outcome
    return outcome.text


def failed(text: str, variables: dict[str, Any] | None = None) -> RenderFailed:
    outcome = render(compile_content(source(text=text)), VARIABLES | (variables or {}), "de")
    assert isinstance(outcome, RenderFailed), outcome
    return outcome


def problems(text: str, **changes: Any) -> list[tuple[str, int, str]]:
    return [(problem.part, problem.line, problem.what) for problem in check_content(source(text=text, **changes))]


def test_html_is_escaped_text_and_subject_are_not() -> None:
    variables = VARIABLES | {"customer": {"first_name": '<b>"A"&</b>'}}
    content = compile_content(
        source("{{ customer.first_name }}", "{{ customer.first_name }}", "<p>{{ customer.first_name }}</p>")
    )
    assert render(content, variables, "de") == Rendered(
        subject='<b>"A"&</b>',
        html="<p>&lt;b&gt;&#34;A&#34;&amp;&lt;/b&gt;</p>",
        text='<b>"A"&</b>',
        language="de",
        form_of_address="sie",
    )


def test_data_is_never_parsed_again() -> None:
    hostile = "{{7*7}}{% for i in (1..9) %}x{% endfor %}{{ brand.imprint }}"
    variables = VARIABLES | {"customer": {"first_name": hostile}, "event": {"subject": hostile}}
    content = compile_content(
        source("{{ event.subject }}", "{{ customer.first_name }}", "{{ customer.first_name | upcase }}")
    )
    outcome = render(content, variables, "de")
    assert isinstance(outcome, Rendered)
    assert (outcome.subject, outcome.text) == (hostile, hostile)
    assert outcome.html == hostile.upper()


@pytest.mark.parametrize(
    ("attack", "what"),
    [
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "expected end of expression, found '.'"),
        ("{{ x|attr('__init__') }}", "expected end of expression, found '('"),
        ("{{ config }}", "unknown variable 'config'"),
        ('{{ env "DB" }}', "expected end of expression, found string"),
        ("{% include 'etc/passwd' %}", "unexpected tag 'include'"),
        ("{% render 'a' %}", "unexpected tag 'render'"),
        ("{% liquid assign a = 1 %}", "unexpected tag 'liquid'"),
        ("{{ customer.first_name | safe }}", "unknown filter 'safe'"),
        ("{{ 'YWJj' | base64_decode }}", "unknown filter 'base64_decode'"),
        ("{{ settings.SECRET_KEY }}", "unknown variable 'settings'"),
    ],
)
def test_introspection_is_refused_when_saving(attack: str, what: str) -> None:
    assert problems(f"Guten Tag\n{attack}") == [("text", 2, what)]


def test_what_is_no_template_is_literal_text() -> None:
    assert rendered("%db_password% ${x} <%= 7*7 %>") == "%db_password% ${x} <%= 7*7 %>"


def test_attributes_of_values_are_not_reachable() -> None:
    attack = "{{ customer.first_name.__class__ }}{{ event.products.append }}{{ event.products[0].__class__ }}"
    assert rendered("[" + attack + "]") == "[]"


def test_objects_may_not_enter() -> None:
    class Secret:
        def __str__(self) -> str:
            return "geheim"

    assert failed("{{ event.x }}", {"event": {"x": [Secret()]}}) == RenderFailed(
        "data", "variables may not hold a value of type Secret"
    )


@pytest.mark.parametrize(
    "bomb",
    [
        "{% for i in (1..1000000000) %}x{% endfor %}",
        "{% for i in (1..1000) %}{% for j in (1..1000) %}{% for k in (1..1000) %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for i in (1..3000) %}{% endfor %}" * 5,
        "{% assign s = 'aaaaaaaaaa' %}{% for i in (1..100) %}{% assign s = s | append: s %}{% endfor %}{{ s }}",
        "{{ 'aaaaaaaaaa'" + " | replace: 'a','aaaaaaaaaa'" * 12 + " }}",
        "{% assign a = (1..100000000) | join: 'x' %}",
        "{{ (1..100000000) | reverse | first }}",
        "{% assign n = 9 %}{% for i in (1..200) %}{% assign n = n | times: n %}{% endfor %}{{ n }}",
        "{% capture a %}"
        + "x" * 60_000
        + "{% endcapture %}{% for i in (1..5000) %}{{ a | upcase | size }}{% endfor %}",
        "{% assign a = 'a,b' | split: ',' %}{% for i in (1..100) %}{% assign a = a | concat: a %}{% endfor %}",
        "{% for i in (1..9000) %}" + "x" * 100 + "{% endfor %}",
    ],
)
def test_a_bomb_is_a_value_with_reason_limit(bomb: str) -> None:
    assert failed(bomb).reason == "limit"


def test_loops_nested_four_times_are_refused() -> None:
    nested = "".join(f"{{% for {x} in (1..2) %}}" for x in "abcd") + "{% endfor %}" * 4
    assert problems(nested) == [("text", 0, "loops nested deeper than 3")]


@pytest.mark.parametrize(
    "text",
    [
        "{{ 1 | divided_by: 0 }}",
        "{{ event.products | date: 5, 6, 7 }}",
        "{% for p in event.products %}{{ p | plus: p }}{% endfor %}",
    ],
)
def test_data_that_does_not_fit_fails_one_message_only(text: str) -> None:
    outcome = render(compile_content(source(text=text)), VARIABLES, "de")
    assert isinstance(outcome, RenderFailed | Rendered)
    if isinstance(outcome, RenderFailed):
        assert outcome.reason == "data"


def test_a_template_may_abort_with_its_reason() -> None:
    text = "{% if event.products[0].name contains 'Tee' %}{% abort_message 'Tee ist aus' %}{% endif %}Hallo"
    assert failed(text) == RenderFailed("aborted", "Tee ist aus", aborted=True)
    kaffee = {"event": {"products": [{"name": "Kaffee"}]}}
    outcome = render(compile_content(source(text=text)), VARIABLES | kaffee, "de")
    assert isinstance(outcome, Rendered)
    assert outcome.text == "Hallo"


def test_a_subject_that_comes_out_empty_is_not_sent() -> None:
    content = compile_content(source("{{ customer.title }}", "Hallo"))
    assert render(content, VARIABLES, "de") == RenderFailed(
        "empty_subject", "the subject came out empty for this person"
    )


def test_line_breaks_in_a_subject_collapse() -> None:
    content = compile_content(source("Für {{ customer.first_name }}", "Hallo"))
    outcome = render(content, VARIABLES | {"customer": {"first_name": "A\r\nBcc: x@y\u2028z\x85\x00"}}, "de")
    assert isinstance(outcome, Rendered)
    assert outcome.subject == "Für A Bcc: x@y z"


def test_unknown_variables_are_refused_with_line_and_remedy() -> None:
    found = check_content(source(text="Zeile 1\n\n{{ customer.frist_name }}"))
    assert found == (
        Problem(
            "de",
            "text",
            3,
            "unknown variable customer.frist_name",
            "Did you mean customer.first_name? Otherwise declare the attribute, or add `| default: ...`",
        ),
    )
    with pytest.raises(ContentRefusedError) as refused:
        compile_content(source(text="{{ customer.frist_name }}"))
    assert (
        str(refused.value).splitlines()[1].startswith("variant de, text, line 1: unknown variable customer.frist_name.")
    )


@pytest.mark.parametrize(
    "text",
    [
        "{{ customer.shoe_size | default: 'unbekannt' }}",
        "{{ event.anything.at.all }}",
        "{% for p in event.products %}{{ p.name }}{{ forloop.index }}{% endfor %}",
        "{% assign x = event.total %}{{ x }}",
        "{% capture y %}a{% endcapture %}{{ y }}",
        "{{ brand.colour }}{{ message.date }}{{ journey.name }}",
    ],
)
def test_names_that_are_known(text: str) -> None:
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{% if customer.shoe_size == 42 %}x{% endif %}", "unknown variable customer.shoe_size"),
        ("{% for p in nirgends %}{% endfor %}", "unknown variable 'nirgends'"),
        ("{{ event.a | append: customer.nope }}", "unknown variable customer.nope"),
        ("{{ customer[event.a] }}", "customer without a plain attribute name"),
        ("{% assign customer = 1 %}", "customer is bound anew"),
        ("{% for event in brand.list %}{% endfor %}", "event is bound anew"),
        ("{{ unsubscribe_url.x }}", "unsubscribe_url is a text"),
    ],
)
def test_names_that_are_not_known(text: str, what: str) -> None:
    assert [problem[2] for problem in problems(text)] == [what]


def test_declared_attributes_are_known() -> None:
    item = source(text="{{ customer.shoe_size }}")
    assert check_content(item, known=DEFAULT_NAMES.with_attributes({"shoe_size"})) == ()


@pytest.mark.parametrize(
    ("language", "form", "expected"),
    [
        ("de-AT", "", "AT"),
        ("de-AT", "du", "du"),
        ("de-CH", "", "de"),
        ("de", "du", "du"),
        ("en-GB", "", "en"),
        ("fr", "", "de"),
        ("fr", "du", "du"),
        ("", "", "de"),
        ("de-AT", "sie", "AT"),
    ],
)
def test_language_and_form_fall_back(language: str, form: str, expected: str) -> None:
    names = {"de": "de", "de-AT": "AT", "de/du": "du", "en": "en"}
    variants = {key: Variant(subject="s", text=text) for key, text in names.items()}
    outcome = render(compile_content(source(variants=variants)), VARIABLES, language, form_of_address=form)
    assert isinstance(outcome, Rendered)
    assert outcome.text == expected
    assert outcome.form_of_address == {"du": "du", "en": ""}.get(expected, "sie")


def test_a_du_variant_is_preferred_to_a_regional_sie() -> None:
    item = source(variants={"de": Variant(subject="s", text="t")}, form_of_address="sie")
    keys = fallback_keys(item, "de-AT", "du")
    assert keys == ["de-AT/du", "de/du", "de-AT", "de", "de-AT/sie", "de/sie"]


def test_money_dates_and_numbers_come_in_the_readers_way() -> None:
    text = (
        "{{ 1234.5 | money: 'EUR' }}|{{ 123450 | money_minor: 'USD' }}|{{ '9,9' | money }}|"
        "{{ event.until | date: 'd. MMMM' }}|"
        "{{ event.until | date: '%-d. %B %Y' }}|{{ event.until | date }}|{{ 1234.5 | number }}|{{ 'x' | date }}"
    )
    assert rendered(text) == "1.234,50\xa0€|1.234,50\xa0$||30. November|30. November 2026|30.11.2026|1.234,5|"
    english = source(variants={"en": Variant(subject="s", text=text)}, default_language="en")
    outcome = render(compile_content(english), VARIABLES, "en")
    assert isinstance(outcome, Rendered)
    assert outcome.text == "€1,234.50|$1,234.50||30. November|30. November 2026|Nov 30, 2026|1,234.5|"


def test_instants_are_shown_in_the_zone() -> None:
    assert rendered("{{ event.paid_us | date: 'yyyy-MM-dd HH:mm' }}", zone_name="Asia/Tokyo") == "2026-09-21 23:13"
    assert rendered("{{ event.paid_us | date: 'yyyy-MM-dd HH:mm' }}") == "2026-09-21 16:13"
    assert rendered("{{ event.until | date: 'yyyy-MM-dd', 'America/New_York' }}") == "2026-11-30"


def test_a_plain_date_does_not_move_with_the_zone() -> None:
    assert rendered("{{ event.until | date: 'yyyy-MM-dd' }}", zone_name="Pacific/Auckland") == "2026-11-30"


def test_the_preheader_stands_hidden_at_the_start_of_the_body() -> None:
    variant = Variant(
        subject="s",
        text="t",
        html="<html><body class=x><p>y</p></body></html>",
        preheader="Für {{ customer.first_name }} &",
    )
    outcome = render(compile_content(source(variants={"de": variant})), VARIABLES, "de")
    assert isinstance(outcome, Rendered)
    assert outcome.html == (
        '<html><body class=x><div style="display:none;max-height:0;overflow:hidden;mso-hide:all">Für Änne &</div>'
        "<p>y</p></body></html>"
    )


def test_the_version_is_the_hash_of_the_source() -> None:
    assert version_of(source()) == version_of(source())
    assert len(version_of(source())) == 32
    assert len({version_of(source()), version_of(source(text="x")), version_of(source(value="y"))}) == 3


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"value": " "}, "no stated value"),
        ({"variants": {}}, "no variants"),
        ({"variants": {"en": Variant(subject="s", text="t")}}, "no variant in the default language 'de'"),
        ({"variants": {"de": Variant(subject=" ", text="t")}}, "no subject"),
        ({"variants": {"de": Variant(subject="s", text="")}}, "no text part"),
        ({"variants": {"de": Variant(subject="a\nb", text="t")}}, "a subject of several lines"),
        (
            {"variants": {"de": Variant(subject="s", text="t"), "Deutsch": Variant(subject="s", text="t")}},
            "unknown variant key 'Deutsch'",
        ),
        ({"variants": {"de": Variant(subject="s", text="x" * 300_000)}}, "300000 characters"),
    ],
)
def test_items_that_are_refused_for_their_shape(changes: dict[str, Any], what: str) -> None:
    assert [problem.what for problem in check_content(source(**changes))] == [what]


def test_an_unknown_filter_names_the_one_that_was_meant() -> None:
    (problem,) = check_content(source(text="{{ customer.first_name | upcasse }}"))
    assert problem.remedy.startswith("Did you mean upcase? Filters that exist: abs, append, ")


def test_an_unknown_tag_names_those_that_exist() -> None:
    (problem,) = check_content(source(text="{% include 'x' %}"))
    assert problem.remedy == (
        "Tags that exist: #, abort_message, assign, break, capture, case, comment, continue, cycle, echo, for, if, unless"
    )


def test_an_enormous_name_fails_its_message_only() -> None:
    content = compile_content(source(text="Guten Tag {{ customer.first_name }}"))
    outcome = render(content, VARIABLES | {"customer": {"first_name": "🎉" * 300_000}}, "de")
    assert isinstance(outcome, RenderFailed)
    assert outcome.reason == "limit"


def test_naughty_strings_pass_through_templates_as_themselves() -> None:
    texts = json.loads((Path(__file__).parents[2] / "data" / "hostile_texts.json").read_text("utf-8"))
    assert len(texts) > 500
    content = compile_content(
        source("S {{ customer.first_name }}", "{{ customer.first_name }}", "<p>{{ event.x }}</p>")
    )
    for hostile in texts:
        variables = VARIABLES | {"customer": {"first_name": hostile}, "event": {"x": hostile}}
        outcome = render(content, variables, "de")
        assert isinstance(outcome, Rendered)
        assert outcome.text == hostile
        assert unescape(outcome.html) == unescape(f"<p>{escape(hostile)}</p>")
        assert set(outcome.html[3:-4]).isdisjoint("<>\"'")


def test_a_brand_on_first_name_terms_speaks_so_to_everybody_of_whom_no_form_is_known() -> None:
    variants = {key: Variant(subject=key, text=key) for key in ("de", "de/du", "en")}
    source = ContentSource(
        id="x", message_class="service", value="v", call_to_action="read", variants=variants, form_of_address="du"
    )
    compiled = compile_content(source)
    rendered = [render(compiled, {}, *asked) for asked in (("de",), ("en",), ("fr",))]
    assert [one.text for one in rendered if isinstance(one, Rendered)] == ["de/du", "en", "de/du"]


def test_what_is_offered_is_known_to_the_check_and_what_is_declared_is_offered_under_every_name() -> None:
    known = DEFAULT_NAMES.with_attributes({"favourite_tea", "createdAt"})
    offered = offered_names(known, declared={"favourite_tea", "createdAt"}, event=("order_id", "total", "order_id"))
    template = "".join("{{ " + name + " }}" for name in offered)
    assert check_content(source(text=template + FOOT), known=known) == ()
    assert [name for name in offered if not name.startswith(("customer.", "brand.", "message.", "journey."))] == [
        "event.order_id", "event.total", "preferences_url", "unsubscribe_url",
    ]  # fmt: skip
    assert [name for name in offered if name.startswith("customer.address")] == [
        f"customer.address.{part}" for part in ("city", "country", "postalCode", "state", "street")
    ]
    assert [f"customer.{name}" in offered for name in ("favourite_tea", "createdAt", "phase")] == [True] * 3
    assert "customer.createdAt" not in offered_names(known)
    assert "customer.favourite_tea" not in offered_names(DEFAULT_NAMES)
