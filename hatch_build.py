"""What a wheel needs beside the sources: compiled translations, so that an installed package needs no write access to itself, and
the built islands, so that it needs no Node."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ISLANDS = "src/kundenkreis/site/static/built/manifest.json"


class PrepareWheel(BuildHookInterface[Any]):
    """Runs before files are gathered; both are named as artifacts in pyproject.toml."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write every .mo beside its .po; refuse to build a wheel without islands (an editable install may do without)."""
        if version == "standard" and not (Path(self.root) / ISLANDS).exists():
            raise FileNotFoundError(f"{ISLANDS} is missing. Run first: make islands")
        sys.path.insert(0, str(Path(self.root) / "src"))
        from kundenkreis.site.catalogues import compile_catalogues  # noqa: PLC0415 - only found from here on

        compile_catalogues()
