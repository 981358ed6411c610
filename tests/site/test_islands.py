"""Islands: found by the manifest of their build, with their texts in the viewer's language; said clearly when not built."""

import json
import re
from pathlib import Path

import pytest

from kundenkreis.site import assets, catalogues, islands
from tests.site.conftest import Site

pytestmark = pytest.mark.db


def render(name: str, language: str = "en") -> str:
    from django.template import engines
    from django.utils.translation import override

    with override(language):
        return engines["django"].from_string("{% load components %}{% island '" + name + "' %}").render({})


def test_island_that_is_not_built_says_what_to_do(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(islands, "_MANIFEST", tmp_path / "manifest.json")
    html = render("charts")
    assert re.sub(r"<[^>]+>", "", html).strip() == "This part of the page was not built yet. Run: make islands"


def test_island_brings_its_styles_and_those_of_what_it_shares(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chunks = {
        "src/one/main.ts": {"file": "one-1.js", "name": "one", "isEntry": True, "css": ["one.css"], "imports": ["_a.js"]},
        "_a.js": {"file": "a.js", "name": "a", "css": ["a.css"], "imports": ["_b.js"]},
        "_b.js": {"file": "b.js", "name": "b", "css": ["b.css", "a.css"], "imports": ["_a.js"]},
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(chunks))
    monkeypatch.setattr(islands, "_MANIFEST", tmp_path / "manifest.json")
    assert islands.find_island("one") == islands.Island(
        script="built/one-1.js", styles=("built/one.css", "built/a.css", "built/b.css")
    )
    assert islands.find_island("a") is None


def test_texts_come_in_the_viewers_language(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stored = {"one": ["Search", ["%(count)s message", "%(count)s messages"]]}
    (tmp_path / "texts.json").write_text(json.dumps(stored))
    (tmp_path / "manifest.json").write_text('{"m": {"file": "one.js", "name": "one", "isEntry": true}}')
    (tmp_path / "built").mkdir()
    (tmp_path / "built" / "one.js").write_text("")
    monkeypatch.setattr(catalogues, "ISLAND_TEXTS", tmp_path / "texts.json")
    monkeypatch.setattr(islands, "_MANIFEST", tmp_path / "manifest.json")
    monkeypatch.setattr(assets, "FOLDER", tmp_path)
    (block,) = re.findall(r'<script id="island-texts" type="application/json">(.*?)</script>', render("one", "de"))
    assert json.loads(block) == {
        "Search": "Suchen",
        "%(count)s message": ["%(count)s Nachricht", "%(count)s Nachrichten"],
    }


def test_texts_are_gathered_from_the_islands_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "one" / "parts").mkdir(parents=True)
    (tmp_path / "one" / "main.tsx").write_text('const label = t("Tidy up");\nformat("not this"); const at = 1;')
    (tmp_path / "one" / "parts" / "node.ts").write_text(
        'tn(\n  "%(count)s person",\n  "%(count)s people", n)\nt("say \\"hi\\"")'
    )
    monkeypatch.setattr(catalogues, "ISLANDS", tmp_path)
    assert catalogues.gather_island_texts() == {
        "one": [("%(count)s person", "%(count)s people"), "Tidy up", 'say "hi"'],
    }


def test_committed_list_of_texts_is_what_the_sources_hold() -> None:
    assert catalogues.read_island_texts() == catalogues.gather_island_texts(), "Run: make messages"
