"""The contact policy that ships: sensible for a German-speaking company, every line editable.

Numbers are judgement, not law, except where a comment names one.
"""

from kundenkreis.channels.core.policy_config import (
    Basis,
    Limit,
    PolicyConfig,
    PurposeRule,
    QuietHours,
    SituationHold,
    Weekday,
    Words,
)

_DAY, _WEEK, _MONTH = 24, 168, 720
_HAND_WRITTEN_CHANNELS = ("sms", "messenger", "push")
_SURVEYS = ["survey", "review", "nps"]
_WORKDAYS: list[Weekday] = ["monday", "tuesday", "wednesday", "thursday", "friday"]

LIMITS = [
    Limit(id="email_day", channel="email", at_most=1, per_hours=_DAY),
    Limit(id="email_week", channel="email", at_most=3, per_hours=_WEEK),
    Limit(id="email_month", channel="email", at_most=10, per_hours=_MONTH),
    Limit(id="sms_week", channel="sms", at_most=1, per_hours=_WEEK),
    Limit(id="sms_month", channel="sms", at_most=2, per_hours=_MONTH),
    Limit(id="messenger_week", channel="messenger", at_most=1, per_hours=_WEEK),
    Limit(id="messenger_month", channel="messenger", at_most=2, per_hours=_MONTH),
    Limit(id="push_day", channel="push", at_most=1, per_hours=_DAY),
    Limit(id="push_week", channel="push", at_most=3, per_hours=_WEEK),
    Limit(id="letter_45_days", channel="letter", at_most=1, per_hours=45 * _DAY),
    Limit(id="call_60_days", channel="call", at_most=1, per_hours=60 * _DAY),
    Limit(id="call_attempts_day", channel="call_attempt", at_most=2, per_hours=_DAY),
    Limit(id="all_week", at_most=4, per_hours=_WEEK),
    Limit(id="survey_90_days", purposes=_SURVEYS, at_most=1, per_hours=90 * _DAY),
    Limit(id="incentive_60_days", purposes=["incentive"], at_most=1, per_hours=60 * _DAY),
]

QUIET_HOURS = [
    QuietHours(channel="email", message_class="marketing", from_="21:00", to="07:00"),
    *(
        QuietHours(channel=channel, from_="20:00", to="09:00", sundays=True, holidays=True)
        for channel in _HAND_WRITTEN_CHANNELS
    ),
    QuietHours(channel="call", from_="19:00", to="09:00", weekdays=_WORKDAYS, sundays=True, holidays=True),
    QuietHours(channel="call", from_="16:00", to="10:00", weekdays=["saturday"]),
]


def _hold(
    situation: str, de: str, en: str, *, journeys: tuple[str, ...] = (), purposes: tuple[str, ...] = (),
    same_subject: bool = False, except_purposes: tuple[str, ...] = (), except_journeys: tuple[str, ...] = (),
) -> SituationHold:  # fmt: skip
    return SituationHold(
        situation=situation, reason=Words(de=de, en=en), journeys=list(journeys), purposes=list(purposes),
        same_subject=same_subject, except_purposes=list(except_purposes), except_journeys=list(except_journeys),
    )  # fmt: skip


SITUATIONS = [
    _hold("complaint", "offene Reklamation", "open complaint"),
    _hold(
        "trifle", "kleine Reklamation offen", "small complaint open",
        purposes=(*_SURVEYS, "sales_call"), journeys=("product_review", "satisfaction", "interest_survey"),
    ),
    _hold(
        "question", "offene Frage zum selben Thema", "open question about the same matter",
        same_subject=True, purposes=("survey", "review", "nps"),
        journeys=("product_review", "satisfaction", "interest_survey"),
    ),
    _hold(
        "return", "Retoure noch offen", "return still open",
        purposes=("survey", "review", "nps", "replenishment", "recommendation", "second_purchase"),
        journeys=("product_review", "replenishment", "recommendations", "second_purchase"),
        except_journeys=("abandoned_cart",),
    ),
    _hold("late", "Lieferung verspätet", "delivery late"),
    _hold("cancelled_by_us", "Bestellung von uns abgesagt", "order cancelled by us"),
    _hold(
        "payment_open", "Zahlung offen", "payment open",
        purposes=("incentive", "premium", "loyalty"), journeys=("voucher", "premium", "loyalty_threshold"),
    ),
    _hold("recall", "Rückruf des Produkts", "product recall", same_subject=True),
    _hold("detractor", "unzufriedene Bewertung", "unhappy rating"),
    _hold(
        "negotiation", "in Verhandlung mit dem Vertrieb", "in negotiation with sales",
        except_purposes=("newsletter", "invitation"), except_journeys=("newsletter", "event_cycle"),
    ),
    _hold("rights_request", "Auskunft, Löschung oder Einschränkung läuft", "data rights request running"),
    _hold("bereavement", "Trauerfall oder Schutzbedarf", "bereavement or vulnerable person"),
    _hold(
        "goodwill", "Kulanz kürzlich gewährt", "goodwill given recently",
        purposes=("incentive",), journeys=("voucher",),
    ),
    _hold("mass_incident", "allgemeine Störung", "mass incident"),
]  # fmt: skip


def _purpose(purpose: str, de: str, en: str, *bases: Basis) -> PurposeRule:
    return PurposeRule(id=purpose, name=Words(de=de, en=en), bases=list(bases))


PURPOSES = [
    _purpose("order", "Bestellung", "Order", "contract", "requested", "legal_duty"),
    _purpose("account", "Konto und Bestätigungen", "Account and confirmations", "requested", "contract", "legal_duty"),
    _purpose("opt_in", "Bitte um Bestätigung", "Request for confirmation", "requested"),
    _purpose("help", "Hilfe zum Produkt", "Help with the product", "contract", "requested"),
    _purpose("newsletter", "Newsletter", "Newsletter", "express_consent"),
    _purpose("birthday", "Geburtstag", "Birthday", "express_consent"),
    _purpose("similar_goods", "Eigene ähnliche Waren", "Own similar goods", "express_consent", "existing_customer"),
    _purpose("review", "Bewertungen", "Reviews", "express_consent", "existing_customer"),
    _purpose("survey", "Umfragen", "Surveys", "express_consent"),
    _purpose("nps", "Zufriedenheit", "Satisfaction", "express_consent"),
    _purpose("letter", "Werbung per Brief", "Advertising by letter", "express_consent", "legitimate_interest"),
    _purpose("sales_call", "Anruf des Vertriebs", "Sales call", "express_consent", "presumed_b2b"),
]  # fmt: skip

DEFAULT_POLICY = PolicyConfig(limits=LIMITS, quiet_hours=QUIET_HOURS, situations=SITUATIONS, purposes=PURPOSES)
