"""What channels refuse as a setting. Everything about one message is a value, not an exception."""

from kundenkreis.kernel.errors import CallerError, ProviderError


class HeaderRefusedError(CallerError):
    """A setting that becomes a mail header holds characters that headers must not hold; correct the setting."""

    code = "header_refused"


class DkimKeyError(CallerError):
    """Mails cannot be signed with this key."""

    code = "dkim_key"


class SenderAddressError(CallerError):
    """The sender's address is not a deliverable e-mail address; correct the brand's sender."""

    code = "sender_address"


class SentJournalError(ProviderError):
    """The journal of sent messages cannot be written, so nothing is sent: make room on the disk, or let the folder be written."""

    code = "sent_journal"
