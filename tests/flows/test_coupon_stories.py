"""Coupons that follow from facts: registration, mall, merge and its undoing, erasure."""

from datetime import timedelta

import pytest

from apps.core import brand, clock
from apps.coupons import issuing, templates
from apps.coupons.models import Budget, Coupon, Spent, Template, Use, Welcomed
from apps.events.models import Event
from apps.flows import erasure, member_merged
from apps.flows import services as flows
from apps.members import services, states
from apps.members.models import Member
from apps.points import mall
from apps.points.models import Account
from tests.coupons import making
from tests.points.gifts import gift, rich, take

pytestmark = pytest.mark.django_db


def person(number: int) -> Member:
    return Member.objects.get(
        pk=services.register(source="portal", nickname=f"林{number}", phone=f"170000003{number:02d}")
    )


def deliver() -> None:
    while flows.sweep():
        pass
    assert not Event.objects.filter(finished_at=None).exists()


def coupons(member: Member) -> list[tuple[str, str, int | None]]:
    rows = Coupon.objects.filter(member=member).order_by("template__key", "pk")
    return list(rows.values_list("template__key", "state", "nth"))


def give(of: Template, to: Member, source: str, channel: str = "staff") -> int:
    return issuing.issue(member_id=to.pk, template_id=of.pk, source=source, channel=channel).coupon_id


def test_who_registers_is_welcomed_once_and_not_again_under_the_same_phone():
    making.template("hello")
    gone = making.template("gone", most=1)
    give(gone, Member.objects.create(member_no="other"), "x")
    brand.write("coupons.at_registration", ["hello", "gone", "unknown"])
    lin = person(1)
    deliver()
    assert coupons(lin) == [("hello", "ready", 1)]
    assert Coupon.objects.get(member=lin).channel == "register"
    assert Welcomed.objects.count() == 1

    states.cancel(member_id=lin.pk)
    with clock.frozen(clock.now() + timedelta(days=16)):
        assert erasure.erase(member_id=lin.pk)
        deliver()
        again = person(1)
        deliver()
    assert coupons(lin) == [("hello", "recalled", 1)]
    assert coupons(again) == []
    with clock.frozen(clock.now() + timedelta(days=400)):  # the departure is forgotten, the welcome is not
        states.cancel(member_id=again.pk)
        erasure.erase(member_id=again.pk)
        third = person(1)
        deliver()
    assert coupons(third) == []
    with pytest.raises(ValueError, match="keys of coupon templates"):
        brand.write("coupons.at_registration", ["no key!"])


def balance(member: Member) -> int:
    return Account.objects.get(member=member, currency__key="points").balance


def test_a_coupon_of_the_mall_comes_outside_the_limit_and_one_that_cannot_come_is_not_charged():
    of, lin = making.template("treat", most=2), person(1)
    give(of, lin, "before")
    cup = gift("cup", points=100, kind="virtual", coupon_key="treat", left=5)
    rich(lin, 500)

    first = take(lin, cup, "a").exchange
    deliver()

    made = Coupon.objects.get(source=f"exchange:{first.pk}")
    assert (made.member, made.nth, made.channel, made.origin) == (lin, None, "mall", "cup")
    assert balance(lin) == 400
    second = take(lin, cup, "b").exchange
    deliver()
    second.refresh_from_db()
    assert (second.state, balance(lin), Coupon.objects.count()) == ("cancelled", 400, 2)
    mall.call_off(exchange_id=first.pk)
    deliver()
    made.refresh_from_db()
    assert (made.state, balance(lin)) == ("recalled", 500)


def test_a_merge_loses_no_coupon_to_the_limit_and_its_undoing_gives_back_exactly_the_old_numbers():
    of, other, lin, mei = making.template("one"), making.template("two", per_member=3), person(1), person(2)
    Budget.objects.create(template=of, per="member_month", of="uses", most=9)
    for who in (lin, mei):
        give(of, who, f"a{who.pk}")
        give(other, who, f"b{who.pk}")
        give(other, who, f"c{who.pk}", "mall")
        row = Coupon.objects.get(source=f"a{who.pk}")
        Spent.objects.create(budget=Budget.objects.get(), key=f"m{who.pk}:2026-11", amount=who.pk)
        Use.objects.create(coupon=row, template=of, member=who, state="cancelled", source=f"u{who.pk}")
    before = coupons(lin), coupons(mei)
    assert before[0] == before[1] == [("one", "ready", 1), ("two", "ready", 1), ("two", "ready", None)]

    merge_id = member_merged.merge(survivor_id=lin.pk, loser_id=mei.pk, choices={}, source="t", reason="one person")

    assert coupons(mei) == []
    assert sorted(coupons(lin), key=str) == sorted(
        [("one", "ready", 1), ("one", "ready", 2), ("two", "ready", 1), ("two", "ready", 2)]
        + [("two", "ready", None)] * 2,
        key=str,
    )
    assert Use.objects.filter(member=lin).count() == 2
    assert Spent.objects.get(key=f"m{lin.pk}:2026-11").amount == lin.pk + mei.pk
    assert issuing.issue(member_id=mei.pk, template_id=of.pk, source=f"a{mei.pk}", channel="staff").is_new is False
    late = Coupon.objects.create(
        template=other, version=other.version, member=mei, nth=1, state="recalled", channel="staff", source="straggler"
    )
    member_merged.settle_merge(merge_id=merge_id)
    late.refresh_from_db()
    assert (late.member, late.nth) == (lin, 3)

    member_merged.unmerge(merge_id=merge_id)

    late.refresh_from_db()
    assert (late.member, late.nth) == (mei, 2), "the one they had keeps its number"
    late.delete()
    assert (coupons(lin), coupons(mei)) == before
    assert {who.pk for who in (lin, mei)} == set(
        Spent.objects.filter(key__contains=":2026-11").values_list("amount", flat=True)
    )
    assert set(Use.objects.values_list("member", "source")) == {(who.pk, f"u{who.pk}") for who in (lin, mei)}


def test_an_erasure_recalls_what_could_be_used_and_keeps_what_was_used():
    of, lin = making.template(per_member=3), person(1)
    give(of, lin, "a")
    Coupon.objects.filter(pk=give(of, lin, "b")).update(state="used")
    templates.stop(template_id=of.pk)
    states.cancel(member_id=lin.pk)
    with clock.frozen(clock.now() + timedelta(days=16)):
        erasure.erase(member_id=lin.pk)
        deliver()

    assert sorted(Coupon.objects.values_list("state", flat=True)) == ["recalled", "used"]
