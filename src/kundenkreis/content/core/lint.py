"""What a content item may not hold in its message class, and what it must.

Transactional and service content that promotes anything is marketing whatever it calls itself (trust 4.1.6; BGH VI ZR
225/17): the linter refuses coupons, product blocks, review and social links and "auch interessant" there. Marketing
content carries the way out and the imprint in every part (trust 3.2, UWG 7 II Nr. 3, DDG 5).
"""

import re
from collections.abc import Mapping

from kundenkreis.content.core.bodies import Body
from kundenkreis.content.core.source import ContentSource, Part, Problem

_TAG = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


_PROMOTION: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "a coupon or discount",
        _any(
            r"\b(coupon|gutschein|rabatt|voucher|discount|promo\s?code|promotion|aktionscode)\w*",
            r"\d+\s?% (off|auf|nachlass|sparen)",
            r"coupon_code|voucher_code",
        ),
    ),
    (
        "a product block",
        _any(
            r"recommendations?\b|recommended_products|product_?block|recommended for you|you might also like",
            r"empfehlungen f(ü|ue)r|passend dazu|das k(ö|oe)nnte (ihnen|dir) (auch )?gefallen",
            r"bestseller|neu im sortiment",
        ),
    ),
    (
        "a review or survey link",
        _any(
            r"review_url|survey_url|bewerten sie|bewerte uns|jetzt bewerten|bewertung abgeben|\bumfrage",
            r"\brate (us|your)|leave a review|write a review|\bsurvey\b|recommend us|refer a friend",
            r"weiterempfehl|freunde werben",
        ),
    ),
    (
        "a social link",
        _any(
            r"(facebook|instagram|tiktok|youtube|pinterest|linkedin|twitter)\.com",
            r"folgen sie uns|folge uns|follow us",
        ),
    ),
    (
        "promotion",
        _any(
            r"auch interessant|jetzt (kaufen|bestellen|sparen|shoppen|zugreifen)|nur (noch )?heute|sonderangebot",
            r"\bsale\b|shop now|buy now|order now|special offer|newsletter abonnieren|subscribe to our newsletter",
        ),
    ),
)
_ACTIVE = _any(r"<\s*(script|iframe|object|embed|base|form)\b", r"\bon[a-z]{3,20}\s*=\s*[\"']", r"javascript:")
_LIQUID = r"(?:\{\{[^{}]*\}\}|\{%[^{}]*%\})"
_ADDRESS = re.compile(
    rf"\b(?:href|src|action|background)\s*=\s*(?:[\"']\s*)?(?P<address>{_LIQUID}(?:{_LIQUID}|[^\"'>])*)", re.IGNORECASE
)
"""An address that begins with Liquid. Bounded by braces, so that whatever is never closed costs no second look."""
_BEGINS_WITH_DATA = re.compile(
    r"(?:^|\{%-?\s*(?:if|unless|elsif|else|case|when)\b[^{}]*%\})\s*\{\{(?P<expression>[^{}]*)\}\}"
)
"""At once, or in one of the branches that it begins with."""
_HREF = re.compile(r"\bhref\s*=\s*[\"']\s*(?P<address>[^\"'<>{}\s][^\"'<>{}]*)", re.IGNORECASE)
"""The address of a link that does not begin with Liquid."""
_WHOLE_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*:|#|&#", re.IGNORECASE)
_TRUSTED_LINK = re.compile(r"(unsubscribe_url|preferences_url|(brand|message)\.[\w.]+)(\s*\||$)")
_UNSUBSCRIBE = re.compile(r"\{\{-?\s*unsubscribe_url\b")
_IMPRINT = re.compile(r"\{\{-?\s*brand\.imprint\b")
_SELLING = frozenset({"buy", "recommend", "opinion"})


def lint(source: ContentSource, bodies: Mapping[str, Body]) -> tuple[Problem, ...]:
    """Every rule of its message class that the content breaks, with line and remedy."""
    found: list[Problem] = []
    promotes = source.message_class == "marketing"
    if not promotes and source.call_to_action in _SELLING:
        what = f"a {source.message_class} message that asks people to {source.call_to_action}"
        found.append(Problem("", "", 0, what, "Make it marketing, or ask for nothing that promotes"))
    for key, body in bodies.items():
        if promotes:
            found += _required(key, body.html_part, body.html)
            found += _required(key, body.text_part, body.text)
        else:
            variant = source.variants[key]
            parts: tuple[tuple[Part, str], ...] = (
                ("subject", variant.subject),
                ("preheader", variant.preheader),
                (body.html_part, body.html),
                (body.text_part, body.text),
            )
            for part, text in parts:
                found += _promotion(source, key, part, text)
        found += _unsafe(key, body.html_part, body.html)
    return tuple(found)


def _promotion(source: ContentSource, key: str, part: Part, text: str) -> list[Problem]:
    remedy = f"Remove it, or make this content marketing: {source.message_class} messages promote nothing"
    return [
        Problem(key, part, _line(text, match.start()), f"{what} ({match.group(0)!r})", remedy)
        for what, pattern in _PROMOTION
        if (match := pattern.search(text))
    ]


def _required(key: str, part: Part, text: str) -> list[Problem]:
    if not text.strip():
        return []
    found = []
    if not _UNSUBSCRIBE.search(text):
        found.append(Problem(key, part, 0, "no way to unsubscribe", "Add {{ unsubscribe_url }}"))
    if not _IMPRINT.search(text):
        found.append(Problem(key, part, 0, "no imprint", "Add {{ brand.imprint }}"))
    return found


def _unsafe(key: str, part: Part, html: str) -> list[Problem]:
    found: list[Problem] = []
    if match := _ACTIVE.search(_TAG.sub(" ", html)):
        what = f"active content ({match.group(0)!r})"
        found.append(Problem(key, part, 0, what, "Remove it; mail programs drop it and filters distrust it"))
    for address in _ADDRESS.finditer(html):
        for match in _BEGINS_WITH_DATA.finditer(address.group("address")):
            expression = match.group("expression").strip("- \t\r\n")
            if _TRUSTED_LINK.match(expression) is not None or re.search(r"\|\s*safe_url\b", expression):
                continue
            line = _line(html, address.start())
            what = f"a link made of data ({expression[:60]!r})"
            found.append(Problem(key, part, line, what, "Add `| safe_url`, so that data brings no javascript: along"))
    for link in _HREF.finditer(html):
        target = link.group("address").strip()
        if not _WHOLE_ADDRESS.match(target):
            what = f"a link without https:// ({target[:60]!r})"
            remedy = (
                f"Write https://{target[:60].lstrip('/')}"
                if "." in target.partition("/")[0]
                else "Write the whole address, such as https://shop.example/page"
            )
            found.append(
                Problem(
                    key,
                    part,
                    _line(html, link.start()),
                    what,
                    f"{remedy}; in a mail there is no page that it could belong to",
                )
            )
    return found


def _line(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1
