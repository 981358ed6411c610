"""What the command palette shows below its field."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kundenkreis.site.palette import search_everything

_QUERY_LIMIT = 100


@never_cache
@require_safe
def show_found(request: HttpRequest) -> HttpResponse:
    """What is called like `q`, by kind: a part of a page."""
    # Control characters match nothing, and PostgreSQL takes no zero in a text.
    query = "".join(sign if sign.isprintable() else " " for sign in request.GET.get("q", "")).strip()[:_QUERY_LIMIT]
    return render(request, "site/palette_found.html", {"groups": search_everything(request, query), "query": query})
