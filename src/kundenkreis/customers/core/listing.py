"""How customers are found and put in order: the words by which a search finds somebody, and the keys of the list.

Everything here follows from the state alone, so what is stored of it (tables `customer_list` and `search_terms`) is
derived and can be rebuilt. A search is by the beginnings of words, however they are written: case, accents, "ue" for
"ü"; a telephone number also by any four of its digits in a row, because people remember the end of it.
"""

from typing import Any, NamedTuple
from unicodedata import combining, normalize

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import HOUR

FIRST_NAMES, LAST_NAMES = ("firstName", "first_name"), ("lastName", "last_name")
_ANONYMOUS = frozenset({"anonymous_id", "claimed_user_id"})
_CONTACTS = frozenset({"email", "phone"})

MOST_TERMS = 120
"""Terms of one customer: names, a handful of addresses and numbers; more is somebody who fills fields to be found everywhere."""
LONGEST_TERM = 64
SHORTEST_NUMBER = 4
"""Digits of a telephone number by which it is found."""
MOST_WORDS = 6
"""Words of a search that count."""
MOST_DIGITS = 15
"""Digits of a telephone number (E.164)."""

_LAST = b"\xff"
"""Sorts after every name: people without one."""

_SAME = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i", "ð": "d", "þ": "th"})
_TWO_LETTERS = (("ae", "a"), ("oe", "o"), ("ue", "u"))
"""Müller, Mueller and Muller are one name to whoever searches."""


class Line(NamedTuple):
    """What the list of customers sorts and counts by."""

    is_known: int
    seen_us: Micros
    """Last act, to the hour: a visit of twenty pages moves nobody twenty times."""
    since_us: Micros
    """First contact."""
    sales_minor: int
    """Orders less refunds in the currency with the most sales."""
    name_key: bytes


class Listed(NamedTuple):
    """What decides whether a customer's rows must be written anew: cheap to read off a state, compared before and after a fold."""

    line: tuple[Any, ...]
    found_by: tuple[Any, ...]


def listed(state: CustomerState) -> Listed | None:
    """What list and search know of this customer; None for somebody who was merged into another."""
    if state.forwarded_to:
        return None
    get = state.profile.attributes.get
    commerce = state.commerce
    names = tuple(_value(get(name)) for name in (*FIRST_NAMES, *LAST_NAMES, "name", "email", "company"))
    numbers = tuple(value for kind, value in state.profile.identifiers if kind not in _ANONYMOUS)
    sales, refunded = tuple(commerce.sales.items()), tuple(commerce.refunded.items())
    seen_us = max(state.last_seen_us, state.first_seen_us) // HOUR * HOUR
    kinds = tuple(kind for kind, _ in state.profile.identifiers if kind not in _ANONYMOUS)
    return Listed(
        (state.profile.known, seen_us, state.first_seen_us, sales, refunded, names),
        (names, _value(get("phone")), kinds, numbers),
    )


def line_of(found: Listed) -> Line:
    """The row of the list."""
    known, seen_us, since_us, sales, refunded, names = found.line
    totals, back = dict(sales), dict(refunded)
    net = max((amount - back.get(currency, 0) for currency, amount in totals.items()), default=0)
    return Line(int(known), seen_us, since_us, net, _name_key(names))


def terms_of(found: Listed | None) -> set[bytes]:
    """The words by which a search finds this customer."""
    if found is None:
        return set()
    (first, first_2, last, last_2, name, email, company), phone, kinds, numbers = found.found_by
    terms: dict[str, None] = {}
    for text in (first, first_2, last, last_2, name, company):
        terms.update(dict.fromkeys(words_of(text)))
    for kind, number in zip(("email", "phone", *kinds), (email, phone, *numbers), strict=True):
        if kind == "email":
            terms.update(dict.fromkeys(_email_terms(number)))
        elif kind == "phone":
            terms.update(dict.fromkeys(_phone_terms(number)))
        else:
            terms.update(dict.fromkeys(_number_terms(number)))
    return {_key(term) for term in list(terms)[:MOST_TERMS]}


def display_name(state: CustomerState) -> str:
    """How to call this person in a heading: the name, else the e-mail address; "" if neither is known."""
    get = state.profile.attributes.get
    first, first_2, last, last_2, name, email, company = (
        _value(get(each)) for each in (*FIRST_NAMES, *LAST_NAMES, "name", "email", "company")
    )
    whole = " ".join(part for part in (first or first_2, last or last_2) if part)
    return whole or name or company or email


class Wanted(NamedTuple):
    """What a search asks for: every word of one of the readings must begin a term."""

    readings: tuple[tuple[bytes, ...], ...]


def wanted(text: str) -> Wanted:
    """What a typed search asks for. Without a letter or digit in it: nothing."""
    words = [word for part in text.split()[:MOST_WORDS] if (word := _compact(part))]
    readings: list[tuple[bytes, ...]] = [tuple(_key(word) for word in words)] if words else []
    digits = _digits(text)
    if len(digits) >= SHORTEST_NUMBER and not any(sign.isalpha() or sign == "@" for sign in text):
        readings.append((_key(digits),))
    return Wanted(tuple(dict.fromkeys(readings)))


def after_prefix(prefix: bytes) -> bytes:
    """The first key that does not begin with this prefix."""
    return prefix[:-1] + bytes([prefix[-1] + 1])  # UTF-8 never holds the byte 255


def words_of(text: str) -> list[str]:
    """The words of a name, folded."""
    words = "".join(sign if sign.isalnum() else " " for sign in text).split()
    return [word for part in words if (word := fold_text(part))]


def fold_text(text: str) -> str:
    """One spelling for all that look alike: lower case, no accents, "ae" as "ä"."""
    spread = normalize("NFKD", text.casefold().translate(_SAME))
    plain = "".join(sign for sign in spread if not combining(sign))
    for two, one in _TWO_LETTERS:
        plain = plain.replace(two, one)
    return plain


def _value(attribute: Any) -> str:
    if attribute is None:
        return ""
    value = attribute.value
    if isinstance(value, dict):
        value = value.get("name")
    return value[:200] if isinstance(value, str) else ""


def _name_key(names: tuple[str, ...]) -> bytes:
    first, first_2, last, last_2, name, email, company = names
    text = " ".join(words_of(f"{last or last_2} {first or first_2}")) or " ".join(words_of(name or company))
    if text:
        return text.encode()[:LONGEST_TERM]
    return _LAST + fold_text(email).encode()[: LONGEST_TERM - 1]


def _email_terms(email: str) -> list[str]:
    local, at, domain = email.strip().partition("@")
    if not at:
        return []
    return [_compact(email), *(word for word in words_of(local) if len(word) > 1), _compact("@" + domain)]


def _phone_terms(phone: str) -> list[str]:
    digits = _digits(phone)
    return [digits[start:] for start in range(max(len(digits) - SHORTEST_NUMBER + 1, 0))]


def _number_terms(number: str) -> list[str]:
    whole = _compact(number)
    parts = [word for word in words_of(number) if len(word) >= 3 and any(sign.isdigit() for sign in word)]
    return [whole, *(parts if len(number) <= 24 else ())] if whole else []


def _digits(text: str) -> str:
    """The digits of a telephone number as stored and as typed alike: no plus, no zeros in front, no "(0)"."""
    digits = "".join(sign for sign in text.replace("(0)", "") if sign in "0123456789").lstrip("0")
    return digits[:MOST_DIGITS]


def _compact(text: str) -> str:
    """A word as it was typed or stored, folded, without what nobody types the same twice."""
    return "".join(sign for sign in fold_text(text) if sign.isalnum() or sign in "@.")


def _key(term: str) -> bytes:
    return term.encode("utf-8", "ignore")[:LONGEST_TERM]
