"""A small brand in which everything a rule can ask about exists, drawn at random from a seed; and rules about it."""

import contextlib
import random
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from apps.activity.models import Event
from apps.care.models import Policy, Touch
from apps.care.models import Version as Message
from apps.catalog.models import Category, Product
from apps.community.models import Contact, Group, GroupMember
from apps.core import clock
from apps.core.errors import DomainError
from apps.coupons.models import Coupon, Template, Version
from apps.coupons.models import Entry as CouponEntry
from apps.coupons.models import Use as CouponUse
from apps.members.models import Attribute, Consent, Identity, Member, Tag
from apps.members.services import set_tags
from apps.orders.models import Change, Line, Order, Refund
from apps.points.models import Account, Currency, Entry, Ladder, Lot, Standing, Tier
from apps.segments import defining, refresh
from apps.segments.models import MemberCycle, Placement, Prediction, PredictionModel, Track
from apps.segments.tracks import services as tracks
from apps.segments.traits import defining as traits
from apps.segments.traits import working
from apps.stores.models import Region, Store
from apps.tickets.models import Entry as TicketEntry
from apps.tickets.models import Ticket, Vote

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=timezone(timedelta(hours=8)))
STORES, CHANNELS, GOODS = ["S0", "S1", "S2"], ["", "pos", "mini"], ["P0", "P1", "P2", "P3"]
KINDS, BRANDS, TAGS, SKINS = ["tea", "cake"], ["", "Oolong"], ["vip", "wine", "gift"], ["dry", "oily"]
EVENTS, TEMPLATES, GROUPS = ["product_viewed", "searched"], ["ten-off", "gift"], ["friends", "late"]
ROOMS = ["group-a", "group-b", "group-gone"]


STEPS = [
    {"key": "before", "name": "b", "months": -2, "days": 0},
    {"key": "born", "name": "n", "months": 0, "days": 0},
    {"key": "month", "name": "m", "months": 1, "days": 0},
    {"key": "year", "name": "y", "months": 12, "days": 0},
]
STEPS_END = {"months": 13, "days": 5}
_VIEWED: dict[str, Any] = {"over": "events", "event": "product_viewed"}
TRAITS: dict[str, dict[str, Any]] = {
    "sum": {"kind": "sum", "over": "orders", "of": "net_cents", "within": {"last_days": 30}},
    "avg": {"kind": "avg", "over": "lines", "of": "quantity", "where": {"products": GOODS[:3]}},
    "min": {"kind": "min", "over": "lines", "of": "cents", "where": {"categories": ["tea"], "channels": ["pos", "mini"]}},
    "max": {"kind": "max", "over": "orders", "of": "paid_at", "where": {"stores": STORES[:2], "at_least_cents": 5_000}},
    "count": {"kind": "count", "within": {"last_days": 7, "counted": "hours"}, **_VIEWED},
    "last": {"kind": "last", "over": "lines", "of": "product", "within": {"last_days": 365}},
    "first": {"kind": "first", "of": "property:sku", **_VIEWED},
    "top": {"kind": "top", "over": "lines", "of": "brand", "n": 1},
    "tops": {"kind": "top", "of": "property:sku", "n": 2, "properties": [{"name": "sku", "values": GOODS[:3]}], **_VIEWED},
    "found": {"kind": "sum", "over": "events", "event": "searched", "of": "property:results"},
    "score": {
        "kind": "score", "days": 60, "half_life_days": 10, "cap": 30, "floor": -5,
        "entries": [
            {"event": "product_viewed", "points": 5, "most_a_day": 2}, {"event": "order", "points": 16},
            {"event": "searched", "points": -7, "properties": [{"name": "results", "values": ["0"]}]},
        ],
    },
}  # fmt: skip


class Brand:
    def __init__(self, seed: int, members: int) -> None:
        self.dice = random.Random(seed)
        self.regions = [Region.objects.create(name=name) for name in ("North", "South")]
        self.stores = [
            Store.objects.create(code=code, name=code, region=self.dice.choice([None, *self.regions]))
            for code in STORES
        ]
        policy = Policy.objects.create(key="care", name="care")
        self.message = Message.objects.create(
            policy=policy, number=1, trigger="registered", channel="sms", template="hello"
        )
        kinds = self.kinds = [Category.objects.create(name=name) for name in KINDS]
        self.products = [
            Product.objects.create(
                sku=sku, name=sku, category=self.dice.choice([None, *kinds]), brand=self.dice.choice(BRANDS)
            )
            for sku in GOODS
        ]
        for name in TAGS:
            Tag.objects.create(name=name)
        for key, kind in (("skin", "choice"), ("pets", "number"), ("wedding", "date"), ("vegan", "flag")):
            Attribute.objects.create(key=key, label=key, type=kind, choices=SKINS if kind == "choice" else [])
        ladder = Ladder.objects.first() or Ladder.objects.create(window={"kind": "life"}, validity={"kind": "none"})
        self.tiers = list(Tier.objects.order_by("rank")) or [
            Tier.objects.create(ladder=ladder, key=key, rank=rank, name=key, name_en=key, threshold=rank * 100)
            for rank, key in enumerate(("plain", "silver", "gold"))
        ]
        self.currency = Currency.objects.order_by("pk").first() or Currency.objects.create(
            key="points", name="分", name_en="points"
        )
        self.rooms = [
            Group.objects.create(
                chat_id=key, key=key, name=key, owner="staff", made_at=NOW, seen_at=NOW,
                dismissed_at=NOW if key == "group-gone" else None,
            )
            for key in ROOMS
        ]  # fmt: skip
        self.templates = []
        for key in TEMPLATES:
            template = Template.objects.create(key=key, name=key)
            self.templates.append(
                (template, Version.objects.create(template=template, number=1, terms={}, worst_cents=0))
            )
        self.members = [self._member(n) for n in range(members)]
        refresh.refresh(NOW - timedelta(minutes=1), full=True)
        self._foresee()
        self.track = Track.objects.first() or tracks.create(
            key="baby", name="b", anchor="day", steps=STEPS, ends=STEPS_END
        )
        for one in self.members:
            self._grow_up(one)
        for key, definition in TRAITS.items():
            traits.create(key=key, name=key, definition=definition)
        working.refresh(working.live(), moment=NOW)
        for key in GROUPS:
            chosen = [one.pk for one in self.members if self.dice.random() < 0.4]
            defining.create_list(key=key, name=key, member_ids=chosen)

    def _grow_up(self, one: Member) -> None:
        """Children of some, who may be erased from the track again; and what will run out."""
        dice = self.dice
        for _ in range(dice.choice([0, 0, 1, 1, 2])):
            anchor = NOW.date() + timedelta(days=dice.choice([-400, -365, -31, -10, 0, 1, 30, 100]))
            try:
                with clock.frozen(NOW):
                    place = tracks.place(
                        member_id=one.pk, track_id=self.track.pk, anchor_on=anchor, source="staff", is_agreed=True
                    )
                    if dice.random() < 0.15:
                        tracks.leave(member_id=one.pk, placement_id=place.pk)
            except DomainError:
                continue
        for kind in self.kinds:
            if dice.random() < 0.4:
                due = NOW.date() + timedelta(days=dice.choice([-20, -1, 0, 1, 6, 7, 29, 30, 80]))
                MemberCycle.objects.create(
                    member=one,
                    category=kind,
                    product=self.products[0],
                    last_on=due,
                    gap_days=9,
                    is_own=True,
                    due_on=due,
                )

    def _foresee(self) -> None:
        """Predictions of some, as a scoring leaves them."""
        dice, today = self.dice, NOW.date()
        model = PredictionModel.objects.create(
            version=1 + PredictionModel.objects.count(), as_of=NOW, fitted_at=NOW, fitted_by="cli", first_order_on=today,
            last_order_on=today, buyers=1, orders=1, sample=1, lapse_by="bgnbd", parameters={}, scores={},
        )  # fmt: skip
        Prediction.objects.bulk_create(
            Prediction(
                member=one, p_alive=dice.choice([0, 0.5, 0.777, 1]), p_lapse=dice.choice([0, 0.33, 0.665, 1]),
                band=dice.choice(Prediction.Band.values), expected_orders=dice.choice([0, 0.5, 7.25]),
                clv_cents=dice.choice([0, 10_000, 99_999]), model=model, scored_at=NOW,
                next_order_on=dice.choice([None, today, today + timedelta(days=30)]),
            )
            for one in self.members
            if dice.random() < 0.6
        )  # fmt: skip

    def _member(self, n: int) -> Member:
        dice = self.dice
        one = Member.objects.create(
            member_no=f"R{n}", gender=dice.choice(["", "f", "m"]), birth_year=dice.choice([None, 1960, 1985, 1999, 2013, 2015]),
            birth_month=dice.choice([None, 2, 3, 3, 12]), birth_day=dice.choice([None, 1, 10, 28, 29]),
            status=dice.choice(["active"] * 9 + ["frozen"]), home_store=dice.choice([None, *self.stores]),
            source=dice.choice(["", "import", "qr:poster"]), joined_at=self._moment(400), attributes=self._attributes(),
        )  # fmt: skip
        set_tags(member_id=one.pk, tags=[tag for tag in TAGS if dice.random() < 0.4])
        for purpose, channel, share in (
            ("marketing", "sms", 0.6),
            ("care", "inbox", 0.6),
            ("care", "any", 0.3),
            ("profiling", "any", 0.15),
            ("guardian", "any", 0.2),
        ):
            if dice.random() < share:
                expires = dice.choice([None, NOW - timedelta(days=1), NOW + timedelta(days=1)])
                Consent.objects.create(
                    member=one,
                    purpose=purpose,
                    channel=channel,
                    is_granted=dice.random() < 0.6,
                    source="test",
                    text_version="1",
                    at=NOW - timedelta(days=9),
                    expires_at=expires,
                )
        for kind in ("phone", "openid"):
            if dice.random() < 0.5:
                Identity.objects.create(member=one, kind=kind, digest=f"{kind}{n}".encode(), sealed=b"x")
        for number in range(dice.choice([0, 0, 1, 2, 3, 5])):
            self._order(one, f"{n}-{number}")
        self._value(one)
        for number in range(dice.choice([0, 1, 4])):
            self._event(one, n * 10 + number)
        self._touches(one)
        if dice.random() < 0.6:
            self._join(one)
        for number in range(dice.choice([0, 0, 0, 1, 2])):
            self._ticket(one, f"{n}-{number}")
        return one

    def _join(self, member: Member) -> None:
        """Into some groups, out of some; those whom WeCom shows before the house knows them are found later."""
        dice, who = self.dice, f"wm-{member.pk}"
        contact, _new = Contact.objects.get_or_create(
            external_userid=who, defaults={"member": member, "first_at": NOW, "seen_at": NOW}
        )
        for room in self.rooms:
            if dice.random() < 0.5:
                GroupMember.objects.update_or_create(
                    group=room, who=who,
                    defaults={"contact": contact, "joined_at": self._moment(40), "left_at": dice.choice([None, None, NOW])},
                )  # fmt: skip
        if contact.member_id is None or dice.random() < 0.2:
            Contact.objects.filter(pk=contact.pk).update(member=None if contact.member_id else member)

    def _ticket(self, member: Member, number: str) -> None:
        """Some are open, some done, of some the member has said how it went."""
        dice, at = self.dice, self._moment(40)
        state = dice.choice(["new", "waiting", "resolved", "closed", "withdrawn"])
        is_open = state in {"new", "waiting"}
        made = Ticket.objects.create(
            member=member, kind=dice.choice(["question", "complaint", "refund"]), state=state, title="t", created_at=at,
            source=f"test:{number}", ended_at=None if is_open else at,
        )  # fmt: skip
        TicketEntry.objects.create(ticket=made, act="opened", side="member", at=at)
        if not is_open and dice.random() < 0.7:
            Vote.objects.create(ticket=made, score=dice.randint(1, 5), channel="portal", at=self._moment(30))

    def _later_ticket(self, one: Member) -> None:
        self._ticket(one, f"later-{self.dice.random()}")

    def _change_places(self, one: Member) -> None:
        MemberCycle.objects.filter(member=one).delete()
        self._grow_up(one)
        for place in Placement.objects.filter(member=one, left_at=None, member__status="active"):
            other = place.anchor_on + timedelta(days=self.dice.randint(9, 90))
            with clock.frozen(NOW), contextlib.suppress(DomainError):
                tracks.correct(member_id=one.pk, placement_id=place.pk, anchor_on=other)

    def change(self, one: Member) -> None:
        """One of the things that happen to members."""
        dice = self.dice
        what = dice.randrange(11)
        if what == 0:
            set_tags(member_id=one.pk, tags=[tag for tag in TAGS if dice.random() < 0.4])
        elif what == 1:
            Member.objects.filter(pk=one.pk).update(attributes=self._attributes(), gender=dice.choice(["", "f", "m"]))
        elif what == 2:
            Consent.objects.create(
                member=one, purpose=dice.choice(["marketing", "care", "profiling"]), channel=dice.choice(["sms", "any"]),
                is_granted=dice.random() < 0.5, source="test", text_version="2", at=NOW,
            )  # fmt: skip
        elif what == 3:
            self._order(one, f"later-{dice.random()}")
            Change.objects.create(member=one, due_at=NOW - timedelta(seconds=1))
        elif what == 4:
            self._event(one, dice.randrange(10_000, 10**9))
        elif what >= 7:
            [self._change_places, self._change_places, self._later_ticket, self._join][what - 7](one)
        elif what == 5:
            Coupon.objects.filter(member=one, state="ready").update(state="recalled")
            for coupon in Coupon.objects.filter(member=one):
                CouponEntry.objects.create(coupon=coupon, kind="recalled")
        else:
            Account.objects.filter(member=one).update(balance=dice.choice([0, 60, 800]))
            for account in Account.objects.filter(member=one):
                Entry.objects.create(
                    account=account, kind="earn", amount=10, balance_after=10, source=f"x{dice.random()}", at=NOW
                )

    def _attributes(self) -> dict[str, Any]:
        drawn = {
            "skin": self.dice.choice(SKINS),
            "pets": self.dice.choice([0, 2, 2.5]),
            "wedding": self.dice.choice(["2026-03-10", "2025-12-31"]),
            "vegan": self.dice.random() < 0.5,
        }
        return {key: value for key, value in drawn.items() if self.dice.random() < 0.6}

    def _order(self, member: Member, number: str) -> None:
        dice, paid = self.dice, self._moment(200)
        total = dice.choice([0, 5_000, 12_000, 40_000])
        order = Order.objects.create(
            source="test", order_no=number, member=member, store=dice.choice([None, *self.stores]), channel=dice.choice(CHANNELS),
            status=dice.choice(["paid", "paid", "received", "cancelled"]), total_cents=total, paid_at=paid,
        )  # fmt: skip
        lines = [
            Line.objects.create(
                order=order,
                line_no=n,
                product=dice.choice([None, *self.products]),
                quantity=dice.choice([1, 2, "0.5"]),
                total_cents=total // 2,
            )
            for n in (1, 2)
        ]
        if total and dice.random() < 0.4:
            amount = dice.choice([total // 2, total])
            Refund.objects.create(
                order=order, amount_cents=amount, source="r", refunded_at=paid + timedelta(days=dice.choice([1, 300]))
            )
            Order.objects.filter(pk=order.pk).update(refunded_cents=amount)
            Line.objects.filter(pk=lines[0].pk).update(refunded_cents=total // 2)

    def _value(self, member: Member) -> None:
        dice = self.dice
        if dice.random() < 0.6:
            account = Account.objects.create(member=member, currency=self.currency, balance=dice.choice([0, 50, 700]))
            entry = Entry.objects.create(account=account, kind="earn", amount=10, balance_after=10, source="o", at=NOW)
            for _ in range(2):
                Lot.objects.create(
                    account=account,
                    entry=entry,
                    amount=500,
                    remaining=dice.choice([0, 30, 500]),
                    earned_at=NOW - timedelta(days=9),
                    activated_at=dice.choice([None, NOW - timedelta(days=9)]),
                    expires_at=dice.choice([None, self._moment(60, ahead=True)]),
                )
        if dice.random() < 0.5:
            Standing.objects.create(
                member=member,
                tier=dice.choice(self.tiers),
                since=NOW - timedelta(days=50),
                valid_until=dice.choice([None, self._moment(60, ahead=True)]),
                assessed_at=NOW,
            )
        for number in range(dice.choice([0, 1, 2])):
            template, version = dice.choice(self.templates)
            starts = self._moment(40)
            coupon = Coupon.objects.create(
                template=template,
                version=version,
                member=member,
                state=dice.choice(["ready", "used", "expired"]),
                channel="staff",
                starts_at=starts,
                ends_at=starts + timedelta(days=dice.choice([5, 45])),
                source=f"{member.pk}-{number}",
            )
            if coupon.state == "used":
                CouponUse.objects.create(
                    coupon=coupon,
                    template=template,
                    member=member,
                    state=dice.choice(["done", "taken_back"]),
                    source=f"u{member.pk}-{number}",
                    store=dice.choice([None, *self.stores]),
                    done_at=self._moment(40),
                )

    def _touches(self, member: Member) -> None:
        """Messages that went out, and some that did not."""
        for number in range(self.dice.randint(0, 3)):
            at, state = self._moment(40), self.dice.choice(["sent", "delivered", "sent", "held_out", "failed"])
            Touch.objects.create(
                policy=self.message.policy, version=self.message, member=member, occurrence=f"t{number}", state=state,
                channel=self.dice.choice(["sms", "inbox"]), decided_at=at, settled_at=at,
            )  # fmt: skip

    def _event(self, member: Member, number: int) -> None:
        at = self._moment(60)
        name = self.dice.choice(EVENTS)
        properties = (
            {"sku": self.dice.choice(GOODS)}
            if name == "product_viewed"
            else {"query": "tea", "results": self.dice.choice([0, 3])}
        )
        Event.objects.create(
            occurred_at=at,
            received_at=at,
            event_id=UUID(int=number + 1),
            name=name,
            member=member,
            source="test",
            properties=properties,
        )

    def _moment(self, days: int, *, ahead: bool = False) -> datetime:
        """Often on the edge of a day or exactly so many times 24 hours away."""
        at = NOW + timedelta(days=self.dice.choice([0, 1, 7, 30, self.dice.randint(0, days)])) * (1 if ahead else -1)
        return self.dice.choice(
            [
                at,
                at.replace(hour=0, minute=0),
                at.replace(hour=23, minute=59, second=59),
                at - timedelta(hours=self.dice.randint(0, 30)),
            ]
        )
