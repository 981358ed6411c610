import pytest

from kundenkreis.demo.products import FUEL, categories, package_name, product_name, products

pytestmark = pytest.mark.pure


def test_every_category_is_named_in_both_languages() -> None:
    names = categories()
    assert set(products().category) - set(names) == set()
    assert {key for key, name in names.items() if set(name) != {"de", "en"}} == set()
    assert len(names) == 304


def test_category_names_are_distinct_and_do_not_shout() -> None:
    names = categories().values()
    for language in ("de", "en"):
        texts = [name[language] for name in names]
        assert len(set(texts)) == len(texts)
        assert [text for text in texts if text.isupper() or not text.strip() or "/" in text] == []


@pytest.mark.parametrize(
    ("raw", "german", "english"),
    [
        ("16 OZ", "16 oz", "16 oz"),
        ("14.5 OZ", "14,5 oz", "14.5 oz"),
        ("6 CT", "6 Stück", "6 pieces"),
        ("1 PK", "1 Packung", "1 pack"),
        ("12 PK/12 OZ", "", ""),
        ("P    10 OZ", "", ""),
        (None, "", ""),
    ],
)
def test_package_is_named_only_where_it_reads_well(raw: str | None, german: str, english: str) -> None:
    assert (package_name(raw, "de"), package_name(raw, "en")) == (german, english)


def test_product_name_is_composed_of_what_is_known() -> None:
    assert product_name("SOFT DRINKS", "Private", "2 L", "de") == "Erfrischungsgetränke, Eigenmarke, 2 l"
    assert product_name("SOFT DRINKS", "National", None, "en") == "Soft drinks"
    assert product_name("", None, None, "de") == "Verschiedenes"


def test_fuel_is_a_category_of_its_own() -> None:
    catalogue = products()
    assert catalogue.category[int(catalogue.index(catalogue.ids[:1] * 0 + 6534178)[0])] == FUEL


def test_unknown_products_point_to_the_nameless_entry() -> None:
    catalogue = products()
    wanted = catalogue.ids[:2].copy()
    wanted[0] = 926775
    assert catalogue.index(wanted).tolist() == [len(catalogue.ids) - 1, 1]
