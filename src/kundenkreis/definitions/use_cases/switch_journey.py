"""Hold a journey, let it go on, stop it, take the last change back: each is a rulebook with or without it, so every decision stays explained.

Held: nobody enters; whoever is under way finishes. Stopped: nobody enters, and whoever is under way leaves at once.
"""

from collections.abc import Sequence

from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.definitions.drafts import Document, check_drafts
from kundenkreis.definitions.errors import DefinitionError, DefinitionsRefusedError, Place
from kundenkreis.definitions.publisher import Publisher
from kundenkreis.definitions.use_cases.edit_drafts import in_force


def put_journey(journey_id: str, document: Document | None, publisher: Publisher, *, actor: str) -> int:
    """Publish what is in force with this form of a journey, or without it; the rulebook version in force afterwards.

    Args:
        document: the form that applies from now on; None: nobody enters any more.

    Raises:
        DefinitionsRefusedError: what the form names is gone meanwhile.
        PublishedMeanwhileError: somebody else published in this instant.

    Effects: publishes a rulebook; nothing where it says so already.
    """
    version, current = publisher.version_in_force(), in_force(publisher)
    before = current.get(f"journey:{journey_id}")
    if (before.document if before is not None else None) == document:
        return version
    others = [one for one in current if one.key != f"journey:{journey_id}"]
    definitions = Definitions(others) if document is None else _with(document, others)
    return publisher.publish(canonical_json(definitions), actor=actor, after=version)[0]


def _with(document: Document, others: Sequence[Definition]) -> Definitions:
    checked = check_drafts([document], others)
    if checked.definitions is not None:
        return checked.definitions
    mistakes = (
        DefinitionError(place=Place(one.key), code=one.code, what=one.what, remedy=one.remedy)
        for one in checked.mistakes
    )
    raise DefinitionsRefusedError(tuple(mistakes))


def stop_journey(journey_id: str, publisher: Publisher, *, actor: str) -> None:
    """Nobody enters any more, and whoever is under way leaves; cannot be taken back.

    Effects in order: publishes a rulebook without the journey, then appends the control row that ends its runs.
    """
    put_journey(journey_id, None, publisher, actor=actor)
    publisher.end_runs(journey_id, actor=actor)
