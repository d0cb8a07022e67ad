"""Personalisation off: nothing goes out that was chosen by what the member buys, not even what was planned; wishes still may."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from threading import Event as Signal

import pytest
from django.db import connection, transaction

from apps.care import gate, planning, preview, services
from apps.care.models import Touch
from apps.core import clock as house_clock
from apps.flows import member_merged
from apps.members import services as members
from apps.members.models import Member
from apps.segments import export
from apps.segments import refresh as stats
from tests.care.conftest import NOON, Shop, touches
from tests.waiting import somebody_waits, until

pytestmark = pytest.mark.django_db
BIRTHDAY = {
    "trigger": "birthday",
    "params": {"days_before": 0, "window_days": 2},
    "template": "生日快乐！",
    "missing": {},
}


def objects(member: Member, *, to: bool = True) -> None:
    members.give_consent(
        member_id=member.pk, purpose="profiling", channel="any", is_granted=not to, source="portal", text_version="1"
    )


PROFILING = {
    "by stage": {},
    "by days since an order": {"trigger": "days_since_order", "params": {"days": 45, "window_days": 14}},
    "by a second purchase": {"trigger": "second_purchase", "params": {"days": 45, "window_days": 14}},
    "by birthday, to the loyal": BIRTHDAY
    | {"audience": {"any": [{"not": {"field": "cell", "op": "in", "value": ["loyal"]}}]}},
    "by birthday, to who spent much": BIRTHDAY | {"audience": {"field": "net_cents", "op": "gte", "value": 1}},
    "by birthday, with a favourite": BIRTHDAY | {"template": "生日快乐！{{ top_category }}"},
}
PLAIN = {
    "birthday": BIRTHDAY,
    "birthday, by name": BIRTHDAY | {"template": "{{ nickname }}，{{ brand }}祝您生日快乐！"},
    "birthday, by a tag": BIRTHDAY | {"audience": {"field": "tags", "op": "any_of", "value": ["vip"]}},
}


@pytest.mark.parametrize(
    ("draft", "is_profiling"), [(one, True) for one in PROFILING.values()] + [(one, False) for one in PLAIN.values()]
)
def test_what_goes_by_purchases(shop: Shop, draft: dict, is_profiling: bool) -> None:
    assert gate.is_profiling(shop.policy(**draft)) is is_profiling


def test_who_objects_gets_no_care_by_purchases_and_still_a_birthday_wish(shop: Shop, noon: datetime) -> None:
    objecting, other = shop.lapsing_member(birthday=date(1990, 3, 10)), shop.lapsing_member(birthday=date(1990, 5, 1))
    objects(objecting)
    lapsing = shop.policy(priority=1)
    shop.policy("birthday", priority=2, **BIRTHDAY)

    services.plan(moment=noon)

    assert touches() == [
        (objecting.member_no, "birthday", "planned", ""),
        (objecting.member_no, "lapsing", "skipped", "no_profiling"),
        (other.member_no, "lapsing", "planned", ""),
    ]
    assert preview.preview(lapsing, member_id=objecting.pk).refusals[0] == "no_profiling"


def test_what_waits_is_stopped_when_somebody_objects(
    shop: Shop, noon: datetime, run_flows: Callable[..., None]
) -> None:
    objecting, other = shop.lapsing_member(birthday=date(1990, 3, 10)), shop.lapsing_member()
    shop.limits(day_cap=5, week_cap=5)
    shop.policy(priority=1)
    shop.policy("birthday", priority=2, **BIRTHDAY)
    services.plan(moment=noon)
    assert set(Touch.objects.values_list("state", flat=True)) == {"planned"}

    objects(objecting)
    run_flows()

    assert touches() == [
        (objecting.member_no, "birthday", "planned", ""),
        (objecting.member_no, "lapsing", "skipped", "no_profiling"),
        (other.member_no, "lapsing", "planned", ""),
    ]
    stopped = Touch.objects.get(state="skipped")
    assert (stopped.settled_at, stopped.slot_on, stopped.is_treated) == (NOON, None, True)


def test_objections_of_many_at_once_stop_what_waits_too(
    shop: Shop, noon: datetime, run_flows: Callable[..., None]
) -> None:
    objecting, other = shop.lapsing_member(), shop.lapsing_member()
    shop.policy()
    services.plan(moment=noon)

    members.grant_consents(
        member_ids=[objecting.pk],
        purpose="profiling",
        channel="any",
        source="import",
        text_version="1",
        is_granted=False,
    )
    run_flows()

    assert dict(Touch.objects.values_list("member_id", "reason")) == {objecting.pk: "no_profiling", other.pk: ""}


def test_who_changed_their_mind_at_once_loses_nothing(
    shop: Shop, noon: datetime, run_flows: Callable[..., None]
) -> None:
    member = shop.lapsing_member()
    shop.policy()
    services.plan(moment=noon)

    objects(member)
    objects(member, to=False)
    run_flows()

    assert Touch.objects.get().state == "planned"


def test_an_objection_that_comes_by_a_merge_stops_what_waits(shop: Shop, clock, run_flows: Callable[..., None]) -> None:
    clock(NOON)
    survivor, loser = shop.lapsing_member(), shop.member()
    objects(loser)
    shop.policy()
    services.plan(moment=NOON)
    run_flows()
    assert Touch.objects.get(member=survivor).state == "planned"

    member_merged.merge(
        survivor_id=survivor.pk, loser_id=loser.pk, choices={}, source="test", reason="one person, seen in the store"
    )
    run_flows()

    assert Touch.objects.get(member=survivor, policy__key="lapsing").reason == "no_profiling"


@pytest.mark.django_db(transaction=True)
def test_a_plan_under_way_while_somebody_objects_leaves_nothing_waiting(
    shop: Shop, clock, run_flows: Callable[..., None]
) -> None:
    clock(NOON)
    member = shop.lapsing_member()
    shop.policy()
    stats.refresh(NOON)
    planned, go_on = Signal(), Signal()

    def plan() -> None:
        try:
            with house_clock.frozen(NOON), transaction.atomic():
                planning.plan(moment=NOON)
                planned.set()
                assert go_on.wait(20)
        finally:
            connection.close()

    def stop() -> None:
        try:
            with house_clock.frozen(NOON):
                services.stop_profiled(member_id=member.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        planning_run = pool.submit(plan)
        assert planned.wait(20)
        objects(member)
        stopping = pool.submit(stop)
        until(lambda: stopping.done() or somebody_waits())
        go_on.set()
        planning_run.result(timeout=30)
        stopping.result(timeout=30)

    assert touches() == [(member.member_no, "lapsing", "skipped", "no_profiling")]


def test_files_of_statistics_leave_out_who_may_not_be_profiled(shop: Shop, noon: datetime, tmp_path) -> None:
    kept, objecting, _child = (
        shop.lapsing_member(),
        shop.lapsing_member(),
        shop.lapsing_member(birthday=date(2020, 1, 1)),
    )
    objects(objecting)
    stats.refresh(noon)

    with (tmp_path / "stats.csv").open("wb") as file:
        assert export.write_stats(file) == 1

    _header, *lines = (tmp_path / "stats.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == [kept.member_no]
