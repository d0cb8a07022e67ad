"""Live weeks of the demo, one that is over with what it brought and one to come, and this week's bookings in the stores."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.bookings import services as bookings
from apps.bookings.models import Booking, Offer, Service, Slot
from apps.catalog.models import Product
from apps.core import clock
from apps.core.models import User
from apps.coupons import issuing
from apps.flows import live_week
from apps.flows.demo import coupons
from apps.flows.demo.club import Club
from apps.flows.demo.log_ins import username
from apps.flows.models import LiveWeek
from apps.livestream import joining, planning
from apps.livestream.models import Host, Room, Sale, Stream, Subscription, Tally, Viewer
from apps.members.models import Member
from apps.stores import calendars
from apps.stores.models import Role, Store

LAST, NEXT = -3, 2  # days from today
BEGINS, LONG = timedelta(hours=20), timedelta(hours=2)
CENTS, LEAST = 3_000, 9_900
_PRODUCTS = """
select l.product_id from orders_order o join orders_line l on l.order_id = o.id
where o.paid_at >= %s and o.paid_at < %s and l.product_id is not null group by 1 order by count(distinct o.member_id) desc, 1 limit 5
"""
_IN_GROUPS = """
select distinct c.member_id from community_groupmember m join community_group g on g.id = m.group_id
join community_contact c on c.id = m.contact_id
where g.key = any(%s) and m.left_at is null and c.member_id is not null order by 1
"""
# Who watched and bought what was shown, within a day.
_BOUGHT = """
insert into livestream_sale (order_id, stream_id, how, at)
select distinct o.id, %(stream)s, 'watched', o.paid_at from livestream_viewer v join orders_order o on o.member_id = v.member_id
join orders_line l on l.order_id = o.id join livestream_product p on p.product_id = l.product_id and p.stream_id = v.stream_id
where v.stream_id = %(stream)s and o.paid_at between %(began)s and %(until)s and o.status <> 'cancelled'
on conflict do nothing
"""
_BUYERS = """
select distinct o.member_id from orders_order o join orders_line l on l.order_id = o.id
where l.product_id = any(%s) and o.paid_at between %s and %s and o.status <> 'cancelled' order by 1
"""
_CLAIMED = """
select distinct u.order_id, u.done_at from coupons_use u where u.template_id = %s and u.order_id is not null and u.state = 'done'
"""


def go_on(club: Club, *, now: datetime) -> tuple[int, int]:
    """Returns how many streams and bookings there are."""
    streams = 0
    if club.group_keys:
        user = User.objects.get(username=username(Role.ADMIN))
        stores = list(Store.objects.filter(is_open=True, region__isnull=False).order_by("pk")[:4])
        streams += _over(club, user=user, stores=stores, now=now)
        streams += _to_come(club, user=user, stores=stores, now=now)
    return streams, _booked(now=now)


def _begin(now: datetime, days: int) -> datetime:
    return clock.day_start(clock.local_date(now) + timedelta(days=days)) + BEGINS


def _week(
    club: Club,
    *,
    user: User,
    stores: Sequence[Store],
    at: datetime,
    name: str,
    products: Sequence[tuple[int, int | None]],
) -> live_week.Made:
    room = Room.objects.order_by("pk").first() or planning.add_room(platform="channels", name="禾汀视频号（演示）")
    host = Host.objects.order_by("pk").first() or planning.add_host(name="小禾（演示）")
    service = Service.objects.filter(name="新品试穿").values_list("pk", flat=True).first()
    wanted = live_week.WeekWanted(
        stream=planning.Wanted(
            title=name, note="演示直播：不会真的开播。", room_id=room.pk, host_id=host.pk, starts_at=at, ends_at=at + LONG,
            products=products
        ),
        coupon=live_week.CouponWanted(
            name=f"{name}群专享券（演示）", cents=CENTS, minimum_cents=LEAST, most=300, days=7, minutes_after=60
        ),
        groups=club.group_keys, stores={store.pk: 2 for store in stores}, service_id=service, service_name="新品试穿",
        service_name_en="Try on what is new",
        service_minutes=30, live_code_id=club.live_code_id, aim_percent=20,
    )  # fmt: skip
    return live_week.make(wanted=wanted, user=user)


def _over(club: Club, *, user: User, stores: Sequence[Store], now: datetime) -> int:
    began = _begin(now, LAST)
    ended, members = began + LONG, _rows(_IN_GROUPS, [club.group_keys])
    shown = _rows(_PRODUCTS, [began - timedelta(days=7), ended + timedelta(days=1)])
    with clock.frozen(began - timedelta(days=4)):
        made = _week(
            club, user=user, stores=stores, at=began, name="秋冬上新直播", products=[(pk, None) for pk in shown]
        )
    stream = made.week.stream
    for moment, state in ((began, Stream.State.LIVE), (ended, Stream.State.ENDED)):
        with clock.frozen(moment):
            planning.turn(stream_id=stream.pk, to=state)
    asked = began - timedelta(days=2)
    Subscription.objects.bulk_create(Subscription(stream=stream, member_id=pk, asked_at=asked) for pk in members[:70])
    buyers = _rows(_BUYERS, [shown, began, ended + timedelta(days=1)])[:30]
    _watched(stream, list(dict.fromkeys([*members[:55], *buyers])), began=began)
    issuing.issue_many(
        member_ids=members[:48], template_id=made.week.template_id, source="demo:live", channel="centre", origin="demo",
        moment=began + timedelta(minutes=25),
    )  # fmt: skip
    template = made.week.template
    coupons.use_some(template, template.version.terms if template.version else {}, now=now)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIMED, [template.pk])
        used = cursor.fetchall()
        Sale.objects.bulk_create(Sale(order_id=order, stream=stream, how=Sale.How.COUPON, at=at) for order, at in used)
        cursor.execute(_BOUGHT, {"stream": stream.pk, "began": began, "until": ended + timedelta(days=1)})
    Tally.objects.create(
        stream=stream,
        viewers=1_840,
        peak=412,
        comments=963,
        speakers=6,
        followers=57,
        said_at=ended + timedelta(hours=1),
    )
    _tried(made.week, members[:20], now=now)
    return 1


def _watched(stream: Stream, members: Sequence[int], *, began: datetime) -> None:
    Viewer.objects.bulk_create(
        Viewer(
            stream=stream, member_id=pk, seconds=240 + pk * 53 % 4_000, comments=pk % 4, first_at=began + timedelta(minutes=pk % 20),
            last_at=began + timedelta(minutes=30 + pk % 80),
        )
        for pk in members
    )  # fmt: skip


def _tried(week: LiveWeek, members: Sequence[int], *, now: datetime) -> None:
    """Who of them came to the store on the days after it, and who is still to come."""
    offers = list(Offer.objects.filter(service=week.service, store__in=week.stores).order_by("pk"))
    rows = []
    for number, pk in enumerate(members):
        at = clock.day_start(clock.local_date(now) + timedelta(days=number % 5 - 2)) + timedelta(hours=11 + number // 5)
        rows.append((offers[number % len(offers)], at, pk))
    _book(rows, made_at=week.stream.starts_at + timedelta(minutes=40), now=now)


def _to_come(club: Club, *, user: User, stores: Sequence[Store], now: datetime) -> int:
    begins, members = _begin(now, NEXT), _rows(_IN_GROUPS, [club.group_keys])
    chosen = Product.objects.order_by("pk").values_list("pk", flat=True)[:4]
    products: list[tuple[int, int | None]] = [(pk, 12 if place == 0 else None) for place, pk in enumerate(chosen)]
    with clock.frozen(now):
        made = _week(club, user=user, stores=stores, at=begins, name="羊绒专场直播", products=products)
        stream = made.week.stream
        asked = [pk for pk in members if pk % 2 == members[0] % 2][:60] if members else []
        Subscription.objects.bulk_create(Subscription(stream=stream, member_id=pk, asked_at=now) for pk in asked)
        limited = stream.products.filter(quantity__isnull=False).values_list("pk", flat=True)
        for number, pk in enumerate(asked[:5] if limited else []):
            joining.reserve(
                product_id=limited[0], member_id=pk, store_id=stores[number % len(stores)].pk,
                visit_on=clock.local_date(begins) + timedelta(days=1 + number % 3), source=f"demo:piece:{number}",
            )  # fmt: skip
    return 1


def _booked(*, now: datetime) -> int:
    """Two services and an event in the first shops, with this week's places and one waiting list."""
    if Service.objects.filter(name="肌肤测试").exists():
        return 0
    monday = clock.local_date(now) - timedelta(days=clock.local_date(now).weekday())
    stores = list(Store.objects.filter(is_open=True, region__isnull=False).order_by("pk")[:3])
    members = list(Member.objects.filter(status=Member.Status.ACTIVE).order_by("pk").values_list("pk", flat=True)[:120])
    if not stores or not members:
        return 0
    skin = bookings.save_service(name="肌肤测试", name_en="Skin test", minutes=30, note="演示服务")
    baking = bookings.save_service(
        name="亲子烘焙课", name_en="Baking with children", minutes=90, kind="event", note="演示活动"
    )
    rows: list[tuple[Offer, datetime, int]] = []
    for place, store in enumerate(stores):
        offer = bookings.offer(service_id=skin.pk, store_id=store.pk, capacity=2)
        calendar = calendars.of_store(store.pk, since=monday, until=monday + timedelta(days=6))
        for number in range(7):
            for begins, _ends in calendar.intervals(monday + timedelta(days=number))[:1]:
                for turn in range(3 + (number > 4)):
                    key = place * 41 + number * 5 + turn
                    at = begins + timedelta(minutes=30 * ((key * 3) % 20))
                    rows.append((offer, at, members[key % len(members)]))
    event = bookings.offer(service_id=baking.pk, store_id=stores[0].pk, capacity=6)
    saturday = clock.day_start(monday + timedelta(days=5 if clock.local_date(now).weekday() < 5 else 12)) + timedelta(
        hours=14
    )
    rows += [(event, saturday, pk) for pk in members[-8:]]  # two of them wait
    return _book(rows, made_at=clock.day_start(monday) - timedelta(days=1), now=now)


def _book(rows: Sequence[tuple[Offer, datetime, int]], *, made_at: datetime, now: datetime) -> int:
    """As if each had booked at `made_at`: who is past came, but for some; the rest is to come, or waits where it is full."""
    slots: dict[tuple[int, datetime], Slot] = {}
    made, seen = [], set()
    for offer, at, pk in rows:
        slot = slots.setdefault(
            (offer.pk, at),
            Slot(
                offer=offer,
                starts_at=at,
                capacity=offer.capacity,
                ends_at=at + timedelta(minutes=offer.service.minutes),
            ),
        )
        if (offer.pk, at, pk) in seen:
            continue
        seen.add((offer.pk, at, pk))
        state = Booking.State.BOOKED if slot.taken < slot.capacity else Booking.State.WAITING
        if state == Booking.State.BOOKED:
            slot.taken += 1
        settled = None
        if slot.ends_at <= now and state == Booking.State.BOOKED:
            state = Booking.State.MISSED if (pk + at.day) % 8 == 0 else Booking.State.ARRIVED
            settled = slot.ends_at if state == Booking.State.MISSED else at
        elif slot.ends_at <= now:
            state, settled = Booking.State.CANCELLED, slot.ends_at
        made.append((slot, Booking(
            member_id=pk, state=state, settled_at=settled, made_at=min(made_at, now), source=f"demo:{offer.pk}:{at:%Y%m%d%H%M}:{pk}",
        )))  # fmt: skip
    Slot.objects.bulk_create(slots.values())
    for slot, row in made:
        row.slot = slot
    Booking.objects.bulk_create(row for _slot, row in made)
    return len(made)


def _rows(statement: str, values: Sequence[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [row[0] for row in cursor.fetchall()]
