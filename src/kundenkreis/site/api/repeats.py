"""Requests with an Idempotency-Key: carried out once, however often and however parallel they come."""

import hashlib
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import msgspec
from django.core.cache import cache
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse

from kundenkreis.kernel.zones import to_datetime
from kundenkreis.site.api.errors import BadIdempotencyKeyError, OtherRequestError, StillWorkingError
from kundenkreis.site.models import KeptAnswer
from kundenkreis.site.mounted import mounted

KEPT: Final = timedelta(hours=24)
_WAIT_SECONDS: Final = 10
_LOOK_SECONDS: Final = 0.05
_LONGEST_KEY: Final = 200
_PRUNE_EVERY_SECONDS: Final = 3600


def once(
    request: HttpRequest, account_id: int, carry_out: Callable[[], HttpResponse], *, secret: str = ""
) -> HttpResponse:
    """Carry a request out, or answer what the first one with its key was answered.

    A first request that failed here (5xx) leaves nothing behind, so it may be repeated. One during which the process died stays
    under way for 24 hours: nobody can know how far it came.

    Args:
        secret: the member of the answer that is given once and not kept.

    Raises:
        BadIdempotencyKeyError, OtherRequestError
        StillWorkingError: the first one is not answered after 10 seconds.
    """
    key = request.headers["Idempotency-Key"]
    if not 0 < len(key) <= _LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise BadIdempotencyKeyError
    _forget_old()
    asked = _hash_of(request)
    now = to_datetime(mounted().clock_us())
    try:
        kept = KeptAnswer.objects.create(account_id=account_id, key=key, request_hash=asked, asked_at=now)
    except IntegrityError:
        return _repeat(account_id, key, asked)
    try:
        response = carry_out()
    except BaseException:
        kept.delete()
        raise
    if response.status_code >= 500:
        kept.delete()
        return response
    kept.status, kept.body = response.status_code, _without(secret, response)
    kept.content_type, kept.etag = response.headers["Content-Type"], response.headers.get("ETag", "")
    kept.save()
    return response


def _repeat(account_id: int, key: str, asked: bytes) -> HttpResponse:
    for _ in range(int(_WAIT_SECONDS / _LOOK_SECONDS)):
        kept = KeptAnswer.objects.filter(account_id=account_id, key=key).first()
        if kept is None:  # the first one failed and left nothing
            break
        if bytes(kept.request_hash) != asked:
            raise OtherRequestError
        if kept.status:
            response = HttpResponse(bytes(kept.body), status=kept.status, content_type=kept.content_type)
            if kept.etag:
                response["ETag"] = kept.etag
            response["Idempotency-Replayed"] = "true"
            return response
        time.sleep(_LOOK_SECONDS)
    raise StillWorkingError


def _without(secret: str, response: HttpResponse) -> bytes:
    if not secret or response.status_code >= 400:
        return response.content
    return msgspec.json.encode(msgspec.json.decode(response.content) | {secret: ""})


def _hash_of(request: HttpRequest) -> bytes:
    parts = (
        request.method or "",
        request.get_full_path(),
        request.headers.get("If-Match", ""),
    )
    return hashlib.blake2b("\n".join(parts).encode() + b"\n" + request.body, digest_size=32).digest()


def _forget_old() -> None:
    if cache.add("kept-answers-pruned", True, timeout=_PRUNE_EVERY_SECONDS):
        KeptAnswer.objects.filter(asked_at__lt=to_datetime(mounted().clock_us()) - KEPT).delete()
