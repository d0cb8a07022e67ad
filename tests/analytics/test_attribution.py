"""What contacts are given of orders: against a slow reference of its own, to the fen, in five models; within windows and stores."""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.activity.models import Arrival, Code, CodeVisitor, Visitor
from apps.analytics.models import CreditDay, OrderCredit
from apps.analytics.study import attribution, credits, windows
from apps.analytics.study.attribution import MODELS
from apps.analytics.study.credits import Wanted
from apps.care.models import Journey, Policy, Touch
from apps.community.models import Contact, Group, GroupMember
from apps.core import brand, clock
from apps.core.models import AuditEntry
from apps.coupons.models import Use
from apps.livestream.models import Sale, Viewer
from apps.members.models import Member
from apps.orders import services as orders
from apps.orders.models import Order
from apps.stores.models import Role
from tests.console import world
from tests.console.conftest import NOON
from tests.console.world import House
from tests.coupons import making as coupon_making
from tests.livestream import making as live_making

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
At = Callable[..., Client]


@pytest.fixture
def house(clock: Callable[[datetime], datetime], db: None) -> House:
    clock(NOON)
    return world.build(NOON)


@pytest.fixture
def at(house: House) -> At:
    def log_in(role: str) -> Client:
        client = Client()
        world.enter(client, house.users[role])
        return client

    return log_in


def buy(house: House, where: str, paid_at: datetime, cents: int, *, store: str = "") -> Order:
    row = orders.record(
        source="pos", order_no=f"A-{Order.objects.count()}", member_id=house.members[where].pk, total_cents=cents,
        lines=[orders.NewLine(product_id=None, total_cents=cents)], store_id=house.stores[store or where].pk,
        created_at=paid_at,
    )  # fmt: skip
    return orders.mark_paid(order_id=row.pk, paid_at=paid_at)


@dataclass(frozen=True)
class Seen:
    """A contact as it was put into the house. `whose`: the key of a member; `order_id`: of this order alone."""

    kind: str
    ref: int
    at: datetime
    whose: str
    until: datetime | None = None  # streams and codes: the last look
    order_id: int | None = None


class Marketing:
    """Contacts of all kinds, put into their tables, and a list of the same."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.seen: list[Seen] = []
        room, host = live_making.room().pk, live_making.host().pk
        self.streams = [
            live_making.stream(f"s{n}", now=NOON, at=NOON + (n + 1) * DAY, room_id=room, host_id=host) for n in (0, 1)
        ]
        self.groups = [
            Group.objects.create(chat_id=f"g{n}", key=f"g{n}", name=f"g{n}", owner="x", made_at=NOON, seen_at=NOON)
            for n in range(2)
        ]
        self.contacts = {
            where: Contact.objects.create(external_userid=where, member=member, first_at=NOON, seen_at=NOON)
            for where, member in house.members.items()
        }
        self.visitors = {
            where: Visitor.objects.create(
                anonymous_id=where, member=member, linked_at=NOON, first_seen_at=NOON, seen_at=NOON
            )
            for where, member in house.members.items()
        }
        self.template = coupon_making.template("thirty", per_member=None)

    def message(
        self,
        where: str,
        at: datetime,
        *,
        later: timedelta = timedelta(0),
        state: str = "sent",
        policy: Policy | None = None,
    ) -> None:
        of = policy or self.house.policy
        assert of is not None
        Touch.objects.create(
            policy=of, version=self.house.policy.versions.get(), member=self.house.members[where],  # type: ignore[union-attr]
            occurrence=f"t:{Touch.objects.count()}", channel="sms", state=state, decided_at=at - later,
            reason="cap" if state == "skipped" else "",
            send_at=at if later else None, settled_at=at,
        )  # fmt: skip
        if state in ("sent", "delivered"):
            self.seen.append(Seen("message", of.pk, at, where))

    def watched(self, where: str, at: datetime, until: datetime, *, which: int = 0) -> None:
        made = Viewer.objects.get_or_create(
            stream=self.streams[which], member=self.house.members[where], defaults={"first_at": at, "last_at": until}
        )[1]
        if made:
            self.seen.append(Seen("stream", self.streams[which].pk, at, where, until=until))

    def joined(self, where: str, at: datetime, *, which: int = 0) -> None:
        made = GroupMember.objects.get_or_create(
            group=self.groups[which], who=where, defaults={"contact": self.contacts[where], "joined_at": at}
        )[1]
        if made:
            self.seen.append(Seen("group", self.groups[which].pk, at, where))

    def opened(self, where: str, at: datetime, until: datetime, *, code: Code) -> None:
        made = CodeVisitor.objects.get_or_create(
            code=code, visitor=self.visitors[where], defaults={"first_at": at, "last_at": until, "opens": 2}
        )[1]
        if made:
            self.seen.append(Seen("code", code.pk, at, where, until=until))

    def arrived(self, where: str, at: datetime, *, code: Code) -> None:
        if Arrival.objects.get_or_create(member=self.house.members[where], defaults={"code": code, "at": at})[1]:
            self.seen.append(Seen("code", code.pk, at, where))

    def used(self, row: Order, where: str, at: datetime) -> None:
        coupon = coupon_making.coupon(self.template, self.house.members[where], state="used", channel="staff")
        Use.objects.create(
            coupon=coupon, template=self.template, member=self.house.members[where], state="done", source=f"u{coupon.pk}",
            order=row, done_at=at,
        )  # fmt: skip
        self.seen.append(Seen("coupon", self.template.pk, at, where, order_id=row.pk))

    def sold(self, row: Order, where: str, *, which: int = 0) -> None:
        Sale.objects.create(order=row, stream=self.streams[which], how="file", at=NOON)
        self.seen.append(Seen("stream", self.streams[which].pk, paid(row), where, order_id=row.pk))


def contacts(seen: list[Seen], row: Order, where: str, days: dict[str, int]) -> list[tuple[datetime, str, int]]:
    """The slow way: each contact of the member looked at alone, in words of the rule."""
    when_paid = paid(row)
    found: list[tuple[datetime, str, int]] = []
    once: dict[tuple[str, int], datetime] = {}
    for one in seen:
        if one.whose != where or (one.order_id is not None and one.order_id != row.pk):
            continue
        when = one.at
        if one.kind == "stream" and one.until and one.at <= when_paid:
            when = min(one.until, when_paid)
        if one.kind == "code" and one.until and one.until <= when_paid:
            when = one.until
        if one.order_id is not None:
            when = min(when, when_paid)
        elif not timedelta(0) <= when_paid - when < days[one.kind] * DAY:
            continue
        if one.kind in ("message", "coupon"):
            found.append((when, one.kind, one.ref))
        else:
            once[one.kind, one.ref] = max(when, once.get((one.kind, one.ref), when))
    return sorted(found + [(when, *key) for key, when in once.items()])


def shares(times: list[datetime], paid: datetime, half_life: int) -> dict[str, list[Fraction]]:
    """What part of the order each contact is due, exactly but for the powers of fading."""
    n = len(times)
    fading = [Fraction(2 ** (-((paid - when) / DAY) / half_life)) for when in times]
    ends = [Fraction(1)] if n == 1 else [Fraction(1, 2)] * 2 if n == 2 else []
    ends = ends or [Fraction(2, 5), *[Fraction(1, 5) / (n - 2)] * (n - 2), Fraction(2, 5)]
    return {
        "last": [Fraction(0)] * (n - 1) + [Fraction(1)],
        "first": [Fraction(1)] + [Fraction(0)] * (n - 1),
        "linear": [Fraction(1, n)] * n,
        "decay": [weight / sum(fading) for weight in fading],
        "position": ends,
    }


def fill(house: House, made: Marketing, dice: random.Random) -> dict[int, str]:
    """Forty-odd orders and some hundred contacts of all kinds; whose order each is."""
    where_of: dict[int, str] = {}

    def some() -> datetime:
        return NOON - timedelta(seconds=dice.randint(1, 30 * 86_400))

    for where in house.members:
        for _ in range(14):
            cents, store = dice.choice([1, 2, 7, 99, 12_345, 9_999_999]), dice.choice(list(house.stores))
            row = buy(house, where, some(), cents, store=store)
            where_of[row.pk] = where
            for _ in range(dice.randint(0, 2)):
                made.used(row, where, paid(row) + timedelta(seconds=dice.randint(-60, 60)))
            if not dice.randint(0, 3):
                made.sold(row, where, which=dice.randint(0, 1))
        for _ in range(25):
            state = dice.choice(["sent", "delivered", "skipped", "held_out"])
            made.message(where, some(), later=timedelta(hours=dice.randint(0, 30)), state=state)
        for which in (0, 1):
            when = some()
            made.watched(where, when, when + timedelta(hours=dice.randint(0, 200)), which=which)
            made.joined(where, some(), which=which)
        when, code = some(), house.codes[dice.choice(list(house.codes))]
        made.opened(where, when, when + timedelta(hours=dice.randint(0, 300)), code=code)
        made.arrived(where, some(), code=house.codes[where])
    return where_of


def paid(row: Order) -> datetime:
    assert row.paid_at
    return row.paid_at


def shared_out(row: Order, rows: list[OrderCredit], due: list[tuple[datetime, str, int]]) -> None:
    """These rows are the contacts that are due, and each model shares out the order's net, within a fen of its exact part."""
    net = row.total_cents - row.refunded_cents
    assert [(one.at, one.kind, one.ref_id) for one in rows] == due
    for model, parts in (shares([when for when, *_ in due], paid(row), 3) if due else {}).items():
        given = [getattr(one, f"{model}_cents") for one in rows]
        assert sum(given) == net, model
        assert min(given) >= 0
        assert all(abs(cents - part * net) <= 1 + net * 5e-6 for cents, part in zip(given, parts, strict=True)), model


def test_each_order_is_shared_out_to_the_fen_as_the_slow_reference_says(house: House):
    dice = random.Random(20261122)
    days = {"message": 5, "stream": 4, "group": 9, "code": 7, "half_life": 3}
    brand.write(windows.KEY, days)
    made = Marketing(house)
    where_of = fill(house, made, dice)
    for row in dice.sample(list(Order.objects.filter(pk__in=where_of)), 12):
        orders.refund(order_id=row.pk, source="r", amount_cents=dice.randint(1, row.total_cents), refunded_at=NOON)
    edge = buy(house, "mine", NOON - timedelta(hours=1), 100)
    where_of[edge.pk] = "mine"
    made.message("mine", paid(edge) - 5 * DAY)  # just out of the window
    made.message("mine", paid(edge))  # just in it

    attribution.refresh(moment=NOON)

    rows: dict[int, list[OrderCredit]] = defaultdict(list)
    for credit in OrderCredit.objects.order_by("order_id", "nth"):
        rows[credit.order_id].append(credit)
    for row in Order.objects.filter(pk__in=where_of):
        is_kept = row.total_cents > row.refunded_cents
        shared_out(row, rows[row.pk], contacts(made.seen, row, where_of[row.pk], days) if is_kept else [])
    assert max(len(found) for found in rows.values()) >= 6
    wanted = Wanted(first=clock.local_date(NOON) - 60 * DAY, last=clock.local_date(NOON), store_ids=None)
    kept = sum(row.total_cents - row.refunded_cents for row in Order.objects.all())
    for model in MODELS:
        assert sum(one.cents[model] for one in credits.by_way(wanted)) == kept


def tables() -> list[list[tuple[Any, ...]]]:
    return [
        sorted(table.objects.values_list(*[one.attname for one in table._meta.fields if one.attname != "id"]))
        for table in (OrderCredit, CreditDay)
    ]


def test_what_is_counted_by_the_hour_is_what_the_night_counts(house: House):
    made = Marketing(house)
    made.message("mine", NOON - 42 * DAY)
    made.message("near", NOON - 42 * DAY)
    made.message("near", NOON - DAY)
    attribution.refresh(moment=NOON)
    before = tables()
    old = house.orders["mine"]
    orders.refund(order_id=old.pk, source="r", amount_cents=1_000, refunded_at=NOON + timedelta(minutes=20))
    orders.refund(order_id=house.orders["near"].pk, source="r", refunded_at=NOON + timedelta(minutes=20))
    buy(house, "near", NOON + timedelta(minutes=30), 700)
    later = NOON + timedelta(hours=1)

    days = attribution.refresh(moment=later)

    hourly = tables()
    assert hourly != before
    assert days == attribution.BACK + 1  # the day of the old orders beside the last three
    assert OrderCredit.objects.get(order_id=old.pk).last_cents == 9_000
    assert not OrderCredit.objects.filter(order_id=house.orders["near"].pk).exists()
    assert attribution.refresh(moment=later, whole=True) == attribution.KEPT_DAYS
    assert tables() == hourly


def test_other_windows_count_everything_anew_and_stand_in_the_audit_trail(house: House, at: At):
    made = Marketing(house)
    made.message("mine", house.orders["mine"].paid_at - 20 * DAY)
    attribution.refresh(moment=NOON)
    assert not OrderCredit.objects.exists()
    address = reverse("console:analysis_windows")
    fields = {"message": "21", "stream": "7", "group": "30", "code": "30", "half_life": "7"}

    assert at(Role.MANAGER).post(address, fields).status_code == 403
    assert at(Role.ANALYST).post(address, fields | {"message": "91"}).status_code == 422
    assert at(Role.ANALYST).post(address, fields).status_code == 302
    assert windows.current()["message"] == 21
    assert AuditEntry.objects.filter(object_type="core_brandsetting").exists()
    assert attribution.refresh(moment=NOON) == attribution.KEPT_DAYS
    assert OrderCredit.objects.get().order_id == house.orders["mine"].pk
    with pytest.raises(ValueError, match="90 days"):
        brand.write(windows.KEY, windows.DEFAULT | {"code": True})


@pytest.fixture
def shared(house: House) -> Marketing:
    """In each store an order of ¥50 after a message of a journey, a code of a store far away and nothing."""
    made = Marketing(house)
    journey = Journey.objects.create(key="back", name="回来看看")
    policy = Policy.objects.create(key="back.send", name="回来看看短信", journey=journey)
    for where in ("mine", "near", "far"):
        made.message(where, NOON - 3 * DAY, policy=policy)
        made.opened(where, NOON - 2 * DAY, NOON - 2 * DAY, code=house.codes["far"])
        buy(house, where, NOON - timedelta(days=1), 5_000)
        buy(house, where, NOON - timedelta(days=9), 300)
    attribution.refresh(moment=NOON)
    return made


def boxes(page: Any, key: str) -> dict[str, list[tuple[str, str]]]:
    drawn = next(one for one in page.context["charts"] if one.key == key)
    return {name: [(box.text, box.href) for box in row] for name, _more, row in drawn.rows}


def test_models_differ_and_each_sum_leads_to_its_contacts(shared: Marketing, at: At):
    client = at(Role.ANALYST)
    page = client.get(reverse("console:analysis_attribution"))
    said = boxes(page, "ways")
    message, code, alone = (
        next(row for name, row in said.items() if part in name) for part in ("短信", "海报", "之前没有")
    )
    assert [text for text, _href in message] == [
        "¥0.00",
        "¥150.00",
        "¥75.00",
        *[text for text, _ in message[3:4]],
        "¥75.00",
    ]
    assert [text for text, _href in code][:2] == ["¥150.00", "¥0.00"]
    assert {text for text, _href in alone} == {"¥9.00"}
    assert [text for text, _href in boxes(page, "walks")["回来看看"]][1] == "¥150.00"
    seen = 0
    for key in ("ways", "walks", "things"):
        for row in boxes(page, key).values():
            for place, (text, href) in enumerate(row):
                if not href:
                    continue
                rows = client.get(href)
                found = rows.context["rows"]
                assert len(found) == rows.context["count"] == 3, href
                lines = client.get(rows.context["csv_url"]).content.decode("utf-8-sig").splitlines()
                assert len(lines) == 4
                assert lines[1].startswith(found[0]["member_no"])
                cents = sum(row[f"{MODELS[place]}_cents"] for row in found)
                assert text == f"¥{cents / 100:,.2f}"
                seen += 1
    assert seen == 5 * 6


def test_a_manager_sees_the_orders_of_their_store_alone(shared: Marketing, at: At):
    client = at(Role.MANAGER)
    page = client.get(reverse("console:analysis_attribution"), {"store": shared.house.stores["far"].pk})
    assert [text for text, _href in boxes(page, "ways")["全部订单"]] == ["¥53.00"] * 5
    hrefs = {
        href for key in ("ways", "walks", "things") for row in boxes(page, key).values() for _text, href in row if href
    }
    bodies = [page.content.decode(), *(client.get(href).content.decode() for href in hrefs)]
    assert any("NO-mine" in body or "沈" in body for body in bodies[1:])
    for body in bodies:
        for where in ("near", "far"):
            assert f"NO-{where}" not in body
            assert shared.house.stores[where].name not in body
        assert "海报far" not in body  # a code of another store has no name here
    files = [
        client.get(reverse("console:analysis_csv", args=[key])).content.decode() for key in ("ways", "walks", "things")
    ]
    assert all("159.00" not in text and "53.00" in text for text in files[:1])


def test_the_page_counts_nothing_itself(shared: Marketing, at: At):
    client = at(Role.ADMIN)
    client.get(reverse("console:analysis_attribution"))
    with CaptureQueriesContext(
        connection,
    ) as caught:
        client.get(reverse("console:analysis_attribution"))
    assert len(caught) <= 30
    assert not [one["sql"] for one in caught if "orders_order" in one["sql"] or "care_touch" in one["sql"]]


@pytest.mark.parametrize("asked", [{}, {"kind": "x"}, {"kind": "message", "journey": "1"}, {"journey": "x"}])
def test_contacts_of_no_kind_are_not_found(shared: Marketing, at: At, asked: dict[str, str]):
    assert at(Role.ADMIN).get(reverse("console:analysis_rows", args=["credits"]), asked).status_code == 404


def test_an_order_of_an_unknown_time_has_no_contacts(house: House):
    assert Member.objects.exists()
    attribution.refresh(moment=datetime(2026, 1, 1, tzinfo=UTC))
    assert not CreditDay.objects.exists()
