"""The content editor: blocks, MJML or HTML per variant, with a preview as a chosen person and everything that speaks against publishing.

Every button posts the whole form, so nothing that was typed is lost; the preview is a frame that the same form is posted to.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.content.core.blocks import KINDS
from kundenkreis.definitions.drafts import Draft
from kundenkreis.definitions.errors import BadDraftError, StaleDraftError
from kundenkreis.definitions.use_cases.edit_drafts import published
from kundenkreis.kernel.ids import profile_id_in
from kundenkreis.site import content_words, formats, mistake_words, verdict_words
from kundenkreis.site.access import may
from kundenkreis.site.audit import audit
from kundenkreis.site.drafting import (
    drop_draft,
    free_id,
    in_force_name,
    keep_draft,
    made_from,
    open_form,
    opponent_of,
    publish_draft,
    published_meanwhile,
)
from kundenkreis.site.forms.content_form import BODIES, acted, read_content, variant_forms
from kundenkreis.site.liquid_words import proposals
from kundenkreis.site.mistake_words import error_word
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages import deleting
from kundenkreis.site.pages.contents.link_checks import Shown, find_check, start_check
from kundenkreis.site.pages.mailbox import HTML_POLICY, SANDBOX, TEXT_POLICY
from kundenkreis.site.ports.contents import Mistake
from kundenkreis.site.special_categories import hidden_attributes
from kundenkreis.site.toasts import add_toast

LARGEST_CHARACTERS = 102_000
"""Gmail cuts mails off behind about 102 KB of HTML."""
_VIEWS = ("wide", "narrow", "dark", "text", "source")


@never_cache
def edit_content(request: HttpRequest, content_id: str = "") -> HttpResponse:
    """The editor on the draft of an item, or on what is in force where there is no draft; without an id a new one."""
    document, draft = _begin(request, content_id)
    if request.method == "POST":
        return _posted(request, document, draft)
    return _show(request, document, draft)


def _begin(request: HttpRequest, content_id: str) -> tuple[dict[str, Any], Draft | None]:
    if not content_id:
        document: dict[str, Any] = {
            "kind": "content", "id": "", "name": {}, "value": {}, "message_class": "marketing", "call_to_action": "read",
            "variants": {"de": {"subject": "", "blocks": [{"text": "{{ customer.greeting }},\n\n"}]}},
        }  # fmt: skip
        for name, asked in (("phases", "phase"), ("personas", "persona")):
            if re.fullmatch(r"[a-z][a-z0-9_]{0,63}", chosen := request.GET.get(asked, "")):
                document[name] = [chosen]
        return document, None
    return open_form(request, "content", content_id)


def _posted(request: HttpRequest, document: dict[str, Any], draft: Draft | None) -> HttpResponse:
    read = read_content(request.POST.dict(), document)
    act = request.POST.get("act", "")
    verb, _colon, check_id = act.partition(":")
    if verb == "links":
        return _show(request, read, draft, links=find_check(check_id) if check_id else start_check(read))
    if act != "save":
        return _show(request, acted(read, act), draft)
    if not read["id"]:
        read["id"] = free_id("content", read["name"], read)
    if not read["id"]:
        return _show(request, read, draft, name_error=_("Give the content a name."), status=422)
    try:
        keep_draft(request, read)
    except StaleDraftError as error:
        conflict = opponent_of(error, "content", read["id"], read)
        return _show(request, read, draft, conflict=conflict, status=409)
    except BadDraftError as error:
        return _show(request, read, draft, name_error=error_word(error), status=422)
    add_toast(request, _("Draft saved"))
    return redirect("content_edit", read["id"])


def _show(
    request: HttpRequest, document: dict[str, Any], draft: Draft | None, *, name_error: str = "", conflict: Mapping[str, Any] | None = None,
    status: int = 200, links: Shown | None = None,
) -> HttpResponse:  # fmt: skip
    source = mounted().sources.contents
    forms = variant_forms(document)
    shown = request.POST.get("shown", "")
    keys = [form.key for form in forms]
    context = {
        "document": document,
        "may_delete": may("journeys.publish") and published(mounted().sources.publisher, "content", document["id"]) is not None,
        "title": formats.name_in(document.get("name") or {}, document["id"]) or _("New content"),
        "is_new": not document["id"],
        "draft": draft,
        "revision": request.POST.get("revision") or (draft.revision if draft else 0),
        "made_from": made_from(request, "content", document["id"], draft) if document["id"] else "",
        "compared": in_force_name(draft) if draft is not None else "",
        "here": request.path,
        "published_meanwhile": published_meanwhile(draft) if draft is not None and conflict is None else [],
        "name_error": name_error,
        "variants": forms,
        "keys": " ".join(keys),
        "shown": shown if shown in keys else (keys[0] if keys else ""),
        "missing": [key for key in ("de", "de/du", "en") if key not in keys],
        "kinds": [(kind, content_words.block_word(kind)) for kind in KINDS],
        "bodies": [(body, content_words.body_word(body)) for body in BODIES],
        "classes": [(one, verdict_words.class_word(one)) for one in content_words.CLASSES],
        "calls": [(one, content_words.call_word(one)) for one in content_words.CALLS],
        "phases": [
            (one, formats.name_in(names, one), one in (document.get("phases") or ())) for one, names in source.phases()
        ],
        "personas": [
            (one, formats.name_in(names, one), one in (document.get("personas") or ()))
            for one, names in source.personas()
        ],
        "people": source.people(),
        "checks": preflight(document),
        "links": links,
        "sandbox": SANDBOX,
        "names": ("customer.first_name", "customer.greeting", "customer.address.city", "brand.name", "event.order_id",
                  "unsubscribe_url", "preferences_url"),
        "proposals": proposals(source.variables(document["id"])),
        **(conflict or {}),
    }  # fmt: skip
    return render(request, "contents/edit.html", context, status=status)


def preflight(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(where, what, what to do) of everything that speaks against publishing, and of what people would regret."""
    found = [_told(mistake) for mistake in mounted().sources.contents.check(document)]
    for key, variant in (document.get("variants") or {}).items():
        where = content_words.variant_word(key)
        if len(str(variant.get("html") or variant.get("mjml") or "")) > LARGEST_CHARACTERS:
            found.append((where, _("The e-mail is larger than 102 KB; Gmail cuts it off."), _("Shorten it.")))
        for block in variant.get("blocks") or ():
            image = block.get("image")
            if isinstance(image, dict) and not image.get("alt"):
                found.append(
                    (where, _("A picture has no description."), _("Say what it shows; many people see no pictures."))
                )
            link = (block.get("button") or {}).get("url") if isinstance(block.get("button"), dict) else None
            if link is not None and not re.match(r"https://|\{\{", link):
                found.append(
                    (where, _("A button leads nowhere safe."), _("Write an address that begins with https://"))
                )
        if len(str(variant.get("subject", ""))) > 70:
            found.append(
                (
                    where,
                    _("The subject is long; phones show about 40 characters."),
                    _("Say the most important thing first."),
                )
            )
    return found


def _told(mistake: Mistake) -> tuple[str, str, str]:
    where = content_words.variant_word(mistake.variant) if mistake.variant else ""
    part = content_words.part_word(mistake.part) if mistake.part else ""
    place = " · ".join(word for word in (where, part) if word)
    if mistake.code:
        return place, mistake_words.mistake_word(mistake), ""
    return place, *mistake_words.content_words(mistake.what, mistake.remedy)


@never_cache
def preview_content(request: HttpRequest, content_id: str = "") -> HttpResponse:
    """The posted form as a mail, for the frame beside it; runs nothing and loads nothing from elsewhere."""
    document, _draft = _begin(request, content_id)
    if request.method == "POST":
        document = read_content(request.POST.dict(), document)
    asked = request.POST if request.method == "POST" else request.GET
    key, view = asked.get("shown", ""), asked.get("view", "wide")
    preview = mounted().sources.contents.preview(
        document,
        key,
        profile_id=profile_id_in(asked.get("person", "")),  # 0: the invented person
        without_name="without_name" in asked,
        hidden=hidden_attributes(),
    )
    if preview.failed or view in ("text", "source") or not preview.html:
        context = {
            "preview": preview, "shown": preview.html if view == "source" else preview.text,
            "why_not": mistake_words.why_not(preview.failed),
        }  # fmt: skip
        response = render(request, "contents/preview_text.html", context)
        response.headers["Content-Security-Policy"] = TEXT_POLICY
        return response
    html = preview.html
    if view == "dark":
        html = html.replace("<body", '<body data-view="dark"', 1).replace(
            "</head>",
            "<style>html{filter:invert(1) hue-rotate(180deg)}img{filter:invert(1) hue-rotate(180deg)}</style></head>",
            1,
        )
    response = HttpResponse(html)
    response.headers["Content-Security-Policy"] = HTML_POLICY
    return response


@never_cache
def publish_content(request: HttpRequest, content_id: str) -> HttpResponse:
    """Put the draft in force; with mistakes back to the editor, which shows them."""
    sources = mounted().sources
    draft = sources.drafts.find("content", content_id)
    if draft is None:
        raise Http404
    version, prepared = publish_draft(request, draft)
    if not version:
        if prepared is not None:
            add_toast(request, _("Not published: see what is missing."), tone="stop")
        return redirect("content_edit", content_id)
    audit(request, "published", "content", content_id)
    add_toast(request, _("The content is in force. Messages from now on say it."))
    return redirect("contents")


def discard_content(request: HttpRequest, content_id: str) -> HttpResponse:
    """Drop the draft."""
    if not drop_draft(request, "content", content_id):
        return redirect("content_edit", content_id)
    return redirect("contents")


@never_cache
def delete_content(request: HttpRequest, content_id: str) -> HttpResponse:
    """Who would miss it, and what deleting changes; posting does it."""
    return deleting.delete(request, _DELETED, content_id)


def restore_content(request: HttpRequest, content_id: str) -> HttpResponse:
    """Put it back in force, for ten minutes after it was deleted."""
    return deleting.restore(request, _DELETED, content_id)


_DELETED = deleting.Deletable(kind="content", page="content_edit", listed="contents", area=lambda: _("Content"))
