"""What of the definitions is used outside the fold: contents ready to render, and who speaks. The fold's part is engine/compiling.py."""

from kundenkreis.content.core.templates import CompiledContent, compile_content
from kundenkreis.definitions.content_checks import default_brand, known_names, source_of
from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.documents import Brand


def compile_contents(definitions: Definitions) -> dict[str, CompiledContent]:
    """Every content item by id, ready to render.

    Raises:
        ContentRefusedError: the definitions were not checked (load.check).
    """
    brand, known = default_brand(definitions), known_names(definitions)
    contents = definitions.of("content").items()
    return {name: compile_content(source_of(each, brand), known=known) for name, each in contents}


def brands_of(definitions: Definitions) -> dict[str, Brand]:
    """Every brand by id."""
    return {name: each.config for name, each in definitions.of("brand").items()}
