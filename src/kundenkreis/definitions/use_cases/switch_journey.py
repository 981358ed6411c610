"""Hold a journey, let it go on, stop it, take the last change back: each is a rulebook with or without it, so every decision stays explained. And start a
broadcast: a control row, because the rules stay as they are.

Held: nobody enters; whoever is under way finishes. Stopped: nobody enters, and whoever is under way leaves at once.
"""

from kundenkreis.definitions.drafts import Document
from kundenkreis.definitions.publisher import Publisher
from kundenkreis.definitions.use_cases.edit_drafts import published
from kundenkreis.definitions.use_cases.put_definition import put_definition
from kundenkreis.kernel.errors import CallerError


def put_journey(journey_id: str, document: Document | None, publisher: Publisher, *, actor: str) -> int:
    """Publish what is in force with this form of a journey, or without it: see put_definition.

    Args:
        document: the form that applies from now on; None: nobody enters any more.
    """
    return put_definition("journey", journey_id, document, publisher, actor=actor, may_be_missed=True)


class NoBroadcastError(CallerError):
    """No journey of this name that is in force is a broadcast."""

    code = "no_broadcast"


def start_broadcast(journey_id: str, publisher: Publisher, *, actor: str) -> int:
    """Everybody of whom its audience holds now enters, as far as its `re_entry` lets them; the log position.

    Raises:
        NoBroadcastError: nobody can be let in this way.
    """
    document = published(publisher, "journey", journey_id) or {}
    if not is_broadcast(document):
        what = "its entry is no broadcast" if document else "no such journey is in force"
        raise NoBroadcastError(f"{journey_id} cannot be started: {what}.", journey=journey_id)
    return publisher.start_broadcast(journey_id, actor=actor)


def is_broadcast(document: Document) -> bool:
    """Whether a person lets people into this journey, and nothing else does."""
    return "broadcast" in (document.get("entry") or {})


def stop_journey(journey_id: str, publisher: Publisher, *, actor: str) -> None:
    """Nobody enters any more, and whoever is under way leaves; cannot be taken back.

    Effects in order: publishes a rulebook without the journey, then appends the control row that ends its runs.
    """
    put_journey(journey_id, None, publisher, actor=actor)
    publisher.end_runs(journey_id, actor=actor)
