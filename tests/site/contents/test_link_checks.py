"""Links in the content editor: asked when somebody wants it, told in the list of what to do before publishing."""

import re
from dataclasses import replace

import pytest

from kundenkreis.runtime.link_checks import BackgroundLinkChecks
from kundenkreis.runtime.web import sources_of
from kundenkreis.runtime.web_asking import SocketWeb
from kundenkreis.site.mounted import Mounted, mount
from tests.runtime.town import Town
from tests.runtime.website import Website, answer
from tests.site.conftest import Site
from tests.site.editing import form_of

pytestmark = pytest.mark.db

EDITOR = "/contents/welcome_hello/edit/"


def serve(site: Site, town: Town, web: SocketWeb, *, patience_seconds: float = 30) -> None:
    """The town, with somebody who may ask websites on this machine."""
    checks = BackgroundLinkChecks(web, patience_seconds=patience_seconds)
    sources = replace(sources_of(town.installation), links=checks)
    mount(Mounted(settings=site.settings, sources=sources, clock_us=town.installation.clock.now_us))


def part_of(page: str) -> list[str]:
    """What the part about links says, piece by piece."""
    start = page.index(">", page.index('id="links"')) + 1
    inside = re.sub(r"<[^>]*>", "\n", page[start : page.index("</div>", start)])
    return [text for line in inside.split("\n") if (text := line.strip())]


def typed(page: str, text: str) -> dict[str, str]:
    return form_of(page, "editor") | {"v.de.b.0.text": text, "v.de/du.b.0.text": "Du", "v.en.b.0.text": "You"}


def test_links_of_what_was_typed_are_asked_and_the_dead_ones_told(served: Site, town: Town) -> None:
    with Website({"/fine": answer("200 OK"), "/shut": answer("403 No")}) as site:
        serve(served, town, SocketWeb(also=frozenset({site.place})))
        browser = served.insider("de")
        text = f"[a]({site.url}/gone) [b]({site.url}/fine) [c]({site.url}/shut) [d](http://10.0.0.1/) [e]({{{{ unsubscribe_url }}}})"
        data = typed(browser.get(EDITOR).content.decode(), text)
        page = browser.post(EDITOR, data | {"act": "links"}).content.decode()
        assert part_of(page) == [
            f"{site.url}/gone", "Die Seite gibt es nicht (mehr).", "Ändern Sie den Link oder nehmen Sie ihn heraus.",
            "http://10.0.0.1/",
            "Diese Adresse liegt nicht im öffentlichen Internet und wurde deshalb nicht geprüft.", "Schreiben Sie eine, die alle erreichen.",
            f"{site.url}/shut", "Ließ sich nicht prüfen: Die Website lässt keine Programme hinein.", "Öffnen Sie den Link selbst.",
            "1 Link funktioniert.",
        ]  # fmt: skip
        assert sorted(site.asked) == ["HEAD /fine", "HEAD /gone", "HEAD /shut"]
        assert form_of(page, "editor")["v.de.b.0.text"] == text


def test_a_check_that_takes_longer_shows_how_far_it_is(served: Site, town: Town) -> None:
    with Website({}) as site:
        site.answers["/slow"] = lambda _talk: site.until_left()
        serve(served, town, SocketWeb(also=frozenset({site.place})), patience_seconds=0)
        browser = served.insider()
        data = typed(browser.get(EDITOR).content.decode(), f"[a]({site.url}/slow)")
        page = browser.post(EDITOR, data | {"act": "links"}).content.decode()
        found = re.search(r'hx-get="(/contents/link-check/([^/]+)/)"', page)
        assert found is not None
        part = browser.get(found[1])
        assert (part.status_code, "Checking the links" in part.content.decode()) == (200, True)
        again = browser.post(EDITOR, data | {"act": f"links:{found[2]}"}).content.decode()
        assert f'hx-get="{found[1]}"' in again
    gone = browser.get("/contents/link-check/no-such-check/")
    assert (gone.status_code, part_of(gone.content.decode())) == (404, ["This check is over. Check again."])


def test_a_content_without_links_asks_nobody(served: Site, town: Town) -> None:
    serve(served, town, SocketWeb())
    browser = served.insider()
    page = browser.get("/contents/new/").content.decode()
    assert part_of(page) == []
    data = form_of(page, "editor") | {"message_class": "service"}
    assert part_of(browser.post("/contents/new/", data | {"act": "links"}).content.decode()) == [
        "There is no link to check."
    ]
