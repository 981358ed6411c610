"""The library: journeys that come with Kundenkreis, each started by six decisions; an empty drawing on request."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from unicodedata import normalize

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from kundenkreis.definitions.content_checks import default_brand
from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.definitions.errors import StaleDraftError
from kundenkreis.definitions.use_cases.edit_drafts import in_force, save_draft
from kundenkreis.playbooks.shipped import shipped_rulebook
from kundenkreis.site import access, formats
from kundenkreis.site.library_words import playbook_words
from kundenkreis.site.mounted import mounted
from kundenkreis.site.toasts import add_toast

EMPTY = "empty"
"""The address of an empty journey."""
_LONGEST_NAME = 80
_UNPROCESSABLE = 422


@lru_cache(maxsize=1)
def shipped() -> Definitions:
    """Everything that comes along, read once: the files are part of the program."""
    return shipped_rulebook(with_journeys=True)


@never_cache
@require_safe
def show_library(request: HttpRequest) -> HttpResponse:
    """Every shipped journey, and whether it is in use here already."""
    current, drafts = in_force(mounted().sources.publisher), mounted().sources.drafts
    shown = [
        {
            "id": name, "name": formats.name_in(journey.body["name"], name), "words": playbook_words(name),
            "messages": len(_contents(journey)), "is_live": current.get(f"journey:{name}") is not None,
            "has_draft": drafts.find("journey", name) is not None,
        }
        for name, journey in shipped().of("journey").items()
    ]  # fmt: skip
    return render(request, "journeys/library.html", {"shown": shown})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, playbook: str) -> HttpResponse:
    """GET: the six decisions. POST: make the draft that follows from them."""
    if playbook == EMPTY:
        return _start_empty(request)
    journey = shipped().of("journey").get(playbook)
    if journey is None:
        raise Http404
    if request.method == "POST":
        return _start(request, journey)
    return render(request, "journeys/start.html", _decisions(journey, {}, {}))


def _decisions(journey: Definition, sent: Mapping[str, str], errors: Mapping[str, str]) -> dict[str, Any]:
    sources = mounted().sources
    current = in_force(sources.publisher)
    brand = default_brand(current)
    goal, holdout = journey.body.get("goal") or {}, journey.body.get("holdout") or {}
    contents = [(current.get(f"content:{name}") or shipped().of("content")[name]) for name in _contents(journey)]
    return {
        "id": journey.id, "name": formats.name_in(journey.body["name"], journey.id), "words": playbook_words(journey.id),
        "goal_days": sent.get("goal_days", str(goal.get("within_days", ""))),
        "control_percent": sent.get("control_percent", f"{holdout.get('percent', 10):g}"), "errors": errors,
        "seen": sources.trials.seen_events(_events(journey)), "sender": brand.config if brand is not None else None,
        "contents": [
            {"name": formats.name_in(one.body["name"], one.id), "value": formats.name_in(one.body["value"], "")}
            for one in contents
        ],
        "priority": journey.body.get("priority", 5), "exists": current.get(journey.key) is not None,
        "has_draft": sources.drafts.find("journey", journey.id) is not None,
    }  # fmt: skip


def _events(journey: Definition) -> list[str]:
    """Names of the events that it hangs on: how people get in, its goal, what its steps wait for."""
    return list(dict.fromkeys(one.name for one in journey.references if one.to == "event"))


def _contents(journey: Definition) -> list[str]:
    return list(dict.fromkeys(one.name for one in journey.references if one.to == "content"))


def _start(request: HttpRequest, journey: Definition) -> HttpResponse:
    sent = request.POST
    document = dict(journey.document)
    errors: dict[str, str] = {}
    if (days := _whole(sent.get("goal_days", ""), 1, 365)) is None:
        errors["goal_days"] = _("A whole number from 1 to 365.")
    if (percent := _whole(sent.get("control_percent", ""), 0, 50)) is None:
        errors["control_percent"] = _("A whole number from 0 to 50.")
    if errors:
        return render(
            request, "journeys/start.html", _decisions(journey, {key: str(value) for key, value in sent.items()}, errors), status=_UNPROCESSABLE
        )  # fmt: skip
    document["goal"] = {**document["goal"], "within_days": days}
    document["holdout"] = {**(document.get("holdout") or {}), "percent": percent}
    _keep(request, document)
    next_page = "journey_simulate" if sent.get("then") == "simulate" else "journey_edit"
    return redirect(next_page, journey.id)


def _keep(request: HttpRequest, document: dict[str, Any]) -> None:
    sources, someone = mounted().sources, access.viewer()
    try:
        save_draft(
            document, sources.drafts, sources.publisher, revision=0, actor=someone.name if someone is not None else "",
            at_us=mounted().clock_us(),
        )  # fmt: skip
    except StaleDraftError:
        add_toast(request, _("There is a draft of this journey already; here it is."), tone="calm")


def _start_empty(request: HttpRequest) -> HttpResponse:
    name, error = request.POST.get("name", "").strip()[:_LONGEST_NAME], ""
    if request.method == "POST":
        journey_id = _id_of(name)
        if not journey_id:
            error = _("Give the journey a name.")
        elif in_force(mounted().sources.publisher).get(f"journey:{journey_id}") is not None:
            error = _("There is a journey of this name already.")
        else:
            entry = {"event": {"name": ""}}
            _keep(
                request,
                {"kind": "journey", "id": journey_id, "name": {"de": name, "en": name}, "entry": entry, "steps": []},
            )
            return redirect("journey_edit", journey_id)
    return render(
        request, "journeys/start_empty.html", {"name": name, "error": error}, status=_UNPROCESSABLE if error else 200
    )  # fmt: skip


_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})


def _id_of(name: str) -> str:
    """An id from a name: Herbst-Aktion für Gäste -> herbst_aktion_fuer_gaeste."""
    spelt = name.casefold().translate(_SPELT)
    plain = normalize("NFKD", spelt).encode("ascii", "ignore").decode()
    words = "_".join(re.findall(r"[a-z0-9]+", plain))[:64].strip("_")
    return words if words[:1].isalpha() else f"j_{words}"[:64] if words else ""


def _whole(text: str, least: int, most: int) -> int | None:
    text = text.strip()
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else None
    return value if value is not None and least <= value <= most else None
