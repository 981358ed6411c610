"""Two people, or two tabs, on one definition: whatever one of them did meanwhile, the other is told, and nothing typed is lost."""

from typing import TYPE_CHECKING, Any

import pytest

from kundenkreis.runtime.drafts import StoredDrafts
from tests.runtime.town import Town
from tests.site.conftest import Site
from tests.site.editing import form_of

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.db


class Editor:
    """The editor of one definition, as two people open it."""

    def __init__(self, kind: str, name: str, path: str, form: str, field: str) -> None:
        self.kind, self.name, self.form, self.field = kind, name, form, field
        self.path, self.base = path, path.removesuffix("edit/")

    def open(self, browser: "Client", value: str) -> dict[str, str]:
        """The form with a value of one's own, ready to be saved."""
        page = browser.get(self.path).content.decode()
        return form_of(page, self.form) | {self.field: value, "act": "save"}

    def save(self, browser: "Client", form: dict[str, str]) -> Any:
        return browser.post(self.path, form)

    def publish(self, browser: "Client") -> None:
        assert browser.post(f"{self.base}publish/", {}).status_code == 302

    def drafted(self, town: Town) -> str:
        """What the draft says in that field; "" where there is no draft."""
        draft = StoredDrafts(town.installation.store).find(self.kind, self.name)
        return str(draft.document) if draft is not None else ""


SEGMENT = Editor("segment", "at_risk", "/segments/at_risk/edit/", "builder", "name_en")
CONTENT = Editor("content", "welcome_hello", "/contents/welcome_hello/edit/", "editor", "name_en")
SCORE = Editor("score", "activity", "/scores/activity/", "editor", "f.name.en")
RULES = Editor("policy", "", "/settings/contact-rules/", "editor", "f.overdue_grace_hours")
EVERY = pytest.mark.parametrize("editor", [SEGMENT, CONTENT, SCORE, RULES], ids=lambda one: one.kind)
OURS, THEIRS = "171", "282"


@EVERY
def test_what_was_published_since_a_form_was_opened_is_not_undone_by_it(
    served: Site, town: Town, editor: Editor
) -> None:
    ada, bo = served.insider(), served.insider(role="admin")
    mine = editor.open(ada, OURS)
    assert editor.save(bo, editor.open(bo, THEIRS)).status_code == 302
    editor.publish(bo)
    answer = editor.save(ada, mine)
    page = answer.content.decode()
    assert (answer.status_code, editor.drafted(town)) == (409, "")
    assert (f"<td>{THEIRS}</td><td>{OURS}</td>" in page, "Your version is still here and not saved." in page) == (
        True,
        True,
    )
    assert editor.save(ada, form_of(page, editor.form) | {"act": "save"}).status_code == 302
    assert OURS in editor.drafted(town)


@EVERY
def test_another_draft_of_the_same_revision_is_not_taken_for_ones_own(served: Site, town: Town, editor: Editor) -> None:
    ada, bo = served.insider(), served.insider(role="admin")
    assert editor.save(ada, editor.open(ada, "363")).status_code == 302
    mine = editor.open(ada, OURS)
    editor.publish(bo)
    assert editor.save(bo, editor.open(bo, THEIRS)).status_code == 302
    stale_publishing = {"revision": mine["revision"], "made_from": mine["made_from"]}
    assert editor.save(ada, mine).status_code == 409
    ada.post(f"{editor.base}discard/", stale_publishing)
    ada.post(f"{editor.base}publish/", stale_publishing)
    assert (THEIRS in editor.drafted(town), OURS in editor.drafted(town)) == (True, False)


@EVERY
def test_a_draft_that_somebody_else_saved_is_not_discarded_unseen(served: Site, town: Town, editor: Editor) -> None:
    ada, bo = served.insider(), served.insider(role="admin")
    assert editor.save(ada, editor.open(ada, OURS)).status_code == 302
    seen = form_of(ada.get(editor.path).content.decode(), editor.form)
    assert editor.save(bo, editor.open(bo, THEIRS)).status_code == 302
    shown = {name: seen[name] for name in ("revision", "made_from")}
    answer = ada.post(f"{editor.base}discard/", shown)
    assert (answer["Location"], THEIRS in editor.drafted(town)) == (editor.path, True)
    assert "the admin has saved this draft meanwhile. It was not discarded" in ada.get(editor.path).content.decode()
    seen = form_of(ada.get(editor.path).content.decode(), editor.form)
    ada.post(f"{editor.base}discard/", {name: seen[name] for name in ("revision", "made_from")})
    assert editor.drafted(town) == ""


@EVERY
def test_the_same_form_sent_twice_is_kept_once(served: Site, town: Town, editor: Editor) -> None:
    ada = served.insider()
    mine = editor.open(ada, OURS)
    assert [editor.save(ada, mine).status_code for _ in range(2)] == [302, 302]
    (draft,) = StoredDrafts(town.installation.store).every(editor.kind)
    assert draft.revision == 1


@pytest.mark.parametrize(
    ("path", "form", "fields", "kind"),
    [
        ("/segments/new/", "builder", {"name_en": "Twice", "c.0.kind": "event", "c.0.event.name": "Order Completed"}, "segment"),
        ("/contents/new/", "editor", {"name_en": "Twice"}, "content"),
        ("/scores/new/", "editor", {"f.name.en": "Twice"}, "score"),
    ],
)  # fmt: skip
def test_something_new_sent_twice_is_made_once(
    served: Site, town: Town, path: str, form: str, fields: dict[str, str], kind: str
) -> None:
    ada = served.insider()
    mine = form_of(ada.get(path).content.decode(), form) | fields | {"act": "save"}
    first, second = (ada.post(path, mine) for _ in range(2))
    assert (first.status_code, first.get("Location")) == (second.status_code, second.get("Location"))
    assert [one.id for one in StoredDrafts(town.installation.store).every(kind)] == ["twice"]


def test_over_what_was_published_after_the_look_nobody_publishes_unseen(served: Site, town: Town) -> None:
    ada, bo = served.insider(), served.insider(role="admin")
    assert SCORE.save(ada, SCORE.open(ada, OURS)).status_code == 302
    kept = StoredDrafts(town.installation.store).find("score", "activity")
    assert kept is not None

    def bo_publishes(value: str) -> None:
        bo.post("/scores/activity/discard/")
        assert SCORE.save(bo, SCORE.open(bo, value)).status_code == 302
        SCORE.publish(bo)
        assert StoredDrafts(town.installation.store).save(kept)

    bo_publishes(THEIRS)
    looked_at = ada.get("/scores/activity/publish/").content.decode()
    bo_publishes("393")
    over = form_of(looked_at.replace('method="post"><input', 'method="post" id="over"><input'), "over")
    assert over["compared"] not in ("", "1")
    assert ada.post("/scores/activity/publish/", over)["Location"] == "/scores/activity/publish/"
    assert score_in_force(town) == "393"
    again = ada.get("/scores/activity/publish/").content.decode()
    over = form_of(again.replace('method="post"><input', 'method="post" id="over"><input'), "over")
    ada.post("/scores/activity/publish/", over)
    assert score_in_force(town) == OURS


def score_in_force(town: Town) -> str:
    return str(next(one for one in town.documents() if one.get("id") == "activity")["name"]["en"])


@pytest.mark.parametrize(
    ("path", "form", "fields"),
    [
        ("/segments/new/", "builder", {"name_en": "Brief", "c.0.kind": "event", "c.0.event.name": "Order Completed"}),
        ("/scores/new/", "editor", {"f.name.en": "Brief", "f.half_life_days": "30"}),
    ],
)
def test_what_was_typed_into_something_deleted_meanwhile_is_kept(
    served: Site, path: str, form: str, fields: dict[str, str]
) -> None:
    ada, bo = served.insider(), served.insider(role="admin")
    there = ada.post(path, form_of(ada.get(path).content.decode(), form) | fields | {"act": "save"})["Location"]
    name = "name_en" if "segments" in path else "f.name.en"
    mine = form_of(ada.get(there).content.decode(), form) | {name: "Still mine", "act": "save"}
    bo.post(there.removesuffix("edit/") + "discard/", {})
    answer = ada.post(there, mine)
    page = answer.content.decode()
    assert (answer.status_code, 'value="Still mine"' in page) == (409, True)
    assert ("Somebody has deleted this meanwhile." in page, "Begin it anew with mine" in page) == (True, True)
    assert ada.post(there, form_of(page, form) | {"act": "save"}).status_code == 302
    assert 'value="Still mine"' in ada.get(there).content.decode()
    assert ada.get("/segments/never_there/edit/").status_code == 404


def test_a_draft_that_was_not_there_at_the_look_is_not_deleted_with_its_definition(served: Site, town: Town) -> None:
    segment = {
        "kind": "segment", "id": "buyers", "name": {"de": "Käufer", "en": "Buyers"},
        "when": {"event": {"name": "Order Completed", "count": {"at_least": 1}}},
    }  # fmt: skip
    town.publish([*town.documents(), segment])
    ada, bo = served.insider(), served.insider(role="admin")
    buyers = Editor("segment", "buyers", "/segments/buyers/edit/", "builder", "name_en")
    page = ada.get("/segments/buyers/delete/").content.decode()
    looked_at = {"made_from": ""}
    assert '<input type="hidden" name="made_from" value="">' in page
    assert buyers.save(bo, buyers.open(bo, THEIRS)).status_code == 302
    answer = ada.post("/segments/buyers/delete/", looked_at)
    page = answer.content.decode()
    assert (answer.status_code, THEIRS in buyers.drafted(town)) == (409, True)
    assert "the admin has saved a draft of this meanwhile. Deleting would discard it." in " ".join(page.split())
    again = form_of(page.replace('method="post"><input', 'method="post" id="delete"><input'), "delete")
    assert ada.post("/segments/buyers/delete/", again).status_code == 302
    assert buyers.drafted(town) == ""
