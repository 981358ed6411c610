"""The command palette: what it looks through, in which order, and who may find what."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kundenkreis.site import access
from kundenkreis.site.doors import doors
from kundenkreis.site.menu import MenuLine, menu_lines, path_of
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.search import Found

MOST_OF_A_KIND = 6
"""As many as one can take in at a glance; whoever wants more opens the list."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One sort of thing that the palette finds."""

    name: str
    icon: str
    label: "str | Promise"
    needs: tuple[str, ...] = ()


KINDS = (
    Kind(name="page", icon="arrow-right", label=_("Pages")),
    Kind(name="customer", icon="user", label=_("Customers"), needs=("customers.see", "personal.see")),
    Kind(name="journey", icon="route", label=_("Journeys"), needs=("journeys.see",)),
    Kind(name="segment", icon="filter", label=_("Segments"), needs=("segments.see",)),
    Kind(name="content", icon="template", label=_("Content"), needs=("content.see",)),
)
"""In the order in which they are shown. Who answers for a kind is a line of `Sources.searches`; pages answer for themselves."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """What was found of one kind."""

    kind: Kind
    found: tuple[Found, ...]


def search_everything(request: HttpRequest, query: str) -> tuple[Group, ...]:
    """What is called like this, by kind; without words the pages alone."""
    searches = mounted().sources.searches
    groups = []
    for kind in KINDS:
        if not access.may(*kind.needs):
            continue
        if kind.name == "page":
            found = tuple(_pages(menu_lines(request), query.casefold()))
            if query:
                found = (*found, *_further(query.casefold(), {one.path for one in found}))[:MOST_OF_A_KIND]
        elif query and kind.name in searches:
            found = searches[kind.name].search(query, MOST_OF_A_KIND)
        else:
            found = ()
        if found:
            groups.append(Group(kind=kind, found=found))
    return tuple(groups)


def _pages(lines: tuple[MenuLine, ...], query: str) -> Iterator[Found]:
    for line in lines:
        title = str(line.entry.label)
        if query in title.casefold():
            yield Found(kind="page", id=line.entry.url_name, title=title, detail="", path=line.path)
        yield from _pages(line.children, query)


_INNER = (
    ("journey_library", _("Library of journeys")),
    ("content_map", _("Content map")),
    ("segment_new", _("New segment")),
    ("content_new", _("New content")),
    ("quarantine", _("Quarantine")),
    ("account", _("Your account")),
)
"""Pages a step further in that somebody may know by name."""


def _further(query: str, known: set[str]) -> Iterator[Found]:
    """Pages that are no line of the menu and that the viewer may open: the parts of the settings, and those further in."""
    for url_name, title in (*((door.url_name, door.name) for door in doors()), *_INNER):
        path = path_of(url_name)
        if query in str(title).casefold() and path and path not in known:
            yield Found(kind="page", id=url_name, title=str(title), detail="", path=path)
