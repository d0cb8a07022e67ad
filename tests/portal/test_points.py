"""What members see of their points, and that an open page keeps up without asking much."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from apps.core import clock, ids
from apps.members import services as members
from apps.orders import services as orders
from apps.points import services as points
from apps.points import statement_file
from apps.points.models import Entry
from tests.portal.doors import browser_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture
def member_id() -> int:
    return members.register(source="test", nickname="林若溪", phone="19900000021")


@pytest.fixture
def client(member_id: int) -> Client:
    browser = browser_of(member_id)
    browser.cookies["django_language"] = "en"
    return browser


def earn(member_id: int, amount: int, source: str, *, day: int = 0, **terms: object) -> points.Posting:
    ends = clock.day_start(clock.local_date(NOW) + timedelta(days=day)) if day else None
    return points.earn(
        member_id=member_id,
        amount=amount,
        source=source,
        terms=points.Terms(expires_at=ends, **terms),  # type: ignore[arg-type]
        moment=NOW,
    )


def test_the_points_page_says_what_there_is_what_waits_what_is_owed_and_what_ends_first(client: Client, member_id: int):
    first = earn(member_id, 320, "opening:1", day=40)
    earn(member_id, 1_200, "opening:2", day=400)
    earn(member_id, 55, "opening:3", is_pending=True)
    earn(member_id, 7, "opening:4", is_pending=True, due_at=NOW + timedelta(days=7))
    points.hold(member_id=member_id, amount=20, source="exchange:1", moment=NOW)

    with clock.frozen(NOW):
        text = client.get("/my/points/").content.decode()
        home = client.get("/my/").content.decode()

    assert '<b class="p-big">1,500</b>' in text
    assert "<b>300</b> run out first<br>Use them by December 31" in text
    assert text.count("Last day ") == 2
    assert "<b>62</b> more are on their way" in text
    assert "The day is not known yet</dt><dd>55 points</dd>" in text
    assert "Usable from November 29 on</dt><dd>7 points</dd>" in text
    assert "<b>20</b> are set aside" in text
    assert '<b class="p-big">1,500</b>' in home
    assert "<b>300</b> run out first" in home

    points.spend(member_id=member_id, amount=1_500, source="gift:1", moment=NOW)
    points.reverse(entry_id=first.entry_id, amount=100, source="back:1", policy="debt", moment=NOW)
    with clock.frozen(NOW):
        assert "<b>100</b> are owed" in client.get("/my/points/").content.decode()


def test_a_line_names_its_order_and_leads_to_it(client: Client, member_id: int):
    order = orders.record(
        source="pos", order_no="POS-7", member_id=member_id, total_cents=12_800, created_at=NOW,
        lines=[orders.NewLine(product_id=None, total_cents=12_800)],
    )  # fmt: skip
    earn(member_id, 128, f"order:{order.pk}")

    text = client.get("/my/points/").content.decode()

    assert f'<a class="p-li line" href="/my/orders/{ids.encode("ord", order.pk)}/">' in text
    assert "order POS-7" in text
    assert '<b class="up">+128</b><span class="p-sub">Balance 128</span>' in text


def test_old_lines_come_by_twenty_none_twice(client: Client, member_id: int):
    for number in range(1, 46):
        earn(member_id, number, f"gift:{number}")
    seen, address = [], "/my/points/"
    while address:
        text = client.get(address, HTTP_HX_REQUEST="true").content.decode()
        seen += [line.split("</b>")[0] for line in text.split('<b class="up">+')[1:]]
        address = text.split('hx-get="')[1].split('"')[0] if 'hx-get="' in text else ""

    assert [int(amount) for amount in seen] == list(range(45, 0, -1))


def test_an_open_page_hears_of_new_points_and_else_of_nothing(client: Client, member_id: int):
    earn(member_id, 10, "gift:1")
    known = ids.encode("pte", Entry.objects.get().pk)
    address = f"/my/points/now/?since={known}"

    first = client.get(address)
    again = client.get(address, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert "+10" not in first.content.decode()

    earn(member_id, 128, "gift:2")
    fresh = client.get(address, HTTP_IF_NONE_MATCH=first["ETag"])
    text = fresh.content.decode()
    assert fresh.status_code == 200
    assert 'data-said="You have 138 points now."' in text
    assert (text.count("+128"), text.count("+10<")) == (1, 0)
    short = client.get("/my/points/now/").content.decode()
    assert "138" in short
    assert "points-new" not in short


def test_nobody_sees_the_points_of_another(client: Client, member_id: int):
    other = members.register(source="test", nickname="周远", phone="19900000022")
    earn(other, 777, "gift:9")

    assert "777" not in client.get("/my/points/").content.decode()
    assert "777" not in client.get("/my/points/now/?since=none").content.decode()
    assert Client().get("/my/points/now/").status_code == 302


def test_without_points_the_page_says_how_they_come(client: Client):
    text = client.get("/my/points/").content.decode()
    assert "No points yet" in text
    assert "No points yet" in client.get("/my/points/now/?since=none").content.decode()


def test_the_whole_statement_is_kept_as_a_file(client: Client, member_id: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(statement_file, "AT_ONCE", 2)
    for number in range(5):
        earn(member_id, 10, f"x:{number}")
    points.adjust(member_id=member_id, amount=-4, source="by:1", by=points.By(note="=1+1"), moment=NOW)
    other = members.register(source="test", phone="19900000022")
    earn(other, 900, "x:9")

    sheet = client.get("/my/points/statement.csv").content.decode("utf-8-sig").splitlines()

    assert sheet[0] == "Time,What happened,About,Note,Change,Balance"
    assert sheet[1] == "2026-11-22 12:00:00,Corrected by our staff,,'=1+1,-4,46"
    assert [line.rsplit(",", 2)[1:] for line in sheet[2:]] == [["10", str(10 * number)] for number in (5, 4, 3, 2, 1)]
