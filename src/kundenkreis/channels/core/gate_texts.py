"""What the gate's reasons say to people, in German and English.

A reason is one entry of Verdict.reasons: [question, True] or [rule, False, detail...]. Details are plain data; instants
among them are named `{..._us}` in the texts and shown as date and time in the zone of the person reading.
"""

from typing import Any, Literal

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import Zone, date_of

Language = Literal["de", "en"]

QUESTION_TEXTS: dict[str, dict[Language, str]] = {
    "existence": {"de": "Die Person gibt es hier noch", "en": "This person still exists here"},
    "address": {"de": "Eine Adresse für den Kanal ist da", "en": "There is an address for the channel"},
    "fences": {"de": "Nicht untersagt, oder seither neu erlaubt", "en": "Not forbidden, or allowed anew since"},
    "basis": {"de": "Eine Rechtsgrundlage ist da", "en": "There is a legal basis"},
    "suppression": {"de": "Die Adresse ist nicht gesperrt", "en": "The address is not suppressed"},
    "objection": {"de": "Kein Widerspruch und kein Widerruf", "en": "No objection and no withdrawal"},
    "global_holdout": {"de": "Nicht in der Kontrollgruppe", "en": "Not in the control group"},
    "journey_holdout": {"de": "Nicht in der Kontrollgruppe der Strecke", "en": "Not in the journey's control group"},
    "age": {"de": "Alt genug für Werbung, soweit bekannt", "en": "Old enough for marketing, as far as is known"},
    "situation": {"de": "Keine offene Sache hält die Nachricht auf", "en": "No open matter holds the message"},
    "pause": {"de": "Werbung ist nicht angehalten", "en": "Marketing is not paused"},
    "validity": {"de": "Die Nachricht nützt noch", "en": "The message is still of use"},
    "incentive": {"de": "Kein Anreiz als erste Nachricht", "en": "No incentive as the first message"},
    "after_conversion": {
        "de": "Nicht mehr Druck nach dem ersten Kauf",
        "en": "No more pressure after the first purchase",
    },
    "limits": {"de": "Im Kontaktbudget ist noch Platz", "en": "There is room in the contact budget"},
    "quiet_time": {"de": "Die Uhrzeit am Ort der Person passt", "en": "It is a fit time where the person lives"},
    "overdue": {"de": "Nicht zu lange liegen geblieben", "en": "Not delayed for too long"},
}
"""The questions in the order asked: what is said of one that passed, so that nobody takes a yes for a no."""

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
        "de": "Erster Kauf am {0_us}: Mehr Werbung wäre zu viel (vorher {1} in 7 Tagen).",
        "en": "First purchase on {0_us}: more marketing would be too much ({1} in the 7 days before).",
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
    "stopped": {"de": "Von {0} abgesagt: {1}", "en": "Stopped by {0}: {1}"},
    "by_hand": {"de": "{0} lässt sie doch hinausgehen: {1}", "en": "{0} lets it go out after all: {1}"},
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

BARE_TEXTS: dict[str, dict[Language, str]] = {
    "forwarded": {"de": "Dieses Profil gehört jetzt zu einem anderen.", "en": "This profile now belongs to another."},
    "no_address": {"de": "Keine Adresse für den Kanal.", "en": "No address for the channel."},
    "fence": {"de": "Untersagt und seither nicht neu erlaubt.", "en": "Forbidden and not allowed anew since."},
    "basis": {"de": "Keine Rechtsgrundlage.", "en": "No legal basis."},
    "suppressed": {"de": "Adresse gesperrt.", "en": "Address suppressed."},
    "objection": {"de": "Widerspruch.", "en": "Objection."},
    "withdrawn": {"de": "Einwilligung widerrufen.", "en": "Consent withdrawn."},
    "situation": {"de": "Eine offene Sache hält sie zurück.", "en": "Held by an open matter."},
    "first_after": {
        "de": "Die erste Nachricht danach verkauft nicht.", "en": "The first message afterwards does not sell.",
    },
    "minor": {"de": "Zu jung für Werbung.", "en": "Too young for marketing."},
    "paused": {"de": "Werbung angehalten.", "en": "Marketing paused."},
    "validity": {"de": "Nicht mehr nützlich.", "en": "Of no more use."},
    "after_conversion": {
        "de": "Nach dem ersten Kauf nicht mehr Werbung als vorher.",
        "en": "No more marketing after the first purchase than before.",
    },
    "limit": {"de": "Kontaktbudget aufgebraucht.", "en": "Contact budget used up."},
    "quiet_hours": {"de": "Ruhezeit am Ort der Person.", "en": "Quiet hours where the person lives."},
    "sunday": {"de": "Sonntag am Ort der Person.", "en": "Sunday where the person lives."},
    "holiday": {"de": "Feiertag am Ort der Person.", "en": "Public holiday where the person lives."},
    "overdue": {"de": "Blieb zu lange liegen; bitte freigeben.", "en": "Was delayed for too long; please release it."},
    "stopped": {"de": "Abgesagt.", "en": "Stopped."},
    "by_hand": {"de": "Von Hand freigegeben.", "en": "Released by hand."},
    "too_many_planned": {"de": "Schon zu viele Nachrichten geplant.", "en": "Already too many messages planned."},
    "failed": {"de": "Nicht angenommen.", "en": "Not accepted."},
}  # fmt: skip
"""What a rule of RULE_TEXTS says that was kept without its details, as hand-overs of version 0.1 and channels report it."""

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

FAILURES: dict[str, dict[Language, str]] = {
    "undeliverable_syntax": {"de": "die Adresse ist nicht lesbar", "en": "the address cannot be read"},
    "undeliverable_length": {"de": "die Adresse ist zu lang", "en": "the address is too long"},
    "undeliverable_domain": {"de": "diese Domain kann es nicht geben", "en": "there can be no such domain"},
    "undeliverable_literal": {
        "de": "statt einer Domain steht eine IP-Nummer in der Adresse", "en": "the address has an IP number in place of a domain",
    },
    "undeliverable_utf8": {
        "de": "Umlaute oder fremde Schrift vor dem @ werden nicht versendet", "en": "letters outside ASCII before the @ are not sent to",
    },
    "hard_bounce": {"de": "die Adresse gibt es nicht", "en": "the address does not exist"},
    "soft_bounce": {"de": "das Postfach nimmt gerade nichts an", "en": "the mailbox takes nothing at the moment"},
    "content_rejected": {"de": "der Mailserver lehnt den Inhalt ab", "en": "the mail server refuses the content"},
    "expired_while_waiting": {
        "de": "der Mailserver ließ warten, bis sie nicht mehr nützlich war", "en": "the mail server kept it waiting until it was of no more use",
    },
    "tried_too_long": {"de": "alle Versuche sind vergangen", "en": "all attempts have passed"},
    "render_limit": {"de": "der Inhalt wurde beim Zusammensetzen zu groß", "en": "the content grew too large when it was put together"},
    "render_data": {
        "de": "mit den Daten der Person ließ sich der Inhalt nicht zusammensetzen", "en": "the content could not be put together with the person's data",
    },
    "render_empty_subject": {"de": "der Betreff ist leer", "en": "the subject is empty"},
    "render_raised": {"de": "Fehler im Programm beim Zusammensetzen", "en": "a fault of the program when it was put together"},
    "deliver_raised": {"de": "Fehler im Programm beim Übergeben", "en": "a fault of the program when it was handed over"},
    "channel_missing": {"de": "den Kanal gibt es nicht mehr", "en": "the channel is gone"},
    "content_missing": {"de": "den Inhalt gibt es nicht mehr", "en": "the content is gone"},
    "recipient_missing": {"de": "die Person gibt es nicht mehr", "en": "the person is gone"},
    "message_class_changed": {
        "de": "der Inhalt ist inzwischen für eine andere Art von Nachricht", "en": "the content is for another class of message by now",
    },
}  # fmt: skip
"""Why a message could not be handed over: what Message Failed gives as its reason. A channel of a plug-in may have others."""


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def reason_text(reason: list[Any], *, language: Language, clock: Zone) -> str:
    """One reason of a verdict as a sentence: a question that passed, or the rule that refused with its details."""
    rule, passed, *details = reason
    if passed and rule in QUESTION_TEXTS:
        return QUESTION_TEXTS[str(rule)][language]
    texts = (BARE_TEXTS.get(str(rule)) if not details else None) or RULE_TEXTS.get(str(rule))
    text = texts[language] if texts is not None else str(rule)
    for i, detail in enumerate(details):
        if type(detail) is int:
            text = text.replace(f"{{{i}_us}}", _moment(detail, language, clock)).replace(
                f"{{{i}_span}}", _span(detail, language)
            )
        words = FAILURES.get(str(detail)) if rule == "failed" else None
        text = text.replace(f"{{{i}}}", words[language] if words is not None else _plain(detail, language))
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
