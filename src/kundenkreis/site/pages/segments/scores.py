"""Scores: the list, and the editor of one: what gives points, how they fade, how many people have some."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.definitions.use_cases.edit_drafts import in_force
from kundenkreis.definitions.use_cases.put_definition import users_of
from kundenkreis.segments.core.definitions import ScoreDefinition
from kundenkreis.site import formats
from kundenkreis.site.access import may
from kundenkreis.site.definition_words import address_of, kind_word
from kundenkreis.site.forms.offers import offered, options_of
from kundenkreis.site.mounted import mounted
from kundenkreis.site.naming import name_rows
from kundenkreis.site.pages import definition_editor, deleting
from kundenkreis.site.pages.definition_editor import Edited
from kundenkreis.site.score_words import fading_words, rule_sentence


@dataclass(frozen=True, kw_only=True)
class ScoreLine:
    """One score in the list."""

    id: str
    name: str
    rules: int
    fades: str
    used_by: int
    has_draft: bool
    is_published: bool


@never_cache
def show_scores(request: HttpRequest) -> HttpResponse:
    """Every score in force or in draft, by name."""
    definitions, drafts = in_force(mounted().sources.publisher), mounted().sources.drafts.every("score")
    drafted = {draft.id: draft.document for draft in drafts}
    held = {name: one.document for name, one in definitions.of("score").items()}
    lines = [
        _line(name, document, definitions, has_draft=name in drafted, is_published=name in held)
        for name, document in {**drafted, **held}.items()
    ]
    context = {"lines": sorted(lines, key=lambda line: line.name.casefold()), "tab": "scores"}
    return render(request, "segments/scores.html", context)


def _line(
    name: str, document: Mapping[str, Any], definitions: Definitions, *, has_draft: bool, is_published: bool
) -> ScoreLine:
    return ScoreLine(
        id=name, name=formats.name_in(document.get("name") or {}, name), rules=len(document.get("rules") or ()),
        fades=fading_words(document.get("half_life_days")), used_by=len(_users(definitions, name)), has_draft=has_draft,
        is_published=is_published,
    )  # fmt: skip


def _users(definitions: Definitions, score_id: str) -> list[Definition]:
    return users_of("score", score_id, definitions)


def _edited(score_id: str) -> Edited:
    return Edited(
        kind="score",
        id=score_id,
        config=ScoreDefinition,
        begin=lambda: (
            None if score_id else {"kind": "score", "id": "", "name": {}, "rules": [{}], "half_life_days": 30}
        ),
        filled={"rules": []},
        page="score",
        template="segments/score.html",
        title=lambda held: formats.name_in(held.get("name") or {}, score_id) or _("New score"),
        sections=lambda: (
            (_("Name"), ("name",)),
            (_("What gives points"), ("rules",)),
            (_("How points fade and end"), ("half_life_days", "maximum", "thresholds")),
        ),
        options=lambda _held: options_of(offered(in_force(mounted().sources.publisher))),
        sentence=lambda _held: lambda _part, row: rule_sentence(row),
        finish=_finished,
        area=(lambda: _("Scores"), "scores"),
        object_kind="score",
        permission="segments.edit",
    )


def _finished(document: dict[str, Any]) -> dict[str, Any]:
    """Rules are told apart by what happened, with nobody having to think of a word."""
    return document | {"rules": name_rows(document.get("rules") or [], _called)}


def _called(rule: Mapping[str, Any]) -> str:
    name = (rule.get("event") or {}).get("name") or ""
    return str(name[0] if isinstance(name, list) else name)


@never_cache
def edit_score(request: HttpRequest, score_id: str = "") -> HttpResponse:
    """The form on the draft, or on what is in force; without an id a new score."""
    users = _users(in_force(mounted().sources.publisher), score_id) if score_id else []
    used_by = [
        (formats.name_in(_names(one), one.id), kind_word(one.kind), address_of(one.kind, one.id)) for one in users
    ]
    is_published = in_force(mounted().sources.publisher).of("score").get(score_id) is not None
    more = {
        "used_by": sorted(used_by, key=lambda one: one[0].casefold()), "score_id": score_id, "names_itself": True,
        "may_delete": is_published and may("segments.edit"),
    }  # fmt: skip
    return definition_editor.edit(request, _edited(score_id), more)


def _names(definition: Definition) -> Mapping[str, str]:
    names = definition.body.get("name")
    return names if isinstance(names, Mapping) else {}


@never_cache
def publish_score(request: HttpRequest, score_id: str) -> HttpResponse:
    """What publishing changes; posting does it."""
    return definition_editor.publish(request, _edited(score_id))


def discard_score(request: HttpRequest, score_id: str) -> HttpResponse:
    """Drop the draft."""
    return definition_editor.discard(request, _edited(score_id))


@never_cache
def delete_score(request: HttpRequest, score_id: str) -> HttpResponse:
    """Who would miss it, and what deleting changes; posting does it."""
    return deleting.delete(request, _DELETED, score_id)


def restore_score(request: HttpRequest, score_id: str) -> HttpResponse:
    """Put it back in force, for ten minutes after it was deleted."""
    return deleting.restore(request, _DELETED, score_id)


_DELETED = deleting.Deletable(kind="score", page="score", listed="scores", area=lambda: _("Scores"))
