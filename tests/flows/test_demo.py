"""The demo: exact counts, everything labelled, loaded once, clean after a kill, alive afterwards, refused where it has no business."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.models import Sum

from apps.bookings.models import Booking
from apps.care.models import Attempt, Touch
from apps.community import quality, syncing
from apps.community.models import Contact, Follow, Group, GroupTodo, Send, TaskDeed
from apps.core import brand, runs
from apps.flows.demo import answers, history, loading, replay, state, wheel, words
from apps.flows.models import LiveWeek
from apps.gateways import limits
from apps.gateways.simulator.client import Client
from apps.livestream.models import Platform, Sale, Stream
from apps.members import selectors as members
from apps.members import services as member_services
from apps.members.models import Consent, ConsentNow, Member
from apps.orders.models import Change, Line, Order
from apps.referral.models import Credit
from apps.segments import refresh as stats
from apps.segments.models import MemberStats
from tests.flows.demo_house import NOW, SMALL, load, state_of_things
from tests.processes import Simulator
from tests.waiting import until


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("days", [20, pytest.param(replay.DAYS, marks=pytest.mark.nightly)])
def test_sixty_households_live_a_year_and_are_cared_for_through_its_last_days(
    clock: Callable[[datetime], datetime], simulator: Simulator, monkeypatch, days: int
):
    monkeypatch.setattr(replay, "DAYS", days)
    clock(NOW)
    said = load("--households", "60")

    assert "60 members" in said
    data = Order.objects.filter(source="demo").exclude(order_no__contains=".")
    assert (data.count(), Line.objects.filter(order__in=data).count()) == (4165, 36925)
    assert Line.objects.aggregate(Sum("total_cents")) == Order.objects.aggregate(total_cents__sum=Sum("total_cents"))
    assert Member.objects.count() == Member.objects.filter(source="demo").count() == MemberStats.objects.count() == 60
    assert Order.objects.latest("paid_at").paid_at <= NOW
    assert NOW - data.latest("paid_at").paid_at <= timedelta(days=7)
    assert not Order.objects.filter(channel="store", store__code=words.ONLINE_SHOP[0]).exists()
    _everything_is_labelled_and_invented()
    _care_was_lived(simulator, days=days)
    _the_club_lives()

    before = state_of_things()
    assert "here already" in load("--households", "60")
    assert state_of_things() == before


@pytest.mark.nightly
@pytest.mark.django_db(transaction=True)
def test_a_year_of_real_lines_has_the_same_stats_whichever_way_they_are_counted(clock, monkeypatch):
    """Few members are counted one by one, many in one sweep: the answers are equal, row for row."""
    clock(NOW)
    load("--households", "25", "--no-replay")
    assert MemberStats.objects.exclude(top_category_id=None).count() == 25

    monkeypatch.setattr(stats, "MANY", 1)
    assert stats.refresh(NOW, full=True).changed == 0


def _everything_is_labelled_and_invented() -> None:
    assert brand.read("core.demo") is True
    assert set(Order.objects.values_list("source", flat=True)) == {"demo"}
    assert set(Consent.objects.values_list("source", flat=True)) <= {"demo", "sms:R"}
    phones = members.phones(list(Member.objects.values_list("pk", flat=True)))
    assert len(set(phones.values())) == 60
    assert all(phone.startswith("+861990000") for phone in phones.values())
    assert not Member.objects.filter(nickname="").exists()


def _care_was_lived(simulator: Simulator, *, days: int) -> None:
    touches = Counter(Touch.objects.values_list("state", flat=True))
    assert touches["sent"] > days / 4
    assert touches["held_out"] > 0
    assert touches["skipped"] > 0
    assert set(touches) <= {"sent", "delivered", "held_out", "skipped"}
    decided = {moment.date() for moment in Touch.objects.values_list("decided_at", flat=True)}
    assert len(decided) > days / 3
    assert NOW - timedelta(days=days + 1) < min(Touch.objects.values_list("decided_at", flat=True))
    assert Client(simulator.url).stats()["keys"] == touches["sent"]
    assert not Change.objects.filter(due_at__lte=NOW).exists()
    _some_answered(simulator)


def _the_club_lives() -> None:
    """WeCom as its simulator has it too, friends, live weeks, bookings: some of each state, nothing ahead of time."""
    assert Contact.objects.filter(member__isnull=False).count() > 20
    assert set(Send.objects.values_list("state", flat=True)) == {"confirmed", "pending"}
    assert {"done", "missed", "open"} <= set(GroupTodo.objects.values_list("state", flat=True))
    assert TaskDeed.objects.filter(state="waiting").exists()
    assert quality.slow_yesterday(moment=NOW)
    rows = Follow.objects.filter(left_at=None).count()
    assert (syncing.read_all()[1], Follow.objects.filter(left_at=None).count()) == (0, rows)
    assert not Group.objects.filter(dismissed_at__isnull=False).exists()
    stages = set(Credit.objects.values_list("stage", flat=True))
    assert {"kept", "void"} <= stages
    assert not Credit.objects.filter(kept_at__gt=NOW).exists()
    assert [week.stream.state for week in LiveWeek.objects.order_by("pk")] == ["ended", "planned"]
    assert Sale.objects.exists()
    assert {"booked", "arrived", "missed"} <= set(Booking.objects.values_list("state", flat=True))
    assert not Booking.objects.filter(state="arrived", slot__starts_at__gt=NOW).exists()
    assert all("演示" in name for name in Stream.objects.values_list("note", flat=True))


def _some_answered(simulator: Simulator) -> None:
    said = {line["key"]: line["text"] for line in Client(simulator.url).inbound()}
    keys = Attempt.objects.filter(touch__channel="sms").values_list("key", "touch_id")
    assert said == {key: answers.words(touch_id) for key, touch_id in keys if answers.words(touch_id)}
    left = {Touch.objects.get(pk=key.removeprefix("touch:")).member_id for key, text in said.items() if text == "R"}
    assert set(Consent.objects.filter(source="sms:R").values_list("member_id", flat=True)) == left
    assert not ConsentNow.objects.filter(member_id__in=left, channel="sms", is_granted=True).exists()


def test_without_a_demo_the_demo_clock_stands_still(db):
    wheel.tick_recorded(NOW)

    assert Order.objects.count() == 0


def test_a_killed_load_is_removed_and_done_again(transactional_db, clock, monkeypatch):
    clock(NOW)
    whole = history.load_lines

    def killed(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(history, "load_lines", killed)
    with pytest.raises(KeyboardInterrupt):
        load(*SMALL)
    assert state.read() == state.LOADING
    begun = Counter(Order.objects.values_list("order_no", flat=True))
    assert (begun.total() > 400, Line.objects.count()) == (True, 0)

    monkeypatch.setattr(history, "load_lines", whole)
    said = load(*SMALL)

    assert "interrupted" in said
    assert Counter(Order.objects.values_list("order_no", flat=True)) == begun
    assert set(begun.values()) == {1}
    assert Member.objects.count() == 10
    assert state.read() == state.DONE
    assert limits.current("wecom", "group_size", NOW.date()) > 0  # came with the migrations
    assert Platform.objects.exists()


def _load_and_hang_up() -> str:
    try:
        return load(*SMALL)
    finally:
        connections.close_all()


def test_a_load_waits_for_a_lock_whose_holder_is_about_to_end_and_refuses_beside_one_who_stays(
    transactional_db, monkeypatch
):
    state.write(state.DONE)
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as holder, ThreadPoolExecutor(1) as beside:
        holder.execute("select pg_advisory_lock(%s)", [loading.LOCK])
        said = beside.submit(_load_and_hang_up)
        waiting = "select 1 from pg_locks where locktype = 'advisory' and objid = %s and not granted"
        until(lambda: holder.execute(waiting, [loading.LOCK]).fetchone())
        holder.execute("select pg_advisory_unlock(%s)", [loading.LOCK])
        assert "here already" in said.result(timeout=30)

        monkeypatch.setattr(loading, "LOCK_WAIT", timedelta(milliseconds=50))
        holder.execute("select pg_advisory_lock(%s)", [loading.LOCK])
        with pytest.raises(CommandError) as refused:
            load(*SMALL)
        assert isinstance(refused.value.__cause__, loading.DemoRefused)


def test_a_load_cut_off_inside_its_copy_leaves_indexes_and_references_as_they_were(transactional_db, monkeypatch):
    def extras() -> set[tuple[str, str]]:
        with history.psycopg.connect(history.settings.DATABASE_OWNER_URL) as owner, owner.cursor() as cursor:
            return {
                pair
                for table in ("orders_order", "orders_line")
                for part in history._extras(cursor, table)
                for pair in part
            }

    before = extras()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(history, "_send", killed)
    with pytest.raises(KeyboardInterrupt):
        load("--households", "3", "--no-replay")

    assert extras() == before
    assert len(before) > 10


def test_real_members_are_never_mixed_with_the_demo(transactional_db):
    member_services.register(source="portal", nickname="林清溪")

    with pytest.raises(CommandError, match=r"members already|会员"):
        load("--households", "3", "--no-replay")

    assert Member.objects.count() == 1
    assert brand.read("core.demo") is False


def test_a_running_shop_is_left_alone(transactional_db):
    runs.beat("worker")

    with pytest.raises(CommandError, match=r"bin/stop"):
        load("--households", "3", "--no-replay")

    assert Member.objects.count() == 0


def test_without_a_demo_no_log_ins_are_printed(db, capsys):
    call_command("demo_logins")

    assert capsys.readouterr().out == ""


def test_few_members_answer_and_fewer_want_no_more():
    said = Counter(answers.words(touch_id) for touch_id in range(1, 10_001))

    assert 9_500 < said[""] < 9_700
    assert 50 < said["R"] < 150
    assert sum(said[text] for text in answers.THANKS) == 10_000 - said[""] - said["R"]
