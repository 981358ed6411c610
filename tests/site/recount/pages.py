"""Which pages are walked for their numbers, what numbers a page shows, and where they lead."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from kundenkreis.site.ports.decided import FATES
from tests.browser.pages import PAGES
from tests.site.recount.past import Past

FIGURED = frozenset(
    {
        "start", "customers", "customer", "segments", "segment", "journeys", "journey", "contents", "content_map", "messages", "mailbox",
        "quarantine", "event_catalogue", "status", "customer_why",
        "scores", "customers_pause", "customers_resume", "customers_set",
    }
)  # fmt: skip
"""Addresses that must show figures."""
_COMPONENTS = frozenset({"number", "figure", "count", "big", "arrived", "door", "score", "way-label", "net", "people"})
_LISTS = frozenset({"stats", "lines", "three"})
_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})


@dataclass(frozen=True)
class Shown:
    """One number of a page."""

    name: str
    value: int
    href: str


@dataclass
class _Open:
    tag: str
    is_component: bool
    is_apart: bool
    """Its text is no number of a figure: an instant, a heading, words for screen readers."""
    has_figure: bool
    text: list[str] = field(default_factory=list)


class FiguresOf(HTMLParser):
    """Reads a page: its figures, and the numbers in figure components that carry none."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shown: list[Shown] = []
        self.without: list[str] = []
        self._open: list[_Open] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note figures, and components that should hold one."""
        given = {name: value or "" for name, value in attrs}
        classes = frozenset(given.get("class", "").split())
        is_list = any(one.tag == "dl" and one.is_component for one in self._open)
        is_component = (
            bool(classes & _COMPONENTS) or (tag == "dl" and bool(classes & _LISTS)) or (tag == "dd" and is_list)
        )
        if "data-figure" in given:
            link = next((one for one in reversed(self._open) if one.tag == "a"), None)
            self.shown.append(
                Shown(given["data-figure"], int(given["data-value"]), given.get("href", "") if link is None else "")
            )
            for one in self._open:
                one.has_figure = True
        if tag not in _VOID:
            is_apart = tag in ("time", "th", "h1", "h2", "h3", "button", "label", "fieldset") or bool(
                classes & {"unseen", "person", "note"}
            )
            self._open.append(_Open(tag, is_component, is_apart, "data-figure" in given))

    def handle_endtag(self, tag: str) -> None:
        """Judge what closes."""
        if not any(one.tag == tag for one in self._open):
            return
        while self._open:
            one = self._open.pop()
            self._judge(one)
            if one.tag == tag:
                return

    def _judge(self, one: _Open) -> None:
        text = "".join(one.text).strip()
        is_within = any(outer.has_figure and outer.is_component for outer in self._open)
        if one.is_component and one.tag != "dl" and not (one.is_apart or one.has_figure or is_within):
            self.without += [text] if any(sign.isdigit() for sign in text) else []

    def handle_data(self, data: str) -> None:
        """Words belong to everything that is open around them, unless something between says that they are no number."""
        for one in reversed(self._open):
            if one.is_apart:
                return
            one.text.append(data)


def walked(past: Past, examples: dict[str, object], people: list[int]) -> dict[str, list[str]]:
    """Address -> paths to walk: every page there is, those with figures from every side.

    Args:
        examples: what stands for the names in braces of tests/browser/pages.py.
        people: whose pages are opened.
    """
    ids = {
        kind: [one["id"] for one in past.documents if one["kind"] == kind]
        for kind in ("segment", "journey", "situation", "score")
    }
    phases = [phase for one in past.documents if one["kind"] == "phases" for phase in one["phases"]]
    subs = [sub["id"] for phase in phases for sub in phase.get("sub_states") or ()]
    lists = ["", "?view=visitors", *(f"?phase={one['id']}" for one in phases), *(f"?sub_state={one}" for one in subs)]
    lists += [f"?segment={one}" for one in ids["segment"]] + [f"?situation={one}" for one in ids["situation"]]
    paths: dict[str, list[str]] = {}
    for page in PAGES:
        if not page.is_open:
            paths.setdefault(page.address, []).append(page.path.format(**examples))
    return paths | {
        "start": ["/start/?days=7", "/start/?days=30", "/start/?days=90"],
        "customers": [f"/customers/{one}" for one in lists],
        "customer": [f"/customers/{one}/{tab}" for one in people for tab in ("", "?tab=orders", "?tab=circle", "?tab=profile", "?tab=consent")],
        "customer_why": [f"/customers/{one}/why/score/{score}/" for one in people for score in ids["score"]],
        "segment": [f"/segments/{one}/" for one in ids["segment"]],
        "journey": [f"/journeys/{one}/" for one in ids["journey"]],
        "messages": [f"/messages/{one}" for one in ("", *(f"?fate={fate}" for fate in FATES))],
    }  # fmt: skip
