"""What a journey brought about, in words and numbers with their doors: revenue, for whom it works, collisions, what became of messages, steps, versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from kundenkreis.journeys.core.figures import FEWEST, Share, compare, compare_means
from kundenkreis.site import access, message_words
from kundenkreis.site.formats import decimal, money, name_in, number, percent, points
from kundenkreis.site.journey_drawing import people_path, step_name
from kundenkreis.site.phase_words import PHASES, phase_word
from kundenkreis.site.ports.decided import FATES
from kundenkreis.site.ports.journeys import CellCounts, Effects, JourneyReport, OtherJourney

_SURE = ("proven", "harmful")


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number with its name for the recount and where it leads."""

    value: int
    figure: str
    href: str
    text: str = ""


def effects_of(report: JourneyReport) -> dict[str, Any]:
    """What the page shows of `report.effects`; {} while nothing was counted."""
    effects = report.effects
    if effects is None:
        return {}
    return {
        "at_us": effects.at_us,
        "revenue": _revenue(report, effects),
        "cells": _cells(report, effects),
        "looks": number(len(effects.cells)),
        "near": _people(report, "near", effects.near, "near:*"),
        "others": [_other(report, one) for one in effects.others],
        "displaced": Number(
            value=effects.displaced, figure=f"journey.{report.line.id}.displaced", href=_messages(report.line.id, outcome="displaced")
        ),
        "pressure": _pressure(report, effects),
        "fates": [(message_words.fate_word(one), message_words.fate_definition(one)) for one in FATES],
    }  # fmt: skip


def _other(report: JourneyReport, other: OtherJourney) -> tuple[str, Number]:
    """What the other journey is called, and who was in both."""
    id_ = other.journey_id
    return name_in(report.cell_names.get(id_) or {}, id_), _people(report, f"near.{id_}", other.people, f"near:{id_}")


def _people(report: JourneyReport, name: str, value: int, outcome: str, text: str = "") -> Number:
    href = people_path(report.line.id, "*", outcome) if value else ""
    return Number(value=value, figure=f"journey.{report.line.id}.{name}", href=href, text=text)


def _messages(journey_id: str, **asked: str) -> str:
    return f"{reverse('messages')}?{urlencode({'journey': journey_id, **asked})}" if access.may("messages.see") else ""


def _revenue(report: JourneyReport, effects: Effects) -> dict[str, Any]:
    one, two = effects.treated, effects.control
    found = compare_means(one.people, one.minor, one.squares, two.people, two.minor, two.squares)
    said = {"fewest": number(FEWEST)}
    if found is None:
        text = _("Too early: from %(fewest)s people in each group on there is something to say.") % said
    else:
        of = {
            name: money(round(value * one.people), effects.currency)
            for name, value in zip(("more", "lower", "upper"), found, strict=True)
        }
        if found.lower <= 0 <= found.upper:
            text = (
                _("No proof: %(more)s against the control group, but it may lie between %(lower)s and %(upper)s.") % of
            )
        else:
            text = _("Proven: %(more)s against the control group (between %(lower)s and %(upper)s).") % of
    tone = "" if found is None or found.lower <= 0 <= found.upper else "good" if found.lower > 0 else "stop"
    name = f"journey.{report.line.id}.revenue"
    groups = [
        {
            "label": label,
            "sum": Number(
                value=held.minor, figure=f"{name}.{group}", href="", text=money(held.minor, effects.currency)
            ),
            "people": Number(value=held.people, figure=f"{name}.{group}_people", href=""),
            "mean": money(round(held.minor / held.people), effects.currency) if held.people else "",
        }
        for label, group, held in ((_("Went the journey"), "treated", one), (_("Control group"), "control", two))
    ]
    return {"text": text, "tone": tone, "groups": groups, "days": number(effects.revenue_days)}


def _cells(report: JourneyReport, effects: Effects) -> list[dict[str, Any]]:
    return [_cell(report, effects, cell) for cell in effects.cells]


def _cell(report: JourneyReport, effects: Effects, cell: CellCounts) -> dict[str, Any]:
    found = compare(Share(*cell.treated), Share(*cell.control), looks=len(effects.cells))
    is_too_small = found.effect == "too_early"

    def group(which: str, held: tuple[int, int]) -> dict[str, Any]:
        name, asked = f"cell.{cell.kind}.{cell.id}.{which}", f"in:{cell.kind}:{cell.id}:{which}"
        return {
            "hits": _people(report, f"{name}.hits", held[0], f"{asked}:goal"),
            "of": _people(report, f"{name}.of", held[1], f"{asked}:all"),
            "rate": "" if held[1] < FEWEST else percent(held[0] / held[1]),
        }

    words = {
        "proven": _("proven"),
        "harmful": _("harmful"),
        "no_proof": _("chance is possible"),
        "too_early": _("too few people"),
    }
    return {
        "name": cell_name(cell, report.cell_names),
        "kind": _("Phase") if cell.kind == "phase" else _("Persona"),
        "treated": group("treated", cell.treated),
        "control": group("control", cell.control),
        "difference": "" if is_too_small else points(found.difference),
        "interval": ""
        if is_too_small
        else _("%(lower)s to %(upper)s") % {"lower": points(found.lower), "upper": points(found.upper)},
        "word": words[found.effect],
        "tone": {"proven": "good", "harmful": "stop"}.get(found.effect, ""),
        "is_faint": is_too_small,
    }


def cell_name(cell: CellCounts, names: Mapping[str, Mapping[str, str]]) -> str:
    """A phase or persona in the viewer's language."""
    return (
        phase_word(cell.id)
        if cell.kind == "phase" and cell.id in PHASES
        else name_in(names.get(cell.id) or {}, cell.id)
    )


def _pressure(report: JourneyReport, effects: Effects) -> dict[str, Any]:
    people = effects.entered - report.line.where.control
    handed = Number(
        value=effects.handed_over,
        figure=f"journey.{report.line.id}.handed_over",
        href=_messages(report.line.id, outcome="handed_over"),
    )
    return {"handed_over": handed, "per_person": decimal(round(effects.handed_over / people, 2)) if people > 0 else ""}


def fates_of(report: JourneyReport, content_id: str) -> list[Number]:
    """Messages of one content by what became of them, in the order of FATES."""
    every = {one.content_id: one.fates for one in report.effects.contents} if report.effects is not None else {}
    fates = every.get(content_id, {})
    return [
        Number(
            value=fates.get(fate, 0),
            figure=f"journey.{report.line.id}.fate.{content_id}.{fate}",
            href=_messages(report.line.id, content=content_id, fate=fate) if fates.get(fate) else "",
        )
        for fate in FATES
    ]


def steps_of(report: JourneyReport) -> list[dict[str, Any]]:
    """The numbers of the drawing as lines of a table, in the order of the drawing."""
    lines = []
    for step_id, step in report.steps.items():
        columns = (
            ("arrived", step.arrived, "arrived"), ("standing", step.standing, "standing"), ("sent", step.sent, "sent"),
            ("withheld", step.withheld, "withheld"), ("failed", step.failed, "failed"), ("ended_here", step.ended, "ended_here"),
        )  # fmt: skip
        lines.append(
            {
                "name": step_name(report, step_id),
                "numbers": [
                    Number(
                        value=value, figure=f"journey.{report.line.id}.step.{step_id}.{name}",
                        href=people_path(report.line.id, step_id, outcome) if value else "",
                    )
                    for name, value, outcome in columns
                ],
                "drop": percent(step.ended / step.arrived) if step.arrived >= FEWEST else "",
            }
        )  # fmt: skip
    return lines


def versions_of(report: JourneyReport) -> list[tuple[int, list[Number]]]:
    """Where those are who entered each version; () where there is but one."""
    if len(report.versions) < 2:
        return []
    parts = ("entered", "waiting", "goal", "ended", "left", "failed")
    return [
        (
            version,
            [
                Number(value=getattr(where, part), figure=f"journey.{report.line.id}.version.{version}.{part}", href="")
                for part in parts
            ],
        )
        for version, where in report.versions
    ]
