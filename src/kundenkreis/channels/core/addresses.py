"""Which e-mail addresses we hand to a mail server, and how they are written on the wire.

Strict on purpose (trust A27, A28): an address that could end a command, name a machine inside our network, or that the
server could only take mangled is undeliverable, as a value with its reason. Source of limits: RFC 5321 4.5.3.1,
RFC 3696 erratum 1690 (254 in total).
"""

import re
from functools import lru_cache

import idna
import msgspec

LOCAL_LIMIT, DOMAIN_LIMIT, TOTAL_LIMIT = 64, 255, 254
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_RESERVED_TOP = frozenset({"localhost", "local", "internal", "invalid", "onion", "arpa"})
"""Names that no mail server in public DNS can have (RFC 6761, 6762, 7686; ICANN on internal)."""


class Address(msgspec.Struct, frozen=True, gc=False):
    """An address that can be handed over."""

    original: str
    """As given, surrounding space removed."""
    wire: str
    """ASCII form for the envelope and the headers: the local part as given, the domain as IDNA2008 A-labels."""
    key: str
    """For comparing and suppressing: folded to one case. Two spellings of one mailbox share it."""


class Undeliverable(msgspec.Struct, frozen=True, gc=False):
    """Why nothing can be handed over to this address."""

    reason: str
    """Slug: undeliverable_syntax, _length, _domain, _literal or _utf8 (each with the prefix)."""
    detail: str


@lru_cache(maxsize=10_000)
def parse_address(text: str) -> Address | Undeliverable:
    """The address ready for the wire, or why it is not deliverable."""
    original = text.strip(" ")
    local, at, domain = original.rpartition("@")
    if not at or not local or not domain:
        return Undeliverable("undeliverable_syntax", "an address is written name@domain")
    problem = _local_problem(local)
    if problem is not None:
        return problem
    wire_domain = _wire_domain(domain)
    if isinstance(wire_domain, Undeliverable):
        return wire_domain
    wire = f"{local}@{wire_domain}"
    if len(wire) > TOTAL_LIMIT:
        return Undeliverable("undeliverable_length", f"more than {TOTAL_LIMIT} characters")
    return Address(original, wire, f"{local.lower()}@{wire_domain}")


def wire_of(text: str) -> str:
    """An address from the settings as it is written on the wire; as it stands where it is none, for the judge that comes later."""
    parsed = parse_address(text)
    return parsed.wire if isinstance(parsed, Address) else text


def _local_problem(local: str) -> Undeliverable | None:
    if not local.isascii():
        if not local.isprintable():
            return Undeliverable("undeliverable_syntax", "invisible characters before the @")
        return Undeliverable("undeliverable_utf8", "letters outside ASCII before the @ need a server with SMTPUTF8")
    if len(local) > LOCAL_LIMIT:
        return Undeliverable("undeliverable_length", f"more than {LOCAL_LIMIT} characters before the @")
    if _LOCAL.fullmatch(local) is None:
        return Undeliverable("undeliverable_syntax", "characters before the @ that mail servers do not take")
    return None


def _wire_domain(domain: str) -> str | Undeliverable:
    if domain.startswith("["):
        return Undeliverable("undeliverable_literal", "an address with an IP number instead of a domain")
    try:
        # An over-long name is cut one past the limit before IDNA, whose cost grows with the square of the length.
        domain = domain[: DOMAIN_LIMIT + 1]
        wire = domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
        if "xn--" in wire:
            idna.decode(wire)
    except (idna.IDNAError, UnicodeError) as error:
        return Undeliverable("undeliverable_domain", f"no valid domain: {error}"[:200])
    if len(wire) > DOMAIN_LIMIT:
        return Undeliverable("undeliverable_length", f"a domain of more than {DOMAIN_LIMIT} characters")
    labels = wire.split(".")
    if len(labels) < 2 or any(_LABEL.fullmatch(label) is None for label in labels):
        return Undeliverable("undeliverable_domain", "no valid domain")
    if labels[-1] in _RESERVED_TOP or labels[-1].isdigit():
        return Undeliverable("undeliverable_domain", f"no public domain: .{labels[-1]}")
    return wire
