"""How customers are found and put in order: the words by which a search finds somebody, and the keys of the list.

Everything here follows from the state alone, so what is stored of it (tables `customer_list` and `search_terms`) is
derived and can be rebuilt. A search is by the beginnings of words, however they are written: case, accents, "ue" for
"ü"; a telephone number also by any four of its digits in a row, because people remember the end of it.
"""

from typing import Any, NamedTuple
from unicodedata import combining, normalize

from kundenkreis.customers.core.state import Attribute, CustomerState
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import HOUR

FIRST_NAMES, LAST_NAMES = ("firstName", "first_name"), ("lastName", "last_name")
_NAMED = (*FIRST_NAMES, *LAST_NAMES, "name", "email", "company", "phone")
READS = frozenset({"seen", "first_seen", "identifier", "orders", "merge", *(f"attribute:{name}" for name in _NAMED)})
"""Dirty keys of all that list and search are made of (customers/core/turn.py: Turn.dirty)."""
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
    """What list and search read off a state. Taken before and after a fold: nearly always equal, and then nothing need be written."""

    is_known: bool
    seen_us: Micros
    first_seen_us: Micros
    sales: tuple[tuple[str, int], ...]
    refunded: tuple[tuple[str, int], ...]
    attributes: tuple[Attribute | None, ...]
    """Those of `_NAMED`, which the fold replaces and never changes."""
    identifiers: tuple[list[str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """First names, last names, name, e-mail, company as text."""
        return tuple(_value(one) for one in self.attributes[:-1])

    @property
    def found_by(self) -> tuple[Any, ...]:
        """What decides whether the terms are others: names, telephone, kinds and values of identifiers."""
        known = [pair for pair in self.identifiers if pair[0] not in _ANONYMOUS]
        return (
            self.names, _value(self.attributes[-1]), tuple(pair[0] for pair in known), tuple(pair[1] for pair in known),
        )  # fmt: skip


def listed(state: CustomerState) -> Listed | None:
    """What list and search know of this customer; None for somebody who was merged into another."""
    if state.forwarded_to:
        return None
    profile, commerce = state.profile, state.commerce
    return Listed(
        profile.known,
        max(state.last_seen_us, state.first_seen_us) // HOUR * HOUR,
        state.first_seen_us,
        tuple(commerce.sales.items()),
        tuple(commerce.refunded.items()),
        tuple(map(profile.attributes.get, _NAMED)),
        tuple(profile.identifiers),
    )


def line_of(found: Listed) -> Line:
    """The row of the list."""
    return Line(int(found.is_known), found.seen_us, found.first_seen_us, _net_sales(found), _name_key(found.names))


def line_changes(was: Listed, now: Listed) -> dict[str, Any]:
    """Columns of the row that are others now, with their values. Names are worked out only where an attribute changed."""
    changes: dict[str, Any] = {}
    if was.is_known != now.is_known:
        changes["is_known"] = int(now.is_known)
    if was.seen_us != now.seen_us:
        changes["seen_us"] = now.seen_us
    if was.first_seen_us != now.first_seen_us:
        changes["since_us"] = now.first_seen_us
    if (was.sales, was.refunded) != (now.sales, now.refunded):
        changes["sales_minor"] = _net_sales(now)
    if was.attributes != now.attributes and was.names != now.names:
        changes["name_key"] = _name_key(now.names)
    return changes


def _net_sales(found: Listed) -> int:
    back = dict(found.refunded)
    return max((amount - back.get(currency, 0) for currency, amount in found.sales), default=0)


def is_found_otherwise(was: Listed | None, now: Listed | None) -> bool:
    """Whether the words by which a search finds this customer are others now."""
    if was is None or now is None:
        return was is not now
    is_same = was.attributes == now.attributes and was.identifiers == now.identifiers
    return not is_same and was.found_by != now.found_by


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
    first, first_2, last, last_2, name, email, company = (_value(get(each)) for each in _NAMED[:-1])
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
    if type(value) is not str:
        value = value.get("name") if type(value) is dict else None
    return value[:200] if type(value) is str else ""


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
