"""Points by hand: within limits at once, above them by two people, whatever the door (T-S14)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction

from apps.core import approvals, brand
from apps.core.errors import Forbidden
from apps.core.models import Approval, AuditEntry, User
from apps.members.models import Member
from apps.points import adjusting, selectors
from apps.points.adjusting import Wish
from apps.points.errors import NotEnoughPoints, ReasonMissing
from apps.points.models import Entry
from apps.stores.models import Role, Staff, Store


def staff(role: str = Role.MANAGER, code: str = "M-1") -> Staff:
    store, _ = Store.objects.get_or_create(code="S1", defaults={"name": "武康路店"})
    user = User.objects.create_user(username=code, password=None)
    return Staff.objects.create(user=user, code=code, name="何青", role=role, store=store)


def wish(member: Member, amount: int, source: str = "console:1", reason: str = "补记订单积分") -> Wish:
    return Wish(member_id=member.pk, amount=amount, reason=reason, source=source)


def balance(member: Member) -> int:
    return selectors.totals(member_id=member.pk).balance


def test_within_the_limits_it_is_done_at_once_with_reason_name_and_audit_line(member: Member):
    manager = staff()

    done = adjusting.adjust(wish=wish(member, 1_000), staff=manager)

    assert done.posting is not None
    assert balance(member) == 1_000
    line = Entry.objects.get()
    assert (line.kind, line.staff_id, line.store_id, line.note) == (
        "adjust",
        manager.pk,
        manager.store_id,
        "补记订单积分",
    )
    assert AuditEntry.objects.filter(action="points.adjusted", object_id=str(member.pk)).count() == 1


def test_above_the_limit_nothing_is_written_until_another_person_agrees(member: Member):
    manager, head = staff(), staff(Role.ADMIN, "A-1")

    asked = adjusting.adjust(wish=wish(member, 1_001), staff=manager)
    again = adjusting.adjust(wish=wish(member, 1_001), staff=manager)

    assert asked.approval_id == again.approval_id is not None
    assert Entry.objects.count() == 0
    with pytest.raises(approvals.OwnApproval):
        approvals.decide(approval_id=asked.approval_id, user_id=manager.user_id, is_agreed=True)
    assert Entry.objects.count() == 0

    approvals.decide(approval_id=asked.approval_id, user_id=head.user_id, is_agreed=True)
    assert balance(member) == 1_001
    with pytest.raises(approvals.AlreadyDecided):
        approvals.decide(approval_id=asked.approval_id, user_id=head.user_id, is_agreed=True)
    assert balance(member) == 1_001


def test_a_refused_wish_does_nothing(member: Member):
    manager, head = staff(), staff(Role.ADMIN, "A-1")
    asked = adjusting.adjust(wish=wish(member, 5_000), staff=manager)

    approvals.decide(approval_id=asked.approval_id, user_id=head.user_id, is_agreed=False, note="没有凭证")

    assert Entry.objects.count() == 0
    assert Approval.objects.get().state == "refused"


def test_the_database_itself_refuses_one_person_in_both_roles(member: Member):
    manager = staff()
    asked = adjusting.adjust(wish=wish(member, 5_000), staff=manager)

    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=asked.approval_id).update(state="approved", decided_by_id=manager.user_id)
    with pytest.raises(Forbidden):
        approvals.KINDS[adjusting.KIND].run(Approval.objects.get())
    assert Entry.objects.count() == 0


def test_an_agreement_to_take_more_than_there_is_decides_nothing(member: Member):
    manager, head = staff(), staff(Role.ADMIN, "A-1")
    asked = adjusting.adjust(wish=wish(member, -2_000), staff=manager)

    with pytest.raises(NotEnoughPoints):
        approvals.decide(approval_id=asked.approval_id, user_id=head.user_id, is_agreed=True)

    assert Approval.objects.get().state == "waiting"


def test_the_sum_of_a_day_counts_and_a_clerk_has_no_limit_at_all(member: Member):
    manager, clerk = staff(), staff(Role.CLERK, "C-1")
    for number in range(3):
        adjusting.adjust(wish=wish(member, 1_000, f"console:{number}"), staff=manager)

    over = adjusting.adjust(wish=wish(member, 1, "console:more"), staff=manager)
    repeat = adjusting.adjust(wish=wish(member, 1_000, "console:2"), staff=manager)
    by_clerk = adjusting.adjust(wish=wish(member, 1, "console:clerk"), staff=clerk)

    assert over.approval_id is not None
    assert repeat.posting is not None
    assert repeat.posting.is_new is False
    assert by_clerk.approval_id is not None
    assert balance(member) == 3_000


def test_without_a_reason_nothing_happens(member: Member):
    with pytest.raises(ReasonMissing):
        adjusting.adjust(wish=wish(member, 10, reason=" ok "), staff=staff())

    assert Entry.objects.count() == 0


def test_limits_are_the_brands_and_checked(member: Member):
    brand.write(adjusting.SETTING, {"manager": {"each": 10, "day": 10}})

    assert adjusting.adjust(wish=wish(member, 11), staff=staff()).approval_id is not None
    with pytest.raises(ValueError, match="each and day"):
        brand.write(adjusting.SETTING, {"manager": {"each": -1, "day": 10}})


@pytest.mark.django_db(transaction=True)
def test_eight_wishes_at_once_cannot_pass_the_limit_of_the_day():
    member = Member.objects.create(member_no="P-1")
    manager = staff()

    def ask(number: int) -> bool:
        try:
            return adjusting.adjust(wish=wish(member, 1_000, f"console:{number}"), staff=manager).posting is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        done = sum(pool.map(ask, range(8)))

    assert done == 3
    assert balance(member) == 3_000
    assert Approval.objects.count() == 5
