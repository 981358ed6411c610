"""message: hands a message to the contact policy and waits for its fate."""

from typing import Annotated, Literal

import msgspec

from kundenkreis.customers.core.state import Planned, Run
from kundenkreis.journeys.core.protocol import (
    MESSAGE,
    TIMER,
    CompileContext,
    Edge,
    End,
    Go,
    Moment,
    NameOf,
    Outcome,
    PlainStep,
    Stay,
    StepKind,
    StepSource,
    effect_of_visit,
)
from kundenkreis.kernel.references import ChannelId, ContentId, PurposeId
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import DAY, HOUR

RELEASED, WITHHELD, EXPIRED, CANCELLED = "Message Released", "Message Withheld", "Message Expired", "Message Cancelled"
FATES = frozenset({RELEASED, WITHHELD, EXPIRED, CANCELLED})
"""Events of the contact policy that move a run: {message: hex effect id, reason}."""

UNANSWERED_AFTER = DAY
"""So long after its validity a message without any fate counts as failed: the run must not hang on a lost answer."""


class MessageConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to send, on which legal purpose, and what if it may not be sent."""

    content: ContentId
    channel: ChannelId = "email"
    purpose: PurposeId = ""
    message_class: Literal["transactional", "service", "marketing"] = "marketing"
    valid_for_hours: Annotated[int, msgspec.Meta(ge=1, le=8784)] = 72
    if_withheld: Literal["skip", "wait", "exit"] = "skip"
    """skip: on to the next step; wait: kept while it is valid; exit: the run ends."""
    priority: Annotated[int, msgspec.Meta(ge=1, le=10)] | None = None
    """Default: the journey's."""


class MessageStep(PlainStep):
    """A compiled message."""

    edges = (Edge("next", "", ("next",)),)

    def __init__(self, config: MessageConfig, step_id: str, journey_id: str) -> None:
        self.config = config
        self.step_id = step_id
        self.journey_id = journey_id

    def decide(self, run: Run, moment: Moment) -> Outcome:
        """Plan on arrival; then wait for the verdict. Whoever is in the control group receives nothing."""
        if moment.signal == MESSAGE and moment.row is not None:
            return self._after(run, moment.row)
        if moment.signal == TIMER:
            return Go(outcome="failed", reason=["unanswered", run.waiting_for])
        if run.in_holdout:
            return Go(outcome="holdout", reason=["holdout", self.config.content])
        plan = self._plan(run, moment)
        return Stay(
            plan.valid_until_us + UNANSWERED_AFTER,
            f"message:{plan.effect_id.hex()}",
            message=plan,
            reason=["message", self.config.content],
        )

    def _plan(self, run: Run, moment: Moment) -> Planned:
        config, at_us = self.config, moment.at_us
        return Planned(
            effect_id=effect_of_visit(run),
            channel=config.channel,
            content_id=config.content,
            message_class=config.message_class,
            purpose=config.purpose,
            priority=config.priority or moment.journey_priority,
            journey_id=self.journey_id,
            run_id=run.run_id,
            step_id=self.step_id,
            decided_us=at_us,
            due_us=at_us,
            valid_until_us=at_us + config.valid_for_hours * HOUR,
            if_withheld=config.if_withheld,
            variables=dict(run.variables),
            cause=moment.cause,
            acted_us=moment.acted_us,
        )

    def _after(self, run: Run, row: LogRow) -> Outcome:
        """Released moves on. Withheld follows if_withheld; expired and cancelled are final, so "wait" moves on then."""
        reason = [row.name, row.properties.get("reason", "")]
        if row.name == RELEASED:
            return Go(outcome="sent", reason=reason)
        if self.config.if_withheld == "exit":
            return End("exited:withheld", reason)
        if row.name == WITHHELD and self.config.if_withheld == "wait":
            return Stay(run.wake_us, run.waiting_for)
        return Go(outcome="withheld", reason=reason)


def compile_message(source: StepSource, context: CompileContext) -> MessageStep:
    """Refuses unknown content and marketing without a purpose."""
    config: MessageConfig = source.config
    if context.contents is not None and config.content not in context.contents:
        context.problem((*source.path, "content"), "unknown_content", f'There is no content "{config.content}".')
    if config.message_class == "marketing" and not config.purpose:
        context.problem(
            (*source.path, "purpose"), "purpose_missing", "Marketing needs a purpose that the person can agree to."
        )
    return MessageStep(config, source.step_id, source.journey.id)


_CHANNELS: dict[str, dict[str, str]] = {
    "email": {"de": "E-Mail", "en": "E-mail"},
    "sms": {"de": "SMS", "en": "SMS"},
    "push": {"de": "Push", "en": "Push"},
    "letter": {"de": "Brief", "en": "Letter"},
    "site": {"de": "Website", "en": "Website"},
}


def tell_message(config: MessageConfig, name_of: NameOf) -> dict[str, str]:
    """Channel and content."""
    channel = _CHANNELS.get(config.channel, {"de": config.channel, "en": config.channel})
    return {each: f"{channel[each]} · {name_of('content', config.content, each)}" for each in ("de", "en")}


MESSAGE_STEP = StepKind(
    kind="message",
    config=MessageConfig,
    label={"de": "Nachricht", "en": "Message"},
    sample={"content": "welcome_hello", "channel": "email", "purpose": "newsletter"},
    compile=compile_message,
    icon="mail",
    group="speak",
    tell=tell_message,
)
"""Message: speak to the person, if the contact policy says yes."""
