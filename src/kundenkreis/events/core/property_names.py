"""Every property that the catalogue knows: one name, one type, in whichever event it stands.

Names of the e-commerce events are those of the Segment specification (v2); the others are in the same spelling.
"""

from typing import Any

import msgspec

from kundenkreis.events.core.properties import Kind


class Property(msgspec.Struct, frozen=True):
    """One property: its type, its labels, and a value as an example."""

    name: str
    kind: Kind
    de: str
    en: str
    sample: Any


_PRODUCT_SAMPLE = {"product_id": "P-100", "sku": "ESP-250", "name": "Espresso 250 g", "price": 12.5, "quantity": 2}

_TABLE: tuple[tuple[Kind, tuple[tuple[str, str, str, Any], ...]], ...] = (
    (
        Kind.IDENTIFIER,
        (
            ("product_id", "Produktnummer", "Product id", "P-100"),
            ("sku", "Artikelnummer", "SKU", "ESP-250"),
            ("order_id", "Bestellnummer", "Order id", "B-2026-1001"),
            ("checkout_id", "Kassenvorgang", "Checkout id", "K-77"),
            ("cart_id", "Warenkorbnummer", "Cart id", "W-31"),
            ("list_id", "Listennummer", "List id", "coffee"),
            ("promotion_id", "Aktionsnummer", "Promotion id", "A-12"),
            ("coupon_id", "Gutscheinnummer", "Coupon id", "C-5"),
            ("wishlist_id", "Merklistennummer", "Wishlist id", "M-9"),
            ("review_id", "Bewertungsnummer", "Review id", "R-8"),
            ("email_id", "E-Mail-Nummer", "E-mail id", "E-1"),
            ("campaign_id", "Kampagnennummer", "Campaign id", "KA-3"),
            ("link_id", "Link-Nummer", "Link id", "L-2"),
            ("parcel_id", "Sendungsnummer", "Parcel id", "00340434161094042557"),
            ("return_id", "Retourennummer", "Return id", "RT-4"),
            ("line_id", "Positionsnummer", "Order line id", "1"),
            ("payment_id", "Zahlungsnummer", "Payment id", "Z-6"),
            ("branch", "Filiale", "Branch", "Hamburg Mitte"),
            ("receipt", "Kassenbon", "Receipt", "4711-0815"),
            ("form_id", "Formularnummer", "Form id", "newsletter"),
            ("case_id", "Anliegennummer", "Case id", "4711"),
            ("promise_id", "Zusagenummer", "Promise id", "ZU-1"),
            ("letter_id", "Briefnummer", "Letter id", "BR-1"),
            ("lead_id", "Übergabenummer", "Handover id", "UE-1"),
            ("deal_id", "Verkaufschance", "Deal id", "V-20"),
            ("live_event_id", "Veranstaltungsnummer", "Live event id", "VA-1"),
            ("registration_id", "Anmeldungsnummer", "Registration id", "AN-1"),
            ("survey_id", "Umfragenummer", "Survey id", "nps"),
            ("voucher_code", "Gutscheincode", "Voucher code", "DANKE-7F3K"),
            ("programme", "Programm", "Programme", "club"),
            ("incident_id", "Störungsnummer", "Incident id", "ST-1"),
            ("feature", "Funktion", "Feature", "export"),
            ("app", "App", "App", "shop"),
        ),
    ),
    (
        Kind.TEXT,
        (
            ("query", "Suchbegriff", "Search query", "Espresso"),
            ("category", "Kategorie", "Category", "Kaffee"),
            ("name", "Name", "Name", "Espresso 250 g"),
            ("brand", "Marke", "Brand", "Beispielrösterei"),
            ("variant", "Ausführung", "Variant", "ganze Bohne"),
            ("coupon", "Gutschein", "Coupon", "HERBST"),
            ("creative", "Motiv", "Creative", "banner-1"),
            ("affiliation", "Verkaufsstelle", "Affiliation", "Onlineshop"),
            ("shipping_method", "Versandart", "Shipping method", "Paket"),
            ("payment_method", "Zahlungsart", "Payment method", "Rechnung"),
            ("coupon_name", "Gutscheinname", "Coupon name", "Herbstaktion"),
            ("reason", "Grund", "Reason", "zu groß"),
            ("share_via", "Geteilt über", "Shared via", "email"),
            ("share_message", "Nachricht dazu", "Share message", "Schau mal"),
            ("recipient", "Empfänger", "Recipient", "freundin@example.org"),
            ("wishlist_name", "Merkliste", "Wishlist name", "Geburtstag"),
            ("review_body", "Bewertungstext", "Review text", "Sehr guter Kaffee"),
            ("email_subject", "Betreff", "E-mail subject", "Ihre Bestellung"),
            ("campaign_name", "Kampagne", "Campaign name", "Herbst"),
            ("carrier", "Zusteller", "Carrier", "DHL"),
            ("channel", "Kanal", "Channel", "email"),
            ("purpose", "Zweck", "Purpose", "newsletter"),
            ("address", "Adresse", "Address", "anna@example.org"),
            ("text_version", "Fassung des Einwilligungstexts", "Consent text version", "2026-03"),
            ("source", "Herkunft", "Source", "checkout"),
            ("kind", "Art", "Kind", "complaint"),
            ("subject", "Betreff", "Subject", "Lieferung beschädigt"),
            ("text", "Text", "Text", "Der Deckel fehlt."),
            ("outcome", "Ergebnis", "Outcome", "reached"),
            ("person", "Person", "Person", "Jana Beispiel"),
            ("stage", "Stufe", "Stage", "offer"),
            ("title", "Titel", "Title", "Röstabend"),
            ("place", "Ort", "Place", "Hamburg"),
            ("tier", "Stufe", "Tier", "Gold"),
            ("previous_tier", "Bisherige Stufe", "Previous tier", "Silber"),
            ("scope", "Umfang", "Scope", "carrier:DHL"),
            ("network", "Netzwerk", "Network", "mastodon"),
            ("version", "Version", "Version", "4.2"),
            ("batch", "Charge", "Batch", "L2026-11"),
        ),
    ),
    (
        Kind.MONEY,
        (
            ("price", "Preis", "Price", 12.5),
            ("value", "Wert", "Value", 25.0),
            ("total", "Gesamtbetrag", "Total", 119.9),
            ("subtotal", "Zwischensumme", "Subtotal", 110.0),
            ("revenue", "Umsatz", "Revenue", 105.0),
            ("refund", "Erstattung", "Refund", 25.0),
        ),
    ),
    (
        Kind.SIGNED_MONEY,
        (
            ("shipping", "Versand", "Shipping", 4.9),
            ("tax", "Steuer", "Tax", 19.14),
            ("discount", "Nachlass", "Discount", 5.0),
        ),
    ),
    (Kind.CURRENCY, (("currency", "Währung", "Currency", "EUR"),)),
    (
        Kind.INTEGER,
        (
            ("quantity", "Menge", "Quantity", 2),
            ("position", "Platz", "Position", 1),
            ("step", "Schritt", "Step", 2),
            ("severity", "Schwere", "Severity", 2),
            ("points", "Punkte", "Points", 120),
            ("duration_seconds", "Dauer in Sekunden", "Duration in seconds", 240),
            ("seats", "Plätze", "Seats", 2),
        ),
    ),
    (Kind.NUMBER, (("rating", "Bewertung", "Rating", 5), ("score", "Punktwert", "Score", 9))),
    (Kind.BOOLEAN, (("is_paid", "Bezahlt", "Paid", True), ("is_final", "Endgültig", "Final", True))),
    (
        Kind.INSTANT,
        (
            ("promised_at", "Zugesagt für", "Promised at", "2026-11-24T18:00:00+01:00"),
            ("expected_at", "Erwartet am", "Expected at", "2026-11-25T18:00:00+01:00"),
            ("starts_at", "Beginnt", "Starts at", "2026-12-03T19:00:00+01:00"),
            ("ends_at", "Endet", "Ends at", "2026-12-03T22:00:00+01:00"),
            ("due_at", "Fällig", "Due at", "2026-12-01T00:00:00+01:00"),
            ("expires_at", "Gültig bis", "Expires at", "2026-12-31T23:59:59+01:00"),
        ),
    ),
    (
        Kind.URL,
        (
            ("url", "Adresse der Seite", "URL", "https://shop.example/espresso"),
            ("image_url", "Adresse des Bildes", "Image URL", "https://shop.example/espresso.jpg"),
            ("link_url", "Ziel des Links", "Link URL", "https://shop.example/danke"),
        ),
    ),
    (
        Kind.PRODUCTS,
        (
            ("products", "Produkte", "Products", [_PRODUCT_SAMPLE]),
            ("lines", "Positionen", "Order lines", [_PRODUCT_SAMPLE]),
        ),
    ),
    (
        Kind.OBJECT,
        (
            ("answers", "Antworten", "Answers", {"q1": "ja"}),
            ("fields", "Felder", "Fields", {"city": "Hamburg"}),
        ),
    ),
)

PROPERTIES: dict[str, Property] = {
    name: Property(name, kind, de, en, sample) for kind, rows in _TABLE for name, de, en, sample in rows
}

PRODUCT = "product_id sku category name brand variant price quantity coupon position url image_url".split()
"""Properties of a product, alone or in a list of products."""

ORDER = "checkout_id affiliation total subtotal revenue shipping tax discount coupon currency products".split()
"""Properties of an order beside its number."""
