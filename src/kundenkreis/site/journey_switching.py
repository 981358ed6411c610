"""Holding a journey, letting it go on, stopping it, taking the last publishing back, starting a broadcast: the same for pages and programs."""

from typing import Literal

from django.http import HttpRequest

from kundenkreis.definitions.use_cases.switch_journey import is_broadcast, put_journey, start_broadcast, stop_journey
from kundenkreis.site.audit import audit
from kundenkreis.site.drafting import actor
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.journeys import JourneyReport

Switch = Literal["pause", "resume", "stop", "undo", "start"]
_DONE = {"pause": "paused", "resume": "resumed", "stop": "stopped", "undo": "undone", "start": "started"}


def switch_journey(request: HttpRequest, report: JourneyReport, what: str) -> bool:
    """Do it; False where it is not possible (any more), and nothing was done.

    Args:
        what: one of Switch; anything else is not possible.

    Raises:
        DefinitionsRefusedError: what the form names is gone meanwhile.
        PublishedMeanwhileError: somebody else published in this instant.
    """
    journey_id, publisher = report.line.id, mounted().sources.publisher
    if what == "pause":
        put_journey(journey_id, None, publisher, actor=actor())
    elif what == "resume" and report.line.version:
        put_journey(journey_id, report.document, publisher, actor=actor())
    elif what == "stop":
        stop_journey(journey_id, publisher, actor=actor())
    elif what == "undo" and report.undo_until_us:
        put_journey(journey_id, report.before, publisher, actor=actor())
    elif what == "start" and report.line.state == "live" and is_broadcast(report.document):
        start_broadcast(journey_id, publisher, actor=actor())
    else:
        return False
    audit(request, _DONE[what], "journey", journey_id)
    return True
