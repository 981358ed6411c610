"""All channels. A channel is one file and one line here; third parties add theirs by the entry point group `kundenkreis.channels`."""

from kundenkreis.channels import email_smtp, mailbox
from kundenkreis.channels.core.channel import Channel

CHANNELS: tuple[type[Channel], ...] = (
    mailbox.CHANNEL,
    email_smtp.CHANNEL,
)


def channel_type(channel_id: str) -> type[Channel] | None:
    """The channel of this id, None if there is none."""
    return next((channel for channel in CHANNELS if channel.id == channel_id), None)
