"""Coupons handed out by staff: within a limit by one person, above it by two, and never twice for one click."""

import pytest

from apps.core import approvals, brand
from apps.core.errors import ValidationFailed
from apps.core.models import Approval, AuditEntry
from apps.coupons import handing, publishing
from apps.coupons.handing import Wish
from apps.coupons.models import Coupon
from apps.stores import limits
from apps.stores.models import Role, Staff
from tests.console import world
from tests.console.world import House
from tests.coupons import making
from tests.coupons.test_issuing import at_once


@pytest.fixture
def house(db: None) -> House:
    return world.build()


def wish(house: House, template_id: int, key: str) -> Wish:
    return Wish(house.members["mine"].pk, template_id, "道歉补偿", f"console:{key}")


def test_a_day_of_one_person_has_a_limit_and_a_double_click_is_one_coupon(house: House):
    of = making.template("hundred", making.terms({"kind": "amount", "cents": 10_000}), per_member=None)
    manager = Staff.objects.get(user=house.users[Role.MANAGER])
    first = handing.hand_out(wish=wish(house, of.pk, "a"), staff=manager)
    again = handing.hand_out(wish=wish(house, of.pk, "a"), staff=manager)
    assert first.issued is not None
    assert again.issued is not None
    assert (again.issued.coupon_id, again.issued.is_new) == (first.issued.coupon_id, False)
    for key in "bcde":
        assert handing.hand_out(wish=wish(house, of.pk, key), staff=manager).issued is not None
    assert handing.handed_today(staff_id=manager.pk) == 50_000
    assert (
        handing.hand_out(wish=wish(house, of.pk, "a"), staff=manager).issued == again.issued
    )  # the day is full, this was done

    sixth = handing.hand_out(wish=wish(house, of.pk, "f"), staff=manager)
    assert (Coupon.objects.count(), Approval.objects.get().store_id) == (5, manager.store_id)
    with pytest.raises(approvals.OwnApproval):
        approvals.decide(approval_id=sixth.approval_id or 0, user_id=manager.user_id or 0, is_agreed=True)
    approvals.decide(approval_id=sixth.approval_id or 0, user_id=house.users[Role.ADMIN].pk, is_agreed=True)
    row = Coupon.objects.latest("pk")
    assert (row.channel, row.staff_id, Coupon.objects.count()) == ("staff", manager.pk, 6)
    assert handing.handed_today(staff_id=manager.pk) == 50_000  # what two agreed to is not the one's
    assert AuditEntry.objects.filter(action="coupon.handed_out").count() == 6


@pytest.mark.django_db(transaction=True)
def test_many_wishes_at_once_do_not_slip_past_the_limit_of_the_day(house: House):
    of = making.template("hundred", making.terms({"kind": "amount", "cents": 10_000}), per_member=None)
    manager = Staff.objects.get(user=house.users[Role.MANAGER])

    at_once([lambda n=n: handing.hand_out(wish=wish(house, of.pk, str(n)), staff=manager) for n in range(12)])

    assert (Coupon.objects.count(), Approval.objects.count()) == (5, 7)


def test_who_left_and_what_is_no_number_may_nothing_alone(house: House):
    user = house.users[Role.MARKETER]
    assert limits.alone(publishing.SETTING, by=user) > 0
    Staff.objects.filter(user=user).update(is_active=False)
    assert limits.alone(publishing.SETTING, by=user) == 0
    with pytest.raises(ValueError, match="each and day"):
        brand.write(handing.SETTING, {Role.MANAGER: {"each": True, "day": 5}})


def test_what_has_no_bound_takes_two_and_a_reason_is_asked_for(house: House):
    of = making.template("tenth", making.terms({"kind": "percent", "off": 10}))
    admin = Staff.objects.get(user=house.users[Role.ADMIN])
    with pytest.raises(ValidationFailed):
        handing.hand_out(wish=Wish(house.members["mine"].pk, of.pk, " 好 ", "console:x"), staff=admin)
    assert Approval.objects.count() == 0
    assert handing.hand_out(wish=wish(house, of.pk, "x"), staff=admin).approval_id is not None
    assert Coupon.objects.count() == 0
