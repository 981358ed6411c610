"""What generated forms offer: the definitions there are, by kind, and the words that need no definition."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from kundenkreis.channels.core.policy_defaults import DEFAULT_POLICY
from kundenkreis.customers.core.consent import BASES
from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.definitions.names import CHANNELS, EVENTS
from kundenkreis.segments.core.traits import BUILT_IN
from kundenkreis.site import formats
from kundenkreis.site.event_words import event_word
from kundenkreis.site.forms.condition_form import ConditionForms
from kundenkreis.site.forms.field_words import basis_options, channel_options, operator_options, trait_options
from kundenkreis.site.forms.typed_fields import Options
from kundenkreis.site.phase_words import phase_word, sub_state_word
from kundenkreis.site.profile_words import attribute_word

Offered = Mapping[str, list[tuple[str, str]]]
_ATTRIBUTES = ("email", "firstName", "lastName", "phone", "birthday", "gender", "language", "address.city", "address.country",
               "address.postalCode", "company.name", "createdAt")  # fmt: skip
_NAMED = ("segment", "score", "situation", "content", "journey")


def offered(definitions: Definitions) -> dict[str, list[tuple[str, str]]]:
    """Kind of definition -> (id, name in the viewer's language) of each."""
    found = {kind: _by_name(definitions, kind) for kind in _NAMED}
    phases = definitions.single("phases")
    circle = phases.body["phases"] if phases is not None else ()
    subs = [sub for phase in circle for sub in phase.get("sub_states") or ()]
    found["phase"] = [(one["id"], _name(one, phase_word(one["id"]))) for one in circle]
    found["sub_state"] = list({one["id"]: (one["id"], _name(one, sub_state_word(one["id"]))) for one in subs}.values())
    found["trait"] = [*trait_options(tuple(BUILT_IN)), *_by_name(definitions, "trait")]
    found["purpose"] = _purposes(definitions)
    found["event"] = [(name, event_word(name)) for name in EVENTS]
    found["attribute"] = [(name, attribute_word(name)) for name in _ATTRIBUTES]
    found["operator"] = operator_options()
    found["channel"] = channel_options((*CHANNELS, *sorted(installed_plugins().channels)))
    found["basis"] = basis_options(tuple(BASES))
    return found


def options_of(found: Offered) -> Options:
    """The same as forms ask for it."""
    return found.get


def condition_forms(options: Options) -> ConditionForms:
    """Forms for every kind of condition that is installed."""
    return ConditionForms(installed_plugins().conditions, options)


def condition_kinds() -> list[tuple[str, str]]:
    """Every kind of condition with its words, and the groups."""
    spoken = formats.language()
    return [
        *((name, kind.label[spoken]) for name, kind in installed_plugins().conditions.items()),
        ("all", _("All of these")),
        ("any", _("At least one of these")),
        ("none", _("None of these")),
        ("not", _("Not")),
    ]


def _by_name(definitions: Definitions, kind: str) -> list[tuple[str, str]]:
    found = [(name, _name(one.body, name)) for name, one in definitions.of(kind).items()]
    return sorted(found, key=lambda one: one[1].casefold())


def _name(body: Mapping[str, Any], fallback: str) -> str:
    return formats.name_in(body.get("name") or {}, fallback)


def _purposes(definitions: Definitions) -> list[tuple[str, str]]:
    policy = definitions.single("policy")
    written = policy.body.get("purposes") if policy is not None else None
    if written is not None:
        return [(one["id"], _name(one, one["id"])) for one in written]
    spoken = formats.language()
    return [(one.id, str(getattr(one.name, spoken, one.id))) for one in DEFAULT_POLICY.purposes or ()]
