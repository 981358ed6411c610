"""What the gate's reasons say to people, in German and English.

A reason is one entry of Verdict.reasons: [question, True] or [rule, False, detail...]. Details are plain data; instants
among them are named `{..._us}` in the texts and shown as date and time in the zone of the person reading.
"""

from typing import Any, Literal

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import Zone, date_of

Language = Literal["de", "en"]

QUESTION_TEXTS: dict[str, dict[Language, str]] = {
    "existence": {"de": "Gibt es die Person hier noch?", "en": "Does this person still exist here?"},
    "address": {"de": "Gibt es eine Adresse für den Kanal?", "en": "Is there an address for the channel?"},
    "fences": {"de": "Wurde sie untersagt und nicht neu erlaubt?", "en": "Was it forbidden and not allowed anew?"},
    "basis": {"de": "Gibt es eine Rechtsgrundlage?", "en": "Is there a legal basis?"},
    "suppression": {"de": "Ist die Adresse gesperrt?", "en": "Is the address suppressed?"},
    "objection": {"de": "Wurde widersprochen oder widerrufen?", "en": "Was there an objection or withdrawal?"},
    "global_holdout": {"de": "Gehört die Person zur Kontrollgruppe?", "en": "Is the person in the control group?"},
    "journey_holdout": {
        "de": "Gehört die Person zur Kontrollgruppe der Strecke?",
        "en": "Is the person in the journey's control group?",
    },
    "age": {"de": "Ist die Person alt genug für Werbung?", "en": "Is the person old enough for marketing?"},
    "situation": {"de": "Hält eine offene Sache die Nachricht auf?", "en": "Does an open matter hold the message?"},
    "pause": {"de": "Ist Werbung angehalten?", "en": "Is marketing paused?"},
    "validity": {"de": "Nützt die Nachricht noch?", "en": "Is the message still of use?"},
    "incentive": {
        "de": "Kam vor dem Anreiz schon eine andere Nachricht?",
        "en": "Did another message come before the incentive?",
    },
    "after_conversion": {
        "de": "Bleibt der Druck nach dem ersten Kauf gleich?",
        "en": "Does pressure stay the same after the first purchase?",
    },
    "limits": {"de": "Ist im Kontaktbudget noch Platz?", "en": "Is there room in the contact budget?"},
    "quiet_time": {"de": "Passt die Uhrzeit am Ort der Person?", "en": "Is it a fit time where the person lives?"},
    "overdue": {"de": "Ist sie zu lange liegen geblieben?", "en": "Was it delayed for too long?"},
}
"""The questions in the order asked."""

RULE_TEXTS: dict[str, dict[Language, str]] = {
    "erased": {"de": "Die Daten der Person sind gelöscht.", "en": "The person's data is erased."},
    "forwarded": {"de": "Dieses Profil gehört jetzt zu {0}.", "en": "This profile now belongs to {0}."},
    "no_address": {"de": "Keine Adresse für {0}.", "en": "No address for {0}."},
    "fence": {
        "de": "Untersagt ({0}) und seither nicht neu erlaubt.",
        "en": "Forbidden ({0}) and not allowed anew since.",
    },
    "basis": {"de": "Keine Rechtsgrundlage für {1}: {0}.", "en": "No legal basis for {1}: {0}."},
    "suppressed": {"de": "Adresse gesperrt seit {1_us}: {0}.", "en": "Address suppressed since {1_us}: {0}."},
    "objection": {"de": "Widerspruch ({0}) seit {1_us}.", "en": "Objection ({0}) since {1_us}."},
    "withdrawn": {"de": "Einwilligung für {0} widerrufen.", "en": "Consent for {0} withdrawn."},
    "global_holdout": {
        "de": "Kontrollgruppe: bekommt keine Werbung, damit sich ihre Wirkung zeigen lässt.",
        "en": "Control group: gets no marketing, so that its effect can be shown.",
    },
    "journey_holdout": {"de": "Kontrollgruppe der Strecke.", "en": "Control group of the journey."},
    "situation": {"de": "Zurückgehalten: {3}, seit {1_us} ({2}).", "en": "Held: {4}, since {1_us} ({2})."},
    "first_after": {
        "de": "Die erste Nachricht danach verkauft nicht: {3}, seit {1_us}.",
        "en": "The first message afterwards does not sell: {4}, since {1_us}.",
    },
    "minor": {"de": "Noch keine {0} Jahre alt.", "en": "Not yet {0} years old."},
    "first_incentive": {
        "de": "Ein Anreiz ist nie die erste Nachricht.", "en": "An incentive is never the first message.",
    },
    "paused": {"de": "Werbung angehalten: {0}", "en": "Marketing paused: {0}"},
    "validity": {"de": "Galt nur bis {0_us}.", "en": "Was of use only until {0_us}."},
    "after_conversion": {
        "de": "Erster Kauf am {0_us}: nicht mehr Werbung als vorher ({1} in 7 Tagen) und eine.",
        "en": "First purchase on {0_us}: no more marketing than before ({1} in 7 days) and one.",
    },
    "limit": {
        "de": "Kontaktbudget aufgebraucht: höchstens {1} {2_span}.", "en": "Contact budget used up: at most {1} {2_span}.",
    },
    "quiet_hours": {"de": "Ruhezeit am Ort der Person ({0}).", "en": "Quiet hours where the person lives ({0})."},
    "sunday": {"de": "Sonntag am Ort der Person ({0}).", "en": "Sunday where the person lives ({0})."},
    "holiday": {"de": "Feiertag am Ort der Person ({0}).", "en": "Public holiday where the person lives ({0})."},
    "overdue": {
        "de": "War fällig am {0_us} und blieb zu lange liegen; bitte freigeben.",
        "en": "Was due on {0_us} and was delayed for too long; please release it.",
    },
    "no_slot": {"de": "Kein Zeitpunkt gefunden, der allen Regeln genügt.", "en": "No instant satisfies all rules."},
    "cancelled": {"de": "Nicht mehr vorgesehen.", "en": "No longer planned."},
    "stopped": {"de": "Von {0} angehalten: {1}", "en": "Stopped by {0}: {1}"},
    "too_many_planned": {"de": "Schon {0} Nachrichten geplant.", "en": "Already {0} messages planned."},
    "displaces": {"de": "Verdrängt weniger Wichtiges.", "en": "Pushes out what is less important."},
    "sent": {"de": "Übergeben.", "en": "Handed over."},
    "uncertain": {
        "de": "Übergabe ungewiss: die Antwort des Empfängers fehlt.", "en": "Hand-over uncertain: no answer came.",
    },
    "fenced": {"de": "Kurz vor der Übergabe untersagt.", "en": "Forbidden just before hand-over."},
    "expired": {"de": "Bei der Übergabe nicht mehr nützlich.", "en": "Of no more use at hand-over."},
    "held": {"de": "Beiseitegelegt; bitte ansehen.", "en": "Put aside; please look at it."},
    "failed": {"de": "Nicht angenommen: {0}", "en": "Not accepted: {0}"},
    "withheld_at_hand_over": {"de": "Bei der Übergabe zurückgehalten.", "en": "Withheld at hand-over."},
    "postponed_at_hand_over": {"de": "Bei der Übergabe verschoben.", "en": "Postponed at hand-over."},
}  # fmt: skip
"""What a refusing rule says; {0}, {1} ... are its details."""

WORDS: dict[str, dict[Language, str]] = {
    "email": {"de": "E-Mail", "en": "e-mail"},
    "sms": {"de": "SMS", "en": "text message"},
    "call": {"de": "Anruf", "en": "call"},
    "letter": {"de": "Brief", "en": "letter"},
    "newsletter": {"de": "Newsletter", "en": "newsletter"},
    "no_basis": {"de": "keine Einwilligung", "en": "no consent"},
    "expired": {"de": "abgelaufen", "en": "expired"},
    "address_changed": {"de": "gilt für eine andere Adresse", "en": "given for another address"},
    "address_unproved": {"de": "Adresse nicht nachgewiesen", "en": "address not proved"},
    "goods_not_similar": {"de": "keine eigenen ähnlichen Waren", "en": "no own similar goods"},
    "country_rule": {"de": "Recht des Landes erlaubt es nicht", "en": "the country's law forbids it"},
    "no_contract": {"de": "kein Vertrag", "en": "no contract"},
    "service_switched_off": {"de": "Hinweise abgestellt", "en": "hints switched off"},
    "hard": {"de": "Adresse gibt es nicht", "en": "address does not exist"},
    "soft": {"de": "mehrmals nicht zustellbar", "en": "repeatedly undeliverable"},
    "complaint": {"de": "als Spam gemeldet", "en": "marked as spam"},
    "manual": {"de": "von Hand gesperrt", "en": "suppressed by hand"},
    "marketing": {"de": "alle Werbung", "en": "all marketing"},
    "everything": {"de": "Löschung oder Einschränkung", "en": "erasure or restriction"},
}


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def reason_text(reason: list[Any], *, language: Language, clock: Zone) -> str:
    """One reason of a verdict as a sentence: a question that passed, or the rule that refused with its details."""
    rule, passed, *details = reason
    if passed and rule in QUESTION_TEXTS:
        return QUESTION_TEXTS[str(rule)][language]
    texts = RULE_TEXTS.get(str(rule))
    text = texts[language] if texts is not None else str(rule)
    for i, detail in enumerate(details):
        if type(detail) is int:
            text = text.replace(f"{{{i}_us}}", _moment(detail, language, clock)).replace(
                f"{{{i}_span}}", _span(detail, language)
            )
        text = text.replace(f"{{{i}}}", _plain(detail, language))
    return text


def _plain(detail: Any, language: Language) -> str:
    if isinstance(detail, list):
        return ", ".join(str(one) for one in detail)
    word = str(detail)
    return WORDS[word][language] if word in WORDS else word


def _moment(at_us: Micros, language: Language, clock: Zone) -> str:
    day, second = clock.local_parts(at_us)
    on = date_of(day)
    named = (
        f"{on.day:02}.{on.month:02}.{on.year}" if language == "de" else f"{on.day} {_MONTHS[on.month - 1]} {on.year}"
    )
    return f"{named} {second // 3600:02}:{second // 60 % 60:02}"


def _span(hours: int, language: Language) -> str:
    """24 -> "am Tag": how long a limit looks back."""
    days, rest = divmod(hours, 24)
    german = {1: "am Tag", 7: "in der Woche"}.get(days, f"in {days} Tagen")
    english = {1: "a day", 7: "a week"}.get(days, f"in {days} days")
    if rest or not days:
        german, english = f"in {hours} Stunden", f"in {hours} hours"
    return german if language == "de" else english
