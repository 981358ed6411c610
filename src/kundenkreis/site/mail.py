"""Mail to people who work here: invitations, password resets, notices about their account. Customers' mail goes another way.

Sent beside the request: an answer takes as long whether somebody gets a mail or not, and a slow mail server holds up no page.
"""

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from django.core.mail import EmailMessage

from kundenkreis.site.mounted import mounted

_log = logging.getLogger(__name__)
_sender = ThreadPoolExecutor(max_workers=1, thread_name_prefix="staff-mail")
_last: list["Future[None]"] = []


def is_configured() -> bool:
    """Whether this installation can send mail."""
    return bool(mounted().settings.smtp_host)


def send(to: str, subject: str, text: str) -> None:
    """Hand a mail to the background; without a mail server nothing happens. A failure stands in the console, not in the answer."""
    if not is_configured():
        return
    one_line = " ".join(subject.split())
    message = EmailMessage(one_line, text, from_email=mounted().settings.mail_from, to=[to])
    _last[:] = [_sender.submit(_deliver, message)]


def _deliver(message: EmailMessage) -> None:
    try:
        message.send()
    except Exception:  # the edge of a background task: whatever goes wrong is recorded, without the address
        _log.exception("A mail to somebody who works here could not be sent.")


def wait_until_sent() -> None:
    """Until everything handed over so far was tried."""
    for sent in _last:
        sent.result()
