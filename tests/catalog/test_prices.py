from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from apps.catalog import deciding, intake, prices, selectors
from apps.catalog.errors import (
    PriceForAllNeedsEnd,
    PriceIsOver,
    PriceMovedOn,
    PriceNotBelowList,
    PriceOverlaps,
    PriceWrongTimes,
)
from apps.catalog.intake import Item
from apps.catalog.models import Bundle, Price, Product
from apps.catalog.prices import BundleWish, Terms, Who, Wish
from apps.catalog.pricing import Buyer
from apps.core import approvals, clock
from apps.core.models import Approval, AuditEntry, User
from apps.stores.models import Role, Staff

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, 0, tzinfo=clock.SHOP_ZONE)  # a Friday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WHO = Who(source="test")
MEMBERS = Terms("*")


@pytest.fixture(autouse=True)
def tea(db: None):
    with clock.frozen(NOON):
        intake.take(Item("TEA", "红茶", "茶", "谷雨里", 10_000), who=WHO)
        yield Product.objects.get()


def person(role: str, number: int) -> User:
    user = User.objects.create(username=f"{role}{number}")
    Staff.objects.create(user=user, code=f"{role}{number}", name=f"{role}{number}", role=role)
    return user


def cost(moment: datetime, **who) -> int:
    return selectors.shown(["TEA"], buyer=Buyer(moment, **who))[0].cents


def put(cents: int, terms: Terms = MEMBERS, **more) -> Price:
    return prices.put(Wish("TEA", cents, terms=terms), who=WHO, **more)[0]


def test_a_product_handed_in_again_changes_nothing_and_a_new_price_begins_where_the_old_one_ends():
    again = intake.take(Item("TEA", list_cents=10_000), who=WHO)[1]
    assert (again, Price.objects.count()) == ("unchanged", 1)
    with clock.frozen(NOON + HOUR):
        assert intake.take(Item("TEA", "红茶 250克", list_cents=11_000), who=WHO)[1] == "updated"
        prices.put(Wish("TEA", 12_000, is_list=True, terms=Terms(starts_at=NOON + DAY)), who=WHO)
        prices.put(Wish("TEA", 11_500, is_list=True), who=WHO)
    spans = Price.objects.order_by("starts_at", "pk").values_list("cents", "starts_at", "ends_at")
    assert [(cents, ends) for cents, starts, ends in spans if ends != starts] == [
        (10_000, NOON + HOUR), (11_500, NOON + DAY), (12_000, None)
    ]  # fmt: skip
    assert [cost(NOON + span) for span in (HOUR / 2, HOUR, DAY)] == [10_000, 11_500, 12_000]


def test_two_prices_of_one_product_for_the_same_people_never_count_at_once():
    week = [(5,), (6, 7)]
    for days in week:
        put(9_000, Terms("*", ends_at=NOON + 9 * DAY, weekdays=days))
    with pytest.raises(PriceOverlaps):
        put(8_000, Terms("*", ends_at=NOON + DAY, weekdays=(5,), hours=(("22:00", "02:00"),)))
    put(8_500, Terms("*", weekdays=(4,), hours=(("22:00", "00:00"),)))  # Thursday's late evening
    put(8_000, Terms("gold"))
    put(8_000, Terms("*", store="S1"))
    assert Price.objects.filter(kind="special").count() == 5
    row = Price.objects.filter(audience="gold").values("product", "kind", "audience", "cents", "starts_at").get()
    with pytest.raises(IntegrityError), transaction.atomic():
        Price.objects.create(**row | {"product_id": row.pop("product"), "cents": 1})


@pytest.mark.parametrize(
    ("cents", "terms", "error"),
    [
        (10_000, MEMBERS, PriceNotBelowList),
        (9_000, Terms(), PriceForAllNeedsEnd),
        (9_000, Terms("*", ends_at=NOON), PriceWrongTimes),
        (9_000, Terms("*", starts_at=NOON - HOUR), PriceWrongTimes),
    ],
)
def test_what_is_no_special_price_is_refused_and_nothing_is_written(cents, terms, error):
    with pytest.raises(error):
        put(cents, terms)
    assert Price.objects.count() == 1


def test_a_price_is_ended_at_once_and_taken_up_again_with_the_time_between_as_it_was():
    row = put(9_000, Terms("*", ends_at=NOON + DAY))
    with clock.frozen(NOON + HOUR):
        prices.stop(row=row, by=None)
        prices.stop(row=row, by=None)
    with clock.frozen(NOON + 2 * HOUR):
        row.refresh_from_db()
        again = prices.undo_stop(row=row, who=WHO)
    assert (row.ends_at, row.was_until, again.ends_at) == (NOON + HOUR, NOON + DAY, NOON + DAY)
    assert [cost(NOON + n * HOUR, is_member=True) for n in (0, 1, 2)] == [9_000, 10_000, 9_000]
    assert AuditEntry.objects.filter(object_type="catalog_price", action="catalog_price.update").count() == 1
    with clock.frozen(NOON + 2 * DAY), pytest.raises(PriceIsOver):
        prices.undo_stop(row=row, who=WHO)
    with pytest.raises(ProgrammingError), transaction.atomic():
        Price.objects.filter(pk=row.pk).update(cents=1)


def test_a_price_that_takes_over_ends_the_one_that_runs():
    put(9_000)
    with clock.frozen(NOON + HOUR):
        assert intake.take(Item("TEA", specials=[(8_800, "", MEMBERS)]), who=WHO)[1] == "updated"
        assert intake.take(Item("TEA", specials=[(8_800, "", MEMBERS)]), who=WHO)[1] == "unchanged"
    assert [cost(NOON + n * HOUR, is_member=True) for n in (0, 1)] == [9_000, 8_800]


def test_what_goes_deeper_than_a_person_may_alone_waits_for_a_second_one():
    marketer, other = person(Role.MARKETER, 1), person(Role.MARKETER, 2)
    assert deciding.put([Wish("TEA", 7_000, terms=MEMBERS)], by=marketer, source="console").made == 1
    deep = [Wish("TEA", 6_999, terms=Terms("gold", starts_at=NOON + HOUR, hours=(("08:00", "20:00"),)))]
    asked = deciding.put(deep, by=marketer, source="console")
    assert (asked.made, Price.objects.count()) == (0, 2)
    assert asked == deciding.put(deep, by=marketer, source="console")
    with clock.frozen(NOON + 2 * HOUR):
        approvals.decide(approval_id=asked.approval_id, user_id=other.pk, is_agreed=True)
    row = Price.objects.latest("pk")
    assert (row.cents, row.by, row.agreed_by, row.starts_at) == (6_999, marketer, other, NOON + 2 * HOUR)

    half = BundleWish("nth", "第二件1折", (("TEA", 1),), count=2, percent=10)
    waits = deciding.put_bundle(half, by=marketer, source="console")
    assert (waits.approval_id is not None, Bundle.objects.count()) == (True, 0)
    prices.put(Wish("TEA", 12_000, is_list=True), who=WHO)
    with pytest.raises(PriceMovedOn):
        approvals.decide(approval_id=waits.approval_id, user_id=other.pk, is_agreed=True)
    assert Approval.objects.get(pk=waits.approval_id).state == "waiting"
    gentle = BundleWish("nth", "第二件半价", (("TEA", 1),), count=2, percent=50)
    assert deciding.put_bundle(gentle, by=marketer, source="console").made == 1
