"""The side menu, by work: one line per area. An entry shows when its address exists and the viewer may open it."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, resolve, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kundenkreis.site import access
from kundenkreis.site.routes import is_met, policy_of


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the menu."""

    icon: str
    """A file of `site/icons/`, without its ending."""
    label: "str | Promise"
    url_name: str
    """The area's first page. Every page below its path belongs to the entry."""
    under: str = ""
    """The url name of the entry below which this one is indented."""
    also: tuple[str, ...] = ()
    """Url names of more first pages whose paths belong to it."""
    is_last: bool = False
    """At the foot of the menu: what one seldom needs."""


ENTRIES = (
    Entry(icon="home", label=_("Start"), url_name="start"),
    Entry(icon="users", label=_("Customers"), url_name="customers"),
    Entry(icon="filter", label=_("Segments"), url_name="segments", under="customers", also=("scores", "phases")),
    Entry(icon="route", label=_("Journeys"), url_name="journeys"),
    Entry(icon="template", label=_("Content"), url_name="contents"),
    Entry(icon="send", label=_("Messages"), url_name="messages"),
    Entry(icon="mailbox", label=_("Mailbox"), url_name="mailbox", under="messages"),
    Entry(icon="antenna", label=_("Events"), url_name="events", under="messages"),
    Entry(icon="chart-bar", label=_("Analysis"), url_name="analysis"),
    Entry(icon="settings", label=_("Settings"), url_name="settings", is_last=True),
    Entry(icon="activity", label=_("Status"), url_name="status", is_last=True),
)
"""In the order of the menu."""


@dataclass(frozen=True, kw_only=True)
class MenuLine:
    """An entry as the menu shows it."""

    entry: Entry
    path: str
    is_current: bool
    children: "tuple[MenuLine, ...]" = ()


def path_of(url_name: str) -> str:
    """Where a page is; empty when there is no such page, or none that the viewer may see."""
    try:
        path = reverse(url_name)
    except NoReverseMatch:
        return ""
    policy = policy_of(resolve(path).func)
    need = policy.see if policy else None
    return path if need is not None and is_met(need, access.viewer()) else ""


def menu_lines(request: HttpRequest) -> tuple[MenuLine, ...]:
    """The menu's lines that the viewer may open, the one that holds the present page marked."""
    paths = {entry.url_name: path for entry in ENTRIES if (path := path_of(entry.url_name))}
    holding = [
        (len(begin), paths[entry.url_name])
        for entry in ENTRIES
        if entry.url_name in paths
        for begin in (paths[entry.url_name], *(reverse(name) for name in entry.also))
        if request.path == begin or (begin != "/" and request.path.startswith(begin))
    ]
    current = max(holding, default=(0, ""))[1]

    def line(entry: Entry) -> MenuLine:
        below = [each for each in ENTRIES if each.under == entry.url_name and each.url_name in paths]
        path = paths[entry.url_name]
        return MenuLine(
            entry=entry, path=path, is_current=path == current, children=tuple(line(each) for each in below)
        )

    return tuple(
        line(entry) for entry in ENTRIES if entry.url_name in paths and (not entry.under or entry.under not in paths)
    )
