"""The translations: gather texts from code and templates, keep the .po files, compile them to .mo.

Texts are written in English in the code; `locale/<language>/LC_MESSAGES/django.po` holds the others. Needs no GNU gettext.
`make messages` gathers; a test refuses missing, superfluous, empty and fuzzy entries.
"""

import io
import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SITE = Path(__file__).parent
ISLANDS = SITE.parents[2] / "islands" / "src"
"""The islands' TypeScript; not there in an installed package."""
ISLAND_TEXTS = SITE / "island_texts.json"
"""Which texts each island shows, so that a page can hand over just those: {"journey": ["Tidy up", ["one", "many"]]}."""
LANGUAGES = ("de",)
"""Languages with a catalogue; English needs none."""

_TEMPLATE_TEXT = re.compile(r"""\{%\s*translate\s+"((?:[^"\\]|\\.)+)"(?:\s+as\s+\w+)?\s*%\}""")
_TEMPLATE_ARGUMENT = re.compile(r"""\b_\("((?:[^"\\]|\\.)+)"\)""")
"""Templates use {% translate "..." %} and, as argument of a component, _("..."); sentences with numbers are put together in Python."""
_ISLAND_TEXT = re.compile(r"""\bt\(\s*"((?:[^"\\]|\\.)+)"|\btn\(\s*"((?:[^"\\]|\\.)+)",\s*"((?:[^"\\]|\\.)+)\"""")
"""t("...") and tn("...", "...", n) of islands/src/texts.ts."""
_FUNCTIONS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
}

MessageId = str | tuple[str, ...]


def catalogue_path(language: str) -> Path:
    """The .po file of a language."""
    return SITE / "locale" / language / "LC_MESSAGES" / "django.po"


def gather_texts() -> Iterator[tuple[MessageId, str]]:
    """Every text in code and templates with the file it stands in, relative to the site's folder."""
    for path in sorted(SITE.rglob("*.html")):
        source = path.read_text(encoding="utf-8")
        for text in [*_TEMPLATE_TEXT.findall(source), *_TEMPLATE_ARGUMENT.findall(source)]:
            yield text, str(path.relative_to(SITE))
    for path in sorted(SITE.rglob("*.py")):
        for _line, message, _comments, _context in extract("python", io.BytesIO(path.read_bytes()), _FUNCTIONS):
            yield message, str(path.relative_to(SITE))

    for island, texts in gather_island_texts().items():
        for message in texts:
            yield message, f"islands/{island}"


def gather_island_texts() -> dict[str, list[MessageId]]:
    """The texts of every island. Without the sources, those that were gathered when there were some."""
    if not ISLANDS.exists():
        return read_island_texts()
    found: dict[str, list[MessageId]] = {}
    for path in sorted(ISLANDS.glob("*/**/*.ts*")):
        texts = found.setdefault(path.relative_to(ISLANDS).parts[0], [])
        for single, one, many in _ISLAND_TEXT.findall(path.read_text(encoding="utf-8")):
            texts.append(_unquote(single) if single else (_unquote(one), _unquote(many)))
    return {island: sorted(set(texts), key=str) for island, texts in found.items() if texts}


def _unquote(text: str) -> str:
    unquoted: str = json.loads(f'"{text}"')
    return unquoted


def read_island_texts() -> dict[str, list[MessageId]]:
    """The texts of every island as committed."""
    if not ISLAND_TEXTS.exists():
        return {}
    stored = json.loads(ISLAND_TEXTS.read_text(encoding="utf-8"))
    return {
        island: [each if isinstance(each, str) else tuple(each) for each in texts] for island, texts in stored.items()
    }


def read_catalogue(language: str) -> Catalog:
    """The catalogue as committed; an empty one if there is none yet."""
    path = catalogue_path(language)
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update_catalogues() -> None:
    """Bring every .po file up to the texts in the code: new ones come in empty, gone ones go. Notes which island shows what."""
    ISLAND_TEXTS.write_text(json.dumps(gather_island_texts(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    for language in LANGUAGES:
        old = read_catalogue(language)
        new = Catalog(
            locale=language,
            project="Kundenkreis",
            version="1",
            charset="utf-8",
            fuzzy=False,
            header_comment="# Texts of the web pages.",
            last_translator="Kundenkreis",
            language_team=language,
            msgid_bugs_address="SECURITY.md",
            creation_date=old.creation_date,
            revision_date=old.creation_date,
        )
        for message, place in gather_texts():
            known = old.get(message)
            new.add(message, known.string if known else None, locations=[(place, 0)])
        path = catalogue_path(language)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, new, sort_output=True, omit_header=False, include_lineno=False, width=0)


def compile_catalogues() -> None:
    """Write the .mo beside each .po that has none or an older one. Two processes may do so at the same time."""
    for language in LANGUAGES:
        source = catalogue_path(language)
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with draft.open("wb") as file:
                write_mo(file, read_catalogue(language))
            os.replace(draft, target)
        except OSError:
            if not target.exists():  # an installation that cannot be written to brings its own
                raise


if __name__ == "__main__":
    update_catalogues()
    compile_catalogues()
