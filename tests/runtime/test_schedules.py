"""Schedules over the running installation: nobody who is in the audience when it is due is left out."""

from pathlib import Path

from kundenkreis.kernel.zones import DAY
from tests.runtime.town import START_US, Town

VIEWERS = {
    "kind": "segment", "id": "viewers", "name": {"de": "Gucker", "en": "Viewers"},
    "when": {"event": {"name": "Product Viewed", "within_days": 3}},
}  # fmt: skip
WEEKLY = {
    "kind": "journey", "id": "weekly", "name": {"de": "Wochenblatt", "en": "Weekly"}, "re_entry": "always",
    "entry": {"schedule": {"every": "week", "on": "thursday", "at": "10:00", "audience": {"segment": {"id": "viewers"}}}},
    "steps": [{"id": "mark", "set_attribute": {"name": "told", "value": True}}],
}  # fmt: skip


def test_a_schedule_lets_in_whoever_stays_in_its_audience_longer_than_foreseen(tmp_path: Path) -> None:
    """On the first day the segment would be over long before Thursday; it goes on, although nobody enters it anew."""
    town = Town(tmp_path, journeys=False)
    town.publish([*town.documents(), VIEWERS, WEEKLY])
    for _ in range(4):
        town.send("track", userId="anna", event="Product Viewed", properties={"product_id": "p1"})
        town.send("track", userId="bert", event="Product Viewed", properties={"product_id": "p1"})
        town.run()
        town.pass_time(2 * DAY)
    town.send("track", userId="carla", event="Product Viewed", properties={"product_id": "p1"})
    town.run()
    town.pass_time(2 * DAY)
    with town.installation.store.reading() as tx:
        entered = tx.rows("SELECT at_us FROM run_entries WHERE journey_id = 'weekly' AND outcome = 'entered'")
        memberships = tx.rows("SELECT count(*) FROM memberships WHERE definition_id = 'viewers'")
    town.close()
    assert entered == [(START_US + 7 * DAY - 3_600_000_000,)] * 2
    assert memberships == [(3,)]
