"""What steps say of themselves: no internal names where a shipped journey uses them."""

from kundenkreis.journeys.steps.branch import BranchConfig, tell_branch
from kundenkreis.journeys.steps.set_attribute import SetAttributeConfig, tell_set_attribute
from kundenkreis.journeys.steps.split import PartConfig, SplitConfig, tell_split
from kundenkreis.journeys.steps.telling import joined, readable


def name_of(kind: str, name: str, language: str) -> str:
    return name


def test_ways_are_told_in_words() -> None:
    ways = [BranchConfig(id="used"), BranchConfig(id="unused"), BranchConfig(id="b"), BranchConfig(id="my_own")]
    assert tell_branch(ways, name_of) == {
        "de": "eingelöst / nicht eingelöst / B / my own", "en": "redeemed / not redeemed / B / my own",
    }  # fmt: skip
    assert joined([]) == {"de": "", "en": ""}
    assert readable("expires_at") == {"de": "Ablauf", "en": "expiry"}


def test_shares_are_written_as_each_language_does() -> None:
    parts = [PartConfig(id="a", percent=12.5), PartConfig(id="newcomer", percent=87.5)]
    assert tell_split(SplitConfig(parts=parts), name_of) == {
        "de": "A 12,5 % / noch kein Kunde 87,5 %", "en": "A 12.5% / not a customer yet 87.5%",
    }  # fmt: skip


def test_attributes_and_their_values_are_told_in_words() -> None:
    told = [
        tell_set_attribute(SetAttributeConfig(name="winback_reason", value=value), name_of)["de"]
        for value in ("no_need", None, True, False, ["x"], 3)
    ]
    name = "Grund fürs Fernbleiben"
    assert told == [
        f"{name}: braucht gerade nichts", f"{name}: –", f"{name}: ja", f"{name}: nein", f"{name}: ['x']", f"{name}: 3",
    ]  # fmt: skip
