"""Words about content: classes, calls to action, kinds of blocks, variants."""

from django.utils.translation import gettext as _

from kundenkreis.content.core.links import Finding

CLASSES = ("marketing", "service", "transactional")
CALLS = ("read", "learn", "opinion", "use", "get_help", "register", "buy", "recommend", "none")


def call_word(call_to_action: str) -> str:
    """What a message asks for."""
    known = {
        "read": _("read"),
        "learn": _("learn"),
        "opinion": _("give an opinion"),
        "use": _("use"),
        "get_help": _("get help"),
        "register": _("register"),
        "buy": _("buy"),
        "recommend": _("recommend"),
        "none": _("nothing"),
    }
    return known.get(call_to_action, call_to_action)


def block_word(kind: str) -> str:
    """A kind of block."""
    known = {
        "heading": _("Heading"),
        "text": _("Text"),
        "button": _("Button"),
        "image": _("Picture"),
        "items": _("List"),
        "quote": _("Quote"),
        "divider": _("Line"),
        "spacer": _("Space"),
    }
    return known.get(kind, kind)


def body_word(body: str) -> str:
    """A way to write a body."""
    return {"blocks": _("Blocks"), "mjml": "MJML", "html": "HTML"}.get(body, body)


def variant_word(key: str) -> str:
    """A variant: German (Du)."""
    language, _slash, form = key.partition("/")
    base, _dash, region = language.partition("-")
    word = {"de": _("German"), "en": _("English")}.get(base, base)
    detail = " ".join(part for part in (region, form.capitalize()) if part)
    return f"{word} ({detail})" if detail else word


def part_word(part: str) -> str:
    """A part of a variant."""
    known = {
        "subject": _("Subject"),
        "preheader": _("Preview line"),
        "html": "HTML",
        "mjml": "MJML",
        "blocks": _("Blocks"),
        "text": _("Plain text"),
    }
    return known.get(part, part)


def finding_words(finding: Finding) -> tuple[str, str]:
    """(what is the matter, what to do) with a link that does not work."""
    words: dict[Finding, tuple[str, str]] = {
        "gone": (_("The page does not exist (any more)."), _("Change the link or take it out.")),
        "unknown_name": (_("There is no website of this name."), _("Correct the address.")),
        "not_secure": (_("The connection to the website is not secure."), _("Browsers warn people of it; link to another page.")),
        "server_error": (_("The website reports a fault of its own."), _("Check the link again later.")),
        "silent": (_("The website does not answer."), _("Check the link again later.")),
        "circle": (_("The link leads on and on and never arrives."), _("Link to the page itself.")),
        "not_allowed": (_("This address is not on the public internet, so it was not asked."), _("Write one that everybody can reach.")),
        "odd": (_("The website answers in an unusual way."), _("Open the link yourself.")),
        "refuses": (_("Could not be checked: the website lets no program in."), _("Open the link yourself.")),
    }  # fmt: skip
    return words[finding]
