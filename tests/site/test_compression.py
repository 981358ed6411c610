"""What a browser takes packed comes packed; typefaces hold the letters that they are asked for."""

import gzip
import re

from kundenkreis.site.assets import FOLDER, fingerprint
from tests.site.conftest import Site

STYLES = "/static/site/components.css"


def test_a_file_comes_packed_to_who_takes_it(site: Site) -> None:
    plain = (FOLDER / "site" / "components.css").read_bytes()
    for _ in range(2):
        packed = site.visitor().get(STYLES, headers={"Accept-Encoding": "br, gzip"})
        assert gzip.decompress(packed.content) == plain
        names = ("Content-Encoding", "Content-Length", "Content-Type", "Vary")
        assert [packed[name] for name in names] == [
            "gzip",
            str(len(packed.content)),
            'text/css; charset="utf-8"',
            "Accept-Encoding",
        ]
        assert packed["Cache-Control"] == "max-age=315360000, public, immutable"
    assert len(packed.content) < len(plain) / 4


def test_others_get_it_as_it_is(site: Site) -> None:
    plain = (FOLDER / "site" / "components.css").read_bytes()
    whole = site.visitor().get(STYLES)
    assert (b"".join(whole), whole.get("Content-Encoding"), whole["Vary"]) == (plain, None, "Accept-Encoding")
    part = site.visitor().get(STYLES, headers={"Accept-Encoding": "gzip", "Range": "bytes=0-9"})
    assert (part.status_code, b"".join(part)) == (206, plain[:10])
    known = site.visitor().get(STYLES, headers={"Accept-Encoding": "gzip", "If-None-Match": whole["ETag"]})
    assert (known.status_code, b"".join(known)) == (304, b"")


def test_typefaces_are_packed_in_themselves(site: Site) -> None:
    font = site.visitor().get("/static/site/inter-5.3.0-latin.woff2", headers={"Accept-Encoding": "gzip"})
    assert (font.get("Content-Encoding"), b"".join(font)[:4]) == (None, b"wOF2")


def test_a_page_comes_packed_and_never_of_the_same_length(site: Site) -> None:
    insider = site.insider()
    pages = [insider.get("/settings/", headers={"Accept-Encoding": "gzip"}) for _ in range(8)]
    assert {page["Content-Encoding"] for page in pages} == {"gzip"}
    assert len({len(page.content) for page in pages}) > 1
    assert b"<h1" in gzip.decompress(pages[0].content)


def test_a_missing_file_is_missing(site: Site) -> None:
    assert site.visitor().get("/static/site/nothing.css", headers={"Accept-Encoding": "gzip"}).status_code == 404


def test_every_typeface_is_there_and_each_letter_is_in_one_part() -> None:
    tokens = (FOLDER / "site" / "tokens.css").read_text(encoding="utf-8")
    parts = re.findall(r'url\("([^"]+)"\).*?unicode-range: ([^;]+);', tokens, re.DOTALL)
    assert [name for name, _ in parts] == [
        f"inter-5.3.0-{part}.woff2" for part in ("latin", "latin-ext", "greek", "cyrillic", "vietnamese")
    ]
    assert [len(fingerprint(f"site/{name}")) for name, _ in parts] == [8] * 5
    found: dict[str, list[str]] = {letter: [] for letter in "aßŁęşİğřőΩЖїơễ"}
    for name, ranges in parts:
        for each in ranges.split(", "):
            first, _, last = each.removeprefix("U+").partition("-")
            for letter, names in found.items():
                if int(first, 16) <= ord(letter) <= int(last or first, 16):
                    names.append(name.removeprefix("inter-5.3.0-").removesuffix(".woff2"))
    assert {letter: names for letter, names in found.items()} == {
        "a": ["latin"], "ß": ["latin"], "Ł": ["latin-ext"], "ę": ["latin-ext"], "ş": ["latin-ext"], "İ": ["latin-ext"], "ğ": ["latin-ext"],
        "ř": ["latin-ext"], "ő": ["latin-ext"], "Ω": ["greek"], "Ж": ["cyrillic"], "ї": ["cyrillic"], "ơ": ["vietnamese"], "ễ": ["vietnamese"],
    }  # fmt: skip
