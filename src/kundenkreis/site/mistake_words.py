"""What the checks of definitions say, in the viewer's language and without the words of files. One line per code that a page can bring about."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from django.utils.translation import gettext as _

from kundenkreis.definitions.drafts import DraftMistake
from kundenkreis.definitions.errors import BadDraftError, Path, SpecialCategoryError
from kundenkreis.site import formats
from kundenkreis.site.core_mistake_words import core_word


def mistakes_at(mistakes: Iterable[DraftMistake], document: Mapping[str, Any]) -> dict[Path, str]:
    """Place in the document -> what is wrong there; where nothing was filled in, that it is to be."""
    found: dict[Path, list[str]] = {}
    for one in mistakes:
        said = _("This is still missing.") if one.path and _value_at(document, one.path) == "" else mistake_word(one)
        known = found.setdefault(one.path, [])
        if said not in known:
            known.append(said)
    return {path: " ".join(said) for path, said in found.items()}


def _value_at(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


class Told(Protocol):
    """What checks say: a DraftMistake, or a mistake in a file."""

    @property
    def code(self) -> str:
        """Stable slug."""

    @property
    def what(self) -> str:
        """What is wrong, in English."""

    @property
    def remedy(self) -> str:
        """What to do, in English."""


def mistake_word(mistake: Told) -> str:
    """One mistake as a sentence; where no words are known, as for a plug-in's own, those of the check itself."""
    said, known = f"{mistake.what}. {mistake.remedy}.", _known().get(mistake.code, "")
    return known if known and mistake.code not in _VAGUE else core_word(said) or known or said


_VAGUE = frozenset({"bad_value", "content", "definition", "policy", "unknown_id"})
"""Codes that many mistakes share: their sentences say more."""


def content_words(what: str, remedy: str) -> tuple[str, str]:
    """(what is wrong, what to do) of a content in the viewer's language; both in one sentence where it is known."""
    known, name = core_word(f"{what}. {remedy}."), _NAMED.search(what)
    if not known:
        return what, remedy
    return (f"{name[1] or name[2]}: {known}" if name else known), ""


def why_not(failed: str) -> str:
    """Why a content cannot be shown; "" where there is nothing to say (the preview's "-")."""
    return "" if failed == "-" else core_word(failed) or _("It cannot be filled in for this person.")


_NAMED = re.compile(r"'([^']{1,60})'|\bvariable ([\w.]+)")
"""What a sentence about a content is about: the word that nobody knows."""


def _known() -> dict[str, str]:
    return {
        "alternative_unclear": _("Name either an event or a condition."),
        "alternatives_missing": _("Name at least one thing to wait for."),
        "attribute_name_missing": _("The attribute has no name."),
        "branches_missing": _("There is no branch yet."),
        "content": _("This content cannot be sent like this."),
        "duplicate_branch": _("This name is taken; give each way a name of its own."),
        "duplicate_id": _("This name is taken."),
        "duplicate_step": _("This name is taken; give each step a name of its own."),
        "empty": _("This is empty."),
        "entry_unclear": _("Choose how people get in."),
        "event_name_missing": _("Name the event."),
        "event_name_reserved": _("This event belongs to Kundenkreis itself; choose another name."),
        "goal_unclear": _("A goal is either an event or a condition."),
        "loop_without_wait": _("The way goes in a circle without waiting; put a wait into it."),
        "message_class": _("The content was written for another class of messages."),
        "missing_key": _("Something is missing here."),
        "more_than_one": _("Only one of these is possible."),
        "none_of": _("Something is missing here."),
        "out_of_range": _("This number is not possible here."),
        "parts_not_100": _("The parts must add up to 100 percent."),
        "pattern": _("This cannot be written like this."),
        "purpose_missing": _("Marketing needs a purpose that the person can agree to."),
        "remainder_not_last": _("The way without a condition takes everybody, so it stands last."),
        "schedule_unclear": _("The day does not fit how often."),
        "steps_missing": _("There is no step yet."),
        "timeout_empty": _("Give the time a length of at least a minute."),
        "timeout_missing": _("There is no time limit."),
        "too_few": _("There is nothing here yet."),
        "unknown_content": _("There is no such content."),
        "unknown_event": _("No event is written like this; capital letters count."),
        "unknown_purpose": _("There is no such purpose."),
        "unknown_score": _("There is no such score."),
        "unknown_segment": _("There is no such segment."),
        "unknown_channel": _("There is no such channel."),
        "unknown_step": _("There is no such step."),
        "unknown_word": _("Choose one of the offered."),
        "unreachable_step": _("Nothing leads to this step."),
        "wait_date_wrong": _("Write the date and time as 2026-12-01T10:00."),
        "wait_time_missing": _("Give the time of day."),
        "wait_too_long": _("Waits end within ten years."),
        "wait_unclear": _("State one thing to wait for."),
        "wrong_type": _("This cannot be written like this."),
        "bad_value": _("This cannot be written like this."),
        "control_character": _("The file holds characters that no text has."),
        "cycle": _("These definitions ask each other in a circle; take one of the references out."),
        "definition": _("This does not fit."),
        "file_too_large": _("The file is too large."),
        "invalid": _("This cannot be read."),
        "invalid_event": _("This event does not fit."),
        "invalid_step": _("This step does not fit."),
        "key_misplaced": _("A key only makes sense where an event lets people in."),
        "key_with_count": _("A key goes with the next event: leave out how often and how long ago, or the key."),
        "language_missing": _("The text in the brand's language is missing."),
        "missing_id": _("Its short name is missing."),
        "missing_kind": _("It does not say what it is."),
        "no_brand": _("There is no brand that sends it."),
        "no_mapping": _("This is not written as a definition."),
        "on_timeout": _("Say after how long."),
        "policy": _("This rule contradicts itself."),
        "step_id_wrong": _("The short name of the step cannot be used."),
        "step_kind_unknown": _("The step does none or several things."),
        "attribute_not_settable": _("No step can set this attribute; choose another name."),
        "decimal_comma": _("Write numbers with a point before decimals, such as 12.5."),
        "foreign_placeholder": _("A placeholder of another program is sent as it stands; insert a variable instead."),
        "never_triggers": _("No event is called “*” here; name the event."),
        "nobody_sends": _("Nothing here sends by this channel; its messages will fail."),
        "tab": _("Indent with blanks, not with tabs."),
        "threshold_out_of_reach": _("The score never crosses this limit."),
        "too_long": _("This is too long."),
        "too_many": _("This is too much."),
        "unlisted_event": _("This event is not in the catalogue; check how it is written."),
        "unknown_basis": _("There is no such legal basis."),
        "unknown_condition": _("There is no such condition."),
        "unknown_id": _("There is no such thing."),
        "unknown_journey": _("There is no such journey."),
        "unknown_key": _("This does not belong here."),
        "unknown_kind": _("There is no such kind of definition."),
        "unknown_operator": _("There is no such comparison."),
        "unknown_phase": _("There is no such phase."),
        "unknown_situation": _("There is no such situation."),
        "unknown_sub_state": _("There is no such state within the phase."),
        "unknown_trait": _("There is no such figure."),
        "unknown_zone": _("There is no such time zone; write it as Europe/Berlin."),
        "yaml": _("The file cannot be read at this place."),
    }


def error_word(error: BadDraftError) -> str:
    """Why a draft could not be kept, in the viewer's language."""
    if isinstance(error, SpecialCategoryError):
        asked = error.data.get("names")
        names = ", ".join(asked) if isinstance(asked, list) else ""
        return _(
            "Not saved: this asks for a special category of personal data (%(names)s), which your role may not see. "
            "Ask somebody who may, such as an owner or the data protection officer."
        ) % {"names": names}
    largest = error.data.get("largest_bytes")
    if isinstance(largest, int):
        return _("This is too large to be kept: at most %(size)s characters.") % {"size": formats.number(largest)}
    return _("This cannot be kept as it is: it lacks a name that can be used.")
