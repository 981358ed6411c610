"""Short news after something was done, at the foot of the next page: what happened, and the way to take it back."""

from dataclasses import dataclass
from typing import Literal

from django.contrib import messages
from django.http import HttpRequest

Tone = Literal["good", "calm", "stop"]


@dataclass(frozen=True, kw_only=True)
class Toast:
    """One piece of news."""

    text: str
    tone: str
    undo_path: str


def add_toast(request: HttpRequest, text: str, *, tone: Tone = "good", undo_path: str = "") -> None:
    """Show this at the foot of the next page that this person sees, be it a whole page or a part fetched by htmx.

    Args:
        request: of whoever did it.
        text: what happened, one short sentence.
        tone: good, calm (mind this) or stop (it failed).
        undo_path: a path that takes it back when posted to; empty when there is no way back.
    """
    messages.success(request, text, extra_tags=f"{tone} {undo_path}")


def waiting_toasts(request: HttpRequest) -> list[Toast]:
    """The news that were not shown yet. Asking for them counts as showing them."""
    found = []
    for message in messages.get_messages(request):
        tone, _, undo_path = (message.extra_tags or "good").partition(" ")
        found.append(Toast(text=str(message.message), tone=tone, undo_path=undo_path))
    return found
