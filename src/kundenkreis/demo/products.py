"""Readable names for products and categories: no raw, shouting code of the data reaches a reader.

A product is named by its category, its kind of brand and its package: "Joghurt, Eigenmarke, 6 oz". The data has neither
product names nor brands, only "Private" (the shop's own) and "National".
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from kundenkreis.demo.tables import Ints, read

LANGUAGES = ("de", "en")
FUEL = "FUEL"
_GASOLINE = "GASOLINE-REG UNLEADED"
"""Product type of fuel sales; the data files most of them under "COUPON/MISC ITEMS"."""

_UNITS = {
    "OZ": ("oz", "oz"),
    "LB": ("lb", "lb"),
    "ML": ("ml", "ml"),
    "L": ("l", "l"),
    "CT": ("Stück", "pieces"),
    "PK": ("Packungen", "packs"),
    "PC": ("Teile", "pieces"),
    "QT": ("qt", "qt"),
    "PT": ("pt", "pt"),
    "GAL": ("gal", "gal"),
    "GA": ("gal", "gal"),
    "SQ FT": ("sq ft", "sq ft"),
    "FT": ("ft", "ft"),
    "IN": ("in", "in"),
    "FL OZ": ("fl oz", "fl oz"),
    "STEM": ("Stiele", "stems"),
    "LOADS": ("Waschladungen", "loads"),
    "LOAD": ("Waschladungen", "loads"),
    "DZ": ("Dutzend", "dozen"),
    "ROLL": ("Rollen", "rolls"),
}
"""Package units that read well; a package written any other way is left out of the name."""
_ONE = {
    "Packungen": "Packung",
    "Teile": "Teil",
    "Stiele": "Stiel",
    "Waschladungen": "Waschladung",
    "Rollen": "Rolle",
    "pieces": "piece",
    "packs": "pack",
    "stems": "stem",
    "loads": "load",
    "rolls": "roll",
}
_PACKAGE = re.compile(r"(\d+(?:\.\d+)?) +([A-Z ]+)")
_OWN_BRAND = ("Eigenmarke", "own brand")


@cache
def categories() -> dict[str, dict[str, str]]:
    """Raw category -> {"de": ..., "en": ...}; "" names the products that have none."""
    text = resources.files("kundenkreis.demo").joinpath("categories.json").read_text(encoding="utf-8")
    names: dict[str, dict[str, str]] = json.loads(text)
    return names


def category_name(raw: str | None, language: str = "de") -> str:
    """The readable name of a raw category."""
    return categories()[raw or ""][language]


def package_name(raw: str | None, language: str) -> str:
    """A package as people write it: "16 OZ" as "16 oz", "6 CT" as "6 Stück"; "" where that would not read."""
    found = _PACKAGE.fullmatch(raw.strip()) if raw else None
    unit = _UNITS.get(found[2].strip()) if found else None
    if found is None or unit is None:
        return ""
    word = unit[LANGUAGES.index(language)]
    number = found[1].replace(".", ",") if language == "de" else found[1]
    return f"{number} {_ONE.get(word, word) if number == '1' else word}"


@cache  # some thousand of them name all ninety thousand products
def product_name(category: str, brand: str | None, package: str | None, language: str) -> str:
    """Category, "Eigenmarke" for the shop's own brand, package size: as many of the three as are known."""
    own = _OWN_BRAND[LANGUAGES.index(language)] if brand == "Private" else ""
    parts = (category_name(category, language), own, package_name(package, language))
    return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Products:
    """Every product of the data, sorted by id."""

    ids: Ints
    category: list[str]
    """Raw category; "" where unknown, FUEL for every kind of fuel."""
    brand: list[str | None]
    package: list[str | None]

    def index(self, wanted: Ints) -> Ints:
        """Positions of product ids; 17 sold products that the product table lacks point to the last, nameless entry."""
        found = np.searchsorted(self.ids[:-1], wanted)
        found[found == len(self.ids) - 1] = 0
        return np.where(self.ids[found] == wanted, found, len(self.ids) - 1)

    def names(self, language: str) -> list[str]:
        """The name of every product, in order."""
        rows = zip(self.category, self.brand, self.package, strict=True)
        return [product_name(category, brand, package, language) for category, brand, package in rows]


@cache
def products() -> Products:
    """The product table, with one nameless entry (id 0) at its end."""
    rows = read("products", ["product_id", "brand", "product_category", "product_type", "package_size"])
    order = np.argsort(rows["product_id"], kind="stable").tolist()
    kinds = [FUEL if rows["product_type"][i] == _GASOLINE else rows["product_category"][i] or "" for i in order]
    return Products(
        ids=np.append(rows["product_id"][order], 0),
        category=[*kinds, ""],
        brand=[*(rows["brand"][i] for i in order), None],
        package=[*(rows["package_size"][i] for i in order), None],
    )
