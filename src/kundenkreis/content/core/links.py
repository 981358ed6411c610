"""Links of a content: which ones it has, whom may be asked about them, and what an answer says. Pure: somebody else asks.

A link is written by people and followed by a server inside of a company's network, so it must never lead there: only public addresses on
the web's ports are asked, judged again at every redirect (trust A10-A12).
"""

import ipaddress
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import quote, urljoin, urlsplit

import msgspec

Finding = Literal[
    "works", "gone", "refuses", "server_error", "silent", "unknown_name", "not_allowed", "not_secure", "circle", "odd",
]  # fmt: skip
"""What is said of a link. refuses: not to us, which says nothing about people; odd: an answer that is none of the others."""
FINDINGS: tuple[Finding, ...] = (
    "gone", "unknown_name", "not_secure", "server_error", "silent", "circle", "not_allowed", "odd", "refuses", "works",
)  # fmt: skip
"""Every finding, the worst first."""
Failure = Literal["silent", "unknown_name", "not_allowed", "not_secure", "odd"]
"""Why there is no answer."""
MOST_LINKS = 30
"""So many links of one content are asked; a mail with more is none."""
MOST_REDIRECTS = 5
PORTS = {"http": 80, "https": 443}

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_GONE = frozenset({404, 410})
_REFUSED = frozenset({401, 403, 407, 429, 451})
_NO_HEAD = frozenset({405, 501})
_LONGEST = 2_048
_IN_TEXT = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9])?")
_EMBEDDING = (
    (ipaddress.ip_network("64:ff9b::/96"), 0),
    (ipaddress.ip_network("2002::/16"), 80),
)
"""Networks of IPv6 that stand for an address of IPv4, and so many bits behind it: translated (RFC 6052) and 6to4 (RFC 3056)."""
_UNICAST = ipaddress.ip_network("2000::/3")
"""Everything that is global unicast today (RFC 4291)."""
_CLOSED = tuple(
    ipaddress.ip_network(one) for one in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "3fff::/20")
)
"""Closed besides what the standard library knows: relays, protocols, documentation (IANA's special-purpose registries)."""


class Target(msgspec.Struct, frozen=True):
    """An address of the web, taken apart."""

    scheme: str
    host: str
    """As names are resolved: ASCII, small; of an address of IPv6 without its brackets."""
    port: int
    path: str
    """With the query; begins with a slash, ASCII."""


class Asking(msgspec.Struct, frozen=True):
    """The next question about a link."""

    url: str
    target: Target
    method: Literal["HEAD", "GET"] = "HEAD"
    redirects: int = 0
    """So many led here."""


class Answer(msgspec.Struct, frozen=True):
    """What a web server said, or why it said nothing."""

    status: int = 0
    location: str = ""
    failure: Failure | None = None


def links_in(html: str, text: str, *, without: str = "") -> tuple[str, ...]:
    """The distinct http(s) links of a rendered message in their order.

    Args:
        html: its HTML part: what its links lead to.
        text: its text part: every address written out.
        without: links that begin so are left out, such as those of the installation itself, which change from message to message.
    """
    reader = _Links()
    reader.feed(html)
    reader.close()
    written = (_trimmed(one) for one in _IN_TEXT.findall(text))
    found = (one.strip() for one in (*reader.found, *written))
    return tuple(
        dict.fromkeys(one for one in found if _IN_TEXT.match(one) and not (without and one.startswith(without)))
    )


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag in ("a", "area") and name == "href" and value]


def _trimmed(url: str) -> str:
    """Without the full stop of the sentence around it, and without a bracket that it does not open."""
    trimmed = url.rstrip(".,;:!?")
    return trimmed[:-1] if trimmed.endswith(")") and "(" not in trimmed else trimmed


def first_question(url: str) -> Asking | Finding:
    """How to begin with a link, or what is known of it without asking."""
    target = target_of(url)
    return Asking(url, target) if target is not None else "not_allowed"


def target_of(url: str) -> Target | None:
    """The address taken apart; None where nobody may be asked about it: another scheme, a name and password, characters that no address has."""
    if len(url) > _LONGEST or any(character <= " " or character in "\x7f\\" for character in url):
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS.get(parts.scheme, 0)
        host = _host(parts.hostname or "")
    except ValueError:  # no port, no name, brackets that do not close
        return None
    if parts.scheme not in PORTS or "@" in parts.netloc or not host:
        return None
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]|")
    return Target(parts.scheme, host, port, f"{path}?{query}" if query else path)


def _host(name: str) -> str:
    if ":" in name:  # in brackets: of IPv6, and nothing else; an interface of this machine is none of the web
        return str(ipaddress.IPv6Address(name)) if "%" not in name else ""
    ascii_name = name.encode("idna").decode("ascii").lower().removesuffix(".")
    return ascii_name if _HOST.fullmatch(ascii_name) else ""


def is_public(address: str) -> bool:
    """Whether an address of IPv4 or IPv6 belongs to the open internet, also in the dress of the other family."""
    try:
        held = ipaddress.ip_address(address)
    except ValueError:  # with an interface behind it, or none at all
        return False
    if isinstance(held, ipaddress.IPv6Address):
        if held.ipv4_mapped is not None:
            held = held.ipv4_mapped
        for network, bits in _EMBEDDING:
            if held in network:
                held = ipaddress.IPv4Address((int(held) >> bits) & 0xFFFFFFFF)
    if held.version == 6 and held not in _UNICAST:
        return False
    return held.is_global and not held.is_multicast and not held.is_reserved and not any(held in one for one in _CLOSED)


def judge(asked: Asking, answer: Answer) -> Asking | Finding:  # noqa: PLR0911 - one line per kind of answer
    """What this answer says of the link, or what to ask next."""
    if answer.failure is not None:
        return answer.failure
    if answer.status in _REDIRECTS and answer.location:
        return _followed(asked, answer.location)
    if asked.method == "HEAD" and answer.status in _NO_HEAD:
        return msgspec.structs.replace(asked, method="GET")
    if 200 <= answer.status < 300:
        return "works"
    if answer.status in _GONE:
        return "gone"
    if answer.status in _REFUSED:
        return "refuses"
    return "server_error" if 500 <= answer.status < 600 else "odd"


def _followed(asked: Asking, location: str) -> Asking | Finding:
    if asked.redirects >= MOST_REDIRECTS:
        return "circle"
    try:
        url = urljoin(asked.url, location.strip().replace(" ", "%20"))
    except ValueError:
        return "odd"
    target = target_of(url)
    return Asking(url, target, asked.method, asked.redirects + 1) if target is not None else "not_allowed"


def worst_first(findings: Iterable[tuple[str, Finding]]) -> list[tuple[str, Finding]]:
    """Links with what is said of them, the worst first, otherwise as they came."""
    return sorted(findings, key=lambda one: FINDINGS.index(one[1]))
