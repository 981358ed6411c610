"""What the frame around an e-mail's blocks says by itself: why it came, and the ways out."""

from typing import NamedTuple


class FrameTexts(NamedTuple):
    """The sentences of one language and form of address; Liquid."""

    why: str
    choose: str
    leave: str


_TEXTS = {
    "de": FrameTexts(
        "Sie erhalten diese E-Mail, weil Sie Nachrichten von {{ brand.name }} bekommen möchten oder bei uns gekauft haben.",
        "Themen wählen",
        "Abmelden",
    ),
    "de/du": FrameTexts(
        "Du erhältst diese E-Mail, weil du Nachrichten von {{ brand.name }} bekommen möchtest oder bei uns gekauft hast.",
        "Themen wählen",
        "Abmelden",
    ),
    "en": FrameTexts(
        "You receive this e-mail because you asked for messages from {{ brand.name }} or have bought from us.",
        "Choose topics",
        "Unsubscribe",
    ),
}


def frame_texts(language: str, form_of_address: str) -> FrameTexts:
    """The sentences for this language (a region falls back to it), in English where there are none."""
    base = language.partition("-")[0]
    return _TEXTS.get(f"{base}/{form_of_address}") or _TEXTS.get(base) or _TEXTS["en"]
