"""Things to visit a store for, as the walk through the API needs them: a bookable time, a stream with pieces to try on."""

from datetime import datetime, timedelta
from typing import Any

from apps.bookings import services as bookings
from apps.bookings import slots
from apps.bookings.models import Offer
from apps.catalog.models import Product
from apps.core import clock, ids
from apps.livestream import joining
from apps.livestream.models import Product as Shown
from apps.members.models import Member
from apps.referral import services as referral
from apps.referral.models import Credit
from apps.stores.models import Store
from apps.stores.places import StorePlace
from tests.livestream import making

ROUND_THE_CLOCK = [[["00:00", "24:00"]]] * 7


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
        self.visit_on = clock.local_date(now + timedelta(days=2))

        referral.set_program(is_on=True, points=200)
        friend = Member.objects.create(member_no="INVITER")
        self.invitation = referral.invite(member_id=friend.pk).code.slug
        terms = {"least_cents": 1, "keep_days": 7, "leave_days": 30, "points": 200}
        Credit.objects.create(friend_id=member_id, advocate=friend, registered_at=now, **terms)

    @staticmethod
    def is_asked_for(path: str) -> bool:
        """By a call to this address; "" asks for everything."""
        return not path or any(f"{{{name}}}" in path for name in ("booking_offer", "booking", "stream", "piece"))

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
