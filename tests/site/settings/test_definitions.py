"""Definitions out as an archive and in again: errors with their place, what changes, and only then publishing."""

import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.runtime.town import Town
from tests.site.conftest import Site

pytestmark = pytest.mark.db

PAGE = "/settings/definitions/"
SEGMENT = """kind: segment
id: viewers
name: {de: Gucker, en: Viewers}
when: {event: {name: Product Viewed, within_days: 30}}
"""


def upload(browser: Any, name: str, data: bytes, mode: str = "beside") -> Any:
    return browser.post(PAGE, {"file": SimpleUploadedFile(name, data), "mode": mode})


def token_of(page: str) -> str:
    start = page.index('name="token" value="') + len('name="token" value="')
    return page[start : page.index('"', start)]


def ids(town: Town, kind: str) -> list[str]:
    return [one["id"] for one in town.documents() if one["kind"] == kind]


def test_what_was_exported_changes_nothing_when_it_comes_back(served: Site) -> None:
    browser = served.insider()
    answer = browser.get(f"{PAGE}export/")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert "policy.yaml" in archive.namelist()
        assert "segments/regulars.yaml" in archive.namelist() or "brands/default.yaml" in archive.namelist()
    page = upload(browser, "all.zip", answer.content, "replace").content.decode()
    assert "Nothing changes." in page
    assert 'name="token"' not in page


def test_a_yaml_file_is_compared_and_then_published(served: Site, town: Town) -> None:
    from kundenkreis.site.models import AuditEntry

    browser = served.insider("de")
    before = ids(town, "segment")
    page = upload(browser, "viewers.yaml", SEGMENT.encode()).content.decode()
    assert "neu: Segment viewers (Gucker)" in page
    assert ids(town, "segment") == before
    token = token_of(page)
    assert browser.post(f"{PAGE}publish/", {"token": token}).status_code == 302
    assert sorted(ids(town, "segment")) == sorted([*before, "viewers"])
    assert browser.post(f"{PAGE}publish/", {"token": token}).status_code == 422
    entry = AuditEntry.objects.get(action="imported")
    assert (entry.object_kind, entry.details) == ("definitions", {"count": 1})


def test_mistakes_are_told_with_file_and_line(served: Site, town: Town) -> None:
    version = town.installation.rulebooks.newest_version()
    answer = upload(served.insider(), "viewers.yaml", SEGMENT.replace("within_days: 30", "within_dayz: 30").encode())
    assert answer.status_code == 422
    assert "<code>viewers.yaml:4:" in answer.content.decode()
    assert town.installation.rulebooks.newest_version() == version


@pytest.mark.parametrize(
    ("name", "data"), [("a.zip", b"PK no archive"), ("a.exe", b"MZ"), ("empty.zip", b"PK\x05\x06" + b"\x00" * 18)]
)
def test_what_is_no_archive_is_refused(served: Site, name: str, data: bytes) -> None:
    assert upload(served.insider(), name, data).status_code == 422


def test_publishing_meanwhile_is_noticed(served: Site, town: Town) -> None:
    browser = served.insider()
    token = token_of(upload(browser, "viewers.yaml", SEGMENT.encode()).content.decode())
    others = [one for one in town.documents() if one["kind"] != "score"]
    town.publish(others)
    assert browser.post(f"{PAGE}publish/", {"token": token}).status_code == 409


def test_another_account_cannot_publish_what_one_checked(served: Site) -> None:
    token = token_of(upload(served.insider(), "viewers.yaml", SEGMENT.encode()).content.decode())
    assert served.insider(role="admin").post(f"{PAGE}publish/", {"token": token}).status_code == 422
    assert served.insider(role="marketing").get(f"{PAGE}export/").status_code == 403
