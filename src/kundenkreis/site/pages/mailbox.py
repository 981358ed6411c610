"""The local mailbox: every message that the installation made while no mail server is set up, with its verdict."""

import re

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kundenkreis.site import verdict_words, words
from kundenkreis.site.access import may
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.messages import Message

PAGE_SIZE = 50
_QUERY_LIMIT = 200
_VIEWS = ("html", "text", "source")
SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
"""No script, no forms, no access to our pages; links open in a new tab as ordinary pages."""
HTML_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    f"frame-ancestors 'self'; sandbox {SANDBOX}"
)
"""The same once more as a header, for whoever opens the frame's address by itself; e-mails style inline."""
TEXT_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; form-action 'none'; base-uri 'none'; "
    f"frame-ancestors 'self'; sandbox {SANDBOX}"
)
"""For a page of ours that stands in such a frame instead of a mail: the text, the source, why there is nothing to see."""
_HEAD = re.compile(rb"<head[^>]*>", re.IGNORECASE)


@require_safe
def show_list(request: HttpRequest) -> HttpResponse:
    """Messages, newest first; `q` searches recipient and subject, `cursor` goes on to older ones."""
    # Control characters match nothing, and PostgreSQL takes no zero in a text.
    query = "".join(sign if sign.isprintable() else " " for sign in request.GET.get("q", "")).strip()[:_QUERY_LIMIT]
    if not may("personal.see"):
        query = ""  # or the search would tell what the list masks
    cursor = request.GET.get("cursor", "")
    found = mounted().sources.mailbox.search_messages(query, cursor=cursor, limit=PAGE_SIZE)
    context = {
        "query": query,
        "found": found,
        "count": words.messages_found(found.total, query),
        "figure": "mailbox.found" if query else "mailbox.messages",
        "is_first": not cursor,
        "sends_mail": bool(mounted().settings.smtp_host),
    }
    return render(request, "site/mailbox.html", context)


def _message(message_id: str) -> Message:
    message = mounted().sources.mailbox.find_message(message_id)
    if message is None:
        raise Http404
    return message


def view_of(request: HttpRequest, message: Message) -> str:
    """How the viewer wants to look at a message (`view`): html, text or source."""
    view = request.GET.get("view", "")
    if view not in _VIEWS or (view == "html" and not message.html):
        return "html" if message.html else "text"
    return view


@require_safe
def show_message(request: HttpRequest, message_id: str) -> HttpResponse:
    """One message: its verdict on top, then what was sent as HTML, text or source."""
    message = _message(message_id)
    view = view_of(request, message)
    verdict, earlier = verdict_words.describe_verdicts(message.verdicts)
    context = {
        "message": message,
        "verdict": verdict,
        "earlier": earlier,
        "names": mounted().sources.decided.names(),
        "view": view,
        "views": [(name, label) for name, label in words.view_names() if name != "html" or message.html],
        "sandbox": SANDBOX,
    }
    return render(request, "site/message.html", context)


@require_safe
def show_html(request: HttpRequest, message_id: str) -> HttpResponse:
    """The HTML part alone, for the frame on the message's page: runs nothing and loads nothing from elsewhere."""
    html = _message(message_id).html
    if not html:
        raise Http404
    content = html.encode("utf-8", "replace")
    head = _HEAD.search(content)
    at = head.end() if head else 0
    framed = content[:at] + b'<base target="_blank">' + content[at:]
    return HttpResponse(framed, headers={"Content-Security-Policy": HTML_POLICY})
