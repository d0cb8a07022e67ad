"""Things to visit a store for, as the walk through the API needs them: a bookable time, a stream with pieces to try on."""

from datetime import datetime, timedelta
from typing import Any

from apps.bookings import services as bookings
from apps.bookings import slots
from apps.bookings.models import Offer
from apps.catalog.models import Product
from apps.community import deeds
from apps.community.models import Contact, Group, GroupCode, GroupMember, GroupTask
from apps.core import clock, ids
from apps.livestream import joining
from apps.livestream.models import Product as Shown
from apps.members.models import Member
from apps.orders import services as orders
from apps.referral import services as referral
from apps.referral.models import Commission, Credit
from apps.stores.models import Store
from apps.stores.places import StorePlace
from tests.livestream import making

WORDS = ("{booking_offer}", "{booking}", "{stream}", "{piece}", "{group_task}", "me/groups")
ROUND_THE_CLOCK = [[["00:00", "24:00"]]] * 7


def group_with_task(member_id: int) -> GroupTask:
    """A member in a group with something to check in for, and a code with its word."""
    now = clock.now()
    group = Group.objects.create(
        chat_id="wr1", key="group-wr1", name="会员群1", owner="u-1", made_at=now, seen_at=now, people=2
    )
    row = Contact.objects.create(external_userid="wm1", name="安", member_id=member_id, first_at=now, seen_at=now)
    GroupMember.objects.create(group=group, who="wm1", contact=row, joined_at=now)
    GroupCode.objects.create(
        name="门店群", state="gc-1", qr_url="https://wework.qpic.cn/1", base_name="群", keyword="喝茶", is_shown=True, made_at=now
    )  # fmt: skip
    today = clock.local_date(now)
    return deeds.create(
        name="打卡", text="", kind="check_in", needed=1, is_in_a_row=False, first_on=today, last_on=today + timedelta(days=9),
        group_ids=[], points=5, coupon_key="",
    )  # fmt: skip


class Visits:
    """Of one member; each call of `samples` makes a booking and a piece that may still be changed."""

    def __init__(self, member_id: int) -> None:
        self.member_id, self.turn = member_id, 0
        self.store = Store.objects.create(code="VISIT", name="VISIT")
        StorePlace.objects.create(store=self.store, hours=ROUND_THE_CLOCK)
        service = bookings.save_service(name="皮肤测试", minutes=30, notice_minutes=60, days_ahead=60)
        offer = bookings.offer(service_id=service.pk, store_id=self.store.pk, capacity=9)
        self.offer = Offer.objects.select_related("service", "store").get(pk=offer.pk)
        product = Product.objects.create(sku="TRY-ON", name="风衣")
        now = clock.now()
        self.stream = making.stream(now=now, at=now + timedelta(days=1), products=[(product.pk, 900)])
        self.shown = Shown.objects.get(stream=self.stream)
        self.task = group_with_task(member_id)
        self.visit_on = clock.local_date(now + timedelta(days=2))

        referral.set_program(is_on=True, points=200)
        friend = Member.objects.create(member_no="INVITER")
        self.invitation = referral.invite(member_id=friend.pk).code.slug
        terms = {"least_cents": 1, "keep_days": 7, "leave_days": 30, "points": 200}
        Credit.objects.create(friend_id=member_id, advocate=friend, registered_at=now, **terms)
        guest = Member.objects.create(member_no="INVITED")
        brought = Credit.objects.create(friend=guest, advocate_id=member_id, registered_at=now, **terms)
        order = orders.record(source="visits", order_no="V1", member_id=guest.pk, lines=[], total_cents=900_000)
        Commission.objects.create(
            order=order,
            level=1,
            credit=brought,
            member_id=member_id,
            permille=100,
            earned_cents=90_000,
            due_at=now,
            freed_at=now,
        )

    @staticmethod
    def is_asked_for(path: str) -> bool:
        """By a call to this address; "" asks for everything."""
        return (
            not path
            or any(f"{{{name}}}" in path for name in ("booking_offer", "booking", "stream", "piece", "group_task"))
            or path.endswith(":find")
        )

    def samples(self) -> dict[str, str]:
        self.turn += 1
        made = bookings.book(
            offer_id=self.offer.pk, starts_at=self._time(), member_id=self.member_id, source=f"walk:{self.turn}"
        )
        joining.forget_all(member_ids=[self.member_id])  # one open piece of a product at a time
        piece = joining.reserve(
            product_id=self.shown.pk, member_id=self.member_id, store_id=self.store.pk, visit_on=self.visit_on,
            source=f"walk:{self.turn}",
        )  # fmt: skip
        return {
            "booking_offer": ids.encode("bko", self.offer.pk),
            "booking": ids.encode("bkg", made.pk),
            "group_task": ids.encode("wgt", self.task.pk),
            "stream": ids.encode("liv", self.stream.pk),
            "piece": ids.encode("lvr", piece.pk),
        }

    def body(self, name: str, shown: Any) -> Any:
        if name == "my_pieces_post":
            joining.forget_all(member_ids=[self.member_id])
            of = {"product": ids.encode("lvp", self.shown.pk), "store": ids.encode("sto", self.store.pk)}
            return shown | of | {"visit_on": self.visit_on.isoformat()}
        if name == "my_invitation_accept_post":
            return {"code": self.invitation}
        offer = {"offer": ids.encode("bko", self.offer.pk)} if name == "my_bookings_post" else {}
        return shown | offer | {"starts_at": self._time().isoformat()}

    def _time(self) -> datetime:
        """Another one each time."""
        self.turn += 1
        day = clock.local_date(clock.now()) + timedelta(days=2 + self.turn // 40)
        return slots.of_day(self.offer, day=day, moment=clock.now())[self.turn % 40].starts_at
