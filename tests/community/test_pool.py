"""The pool: nobody loses a customer without notice, one of many takes them, nobody beyond their number, WeCom passes them on."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from apps.community import pool, queueing, sending
from apps.community.models import Account, Contact, Follow, PoolCase, SendItem
from apps.community.pool_errors import LockRefused, PoolFull, PoolGone, PoolOwn, PoolThere, TooManyLocks
from apps.community.settings import POOL, POOL_DEFAULT
from apps.core import brand
from apps.core.clock import day_end, local_date
from apps.core.errors import DomainError
from apps.core.models import User
from apps.followups import services as followups
from apps.followups.models import Task
from apps.orders import services as orders
from apps.stores.models import Staff, Store
from tests.community.conftest import CHEN, LIN, NOON, WANG, WeCom
from tests.community.test_contacts import member

DAY = timedelta(days=1)


def rule(**more: object) -> None:
    brand.write(POOL, {**POOL_DEFAULT, "is_on": True, **more})


def staffed(userid: str) -> Staff:
    store = Store.objects.get_or_create(code="HERE", defaults={"name": "HERE"})[0]
    user = User.objects.create_user(username=userid)
    made = Staff.objects.create(user=user, code=userid, name=userid, role="clerk", store=store)
    Account.objects.filter(userid=userid).update(staff=made)
    return made


def states() -> dict[str, str]:
    return dict(PoolCase.objects.order_by("pk").values_list("contact__name", "state"))


@pytest.fixture
def house(wecom_house: WeCom) -> WeCom:
    """Lin has an and bo since noon."""
    for person in ("an", "bo"):
        wecom_house.do("add", userid=LIN, person=person)
    wecom_house.hear()
    return wecom_house


def contact(name: str) -> int:
    return Contact.objects.get(name=name).pk


def test_notice_comes_before_the_pool_and_a_turn_keeps_the_customer(
    house: WeCom, clock: Callable[[datetime], datetime], run_flows: Callable[..., None]
):
    an, lin = member(1, union="an"), staffed(LIN)
    Contact.objects.filter(name="an").update(member_id=an)
    rule(follow_days=30, notice_days=3)
    assert pool.recycle(moment=NOON + 26 * DAY) == {"kept": 0, "pooled": 0, "warned": 0}
    clock(NOON + 27 * DAY)
    assert pool.recycle(moment=NOON + 27 * DAY) == {"kept": 0, "pooled": 0, "warned": 2}
    assert pool.recycle(moment=NOON + 27 * DAY) == {"kept": 0, "pooled": 0, "warned": 0}
    run_flows()
    task = Task.objects.get()  # of the customer whom the house knows
    assert (task.assignee_id, task.member_id, task.due_at) == (lin.pk, an, NOON + 30 * DAY)
    followups.complete(task_id=task.pk, outcome="reached", evidence="", by=followups.By(staff_id=lin.pk))
    run_flows()
    assert pool.recycle(moment=NOON + 30 * DAY - timedelta(seconds=1))["pooled"] == 0
    assert pool.recycle(moment=NOON + 30 * DAY) == {"kept": 0, "pooled": 1, "warned": 0}

    assert states() == {"an": "kept", "bo": "pooled"}
    assert Follow.objects.get(contact__name="an").turned_at is not None


def test_on_the_day_the_rule_begins_everybody_has_their_notice(house: WeCom):
    rule(follow_days=10, notice_days=3)
    late = NOON + 200 * DAY
    assert pool.recycle(moment=late)["warned"] == 2
    assert set(PoolCase.objects.values_list("due_at", flat=True)) == {late + 3 * DAY}
    assert pool.recycle(moment=late + 3 * DAY)["pooled"] == 2


def test_a_purchase_keeps_the_customer_and_a_refunded_one_does_not(house: WeCom):
    ids = {"an": member(1, union="an"), "bo": member(2, union="bo")}
    for name, member_id in ids.items():
        Contact.objects.filter(name=name).update(member_id=member_id)
        order = orders.record(
            source="pos", order_no=name, member_id=member_id, total_cents=100, created_at=NOON + 20 * DAY,
            lines=[orders.NewLine(product_id=None, total_cents=100)],
        )  # fmt: skip
        orders.mark_paid(order_id=order.pk, paid_at=NOON + 20 * DAY)
    orders.refund(order_id=order.pk, source="r", refunded_at=NOON + 21 * DAY)
    rule(follow_days=0, deal_days=30, notice_days=5)
    pool.recycle(moment=NOON + 25 * DAY)
    assert list(PoolCase.objects.values_list("contact__name", "why", "due_at")) == [("bo", "no_deal", NOON + 30 * DAY)]
    pool.recycle(moment=NOON + 30 * DAY)

    assert states() == {"bo": "pooled"}


def test_a_customer_held_on_to_stays_and_nobody_holds_more_than_allowed(house: WeCom):
    rule(follow_days=10, notice_days=2, locks=1)
    pool.lock(contact_id=contact("an"), until=date(2026, 4, 30), moment=NOON)
    with pytest.raises(TooManyLocks):
        pool.lock(contact_id=contact("bo"), until=date(2026, 4, 30), moment=NOON)
    with pytest.raises(LockRefused):
        pool.lock(contact_id=contact("an"), until=date(2026, 3, 1), moment=NOON)
    pool.recycle(moment=NOON + 20 * DAY)

    assert states() == {"bo": "warned"}
    pool.lock(contact_id=contact("an"), until=None, moment=NOON)
    pool.lock(contact_id=contact("bo"), until=date(2026, 4, 30), moment=NOON)
    assert pool.recycle(moment=NOON + 21 * DAY) == {"kept": 1, "pooled": 0, "warned": 1}


def test_a_customer_is_held_until_the_end_of_the_day_and_no_longer(house: WeCom):
    rule(follow_days=10, notice_days=2, locks=1)
    last = local_date(NOON) + 20 * DAY
    pool.lock(contact_id=contact("an"), until=last, moment=NOON)

    assert pool.recycle(moment=day_end(last) - timedelta(seconds=1))["warned"] == 1
    assert states() == {"bo": "warned"}
    assert pool.recycle(moment=day_end(last))["warned"] == 1
    assert states() == {"bo": "warned", "an": "warned"}


def test_switched_off_notices_end(house: WeCom):
    rule(follow_days=10, notice_days=2)
    pool.recycle(moment=NOON + 9 * DAY)
    brand.write(POOL, POOL_DEFAULT | {"follow_days": 10, "notice_days": 2})

    assert pool.recycle(moment=NOON + 20 * DAY) == {"kept": 2, "pooled": 0, "warned": 0}


def test_taken_is_passed_on_by_wecom_and_meanwhile_nothing_is_sent(house: WeCom, clock: Callable[[datetime], datetime]):
    case = pool.give_back(contact_id=contact("an"), moment=NOON)
    with pytest.raises(PoolThere):
        pool.give_back(contact_id=contact("an"), moment=NOON)
    with pytest.raises(PoolOwn):
        pool.take(case_id=case.pk, userid=LIN, may_give=False, moment=NOON)
    pool.take(case_id=case.pk, userid=CHEN, may_give=False, moment=NOON)
    with pytest.raises(PoolGone):
        pool.take(case_id=case.pk, userid=WANG, may_give=False, moment=NOON)
    queueing.queue([queueing.Note("k:an", "wmsiman", "春季新品")], moment=NOON)
    assert sending.round_of_sends()["made"] == 0
    clock(NOON + timedelta(minutes=1))
    assert pool.pass_on(moment=NOON) == 1
    sending.round_of_sends()

    assert states() == {"an": "done"}
    assert SendItem.objects.get().send.userid == CHEN
    assert list(Follow.objects.filter(contact__name="an", left_at=None).values_list("userid", flat=True)) == [CHEN]
    assert (pool.has(LIN), pool.has(CHEN)) == (1, 1)


def test_what_wecom_refuses_lies_in_the_pool_again(house: WeCom):
    house.wecom("limits", friends=0)
    case = pool.give_back(contact_id=contact("an"), moment=NOON)
    pool.take(case_id=case.pk, userid=CHEN, may_give=False, moment=NOON)
    assert pool.pass_on(moment=NOON) == 0

    assert list(PoolCase.objects.values_list("state", "taken_by", "code")) == [("pooled", "", "WECOM_40129")]


def test_what_has_not_happened_after_two_days_lies_in_the_pool_again(house: WeCom):
    case = pool.give_back(contact_id=contact("an"), moment=NOON)
    pool.take(case_id=case.pk, userid=CHEN, may_give=False, moment=NOON)
    PoolCase.objects.update(state="moving")  # WeCom was asked, and the customer has said no
    assert (pool.pass_on(moment=NOON + timedelta(hours=48)), states()) == (0, {"an": "moving"})
    pool.pass_on(moment=NOON + timedelta(hours=48, seconds=1))

    assert list(PoolCase.objects.values_list("state", "taken_by", "code")) == [("pooled", "", "NOT_MOVED")]


def test_a_manager_gives_a_customer_back_to_who_had_them(house: WeCom):
    case = pool.give_back(contact_id=contact("an"), moment=NOON)
    pool.take(case_id=case.pk, userid=LIN, may_give=True, moment=NOON)

    assert states() == {"an": "done"}
    assert house.calls("transfer_customer") == {}


def test_who_left_wecom_leaves_the_pool(house: WeCom):
    pool.give_back(contact_id=contact("an"), moment=NOON)
    house.do("drop", userid=LIN, external_userid="wmsiman")
    house.hear()
    pool.recycle(moment=NOON + timedelta(hours=1))

    assert states() == {"an": "gone"}


def test_no_case_is_pooled_before_its_notice_ends_whoever_writes_it(house: WeCom):
    with pytest.raises(IntegrityError), transaction.atomic():
        PoolCase.objects.create(
            contact_id=contact("an"), userid=LIN, state="pooled", why="no_deal", due_at=NOON + DAY, warned_at=NOON, pooled_at=NOON
        )  # fmt: skip


@contextmanager
def _closing() -> Iterator[None]:
    try:
        yield
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_take_at_once_one_has_each_customer_and_nobody_more_than_their_number(house: WeCom):
    rule(most=1)
    cases = [pool.give_back(contact_id=contact(name), moment=NOON).pk for name in ("an", "bo")]

    def one(wanted: tuple[int, str]) -> str:
        with _closing():
            try:
                pool.take(case_id=wanted[0], userid=wanted[1], may_give=False, moment=NOON)
            except DomainError as refusal:
                return refusal.code
            return "taken"

    with ThreadPoolExecutor(4) as workers:
        said = sorted(workers.map(one, [(case, userid) for case in cases for userid in (CHEN, WANG)]))

    taken = list(PoolCase.objects.filter(state="taken").values_list("taken_by", flat=True))
    assert said.count("taken") == len(taken) == len(set(taken))
    assert {*said} <= {"taken", PoolGone.code, PoolFull.code}


def test_a_store_has_rules_of_its_own_and_goes_by_the_brands_again(house: WeCom):
    """Lin's customers by the store's rule, Chen's by the brand's: neither sees the other's days, notice or number."""
    lin = staffed(LIN)
    house.do("add", userid=CHEN, person="cy")
    house.hear()
    rule(follow_days=30, notice_days=3)
    own = {**POOL_DEFAULT, "is_on": True, "follow_days": 10, "notice_days": 2, "most": 2, "locks": 1}
    pool.set_rules(store_id=lin.store_id, rules=own)
    pool.recycle(moment=NOON + 8 * DAY)
    assert states() == {"an": "warned", "bo": "warned"}
    assert set(PoolCase.objects.values_list("due_at", flat=True)) == {NOON + 10 * DAY}
    pool.set_rules(store_id=lin.store_id, rules=None)
    assert pool.recycle(moment=NOON + 9 * DAY) == {"kept": 2, "pooled": 0, "warned": 0}
    pool.set_rules(store_id=lin.store_id, rules=own | {"is_on": False})
    assert pool.recycle(moment=NOON + 40 * DAY)["warned"] == 1  # Chen's alone
    pool.set_rules(store_id=lin.store_id, rules=own)
    case = pool.give_back(contact_id=contact("cy"), moment=NOON + 40 * DAY)
    with pytest.raises(PoolFull):
        pool.take(case_id=case.pk, userid=LIN, may_give=False, moment=NOON + 40 * DAY)
    pool.lock(contact_id=contact("an"), until=date(2026, 4, 30), moment=NOON)
    with pytest.raises(TooManyLocks):
        pool.lock(contact_id=contact("bo"), until=date(2026, 4, 30), moment=NOON)
    with pytest.raises(ValueError, match="notice"):
        pool.set_rules(store_id=lin.store_id, rules=own | {"notice_days": 10})
