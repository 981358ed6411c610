"""The page that documents the API: every operation with its permissions, in both languages, without a script."""

import pytest

from tests.site.conftest import Site

pytestmark = pytest.mark.db


def test_page_documents_every_operation(site: Site) -> None:
    from kundenkreis.site.api.offers import OFFERED

    page = site.insider().get("/api/docs/").content.decode()
    assert [path for method, path in OFFERED if f"{method} /api/v1/{path}" not in page] == []
    assert "Take back a planned message" in page
    german = site.insider("de").get("/api/docs/").content.decode()
    assert "Eine geplante Nachricht zurücknehmen" in german
    assert "Take back a planned message" not in german


def test_description_is_openapi_and_open_to_everybody(site: Site) -> None:
    found = site.visitor().get("/api/v1/openapi.json")
    assert (found.status_code, found.json()["openapi"]) == (200, "3.1.0")
    paused = found.json()["paths"]["/api/v1/customers/{profile_id}/pause"]["post"]
    assert paused["x-permissions"] == ["customers.edit", "customers.see", "personal.see"]
    assert sorted(paused["responses"]) == ["200", "400", "401", "403", "404", "409", "413", "422", "429"]
