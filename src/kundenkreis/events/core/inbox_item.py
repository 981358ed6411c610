"""What the inbox keeps: one acknowledged request, exactly as it came."""

import msgspec


class InboxItem(msgspec.Struct, gc=False):
    """One request that was taken in. A batch is one item too: the acknowledging path does not split."""

    received_us: int
    source: str
    """Name of the source whose write key was used."""
    public: bool
    """The key is one that everybody can read in a web page or an app."""
    endpoint: str
    """identify, track, page, screen, group, alias or batch."""
    body: bytes
    """UTF-8 JSON, checked to be well formed, otherwise as received."""
