"""Signing in and out."""

from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kundenkreis.kernel.zones import to_datetime
from kundenkreis.site.logins import is_login_token_valid, use_login_token
from kundenkreis.site.mounted import mounted

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@require_safe
def explain(request: HttpRequest) -> HttpResponse:
    """Where the login link stands."""
    if request.user.is_authenticated:
        return redirect("home")
    return render(request, "site/login.html", {"state": "explain"})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def use_link(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a button, because mail scanners and previews open links too; POST signs in."""
    now = to_datetime(mounted().clock_us())
    if request.method == "POST":
        if account := use_login_token(token, now=now):
            login(request, account, backend=_BACKEND)
            return redirect("home")
    elif is_login_token_valid(token, now=now):
        return render(request, "site/login.html", {"state": "ready"})
    return render(request, "site/login.html", {"state": "spent"}, status=410)


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out."""
    logout(request)
    return redirect("login")
