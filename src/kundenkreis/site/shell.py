"""What surrounds every page: brand, menu, language, theme, and the pages that say what went wrong."""

import sys
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views import i18n
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from kundenkreis.site import access
from kundenkreis.site.database_away import is_database_away
from kundenkreis.site.menu import menu_lines
from kundenkreis.site.mounted import mounted
from kundenkreis.site.toasts import waiting_toasts

_THEME_COOKIE = "kreis_theme"
_THEMES = ("light", "dark")
_YEAR_SECONDS = 365 * 86_400


def page_context(request: HttpRequest) -> dict[str, Any]:
    """What every template sees."""
    theme = request.COOKIES.get(_THEME_COOKIE, "")
    return {
        "brand": mounted().settings.brand,
        "theme": theme if theme in _THEMES else "",
        "language": get_language() or "en",
        "current_path": request.get_full_path(),
        "permissions": viewer.permissions if (viewer := access.viewer()) else access.NOTHING,
        "menu": menu_lines(request),
        "waiting_toasts": lambda: waiting_toasts(request),  # called by the page that shows them, and by no part of one
    }


def home(request: HttpRequest) -> HttpResponse:
    """To the start page."""
    return redirect("start")


@never_cache
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """204: the server can be reached. Pages ask after they lost the connection."""
    return HttpResponse(status=204)


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Remember the language in a cookie and go back."""
    response: HttpResponse = i18n.set_language(request)
    return response


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark, or the device's own choice in a cookie and go back."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = "/"
    response = HttpResponseRedirect(target)
    theme = request.POST.get("theme", "")
    if theme in _THEMES:
        response.set_cookie(
            _THEME_COOKIE, theme, max_age=_YEAR_SECONDS, httponly=True, samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie(_THEME_COOKIE, samesite="Lax")
    return response


def _problem(request: HttpRequest, status: int, title: str, advice: str) -> HttpResponse:
    return render(request, "site/problem.html", {"title": title, "advice": advice, "status": status}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: nothing a person did; usually a host name that is not ours."""
    return HttpResponse(
        "Bad request. If you reached this installation under a name of its own, set KREIS_BASE_URL to that address.\n",
        status=400,
        content_type="text/plain; charset=utf-8",
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return _problem(request, 403, _("This is not yours to see"), _("Your account may not open this page."))


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form that did not come from a page of ours, or from one that is too old."""
    return _problem(
        request,
        403,
        _("This form is too old"),
        _("The page it came from is no longer current. Go back, reload the page and try again."),
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return _problem(
        request, 404, _("There is nothing here"), _("The address may be mistyped, or what it showed is gone.")
    )


def failed(request: HttpRequest) -> HttpResponse:
    """500: a bug; 503 where it was the database that failed."""
    if is_database_away(sys.exc_info()[1]):
        return _unavailable()
    return _problem(
        request,
        500,
        _("Something went wrong on our side"),
        _("Nothing you entered is lost if you go back. The server's console says what happened."),
    )


def _unavailable() -> HttpResponse:
    """503: the database does not answer or cannot be written. The page is made without it."""
    context = {
        "title": _("Kundenkreis is not available right now"),
        "advice": _(
            "The database does not answer, or nothing can be written. Try again in a minute; the server's console says what happened."
        ),
        "brand": mounted().settings.brand,
        "language": get_language() or "en",
    }
    response = HttpResponse(render_to_string("site/unavailable.html", context), status=503)
    response["Retry-After"] = "30"
    return response
