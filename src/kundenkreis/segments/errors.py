"""What can be wrong with the definition of a segment, score, phase, situation, trait or condition."""

from collections.abc import Sequence

from kundenkreis.kernel.errors import CallerError

Path = tuple[str | int, ...]
"""Where in the plain data: keys and list positions from the root, e.g. ("all", 0, "event", "name")."""


class DefinitionError(CallerError):
    """A definition cannot be used as it is written."""

    code = "condition_invalid"

    def __init__(self, path: Sequence[str | int], message: str, *, remedy: str = "", slug: str = "definition") -> None:
        super().__init__(message, path=list(path), remedy=remedy)
        self.path: Path = tuple(path)
        self.message = message
        self.remedy = remedy
        self.slug = slug

    def under(self, *prefix: str | int) -> "DefinitionError":
        """The same mistake seen from further out."""
        return DefinitionError((*prefix, *self.path), self.message, remedy=self.remedy, slug=self.slug)
