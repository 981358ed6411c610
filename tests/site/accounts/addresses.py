"""What stands in the place of <id> when the matrix walks the addresses: one thing that is there, one that is not or is another's.

Whoever adds an address with an argument adds its line here; `prepare` mounts the things.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kundenkreis.site.testing import SAMPLE_JOURNEY, JourneysAsGiven, make_message
from tests.site.conftest import Site

Arguments = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Address:
    """Arguments of one address."""

    own: Callable[[Site], Arguments]
    """Makes, where needed, and names something that is there."""
    foreign: Arguments
    """Names what is not there, or is not the viewer's."""
    foreign_status: int = 404


def prepare(site: Site) -> None:
    """Mount what the addresses below lead to."""
    site.mount([make_message("0a")], journeys=JourneysAsGiven([SAMPLE_JOURNEY]))


def _fixed(**arguments: Any) -> Callable[[Site], Arguments]:
    return lambda site: arguments


def _login_token(site: Site) -> Arguments:
    from kundenkreis.kernel.zones import to_datetime
    from kundenkreis.site.logins import issue_login_path

    path = issue_login_path(now=to_datetime(site.now_us), valid_minutes=30)
    return {"token": path.split("/")[2]}


ADDRESSES: dict[str, Address] = {
    "journey": Address(own=_fixed(journey_id="welcome"), foreign={"journey_id": "nosuch"}),
    "journey_people": Address(own=_fixed(journey_id="welcome"), foreign={"journey_id": "nosuch"}),
    "journey_trace": Address(
        own=_fixed(journey_id="welcome", profile_id=7), foreign={"journey_id": "welcome", "profile_id": 8}
    ),
    "login_link": Address(own=_login_token, foreign={"token": "no-such-token"}, foreign_status=410),
    "message": Address(own=_fixed(message_id="0a"), foreign={"message_id": "0b"}),
    "message_html": Address(own=_fixed(message_id="0a"), foreign={"message_id": "0b"}),
}
