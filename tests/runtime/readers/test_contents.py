"""A content that names everything the check knows says the same in the message and in its preview, and none of it is forgotten."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kundenkreis.channels.dispatcher import Dispatcher
from kundenkreis.channels.mailbox import unpack_body
from kundenkreis.content.core.customer_variables import SAID
from kundenkreis.definitions.content_checks import known_names
from kundenkreis.runtime.dispatching import build_world
from kundenkreis.runtime.publishing import StorePublisher
from kundenkreis.runtime.readers.contents import StoredContents
from tests.runtime.town import Town

pytestmark = pytest.mark.db

TRAITS = {
    "email": "anna@example.com", "firstName": "Anna", "lastName": "Muster", "country": "AT", "language": "de", "phone": "+43 1 2345",
    "phase": "full moon", "shoe_size": 42,
}  # fmt: skip


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path / "town")
    yield town
    town.close()


def told(text: str) -> dict[str, str]:
    """The lines `name=value` of a message."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def everything(town: Town) -> dict[str, Any]:
    """A receipt that names all that templates may name of a customer."""
    names = sorted(known_names(StorePublisher(town.installation).definitions()).customer or ())
    text = "\n".join(f"{name}={{{{ customer.{name} }}}}" for name in names)
    return {
        "kind": "content", "id": "everything", "name": {"de": "Alles", "en": "Everything"}, "message_class": "transactional",
        "value": {"de": "Alles auf einmal"}, "call_to_action": "none", "variants": {"de": {"subject": "Alles", "text": text}},
    }  # fmt: skip


def test_message_and_preview_say_the_same_of_everything_that_is_known(town: Town) -> None:
    message = {"content": "everything", "purpose": "order", "message_class": "transactional"}
    journey = {
        "kind": "journey", "id": "tell", "name": {"de": "Sag", "en": "Tell"}, "entry": {"event": {"name": "Bell Rung"}},
        "steps": [{"id": "tell", "message": message}],
    }  # fmt: skip
    town.publish([*town.documents(), everything(town), journey])
    town.send("identify", userId="anna", traits=TRAITS)
    town.order("anna", "o1", 20.0)
    town.order("anna", "o1", 20.0, name="Order Delivered")
    town.send("track", userId="anna", event="Bell Rung", properties={})
    town.run()
    dispatcher = Dispatcher(build_world(town.installation), "test")
    dispatcher.run_once()
    dispatcher.close()
    with town.installation.store.reading() as tx:
        ((profile_id, body),) = tx.rows("SELECT profile_id, body FROM mailbox WHERE content_id = 'everything'")
    sent = told(unpack_body(bytes(body))[0])
    contents = StoredContents(town.installation)
    shown = contents.preview(everything(town), "de", profile_id=int(profile_id), without_name=False)
    assert (shown.failed, told(shown.text)) == ("", sent)
    assert {name for name, value in sent.items() if value} == {*SAID, "email", "country", "language", "phone"}
    assert [sent[name] for name in ("id", "name", "phase", "sub_state", "zone")] == [
        str(profile_id), "Anna Muster", "care", "fresh", "Europe/Vienna",
    ]  # fmt: skip


def test_nobody_in_particular_is_known_as_well_as_anybody(town: Town) -> None:
    contents = StoredContents(town.installation)
    shown = contents.preview(everything(town), "de", profile_id=0, without_name=False)
    said = told(shown.text)
    assert {name for name in SAID if not said[name]} == set()
    phases = {phase["id"] for one in town.documents() if one["kind"] == "phases" for phase in one["phases"]}
    assert (said["phase"] in phases, said["greeting"]) == (True, "Guten Tag Anna Muster")
    nameless = told(contents.preview(everything(town), "de", profile_id=0, without_name=True).text)
    assert {name for name in SAID if not nameless[name]} == {"name", "firstName", "first_name", "lastName", "last_name"}
