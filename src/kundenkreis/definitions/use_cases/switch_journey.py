"""Hold a journey, let it go on, stop it, take the last change back: each is a rulebook with or without it, so every decision stays explained.

Held: nobody enters; whoever is under way finishes. Stopped: nobody enters, and whoever is under way leaves at once.
"""

from kundenkreis.definitions.drafts import Document
from kundenkreis.definitions.publisher import Publisher
from kundenkreis.definitions.use_cases.put_definition import put_definition


def put_journey(journey_id: str, document: Document | None, publisher: Publisher, *, actor: str) -> int:
    """Publish what is in force with this form of a journey, or without it: see put_definition.

    Args:
        document: the form that applies from now on; None: nobody enters any more.
    """
    return put_definition("journey", journey_id, document, publisher, actor=actor, may_be_missed=True)


def stop_journey(journey_id: str, publisher: Publisher, *, actor: str) -> None:
    """Nobody enters any more, and whoever is under way leaves; cannot be taken back.

    Effects in order: publishes a rulebook without the journey, then appends the control row that ends its runs.
    """
    put_journey(journey_id, None, publisher, actor=actor)
    publisher.end_runs(journey_id, actor=actor)
