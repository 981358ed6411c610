"""Links of a content, asked whether they work: started from the editor, shown in the list of what to do before publishing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from kundenkreis.content.core.links import worst_first
from kundenkreis.site import content_words, formats
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.links import LinkCheck


@dataclass(frozen=True, kw_only=True)
class Line:
    """A link that does not simply work."""

    link: str
    what: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A check as the editor shows it."""

    check: LinkCheck | None
    lines: tuple[Line, ...] = ()
    sentence: str = ""
    """About those that work, or why nothing was asked."""
    is_fine: bool = False
    """The sentence is good news."""


def start_check(document: Mapping[str, Any]) -> Shown:
    """Ask about the links of what was typed."""
    sources = mounted().sources
    links = list(sources.contents.links(document))
    if not links:
        return Shown(check=None, sentence=_("There is no link to check."))
    check = sources.links.start(links)
    if check is None:
        return Shown(check=None, sentence=_("Other links are being checked right now. Try again in a moment."))
    return shown(check)


def find_check(check_id: str) -> Shown:
    """A check that was started a while ago."""
    check = mounted().sources.links.find(check_id)
    return shown(check) if check is not None else Shown(check=None, sentence=_("This check is over. Check again."))


def shown(check: LinkCheck) -> Shown:
    """A check in words: what does not work first, those that work as a number."""
    found = worst_first((link, check.findings[link]) for link in check.links if link in check.findings)
    lines = [
        Line(link=link, what=words[0], remedy=words[1])
        for link, finding in found
        if finding != "works" and (words := content_words.finding_words(finding))
    ]
    working = len(found) - len(lines)
    sentences = [
        ngettext("%(count)s link works.", "%(count)s links work.", working) % {"count": formats.number(working)}
    ]
    if check.left_out:
        told = ngettext("%(count)s more link was not asked.", "%(count)s more links were not asked.", check.left_out)
        sentences.append(told % {"count": formats.number(check.left_out)})
    return Shown(
        check=check, lines=tuple(lines), sentence=" ".join(sentences) if check.is_over else "",
        is_fine=check.is_over and bool(working) and not check.left_out,
    )  # fmt: skip


@never_cache
def show_check(request: HttpRequest, check_id: str) -> HttpResponse:
    """The part of the editor's page that shows how far a check is."""
    found = find_check(check_id)
    return render(request, "contents/links.html", {"links": found}, status=200 if found.check is not None else 404)
