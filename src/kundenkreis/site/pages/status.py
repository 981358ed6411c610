"""The status page: whether the installation keeps up, and what it could not digest."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kundenkreis.site import words
from kundenkreis.site.mounted import mounted


@never_cache
@require_safe
def show_status(request: HttpRequest) -> HttpResponse:
    """Lag, backlog, next wake-ups, quarantine, sending, processes."""
    status = mounted().sources.status.read_status()
    return render(request, "site/status.html", {"status": status, "health": words.describe_health(status)})
