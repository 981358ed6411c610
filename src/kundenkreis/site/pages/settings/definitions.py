"""Settings > Definitions: everything that is in force as YAML files in one archive, and files taken in after a look at what they change.

Files are checked like those of `kreis apply`. What was checked waits half an hour for the click that publishes exactly that.
"""

import io
import secrets
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.definitions.definition import Definitions, key_of
from kundenkreis.definitions.diff import compare, in_words
from kundenkreis.definitions.errors import DefinitionError, PublishedMeanwhileError, SpecialCategoryError
from kundenkreis.definitions.export import document_text, path_of
from kundenkreis.definitions.load import MOST_FILES, SUFFIXES, assemble, load_files
from kundenkreis.definitions.source import Source
from kundenkreis.definitions.use_cases.edit_drafts import in_force
from kundenkreis.definitions.yaml_source import LARGEST_FILE_BYTES, read_source
from kundenkreis.site import formats
from kundenkreis.site.access import may, viewer
from kundenkreis.site.audit import audit
from kundenkreis.site.drafting import actor
from kundenkreis.site.mistake_words import error_word
from kundenkreis.site.mounted import mounted
from kundenkreis.site.special_categories import check_writing
from kundenkreis.site.toasts import add_toast

LARGEST_UPLOAD_BYTES = 5_000_000
LARGEST_UNPACKED_BYTES = 50_000_000
"""An archive that unpacks to more is a trap."""
_KEPT_SECONDS = 1800
_WRONG = 422
File = tuple[str, bytes]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Files that may be published."""

    canonical: bytes
    version: int
    """The rulebook they were compared with."""
    changes: int


@never_cache
def export(request: HttpRequest) -> HttpResponse:
    """One archive of YAML files, as `kreis export` writes them; applying them changes nothing."""
    definitions = in_force(mounted().sources.publisher)
    made = io.BytesIO()
    count = 0
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in definitions:
            archive.writestr(path_of(each), document_text(each))
            count += 1
    audit(request, "exported", "definitions", "", {"count": count})
    response = HttpResponse(made.getvalue(), content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="kundenkreis.zip"'
    return response


@never_cache
def show_definitions(request: HttpRequest) -> HttpResponse:
    """The page; posting a file shows its mistakes, or what it would change."""
    if request.method != "POST":
        return _page(request)
    uploaded = request.FILES.get("file")
    if uploaded is None:
        return _page(request, error=_("Choose a file."), status=_WRONG)
    if (uploaded.size or 0) > LARGEST_UPLOAD_BYTES:
        return _page(request, error=_("The file is larger than 5 MB."), status=_WRONG)
    replaces = request.POST.get("mode") == "replace"
    files = _unpacked(str(uploaded.name), uploaded.read())
    if isinstance(files, str):
        return _page(request, error=files, replaces=replaces, status=_WRONG)
    loaded = load_files(files) if replaces else _beside(files)
    if isinstance(loaded, list):
        return _page(request, mistakes=loaded, replaces=replaces, status=_WRONG)
    return _compared(request, loaded, replaces=replaces)


def _unpacked(name: str, data: bytes) -> list[File] | str:
    """The YAML files of an upload, or what is wrong with it."""
    if PurePosixPath(name).suffix in SUFFIXES:
        return [(PurePosixPath(name).name, data)]
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [one for one in archive.infolist() if _is_definition(one.filename)]
            if not members:
                return _("The archive holds no YAML file.")
            if len(members) > MOST_FILES or sum(one.file_size for one in members) > LARGEST_UNPACKED_BYTES:
                return _("The archive holds too much.")
            # Never more than a file may have, whatever the archive says of its size.
            return [(one.filename, archive.open(one).read(LARGEST_FILE_BYTES + 1)) for one in members]
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError, ValueError):
        return _("This is neither a YAML file nor an archive that can be read.")


def _is_definition(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix in SUFFIXES and not any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _beside(files: Sequence[File]) -> Definitions | list[DefinitionError]:
    """The definitions in force with those of the files in the place of theirs."""
    sources: list[Source] = []
    mistakes: list[DefinitionError] = []
    for name, data in files:
        found, wrong = read_source(data, name)
        sources += found
        mistakes += wrong
    if mistakes:
        return mistakes
    heads = [one.value for one in sources if isinstance(one.value, dict)]
    written = {key_of(str(one.get("kind", "")), str(one.get("id", ""))) for one in heads}
    return assemble(sources, beside=[one for one in in_force(mounted().sources.publisher) if one.key not in written])


def _compared(request: HttpRequest, loaded: Definitions, *, replaces: bool) -> HttpResponse:
    held = in_force(mounted().sources.publisher)
    try:
        for one in loaded:
            check_writing(one.document, before.document if (before := held.get(one.key)) is not None else None)
    except SpecialCategoryError as error:
        return _page(request, error=error_word(error), replaces=replaces, status=_WRONG)
    publisher = mounted().sources.publisher
    version = publisher.version_in_force()
    changes = compare(in_force(publisher), loaded)
    canonical = canonical_json(loaded)
    impact = publisher.impact(canonical) if changes else None
    token = secrets.token_urlsafe(24)
    if changes:
        checked = Checked(canonical=canonical, version=version, changes=len(changes))
        cache.set(_place(token), checked, timeout=_KEPT_SECONDS)
    return _page(
        request,
        replaces=replaces,
        compared=True,
        token=token if changes else "",
        lines=in_words(changes, formats.language()),
        moves=[(one, impact.estimate(one.entering), impact.estimate(one.leaving)) for one in impact.memberships]
        if impact
        else [],
        journeys=[one for one in impact.journeys if one.starting] if impact else [],
    )


@never_cache
def publish(request: HttpRequest) -> HttpResponse:
    """Put in force what was shown, and nothing else."""
    place = _place(request.POST.get("token", "")[:64])
    checked = cache.get(place)
    if not isinstance(checked, Checked):
        return _page(request, error=_("The files are no longer at hand. Choose them once more."), status=_WRONG)
    cache.delete(place)
    try:
        mounted().sources.publisher.publish(checked.canonical, actor=actor(), after=checked.version)
    except PublishedMeanwhileError:
        error = _("Published meanwhile by somebody else: choose the file once more and compare.")
        return _page(request, error=error, status=409)
    audit(request, "imported", "definitions", "", {"count": checked.changes})
    said = ngettext("%(count)s definition changed.", "%(count)s definitions changed.", checked.changes)
    add_toast(request, said % {"count": formats.number(checked.changes)})
    return redirect("definitions")


def _place(token: str) -> str:
    """Where what was checked waits; nobody else's click finds it."""
    someone = viewer()
    return f"definitions-{someone.account_id if someone else 0}-{token.encode().hex()}"


def _page(request: HttpRequest, *, status: int = 200, replaces: bool = False, **more: Any) -> HttpResponse:
    count = sum(1 for _each in in_force(mounted().sources.publisher))
    context = {"count": count, "replaces": replaces, "may_publish": may("settings.edit"), **more}
    return render(request, "settings/definitions.html", context, status=status)
