"""Why an event is in the quarantine: every code of `Malformed`, explained for the people who look there."""

from typing import NamedTuple


class Reason(NamedTuple):
    """What is wrong, in German and English."""

    de: str
    en: str


REASONS: dict[str, Reason] = {
    "bad_json": Reason(
        "Kein gültiges JSON, oder eine Zahl außerhalb jedes Bereichs.", "No valid JSON, or a number beyond any range."
    ),
    "not_an_object": Reason("Ein Ereignis muss ein JSON-Objekt sein.", "An event must be a JSON object."),
    "event_too_large": Reason("Größer als 32 KB.", "Larger than 32 KB."),
    "too_deep": Reason("Tiefer als 16 Ebenen verschachtelt.", "Nested deeper than 16 levels."),
    "nul_character": Reason("Enthält das Zeichen U+0000.", "Holds the character U+0000."),
    "number_out_of_range": Reason(
        "Enthält eine ganze Zahl mit mehr als 64 Bit.", "Holds a whole number beyond 64 bits."
    ),
    "unknown_type": Reason(
        "Keine der Arten identify, track, page, screen, group, alias.",
        "None of identify, track, page, screen, group, alias.",
    ),
    "no_identity": Reason(
        "Es fehlt die nötige Kennung: userId oder anonymousId; bei group auch groupId, bei alias previousId und userId; "
        "beim öffentlichen Schlüssel mit unbewiesener userId auch anonymousId.",
        "The needed id is missing: userId or anonymousId; for group also groupId, for alias previousId and userId; with a public "
        "key and an unproved userId also anonymousId.",
    ),
    "bad_id": Reason(
        "Eine Kennung ist kein Text, länger als 255 Zeichen oder enthält unsichtbare Zeichen.",
        "An id is no text, longer than 255 characters, or holds invisible characters.",
    ),
    "blocked_id": Reason(
        "Eine Kennung wie null oder undefined, die lauter Fremde zu einer Person machen würde.",
        "An id such as null or undefined, which would join strangers into one person.",
    ),
    "bad_message_id": Reason(
        "messageId ist kein Text bis 255 Zeichen.", "messageId is no text of at most 255 characters."
    ),
    "no_name": Reason("Dem track-Aufruf fehlt der Ereignisname.", "The track call has no event name."),
    "bad_name": Reason("Der Name ist kein Text bis 200 Zeichen.", "The name is no text of at most 200 characters."),
    "bad_properties": Reason("properties ist kein Objekt.", "properties is no object."),
    "bad_traits": Reason("traits ist kein Objekt.", "traits is no object."),
    "bad_context": Reason("context ist kein Objekt.", "context is no object."),
    "too_many_keys": Reason(
        "Mehr als 300 Schlüssel in properties, traits oder context.",
        "More than 300 keys in properties, traits or context.",
    ),
    "bad_timestamp": Reason(
        "Die Zeitangabe ist kein Text nach ISO 8601 oder liegt vor 1971. Zahlen werden nicht gedeutet.",
        "The timestamp is no ISO 8601 text, or lies before 1971. Numbers are not interpreted.",
    ),
    "needs_server_key": Reason(
        "Dieses Ereignis darf nur mit einem Serverschlüssel gesendet werden.",
        "This event may only be sent with a server key.",
    ),
    "anonymous_quota": Reason(
        "Die Quelle hat so viele Unbekannte gebracht, wie sie in einer Stunde oder an einem Tag darf.",
        "The source brought as many strangers as it may in an hour or a day.",
    ),
    "missing_property": Reason("Eine nötige Eigenschaft fehlt.", "A required property is missing."),
    "bad_property.not_text": Reason("Eine Eigenschaft müsste Text sein.", "A property should be text."),
    "bad_property.empty": Reason("Eine Nummer ist leer.", "An id property is empty."),
    "bad_property.not_an_integer": Reason(
        "Eine Eigenschaft müsste eine ganze Zahl sein.", "A property should be a whole number."
    ),
    "bad_property.not_a_number": Reason(
        "Eine Eigenschaft müsste eine Zahl sein, mit Punkt als Dezimalzeichen und ohne Tausendertrennung.",
        "A property should be a number, with a point for decimals and nothing between thousands.",
    ),
    "bad_property.out_of_range": Reason("Eine Zahl ist zu groß.", "A number is too large."),
    "bad_property.negative": Reason("Ein Betrag ist negativ.", "An amount is negative."),
    "bad_property.bad_currency": Reason("Kein Währungscode nach ISO 4217.", "No currency code of ISO 4217."),
    "bad_property.not_a_boolean": Reason(
        "Eine Eigenschaft müsste wahr oder falsch sein.", "A property should be true or false."
    ),
    "bad_property.bad_instant": Reason("Ein Zeitpunkt ist kein Text nach ISO 8601.", "An instant is no ISO 8601 text."),
    "bad_property.not_a_list_of_texts": Reason(
        "Eine Eigenschaft müsste eine Liste von Texten sein.", "A property should be a list of texts."
    ),
    "bad_property.not_a_list_of_products": Reason(
        "Die Produktliste ist keine Liste von Objekten.", "The list of products is no list of objects."
    ),
    "bad_property.not_an_object": Reason("Eine Eigenschaft müsste ein Objekt sein.", "A property should be an object."),
}
