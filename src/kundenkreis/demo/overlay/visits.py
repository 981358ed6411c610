"""People before their first order: visitors of the web shop, and sign-ups with double opt-in.

5,500 visitors look around and stay unknown; 3,000 people sign up for the newsletter, a fifth of them after a visit that
is then joined to them, by the anonymous id of their identify call or by alias. Some never confirm, some leave again.
"""

from dataclasses import dataclass
from typing import Any

from kundenkreis.demo.households import consent_properties
from kundenkreis.demo.overlay.stage import Stage, Story, moment
from kundenkreis.demo.people import Person
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, SECOND

VISITORS, SIGN_UPS = 5_500, 3_000
_PAGES = (
    ("/", "Kreisladen"),
    ("/angebote", "Angebote der Woche"),
    ("/rezepte", "Rezepte"),
    ("/filialen", "Filialen"),
    ("/lieferung", "Lieferung"),
    ("/kundenkarte", "Kundenkarte"),
    ("/newsletter", "Newsletter"),
)
_REFERRERS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"referrer": {"url": "https://suche.example/"}},
    {"campaign": {"source": "flyer", "medium": "qr", "name": "herbst"}},
    {"campaign": {"source": "social", "medium": "cpc", "name": "rezepte"}},
)
_FORMS = ("Newsletter-Anmeldung", "Kundenkarte online", "Herbst-Gewinnspiel")
_TOPICS = ("Rezepte", "Wochenangebote", "Bio", "Backen", "Grillen", "Familie", "Haustier")


@dataclass(frozen=True)
class SignUp:
    """Somebody who signed up; `confirmed_us` is None without a confirmation within the year."""

    story: Story
    person: Person
    signed_up_us: Micros
    confirmed_us: Micros | None


def visitors(stage: Stage) -> list[Story]:
    """Visitors who stay unknown."""
    stories = []
    for n in range(stage.count(VISITORS, 12)):
        story = Story(stage, anonymous=f"erfunden-gast-{n}")
        browse(story, "besuch", _more_towards_the_end(story, "first", growth=2.0))
        if story.dice.chance("again", 8):
            browse(
                story,
                "wieder",
                moment(story.dice, "again", stage.year.starts_us, stage.year.ends_us - HOUR, "Europe/Berlin"),
            )
        stories.append(story)
    return stories


def browse(story: Story, key: str, at_us: Micros) -> Micros:
    """One visit of one to three pages, sometimes a product; returns the instant after it."""
    dice = story.dice
    at, context = at_us, dice.pick(f"{key} from", _REFERRERS)
    for n in range(1 + dice.number(f"{key} pages", 2) + dice.number(f"{key} more", 5) // 4):
        path, title = dice.pick(f"{key} page {n}", _PAGES)
        story.page(f"{key}-{n}", at, path, title, context=context if n == 0 else {})
        at += dice.between(f"{key} stay {n}", 8, 240) * SECOND
    if dice.chance(f"{key} product", 15):
        item = story.stage.items(dice, f"{key} item", 1)[0]
        story.track("Product Viewed", f"{key}-view", at, item.properties("de"))
    return at + MINUTE


def sign_ups(stage: Stage) -> list[SignUp]:
    """Sign-ups over the year, in the order of their numbers."""
    return [_sign_up(stage, n) for n in range(stage.count(SIGN_UPS, 20))]


def _sign_up(stage: Stage, n: int) -> SignUp:
    person = stage.person()
    story = Story(stage, person.user, zone_name=person.zone)
    dice = story.dice
    at_us = _more_towards_the_end(story, "sign-up", growth=1.3, zone_name=person.zone)
    guest = f"erfunden-gast-{person.user.removeprefix('erfunden-')}" if dice.chance("visited", 20) else ""
    if guest:
        visit = Story(stage, anonymous=guest)
        for d in range(dice.between("visits", 1, 2)):
            browse(visit, f"vorher-{d}", at_us - dice.between(f"before {d}", d * 5, d * 5 + 4) * DAY - 20 * MINUTE)
        story.drafts += visit.drafts
    form_name = dice.pick("form", _FORMS)
    sign_up(story, person, at_us, form=form_name, guest=guest)
    confirmed_us = at_us + _reply_us(story)
    confirmed = dice.chance("confirms", 78) and confirm(story, person, confirmed_us, form=form_name)
    if confirmed and dice.chance("leaves", 4):
        left_us = confirmed_us + dice.between("leaves after", 3, 120) * DAY
        withdraw(story, left_us)
    return SignUp(story, person, at_us, confirmed_us if confirmed else None)


def sign_up(
    story: Story, person: Person, at_us: Micros, *, form: str = "Newsletter-Anmeldung", guest: str = ""
) -> None:
    """The form, who sent it, and the request to confirm. A visit before is joined by identify, or by alias."""
    dice = story.dice
    by_alias = bool(guest) and dice.chance("alias", 25)
    joined: dict[str, Any] = {"anonymous": guest} if guest and not by_alias else {}
    story.tell("identify", "person", at_us, traits=person.traits(), **joined)
    if by_alias:
        story.tell("alias", "alias", at_us + SECOND, previousId=guest)
    topics = sorted({dice.pick(f"topic {n}", _TOPICS) for n in range(dice.number("topics", 3))})
    story.track(
        "Form Submitted", "form", at_us + 2 * SECOND, {"form_id": form, "topics": topics, "language": person.language}
    )
    asked = {"channel": "email", "purpose": "newsletter", "form": form, "text_version": "1"}
    story.track("Consent Requested", "asked", at_us + 3 * SECOND, asked)


def confirm(story: Story, person: Person, at_us: Micros, *, form: str = "Newsletter-Anmeldung") -> bool:
    """The click on the link of the request: from here on the newsletter may come."""
    properties = {**consent_properties(person.language, form), "confirmed_by": "double_opt_in"}
    return story.track("Consent Confirmed", "confirmed", at_us, properties)


def withdraw(story: Story, at_us: Micros, key: str = "withdrawn") -> bool:
    """The newsletter no longer wanted."""
    how = {"channel": "email", "purpose": "newsletter", "means": "unsubscribe_link"}
    return story.track("Consent Withdrawn", key, at_us, how)


def _reply_us(story: Story) -> Micros:
    """How long the confirmation takes: most within minutes, some the same day, a few after days."""
    dice = story.dice
    kind = dice.number("reply", 100)
    if kind < 70:
        return dice.between("reply minutes", 1, 25) * MINUTE
    if kind < 93:
        return dice.between("reply hours", 1, 20) * HOUR
    return dice.between("reply days", 1, 6) * DAY


def _more_towards_the_end(story: Story, question: str, *, growth: float, zone_name: str = "Europe/Berlin") -> Micros:
    """A moment of the year; the shop grows, so late days are likelier."""
    year = story.stage.year
    share = (story.dice.number(question, 100_000) / 100_000) ** (1 / growth)
    day_us = year.starts_us + int(share * 364) * DAY
    return moment(story.dice, question, day_us + 6 * HOUR, min(day_us + DAY, year.ends_us - HOUR), zone_name)
