"""What stores have: the later count stands whatever order they come in; programs read figures, members words."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.catalog import stocking
from apps.catalog.models import Product, Stock
from apps.catalog.stocking import Count
from apps.core.errors import ValidationFailed
from apps.stores import credentials
from apps.stores.models import Store
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def shop(clock) -> None:
    clock(NOON)
    for sku in ("TEA-01", "TEA-02"):
        Product.objects.create(sku=sku, name=sku)
    for code in ("A", "B", "C"):
        Store.objects.create(code=code, name=code)
    Store.objects.create(code="GONE", name="GONE", is_open=False)


@pytest.fixture
def nobody() -> Caller:
    return Caller()


def program_of(scope: str) -> Caller:
    return Caller(secret=credentials.issue_client(name="store system", scopes=[scope]).secret)


def put(pieces: int, at: timedelta = timedelta(), *, sku: str = "TEA-01", store: str = "A") -> str:
    return stocking.put(Count(sku, store, pieces, NOON + at))[1]


def test_the_later_count_stands_whatever_order_they_come_in():
    said = [put(5), put(3, 2 * MINUTE), put(9, MINUTE), put(3, 2 * MINUTE), put(4, 2 * MINUTE), put(3, 3 * MINUTE)]

    assert said == ["created", "updated", "older", "unchanged", "older", "unchanged"]
    assert list(Stock.objects.values_list("on_hand", "as_of")) == [(3, NOON + 3 * MINUTE)]


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"sku": "NONE", "store": "NONE"}, ["/sku", "/store"]),
        ({"as_of": NOON + timedelta(minutes=5, seconds=1)}, ["/as_of"]),
    ],
)
def test_what_names_nothing_or_comes_from_the_future_is_refused(changes: dict, pointers: list[str]):
    with pytest.raises(ValidationFailed) as refused:
        stocking.put(Count(**({"sku": "TEA-01", "store": "A", "on_hand": 1} | changes)))
    assert [one["pointer"] for one in refused.value.facts["errors"]] == pointers  # type: ignore[attr-defined]
    assert not Stock.objects.exists()


def test_programs_hand_in_and_read_figures_and_members_are_told_words(nobody: Caller):
    program = program_of("catalog.write")
    counts = [("A", 4), ("B", 3), ("C", 0), ("GONE", 9), ("NONE", 1)]
    items = [{"sku": "TEA-01", "store": store, "on_hand": pieces} for store, pieces in counts]
    told = program.post("stock", {"items": items}).data

    assert [line["status"] for line in told["data"]] == ["created"] * 4 + ["failed"]
    assert told["data"][4]["problem"]["errors"][0]["pointer"] == "/store"
    found = program.get("stock?sku=TEA-01&sku=TEA-02")
    assert [(row["store"], row["on_hand"]) for row in found.data] == [("A", 4), ("B", 3), ("C", 0)]
    assert program.get("stock?sku=TEA-01", If_None_Match=found["ETag"]).status_code == 304
    assert [row["on_hand"] for row in program.get("stock?sku=TEA-01&store=B").data] == [3]
    assert program.get("stock").status_code == 422
    assert {row["code"]: row["stock"] for row in nobody.get("stores?sku=TEA-01").data} == {
        "A": "many", "B": "few", "C": "none",
    }  # fmt: skip
    assert {row["stock"] for row in nobody.get("stores?sku=TEA-02").data + nobody.get("stores").data} == {None}
    assert program_of("members.read").get("stock?sku=TEA-01").status_code == 403
