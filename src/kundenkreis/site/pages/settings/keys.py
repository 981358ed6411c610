"""Settings > Keys: API keys, by which programs work in somebody's name, and write keys, by which touchpoints send events."""

from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.kernel.errors import CallerError
from kundenkreis.kernel.zones import to_datetime
from kundenkreis.site import access
from kundenkreis.site.accounts import api_keys
from kundenkreis.site.accounts.error_words import error_sentence
from kundenkreis.site.accounts.forms import ApiKeyForm, WriteKeyForm
from kundenkreis.site.accounts.words import permission_choices, permission_names
from kundenkreis.site.audit import audit
from kundenkreis.site.models import ApiKey
from kundenkreis.site.mounted import mounted

_REFUSED = 409
_WRONG_STATUS = 422


def _now() -> datetime:
    return to_datetime(mounted().clock_us())


@never_cache
def show_keys(request: HttpRequest) -> HttpResponse:
    """All keys, without what makes them work."""
    return _page(request)


@never_cache
def create_api_key(request: HttpRequest) -> HttpResponse:
    """Make an API key of the viewer and show it, once."""
    form = _api_form(request)
    if not form.is_valid():
        return _page(request, api_form=form, status=_WRONG_STATUS)
    cleaned = form.cleaned_data
    try:
        _made, key = api_keys.create_key(
            request, name=cleaned["name"], scopes=cleaned["scopes"], days=cleaned["days"] or None, now=_now()
        )
    except CallerError as error:
        return _page(request, api_form=form, problem=error_sentence(error), status=_REFUSED)
    return _page(request, new_key=key)


def revoke_api_key(request: HttpRequest, key_id: int) -> HttpResponse:
    """Stop an API key."""
    try:
        api_keys.revoke_key(request, key_id, now=_now())
    except ApiKey.DoesNotExist:
        raise Http404 from None
    except CallerError as error:
        return _page(request, problem=error_sentence(error), status=_REFUSED)
    return redirect("keys")


@never_cache
def create_write_key(request: HttpRequest) -> HttpResponse:
    """Make a write key and show it, once."""
    form = WriteKeyForm(request.POST)
    if not form.is_valid():
        return _page(request, write_form=form, status=_WRONG_STATUS)
    line, key = mounted().sources.write_keys.create_key(form.cleaned_data["source"], form.cleaned_data["kind"])
    audit(request, "created", "write_key", line.shown, {"source": line.source, "kind": line.kind})
    return _page(request, new_key=key)


def revoke_write_key(request: HttpRequest, shown: str) -> HttpResponse:
    """Stop a write key: what is sent with it is refused within a second."""
    line = mounted().sources.write_keys.revoke_key(shown)
    if line is None:
        raise Http404
    audit(request, "revoked", "write_key", line.shown, {"source": line.source, "kind": line.kind})
    return redirect("keys")


def _api_form(request: HttpRequest | None = None) -> ApiKeyForm:
    someone = access.viewer()
    held = someone.permissions if someone else access.NOTHING
    periods = [("30", _("30 days")), ("90", _("90 days")), ("365", _("one year")), ("0", _("until it is revoked"))]
    return ApiKeyForm(request.POST if request else None, scopes=permission_choices(held), periods=periods)


def _page(
    request: HttpRequest,
    *,
    api_form: ApiKeyForm | None = None,
    write_form: WriteKeyForm | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    names, now = permission_names(), _now()
    keys = ApiKey.objects.filter(revoked_at=None).select_related("account").order_by("id")
    context = {
        "api_keys": [
            {
                "key": each,
                "owner": each.account.shown_name,
                "scopes": ", ".join(names.get(scope, scope) for scope in each.scopes),
                "is_over": each.expires_at is not None and each.expires_at <= now,
            }
            for each in keys
        ],
        "write_keys": mounted().sources.write_keys.list_keys(),
        "api_form": api_form or _api_form(),
        "write_form": write_form or WriteKeyForm(initial={"kind": "server"}),
        "may_edit": access.may("keys.edit"),
        **more,
    }
    return render(request, "settings/keys.html", context, status=status)
