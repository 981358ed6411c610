"""The touchpoints of a small shop: what they send, when it arrives, and that they send again what was not acknowledged."""

import random
from dataclasses import dataclass
from typing import Any

from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, SECOND, to_datetime

ZONES = ("Europe/Berlin", "Asia/Tokyo", "America/New_York", "Pacific/Apia")


@dataclass
class Request:
    """One call on its way."""

    arrives_us: int
    source: str
    is_public: bool
    endpoint: str
    body: dict[str, Any]


class Shop:
    """Makes requests; keeps those that have not been acknowledged."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.waiting: list[Request] = []
        self.count = 0
        self.devices = 0
        self.orders: list[tuple[str, str]] = []
        self.past: list[Request] = []

    def act(self, at_us: int) -> None:
        """A person does something."""
        kind = self.chance.choices(list(_KINDS), weights=list(_KINDS.values()))[0]
        getattr(self, "_" + kind)(at_us)

    def arrived(self, at_us: int) -> list[Request]:
        """A few of what has arrived, in any order."""
        ready = [one for one in self.waiting if one.arrives_us <= at_us]
        taken = self.chance.sample(ready, min(len(ready), self.chance.randrange(1, 6)))
        self.waiting = [one for one in self.waiting if not any(one is other for other in taken)]
        self.past += taken
        for request in taken:
            if self.chance.random() < 0.06:  # the network delivers it twice
                self._later(request, at_us)
        return taken

    def again(self, requests: list[Request], at_us: int) -> None:
        """Not acknowledged: sent again."""
        for request in requests:
            self._later(request, at_us)

    def _later(self, request: Request, at_us: int) -> None:
        arrives_us = at_us + self.chance.randrange(2 * HOUR)
        self.waiting.append(Request(arrives_us, request.source, request.is_public, request.endpoint, request.body))

    def _send(
        self, at_us: int, endpoint: str, body: dict[str, Any], *, is_public: bool = False, age_us: int = 0
    ) -> None:
        self.count += 1
        stamp = to_datetime(at_us - age_us).isoformat().replace("+00:00", "Z")
        delay_us = self.chance.randrange(self.chance.choice((1, SECOND, MINUTE, HOUR, 5 * HOUR)))
        whole = {"messageId": f"m{self.count}", "timestamp": stamp, **body}
        self.waiting.append(Request(at_us + delay_us, "web" if is_public else "shop", is_public, endpoint, whole))

    def _track(self, at_us: int, name: str, properties: dict[str, Any], who: dict[str, str], **more: Any) -> None:
        self._send(at_us, "track", {"event": name, "properties": properties, **who}, **more)

    def _who(self) -> dict[str, str]:
        if self.devices and self.chance.random() < 0.15:
            return {"anonymousId": f"d{self.chance.randrange(self.devices) + 1}"}
        return {"userId": f"u{self.chance.randrange(5)}"}

    def _view(self, at_us: int) -> None:
        who = self._who()
        self._track(at_us, "Product Viewed", {"product_id": "p"}, who, is_public="anonymousId" in who)

    def _late(self, at_us: int) -> None:
        age_us = self.chance.randrange(20 * HOUR, 6 * DAY)
        self._track(at_us, "Product Viewed", {"product_id": "p"}, self._who(), age_us=age_us)

    def _order(self, at_us: int) -> None:
        who, order_id = self._who(), f"o{len(self.orders)}"
        self.orders.append((order_id, next(iter(who.values()))))
        properties = {"order_id": order_id, "total": self.chance.randrange(5, 120), "currency": "EUR", "channel": "web"}
        self._track(at_us, "Order Completed", properties, who)

    def _after_order(self, at_us: int) -> None:
        known = [one for one in self.orders if one[1].startswith("u")]
        if known:
            order_id, user = self.chance.choice(known)
            name = self.chance.choice(("Order Refunded", "Order Cancelled", "Order Delivered", "Order Shipped"))
            self._track(at_us, name, {"order_id": order_id}, {"userId": user})

    def _join(self, at_us: int) -> None:
        """A visitor on a new device turns out to be somebody; sometimes two accounts are one person."""
        if self.chance.random() < 0.2:
            users = self.chance.sample(range(5), 2)
            self._send(at_us, "alias", {"previousId": f"u{users[0]}", "userId": f"u{users[1]}"})
            return
        self.devices += 1
        device = {"anonymousId": f"d{self.devices}"}
        self._track(at_us, "Product Viewed", {"product_id": "p"}, device)
        if self.chance.random() < 0.6:
            self.confirm(at_us, device)
        if self.chance.random() < 0.3:
            self._order(at_us)
        user = {"userId": f"u{self.chance.randrange(5)}"}
        self._send(at_us + self.chance.randrange(9 * HOUR), "identify", {"traits": {"plan": "a"}, **user, **device})

    def _consent(self, at_us: int) -> None:
        self.confirm(at_us, {"userId": f"u{self.chance.randrange(5)}"})

    def confirm(self, at_us: int, who: dict[str, str]) -> None:
        """A person agrees to news by e-mail, with proof."""
        email = f"{next(iter(who.values()))}@kunde.example"
        proof = {"wording": "Ja", "form": "f", "basis": "express_consent", "email": email}
        self._send(at_us, "identify", {"traits": {"email": email}, **who})
        self._track(at_us + 1, "Consent Confirmed", {"channel": "email", "purpose": "news", **proof}, who)

    def _withdraw(self, at_us: int) -> None:
        self.withdraw(at_us, f"u{self.chance.randrange(5)}")

    def withdraw(self, at_us: int, user: str) -> Request:
        """A person takes the consent back, and the shop's server says so."""
        self._track(at_us, "Consent Withdrawn", {"channel": "email", "purpose": "news"}, {"userId": user})
        return self.waiting[-1]

    def _zone(self, at_us: int) -> None:
        birthday = to_datetime(at_us + self.chance.randrange(6) * DAY).date().replace(year=1990).isoformat()
        traits = {"timezone": self.chance.choice(ZONES), "birthday": birthday}
        self._send(at_us, "identify", {"traits": traits, "userId": f"u{self.chance.randrange(5)}"})

    def _case(self, at_us: int) -> None:
        properties = {"case_id": f"c{self.chance.randrange(3)}", "kind": "complaint"}
        self._track(at_us, self.chance.choice(("Case Opened", "Case Solved")), properties, self._who())

    def _malformed(self, at_us: int) -> None:
        self._track(at_us, "", {}, self._who())


_KINDS = {
    "view": 22, "late": 4, "order": 10, "after_order": 6, "join": 9, "consent": 16, "zone": 5, "case": 3, "withdraw": 2, "malformed": 1,
}  # fmt: skip
