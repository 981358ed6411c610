"""Compiles the translations when a wheel is built, so that an installed package needs no write access to itself."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileTranslations(BuildHookInterface[Any]):
    """Runs before files are gathered; .mo files are named as artifacts in pyproject.toml."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write every .mo beside its .po."""
        sys.path.insert(0, str(Path(self.root) / "src"))
        from kundenkreis.site.catalogues import compile_catalogues  # noqa: PLC0415 - only found from here on

        compile_catalogues()
