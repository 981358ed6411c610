"""What every answer gets on its way out."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from kundenkreis.site.toasts import waiting_toasts

Answer = Callable[[HttpRequest], HttpResponse]


def vary_by_htmx(get_response: Answer) -> Answer:
    """Tells caches that a page and its part are different things: without it the browser's Back shows the bare part."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        patch_vary_headers(response, ["HX-Request"])
        return response

    return answer


def toasts_for_htmx(get_response: Answer) -> Answer:
    """Appends waiting toasts to parts of a page, which have no foot of their own."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        is_part = (
            request.headers.get("HX-Request") == "true"
            and response.status_code == 200
            and not response.streaming
            and response.get("Content-Type", "").startswith("text/html")
            and b'id="toasts"' not in response.content
        )
        if is_part and (toasts := waiting_toasts(request)):
            from django.template.loader import render_to_string  # noqa: PLC0415 - middleware loads before templates do

            part = render_to_string("components/toasts.html", {"toasts": toasts}, request=request)
            response.content += f'<div hx-swap-oob="beforeend:#toasts">{part}</div>'.encode()
        return response

    return answer
