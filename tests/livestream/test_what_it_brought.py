"""What a stream brought: who watched, by events and by file; which orders are its; the board's figures; what the pages take."""

import json
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.activity import services as activity
from apps.activity.models import Event
from apps.analytics import live_board
from apps.catalog.models import Product as CatalogProduct
from apps.core import clock, ids
from apps.core.models import User
from apps.coupons.models import Coupon, Use
from apps.livestream import planning, sales, watching
from apps.livestream.models import Sale, Stream, Tally, Viewer
from apps.members import consents
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.models import Order
from apps.stores.models import Role, Staff
from tests.console.test_desk_sockets import heard, leave, socket
from tests.console.world import enter
from tests.coupons import making as coupons
from tests.livestream.making import DAY, EVENING, HOUR, MINUTE, stream
from tests.referral.making import member

pytestmark = pytest.mark.django_db
AT = EVENING + DAY


def on_air(**more: Any) -> Stream:
    row = stream(**more)
    with clock.frozen(AT):
        return planning.turn(stream_id=row.pk, to="live")


def watches(
    who: Member | None, row: Stream, *, at: datetime, seconds: int = 60, name: str = "live_watched", browser: str = ""
) -> None:
    said = {"live": ids.encode("liv", row.pk)} | ({"seconds": seconds} if name == "live_watched" else {})
    event = {"event_id": str(uuid4()), "name": name, "occurred_at": at.isoformat(), "properties": said}
    with clock.frozen(at):
        told = activity.ingest(
            batch=[event], member_id=who.pk if who else None, anonymous_id=browser, source="test", sent_at=at
        )
    assert told.accepted == 1, told


def buys(who: Member, *, at: datetime, sku: str = "", cents: int = 10_000) -> Order:
    product = CatalogProduct.objects.get_or_create(sku=sku, defaults={"name": sku})[0].pk if sku else None
    with clock.frozen(at):
        row = orders.record(
            source="shop", order_no=f"L{Order.objects.count()}", member_id=who.pk, total_cents=cents,
            lines=[orders.NewLine(product, cents)],
        )  # fmt: skip
        return orders.mark_paid(order_id=row.pk)


def by(order: Order) -> tuple[int, str] | None:
    return Sale.objects.filter(order=order).values_list("stream_id", "how").first()


def test_who_watched_comes_from_events_once_however_often_they_are_read_and_from_the_file() -> None:
    row, one, two = on_air(), member("一"), member("二")
    other = stream("别的", at=AT + 5 * HOUR)
    for minutes, seconds in ((1, 300), (6, 200)):
        watches(one, row, at=AT + minutes * MINUTE, seconds=seconds)
    watches(two, row, at=AT + MINUTE, name="live_entered")
    watches(two, other, at=AT + MINUTE)
    watches(None, row, at=AT + 5 * MINUTE, browser="stranger1")
    now = AT + 7 * MINUTE
    assert [watching.read_events(row, moment=now) for _n in range(2)] == [2, 2]
    seen = Viewer.objects.order_by("member").values_list("member", "seconds", "said_seconds")
    assert list(seen) == [(one.pk, 500, 0), (two.pk, 0, 0)]
    assert watching.now(row.pk, moment=now) == 2, "one member and one stranger in the last three minutes"
    quiet = member("不要个性化")
    consents.give_consent(
        member_id=quiet.pk, purpose="profiling", channel="any", is_granted=False, source="t", text_version="1"
    )
    file = {one.pk: (650, 0), two.pk: (900, 3), quiet.pk: (60, 0)}
    for _again in range(2):
        with clock.frozen(now):
            assert watching.take_viewers(stream_id=row.pk, viewers=file) == 2, "who does not want it leaves no trace"
            watching.read_events(row, moment=now)
    assert list(seen.all()) == [(one.pk, 500, 650), (two.pk, 0, 900)]
    watched = Event.objects.filter(
        name="live_watched", member__isnull=False, properties__live=ids.encode("liv", row.pk)
    )
    assert [(event.member_id, event.properties["seconds"], event.source) for event in watched.order_by("member", "pk")] == [
        (one.pk, 300, "test"), (one.pk, 200, "test"), (one.pk, 150, "live-file"), (two.pk, 900, "live-file"),
    ], "what only the file knows is an event of the member's, once"  # fmt: skip


def test_an_order_is_of_the_stream_whose_coupon_code_or_goods_brought_it_and_of_one_stream(run_flows: Any) -> None:
    tea = CatalogProduct.objects.create(sku="TEA", name="茶")
    template = coupons.template("live30")
    row = on_air(products=[(tea.pk, None)], coupons=[("live30", 10)])
    claimer, watcher, stranger, listed = (member(name) for name in "券看无名")
    held = coupons.coupon(template, claimer)
    Coupon.objects.filter(pk=held.pk).update(issued_at=AT + MINUTE)
    slug = Stream.objects.get(pk=row.pk).code.slug
    comer = member("码来", source=f"code:{slug}", at=AT + MINUTE)
    activity.stitch(anonymous_id="browser-1", member_id=comer.pk)
    watches(watcher, row, at=AT + MINUTE)
    with clock.frozen(AT + HOUR):
        planning.turn(stream_id=row.pk, to="ended")

    watching.take_viewers(stream_id=row.pk, viewers={listed.pk: (60, 0)})
    bought = {
        "in the file of viewers": buys(listed, at=AT + 2 * HOUR, sku="TEA"),
        "code": buys(comer, at=AT + 2 * HOUR), "watched": buys(watcher, at=AT + 2 * HOUR, sku="TEA"),
        "other goods": buys(watcher, at=AT + 2 * HOUR, sku="CUP"), "nothing": buys(stranger, at=AT + 2 * HOUR, sku="TEA"),
        "too late": buys(watcher, at=AT + HOUR + DAY + MINUTE, sku="TEA"),
    }  # fmt: skip
    with clock.frozen(AT + 5 * DAY):  # a coupon says it surest, whenever it is used
        late = orders.record(source="till", order_no="C1", member_id=claimer.pk, lines=[], total_cents=7_000)
        Use.objects.create(
            coupon=held, template=template, member=claimer, state="done", source="u", order=late, done_at=clock.now()
        )
        bought["coupon"] = orders.mark_paid(order_id=late.pk)
    with clock.frozen(AT + 6 * DAY):
        run_flows()
    found = {name: by(order) for name, order in bought.items()}
    assert found == {
        "in the file of viewers": (row.pk, "watched"),
        "code": (row.pk, "code"), "watched": (row.pk, "watched"), "coupon": (row.pk, "coupon"),
        "other goods": None, "nothing": None, "too late": None,
    }  # fmt: skip
    other = stream("下一场", at=AT + 7 * DAY, now=AT + 6 * DAY)
    wanted = [("shop", bought["nothing"].order_no), ("shop", bought["code"].order_no), ("shop", "none-such")]
    assert sales.take_file(stream_id=other.pk, orders=wanted) == (2, ["none-such"])
    assert (by(bought["nothing"]), by(bought["code"])) == ((other.pk, "file"), (other.pk, "file"))


def test_the_board_counts_reminders_claims_joins_and_orders_a_minute() -> None:
    template = coupons.template("live30")
    row = on_air(coupons=[("live30", 10)])
    who = member()
    for number, minutes in enumerate((-1, 1, 5)):  # the first before the beginning
        held = coupons.coupon(template, who, nth=number + 1)
        Coupon.objects.filter(pk=held.pk).update(issued_at=AT + minutes * MINUTE)
    for minutes, refunded in ((2, 0), (5, 4_000), (5, 0)):
        order = buys(who, at=AT + minutes * MINUTE)
        sales.attribute(order_id=order.pk, stream_id=row.pk, how="file", at=order.paid_at)
        if refunded:
            orders.refund(order_id=order.pk, source="r", amount_cents=refunded)
    found = live_board.figures(row, moment=AT + 5 * MINUTE)
    said = {name: found[name] for name in ("claims", "claims_minute", "orders", "orders_minute", "net_cents", "joins")}
    assert said == {"claims": 2, "claims_minute": 1, "orders": 3, "orders_minute": 2, "net_cents": 26_000, "joins": 0}
    assert found["minutes"] == [0] * 11 + [1, 0, 0, 2]


@pytest.mark.django_db(transaction=True)
def test_boards_hear_what_changes_once_and_nobody_without_the_right(transactional_db: None) -> None:
    row = on_air()
    may, may_not = (User.objects.create_user(name) for name in ("may", "maynot"))
    Staff.objects.create(user=may, code="M", name="市场", role=Role.MARKETER)

    async def watch() -> tuple[Any, ...]:
        path = f"/ws/live/{ids.encode('liv', row.pk)}/"
        board, first = await socket(may, path)
        closed = (await socket(may_not, path))[1]
        opened = await heard(board)
        await live_tell(AT + MINUTE)
        await live_tell(AT + MINUTE)
        changed = await heard(board)
        is_quiet = await board.receive_nothing()
        await leave(board)
        return first["type"], closed["code"], opened["figures"]["state"], changed["figures"]["orders"], is_quiet

    assert async_to_sync(watch)() == ("websocket.accept", 4404, "live", 0, True)


async def live_tell(moment: datetime) -> None:
    await sync_to_async(live_board.tell)(moment=moment)


def test_staff_take_in_the_platforms_files_and_totals_and_faults_take_in_nothing(client: Client) -> None:
    row, who = on_air(), member(phone="17000000008")
    order = buys(who, at=AT + MINUTE)
    user = User.objects.create_user("market")
    Staff.objects.create(user=user, code="M1", name="市场", role=Role.MARKETER)
    enter(client, user)
    page = reverse("console:live_after", args=[ids.encode("liv", row.pk)])

    def send(do: str, text: str) -> int:
        return client.post(page, {"do": do, "file": SimpleUploadedFile("f.csv", text.encode())}).status_code

    assert send("viewers", f"member,seconds,comments\n{who.member_no},x,1\n") == 422
    assert not Viewer.objects.exists()
    assert send("viewers", "member,seconds,comments\n17000000008,120,2\nM-none,5,0\n") == 302
    assert send("sales", "number\nL0\n") == 422
    assert send("sales", f"source,order_no\nshop,{order.order_no}\n") == 302
    assert (
        client.post(
            page, {"do": "totals", "viewers": 500, "peak": 900, "comments": 70, "speakers": 4, "followers": 9}
        ).status_code
        == 302
    )
    assert Viewer.objects.values_list("member", "said_seconds", "comments").get() == (who.pk, 120, 2)
    assert (by(order), Tally.objects.values_list("viewers", "peak").get()) == ((row.pk, "file"), (500, 500))
    board = reverse("console:live_board", args=[ids.encode("liv", row.pk)])
    assert "看板" in client.get(board).content.decode()
    figures = json.loads(client.get(reverse("console:live_figures", args=[ids.encode("liv", row.pk)])).content)
    assert (figures["orders"], figures["viewers"], figures["comments"]) == (1, 500, 70)
    Staff.objects.filter(user=user).update(role=Role.CLERK)
    assert (
        client.post(
            page, {"do": "totals", "viewers": 1, "peak": 1, "comments": 1, "speakers": 1, "followers": 1}
        ).status_code
        == 404
    )
