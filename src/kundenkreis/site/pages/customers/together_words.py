"""Words about acts on many customers: what is done, to how many, to whom not."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.site import formats
from kundenkreis.site.personal import personal
from kundenkreis.site.ports.bulk_acts import MOST_PEOPLE, Act, BulkAct, Change, Fate, Look
from kundenkreis.site.profile_words import attribute_word, field_of


@dataclass(frozen=True, kw_only=True)
class ActWords:
    """What an act is called."""

    title: str
    sub: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """How many, and what becomes of them."""

    count: int
    text: str
    is_changed: bool


@dataclass(frozen=True, kw_only=True)
class Door:
    """A number of the outcome and where it leads."""

    label: str
    count: int
    href: str
    figure: str


def act_words(change: Change) -> ActWords:
    """The act as its pages call it."""
    if change.act == "pause":
        return ActWords(
            title=_("Pause marketing"),
            sub=_(
                "No advertising on any channel until then. Contract and service messages go on. The pause ends by itself."
            ),
        )
    if change.act == "resume":
        return ActWords(
            title=_("Resume marketing"),
            sub=_("Advertising is possible again at once, as far as each person allows it."),
        )
    return ActWords(
        title=_("Set a value"),
        sub=_("The same value for everybody. What stood there before stays in each timeline."),
    )


def button_words(act: Act, look: Look) -> str:
    """What the button says: the act, and for how many where that is known."""
    count = look.fates.get("done", 0)
    if not count:
        return {"pause": _("Pause marketing"), "resume": _("Resume marketing"), "set": _("Set the value")}[act]
    said = {"count": formats.number(count)}
    if act == "pause":
        return ngettext("Pause marketing for %(count)s person", "Pause marketing for %(count)s people", count) % said
    if act == "resume":
        return ngettext("Resume marketing for %(count)s person", "Resume marketing for %(count)s people", count) % said
    return ngettext("Set the value for %(count)s person", "Set the value for %(count)s people", count) % said


def people_words(look: Look) -> str:
    """How many people it concerns."""
    if look.is_exact:
        return ngettext("%(count)s person", "%(count)s people", look.people) % {"count": formats.number(look.people)}
    return _("about %(count)s people") % {"count": formats.number(look.people)}


def progress_words(act: BulkAct) -> str:
    """How many are through."""
    said = {"done": formats.number(act.total - act.fates["pending"]), "total": formats.number(act.total)}
    return _("%(done)s of %(total)s") % said


def look_words(look: Look, change: Change) -> list[Line]:
    """What would become of how many; nothing where that was not counted."""
    return [
        Line(count=count, text=_fate_text(fate, change, count), is_changed=fate == "done")
        for fate in ("done", "as_is", "several", "gone")
        if (count := look.fates.get(fate, 0))
    ]


def door_words(act: BulkAct, fate: Fate) -> Door:
    """One number of the outcome, with the people behind it."""
    labels = {
        "done": _("Changed"),
        "as_is": _("Stayed as they were"),
        "several": _("Left out"),
        "gone": _("No longer there"),
    }
    figure = f"bulk.{act.bulk_id}.{fate}"
    leads = act.fates[fate] and fate != "gone"
    return Door(
        label=labels[fate],
        count=act.fates[fate],
        href=f"{reverse('customers')}?figure={figure}" if leads else "",
        figure=figure,
    )


def _fate_text(fate: Fate, change: Change, count: int) -> str:
    if fate == "done":
        return _done_text(change, count)
    if fate == "several":
        return ngettext(
            "stays out: several values stand there, which are corrected one by one",
            "stay out: several values stand there, which are corrected one by one",
            count,
        )
    if fate == "gone":
        return ngettext("is no longer there: joined or erased", "are no longer there: joined or erased", count)
    if change.act == "pause":
        return ngettext(
            "stays as it is: paused until then or longer already", "stay as they are: paused until then or longer already", count
        )  # fmt: skip
    if change.act == "resume":
        return ngettext("stays as it is: not paused", "stay as they are: not paused", count)
    return ngettext(
        "stays as it is: this value stands there already", "stay as they are: this value stands there already", count
    )


def _done_text(change: Change, count: int) -> str:
    if change.act == "pause":
        words = ngettext("hears nothing promotional until %(day)s", "hear nothing promotional until %(day)s", count)
        return words % {"day": formats.day(change.until_us)}
    if change.act == "resume":
        return ngettext("may hear from us again at once", "may hear from us again at once", count)
    said = {"name": attribute_word(change.name), "value": personal(change.value, field_of(change.name))}
    return ngettext("gets %(name)s: %(value)s", "get %(name)s: %(value)s", count) % said


def outcome_text(change: Change) -> str:
    """What was done, in one line."""
    if change.act == "pause":
        return _("Paused until %(day)s") % {"day": formats.day(change.until_us)}
    if change.act == "resume":
        return _("Marketing resumed")
    said = {"name": attribute_word(change.name), "value": personal(change.value, field_of(change.name))}
    return _("%(name)s set to %(value)s") % said


def limit_text(look: Look) -> str:
    """Why so many are refused."""
    said = {"most": formats.number(MOST_PEOPLE), "people": formats.number(look.people)}
    return _("These are about %(people)s people; at most %(most)s can be changed together.") % said


def too_many_text() -> str:
    """Why nobody was changed."""
    said = {"most": formats.number(MOST_PEOPLE)}
    return _("Nobody was changed: these are more than %(most)s people. Narrow the list and try again.") % said


def further_words(look: Look) -> str:
    """How many there are besides those who are named; "" for none."""
    further = look.people - len(look.first)
    return _("and %(count)s more") % {"count": formats.number(further)} if further > 0 else ""
