"""What else happens between a company and its customers: complaints, questions, deals, objections, bereavement, rights.

Most concern real households, whose orders stay untouched by it; every message is marked as invented.
"""

from typing import Any

from kundenkreis.demo.households import consent_properties, consented
from kundenkreis.demo.overlay.stage import Stage, Story, moment
from kundenkreis.demo.overlay.visits import withdraw
from kundenkreis.demo.people import Person
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE

_COMPLAINTS, _QUESTIONS, _DEALS, _WITHDRAWALS, _RIGHTS, _OBJECTIONS, _LATE_READERS = 150, 320, 36, 110, 16, 8, 90
_COMPLAINT_SUBJECTS = (
    "Ware verdorben",
    "falsch abgerechnet",
    "lange Wartezeit",
    "Gutschein nicht angenommen",
    "beschädigte Ware",
)
_QUESTION_SUBJECTS = ("Öffnungszeiten", "Verfügbarkeit", "Kundenkarte", "Lieferung", "Inhaltsstoffe", "Gutscheinheft")
_CHANNELS = ("email", "phone", "branch", "web")


def incidents(stage: Stage, people: list[Person]) -> list[Story]:
    """Cases, deals, withdrawals and requests of the year, spread over the given people."""
    stories = []
    for kind, how_many, tell in (
        ("reklamation", _COMPLAINTS, _complaint),
        ("frage", _QUESTIONS, _question),
        ("angebot", _DEALS, _deal),
        ("abmeldung", _WITHDRAWALS, _leave),
        ("auskunft", _RIGHTS, _rights),
        ("widerspruch", _OBJECTIONS, _object),
    ):
        for n in range(stage.count(how_many)):
            story = Story(stage, name=f"{kind}-{n}")
            person = story.dice.pick("who", people)
            story.user, story.zone_name = person.user, person.zone
            tell(story, moment(story.dice, "when", stage.year.starts_us + DAY, stage.year.ends_us - HOUR, person.zone))
            stories.append(story)
    return stories + _late_readers(stage, [person for person in people if not consented(person.user)])


def _late_readers(stage: Stage, people: list[Person]) -> list[Story]:
    """Customers who sign up for the newsletter long after their first order."""
    stories = []
    for n in range(stage.count(_LATE_READERS) if people else 0):
        story = Story(stage, name=f"newsletter-{n}")
        person = story.dice.pick("who", people)
        story.user, story.zone_name = person.user, person.zone
        at_us = moment(story.dice, "when", stage.year.history_ends_us, stage.year.ends_us - DAY, person.zone)
        asked = {"channel": "email", "purpose": "newsletter", "form": "Newsletter-Anmeldung", "text_version": "1"}
        story.track("Consent Requested", "asked", at_us, asked)
        properties = consent_properties(person.language, "Newsletter-Anmeldung")
        confirmed_us = at_us + story.dice.between("reply", 1, 90) * MINUTE
        story.track("Consent Confirmed", "confirmed", confirmed_us, {**properties, "confirmed_by": "double_opt_in"})
        stories.append(story)
    return stories


def complaint(story: Story, at_us: Micros, *, answered_us: Micros, solved_us: Micros) -> None:
    """A complaint that is answered, then solved, then perhaps confirmed as solved by the customer."""
    dice = story.dice
    about: dict[str, Any] = {"case_id": f"anliegen-{story.name}", "kind": "complaint"}
    opened = {
        "severity": dice.pick("severity", (1, 2, 2, 3, 3, 3, 4)),
        "subject": dice.pick("subject", _COMPLAINT_SUBJECTS),
    }
    story.track("Case Opened", "opened", at_us, {**about, **opened, "came_by": dice.pick("came by", _CHANNELS)})
    story.track("Case Answered", "answered", story.office_us("answered at", at_us + answered_us), about)
    solution = {"solution": dice.pick("solution", ("Erstattung", "Ersatz", "Erklärung"))}
    ended_us = story.office_us("solved at", at_us + solved_us)
    story.track("Case Solved", "solved", ended_us, {**about, **solution})
    if dice.chance("confirmed", 60):
        story.track("Case Confirmed", "confirmed", ended_us + 20 * HOUR, about)


def question(story: Story, at_us: Micros, *, answered_us: Micros) -> None:
    """A question and its answer."""
    dice = story.dice
    about = {"case_id": f"anliegen-{story.name}", "kind": "question"}
    subject = {"subject": dice.pick("subject", _QUESTION_SUBJECTS), "came_by": dice.pick("came by", _CHANNELS)}
    story.track("Case Opened", "opened", at_us, {**about, **subject})
    ended_us = story.office_us("answered at", at_us + answered_us)
    story.track("Case Answered", "answered", ended_us, about)
    story.track("Case Solved", "solved", ended_us + MINUTE, about)


def deal(story: Story, at_us: Micros, *, ends_us: Micros) -> None:
    """Catering for a celebration or a company: handed to sales, offered, won or lost."""
    dice = story.dice
    about = {
        "deal_id": f"angebot-{story.name}",
        "title": dice.pick("title", ("Catering Sommerfest", "Geburtstagsbuffet", "Obst fürs Büro")),
    }
    story.track("Lead Handed Over", "handed-over", at_us, about)
    story.track(
        "Deal Created",
        "created",
        story.office_us("created at", at_us + 5 * HOUR),
        {**about, "value": dice.between("value", 150, 2_400), "currency": "USD"},
    )
    story.track("Deal Moved", "moved", story.office_us("moved at", at_us + 3 * DAY), {**about, "stage": "Angebot"})
    won = dice.chance("won", 45)
    reason = {} if won else {"reason": dice.pick("lost", ("kein Budget", "anderer Anbieter", "falscher Zeitpunkt"))}
    story.track(
        "Deal Won" if won else "Deal Lost", "ended", story.office_us("ended at", at_us + ends_us), {**about, **reason}
    )


def rights_request(story: Story, at_us: Micros, *, closed_us: Micros) -> None:
    """Somebody asks what is stored about them, or wants it corrected."""
    right = story.dice.pick("right", ("access", "access", "rectification", "portability"))
    about = {"request_id": f"auskunft-{story.name}", "right": right}
    story.track("Rights Request Opened", "opened", at_us, about)
    story.track("Rights Request Closed", "closed", story.office_us("closed at", at_us + closed_us), about)


def bereavement(story: Story, at_us: Micros) -> None:
    """The family tells that the customer has died."""
    told = {"told_by": story.dice.pick("by", ("Angehörige", "Nachlassverwaltung")), "came_by": "phone"}
    story.track("Bereavement Reported", "bereavement", at_us, told)


def _complaint(story: Story, at_us: Micros) -> None:
    dice = story.dice
    answered_us = dice.between("answered", 2, 30) * HOUR
    complaint(story, at_us, answered_us=answered_us, solved_us=answered_us + dice.between("solved", 3, 190) * HOUR)


def _question(story: Story, at_us: Micros) -> None:
    question(story, at_us, answered_us=story.dice.between("answered", 1, 40) * HOUR)


def _deal(story: Story, at_us: Micros) -> None:
    deal(story, at_us, ends_us=story.dice.between("ends", 6, 34) * DAY)


def _leave(story: Story, at_us: Micros) -> None:
    withdraw(story, at_us)


def _rights(story: Story, at_us: Micros) -> None:
    rights_request(story, at_us, closed_us=story.dice.between("closed", 2, 24) * DAY)


def _object(story: Story, at_us: Micros) -> None:
    story.track("Consent Objected", "objected", at_us, {"scope": "marketing", "means": "letter"})
