"""What one person of the village does and what is done to them, as calls of the tracking API."""

from datetime import timedelta

from tests.oracle.local_time import DAY, EPOCH, HOUR, MINUTE, SECOND

COUNTRIES = ("DE", "DE", "DE", "AT", "CH", "US", "")
ZONES = ("Asia/Tokyo", "America/New_York", "Europe/London")
ACTS = {
    "view": 30, "add": 7, "order": 11, "deliver": 8, "delay": 3, "ship": 3, "undo": 3, "case": 4, "agree": 5, "request": 4,
    "withdraw": 0.8, "bounce": 3, "complain": 0.2, "suppress": 1.8, "object": 0.4, "move": 2.5, "form": 3, "letter": 1, "late": 2,
    "contract": 2,
}  # fmt: skip


def happenings_of(person, chance, from_us, until_us):
    """[(instant, call, source, fields)] in order."""
    life = _Life(f"p{person}", chance, from_us, until_us)
    return sorted(life.lived(), key=lambda one: one[0])


class _Life:
    def __init__(self, user, chance, from_us, until_us):
        self._user, self._chance = user, chance
        self._from_us, self._until_us = from_us, until_us
        self._orders, self._cases, self._devices = [], [], 0
        self._email = f"{user}@kunde.example"

    def lived(self):
        """The first call, then one after the other with pauses of very different lengths."""
        chance = self._chance
        at_us = self._from_us + chance.randrange(12 * DAY)
        yield self._identify(
            at_us, country=chance.choice(COUNTRIES), birthday=self._birthday(), contract_end=self._day(at_us, 40)
        )
        if chance.random() < 0.8:
            yield from self._agree(at_us + chance.randrange(MINUTE, 2 * DAY))
        while True:
            at_us += chance.randrange(SECOND, chance.choice((HOUR, DAY, 3 * DAY)))
            if at_us >= self._until_us:
                return
            name = chance.choices(list(ACTS), weights=list(ACTS.values()))[0]
            yield from getattr(self, f"_{name}")(at_us)

    def _birthday(self):
        year = self._chance.choice((1980, 1999, 2010, 2011))
        return self._chance.choice((f"{year}-04-1{self._chance.randrange(10)}", "", "1.1.1970"))

    def _day(self, at_us, most):
        day = EPOCH + timedelta(microseconds=at_us) + timedelta(days=self._chance.randrange(-3, most))
        return self._chance.choice((day.date().isoformat(), day.date().strftime("%d.%m.%Y")))

    def _identify(self, at_us, **traits):
        given = {name: value for name, value in traits.items() if value}
        return at_us, "identify", "shop", {"userId": self._user, "traits": {"email": self._email, **given}}

    def _track(self, at_us, name, *, age_us=0, **properties):
        fields = {"userId": self._user, "event": name, "properties": properties}
        return at_us, "track", "shop", fields | ({"age_us": age_us} if age_us else {})

    # What they do -----------------------------------------------------------------------------------------------------

    def _view(self, at_us):
        yield self._track(at_us, "Product Viewed", product_id="p1")

    def _late(self, at_us):
        yield self._track(at_us, "Product Viewed", product_id="p2", age_us=self._chance.randrange(2 * HOUR, 5 * DAY))

    def _add(self, at_us):
        cart = f"{self._user}-{self._chance.randrange(2)}"
        yield self._track(at_us, "Product Added", product_id="p1", cart_id=cart, price=4.5)

    def _order(self, at_us):
        chance = self._chance
        number = len(self._orders)
        order_id = f"{self._user}-o{number}"
        self._orders.append(order_id)
        more = {"promised_at": self._promise(at_us)} if chance.random() < 0.7 else {}
        if chance.random() < 0.7:
            more |= {"notice_version": "2026-01", "email": self._email}
        if number % 3:  # the others do not say which cart they come from
            more["basket"] = f"{self._user}-{number % 2}"
        product = {"product_id": "p1", "quantity": 1, "category": chance.choice(("tea", "tea", "mugs"))}
        total = chance.randrange(5, 90)
        yield self._track(
            at_us, "Order Completed", order_id=order_id, total=total, currency="EUR", products=[product], **more
        )

    def _promise(self, at_us):
        moment = EPOCH + timedelta(microseconds=at_us) + timedelta(hours=self._chance.randrange(-2, 70))
        return self._chance.choice((moment.isoformat(), moment.date().isoformat()))

    def _deliver(self, at_us):
        if self._orders:
            yield self._track(at_us, "Order Delivered", order_id=self._chance.choice(self._orders[-3:]))

    def _delay(self, at_us):
        if self._orders:
            more = {"promised_at": self._promise(at_us)} if self._chance.random() < 0.5 else {}
            yield self._track(at_us, "Order Delayed", order_id=self._orders[-1], **more)

    def _ship(self, at_us):
        if self._orders:
            more = {"promised_at": self._promise(at_us)} if self._chance.random() < 0.5 else {}
            yield self._track(at_us, "Order Shipped", order_id=self._orders[-1], **more)

    def _undo(self, at_us):
        if self._orders:
            name = self._chance.choice(("Order Cancelled", "Order Refunded"))
            yield self._track(at_us, name, order_id=self._chance.choice(self._orders))

    def _case(self, at_us):
        case = f"{self._user}-c{self._chance.randrange(2)}"
        name = self._chance.choice(("Case Opened", "Case Solved"))
        about = {"order_id": self._orders[-1]} if self._orders else {}
        yield self._track(at_us, name, case_id=case, kind="complaint", **about)

    def _form(self, at_us):
        if self._chance.random() < 0.7:
            proof = {"basis": "requested", "email": self._email}
            yield self._track(at_us, "Consent Confirmed", channel="email", purpose="catalogue", **proof)
        yield self._track(at_us + self._chance.randrange(2) * MINUTE, "Form Submitted", form_id="catalogue")

    def _move(self, at_us):
        chance = self._chance
        what = chance.choice(("zone", "zone", "email", "country"))
        if what == "email":
            self._email = f"{self._user}.{chance.randrange(3)}@kunde.example"
        more = {
            "zone": {"timezone": chance.choice(ZONES)},
            "country": {"country": chance.choice(COUNTRIES)},
            "email": {},
        }
        yield self._identify(at_us, **more[what])

    def _contract(self, at_us):
        yield self._identify(at_us, contract_end=self._day(at_us, 12))

    # Permission -------------------------------------------------------------------------------------------------------

    def _agree(self, at_us):
        proof = {"wording": "Ja, gern", "form": "f1", "email": self._email}
        purposes = ["newsletter"] if self._chance.random() < 0.7 else ["newsletter", "similar_goods"]
        for number, purpose in enumerate(purposes):
            yield self._track(at_us + number, "Consent Confirmed", channel="email", purpose=purpose, **proof)

    def _request(self, at_us):
        yield self._track(at_us, "Consent Requested", channel="email", purpose="newsletter")

    def _withdraw(self, at_us):
        name, more = self._chance.choice(
            [
                ("Consent Withdrawn", {"purpose": "newsletter"}),
                ("Unsubscribed", {}),
                ("Unsubscribed", {"purpose": "similar_goods"}),
            ]
        )
        yield self._track(at_us, name, channel="email", **more)

    def _object(self, at_us):
        yield self._track(
            at_us, "Consent Objected", scope=self._chance.choice(("marketing", "service", "purpose:order"))
        )

    def _bounce(self, at_us):
        chance = self._chance
        said = chance.choice(
            [{"bounce_class": "soft"}] * 9
            + [
                {"bounce_class": "hard"},
                {"is_final": True, "reason": "policy"},
                {"is_final": True, "reason": "mailbox"},
            ]
        )
        yield self._track(at_us, "Email Bounced", email=self._email, **said)
        if said == {"bounce_class": "soft"} and chance.random() < 0.5:  # a series of them
            for days in (5, 9, 40):
                yield self._track(
                    at_us + days * DAY + chance.randrange(DAY), "Email Bounced", email=self._email, **said
                )

    def _complain(self, at_us):
        yield self._track(at_us, "Email Marked as Spam", email=self._email)

    def _suppress(self, at_us):
        name, more = self._chance.choice(
            [
                ("Suppression Added", {}),
                ("Suppression Added", {"scope": "all"}),
                ("Suppression Added", {"reason": "hard"}),
            ]
            + [("Suppression Lifted", {})] * 6
        )
        yield self._track(at_us, name, address=self._email, channel="email", **more)

    def _letter(self, at_us):
        yield self._track(at_us, "Letter Sent", purpose="letter")
