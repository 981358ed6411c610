"""Addresses of which one was mounted without a policy."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from kundenkreis.site.urls import handler403, urlpatterns

__all__ = ["handler403", "urlpatterns"]


def _tell(request: HttpRequest) -> HttpResponse:
    return HttpResponse("told")


urlpatterns = [*urlpatterns, path("bare/", _tell, name="bare")]
