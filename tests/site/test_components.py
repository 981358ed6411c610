"""The component set is what its page says; tokens of both kinds of darkness are alike; pages stay light."""

import gzip
import inspect
import re
from pathlib import Path

import pytest

from kundenkreis.site.assets import FOLDER
from kundenkreis.site.templatetags import components, kreis
from tests.site.conftest import Site

pytestmark = pytest.mark.db

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "components.md").read_text(encoding="utf-8")
LIMIT_BYTES = 150_000
PACKED = {"Accept-Encoding": "gzip"}


def test_every_tag_stands_on_the_page_of_components() -> None:
    named = set(re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", PAGE, re.MULTILINE))
    documented = {name for names in named for name in re.findall(r"`(\w+)`", names)}
    tags = {name for name in components.register.tags if not name.startswith("end")} | {"icon", "mark", "instant"}
    assert tags - documented == set()
    assert tags >= {name for name in kreis.register.tags if name in {"icon", "mark", "instant"}}


def test_every_parameter_of_a_component_stands_there_too() -> None:
    missing = []
    for name, row in re.findall(r"^\| `(\w+)` \| ([^|]*) \|", PAGE, re.MULTILINE):
        function = getattr(components, name, None) or getattr(kreis, name, None)
        if callable(function):
            told = set(re.findall(r"\w+", row))
            wanted = set(inspect.signature(function).parameters) - {"context", "content"}
            missing += [f"{name}: {parameter}" for parameter in wanted - told]
    assert missing == []


def test_dark_by_wish_of_device_or_person_is_the_same() -> None:
    tokens = (FOLDER / "site" / "tokens.css").read_text(encoding="utf-8")
    by_device, by_person = (
        re.findall(r"--[\w-]+: [^;]+;", tokens.split(start)[1].split("}")[0])
        for start in (':root:not([data-theme="light"]) {', ':root[data-theme="dark"] {')
    )
    assert by_device == by_person
    light = re.findall(r"(--[\w-]+): #", tokens.split(":root {")[1].split("}")[0])
    assert [name for name in light if not any(line.startswith(f"{name}:") for line in by_device)] == []


def test_a_page_weighs_less_than_the_limit(site: Site) -> None:
    site.mount()
    insider = site.insider()
    page = insider.get("/status/", headers=PACKED)
    fonts = [
        f"/static/site/{name}"
        for name in re.findall(r'url\("(inter-[^"]+)"', (FOLDER / "site" / "tokens.css").read_text(encoding="utf-8"))
    ]
    files = {*fonts, *re.findall(r'(?:href|src)="(/static/[^"]+)"', gzip.decompress(page.content).decode())}
    weights = [len(page.content), *(len(b"".join(insider.get(file, headers=PACKED))) for file in files)]
    assert (len(weights) > 12, sum(weights) < LIMIT_BYTES) == (True, True), weights
