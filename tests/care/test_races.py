"""Caps, quiet hours, single touches: planners and senders at the same time, clocks that disagree."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Count

from apps.care import dispatch, planning, services
from apps.care.models import Touch, Version
from apps.core import clock
from apps.gateways.simulator.client import Client
from apps.members.models import Member
from tests.care import crowd
from tests.care.conftest import CHINA, NOON, Shop

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(works: list[Callable[[], object]], *, moment: datetime, threads: int) -> None:
    def run(work: Callable[[], object]) -> None:
        try:
            with clock.frozen(moment):
                work()
        finally:
            connection.close()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, works))


def deliveries(platform: Client) -> list[dict]:
    found: list[dict] = []
    while page := platform.messages(after=found[-1]["number"] if found else 0, limit=1000):
        found += page
    return found


@pytest.mark.parametrize("days", [5, pytest.param(9, marks=pytest.mark.nightly)])
def test_five_policies_and_many_workers_never_pass_the_cap(shop: Shop, platform: Client, days: int) -> None:
    """T-M8: five policies, the same members, planners and senders all at once, some at night; nine days reach a second week."""
    platform.limits(marketing_from_hour=0, marketing_until_hour=24)  # so that only our own gate keeps the night quiet
    shop.limits(day_cap=1, week_cap=3)
    start = datetime(2026, 3, 9, 0, 0, tzinfo=CHINA)
    members = 120
    crowd.lapsing(members, moment=start)
    triggers = [(32, "stage_entered", {"stage": "lapsing", "window_days": 14})]
    triggers += [(n, "days_since_order", {"days": n, "window_days": 14}) for n in (33, 34, 35, 36)]
    for n, (_, trigger, params) in enumerate(triggers):
        shop.policy(f"p{n}", trigger=trigger, params=params, priority=n, send_hour=8)
    dice = random.Random(8)
    for day in range(days):
        for hour in (3, 8, 12, 21, 22, 23):
            moment = start + timedelta(days=day, hours=hour, minutes=59 if hour == 21 else 1)
            versions = planning.live_versions()
            works: list[Callable[[], object]] = [
                lambda v=v, m=moment: planning.plan(moment=m, only=v) for v in versions
            ]
            works += [lambda: dispatch.drain_channel("sms", deadline=1e12)] * 3
            dice.shuffle(works)
            at_once(works, moment=moment, threads=8)
    assert_within_caps(deliveries(platform), day_cap=1, week_cap=3)
    assert len(deliveries(platform)) >= 3 * members
    assert Touch.objects.filter(reason="cap").exists()


def assert_within_caps(sent: list[dict], *, day_cap: int, week_cap: int) -> None:
    by_day: Counter[tuple[str, date]] = Counter()
    by_week: Counter[tuple[str, int]] = Counter()
    for message in sent:
        local = clock.local(datetime.fromisoformat(message["at"]))
        assert 8 <= local.hour < 22
        by_day[message["tail"], local.date()] += 1
        by_week[message["tail"], local.isocalendar().week] += 1
    assert max(by_day.values()) <= day_cap
    assert max(by_week.values()) <= week_cap


def test_sixteen_planners_of_one_second_give_each_member_one_slot(shop: Shop) -> None:
    crowd.lapsing(300, moment=NOON)
    versions = [shop.policy(f"p{n}", priority=n) for n in range(16)]
    at_once([lambda v=v: planning.plan(moment=NOON, only=v) for v in versions], moment=NOON, threads=16)
    assert Touch.objects.count() == 16 * 300
    assert Touch.objects.filter(state="planned").count() == 300
    assert Touch.objects.filter(state="planned").values("member").distinct().count() == 300
    assert Touch.objects.filter(state="skipped", reason__in=["cap", "outranked"]).count() == 15 * 300


def test_one_version_planned_by_eight_at_once_is_planned_once(shop: Shop) -> None:
    crowd.lapsing(200, moment=NOON)
    version = shop.policy()
    at_once([lambda: planning.plan(moment=NOON, only=version)] * 8, moment=NOON, threads=8)
    assert Touch.objects.filter(state="planned").count() == 200


def test_senders_at_once_share_the_work(shop: Shop, platform: Client) -> None:
    crowd.lapsing(1_500, moment=NOON)
    shop.policy()
    planning.plan(moment=NOON)
    at_once([lambda: dispatch.drain_channel("sms", deadline=1e12)] * 6, moment=NOON, threads=6)
    assert (platform.stats()["deliveries"], platform.stats()["delivered_twice"]) == (1_500, {})
    assert set(Touch.objects.values_list("state", "tries")) == {("sent", 1)}


@pytest.mark.parametrize("days", [4, pytest.param(30, marks=pytest.mark.nightly)])
def test_two_schedulers_with_skewed_clocks_fire_each_occurrence_once(shop: Shop, platform: Client, days: int) -> None:
    """T-M4: clocks five minutes slow, right, five minutes fast, around every edge of the day, for days on end."""
    start = datetime(2026, 3, 9, tzinfo=CHINA)
    crowd.lapsing(30, moment=start)
    for n, member in enumerate(Member.objects.order_by("pk")[:days]):
        born = start + timedelta(days=n)
        Member.objects.filter(pk=member.pk).update(birth_month=born.month, birth_day=born.day)
    shop.limits(day_cap=5, week_cap=10)
    shop.policy("lapsing")
    birthday = {
        "trigger": "birthday",
        "params": {"days_before": 0, "window_days": 2},
        "template": "{{ nickname }}，生日快乐",
    }
    shop.policy("birthday", **birthday)
    edges = [timedelta(0), timedelta(hours=8), timedelta(hours=10), timedelta(hours=22)]
    for day in range(days):
        for edge in edges:
            true = start + timedelta(days=day) + edge
            skewed = [true + timedelta(minutes=m) for m in (-5, 0, 5)]

            def round_at(moment: datetime) -> None:
                with clock.frozen(moment):
                    services.plan(moment=moment)
                    dispatch.drain()

            at_once([lambda m=m: round_at(m) for m in skewed], moment=true, threads=3)
            round_at(
                true
            )  # the next tick: at the first one the slow clock may have held the channel, with nothing due yet
    touches = Touch.objects.values("policy__key", "member").annotate(rows=Count("pk"))
    assert all(row["rows"] == 1 for row in touches)
    assert Touch.objects.filter(policy__key="birthday", state="sent").count() == days
    assert Touch.objects.filter(policy__key="lapsing", state="sent").count() == 30
    assert platform.stats()["delivered_twice"] == {}
    sent_at = {m["key"]: datetime.fromisoformat(m["at"]) for m in deliveries(platform)}
    for touch in Touch.objects.filter(state="sent"):
        moment = clock.local(sent_at[f"touch:{touch.pk}"])
        assert 8 <= moment.hour < 22
        if touch.policy.key == "birthday":
            member = Member.objects.get(pk=touch.member_id)
            assert (moment.month, moment.day) == (member.birth_month, member.birth_day)
            assert moment.hour >= 9  # 10:00 on a clock that is at most five minutes fast
    assert Version.objects.count() == 2


def test_workers_down_for_26_hours_over_a_birthday_send_once_and_not_at_night(shop: Shop, platform: Client) -> None:
    """T-M5: planned in the morning, everything dies before ten, back in the night after next."""
    shop.member(birthday=date(1990, 3, 10))
    shop.member(birthday=date(1990, 3, 11))
    shop.policy(
        "birthday", trigger="birthday", params={"days_before": 0, "window_days": 2}, template="{{ nickname }}，生日快乐"
    )  # fmt: skip
    services.plan(moment=datetime(2026, 3, 10, 8, 5, tzinfo=CHINA))
    back = datetime(2026, 3, 11, 11, 0, tzinfo=CHINA)
    for hours in range(48):
        moment = back + timedelta(hours=hours)
        with clock.frozen(moment):
            services.run(moment=moment)
    assert [clock.local(datetime.fromisoformat(m["at"])) for m in deliveries(platform)] == [back, back]
    assert Touch.objects.filter(state="sent").count() == 2
