"""The catalogue of event names: what each known event means, which properties it has, and who may send it.

Unknown events are welcome; they are stored and usable like any other. A known name is a promise: an `Order Completed`
without order number would be counted as an order that nobody can ever refund, so it is quarantined.
"""

from collections.abc import Callable
from typing import Any
from unicodedata import normalize

import msgspec

from kundenkreis.events.core.properties import COERCE, FACTS, Problem, Wrong, as_products, as_text
from kundenkreis.events.core.property_names import ORDER, PRODUCT, PROPERTIES


class EventType(msgspec.Struct, frozen=True):
    """One known event."""

    name: str
    de: str
    en: str
    group: str
    required: tuple[str, ...]
    properties: tuple[str, ...]
    """All known ones, the required first. Others are welcome."""
    is_server_only: bool
    """Only a server key may send it: it grants something, or says what the company did."""

    @property
    def sample(self) -> dict[str, Any]:
        """Properties as a well-formed event has them."""
        return {name: PROPERTIES[name].sample for name in self.properties}


def _event(
    name: str, de: str, required: str = "", *more: str, group: str, server: bool = False, en: str = ""
) -> EventType:
    needed = tuple(required.split())
    rest = tuple(word for part in more for word in part.split() if word not in needed)
    return EventType(name, de, en or name.capitalize(), group, needed, needed + rest, server)


_P = " ".join(PRODUCT)
_O = " ".join(ORDER)
_DELIVERY = "parcel_id lines promised_at expected_at carrier reason"
_CONSENT = "purpose address text_version source reason"
_CASE = "kind severity subject text order_id product_id person"
_LIVE = "title place starts_at ends_at"

_SHOP = (
    ("Products Searched", "Produkte gesucht", "", "query"),
    ("Product List Viewed", "Produktliste angesehen", "", "list_id category products"),
    ("Product List Filtered", "Produktliste gefiltert", "", "list_id category products"),
    ("Promotion Viewed", "Aktion gesehen", "", "promotion_id creative name position"),
    ("Promotion Clicked", "Aktion angeklickt", "", "promotion_id creative name position"),
    ("Product Clicked", "Produkt angeklickt", "", _P),
    ("Product Viewed", "Produkt angesehen", "", _P, "currency value"),
    ("Product Added", "Produkt in den Warenkorb gelegt", "", "cart_id", _P, "currency"),
    ("Product Removed", "Produkt aus dem Warenkorb genommen", "", "cart_id", _P, "currency"),
    ("Cart Viewed", "Warenkorb angesehen", "", "cart_id products currency"),
    ("Checkout Started", "Kasse begonnen", "", "order_id value", _O),
    ("Checkout Step Viewed", "Kassenschritt angesehen", "", "checkout_id step shipping_method payment_method"),
    ("Checkout Step Completed", "Kassenschritt erledigt", "", "checkout_id step shipping_method payment_method"),
    (
        "Payment Info Entered",
        "Zahlungsdaten eingegeben",
        "",
        "checkout_id order_id step shipping_method payment_method",
    ),
    ("Order Completed", "Bestellung abgeschlossen", "order_id", _O, "is_paid"),
    ("Order Updated", "Bestellung geändert", "order_id", _O),
    ("Order Refunded", "Bestellung erstattet", "order_id", "total currency products reason"),
    ("Order Cancelled", "Bestellung storniert", "order_id", _O, "reason"),
    ("Coupon Entered", "Gutschein eingegeben", "", "order_id cart_id coupon_id"),
    ("Coupon Applied", "Gutschein angenommen", "", "order_id cart_id coupon_id coupon_name discount"),
    ("Coupon Denied", "Gutschein abgelehnt", "", "order_id cart_id coupon_id coupon_name reason"),
    ("Coupon Removed", "Gutschein entfernt", "", "order_id cart_id coupon_id coupon_name discount"),
    ("Product Added to Wishlist", "Produkt gemerkt", "", "wishlist_id wishlist_name", _P),
    ("Product Removed from Wishlist", "Produkt nicht mehr gemerkt", "", "wishlist_id wishlist_name", _P),
    ("Wishlist Product Added to Cart", "Gemerktes Produkt in den Warenkorb gelegt", "", "wishlist_id cart_id", _P),
    ("Product Shared", "Produkt geteilt", "", "share_via share_message recipient", _P),
    ("Cart Shared", "Warenkorb geteilt", "", "share_via share_message recipient cart_id products"),
    ("Product Reviewed", "Produkt bewertet", "", "product_id review_id review_body rating"),
)

_EMAIL = "email_subject campaign_id campaign_name link_id link_url"

_SERVER: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    (
        "delivery",
        (
            ("Order Packed", "Bestellung gepackt", "order_id", _DELIVERY),
            ("Order Shipped", "Bestellung versandt", "order_id", _DELIVERY),
            ("Order Out For Delivery", "Bestellung in Zustellung", "order_id", _DELIVERY),
            ("Order Delivered", "Bestellung zugestellt", "order_id", _DELIVERY),
            ("Order Delayed", "Bestellung verspätet", "order_id", _DELIVERY),
            ("Order Ready For Pickup", "Bestellung abholbereit", "order_id", _DELIVERY, "branch"),
            ("Order Picked Up", "Bestellung abgeholt", "order_id", _DELIVERY, "branch"),
        ),
    ),
    (
        "returns",
        (
            ("Return Received", "Retoure eingegangen", "order_id", "return_id lines reason"),
            (
                "Order Line Refunded",
                "Position erstattet",
                "order_id",
                "return_id line_id",
                _P,
                "total refund currency reason",
            ),
        ),
    ),
    (
        "payment",
        (
            (
                "Payment Failed",
                "Zahlung fehlgeschlagen",
                "",
                "order_id payment_id total currency payment_method reason",
            ),
            ("Payment Reminded", "Zahlung angemahnt", "", "order_id payment_id total currency step due_at"),
            ("Payment Settled", "Zahlung eingegangen", "", "order_id payment_id total currency payment_method"),
        ),
    ),
    (
        "store",
        (
            ("Store Visit", "Filiale besucht", "", "branch person"),
            ("Store Purchase", "In der Filiale gekauft", "order_id", "branch receipt channel", _O),
        ),
    ),
    (
        "consent",
        (
            ("Consent Requested", "Einwilligung angefragt", "channel", _CONSENT),
            ("Consent Confirmed", "Einwilligung bestätigt", "channel", _CONSENT, "expires_at"),
            ("Consent Withdrawn", "Einwilligung widerrufen", "", "channel", _CONSENT),
            ("Consent Objected", "Werbung widersprochen", "", "channel", _CONSENT),
            ("Consent Expired", "Einwilligung abgelaufen", "", "channel", _CONSENT),
        ),
    ),
    (
        "e-mail",
        (
            ("Email Delivered", "E-Mail zugestellt", "", "email_id", _EMAIL),
            ("Email Opened", "E-Mail geöffnet", "", "email_id", _EMAIL),
            ("Email Link Clicked", "Link in E-Mail angeklickt", "", "email_id", _EMAIL),
            ("Email Bounced", "E-Mail unzustellbar", "", "email_id", _EMAIL, "is_final reason"),
            ("Email Marked as Spam", "E-Mail als Spam gemeldet", "", "email_id", _EMAIL),
            ("Unsubscribed", "Abgemeldet", "", "email_id", _EMAIL, "channel purpose"),
        ),
    ),
    (
        "rights",
        (
            ("Rights Request Opened", "Betroffenenanfrage eröffnet", "", "case_id kind subject text person"),
            ("Rights Request Closed", "Betroffenenanfrage erledigt", "", "case_id kind subject text person outcome"),
            ("Bereavement Reported", "Trauerfall gemeldet", "", "person text"),
            ("Suppression Added", "Adresse gesperrt", "", "channel address scope reason"),
            ("Suppression Lifted", "Adresse wieder freigegeben", "", "channel address reason"),
        ),
    ),
    (
        "service",
        (
            ("Case Opened", "Anliegen eröffnet", "case_id", _CASE),
            ("Case Answered", "Anliegen beantwortet", "case_id", _CASE),
            ("Case Solved", "Anliegen gelöst", "case_id", _CASE),
            ("Case Confirmed", "Lösung bestätigt", "case_id", _CASE),
            ("Case Reopened", "Anliegen wieder eröffnet", "case_id", _CASE),
            ("Promise Made", "Zusage gegeben", "", "promise_id text due_at person case_id"),
            ("Promise Kept", "Zusage gehalten", "", "promise_id text person case_id"),
            ("Promise Broken", "Zusage nicht gehalten", "", "promise_id text person case_id"),
            ("Product Recalled", "Produkt zurückgerufen", "", "product_id sku batch reason"),
            ("Mass Incident Opened", "Großstörung eröffnet", "incident_id", "kind scope text"),
            ("Mass Incident Closed", "Großstörung beendet", "incident_id", "kind scope text"),
        ),
    ),
    (
        "people",
        (
            ("Call Made", "Anruf geführt", "", "outcome person subject duration_seconds"),
            ("Call Received", "Anruf erhalten", "", "outcome person subject duration_seconds"),
            ("Visit Held", "Besuch geführt", "", "outcome person subject place"),
            ("Letter Sent", "Brief verschickt", "", "letter_id subject person"),
            ("Letter Returned", "Brief zurückgekommen", "", "letter_id reason"),
            ("Lead Handed Over", "An den Verkauf übergeben", "", "lead_id person reason"),
            ("Lead Accepted", "Vom Verkauf angenommen", "", "lead_id person"),
            ("Lead Rejected", "Vom Verkauf abgelehnt", "", "lead_id person reason"),
            ("Deal Created", "Verkaufschance angelegt", "deal_id", "title stage value currency person"),
            ("Deal Moved", "Verkaufschance weitergerückt", "deal_id", "title stage value currency person"),
            ("Deal Won", "Verkaufschance gewonnen", "deal_id", "title stage value currency person"),
            ("Deal Lost", "Verkaufschance verloren", "deal_id", "title stage value currency person reason"),
        ),
    ),
    (
        "live events",
        (
            ("Live Event Changed", "Veranstaltung geändert", "live_event_id", _LIVE, "reason"),
            ("Registration Confirmed", "Anmeldung bestätigt", "live_event_id", "registration_id seats", _LIVE),
            ("Registration Waitlisted", "Auf der Warteliste", "live_event_id", "registration_id seats", _LIVE),
            ("Checked In", "Eingecheckt", "live_event_id", "registration_id", _LIVE),
        ),
    ),
    (
        "reviews",
        (
            ("Review Published", "Bewertung veröffentlicht", "", "review_id product_id rating"),
            ("Review Answered", "Bewertung beantwortet", "", "review_id product_id text person"),
            ("Social Mention Received", "In einem Netzwerk erwähnt", "", "network url text"),
        ),
    ),
    (
        "loyalty",
        (
            ("Points Earned", "Punkte gesammelt", "points", "programme order_id reason expires_at"),
            ("Points Spent", "Punkte eingelöst", "points", "programme order_id reason"),
            ("Points Expired", "Punkte verfallen", "points", "programme reason"),
            ("Points Reversed", "Punkte zurückgebucht", "points", "programme order_id reason"),
            ("Tier Changed", "Stufe gewechselt", "tier", "previous_tier programme reason"),
            ("Voucher Issued", "Gutschein ausgestellt", "voucher_code", "value currency expires_at reason"),
            ("Voucher Reserved", "Gutschein vorgemerkt", "voucher_code", "order_id"),
            ("Voucher Redeemed", "Gutschein eingelöst", "voucher_code", "order_id value currency"),
            ("Voucher Expired", "Gutschein abgelaufen", "voucher_code"),
            ("Voucher Revoked", "Gutschein widerrufen", "voucher_code", "reason"),
        ),
    ),
)

_ANYBODY: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    (
        "returns",
        (
            ("Return Announced", "Retoure angekündigt", "order_id", "return_id lines reason"),
            ("Withdrawal Declared", "Widerruf erklärt", "order_id", "lines reason"),
        ),
    ),
    ("forms", (("Form Submitted", "Formular abgeschickt", "", "form_id fields source"),)),
    (
        "live events",
        (
            ("Registration Created", "Angemeldet", "live_event_id", "registration_id seats", _LIVE),
            ("Registration Cancelled", "Anmeldung abgesagt", "live_event_id", "registration_id reason", _LIVE),
        ),
    ),
    (
        "reviews",
        (
            ("Survey Answered", "Umfrage beantwortet", "survey_id", "score answers text order_id product_id"),
            ("Review Submitted", "Bewertung abgegeben", "", "review_id product_id order_id rating review_body"),
        ),
    ),
    (
        "use",
        (
            ("Feature Used", "Funktion benutzt", "feature", "product_id app"),
            ("App Installed", "App installiert", "", "app version"),
            ("App Removed", "App entfernt", "", "app version"),
            ("Back In Stock Requested", "Benachrichtigung bei Verfügbarkeit gewünscht", "", _P),
        ),
    ),
)

EVENTS: dict[str, EventType] = {
    event.name: event
    for event in (
        *(_event(*row, group="shop") for row in _SHOP),
        *(_event(*row, group=group, server=True) for group, rows in _SERVER for row in rows),
        *(_event(*row, group=group) for group, rows in _ANYBODY for row in rows),
    )
}
"""Every known event by its name. Source of the shop and e-mail events: Segment specification (e-commerce v2, e-mail)."""

OF_OTHERS = frozenset({
    "Order Updated", "Order Refunded", "Order Cancelled", "Order Packed", "Order Shipped", "Order Out For Delivery", "Order Delivered",
    "Order Delayed", "Order Ready For Pickup", "Return Received", "Order Line Refunded", "Payment Failed", "Payment Reminded",
    "Payment Settled", "Consent Expired", "Email Delivered", "Email Opened", "Email Bounced", "Rights Request Closed", "Bereavement Reported",
    "Suppression Added", "Suppression Lifted", "Case Answered", "Case Solved", "Promise Made", "Promise Kept", "Promise Broken",
    "Product Recalled", "Mass Incident Opened", "Mass Incident Closed", "Call Made", "Letter Sent", "Letter Returned", "Lead Handed Over",
    "Lead Accepted", "Lead Rejected", "Deal Created", "Deal Moved", "Deal Won", "Deal Lost", "Live Event Changed", "Registration Confirmed",
    "Registration Waitlisted", "Review Published", "Review Answered", "Points Earned", "Points Expired", "Points Reversed", "Tier Changed",
    "Voucher Issued", "Voucher Reserved", "Voucher Expired", "Voucher Revoked",
})  # fmt: skip
"""Events that say what the company, a carrier or a machine did about somebody: not acts of the person. An opened e-mail is among them, because
mail programs open what nobody reads; an order that changed or was cancelled, because it cannot be told by whom.
"""

OWN_EVENTS = (
    "Attribute Set",
    "Broadcast Started",
    "Fold Upgraded",
    "Held Message Closed",
    "Held Message Released",
    "Journey Stopped",
    "Marketing Paused",
    "Marketing Resumed",
    "Merge Requested",
    "Message Cancelled",
    "Message Expired",
    "Message Failed",
    "Message Held",
    "Message Postponed",
    "Message Released",
    "Message Sent",
    "Message Uncertain",
    "Message Withheld",
    "Phase Changed",
    "Rulebook Published",
    "Score Added",
    "Score Crossed",
    "Segment Entered",
    "Segment Left",
    "Situation Began",
    "Situation Ended",
    "State Carried",
    "State Surrendered",
    "Step Budget Reached",
    "Sub-State Changed",
)
"""Names that Kundenkreis itself writes into the log. A public key cannot pretend to be it."""

_SERVER_ONLY = frozenset(
    name.casefold() for name in (*OWN_EVENTS, *(name for name, event in EVENTS.items() if event.is_server_only))
)
_SERVER_ONLY_FIRST_WORDS = frozenset(("consent", "points", "voucher", "tier", "email"))


def needs_server_key(name: str) -> bool:
    """Whether only a server key may send this event: it grants, withdraws or reports for the company.

    Spelling does not open a door: case and spaces are ignored, and so is the rest of a name that begins like them.
    """
    words = (name if name.isascii() else normalize("NFKC", name)).casefold().split()
    return bool(words) and (words[0] in _SERVER_ONLY_FIRST_WORDS or " ".join(words) in _SERVER_ONLY)


def check(name: str, properties: dict[str, Any]) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The properties with each known one in its type, and what is wrong with them.

    Returns the same dict object if nothing had to be changed. Unknown events and unknown properties pass as they are.
    A null counts as absent.
    """
    event = EVENTS.get(name)
    if event is None:
        return properties, ()
    problems: list[Problem] = [
        Problem(needed, "missing_property", f"{needed} is missing", True)
        for needed in event.required
        if properties.get(needed) is None
    ]
    checked = _check_known(properties, _COERCE[name], event.required, problems, "")
    return checked, tuple(problems)


_Coerce = dict[str, Callable[[Any], Any]]

_COERCE: dict[str, _Coerce] = {
    event.name: {name: COERCE[PROPERTIES[name].kind] for name in event.properties} for event in EVENTS.values()
}
_COERCE_PRODUCT: _Coerce = {name: COERCE[PROPERTIES[name].kind] for name in PRODUCT}
# By function rather than by kind: hashing a member of an Enum is a Python call, and this is the hottest loop here.

_PRODUCT_NEEDS = ("quantity",)
"""Beside the amounts, what makes a product in a list unusable when it is malformed."""


def _check_known(
    values: dict[str, Any],
    known: _Coerce,
    needed: tuple[str, ...],
    problems: list[Problem],
    where: str,
    at: int = -1,
) -> dict[str, Any]:
    """Bring the known values into their types; problems are appended. The same dict if nothing changed.

    Args:
        where: how problems name the place: "" for the event's own properties, else the property that holds a list.
        at: which element of that list this is.
    """
    changed: dict[str, Any] = {}
    for name, value in values.items():
        coerce = known.get(name)
        if coerce is None or value is None or (coerce is as_text and type(value) is str):
            continue
        coerced = coerce(value)
        if type(coerced) is Wrong:
            is_fatal = PROPERTIES[name].kind in FACTS or name in needed
            place = f"{where}[{at}].{name}" if where else name
            problems.append(Problem(place, f"bad_property.{coerced.code}", f"{place} {coerced.detail}", is_fatal))
            continue
        if coerce is as_products:
            coerced = _check_products(coerced, problems, name)
        if coerced is not value:
            changed[name] = coerced
    return {**values, **changed} if changed else values


def _check_products(products: list[dict[str, Any]], problems: list[Problem], where: str) -> list[dict[str, Any]]:
    is_changed = False
    checked: list[dict[str, Any]] = []
    for at, product in enumerate(products):
        new = _check_known(product, _COERCE_PRODUCT, _PRODUCT_NEEDS, problems, where, at)
        is_changed |= new is not product
        checked.append(new)
    return checked if is_changed else products
