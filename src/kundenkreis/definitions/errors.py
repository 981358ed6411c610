"""What can be wrong with definitions: as data (a file may hold many mistakes at once), and as the error that ends a command."""

import msgspec

from kundenkreis.kernel.errors import CallerError

Path = tuple[str | int, ...]
"""Where in a document: keys and list positions from the document's root, e.g. ("rules", 0, "event", "name")."""


class Place(msgspec.Struct, frozen=True, order=True, gc=False):
    """A place in a file; line and column count from 1, columns in characters. Line 0: the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class DefinitionError(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One mistake: where it is, what is wrong and what to do."""

    place: Place
    code: str
    """Stable slug, for programs."""
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}\n    {self.remedy}"


class PluginRefusedError(CallerError):
    """Something installed beside Kundenkreis cannot be used; mend or uninstall it."""

    code = "plugin_refused"


class Problem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A mistake found in plain data, before its place in a file is looked up."""

    path: Path
    code: str
    what: str
    remedy: str
    at_key: bool = False
    """The key itself is wrong, not what stands behind it."""
    line: int = 0
    """Line inside a text (a template), from 1; 0 = the text as a whole."""
    column: int = 0


class DefinitionsRefusedError(CallerError):
    """The definitions hold mistakes; nothing was published."""

    code = "definitions_refused"

    def __init__(self, mistakes: tuple[DefinitionError, ...]) -> None:
        count = f"{len(mistakes)} mistakes" if len(mistakes) != 1 else "1 mistake"
        listed = "\n".join(str(mistake) for mistake in mistakes)
        super().__init__(
            f"The definitions hold {count}; nothing was published.\n{listed}",
            mistakes=[msgspec.to_builtins(mistake) for mistake in mistakes],
        )
        self.mistakes = mistakes


class PublishedMeanwhileError(CallerError):
    """Somebody else has published since you looked; nothing was published. Look at the difference and publish again."""

    code = "published_meanwhile"


class StaleDraftError(CallerError):
    """Somebody else has saved this draft since you opened it; yours was not saved."""

    code = "stale_draft"


class BadDraftError(CallerError):
    """A draft is a mapping that names its kind and, where there can be several, its id."""

    code = "bad_draft"


class SpecialCategoryError(BadDraftError):
    """This asks for a special category of personal data, and whoever cannot see those cannot count people by them."""

    code = "special_category"


class NoDraftError(CallerError):
    """There is no such draft; somebody may have published or discarded it."""

    code = "no_draft"
