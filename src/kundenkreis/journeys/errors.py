"""What can be wrong with a journey as it is written down."""

from typing import NamedTuple

from kundenkreis.kernel.errors import CallerError


class JourneyProblem(NamedTuple):
    """One thing to put right before a journey can be published."""

    path: tuple[str | int, ...]
    """Where in the document: ("steps", 2, "next")."""
    code: str
    message: str
    """What is wrong and what helps."""


class InvalidJourneyError(CallerError):
    """This journey cannot be published as it is written."""

    code = "invalid_journey"

    def __init__(self, journey_id: str, problems: list[JourneyProblem]) -> None:
        lines = "; ".join(f"{'.'.join(map(str, p.path))}: {p.message}" for p in problems)
        super().__init__(f"Journey {journey_id} cannot be published: {lines}", journey_id=journey_id, problems=problems)
        self.problems = problems
