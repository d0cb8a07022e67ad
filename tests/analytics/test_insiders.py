"""T-F8, the list: clerks who grant by hand far more than their colleagues stand on top, with the reason; a fair share does not."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from apps.analytics import insiders
from apps.core.models import Alert, User
from apps.members.models import Member
from apps.orders import services as orders
from apps.points import awards, defaults
from apps.points import services as points
from apps.stores.models import Role, Staff, Store

NOW = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


def clerk(number: int, store: Store) -> Staff:
    user = User.objects.create_user(username=f"c-{number}", password=None)
    return Staff.objects.create(user=user, code=f"C-{number:03d}", name=f"店员{number}", role=Role.CLERK, store=store)


def grant(staff: Staff, member: Member, amount: int, number: object, days: float = 1) -> None:
    by = points.By(staff_id=staff.pk, store_id=staff.store_id, note="补记积分")
    moment = NOW - timedelta(days=days)
    points.adjust(member_id=member.pk, amount=amount, source=f"console:{staff.pk}:{number}", by=by, moment=moment)


def shop(number: int) -> Store:
    return Store.objects.create(code=f"S{number}", name=f"{number}号店")


def test_ten_planted_clerks_stand_among_the_first_twenty():
    dice = random.Random(7)
    guests = Member.objects.bulk_create(Member(member_no=f"G-{number}") for number in range(40))
    stores = [shop(number) for number in range(10)]
    staff = [clerk(number, stores[number % 10]) for number in range(60)]
    planted = dice.sample(staff, 10)
    for person in staff:
        for number in range(dice.randint(0, 2)):
            grant(person, dice.choice(guests), dice.choice([50, 100, 200]), number)
    for style, person in enumerate(planted):
        friend = dice.choice(guests)
        for number in range(8 + style):
            guest = friend if style % 2 else dice.choice(guests)
            grant(person, guest, dice.choice([100, 200, 500]), f"x{number}", days=dice.random() * 20)

    first = insiders.hands(moment=NOW)[:20]

    assert {person.pk for person in planted} <= {hand.staff_id for hand in first}
    assert {hand.staff_id for hand in first if hand.stands_out} == {person.pk for person in planted}


def test_a_busy_store_is_no_store_of_insiders():
    store, guest = shop(1), Member.objects.create(member_no="G-1")
    others = Member.objects.bulk_create(Member(member_no=f"G-1{number}") for number in range(6))
    for person in [clerk(number, store) for number in range(4)]:
        for number, member in enumerate([guest, *others]):
            grant(person, member, 100, number)

    assert [hand.stands_out for hand in insiders.hands(moment=NOW)] == [False] * 4


def test_the_list_says_how_many_and_against_what_and_ends_after_thirty_days():
    store, guest = shop(1), Member.objects.create(member_no="G-1")
    busy, calm = clerk(1, store), clerk(2, store)
    clerk(3, store)
    for number in range(14):
        grant(busy, guest, 100, number, days=29)
    grant(calm, guest, 100, 0, days=31)
    grant(calm, guest, 10, 1)

    [top, second] = insiders.hands(moment=NOW)

    assert (top.code, top.grants, top.points, top.members, top.median_grants) == ("C-001", 14, 1_400, 1, 0.5)
    assert (top.is_often, top.is_one_sided, second.stands_out) == (True, True, False)
    assert insiders.hands(moment=NOW, store_ids=[store.pk + 1]) == []


def test_an_alert_comes_once_a_month():
    store, guest = shop(1), Member.objects.create(member_no="G-1")
    busy = clerk(1, store)
    clerk(2, store)
    for number in range(6):
        grant(busy, guest, 100, number)

    assert (insiders.notice(moment=NOW), insiders.notice(moment=NOW + timedelta(hours=5))) == (1, 0)
    assert insiders.notice(moment=NOW + timedelta(days=2)) == 1
    assert Alert.objects.filter(kind=insiders.KIND).count() == 2


def test_many_small_grants_in_place_of_one_above_the_limit_stand_out():
    store = shop(1)
    guests = Member.objects.bulk_create(Member(member_no=f"G-{number}") for number in range(5))
    splitter, fair = clerk(1, store), clerk(2, store)
    Staff.objects.update(role=Role.MANAGER)  # 1,000 each
    for day, member in enumerate(guests[:2], 1):
        for number in range(3):
            grant(splitter, member, 400, f"{day}-{number}", days=day)
    for day, member in enumerate(guests[2:], 1):
        grant(fair, member, 1_200, f"{day}-agreed", days=day)  # above the limit, so by two
        for number in range(2):
            grant(fair, member, 500, f"{day}-{number}", days=day)  # together no more than the limit
    grant(fair, guests[2], 500, "later", days=9)  # another day

    found = {hand.code: (hand.splits, hand.is_split, hand.stands_out) for hand in insiders.hands(moment=NOW)}

    assert found == {"C-001": (2, True, True), "C-002": (0, False, False)}


def test_purchases_of_one_friend_at_a_till_stand_out_and_are_noticed():
    store, friend = shop(1), Member.objects.create(member_no="G-1")
    guests = Member.objects.bulk_create(Member(member_no=f"G-1{number}") for number in range(12))
    defaults.install()
    honest, insider = clerk(1, store), clerk(2, store)
    for person in (honest, insider):
        for number, guest in enumerate(guests[:9]):
            member = friend if person is insider and number > 1 else guest
            order = orders.record(
                source="till:1:1", order_no=f"{person.pk}-{number}", member_id=member.pk, lines=[], total_cents=10_000,
                store_id=store.pk, guide_id=person.pk, created_at=NOW,
            )  # fmt: skip
            orders.mark_paid(order_id=order.pk, paid_at=NOW - timedelta(days=1))
            awards.for_order(order_id=order.pk, moment=NOW)

    assert {hand.staff_id: (hand.grants, hand.stands_out) for hand in insiders.at_tills(moment=NOW)} == {
        insider.pk: (9, True), honest.pk: (9, False),
    }  # fmt: skip
    assert insiders.hands(moment=NOW) == []
    assert (insiders.notice(moment=NOW), insiders.notice(moment=NOW)) == (1, 0)
    assert Alert.objects.get().kind == insiders.AT_TILLS
