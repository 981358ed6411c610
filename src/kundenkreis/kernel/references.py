"""What a text in a definition names: its type says so, and everything that walks definitions reads it there.

The check that what is named exists, the circle that definitions must not form, the JSON schema and editors all follow these marks;
a config of a plug-in that uses them is checked like the shipped ones.
"""

from typing import Annotated, Any

from msgspec import Meta

REFERS_TO = "x-refers-to"
"""Key in the JSON schema: the kind of definition that a text names."""
HOLDS = "x-holds"
"""Key in the JSON schema: "condition", "exit" or "step", where plain data is typed by a registry of plug-ins."""

SegmentId = Annotated[str, Meta(extra_json_schema={REFERS_TO: "segment"})]
ScoreId = Annotated[str, Meta(extra_json_schema={REFERS_TO: "score"})]
PhaseId = Annotated[str, Meta(extra_json_schema={REFERS_TO: "phase"})]
SubStateId = Annotated[str, Meta(extra_json_schema={REFERS_TO: "sub_state"})]
SituationId = Annotated[str, Meta(extra_json_schema={REFERS_TO: "situation"})]
TraitName = Annotated[str, Meta(extra_json_schema={REFERS_TO: "trait"})]
ContentId = Annotated[str, Meta(extra_json_schema={REFERS_TO: "content"})]
JourneyId = Annotated[str, Meta(extra_json_schema={REFERS_TO: "journey"})]
PurposeId = Annotated[str, Meta(extra_json_schema={REFERS_TO: "purpose"})]
StepId = Annotated[str, Meta(extra_json_schema={REFERS_TO: "step"})]
"""A step of the same journey, or "exit"."""
ChannelId = Annotated[str, Meta(extra_json_schema={REFERS_TO: "channel"})]
EventName = Annotated[str, Meta(extra_json_schema={REFERS_TO: "event"})]
"""Events need no definition; names of the catalogue are compared so that typing errors are found."""
Operator = Annotated[str, Meta(extra_json_schema={REFERS_TO: "operator"})]
BasisName = Annotated[str, Meta(extra_json_schema={REFERS_TO: "basis"})]
"""A legal basis of contacting somebody."""
AttributeName = Annotated[str, Meta(extra_json_schema={REFERS_TO: "attribute"})]
"""An attribute of the profile (dotted path); templates may name what some definition reads or writes."""

ConditionData = Annotated[dict[str, Any], Meta(extra_json_schema={HOLDS: "condition"})]
"""A condition as plain data."""
ExitData = Annotated[dict[str, Any], Meta(extra_json_schema={HOLDS: "exit"})]
"""A condition as plain data, or the next event: `{event: {name, where, key}}`."""
StepData = Annotated[dict[str, Any], Meta(extra_json_schema={HOLDS: "step"})]
"""A step of a journey as plain data."""
