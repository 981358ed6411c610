"""Settings: what can be set, as far as the viewer may see it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from kundenkreis.site.access import may
from kundenkreis.site.doors import doors


def show_settings(request: HttpRequest) -> HttpResponse:
    """The doors that the viewer may open."""
    return render(request, "settings/landing.html", {"doors": [each for each in doors() if may(each.needs)]})
