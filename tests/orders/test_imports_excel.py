"""The same orders as an Excel workbook: taken in as from CSV, by command, whatever the file is called."""

from datetime import date, datetime
from pathlib import Path

import pytest

from apps.core import clock
from apps.orders.imports import run as run_module
from apps.orders.models import ImportRun, Line, Order, Refund
from tests.orders.files import TABLES, figures, import_file, rejected
from tests.workbooks_made import DAY, MOMENT, workbook

# ruff: noqa: DTZ001 - cells hold wall clocks
pytestmark = pytest.mark.django_db
HEADER = [
    "order_no",
    "member_no",
    "paid_at",
    "total",
    "sku",
    "product",
    "category",
    "quantity",
    "line_total",
    "refunded_at",
]
PAID = (datetime(2026, 10, 22, 10, 32, 5), MOMENT)
ROWS = [
    [20261022001, "M1", PAID, 128.5, "T1", "春茶", "茶", 1, 98.5, None],
    [20261022001, "M1", PAID, 128.5, "C7", "茶杯", "器具", 2, 30, None],
    [
        "A-2",
        20001,
        (date(2026, 10, 23), DAY),
        (45.1, "¥#,##0.00"),
        None,
        None,
        "零食",
        1.5,
        None,
        (date(2026, 10, 30), DAY),
    ],
]


@pytest.mark.parametrize("is_inline", [False, True])
def test_orders_come_in_from_a_workbook(tmp_path: Path, is_inline: bool):
    result = import_file(tmp_path, workbook([HEADER, *ROWS], is_inline=is_inline))

    assert figures(result) == {
        "rows": 3, "orders_added": 2, "orders_known": 0, "lines_added": 3, "members_added": 2, "refunds_added": 1, "rejected": 0,
    }  # fmt: skip
    shop = clock.day_start(date(2026, 10, 22)).tzinfo
    assert list(
        Order.objects.order_by("pk").values_list("order_no", "member__member_no", "total_cents", "paid_at")
    ) == [
        ("20261022001", "M1", 12_850, datetime(2026, 10, 22, 10, 32, 5, tzinfo=shop)),
        ("A-2", "20001", 4_510, datetime(2026, 10, 23, tzinfo=shop)),
    ]
    assert list(Line.objects.order_by("order_id", "line_no").values_list("product__sku", "quantity", "total_cents")) == [
        ("T1", 1, 9_850), ("C7", 2, 3_000), ("category:零食", 1.5, 4_510),
    ]  # fmt: skip
    assert Refund.objects.get().refunded_at == datetime(2026, 10, 30, 23, 59, 59, tzinfo=shop)


def test_the_same_workbook_again_and_the_same_rows_as_csv_change_nothing(tmp_path: Path):
    content = workbook([HEADER, *ROWS])
    import_file(tmp_path, content)
    before = [list(model.objects.order_by("pk").values()) for model in TABLES]

    assert figures(import_file(tmp_path, content))["orders_known"] == 2
    csv = "order_no,member_no,paid_at,total,category,quantity,refunded_at\nA-2,20001,2026-10-23,45.10,零食,1.5,2026-10-30\n"
    assert figures(import_file(tmp_path, csv))["orders_known"] == 1

    assert [list(model.objects.order_by("pk").values()) for model in TABLES] == before


def test_a_dry_run_counts_and_writes_nothing(tmp_path: Path):
    result = import_file(tmp_path, workbook([HEADER, *ROWS]), "--dry-run")
    assert (result["orders_added"], Order.objects.count(), ImportRun.objects.count()) == (2, 0, 0)


def test_rejected_rows_have_the_numbers_that_excel_shows(tmp_path: Path):
    rows = [
        [],
        HEADER[:4],
        ["A1", "M1", PAID, 10],
        [],
        ["A2", "M1", "yesterday", 10],
        [2.026112200000001e19, "M1", PAID, 10],
        ["A3", "M1", PAID, 10, None, "beside"],
        ["A4", "M1", PAID, 10.005],
    ]
    result = import_file(tmp_path, workbook([*rows]))
    assert figures(result)["orders_added"] == 1
    assert [row[:3] for row in rejected(result)] == [
        ("5", "paid_at", "time_unreadable"),
        ("6", "", "digits_lost"),
        ("7", "", "column_count"),
        ("8", "total", "amount_decimals"),
    ]


def test_sheets_that_were_not_read_are_named(tmp_path: Path):
    result = import_file(tmp_path, workbook([HEADER, *ROWS], [["notes"]]))
    assert [notice["columns"] for notice in result["notices"] if notice["code"] == "sheets_ignored"] == [["Sheet2"]]


def test_an_import_killed_in_the_middle_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rows = [[f"A{n}", f"M{n}", PAID, n + 0.5] for n in range(60)]
    content = workbook([HEADER[:4], *rows])
    merge, done = run_module.merging.merge, []
    monkeypatch.setattr(run_module.merging, "FIRST_CHUNK", 20)
    monkeypatch.setattr(run_module.merging, "CHUNK", 20)

    def killed(**values: object) -> object:
        if done:
            raise KeyboardInterrupt
        done.append(values)
        return merge(**values)

    monkeypatch.setattr(run_module.merging, "merge", killed)
    with pytest.raises(KeyboardInterrupt):
        import_file(tmp_path, content)
    assert 0 < Order.objects.count() < 60

    monkeypatch.setattr(run_module.merging, "merge", merge)
    result = import_file(tmp_path, content)
    assert (Order.objects.count(), result["orders_added"] + result["orders_known"]) == (60, 60)
    assert sum(Order.objects.values_list("total_cents", flat=True)) == sum(100 * n + 50 for n in range(60))
