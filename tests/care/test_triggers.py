"""Who is due under each trigger: the border of its window to the second, causes that are gone, one occurrence a cause."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection

from apps.activity.models import Event
from apps.care import claims, planning, templates, triggers
from apps.care.models import Touch, Version
from apps.catalog.models import Category, Product
from apps.coupons.models import Coupon
from apps.members.models import Member
from apps.orders.models import Line
from apps.points import services as points
from apps.points.models import Account, Lot
from apps.segments.models import MemberCycle, Membership, Passage, Segment
from apps.segments.tracks import services as tracks
from apps.stores.models import Store
from tests.care.conftest import CHINA, NOON, Shop
from tests.coupons import making

pytestmark = pytest.mark.django_db
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
EVENING = datetime(2026, 3, 11, tzinfo=CHINA)  # the first moment after the day of NOON
_sources = (f"test:{n}" for n in count())


def due(
    trigger: str, *, at: datetime = NOON, last_run: datetime | None = None, **params: Any
) -> list[tuple[str, str, bool]]:
    """(member number, occurrence, is late) of all who are due."""
    version = Version(trigger=trigger, params={"window_days": 2} | params)
    sql, given = triggers.due(version, moment=at, last_run=last_run, seen=0)
    with connection.cursor() as cursor:
        cursor.execute(
            f"select m.member_no, d.occurrence, d.is_late from ({sql}) d join members_member m on m.id = d.member_id order by 1, 2",
            given,
        )
        return cursor.fetchall()


def reason_when_sent(shop: Shop, trigger: str, params: dict[str, Any], change: Callable[[], object]) -> str:
    """Planned at noon; then something changes; why it is not sent an hour later, "" when it is."""
    version = shop.policy(
        trigger=trigger, params={"window_days": 2} | params, template="{{ brand }}想着您。", missing={}
    )
    planning.plan(moment=NOON, only=version)
    assert list(Touch.objects.values_list("state", "reason")) == [("planned", "")]
    change()
    claims.Desk("sms").take(limit=10, moment=NOON + HOUR, brand="B")
    return Touch.objects.get().reason


def reason_when_decided(shop: Shop, trigger: str, params: dict[str, Any]) -> str:
    version = shop.policy(
        trigger=trigger, params={"window_days": 2} | params, template="{{ brand }}想着您。", missing={}
    )
    planning.plan(moment=NOON, only=version)
    return Touch.objects.get().reason


def test_joined_so_many_days_ago_to_the_second(shop: Shop, noon: datetime) -> None:
    for joined in (NOON - 3 * DAY, NOON - 3 * DAY + SECOND, NOON - 5 * DAY + SECOND, NOON - 5 * DAY):
        Member.objects.filter(pk=shop.member().pk).update(joined_at=joined)
    assert due("registered", days=3) == [("M1", "registered", False), ("M3", "registered", False)]
    assert ("M4", "registered", True) in due("registered", days=3, last_run=NOON - 9 * DAY)


def lot(member: Member, amount: int, *, until: datetime) -> None:
    posting = points.earn(member_id=member.pk, amount=amount, source=next(_sources))
    Lot.objects.filter(entry_id=posting.entry_id).update(expires_at=until)
    account = Account.objects.get(member=member, currency__key="points")
    ends = account.lots.filter(remaining__gt=0).order_by("expires_at").values_list("expires_at", flat=True)
    Account.objects.filter(pk=account.pk).update(next_due_at=ends[0])


POINTS = {"days_before": 7, "currency": "points"}


def test_points_are_told_of_once_for_each_last_day(shop: Shop, noon: datetime) -> None:
    first, second = shop.member(), shop.member()
    for days, amount in ((7, 10), (7, 20), (8, 30), (4, 40)):
        lot(first, amount, until=EVENING + days * DAY)
    lot(second, 5, until=EVENING + 7 * DAY + SECOND)  # whose last day is the eighth
    assert due("points_expiring", **POINTS) == [("M1", "points:points:2026-03-17", False)]
    assert due("points_expiring", at=NOON + DAY, **POINTS) == [
        ("M1", "points:points:2026-03-17", False), ("M1", "points:points:2026-03-18", False), ("M2", "points:points:2026-03-18", False),
    ]  # fmt: skip
    assert due("points_expiring", at=NOON + 2 * DAY, **POINTS)[0] == ("M1", "points:points:2026-03-18", False)
    assert due("points_expiring", at=NOON + 2 * DAY, last_run=NOON - DAY, **POINTS)[0] == (
        "M1",
        "points:points:2026-03-17",
        True,
    )


@pytest.mark.parametrize(("spent", "reason"), [(10, "points_gone"), (9, "")])
def test_no_word_of_points_that_were_spent(shop: Shop, noon: datetime, spent: int, reason: str) -> None:
    member = shop.member()
    lot(member, 10, until=EVENING + 7 * DAY)
    lot(member, 10, until=EVENING + 90 * DAY)
    change = lambda: points.spend(member_id=member.pk, amount=spent, source="till")  # noqa: E731
    assert reason_when_sent(shop, "points_expiring", POINTS, change) == reason


COUPONS = {"days_before": 3}


def coupon(member: Member, key: str, *, until: datetime, **fields: Any) -> Coupon:
    made = making.coupon(making.template(key), member, **fields)
    Coupon.objects.filter(pk=made.pk).update(ends_at=until)
    return made


def test_coupons_are_told_of_by_their_last_day_and_only_unused_ones(shop: Shop, noon: datetime) -> None:
    first, second, third = (shop.member() for _ in range(3))
    coupon(first, "a", until=EVENING + 3 * DAY)
    coupon(first, "b", until=EVENING + 3 * DAY - HOUR)
    coupon(second, "c", until=EVENING + 3 * DAY, state="used")
    coupon(third, "d", until=EVENING + 3 * DAY + SECOND)
    assert due("coupon_expiring", **COUPONS) == [("M1", "coupon:2026-03-13", False)]
    assert due("coupon_expiring", coupon="d", **COUPONS) == []
    assert due("coupon_expiring", at=NOON + DAY, coupon="d", **COUPONS) == [("M3", "coupon:2026-03-14", False)]


@pytest.mark.parametrize(("used", "reason"), [(("a",), ""), (("a", "b"), "coupon_gone")])
def test_no_word_of_a_coupon_that_was_used(shop: Shop, noon: datetime, used: tuple[str, ...], reason: str) -> None:
    member = shop.member()
    for key in ("a", "b"):
        coupon(member, key, until=EVENING + 3 * DAY)
    coupon(member, "later", until=EVENING + 9 * DAY)
    change = lambda: Coupon.objects.filter(template__key__in=used).update(state="used")  # noqa: E731
    assert reason_when_sent(shop, "coupon_expiring", COUPONS, change) == reason


def did(member: Member, name: str, *, at: datetime, **properties: Any) -> None:
    Event.objects.create(
        occurred_at=at,
        received_at=at,
        event_id=uuid4(),
        name=name,
        member=member,
        source="portal",
        properties=properties,
    )


LEFT_AT = NOON - 24 * HOUR
CART = {"hours": 24}
OCCURRENCE = f"cart:{int(LEFT_AT.timestamp())}"


def test_a_cart_is_left_when_nothing_came_for_so_long(shop: Shop, noon: datetime) -> None:
    """Neither a kept order nor a further word about the cart up to the last second; who took something out last is left alone."""
    alone, young, busy, bought, refunded, emptied, old = (shop.member() for _ in range(7))
    for member, left_at in ((young, LEFT_AT + SECOND), (old, LEFT_AT - 48 * HOUR)):
        did(member, "added_to_cart", at=left_at, sku="P1")
    for member in (alone, busy, bought, refunded, emptied):
        did(member, "added_to_cart", at=LEFT_AT, sku="P1")
    did(busy, "checkout_started", at=NOON)
    shop.buys(bought, at=NOON)
    shop.buys(refunded, at=NOON, refunded_cents=10_000)
    did(emptied, "removed_from_cart", at=LEFT_AT + SECOND, sku="P1")
    assert due("cart_left", **CART) == [("M1", OCCURRENCE, False), ("M5", OCCURRENCE, False)]


def test_who_goes_on_for_days_is_due_once_for_the_last_word(shop: Shop, noon: datetime) -> None:
    member = shop.member()
    for hours in (47, 30, 24):
        did(member, "added_to_cart", at=NOON - hours * HOUR, sku="P1")
    assert due("cart_left", **CART) == [("M1", OCCURRENCE, False)]


CART_CHANGES = {
    "": lambda shop, member: shop.buys(member, at=LEFT_AT - SECOND),
    "bought": lambda shop, member: shop.buys(member, at=NOON + HOUR),
    "cart_changed": lambda shop, member: did(member, "added_to_cart", at=NOON + HOUR, sku="P2"),
    "cart_changed ": lambda shop, member: did(member, "removed_from_cart", at=NOON + HOUR, sku="P1"),
}


@pytest.mark.parametrize("reason", CART_CHANGES)
def test_no_word_of_a_cart_after_an_order_or_another_look_at_it(shop: Shop, noon: datetime, reason: str) -> None:
    member = shop.member()
    did(member, "added_to_cart", at=LEFT_AT, sku="P1")
    assert reason_when_sent(shop, "cart_left", CART, lambda: CART_CHANGES[reason](shop, member)) == reason.strip()


def test_an_order_between_the_cart_and_a_late_run_is_seen_when_it_is_decided(shop: Shop, noon: datetime) -> None:
    member = shop.member()
    did(member, "added_to_cart", at=LEFT_AT - 10 * HOUR, sku="P1")
    shop.buys(member, at=NOON - HOUR)
    assert reason_when_decided(shop, "cart_left", CART) == "bought"


def test_carts_of_who_may_not_be_profiled_are_left_in_peace(shop: Shop, noon: datetime) -> None:
    member = shop.member()
    shop.consent(member.pk, purpose="profiling", channel="any", given=False)
    did(member, "added_to_cart", at=LEFT_AT, sku="P1")
    assert reason_when_decided(shop, "cart_left", CART) == "no_profiling"


def cycle(member: Member, name: str, *, due_on: date, last_on: date = date(2026, 2, 1)) -> Product:
    category, _ = Category.objects.get_or_create(name=name)
    product, _ = Product.objects.get_or_create(sku=f"P-{name}", defaults={"name": name, "category": category})
    MemberCycle.objects.create(
        member=member, category=category, product=product, last_on=last_on, due_on=due_on, gap_days=40, is_own=True
    )
    return product


AGAIN = {"days_before": 3}


def test_needed_again_is_told_once_for_the_purchase_it_counts_from(shop: Shop, noon: datetime) -> None:
    member = shop.member()
    tea = cycle(member, "tea", due_on=date(2026, 3, 13))
    cycle(member, "soap", due_on=date(2026, 3, 14))
    occurrence = f"again:{tea.category_id}:2026-02-01"
    assert due("replenishment_due", **AGAIN) == [("M1", occurrence, False)]
    assert due("replenishment_due", category="soap", **AGAIN) == []
    MemberCycle.objects.filter(category=tea.category_id).update(due_on=date(2026, 3, 12))  # reckoned anew
    assert due("replenishment_due", **AGAIN) == [("M1", occurrence, False)]


@pytest.mark.parametrize(("sku", "reason"), [("tea", "bought"), ("soap", "")])
def test_no_word_once_the_category_was_bought(shop: Shop, noon: datetime, sku: str, reason: str) -> None:
    member = shop.member()
    products = {
        "tea": cycle(member, "tea", due_on=date(2026, 3, 13)),
        "soap": cycle(member, "soap", due_on=date(2026, 5, 1)),
    }

    def buy() -> None:
        order = shop.buys(member, at=NOON + HOUR)
        Line.objects.create(order=order, product=products[sku], line_no=1, quantity=1, total_cents=10_000)

    assert reason_when_sent(shop, "replenishment_due", AGAIN, buy) == reason


def segment(member: Member, *entries: datetime) -> Segment:
    group = Segment.objects.create(key="vip", name="VIP", rule={"field": "gender", "op": "in", "value": ["f"]})
    for at in entries:
        Passage.objects.create(segment=group, member=member, is_entry=True, at=at)
    Membership.objects.create(segment=group, member=member, since=entries[-1])
    return group


def test_who_came_into_a_segment_within_the_window(shop: Shop, noon: datetime) -> None:
    group = segment(shop.member(), NOON - 2 * DAY, NOON - 2 * DAY + SECOND)
    Passage.objects.create(segment=group, member=shop.member(), is_entry=False, at=NOON - HOUR)
    at = int((NOON - 2 * DAY + SECOND).timestamp())
    assert due("segment_entered", segment="vip") == [("M1", f"segment:{group.pk}:{at}", False)]


def test_who_left_the_segment_again_hears_nothing(shop: Shop, noon: datetime) -> None:
    segment(shop.member(), NOON - HOUR)
    assert (
        reason_when_sent(shop, "segment_entered", {"segment": "vip"}, Membership.objects.all().delete) == "segment_left"
    )


def test_a_step_of_a_track_and_who_has_left_it(shop: Shop, noon: datetime) -> None:
    member = shop.member()
    steps = [
        {"key": "early", "name": "早", "months": -6, "days": 0},
        {"key": "late", "name": "晚", "months": 0, "days": 0},
    ]
    track = tracks.create(key="baby", name="孕育", anchor="预产期", steps=steps)
    place = tracks.place(
        member_id=member.pk, track_id=track.pk, anchor_on=date(2026, 5, 1), source="staff", is_agreed=True
    )
    asked = {"track": "baby", "step": "early"}
    assert due("track_step", **asked) == [("M1", f"track:{place.pk}:early", False)]
    leave = lambda: tracks.correct(placement_id=place.pk, member_id=member.pk, anchor_on=date(2026, 3, 1))  # noqa: E731
    assert reason_when_sent(shop, "track_step", asked, leave) == "step_left"


BORN = {  # (month, day, what the field says): the day of the greeting, the year of the occurrence
    "solar": ((3, 10, ""), date(2026, 3, 10), 2026),
    "lunar": ((1, 22, "lunar"), date(2026, 3, 10), 2026),
    "lunar, before its new year": ((12, 22, "lunar"), date(2026, 2, 9), 2025),
    "the 30th of a short month": ((12, 30, "lunar"), date(2026, 2, 16), 2025),
    "the first of two sixth months": ((6, 1, "lunar"), date(2025, 6, 25), 2025),
    "born in the second of two": ((6, 1, "lunar_leap"), date(2025, 7, 25), 2025),
    "born in the second of two, in a plain year": ((6, 1, "lunar_leap"), date(2026, 7, 14), 2026),
    "29 February": ((2, 29, ""), date(2026, 2, 28), 2026),
}


@pytest.mark.parametrize("case", BORN)
def test_a_birthday_comes_once_a_year_by_the_members_own_calendar(shop: Shop, noon: datetime, case: str) -> None:
    (month, day, said), on, year = BORN[case]
    member = shop.member()
    Member.objects.filter(pk=member.pk).update(
        birth_month=month, birth_day=day, attributes={triggers.LUNAR_FIELD: said} if said else {}
    )
    at = datetime(on.year, on.month, on.day, 9, tzinfo=CHINA)
    assert due("birthday", at=at, days_before=0, window_days=1) == [("M1", f"birthday:{year}", False)]
    year_before = due("birthday", at=at, last_run=at - 340 * DAY, days_before=0, window_days=1)
    assert [occurrence for _, occurrence, is_late in year_before if not is_late] == [f"birthday:{year}"]
    assert len({occurrence for _, occurrence, _ in year_before}) == len(year_before) == 1
    only = "solar" if said else "lunar"
    assert due("birthday", at=at, days_before=0, window_days=1, calendar=only) == []


def test_variables_say_what_a_member_has(shop: Shop, noon: datetime) -> None:
    rich, poor = shop.member(), shop.member()
    store = Store.objects.create(code="S1", name="南京路店")
    Member.objects.filter(pk=rich.pk).update(home_store=store)
    lot(rich, 20, until=EVENING + 7 * DAY)
    lot(rich, 5, until=EVENING + 7 * DAY - HOUR)
    lot(rich, 100, until=EVENING + 30 * DAY)
    coupon(rich, "later", until=EVENING + 9 * DAY)
    coupon(rich, "soon", until=EVENING + 3 * DAY)
    coupon(rich, "used", until=EVENING + 2 * DAY, state="used")
    Product.objects.create(sku="P1", name="绿茶")
    did(rich, "added_to_cart", at=NOON - HOUR, sku="P1")
    names = ("points", "points_expiring", "points_last_day", "coupon", "coupon_last_day", "home_store", "cart_product")
    found = templates.values_of([rich.pk, poor.pk], names=[*names, "tier"], moment=NOON)
    assert [found[rich.pk][name] for name in names] == [
        "125", "25", "2026-03-17", "券soon", "2026-03-13", "南京路店", "绿茶",
    ]  # fmt: skip
    assert [found[poor.pk][name] for name in names] == [None] * 7
    assert found[rich.pk]["tier"] == found[poor.pk]["tier"]
