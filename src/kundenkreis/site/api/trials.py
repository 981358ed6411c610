"""Trial runs over the API: a journey's draft over a past period, begun, asked for until it is done, and ended."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from django.http import HttpRequest
from django.utils.translation import gettext_noop
from ninja import Router
from ninja.errors import ValidationError
from pydantic import Field

from kundenkreis.definitions.drafts import check_drafts
from kundenkreis.definitions.use_cases.edit_drafts import published
from kundenkreis.kernel.zones import date_of, day_of
from kundenkreis.site.api.accounts import Ended
from kundenkreis.site.api.errors import DraftsRefusedError, NotFoundError, TrialGoneError
from kundenkreis.site.api.fields import Body, DefinitionId, RunId
from kundenkreis.site.api.offers import offer
from kundenkreis.site.api.problems import pointer
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.journey_editor import Desk
from kundenkreis.site.pages.journey_trial import MOST_DAYS, Objection, objection_to
from kundenkreis.site.ports.trials import Trial, TrialResult, TrialState

router = Router(tags=["trials"])

_SAID: Final[dict[Objection, tuple[str, str]]] = {
    "backwards": ("to_on", "The last day lies before the first."),
    "too_long": ("to_on", f"At most {MOST_DAYS} days after the first."),
    "not_past": ("to_on", "Days that have been, until today."),
}


class Trying(Body):
    """What is tried out, and over which days."""

    what: Literal["draft", "in_force"] = Field(
        "draft", description="draft: the draft, or what is in force where there is none."
    )
    from_on: date = Field(description="The first day, as if it had been published then.")
    to_on: date = Field(description="The last day.")


@dataclass(frozen=True, kw_only=True)
class TrialAnswer:
    """One trial run, as far as it is."""

    trial_id: str
    journey_id: str
    state: TrialState
    from_on: date
    to_on: date
    done: int
    """Customers gone through, of `total`; 0 of 0 until it is its turn."""
    total: int
    problem: str
    """Why it failed, else ""."""
    result: TrialResult | None


@offer(
    router, "POST", "journeys/{journey_id}/trials", needs=("journeys.edit",), answer=TrialAnswer, is_writing=True,
    summary=gettext_noop("Begin a trial run of a journey"),
)  # fmt: skip
def begin_trial(request: HttpRequest, journey_id: DefinitionId, trying: Trying) -> TrialAnswer:
    """What the journey would have done, had it been published on the first day; nothing is sent and nothing is changed. Ask for it again
    until its state is `done` or `failed`. A journey has one trial run: a new one, begun here or on the page, takes the place of the one before.
    """
    first, last = day_of(trying.from_on), day_of(trying.to_on)
    objection = objection_to(first, last)
    if objection:
        name, said = _SAID[objection]
        raise ValidationError([{"loc": ("body", "trying", name), "msg": said}])
    desk = Desk(journey_id)
    document = desk.document
    if trying.what == "in_force":
        document = dict(published(mounted().sources.publisher, "journey", journey_id) or {})
    if not document:
        raise NotFoundError
    checked = check_drafts([document], desk.definitions)
    if checked.definitions is None:
        raise DraftsRefusedError(
            "The draft still has mistakes; nothing was begun.",
            errors=[
                {"key": one.key, "pointer": pointer(one.path), "detail": f"{one.what}. {one.remedy}"}
                for one in checked.mistakes
            ],
        )
    return _answer(journey_id, mounted().sources.trials.start(document, from_day=first, to_day=last))


@offer(
    router, "GET", "journeys/{journey_id}/trials/{trial_id}", needs=("journeys.edit",), answer=TrialAnswer,
    summary=gettext_noop("See how far a trial run is, and its result"),
)  # fmt: skip
def read_trial(request: HttpRequest, journey_id: DefinitionId, trial_id: RunId) -> TrialAnswer:
    """The figures of its page. On large installations a sample of customers is tried (`sample_percent`): the figures are those of the sample.
    A result lives in the memory of the process that made it: once that was started anew, the trial run was ended, or a newer one of
    the journey was begun, the answer is 404 `trial_gone`. Begin it again then.
    """
    trial = mounted().sources.trials.find(journey_id)
    if trial is None or trial.trial_id != trial_id:
        raise TrialGoneError
    return _answer(journey_id, trial)


@offer(
    router, "DELETE", "journeys/{journey_id}/trials/{trial_id}", needs=("journeys.edit",), answer=Ended, is_writing=True,
    summary=gettext_noop("End a trial run"),
)  # fmt: skip
def end_trial(request: HttpRequest, journey_id: DefinitionId, trial_id: RunId) -> Ended:
    """It stops where it is, and its result is forgotten."""
    if not mounted().sources.trials.end(journey_id, trial_id):
        raise TrialGoneError
    return Ended(is_ended=True)


def _answer(journey_id: str, trial: Trial) -> TrialAnswer:
    return TrialAnswer(
        trial_id=trial.trial_id, journey_id=journey_id, state=trial.state, from_on=date_of(trial.from_day), to_on=date_of(trial.to_day),
        done=trial.done, total=trial.total, problem=trial.problem, result=trial.result,
    )  # fmt: skip
