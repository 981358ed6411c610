"""The web pages as one WSGI callable."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from kundenkreis.settings import Settings
from kundenkreis.site import catalogues, django_setup
from kundenkreis.site.mounted import Mounted, Sources, mount

WsgiApplication = Callable[[Any, Any], Iterable[bytes]]
"""The two arguments are typed differently by every server and bridge; what they mean stands in PEP 3333."""

LOGIN_VALID_MINUTES = 30


def _clock_us() -> int:
    return time.time_ns() // 1000


def build_application(
    settings: Settings, *, sources: Sources, clock_us: Callable[[], int] = _clock_us
) -> WsgiApplication:
    """The pages of this installation, ready to serve.

    Args:
        settings: the installation.
        sources: who answers the pages' questions.
        clock_us: microseconds since the epoch, now.

    Effects: makes the data folder and the secret file if missing, brings the site's tables up to date, compiles translations, takes up
        what was left unfinished.
    """
    django_setup.configure(settings)
    catalogues.compile_catalogues()
    django_setup.migrate(settings)
    mount(Mounted(settings=settings, sources=sources, clock_us=clock_us))
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 - only after configure()

    application: WsgiApplication = get_wsgi_application()
    from kundenkreis.site.bulk_runner import take_up_resting  # noqa: PLC0415 - only after configure()

    take_up_resting()
    return application


def issue_login_url(settings: Settings, *, clock_us: Callable[[], int] = _clock_us) -> str:
    """A link that signs whoever opens it in, once, within 30 minutes. Works beside a running server.

    Effects: as build_application(), and stores the link's hash.
    """
    django_setup.configure(settings)
    django_setup.migrate(settings)
    from kundenkreis.kernel.zones import to_datetime  # noqa: PLC0415
    from kundenkreis.site.logins import issue_login_path  # noqa: PLC0415 - only after configure()

    return settings.public_url + issue_login_path(now=to_datetime(clock_us()), valid_minutes=LOGIN_VALID_MINUTES)
