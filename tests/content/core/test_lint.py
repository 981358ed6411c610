"""What a message class may not say, and what it must."""

import pytest

from kundenkreis.content.core.bodies import expanded
from kundenkreis.content.core.lint import lint
from kundenkreis.content.core.source import ContentSource, MessageClass, Problem, Variant

pytestmark = pytest.mark.pure


def problems_of(source: ContentSource) -> tuple[Problem, ...]:
    return lint(source, expanded(source)[0])


def item(text: str, message_class: MessageClass = "transactional", html: str = "") -> ContentSource:
    return ContentSource(
        id="c",
        message_class=message_class,
        value="v",
        call_to_action="none",
        variants={"de": Variant(subject="Ihre Bestellung", text=text, html=html)},
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Ihr Gutschein: {{ event.code }}", "a coupon or discount ('Gutschein')"),
        ("10 % auf alles", "a coupon or discount ('10 % auf')"),
        ("{{ event.coupon_code }}", "a coupon or discount ('coupon_code')"),
        ("Das könnte Ihnen auch gefallen: ...", "a product block ('Das könnte Ihnen auch gefallen')"),
        ("{% for p in event.recommended_products %}{% endfor %}", "a product block ('recommended_products')"),
        ("Bewerten Sie uns: {{ event.review_url }}", "a review or survey link ('Bewerten Sie')"),
        ("https://www.instagram.com/muster", "a social link ('instagram.com')"),
        ("Auch interessant", "promotion ('Auch interessant')"),
        ("Shop now", "promotion ('Shop now')"),
    ],
)
@pytest.mark.parametrize("message_class", ["transactional", "service"])
def test_promotion_is_refused_in_transactional_and_service(text: str, what: str, message_class: MessageClass) -> None:
    problems = problems_of(item(f"Guten Tag\n{text}", message_class))
    assert [(problem.part, problem.line, problem.what) for problem in problems] == [("text", 2, what)]


@pytest.mark.parametrize(
    "text",
    [
        "Ihre Bestellung {{ event.order_id }} ist unterwegs: {% for p in event.products %}{{ p.name }}{% endfor %}",
        "Your parcel is late; we are sorry. Universalesel",
        "Bitte bestätigen Sie Ihre Anmeldung: {{ event.confirm_url }}",
        "Ihre Retoure ist angekommen, wir erstatten {{ event.refund | money }}.",
    ],
)
def test_plain_help_passes(text: str) -> None:
    assert problems_of(item(text)) == ()


def test_a_service_message_may_not_ask_to_buy() -> None:
    source = ContentSource(
        id="c",
        message_class="service",
        value="v",
        call_to_action="buy",
        variants={"de": Variant(subject="s", text="t")},
    )
    assert [problem.what for problem in problems_of(source)] == ["a service message that asks people to buy"]


def test_marketing_carries_the_way_out_and_the_imprint_in_every_part() -> None:
    full = "{{ unsubscribe_url }} {{ brand.imprint }}"
    assert [(p.part, p.what) for p in problems_of(item("Neu!", "marketing", "<p>Neu</p>"))] == [
        ("html", "no way to unsubscribe"),
        ("html", "no imprint"),
        ("text", "no way to unsubscribe"),
        ("text", "no imprint"),
    ]
    assert problems_of(item(full, "marketing", full)) == ()
    assert [p.what for p in problems_of(item("unsubscribe_url {{ brand.imprint }}", "marketing"))] == [
        "no way to unsubscribe"
    ]


@pytest.mark.parametrize(
    ("html", "what"),
    [
        ("<script>alert(1)</script>", "active content ('<script')"),
        ("<img src=x onerror='alert(1)'>", 'active content ("onerror=\'")'),
        ('<a href="javascript:x()">x</a>', "active content ('javascript:')"),
        ("\n<a href='{{ event.url }}'>x</a>", "a link made of data ('event.url')"),
        (
            '<img src="{{ event.image_url | default: brand.logo }}">',
            "a link made of data ('event.image_url | default: brand.logo')",
        ),
        ('<a href="{% if event.url %}{{ event.url }}{% endif %}">x</a>', "a link made of data ('event.url')"),
        (
            '<a href="{% if brand.url %}{{ brand.url }}{% else %}{{ event.url }}{% endif %}">x</a>',
            "a link made of data ('event.url')",
        ),
    ],
)
def test_html_that_is_refused(html: str, what: str) -> None:
    assert [problem.what for problem in problems_of(item("t", html=html))] == [what]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="{{ unsubscribe_url }}">x</a>',
        '<a href="{{ brand.url }}">x</a>',
        '<a href="{{ event.url | safe_url }}">x</a>',
        '<a href="https://shop.example/{{ event.id }}">x</a>',
        '<a href="https://shop.example/{% if event.id %}{{ event.id }}{% endif %}">x</a>',
        '<a href="{% if event.id %}https://shop.example/{{ event.id }}{% endif %}">x</a>',
        '<a href="{{ brand.url | default: "/" }}{% if event.id %}?{{ event.id }}{% endif %}">{{ event.id }}</a>',
        "<p>on sale = no</p>",
    ],
)
def test_html_that_passes(html: str) -> None:
    assert [
        problem.what for problem in problems_of(item("t", "transactional", html)) if "promotion" not in problem.what
    ] == []
