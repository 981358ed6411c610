"""What can be written between braces in a text, in words: variables and filters, for the list that opens while one types."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from kundenkreis.content.core import liquid
from kundenkreis.events.core.property_names import PROPERTIES
from kundenkreis.site.formats import in_words
from kundenkreis.site.profile_words import attribute_word


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """One line of the list."""

    name: str
    """customer.first_name; a filter: date."""
    inserts: str
    """What taking it writes: a filter brings its argument along. Between two quotation marks the cursor stands."""
    word: str
    is_filter: bool


def proposals(variables: Iterable[str]) -> list[Proposal]:
    """These variables and every filter, each in the viewer's language."""
    words = filter_words()
    return [
        *(Proposal(name=name, inserts=name, word=variable_word(name), is_filter=False) for name in variables),
        *(
            Proposal(name=name, inserts=name + _ARGUMENTS.get(name, ""), word=words.get(name, ""), is_filter=True)
            for name in liquid.filter_names()
        ),
    ]


def variable_word(path: str) -> str:
    """What stands behind a variable."""
    root, _dot, name = path.partition(".")
    if (known := _own_words().get(path)) is not None:
        return known
    if root == "event" and name in PROPERTIES:
        return in_words(PROPERTIES[name])
    return attribute_word(name)


def _own_words() -> dict[str, str]:
    return {
        "customer.greeting": _("Greeting with the name, where it is known"),
        "customer.age": _("Age"),
        "customer.avatar": _("Picture of the person"),
        "customer.created_at": _("Customer since"),
        "customer.description": _("Description"),
        "customer.form_of_address": _("Form of address"),
        "customer.username": _("User name"),
        "customer.website": _("Website"),
        "brand.name": _("Name of your brand"),
        "brand.email": _("Your sender address"),
        "brand.imprint": _("Your imprint"),
        "message.date": _("Day on which the message is sent"),
        "message.id": _("Number of the message"),
        "message.language": _("Language of the message"),
        "message.purpose": _("Purpose of the message"),
        "journey.id": _("Short name of the journey"),
        "preferences_url": _("Link to choose what to receive"),
        "unsubscribe_url": _("Link to unsubscribe"),
    }


_ARGUMENTS = {
    "append": ': ""', "at_least": ": 1", "at_most": ": 10", "concat": ": ", "date": ': "long"', "default": ': ""', "divided_by": ": 2",
    "find": ': ""', "has": ': ""', "join": ': ", "', "map": ': "name"', "minus": ": 1", "modulo": ": 2", "money": ": event.currency",
    "money_minor": ': "EUR"', "plus": ": 1", "prepend": ': ""', "reject": ': ""', "remove": ': ""', "remove_first": ': ""',
    "remove_last": ': ""', "replace": ': ""', "replace_first": ': ""', "replace_last": ': ""', "slice": ": 0, 10", "split": ': ","',
    "times": ": 2", "truncate": ": 50", "truncatewords": ": 15", "where": ': ""',
}  # fmt: skip


def filter_words() -> dict[str, str]:
    """What each filter makes of a value."""
    return {
        "abs": _("the number without its sign"),
        "append": _("a text behind it"),
        "at_least": _("a number not below this one"),
        "at_most": _("a number not above this one"),
        "capitalize": _("first letter large"),
        "ceil": _("rounded up"),
        "compact": _("a list without its gaps"),
        "concat": _("two lists, one behind the other"),
        "date": _("a date as people write it"),
        "default": _("what stands there when nothing is known"),
        "divided_by": _("divided"),
        "downcase": _("all in small letters"),
        "escape": _("special characters made safe for HTML"),
        "escape_once": _("the same, what is safe already left alone"),
        "find": _("the first of a list that fits"),
        "first": _("the first of a list"),
        "floor": _("rounded down"),
        "has": _("whether a list holds one that fits"),
        "join": _("a list as one text"),
        "last": _("the last of a list"),
        "lstrip": _("without blanks in front"),
        "map": _("of each one in a list this part"),
        "minus": _("less"),
        "modulo": _("what is left after dividing"),
        "money": _("an amount with its currency"),
        "money_minor": _("an amount in cents with its currency"),
        "newline_to_br": _("lines as lines of HTML"),
        "number": _("a number as people write it"),
        "plus": _("more"),
        "prepend": _("a text in front of it"),
        "reject": _("a list without those that fit"),
        "remove": _("without this text"),
        "remove_first": _("without this text, the first time"),
        "remove_last": _("without this text, the last time"),
        "replace": _("one text instead of another"),
        "replace_first": _("one text instead of another, the first time"),
        "replace_last": _("one text instead of another, the last time"),
        "reverse": _("a list from its end"),
        "round": _("rounded"),
        "rstrip": _("without blanks at the end"),
        "safe_url": _("an address that is safe as a link, else nothing"),
        "size": _("how many letters, or how many in a list"),
        "slice": _("a part of a text or list"),
        "sort": _("a list in its order"),
        "sort_natural": _("a list in its order, large and small letters alike"),
        "split": _("a text as a list"),
        "squish": _("without blanks that are too many"),
        "strip": _("without blanks around it"),
        "strip_html": _("without HTML"),
        "strip_newlines": _("all in one line"),
        "sum": _("a list added up"),
        "times": _("multiplied"),
        "truncate": _("shortened to so many letters"),
        "truncatewords": _("shortened to so many words"),
        "uniq": _("a list without doubles"),
        "upcase": _("all in capital letters"),
        "url_encode": _("as a part of an address"),
        "where": _("of a list those that fit"),
    }
