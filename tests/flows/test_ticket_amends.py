"""A ticket made good: within one's own limits, once, and taken back once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connection, transaction

from apps.core import approvals
from apps.core.errors import ValidationFailed
from apps.core.models import User
from apps.flows import ticket_amends
from apps.flows.ticket_amends import AmendsMade, Wish
from apps.members.models import Member
from apps.points import defaults
from apps.tickets.models import Amends, Entry
from tests.points.orders import rule, totals
from tests.tickets import desk as of
from tests.tickets.desk import opened


def wish(ticket_id: int, points: int = 200) -> Wish:
    return Wish(ticket_id=ticket_id, points=points, reason="等了太久")


@pytest.mark.django_db
def test_points_are_given_within_the_own_limit_once_and_taken_back_once():
    rule("base")
    desk = of.build()
    member = Member.objects.get(pk=desk.member)
    row = opened(desk)
    before = totals(member)[0]
    with pytest.raises(ValidationFailed):
        ticket_amends.give(Wish(ticket_id=row.pk, points=200, reason="x"), staff=desk.staff)
    assert not Amends.objects.exists()

    given = ticket_amends.give(wish(row.pk), staff=desk.staff).amends
    assert given is not None
    with pytest.raises(AmendsMade):
        ticket_amends.give(wish(row.pk, 10), staff=desk.staff)
    with pytest.raises(IntegrityError, match="ticket_id"), transaction.atomic():
        Amends.objects.create(ticket=row, kind="points", worth=1, given_key=1, by=desk.staff)
    assert totals(member)[0] == before + 200
    backs = [ticket_amends.take_back(ticket_id=row.pk, staff=desk.staff, reason="给错人了") for _each in range(2)]
    assert (backs, totals(member)[0]) == ([True, False], before)
    assert list(Entry.objects.filter(act__startswith="amends").order_by("pk").values_list("act", flat=True)) == [
        "amends", "amends_back",
    ]  # fmt: skip


@pytest.mark.django_db
def test_above_the_limit_nothing_is_given_before_a_second_person_agrees():
    rule("base")
    desk = of.build()
    of.agent("boss", role="admin")
    member = Member.objects.get(pk=desk.member)
    row, before = opened(desk), totals(Member.objects.get(pk=desk.member))[0]
    asked = [ticket_amends.give(wish(row.pk, 501), staff=desk.staff).approval_id for _each in range(2)]
    assert asked[0] == asked[1]
    assert asked[0] is not None
    assert (Amends.objects.count(), totals(member)[0]) == (0, before)
    with pytest.raises(approvals.OwnApproval):
        approvals.decide(approval_id=asked[0], user_id=desk.staff.user_id or 0, is_agreed=True)
    approvals.decide(approval_id=asked[0], user_id=User.objects.get(username="boss").pk, is_agreed=True)
    assert (Amends.objects.get().worth, totals(member)[0]) == (501, before + 501)


@pytest.mark.django_db(transaction=True)
def test_a_double_click_gives_once():
    defaults.install()
    desk = of.build()
    row = opened(desk)

    def press(_each: int) -> bool:
        try:
            return ticket_amends.give(wish(row.pk), staff=desk.staff).amends is not None
        except AmendsMade:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(press, range(4))) == [False, False, False, True]
    assert Amends.objects.count() == 1
