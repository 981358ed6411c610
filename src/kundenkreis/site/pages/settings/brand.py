"""Settings > Brand: who speaks, how, and how the mails look, with a sample mail beside the form."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.definitions.content_checks import DEFAULT_BRAND, default_brand
from kundenkreis.definitions.documents import Brand
from kundenkreis.definitions.use_cases.edit_drafts import in_force
from kundenkreis.site import mistake_words
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages import definition_editor
from kundenkreis.site.pages.definition_editor import Edited
from kundenkreis.site.pages.mailbox import HTML_POLICY, SANDBOX, TEXT_POLICY


def _edited() -> Edited:
    held = default_brand(in_force(mounted().sources.publisher))
    name = held.id if held is not None else DEFAULT_BRAND
    settings = mounted().settings
    return Edited(
        kind="brand",
        id=name,
        config=Brand,
        begin=lambda: {
            "kind": "brand",
            "id": name,
            "name": settings.brand,
            "sender_name": settings.brand,
            "sender_address": settings.mail_from,
            "imprint": {},
            "language": "de",
            "country": "DE",
            "zone": settings.zone,
        },
        filled={},
        page="brand",
        template="settings/brand.html",
        title=lambda _held: _("Brand"),
        sections=lambda: (
            (_("Who speaks"), ("name", "sender_name", "sender_address", "imprint")),
            (_("How it speaks"), ("language", "form_of_address", "tone")),
            (_("Where it is at home"), ("country", "zone")),
            (_("How its mails look"), ("look",)),
        ),
        options=lambda _held: lambda _kind: None,
    )


@never_cache
def edit_brand(request: HttpRequest) -> HttpResponse:
    """The form on the brand that contents speak for."""
    return definition_editor.edit(request, _edited(), {"sandbox": SANDBOX})


@never_cache
def preview_brand(request: HttpRequest) -> HttpResponse:
    """The posted form as a sample mail, for the frame beside it."""
    edited = _edited()
    document, _draft = definition_editor.begin(edited)
    if request.method == "POST":
        document = definition_editor.read_posted(request, edited, document)
    key = "en" if str(document.get("language", "")).startswith("en") else "de"
    preview = mounted().sources.contents.preview(_sample(key), key, profile_id=0, without_name=False, brand=document)
    if preview.failed:
        response = render(
            request,
            "contents/preview_text.html",
            {"preview": preview, "shown": "", "why_not": mistake_words.why_not(preview.failed)},
        )
        response.headers["Content-Security-Policy"] = TEXT_POLICY
        return response
    response = HttpResponse(preview.html)
    response.headers["Content-Security-Policy"] = HTML_POLICY
    return response


def _sample(language: str) -> dict[str, Any]:
    """A content that shows every part of the look."""
    with translation.override(language):
        heading, text = _("This is how a message looks"), _("with **important** words and a button.")
        button = _("To the shop")
    blocks = [
        {"heading": heading},
        {"text": "{{ customer.greeting }},\n\n" + text},
        {"button": {"label": button, "url": mounted().settings.public_url}},
    ]
    return {
        "kind": "content", "id": "sample", "name": {language: heading}, "value": {language: heading},
        "message_class": "marketing", "call_to_action": "read", "variants": {language: {"subject": heading, "blocks": blocks}},
    }  # fmt: skip


@never_cache
def publish_brand(request: HttpRequest) -> HttpResponse:
    """What publishing changes; posting does it."""
    return definition_editor.publish(request, _edited())


def discard_brand(request: HttpRequest) -> HttpResponse:
    """Drop the draft."""
    return definition_editor.discard(request, _edited())
