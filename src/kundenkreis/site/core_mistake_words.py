"""What compilers and linters of the cores refuse, in the viewer's language: their sentences are recognised by what stays the same in them.

A test holds this table against every sentence that the cores write, so that none of them reaches a page in English only.
"""

import re
from functools import lru_cache

from django.utils.translation import gettext as _


def core_word(text: str) -> str:
    """The sentence for what a core says; "" where it says something that nobody here knows, such as a plug-in's own words.

    Args:
        text: what is wrong and, behind it, what to do, as the core writes it; the first known part decides.
    """
    for place, sentence in enumerate(_sentences()):
        if _pattern(_SIGNS[place]).search(text):
            return sentence
    return ""


@lru_cache(maxsize=200)
def _pattern(sign: str) -> re.Pattern[str]:
    return re.compile(".+?".join(re.escape(part) for part in sign.split("{}")), re.IGNORECASE | re.DOTALL)


_SIGNS: tuple[str, ...] = (
    # conditions
    "there is no trait", "an hour window counts up to", "there is no segment", "there is no legal basis",
    "a condition is a mapping with exactly one key", "there is no condition", "compares with a date", "takes a whole number of days",
    "in a circle", "is a built-in trait", "begins and ends by itself", "would never end", "there is no operator",
    "does not fit what is compared here", "compares an attribute with today", "takes two numbers", "take a list of texts",
    "compares with a text", "takes no value", "the attribute has no name", "or `within_hours`, not both", "an hour window has",
    "name at least one event", "means every event and stands alone", "a day window has", "or `exactly` alone",
    "a count lies between", "is larger than `at_most`", "there is no score", "there is no situation", "the factor lies",
    "a percentile lies", "the floor lies", "must be larger than `floor_days`", "purchase days", "name the property to sum",
    "there is no phase", "there is no sub-state", "a bucket lies in", "there is no purpose", "exactly one of",
    "`sum` needs a property", "nested too deep", "takes a list of conditions", "the property has no name", "compares with a number",
    "looks for a text, number or yes/no", "needs a `value` to compare with",
    # scores, phases, situations
    "the circle needs at least one phase", "stands here twice", "there are two of kind", "a cap limits points", "a cap lasts",
    "a half-life lasts", "the maximum must be positive", "points are a number", "points have at most three decimals", "give {} to {}",
    # contents
    "the mjml cannot be read", "message that asks people to", "no way to unsubscribe", "no imprint", "active content",
    "a link made of data", "a link without https://", "no stated value", "no variants", "no variant in the default language", "unknown variant key",
    "no subject", "at the same time", "no text part", "a subject of several lines", "characters", "is bound anew", "is a text",
    "unknown variable", "without a plain attribute name", "filters that exist", "tags that exist", "correct the template",
    "a coupon or discount", "a product block", "a review or survey link", "a social link", "promotion",
    # contact rules
    "is used twice", "write the smaller number first", "the zone {} is not known",
)  # fmt: skip
"""What stays the same in each sentence, "{}" for anything; in the order of `_sentences`."""


def _sentences() -> tuple[str, ...]:
    return (
        _("There is no such figure."),
        _("So many cannot be counted within hours; use days."),
        _("There is no such segment."),
        _("There is no such legal basis."),
        _("Choose one condition here."),
        _("There is no such condition."),
        _("Write a date here, such as 2026-12-31."),
        _("Write a whole number of days here."),
        _("These definitions ask each other in a circle; take one of the references out."),
        _("This name belongs to a built-in figure; choose another."),
        _("This situation begins and ends by itself."),
        _("This situation would never end; say what ends it, or after how many days."),
        _("There is no such comparison."),
        _("This comparison does not fit what is compared here."),
        _("An anniversary belongs to a value of the profile, not to an event."),
        _("Write two numbers here, such as 10; 20."),
        _("Write one or more words here, with commas between them."),
        _("Write a text here; compare numbers with “is exactly”."),
        _("This comparison takes no value."),
        _("Name the attribute."),
        _("Say days or hours, not both."),
        _("So many hours are not possible."),
        _("Name at least one event."),
        _("“*” means every event and stands alone."),
        _("So many days are not possible."),
        _("Say at least, at most or both; or exactly alone."),
        _("How often lies between 0 and 1,000,000."),
        _("At least is larger than at most: that never holds."),
        _("There is no such score."),
        _("There is no such situation."),
        _("The factor lies between 0 and 1,000."),
        _("The percentile lies between 1 and 100."),
        _("So many days are not possible."),
        _("At most so many days must be more than at least so many."),
        _("So many days with a purchase are not possible."),
        _("Name the property that is added up."),
        _("There is no such phase."),
        _("There is no such state within the phase."),
        _("The part lies between 0 and 10,000, and ends after it begins."),
        _("There is no such purpose."),
        _("Choose exactly one kind of figure."),
        _("A sum needs a property; the others take none."),
        _("This is nested too deeply."),
        _("Put conditions into this group."),
        _("Name the property."),
        _("Write a number here."),
        _("Write a text, a number, true or false here."),
        _("Say what to compare with."),
        _("At least one phase is needed."),
        _("This name is taken."),
        _("This name is taken."),
        _("Only points that are given can have a limit; both are above 0."),
        _("The limit lasts so many days as is not possible; choose 1 to 366."),
        _("Points halve after 1 to 3,650 days."),
        _("The most points are above 0."),
        _("Points are a number."),
        _("Points have at most three decimals and lie within 1,000,000."),
        _("So much is not possible here."),
        _("The MJML cannot be read; close every tag and write & as &amp;."),
        _("Only marketing may ask for this; change the kind of message, or what it asks for."),
        _("A way to unsubscribe is missing; add the link."),
        _("The imprint is missing; add it."),
        _("Scripts and forms are not possible in mails; mail programs drop them."),
        _("A link is made of data; add | safe_url."),
        _("Write an address that begins with https://"),
        _("Say what the person gains from this message."),
        _("Write at least one variant."),
        _("There is no variant in the brand's language."),
        _("There is no such language; use one such as de, en or de/du."),
        _("Write a subject."),
        _("Keep one way of writing the body."),
        _("Write the plain text; some people read nothing else."),
        _("Keep the subject on one line."),
        _("This is too long."),
        _("A name is used anew that means something else; choose another."),
        _("This name stands alone, without a point behind it."),
        _("A variable is not known; correct it, or add a default."),
        _("Name the attribute behind the point."),
        _("There is no such filter."),
        _("There is no such tag."),
        _("The template cannot be read at this place."),
        _("This looks like a coupon or discount; only marketing may advertise."),
        _("This looks like a block of products; only marketing may advertise."),
        _("This looks like an invitation to rate; only marketing may ask for it."),
        _("This looks like a link to social media; only marketing may have it."),
        _("This looks like advertising; only marketing may advertise."),
        _("This name is taken."),
        _("Write the smaller number first."),
        _("There is no such time zone; write it as Europe/Berlin."),
    )
