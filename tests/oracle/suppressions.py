"""Addresses that must not be used, recounted from all rows, in whatever order they came (docs/reference/contact-policy.md, "Legal basis")."""

from tests.oracle.local_time import DAY

FOR_EVER = 1 << 62
NOT_THE_PERSON = ("policy", "content", "configuration", "spam", "blocked")
SPREAD, REST, ENOUGH = 7 * DAY, 30 * DAY, 3
"""Soft bounces rest an address: so many, so far apart, for so long."""
LIFTED = (("hard", "all"), ("manual", "all"), ("manual", "marketing"))
"""What a person may lift again; a complaint stays."""


class Suppressions:
    """What these rows say of addresses.

    Args:
        address_of: (index of a row, row, channel) -> the address that the row is about, "" if none is known.
    """

    def __init__(self, rows, address_of):
        self._added, self._lifted, self._soft, self._accepted = {}, {}, {}, {}
        for index, row in enumerate(rows):
            if row.flags & 28:  # of a public write key, claimed or derived
                continue
            for what, instant_us in self._said(row):
                of_email = row.name.startswith("Email ")
                address = address_of(index, row, "email" if of_email else row.properties.get("channel") or "email")
                if address:
                    self._note(address, what, instant_us)

    def _note(self, address, what, instant_us):
        if what == "soft":
            self._soft.setdefault(address, set()).add(instant_us)
        elif what == "accepted":
            self._accepted[address] = max(self._accepted.get(address, -1), instant_us)
        elif what == "lifted":
            self._accepted[address] = max(self._accepted.get(address, -1), instant_us)
            for one in LIFTED:
                self._lifted[address, *one] = max(self._lifted.get((address, *one), -1), instant_us)
        else:
            self._added[address, *what] = max(self._added.get((address, *what), -1), instant_us)

    def _said(self, row):
        properties, when = row.properties, row.happened_us
        match row.name:
            case "Email Bounced" | "Message Failed":
                kind = _bounce_class(properties)
                if kind:
                    yield ("hard", "all") if kind == "hard" else "soft", when
            case "Email Delivered" | "Message Sent":
                yield "accepted", when
            case "Email Marked as Spam":
                yield ("complaint", "marketing"), when
            case "Suppression Added":
                if properties.get("reason") == "hard":
                    yield ("hard", "all"), when
                else:
                    yield ("manual", "all" if properties.get("scope") == "all" else "marketing"), when
            case "Suppression Lifted":
                if row.origin in ("api", "human"):
                    yield "lifted", when

    def stops(self, address, message_class, at_us):
        """ "" if this class may go to the address, else the kind of suppression; the instant at which time lifts it."""
        for (one, kind, scope), since_us in sorted(self._added.items()):
            stands = one == address and since_us >= self._lifted.get((one, kind, scope), -1)
            if stands and (scope == "all" or message_class == "marketing"):
                return kind, FOR_EVER
        if message_class != "marketing":
            return "", -1
        until_us = self._rests_until(address, at_us)
        return ("soft", until_us) if until_us > at_us else ("", -1)

    def _rests_until(self, address, at_us):
        """Three soft bounces over at least a week rest it once; another one after that ends it."""
        accepted_us = self._accepted.get(address, -1)
        times = sorted(one for one in self._soft.get(address, ()) if accepted_us < one <= at_us)
        for index, last_us in enumerate(times):
            if index + 1 >= ENOUGH and last_us - times[0] >= SPREAD:
                again = any(one > last_us + REST for one in times[index + 1 :])
                return FOR_EVER if again else last_us + REST
        return -1


def _bounce_class(properties):
    """hard, soft, or "" where it says nothing about the person."""
    kind = ""
    for name in ("bounce_class", "class", "bounce_type", "reason"):
        value = properties.get(name)
        kind = kind or (value if isinstance(value, str) else "").removesuffix("_bounce")
        if kind in ("hard", "soft"):
            return kind
    is_final = properties.get("is_final")
    if not isinstance(is_final, bool) or kind.removesuffix("_rejected") in NOT_THE_PERSON:
        return ""
    return "hard" if is_final else "soft"
