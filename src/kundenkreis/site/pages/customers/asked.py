"""What the list's address asks for: search words, quick filters, conditions, order; and addresses that ask for something else."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import HttpRequest, QueryDict

from kundenkreis.kernel.ids import MOST_PROFILE_ID
from kundenkreis.site.access import may
from kundenkreis.site.ports.customers import SORTS, VIEWS, CustomerQuery, SavedFilter, Sort, View
from kundenkreis.site.special_categories import may_ask

PAGE_SIZE: Final = 50
MOST_NAMED: Final = 200
"""People whom one address names: a page of the list, and room for more of them; longer addresses are cut off on the way."""
_LONGEST: Final = 200
_MOST_CONDITIONS: Final = 20
_QUICK: Final = ("phase", "sub_state", "situation", "segment")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The address of the list, read."""

    text: str
    chosen: View | None
    """Whom the address names; None: what follows from the rest of it."""
    quick: Mapping[str, str]
    """phase, sub_state, situation, segment: those that are given."""
    figure: str
    """The figure of the start page whose people are asked for; "" for none."""
    people: tuple[int, ...]
    """Only these: those that were chosen, or that a link names. () for no such limit; otherwise nothing else is asked."""
    conditions: tuple[dict[str, Any], ...]
    """Further conditions, each with one key."""
    filter_id: str
    sort: Sort
    cursor: str

    @property
    def view(self) -> View:
        """Whom to look among: a quick filter alone means everybody whom it holds for, visitors too."""
        return self.chosen or ("everybody" if self.quick or self.figure else "known")

    @property
    def document(self) -> dict[str, Any] | None:
        """The conditions that are no quick filters, as one."""
        return joined(self.conditions)

    @property
    def whole(self) -> dict[str, Any] | None:
        """Everything but the search words as one condition: what a saved filter keeps. None where a figure is asked for: no condition says it."""
        if self.figure or self.people:
            return None
        quick: list[dict[str, Any]] = []
        if "phase" in self.quick or "sub_state" in self.quick:
            phase: dict[str, Any] = {"is": self.quick.get("phase", "")}
            if "sub_state" in self.quick:
                phase["sub_state"] = self.quick["sub_state"]
            quick.append({"phase": phase})
        if "situation" in self.quick:
            quick.append({"situation": {"is": self.quick["situation"]}})
        if "segment" in self.quick:
            quick.append({"segment": {"id": self.quick["segment"]}})
        return joined((*quick, *self.conditions))

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the order is asked for."""
        return bool(self.text or self.quick or self.figure or self.people or self.conditions or self.chosen)

    @property
    def found_figure(self) -> str:
        """The name of the number of people found, for the recount."""
        if self.people:
            return "customers.found.chosen"
        narrowed = sorted({**self.quick, **({"figure": self.figure} if self.figure else {})}.items())
        return ".".join(["customers.found", self.view, *(f"{name}.{value}" for name, value in narrowed)])

    def query(self, limit: int = PAGE_SIZE) -> CustomerQuery:
        """What the reader is asked."""
        if self.people:
            return CustomerQuery(people=self.people, sort=self.sort, cursor=self.cursor, limit=limit)
        phase, sub_state, situation, segment = (self.quick.get(name, "") for name in _QUICK)
        return CustomerQuery(
            text=self.text, view=self.view, figure=self.figure, condition=self.document, sort=self.sort, cursor=self.cursor, limit=limit,
            phase=phase, sub_state=sub_state, situation=situation, segment=segment,
        )  # fmt: skip

    def link(self, **changes: object) -> str:
        """The query string of this address with something changed; "" takes a filter away. Never keeps the cursor."""
        query = QueryDict(mutable=True)
        values: dict[str, object] = {"q": self.text, "view": self.chosen or "", "figure": self.figure, **self.quick}
        values |= {"sort": self.sort if self.sort != "-seen" else "", "filter": self.filter_id}
        conditions = changes.pop("conditions", self.conditions)
        people = changes.pop("people", self.people)
        values |= changes
        for name, value in values.items():
            if value:
                query[name] = str(value)
        query.setlist("if", [json.dumps(one, separators=(",", ":")) for one in _tuple(conditions)])
        query.setlist("who", [str(one) for one in people] if isinstance(people, tuple) else [])
        for name in ("if", "who"):
            if not query.getlist(name):
                query.pop(name)
        return "?" + query.urlencode()


def read_asked(request: HttpRequest, saved: Iterable[SavedFilter]) -> Asked:
    """What a request asks for. What makes no sense is left out rather than refused: an address may be old or cut off."""
    get = request.GET.get
    # Control characters match nothing, and PostgreSQL takes no zero in a text.
    text = "".join(sign if sign.isprintable() else " " for sign in get("q", "")).strip()[:_LONGEST]
    sort: Sort = next((one for one in SORTS if one == get("sort")), "-seen")
    asked = Asked(
        # Searching by a personal value, or narrowing by one, would tell what the page hides.
        text=text if may("personal.see") else "",
        chosen=next((one for one in VIEWS if one == get("view")), None),
        quick={name: _plain(value) for name in _QUICK if (value := get(name))},
        figure=_plain(get("figure", "")),
        people=_people(request.GET),
        conditions=tuple(one for one in _conditions(request.GET.getlist("if")) if may_ask(one)),
        filter_id="",
        sort=sort,
        cursor=get("cursor", ""),
    )
    kept = next((one for one in saved if one.filter_id == get("filter") and may_ask(one.condition)), None)
    if kept is None:
        return asked
    quick, rest = split(kept.condition)
    return replace(
        asked, quick={**quick, **asked.quick}, conditions=(*rest, *asked.conditions), filter_id=kept.filter_id
    )


def split(document: Mapping[str, Any]) -> tuple[dict[str, str], tuple[dict[str, Any], ...]]:
    """A condition as quick filters, which are found by index, and the rest."""
    ((kind, config),) = document.items()
    parts = config if kind == "all" and isinstance(config, list) else [dict(document)]
    quick: dict[str, str] = {}
    rest: list[dict[str, Any]] = []
    for part in parts:
        found = _quick_of(part)
        if found and not quick.keys() & found.keys():
            quick |= found
        else:
            rest.append(part)
    return quick, tuple(rest)


def _quick_of(part: Mapping[str, Any]) -> dict[str, str]:
    ((kind, config),) = part.items()
    if not isinstance(config, Mapping):
        return {}
    if kind == "segment" and isinstance(config.get("id"), str):
        return {"segment": config["id"]}
    if kind == "situation" and isinstance(config.get("is"), str):
        return {"situation": config["is"]}
    if kind == "phase" and isinstance(config.get("is"), str) and config["is"]:
        sub = config.get("sub_state")
        if sub is None:
            return {"phase": config["is"]}
        return {"phase": config["is"], "sub_state": sub} if isinstance(sub, str) else {}
    return {}


def joined(conditions: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """Conditions as one that holds when all do."""
    parts = list(conditions)
    if len(parts) < 2:
        return parts[0] if parts else None
    return {"all": parts}


def _conditions(texts: list[str]) -> list[dict[str, Any]]:
    found = []
    for text in texts[:_MOST_CONDITIONS]:
        try:
            document = json.loads(text)
            # What no page can hold (half a character) or no rule (infinity) raises a ValueError here.
            json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict) and len(document) == 1:
            found.append(document)
    return found


def _people(get: QueryDict) -> tuple[int, ...]:
    """Those who were picked in the list, unless everybody there is meant; else those whom the address names."""
    picked = [] if "everybody" in get else get.getlist("pick")
    texts = (picked or get.getlist("who"))[:MOST_NAMED]
    numbers = [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 20]
    return tuple(dict.fromkeys(one for one in numbers if one <= MOST_PROFILE_ID))


def _plain(value: str) -> str:
    return "".join(sign for sign in value if sign.isprintable())[:_LONGEST]


def _tuple(value: object) -> tuple[dict[str, Any], ...]:
    return tuple(value) if isinstance(value, tuple | list) else ()
