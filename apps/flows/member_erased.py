"""What follows an erasure, top to bottom: exchanges that nobody will pick up are cancelled, what was pending lapses and what was set
aside is let go, coupons that could be used are recalled, tasks of staff about them are called off. The books stay, and name nobody."""

from apps.bookings import services as bookings
from apps.core import clock
from apps.coupons import keeping
from apps.events.models import Event
from apps.followups import services as followups
from apps.livestream import joining
from apps.members import selectors as members
from apps.points import mall, takebacks
from apps.points.models import Exchange

_OPEN = (Exchange.State.AWAITING, Exchange.State.READY)


def cancel_exchanges(event: Event) -> None:
    family = members.family(event.payload["member_id"])
    for exchange_id in Exchange.objects.filter(member__in=family, state__in=_OPEN).values_list("pk", flat=True):
        mall.cancel(exchange_id=exchange_id, moment=clock.now())


def drop_points(event: Event) -> None:
    takebacks.drop_open(member_id=event.payload["member_id"], moment=clock.now())


def recall_coupons(event: Event) -> None:
    keeping.recall_of_members(member_ids=members.family(event.payload["member_id"]), note="")


def call_off_followups(event: Event) -> None:
    followups.cancel_of_members(member_ids=members.family(event.payload["member_id"]))


def call_off_streams(event: Event) -> None:
    joining.forget_all(member_ids=members.family(event.payload["member_id"]))


def cancel_bookings(event: Event) -> None:
    bookings.cancel_of_members(member_ids=members.family(event.payload["member_id"]))
