"""split: by chance, which is a hash of the person: the same person always lands in the same part."""

import msgspec

from kundenkreis.customers.core.state import Run
from kundenkreis.journeys.core.definitions import Id, Percent
from kundenkreis.journeys.core.protocol import (
    CompileContext,
    Edge,
    Go,
    Moment,
    NameOf,
    Outcome,
    PlainStep,
    StepKind,
    StepSource,
    check_branch_id,
)
from kundenkreis.journeys.steps.telling import readable
from kundenkreis.kernel.hashing import BUCKETS, bucket_of
from kundenkreis.kernel.references import StepId


class PartConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part of the people."""

    id: Id
    percent: Percent
    """At most two decimals: a bucket is 0.01 %."""
    next: StepId | None = None
    """Default: the step's next."""


class SplitConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parts, together 100 %. Equal salts split equally, across steps and journeys."""

    parts: list[PartConfig]
    salt: str = ""
    """"" = "<journey>.<step>"."""


class SplitStep(PlainStep):
    """A compiled split."""

    def __init__(self, config: SplitConfig, salt: str) -> None:
        self.salt = salt
        self.bounds: list[tuple[int, str, str]] = []
        upper = 0.0
        for part in config.parts:
            upper += part.percent
            self.bounds.append((round(upper * BUCKETS / 100), part.id, part.next or ""))
        self.edges = tuple(
            Edge(part.id, part.next or "", ("split", "parts", i, "next")) for i, part in enumerate(config.parts)
        )

    def decide(self, run: Run, moment: Moment) -> Outcome:
        """The part this person's bucket falls in."""
        bucket = bucket_of(moment.state.bucket_key, self.salt)
        for upper, name, target in self.bounds:
            if bucket < upper:
                return Go(target, f"branch:{name}", ["bucket", bucket, self.salt])
        return Go("", "branch:none", ["bucket", bucket, self.salt])


def compile_split(source: StepSource, context: CompileContext) -> SplitStep:
    """Refuses parts that do not add up to 100 %, and equal ids."""
    config: SplitConfig = source.config
    if round(sum(part.percent for part in config.parts) * BUCKETS / 100) != BUCKETS:
        context.problem((*source.path, "parts"), "parts_not_100", "The parts must add up to 100 percent.")
    for i, part in enumerate(config.parts):
        taken = [other.id for other in config.parts[:i]]
        check_branch_id(part.id, taken, context, (*source.path, "parts", i, "id"), noun="part")
    return SplitStep(config, config.salt or f"{source.journey.id}.{source.step_id}")


def tell_split(config: SplitConfig, name_of: NameOf) -> dict[str, str]:
    """The parts with their shares."""
    told = [(readable(part.id), f"{part.percent:g}") for part in config.parts]
    german = " / ".join(f"{name['de']} {percent.replace('.', ',')} %" for name, percent in told)
    return {"de": german, "en": " / ".join(f"{name['en']} {percent}%" for name, percent in told)}


SPLIT = StepKind(
    kind="split",
    config=SplitConfig,
    label={"de": "Aufteilung", "en": "Split"},
    sample={"salt": "offer_test", "parts": [{"id": "a", "percent": 50}, {"id": "b", "percent": 50, "next": "exit"}]},
    compile=compile_split,
    icon="arrows-split-2",
    group="decide",
    tell=tell_split,
)
"""Split: a stable share of the people goes each way."""
