"""What the customer pages need beyond the components: names in the viewer's language, money, values that may be masked."""

from typing import Any

from django import template

from kundenkreis.site import formats
from kundenkreis.site.pages.customers import words
from kundenkreis.site.pages.customers.columns import Column
from kundenkreis.site.pages.customers.listing import Row
from kundenkreis.site.personal import personal, sees_whole
from kundenkreis.site.ports.customer import ScoreLine, ScoreNow, Value
from kundenkreis.site.ports.customers import Amount, CustomerLine
from kundenkreis.site.profile_words import (
    attribute_word,
    field_of,
    identifier_word,
    order_word,
    relation_word,
    value_word,
)
from kundenkreis.site.score_words import ledger_rule
from kundenkreis.site.verdict_words import basis_word, outcome_word

register = template.Library()

_WAY_ICONS = {
    "email": "mail", "sms": "device-mobile", "messenger": "message-circle", "push": "bell", "call": "phone", "letter": "news",
}  # fmt: skip


@register.filter
def caller(line: CustomerLine) -> str:
    """How to call the person of this line."""
    return words.name_of(line.name, line.email, line.number, line.profile_id)


@register.simple_tag(takes_context=True)
def rule_of(context: Any, score: ScoreNow, line: ScoreLine) -> str:
    """Which rule of a score gave the points of a line; `score_rules` of the page: score -> its rules as they are in force."""
    return ledger_rule(context["score_rules"].get(score.named.id, {}), line.rule, line.event)


@register.filter
def under_name(line: CustomerLine) -> str:
    """A second line below the name: address and town, as far as they may be seen."""
    email = "" if line.name == line.email else personal(line.email, "email")
    parts = [email, personal(line.city), "" if email else line.number]
    return " · ".join(part for part in parts if part)


@register.filter
def attribute_of(row: Row, column: Column) -> str:
    """The value of one attribute column, as far as it may be seen."""
    names = [name for name, _value in row.attributes]
    value = row.attributes[names.index(column.attribute)][1] if column.attribute in names else ""
    return personal(value_word(column.attribute, value), field_of(column.attribute))


@register.filter
def value_of(text: str, name: str) -> str:
    """A value of this name, as far as it may be seen."""
    return personal(text, field_of(name))


@register.filter
def may_correct(value: Value) -> bool:
    """Whether the viewer may correct a value of the profile, given that they may correct any."""
    return value.is_editable and sees_whole(field_of(value.name))


@register.filter
def own_value(value: Any) -> str:
    """A value of the profile, as far as it may be seen."""
    return personal(value_word(value.name, value.text), field_of(value.name))


@register.filter
def amount(value: Amount) -> str:
    """Money in the currency of the data."""
    return formats.money(value.minor, value.currency)


@register.filter
def way_icon(channel: str) -> str:
    """The icon of a channel."""
    return _WAY_ICONS.get(channel, "send")


@register.filter(name="is")
def is_(value: object, other: object) -> bool:
    """Whether two values are equal, for parameters of components."""
    return value == other


@register.filter
def points(milli: int) -> str:
    """Points of a score, to a tenth."""
    return formats.decimal(round(milli / 1000, 1))


@register.filter
def order_tone(status: str) -> str:
    """How a state of an order looks."""
    return {"delivered": "good", "late": "calm", "cancelled": "stop", "refunded": "calm"}.get(status, "")


for _name in (
    "ban_word", "by_event", "days", "found_here", "joined_records", "mostly_within", "newest_entries", "numbered", "points_today",
    "rests_until", "said", "scope_word", "since_day", "situation_tone", "until_day",
):  # fmt: skip
    register.filter(_name, getattr(words, _name))
register.filter("day", formats.day)
register.filter("country", formats.country)
register.filter("language_name", formats.language_name)
register.filter("attribute_word", attribute_word)
register.filter("identifier_word", identifier_word)
register.filter("order_word", order_word)
register.filter("relation_word", relation_word)
register.filter("basis_word", basis_word)
register.filter("outcome_word", outcome_word)
