"""The schedule: who is taken when, which steps a stream may take, what a late second change meets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import pytest
from django.db import connection

from apps.catalog.models import Product as CatalogProduct
from apps.core import clock
from apps.core.errors import DomainError
from apps.coupons.models import Template
from apps.flows import services as flows
from apps.livestream import joining, planning, selectors, upkeep
from apps.livestream.errors import (
    AlreadyReserved,
    ChangedMeanwhile,
    NoneLeft,
    NotToReserve,
    Overlap,
    QuantityTooSmall,
    UnknownPart,
    WrongMove,
    WrongTime,
)
from apps.livestream.models import Product, Reservation, Stream
from apps.members import services as members
from apps.stores.models import Store
from tests.coupons import making as coupons
from tests.livestream.making import DAY, EVENING, HOUR, MINUTE, NOON, host, room, stream, wanted

pytestmark = pytest.mark.django_db


def test_a_room_or_a_host_that_is_taken_is_refused_with_what_is_in_the_way_and_nothing_is_written() -> None:
    first = stream()
    for taken in ({"host_id": host("阿禾").pk}, {"room_id": room("二号间").pk}):
        with pytest.raises(Overlap) as refusal, clock.frozen(NOON):
            planning.plan(wanted=wanted("夜场", at=EVENING + DAY + HOUR, **taken))
        assert refusal.value.facts == {"title": "春茶专场", "from": "03-11 20:00", "until": "03-11 22:00"}
    assert list(Stream.objects.all()) == [first]

    stream("接着播", at=EVENING + DAY + 2 * HOUR)  # it begins when the other ends
    stream("同时", at=EVENING + DAY, room_id=room("二号间").pk, host_id=host("阿禾").pk)
    planning.turn(stream_id=first.pk, to="cancelled")
    stream("原位", at=EVENING + DAY)
    assert Stream.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_two_planners_at_once_get_one_place() -> None:
    room_id, hosts = room().pk, [host("小满").pk, host("阿禾").pk]
    start = Barrier(2)

    def plan(host_id: int) -> str:
        try:
            start.wait()
            with clock.frozen(NOON):
                planning.plan(wanted=wanted(room_id=room_id, host_id=host_id))
        except Overlap as refusal:
            return str(refusal.facts["title"])
        finally:
            connection.close()
        return "planned"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(plan, hosts)) == ["planned", "春茶专场"]
    assert Stream.objects.count() == 1


def test_a_stream_takes_only_the_steps_of_the_table() -> None:
    allowed = {(was, to) for was, steps in planning.MOVES.items() for to in steps}
    assert allowed == {
        ("planned", "live"), ("planned", "expired"), ("planned", "cancelled"), ("live", "ended"),
    }  # fmt: skip
    row = stream()
    for to, then in (
        ("ended", "planned"),
        ("live", "live"),
        ("live", "live"),
        ("cancelled", "live"),
        ("ended", "ended"),
    ):
        try:
            planning.turn(stream_id=row.pk, to=to)
        except WrongMove:
            assert (row.state, to) not in allowed
        row.refresh_from_db()
        assert row.state == then
    assert row.revision == 3, "to where it stands already is no step"


def test_who_saw_an_older_state_changes_nothing() -> None:
    row = stream()
    with clock.frozen(NOON):
        planning.move(stream_id=row.pk, revision=1, starts_at=EVENING + 2 * DAY)
        with pytest.raises(ChangedMeanwhile):
            planning.move(stream_id=row.pk, revision=1, starts_at=EVENING + 3 * DAY)
        with pytest.raises(WrongTime):
            planning.move(stream_id=row.pk, revision=2, starts_at=NOON - HOUR)
        with pytest.raises(UnknownPart):
            planning.change(stream_id=row.pk, revision=2, wanted=wanted(products=[(999, None)], at=EVENING + 2 * DAY))
    row.refresh_from_db()
    assert (row.starts_at, row.ends_at, row.revision) == (EVENING + 2 * DAY, EVENING + 2 * DAY + 2 * HOUR, 2)


def test_time_ends_what_nobody_began_and_what_nobody_ended() -> None:
    never, long = stream("无人", at=EVENING), stream("有人", at=EVENING + 3 * HOUR)
    with clock.frozen(EVENING + 3 * HOUR):
        planning.turn(stream_id=long.pk, to="live")
        assert upkeep.sweep()["expired"] == 1
    with clock.frozen(long.ends_at + 3 * HOUR - MINUTE):
        assert upkeep.sweep()["ended"] == 0
    with clock.frozen(long.ends_at + 3 * HOUR):
        assert upkeep.sweep()["ended"] == 1
    assert dict(Stream.objects.values_list("title", "state")) == {"无人": "expired", "有人": "ended"}
    assert never.pk


def delivered() -> None:
    while flows.sweep():
        pass


def window(key: str = "thirty") -> tuple[object, object]:
    row = Template.objects.get(key=key)
    return row.opens_at, row.closes_at


def test_a_coupon_of_a_stream_is_open_as_long_as_the_stream_goes_on() -> None:
    coupons.template()
    row = stream(coupons=[("thirty", 10)])
    delivered()
    begin, end = EVENING + DAY, EVENING + DAY + 2 * HOUR
    assert window() == (begin, end + 10 * MINUTE)

    with clock.frozen(NOON):
        planning.move(stream_id=row.pk, revision=1, starts_at=begin + DAY)
    delivered()
    assert window() == (begin + DAY, end + DAY + 10 * MINUTE)

    with clock.frozen(begin + DAY - 5 * MINUTE):
        planning.turn(stream_id=row.pk, to="live")
    with clock.frozen(begin + DAY + HOUR):
        planning.turn(stream_id=row.pk, to="ended")
    delivered()
    assert window() == (begin + DAY - 5 * MINUTE, begin + DAY + HOUR + 10 * MINUTE)


def test_a_coupon_of_a_stream_that_is_called_off_closes_at_once() -> None:
    coupons.template()
    row = stream(coupons=[("thirty", 10)])
    with clock.frozen(EVENING + DAY + MINUTE):
        planning.turn(stream_id=row.pk, to="cancelled")
    delivered()
    assert window() == (EVENING + DAY, EVENING + DAY + MINUTE)


def limited(quantity: int = 2) -> tuple[Product, Store]:
    tea = CatalogProduct.objects.create(sku="T1", name="明前龙井")
    row = stream(products=[(tea.pk, quantity)])
    return Product.objects.get(stream=row), Store.objects.create(code="S1", name="一店")


def member(number: int) -> int:
    return members.register(source="test", nickname="林溪", phone=f"1990003{number:04d}")


def reserve(product: Product, store: Store, who: int, source: str, day: date = date(2026, 3, 12)) -> Reservation:
    return joining.reserve(product_id=product.pk, member_id=who, store_id=store.pk, visit_on=day, source=source)


def test_a_piece_is_put_aside_once_and_never_more_than_there_are() -> None:
    product, store = limited()
    one, two, three = (member(n) for n in (1, 2, 3))
    with clock.frozen(NOON):
        first = reserve(product, store, one, "a")
        assert reserve(product, store, one, "a").pk == first.pk
        refused = [
            (AlreadyReserved, one, "b", date(2026, 3, 12)), (NotToReserve, two, "c", date(2026, 3, 10)),
            (NotToReserve, two, "d", date(2026, 3, 26)),
        ]  # fmt: skip
        for wrong, who, source, day in refused:
            with pytest.raises(wrong):
                reserve(product, store, who, source, day)
        reserve(product, store, two, "e")
        with pytest.raises(NoneLeft):
            reserve(product, store, three, "f")
        with pytest.raises(DomainError):
            joining.settle(reservation_id=first.pk, state="cancelled", member_id=two)
        assert joining.settle(reservation_id=first.pk, state="cancelled", member_id=one).state == "cancelled"
        reserve(product, store, three, "g")
        with pytest.raises(QuantityTooSmall):
            planning.change(stream_id=product.stream_id, revision=1, wanted=wanted())
    product.refresh_from_db()
    assert (product.reserved, Reservation.objects.filter(state="open").count()) == (2, 2)

    with clock.frozen(clock.day_start(date(2026, 3, 13))):
        assert upkeep.sweep()["missed"] == 2
    product.refresh_from_db()
    assert (product.reserved, {row.state for row in Reservation.objects.all()}) == (0, {"cancelled", "missed"})


@pytest.mark.django_db(transaction=True)
def test_of_five_who_want_the_last_piece_at_once_one_gets_it() -> None:
    product, store = limited(quantity=1)
    people = [member(number) for number in range(5)]
    start = Barrier(5)

    def take(who: int) -> bool:
        try:
            start.wait()
            with clock.frozen(NOON):
                reserve(product, store, who, f"r:{who}")
        except NoneLeft:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(take, people)) == 1
    assert list(Product.objects.values_list("reserved", flat=True)) == [1]
    assert Reservation.objects.count() == 1


def test_members_see_what_is_to_come_and_not_what_was_called_off() -> None:
    row, gone = stream(), stream("取消", at=EVENING + 3 * DAY)
    planning.turn(stream_id=gone.pk, to="cancelled")
    assert list(selectors.schedule(moment=NOON)) == [row]
