"""Islands: the few parts of pages that are tools, written in TypeScript and built by Vite into `static/built`."""

import json
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext, ngettext

from kundenkreis.site import catalogues
from kundenkreis.site.assets import FOLDER

_MANIFEST = FOLDER / "built" / "manifest.json"
_PLURALS = (1, 2)
"""One number for each form that German and English have."""


@dataclass(frozen=True, kw_only=True)
class Island:
    """The built files of one island, as paths below the static files."""

    script: str
    styles: tuple[str, ...]


@lru_cache
def _read_manifest(changed_ns: int) -> dict[str, Island]:
    chunks = json.loads(_MANIFEST.read_text(encoding="utf-8"))
    found = {}
    for chunk in chunks.values():
        if chunk.get("isEntry"):
            styles, seen = list(chunk.get("css", ())), set()
            waiting = list(chunk.get("imports", ()))
            while waiting:  # what an entry shares with others lies in chunks of its own, with styles of their own
                name = waiting.pop()
                if name not in seen:
                    seen.add(name)
                    styles += chunks[name].get("css", ())
                    waiting += chunks[name].get("imports", ())
            found[chunk["name"]] = Island(
                script=f"built/{chunk['file']}", styles=tuple(f"built/{style}" for style in dict.fromkeys(styles))
            )
    return found


def find_island(name: str) -> Island | None:
    """The files of an island, None when it was not built: the islands are built by `make islands` and come with every wheel."""
    try:
        changed_ns = _MANIFEST.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    return _read_manifest(changed_ns).get(name)


def island_texts(name: str) -> dict[str, str | list[str]]:
    """The island's texts in the viewer's language: English text -> translation, or its forms for one and for many."""
    texts: dict[str, str | list[str]] = {}
    for message in catalogues.read_island_texts().get(name, ()):
        if isinstance(message, str):
            texts[message] = gettext(message)
        else:
            texts[message[0]] = [ngettext(message[0], message[1], number) for number in _PLURALS]
    return texts
