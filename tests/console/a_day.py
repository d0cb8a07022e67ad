"""A Sunday in the three stores of `world`, and the Sunday a week before: something behind every figure of the day."""

from datetime import datetime, timedelta

from apps.bookings.models import Booking, Offer, Service, Slot
from apps.care.models import Touch
from apps.coupons.models import Use
from apps.members import services as members
from apps.orders import services as orders
from apps.points import services as points
from apps.stores.models import Role, Staff
from apps.tickets.models import Ticket
from tests.console.world import House
from tests.coupons import making

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)


def live(house: House, moment: datetime) -> Staff:
    """Each store the same shape in sizes of its own (1, 2, 3 times), so that a foreign one shows. Returns the clerk of `mine`."""
    clerk = Staff.objects.get(user=house.users[Role.CLERK])
    template = making.template("ten", per_member=None)
    for times, where in enumerate(house.stores, start=1):
        for number in range(times):
            _once(house, where, number, moment - HOUR, clerk if where == "mine" else None, template)
        _once(house, where, 10, moment - WEEK - HOUR, None, template)
        _once(house, where, 11, moment - WEEK + HOUR, None, template)  # later than now that day: not compared with
    return clerk


def _once(house: House, where: str, number: int, at: datetime, staff: Staff | None, template: object) -> None:
    store, member, name = house.stores[where], house.members[where], f"{where}-{number}-{at:%m%d%H}"
    row = orders.record(
        source="pos", order_no=f"DAY-{name}", member_id=member.pk, lines=[orders.NewLine(product_id=None, total_cents=8_050)],
        total_cents=8_050, store_id=store.pk, guide_id=staff.pk if staff else None, created_at=at,
    )  # fmt: skip
    orders.mark_paid(order_id=row.pk, paid_at=at)
    orders.refund(order_id=row.pk, source=f"r:{name}", amount_cents=1_025, refunded_at=at + timedelta(minutes=1))
    members.register(source="portal", member_no=f"NEW-{name}", home_store_id=store.pk, joined_at=at)
    coupon = making.coupon(template, member, state="used", issued_at=at, store=store, channel="staff")
    Use.objects.create(
        coupon=coupon, template=template, member=member, store=store, source=f"u:{name}", staff=staff, saved_cents=1_000,
        basket_cents=9_050, done_at=at, state="done",
    )  # fmt: skip
    by = points.By(staff_id=staff.pk if staff else None, store_id=store.pk)
    points.earn(member_id=member.pk, amount=80, source=f"e:{name}", by=by, moment=at)
    points.spend(member_id=member.pk, amount=30, source=f"s:{name}", by=by, moment=at)
    service, _new = Service.objects.get_or_create(name="试穿", name_en="Fitting")
    offer, _new = Offer.objects.get_or_create(service=service, store=store)
    slot = Slot.objects.create(
        offer=offer, starts_at=at + timedelta(seconds=number), ends_at=at + HOUR, capacity=5, taken=1
    )
    Booking.objects.create(slot=slot, member=member, state="arrived", source=f"b:{name}", settled_at=at)
    for state, ended_at in (("new", None), ("closed", at)):
        Ticket.objects.create(
            member=member, store=store, kind="question", title="颜色", source=f"t:{name}:{state}", state=state, created_at=at,
            ended_at=ended_at, assignee=staff,
        )  # fmt: skip
    Touch.objects.create(
        policy=house.policy, version=house.policy.versions.get(), member=member, occurrence=f"day:{name}",  # type: ignore[union-attr]
        channel="sms", state="sent", decided_at=at,
    )  # fmt: skip
