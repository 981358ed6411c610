"""`bucket`: the stable hash of the person falls in [from, to), in hundredths of a percent."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.hashing import BUCKETS, bucket_of
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.leaf import Leaf
from kundenkreis.segments.core.protocol import Condition, Known
from kundenkreis.segments.errors import DefinitionError


class BucketConfig(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, rename={"from_": "from"}
):
    """From (included), to (excluded), and the salt that names the draw."""

    from_: int
    to: int
    salt: str = ""


class InBucket(Leaf):
    """Chance is a hash of the bucket key; only a merge gives a person another one."""

    __slots__ = ("_from", "_salt", "_to")

    def __init__(self, config: BucketConfig) -> None:
        super().__init__("bucket", config, reads=("merge",))
        self._from, self._to, self._salt = config.from_, config.to, config.salt

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether it falls there, NEVER)."""
        return self._from <= bucket_of(state.bucket_key, self._salt) < self._to, NEVER

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The bucket."""
        return {"bucket": bucket_of(state.bucket_key, self._salt)}


class BucketKind:
    """The kind `bucket`."""

    kind = "bucket"
    label: ClassVar[Mapping[str, str]] = {"de": "Zufallsgruppe", "en": "Random group"}
    config = BucketConfig

    def compile(self, config: BucketConfig, *, zone: Zone, known: Known) -> Condition:
        """A share of all people."""
        if not 0 <= config.from_ < config.to <= BUCKETS:
            raise DefinitionError(("to",), f"A bucket lies in [from, to) with 0 <= from < to <= {BUCKETS}.")
        return InBucket(config)


KIND = BucketKind()
