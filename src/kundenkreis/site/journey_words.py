"""Words for journeys: what they do, what people on them did, and what a difference to the control group means."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.channels.core.gate_texts import QUESTION_TEXTS, RULE_TEXTS
from kundenkreis.definitions.impact import Impact
from kundenkreis.journeys.core.figures import FEWEST, Comparison, Quartiles
from kundenkreis.journeys.steps.telling import readable
from kundenkreis.site import formats
from kundenkreis.site.formats import language, number
from kundenkreis.site.ports.journeys import DayFigure, JourneyLine


@dataclass(frozen=True, kw_only=True)
class Worded:
    """A word with the tone of its badge."""

    text: str
    tone: str


def state_word(state: str) -> Worded:
    """What a journey is doing."""
    known = {
        "draft": Worded(text=_("draft"), tone=""),
        "live": Worded(text=_("live"), tone="good"),
        "paused": Worded(text=_("paused"), tone="calm"),
        "stopped": Worded(text=_("stopped"), tone="stop"),
    }
    return known[state]


def outcome_word(outcome: str) -> str:
    """What happened to somebody at a step."""
    known = {
        "entered": _("entered"),
        "holdout": _("control group"),
        "waiting": _("arrived"),
        "arrived": _("arrived"),
        "done": _("went on"),
        "sent": _("message handed on"),
        "withheld": _("message withheld"),
        "goal": _("goal reached"),
        "failed": _("failed"),
        "standing": _("here now"),
        "with_goal": _("left with the goal"),
        "ended": _("ended without goal"),
        "ended_here": _("left here"),
        "left": _("left by rule"),
        "failed_end": _("could not go on"),
        "exited:exit_when": _("left by the exit rule"),
        "exited:stopped": _("left because the journey was stopped"),
        "exited:restarted": _("started over"),
        "exited:merged": _("joined with another run"),
        "exited:withheld": _("left because the message was withheld"),
        "exited:finished": _("came to the end"),
    }
    if outcome in known:
        return known[outcome]
    if outcome.startswith("near:"):
        return _("entered another journey within 7 days")
    if outcome.startswith("in:"):
        return _("goal reached in time") if outcome.endswith(":goal") else _("time for the goal is over")
    return way_word(outcome.removeprefix("branch:").removeprefix("out:").removeprefix("exited:"))


def way_word(name: str) -> str:
    """A way out of a step: one of every step of its kind, one of a shipped journey, or as somebody named it."""
    return readable(name)[language()]


def withheld_word(outcome: str, reason: str) -> str:
    """Why messages did not go out: the rule that decided, without the particulars of one person."""
    if outcome == "expired":
        return _("No longer of use when it could have gone out")
    if outcome == "cancelled":
        return _("No longer planned: goal reached or left before")
    known = {
        "basis": _("No permission"),
        "no_address": _("No address"),
        "global_holdout": _("Control group for all marketing"),
        "journey_holdout": _("Control group of the journey"),
        "situation": _("An open matter"),
        "limit": _("Contact budget used up"),
        "after_conversion": _("Just became a customer: no more pressure than before"),
        "quiet_hours": _("Quiet hours"),
        "sunday": _("Sunday"),
        "holiday": _("Public holiday"),
        "suppressed": _("Address blocked"),
        "objection": _("Objection to marketing"),
        "withdrawn": _("Consent withdrawn"),
        "fence": _("Forbidden a moment before"),
        "validity": _("No longer of use when it could have gone out"),
        "paused": _("Marketing paused"),
        "overdue": _("Delayed for too long"),
        "expired": _("No longer of use when it could have gone out"),
    }
    if reason in known:
        return known[reason]
    texts = RULE_TEXTS.get(reason) or QUESTION_TEXTS.get(reason)
    return texts[language()].partition("{")[0].strip(" :(,.") if texts is not None else reason


def percent(rate: float) -> str:
    """A rate with one digit: 12,3 %."""
    return formats.percent(rate)


def effect_sentence(reached: Comparison, still_open: int) -> Worded:
    """What may be said about the effect, the state first."""
    points = {
        "lower": formats.points(reached.lower),
        "upper": formats.points(reached.upper),
        "difference": formats.points(reached.difference),
    }
    if reached.effect == "too_early":
        if not reached.control.of:
            return Worded(text=_("Too early: nobody in the control group yet whose time is over."), tone="")
        text = _("Too early: from %(fewest)s people in each group on there is something to say.")
        return Worded(text=text % {"fewest": number(FEWEST)}, tone="")
    if reached.effect == "proven":
        text = _("Proven: %(difference)s percentage points more reach the goal (between %(lower)s and %(upper)s).")
        return Worded(text=text % points, tone="good")
    if reached.effect == "harmful":
        text = _("Harmful: %(difference)s percentage points fewer reach the goal (between %(lower)s and %(upper)s).")
        return Worded(text=text % points, tone="stop")
    text = _("No proof: the difference lies between %(lower)s and %(upper)s percentage points.")
    return Worded(text=text % points, tone="calm")


def people(count: int) -> str:
    """So many people."""
    return ngettext("%(count)s person", "%(count)s people", count) % {"count": number(count)}


def days(count: int) -> str:
    """So many days."""
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": number(count)}


def time_to_goal(quartiles: Quartiles) -> str:
    """How long it took those who reached the goal."""
    text = _("Half of them within %(middle)s, three quarters within %(third)s.")
    return text % {"middle": days(quartiles.middle + 1), "third": days(quartiles.third + 1)}


def no_entries_since(days: Sequence[DayFigure]) -> str:
    """That nobody enters any more though such weekdays brought somebody; "" where all is as it was. Today may still bring someone."""
    silent = list(takewhile(lambda day: not day.entries, reversed(days[:-1])))
    if not silent or (days and days[-1].entries) or not any(day.low > 0 for day in silent):
        return ""
    return _(
        "No entries since %(day)s, though these weekdays brought some before. Look whether the event still comes in or the segment is empty."
    ) % {"day": formats.short_day(silent[-1].day)}


def all_goals(line: JourneyLine) -> str:
    """How many reached the goal in all, where that is more than those who left with it."""
    if line.goals == line.where.goal:
        return ""
    return _("%(count)s in all") % {"count": number(line.goals)}


def sample(percent: float) -> str:
    """That only a part was asked, "" where it was everybody."""
    if percent >= _EVERYBODY:
        return ""
    share = {"percent": formats.percent(percent / 100)}
    return _("Asked of a fixed sample of %(percent)s of all people; the numbers are those of the sample.") % share


_EVERYBODY = 100.0


def impact_lines(impact: Impact, journey_id: str) -> list[str]:
    """What publishing does to people at once, in sentences."""

    def told(count: int) -> str:
        if impact.sample_percent >= _EVERYBODY:
            return people(count)
        estimate, margin = impact.estimate(count)
        return _("about %(people)s (± %(margin)s)") % {"people": people(estimate), "margin": number(margin)}

    lines = [_("Asked for %(people)s.") % {"people": told(impact.customers)}]
    for move in impact.memberships:
        facts = {"name": move.id.replace("_", " "), "entering": told(move.entering), "leaving": told(move.leaving)}
        lines.append(_("“%(name)s”: coming in %(entering)s, going out %(leaving)s.") % facts)
    for journey in impact.journeys:
        if journey.id == journey_id and journey.starting:
            lines.append(_("Starts at once for %(people)s.") % {"people": told(journey.starting)})
        if journey.id == journey_id and journey.on_earlier_version:
            text = _("Under way in an earlier form, which holds to the end: %(people)s.")
            lines.append(text % {"people": told(journey.on_earlier_version)})
    if len(lines) == 1:
        lines.append(_("For nobody anything changes at this moment; new people enter from now on."))
    return lines


def undo_until(until_us: int) -> str:
    """Until what time the last publishing can be taken back, "" when it cannot."""
    if not until_us:
        return ""
    return _("You can take the last publishing back until %(time)s.") % {"time": formats.clock_time(until_us)}
