"""Settings > Contact rules: limits, quiet hours, situations and purposes with their legal bases, in plain words and editable."""

from collections.abc import Mapping
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.channels.core.policy_config import PolicyConfig
from kundenkreis.channels.core.policy_defaults import DEFAULT_POLICY
from kundenkreis.definitions.use_cases.edit_drafts import in_force
from kundenkreis.site import formats
from kundenkreis.site.forms.offers import offered, options_of
from kundenkreis.site.forms.typed_fields import Options
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages import definition_editor
from kundenkreis.site.pages.definition_editor import Edited, Sentence
from kundenkreis.site.settings_words import rule_sentence

_LISTS = ("limits", "quiet_hours", "situations", "purposes")
_SHIPPED: dict[str, Any] = msgspec.to_builtins(DEFAULT_POLICY)


def _options(held: Mapping[str, Any]) -> Options:
    """What the fields offer, by what they refer to; purposes as this form defines them."""
    language = formats.language()
    own = [
        (str(one["id"]), (one.get("name") or {}).get(language) or str(one["id"]))
        for one in held.get("purposes") or ()
        if isinstance(one, dict) and one.get("id")
    ]
    return options_of(offered(in_force(mounted().sources.publisher)) | {"purpose": own})


def _sentence(held: Mapping[str, Any]) -> Sentence:
    """Each row in plain words."""
    options = _options(held)
    names = {one: word for kind in ("situation", "purpose") for one, word in options(kind) or ()}
    return lambda part, row: rule_sentence(part, row, names)


RULES = Edited(
    kind="policy",
    id="",
    config=PolicyConfig,
    begin=lambda: {"kind": "policy"},
    filled={name: _SHIPPED[name] for name in _LISTS},
    page="contact_rules",
    template="settings/contact_rules.html",
    title=lambda _held: _("Contact rules"),
    sections=lambda: (
        (_("How often at most"), ("limits",)),
        (_("When channels rest"), ("quiet_hours",)),
        (_("What stops while something is open"), ("situations",)),
        (_("Purposes and what carries them"), ("purposes",)),
        (
            _("More rules"),
            ("default_priority", "after_conversion", "global_holdout", "minors", "incentives", "overdue_grace_hours"),
        ),
    ),
    options=_options,
    sentence=_sentence,
)


@never_cache
def edit_rules(request: HttpRequest) -> HttpResponse:
    """The rules in words, and the form behind each."""
    return definition_editor.edit(request, RULES)


@never_cache
def publish_rules(request: HttpRequest) -> HttpResponse:
    """What publishing changes; posting does it."""
    return definition_editor.publish(request, RULES)


def discard_rules(request: HttpRequest) -> HttpResponse:
    """Drop the draft."""
    return definition_editor.discard(request, RULES)
