"""A file of orders comes in once, whole or not at all per order, and says what it did."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from apps.catalog.models import Product
from apps.events.models import Event
from apps.members import departures, services
from apps.members.models import Identity, Member
from apps.orders.models import Change, ImportRun, Line, Order, Refund
from apps.stores.models import Staff, Store
from tests.orders.files import TABLES, figures, import_file, rejected

pytestmark = pytest.mark.django_db
HEADER = "order_no,member_no,paid_at,total\n"
LINES = "order_no,member_no,paid_at,total,store,staff,channel,sku,product,category,quantity,line_total,discount,refunded_at\n"
NOON = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)


def test_orders_members_lines_and_lists_come_in(tmp_path):
    result = import_file(
        tmp_path,
        LINES
        + "A1,M1,2026-11-01 12:00:00,30.50,S1,G1,till,T1,春茶,茶,1.5,20.50,2.00,\n"
        + "A1,M1,2026-11-01 12:00:00,30.50,S1,G1,till,T2,茶杯,,1,10.00,,\n"
        + "A2,M2,2026-11-01 12:00:00,8,,,,,,零食,,,,\n",
    )

    assert figures(result) == {
        "rows": 3, "orders_added": 2, "orders_known": 0, "lines_added": 3, "members_added": 2, "refunds_added": 0,
        "rejected": 0,
    }  # fmt: skip
    order = Order.objects.get(order_no="A1")
    assert (order.source, order.status, order.total_cents, order.channel) == ("import", "paid", 3_050, "till")
    assert (order.paid_at, order.created_at, order.member.member_no) == (NOON, NOON, "M1")
    assert (order.store.code, order.guide.code) == ("S1", "G1")
    lines = order.lines.order_by("line_no").values_list(
        "line_no", "product__name", "product__category__name", "quantity", "total_cents", "discount_cents"
    )
    assert list(lines) == [(1, "春茶", "茶", Decimal("1.5"), 2_050, 200), (2, "茶杯", None, Decimal(1), 1_000, 0)]
    assert Product.objects.get(category__name="零食").sku == "category:零食"
    assert Line.objects.get(order__order_no="A2").total_cents == 800
    assert set(Change.objects.values_list("member__member_no", "due_at")) == {("M1", NOON), ("M2", NOON)}
    assert set(Member.objects.values_list("member_no", "source", "joined_at")) == {
        ("M1", "import", NOON), ("M2", "import", NOON),
    }  # fmt: skip
    assert [notice["code"] for notice in result["notices"]] == ["stores_added", "staff_added", "products_added"]


def test_history_stores_no_facts(tmp_path):
    import_file(tmp_path, HEADER + "A1,M1,2026-11-01 12:00:00,10\n")

    assert Event.objects.exists() is False


def test_the_same_file_again_changes_nothing(tmp_path):
    content = LINES + "A1,M1,2026-11-01 12:00:00,30,S1,,,T1,,,,,,2026-11-03\nA2,M2,2026-11-01,5,,,,,,,,,,\n"
    import_file(tmp_path, content)
    before = {table: table.objects.count() for table in TABLES}

    result = import_file(tmp_path, content)

    assert figures(result) == {
        "rows": 2, "orders_added": 0, "orders_known": 2, "lines_added": 0, "members_added": 0, "refunds_added": 0,
        "rejected": 0,
    }  # fmt: skip
    assert {table: table.objects.count() for table in TABLES} == before
    assert before[Refund] == 1
    assert result["notices"] == []


def test_a_dry_run_counts_the_same_and_writes_nothing(tmp_path):
    import_file(tmp_path, LINES + "A0,M0,2026-11-01,5,,,,,,,,,,\n")
    content = LINES + (
        "A0,M0,2026-11-01,5,,,,,,,,,,2026-11-04\nA1,M1,2026-11-01,30,S1,G1,,T1,,c,,,,\nA2,M1,2026-11-01,5,,,,,,,,,,2026-11-02\n"
        "A3,M3,never,5,,,,,,,,,,\nA0,M0,2026-11-01,5,,,,,,,,,,2026-11-04\n"
    )
    before = {table: table.objects.count() for table in TABLES}

    rehearsed = import_file(tmp_path, content, "--dry-run")
    assert {table: table.objects.count() for table in TABLES} == before
    assert ImportRun.objects.count() == 1
    done = import_file(tmp_path, content)

    assert rehearsed["dry_run"] is True
    assert figures(rehearsed) == figures(done)
    assert rehearsed["notices"] == done["notices"]
    assert figures(done)["refunds_added"] == 2


def test_a_known_order_refunded_since_gets_its_refund_once(tmp_path):
    import_file(tmp_path, HEADER + "A1,M1,2026-11-01 12:00:00,10\n")
    Change.objects.all().delete()
    later = "order_no,member_no,paid_at,total,refunded_at\nA1,M1,2026-11-01 12:00:00,10,2026-11-05 09:00:00\n"

    first, second = import_file(tmp_path, later), import_file(tmp_path, later)

    assert (first["refunds_added"], first["orders_known"], second["refunds_added"]) == (1, 1, 0)
    assert list(Refund.objects.values_list("amount_cents", "refunded_at")) == [
        (1_000, datetime(2026, 11, 5, 1, 0, tzinfo=UTC))
    ]
    assert Order.objects.get().refunded_cents == 1_000
    assert list(Change.objects.values_list("due_at", flat=True)) == [datetime(2026, 11, 5, 1, 0, tzinfo=UTC)]


def test_live_orders_store_facts_once_in_order_of_payment(tmp_path):
    import_file(tmp_path, HEADER + "A0,M1,2026-11-01 11:00:00,10\n")
    content = "order_no,member_no,paid_at,total,refunded_at\n" + (
        "A2,M1,2026-11-02 12:00:00,10,2026-11-03 12:00:00\nA1,M1,2026-11-01 12:00:00,10,\nA0,M1,2026-11-01 11:00:00,10,\n"
    )

    import_file(tmp_path, content, "--live")
    import_file(tmp_path, content, "--live")

    member, order = Member.objects.get(), {order.order_no: order.pk for order in Order.objects.all()}
    assert list(Event.objects.order_by("pk").values_list("name", "lane", "payload")) == [
        ("order.paid", f"member:{member.pk}", {"order_id": order["A1"], "member_id": member.pk}),
        ("order.paid", f"member:{member.pk}", {"order_id": order["A2"], "member_id": member.pk}),
        (
            "order.refunded", f"member:{member.pk}",
            {"order_id": order["A2"], "member_id": member.pk, "refund_id": Refund.objects.get().pk},
        ),
    ]  # fmt: skip
    assert Event.objects.filter(key=f"order.paid:{order['A1']}").exists()


def test_one_bad_row_rejects_its_order_and_no_other(tmp_path):
    result = import_file(
        tmp_path,
        "order_no,member_no,paid_at,total,line_total\n"
        "A1,M1,2026-11-01,30,10\nA1,M1,2026-11-01,30,abc\nA2,M2,2026-11-01,5,5\n",
    )

    assert [order.order_no for order in Order.objects.all()] == ["A2"]
    assert set(Member.objects.values_list("member_no", flat=True)) == {"M2"}
    assert rejected(result) == [
        ("2", "order_no", "order_incomplete", "A1"), ("3", "line_total", "amount_unreadable", "abc"),
    ]  # fmt: skip
    assert result["rejected"] == 2


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (",M1,2026-11-01,5", "order_no", "value_missing"),
        ("A1, ,2026-11-01,5", "member_no", "value_missing"),
        ("A1,M1,,5", "paid_at", "value_missing"),
        ("A1,M1,2026-11-01,", "total", "value_missing"),
        ("A1,M1,yesterday,5", "paid_at", "time_unreadable"),
        ("A1,M1,now,5", "paid_at", "time_unreadable"),
        ("A1,M1,46348.43,5", "paid_at", "time_unreadable"),
        ("A1,M1,2026-02-30,5", "paid_at", "time_unreadable"),
        ("A1,M1,2026-11-01 25:00,5", "paid_at", "time_unreadable"),
        ("A1,M1,1999-12-31,5", "paid_at", "time_out_of_range"),
        ("A1,M1,2126-01-01,5", "paid_at", "time_out_of_range"),
        ("A1,M1,03/04/2026,5", "paid_at", "time_ambiguous"),
        ("A1,M1,2026-11-01,-5", "total", "amount_negative"),
        ("A1,M1,2026-11-01,5.001", "total", "amount_decimals"),
        ("A1,M1,2026-11-01,1E+3", "total", "amount_unreadable"),
        ("A1,M1,2026-11-01,NaN", "total", "amount_unreadable"),
        ("A1,M1,2026-11-01,999999999999999", "total", "amount_unreadable"),
        ("A1,M1,2026-11-01", "", "column_count"),
        ("A1,M1,2026-11-01,5,6", "", "column_count"),
        ("A1,M\0001,2026-11-01,5", "", "nul_character"),
        ("A" * 65 + ",M1,2026-11-01,5", "order_no", "cell_too_long"),
        ("A1," + "M" * 1_000_000 + ",2026-11-01,5", "member_no", "cell_too_long"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_reason(tmp_path, row, column, code):
    result = import_file(tmp_path, HEADER + "B1,M9,2026-11-01,7\n" + row + "\n")

    assert [(line, where, why) for line, where, why, _ in rejected(result)] == [("3", column, code)]
    assert [order.order_no for order in Order.objects.all()] == ["B1"]


@pytest.mark.parametrize(
    ("columns", "row", "column", "code"),
    [
        ("refunded_at", "2026-10-31", "refunded_at", "refund_before_payment"),
        ("quantity", "0", "quantity", "quantity_unreadable"),
        ("quantity", "-1", "quantity", "quantity_unreadable"),
        ("discount", "-1", "discount", "amount_negative"),
        ("line_total", "x", "line_total", "amount_unreadable"),
    ],
)
def test_a_bad_optional_cell_is_named(tmp_path, columns, row, column, code):
    result = import_file(tmp_path, f"order_no,member_no,paid_at,total,{columns}\nA1,M1,2026-11-01,5,{row}\n")

    assert rejected(result) == [("2", column, code, row)]
    assert Order.objects.exists() is False
    assert Member.objects.exists() is False


def test_one_number_with_other_amounts_in_a_file_is_rejected(tmp_path):
    result = import_file(tmp_path, HEADER + "A1,M1,2026-11-01,5\nA1,M1,2026-11-01,6\n")

    assert rejected(result) == [
        ("2", "order_no", "order_incomplete", "A1"), ("3", "total", "order_rows_disagree", "6"),
    ]  # fmt: skip
    assert Order.objects.exists() is False


def test_a_row_written_twice_counts_once(tmp_path):
    result = import_file(tmp_path, HEADER + "A1,M1,2026-11-01,5\nA1,M1,2026-11-01,5\n")

    assert (result["orders_added"], result["lines_added"], result["rejected"]) == (1, 1, 0)
    assert [(notice["code"], notice["count"]) for notice in result["notices"]] == [("rows_repeated", 1)]


def test_several_lines_need_their_amounts(tmp_path):
    result = import_file(tmp_path, "order_no,member_no,paid_at,total,sku\nA1,M1,2026-11-01,5,x\nA1,M1,2026-11-01,5,y\n")

    assert {code for _, _, code, _ in rejected(result)} == {"line_total_missing"}
    assert Order.objects.exists() is False


def test_one_number_for_all_rows_is_a_mistake_not_an_order(tmp_path):
    result = import_file(tmp_path, "order_no,member_no,paid_at,total,line_total\n" + "A1,M1,2026-11-01,5,1\n" * 10_001)

    assert (result["rejected"], rejected(result)[-1][2]) == (10_001, "order_too_long")
    assert Order.objects.exists() is False


@pytest.mark.parametrize(
    ("row", "column"),
    [("A1,M1,2026-11-01,6", "total"), ("A1,M2,2026-11-01,5", "member_no"), ("A1,M1,2026-11-02,5", "paid_at")],
)
def test_a_known_number_with_other_content_is_rejected(tmp_path, row, column):
    import_file(tmp_path, HEADER + "A1,M1,2026-11-01,5\n")

    result = import_file(tmp_path, HEADER + row + "\n")

    assert [(where, code) for _, where, code, _ in rejected(result)] == [(column, "order_number_reused")]
    assert Order.objects.get().total_cents == 500
    assert list(Member.objects.values_list("member_no", flat=True)) == ["M1"]


def test_the_same_number_under_another_source_is_another_order(tmp_path):
    import_file(tmp_path, HEADER + "A1,M1,2026-11-01,5\n")
    result = import_file(tmp_path, HEADER + "A1,M1,2026-11-01,6\n", "--source", "pos")

    assert result["orders_added"] == 1


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-22 10:32:05", "2026/11/22 10:32:05", "20261122103205", "2026-11-22T10:32:05+08:00",
        "2026年11月22日 10:32:05", "2026年11月22日10时32分05秒", "2026-11-22T02:32:05Z", "22/11/2026 10:32:05",
        "11/22/2026 10:32:05", "\u3000 2026-11-22 10:32:05",
        "2026-11-22 10:32:05+08", "2026-11-22 2:32:05 Z", "2026-11-21T18:32:05-0800",
    ],
)  # fmt: skip
def test_dates_in_many_spellings(tmp_path, written):
    import_file(tmp_path, HEADER + f"A1,M1,{written},5\n")

    assert Order.objects.get().paid_at == datetime(2026, 11, 22, 2, 32, 5, tzinfo=UTC)


def test_one_clear_date_tells_day_and_month_apart_for_the_whole_file(tmp_path):
    import_file(tmp_path, HEADER + "A1,M1,03/04/2026,5\nA2,M1,22/04/2026,5\n")

    assert Order.objects.get(order_no="A1").paid_at == datetime(2026, 4, 2, 16, 0, tzinfo=UTC)


def test_contradicting_dates_leave_day_and_month_open(tmp_path):
    result = import_file(tmp_path, HEADER + "A1,M1,13/04/2026,5\nA2,M1,04/13/2026,5\n")

    assert {code for _, _, code, _ in rejected(result)} == {"time_ambiguous"}


@pytest.mark.parametrize("written", ["1234.5", "¥1,234.50", "￥1234.50", " 1234.500 "])
def test_amounts_in_many_spellings(tmp_path, written):
    import_file(tmp_path, HEADER + f'A1,M1,2026-11-01,"{written}"\n')

    assert Order.objects.get().total_cents == 123_450


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(), lambda text: b"\xef\xbb\xbf" + text.encode(), lambda text: text.encode("gb18030"),
        lambda text: gzip.compress(text.encode("gb18030")), lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: gzip.compress(text[:40].encode()) + gzip.compress(text[40:].encode()),
    ],
    ids=["utf-8", "bom", "gb18030", "gzip", "crlf", "gzip in parts"],
)  # fmt: skip
def test_encodings_and_packing_are_known_by_content(tmp_path, encode):
    text = "Paid_At, TOTAL ,order_no,member_no,product,remark\n" + '2026-11-01,5,A1,M1,"龙井, ""特级""\n二两",好\n'

    result = import_file(tmp_path, encode(text))

    assert (result["orders_added"], result["rejected"]) == (1, 0)
    assert Product.objects.get().name.replace("\r", "") == '龙井, "特级"\n二两'
    assert result["notices"][0]["columns"] == ["remark"]


def test_lines_are_counted_as_an_editor_counts_them(tmp_path):
    result = import_file(
        tmp_path,
        "order_no,member_no,paid_at,total,product\r\n"
        'A1,M1,2026-11-01,5,"two\r\nlines"\r\n\r\n,,,,\r\nA2,M1,2026-11-01,x,"and\r\n\\.\r\n"\r\n',
    )

    assert rejected(result) == [("6", "total", "amount_unreadable", "x")]
    assert (result["rows"], result["orders_added"]) == (2, 1)


def test_a_formula_is_a_text_and_harmless_in_the_rejects(tmp_path):
    result = import_file(
        tmp_path,
        "order_no,member_no,paid_at,total,product\n=1+1,M1,2026-11-01,5,=cmd|' /C calc'!A0\nA2,M1,=1+1,5,\n",
    )

    assert Order.objects.get().order_no == "=1+1"
    assert Product.objects.get().name == "=cmd|' /C calc'!A0"
    assert rejected(result) == [("3", "paid_at", "time_unreadable", "'=1+1")]


def test_phones_are_sealed_and_bad_ones_are_noticed(tmp_path):
    result = import_file(
        tmp_path,
        "order_no,member_no,paid_at,total,phone\nA1,M1,2026-11-01,5,13800138000\nA2,M2,2026-11-01,5,12\n"
        "A3,M3,2026-11-01,5,138 0013 8000\nA4,M1,2026-11-02,5,13800138000\n",
    )

    assert (result["orders_added"], result["rejected"]) == (4, 0)
    assert list(Identity.objects.values_list("member__member_no", "kind")) == [("M1", "phone")]
    assert [(notice["code"], notice["count"]) for notice in result["notices"]] == [
        ("phone_invalid", 1), ("phone_taken", 1),
    ]  # fmt: skip


def test_existing_stores_staff_members_and_products_are_used(tmp_path, member, store, guide, tea):
    import_file(tmp_path, LINES + "A1,M1,2026-11-01,5,S1,G1,,T1,another name,另类,,,,\n")

    order = Order.objects.get()
    assert (order.member_id, order.store_id, order.guide_id) == (member.pk, store.pk, guide.pk)
    assert order.lines.get().product.name == "春茶"
    assert (Store.objects.count(), Staff.objects.count(), Product.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"  \n\n", "file_empty"),
        (HEADER.encode(), "file_empty"),
        ((HEADER + ",,,\n").encode(), "file_empty"),
        (b"order_no,member_no,total\nA1,M1,5\n", "columns_missing"),
        (b"order_no;member_no;paid_at;total\nA1;M1;2026-11-01;5\n", "columns_missing"),
        (b"order_no,member_no,paid_at,total,Total\nA1,M1,2026-11-01,5,5\n", "column_twice"),
        (b"PK\x03\x04" + b"\x14\0\x06\0" * 100, "workbook_broken"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "file_is_excel"),
        (gzip.compress(b"PK\x03\x04 xlsx", mtime=0), "file_is_excel"),
        ((HEADER + "A1,M1,2026-11-01,5\n").encode("utf-16"), "encoding_utf16"),
        ((HEADER + "A1,M1,2026-11-01,5\n").encode("utf-16-le"), "encoding_utf16"),
        ((HEADER + "A1,M1,2026-11-01,5\n").encode() + b"A2,M\xff\xff,2026-11-01,5\n", "encoding_unknown"),
        ((HEADER + "A1,林溪,2026-11-01,5\n").encode() + b"A2,M\xc4,2026-11-01,5\n", "encoding_unknown"),
        (gzip.compress((HEADER + "A1,M1,2026-11-01,5\n").encode(), mtime=0)[:-9], "gzip_broken"),
        (gzip.compress((HEADER + "A1,M1,2026-11-01,5\n" * 99).encode(), mtime=0)[:30] + b"rubbish" * 9, "gzip_broken"),
        ((HEADER + 'A1,"M1,2026-11-01,5\n').encode() + b"A2,M2,2026-11-01,5\n" * 150_000, "quote_not_closed"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_refused_whole(tmp_path, capsys, content, code):
    path = tmp_path / "orders.csv"
    path.write_bytes(content)

    with pytest.raises(SystemExit) as end:
        call_command("import_orders", str(path), "--json")

    said = json.loads(capsys.readouterr().out)
    assert (end.value.code, said["code"]) == (1, code)
    assert len(said["title"]) > 10
    assert "%(" not in said["title"]
    assert [table.objects.count() for table in TABLES] == [0] * len(TABLES)
    assert [name.name for name in tmp_path.iterdir()] == ["orders.csv"]


def test_a_file_that_is_not_there_is_refused(capsys, db):
    with pytest.raises(SystemExit):
        call_command("import_orders", "/nowhere/orders.csv", "--json")

    assert json.loads(capsys.readouterr().out)["code"] == "file_missing"


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(tmp_path, settings, capsys):
    settings.IMPORT_MAX_BYTES = 5_000_000
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(HEADER.encode() + b"A1,M1,2026-11-01,5\n" * 300_000))

    with pytest.raises(SystemExit):
        call_command("import_orders", str(path), "--json")

    assert json.loads(capsys.readouterr().out)["code"] == "file_too_large"
    assert Order.objects.exists() is False


def test_a_person_reads_a_sentence(tmp_path, capsys):
    path = Path(tmp_path / "orders.csv")
    path.write_text(HEADER + "A1,M1,2026-11-01,5\nA2,M1,x,5\n")

    call_command("import_orders", str(path))

    said = capsys.readouterr().out
    assert str(tmp_path / "orders.rejected.csv") in said
    assert oct((tmp_path / "orders.rejected.csv").stat().st_mode)[-3:] == "600"


def test_the_run_is_kept(tmp_path):
    import_file(tmp_path, HEADER + "A1,M1,2026-11-01,5\nA2,M1,x,5\n")

    run = ImportRun.objects.get()
    assert (run.file_name, run.rows, run.rejected, run.orders_added, run.members_added) == ("orders.csv", 2, 1, 1, 1)
    assert run.finished_at is not None
    assert len(run.digest) == 64


def test_orders_of_somebody_who_was_erased_make_no_member_of_them(tmp_path):
    gone = services.register(source="portal", member_no="V7", phone="17000000007")
    departures.remember(member_id=gone, was_blocked=False)
    Identity.objects.filter(member_id=gone).delete()
    Member.objects.filter(pk=gone).update(member_no=f"erased-{gone}", status="erased")
    content = (
        "order_no,member_no,paid_at,total,phone,refunded_at\n"
        "O-1,V7,2026-01-01,10,,2026-01-02\nO-2,V8,2026-01-01,20,17000000007,\n"
    )

    rehearsed = import_file(tmp_path, content, "--dry-run")
    result = import_file(tmp_path, content)

    assert [row[:3] for row in rejected(result)] == [("2", "member_no", "member_left")]
    names = ("orders_added", "members_added", "refunds_added")
    assert [result[name] for name in names] == [rehearsed[name] for name in names] == [1, 1, 0]
    assert list(Member.objects.exclude(pk=gone).values_list("member_no", flat=True)) == ["V8"]
    assert not Identity.objects.exists(), "the phone of who left is nobody's"
