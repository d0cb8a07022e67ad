"""What a refresh looks at, what it leaves alone, and two of them at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction

from apps.core import clock
from apps.core.models import TaskRun
from apps.members.models import Member
from apps.orders.models import Change
from apps.segments import refresh, rfm, tasks
from apps.segments.models import MemberStats, Newcomer, RefreshRun, ScoreChange, Snapshot, StageChange
from tests.segments.histories import buy, day, goods, life, shops


def versions() -> list[Any]:
    """Which transaction wrote each row."""
    with connection.cursor() as cursor:
        cursor.execute("select member_id, xmin::text::bigint from segments_memberstats order by 1")
        return cursor.fetchall()


@pytest.mark.django_db(transaction=True)
def test_nothing_new_writes_no_row_not_even_in_full() -> None:
    for n in range(8):
        life(*range(n))
    refresh.refresh(day(10))
    before, snapshot = versions(), Snapshot.objects.values().get()

    for full in (False, True):
        figures = refresh.refresh(day(10) + timedelta(minutes=10), full=full)
        assert (figures.changed, figures.stage_moves, figures.scores_changed) == (0, 0, 0)

    assert versions() == before
    assert Snapshot.objects.values().get() == snapshot
    assert (StageChange.objects.count(), ScoreChange.objects.count()) == (8, 7)


@pytest.mark.django_db
def test_a_refresh_looks_at_notes_newcomers_and_boundaries_only() -> None:
    lives = [life(0, 10), life(0, 20), life(20), life()]
    assert refresh.refresh(day(21)).looked_at == 4
    assert (Change.objects.count(), Newcomer.objects.count()) == (0, 0)

    buy(lives[2], day(22))
    buy(lives[0], day(90))  # to come
    life()
    figures = refresh.refresh(day(23))
    assert (figures.looked_at, figures.stage_moves, figures.is_full) == (2, 1, False)
    assert Change.objects.count() == 1  # the one to come

    assert refresh.refresh(day(30)).looked_at == 0  # boundary of the first two: still inside
    assert refresh.refresh(day(30) + timedelta(microseconds=1)).looked_at == 2


@pytest.mark.django_db
def test_a_member_at_the_till_gets_the_row_that_a_refresh_would_give() -> None:
    lives = [life(*range(n, 40, n + 3)) for n in range(5)]
    refresh.refresh(day(40))
    buy(lives[0], day(41), products=tuple(goods()), store=shops()[1], channel="till")
    figures = refresh.refresh_members([lives[0].member.pk], day(41) + timedelta(seconds=2))
    assert (figures.looked_at, figures.changed, figures.snapshot_taken) == (1, 1, False)
    at_the_till = MemberStats.objects.filter(member=lives[0].member).values().get()

    figures = refresh.refresh(day(41) + timedelta(seconds=2))

    r = {"r": 0, "f": 0, "m": 0, "cell": "", "as_of": None}  # the new day has its own cut points
    again = MemberStats.objects.filter(member=lives[0].member).values().get()
    assert at_the_till | r == again | r
    assert figures.stage_moves == 0
    assert StageChange.objects.filter(member=lives[0].member).count() == 1  # new before and after


@pytest.mark.django_db
def test_a_member_at_the_till_is_never_put_behind_the_last_refresh() -> None:
    one = life(0)
    refresh.refresh(day(100))
    assert refresh.refresh_members([one.member.pk], day(10)).as_of == day(100)
    assert one.stats.stage == "dormant"


@pytest.mark.django_db
def test_a_refresh_that_waited_for_another_takes_its_moment() -> None:
    one = life(0)
    refresh.refresh(day(30) + timedelta(minutes=10))
    assert one.stats.stage == "lapsing"
    figures = refresh.refresh(day(30))
    assert (figures.as_of, figures.is_full, figures.changed) == (day(30) + timedelta(minutes=10), False, 0)


@pytest.mark.django_db
def test_back_in_time_is_a_full_refresh_and_so_is_the_way_forward() -> None:
    one, other = life(0), life(0, 50)
    refresh.refresh(day(100))
    rows = MemberStats.objects.order_by("pk").values("member", "orders", "stage", "stage_since", "next_stage_at")
    then = list(rows)

    back = refresh.refresh(day(20))
    assert (back.is_full, one.stats.stage, other.stats.stage, other.stats.orders) == (True, "new", "new", 1)
    forward = refresh.refresh(day(100))
    assert (forward.is_full, list(rows)) == (True, then)
    causes = StageChange.objects.exclude(cause="first").values_list("cause", flat=True)
    assert set(causes) == {"corrected"}  # known already: no news, no care
    assert refresh.refresh(day(101)).is_full is False


@pytest.mark.django_db
def test_members_by_the_thousand_are_noted_by_the_database_itself() -> None:
    Member.objects.bulk_create(Member(member_no=f"B{n}") for n in range(1500))
    assert Newcomer.objects.count() == 1500
    figures = refresh.refresh(day(0))
    assert (figures.looked_at, figures.changed) == (1500, 1500)
    assert Newcomer.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_crash_before_the_end_leaves_notes_and_rows_as_they_were() -> None:
    one = life(0)
    refresh.refresh(day(1))
    buy(one, day(2))
    before = (MemberStats.objects.values().get(), list(Change.objects.values()), RefreshRun.objects.count())

    with transaction.atomic():
        assert refresh.refresh(day(3)).changed == 1
        transaction.set_rollback(True)

    assert (MemberStats.objects.values().get(), list(Change.objects.values()), RefreshRun.objects.count()) == before
    assert refresh.refresh(day(3)).changed == 1


@pytest.mark.django_db(transaction=True)
def test_refreshes_at_the_same_time_write_every_move_once() -> None:
    lives = [life(0) for _ in range(40)]
    refresh.refresh(day(1))
    for one in lives[:20]:
        buy(one, day(95))
    ids = [one.member.pk for one in lives]
    start = Barrier(6)

    def work(n: int) -> None:
        try:
            start.wait(timeout=30)
            if n % 3 == 2:
                refresh.refresh_members(ids, day(100))
            else:
                refresh.refresh(day(100), full=n % 3 == 1)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))

    moves = StageChange.objects.exclude(cause="first").values_list("before", "after", "cause")
    assert sorted(moves) == [("new", "dormant", "time")] * 20 + [("new", "won_back", "order")] * 20
    assert refresh.refresh(day(100), full=True).changed == 0


@pytest.fixture
def buyers(db: None) -> None:
    for n in range(40):
        life(*range(n % 4 + 1))
    refresh.refresh(day(5))


@pytest.mark.django_db
@pytest.mark.usefixtures("buyers")
def test_cut_points_stay_until_one_buyer_in_twenty_has_changed() -> None:
    taken = Snapshot.objects.get()
    lives = [life(5.01) for _ in range(2)]
    assert refresh.refresh(day(5.02)).snapshot_taken is False
    assert lives[0].stats.r == 5
    snapshot = Snapshot.objects.get()
    assert (snapshot.taken_at, snapshot.buyers, snapshot.changed) == (taken.taken_at, 40, 2)

    life(5.03)
    assert refresh.refresh(day(5.04)).snapshot_taken is True
    snapshot = Snapshot.objects.get()
    assert (snapshot.taken_at, snapshot.buyers, snapshot.changed) == (day(5.04), 43, 0)


@pytest.mark.django_db
@pytest.mark.usefixtures("buyers")
def test_a_new_shop_day_has_its_own_cut_points() -> None:
    assert refresh.refresh(day(5.49)).snapshot_taken is False  # T0 is noon
    assert refresh.refresh(day(5.5)).snapshot_taken is True
    assert list(Snapshot.objects.order_by("on").values_list("on", flat=True)) == [
        clock.local_date(day(5)),
        clock.local_date(day(6)),
    ]


@pytest.mark.django_db
@pytest.mark.usefixtures("buyers")
def test_cut_points_are_the_plain_percentiles_and_scores_count_the_cuts_below() -> None:
    snapshot = Snapshot.objects.get()
    assert snapshot.f_cuts == [1, 2, 3, 4]
    assert snapshot.m_cuts == [10_000, 20_000, 30_000, 40_000]
    assert snapshot.r_cuts == [day(n).isoformat() for n in (0, 1, 2, 3)]
    found = MemberStats.objects.filter(orders=4).values_list("r", "f", "m", "cell").distinct()
    assert list(found) == [(4, 4, 4, "loyal")]


@pytest.mark.django_db
def test_score_history_keeps_changes_only_one_line_a_day() -> None:
    lives = [life(0) for _ in range(10)]
    refresh.refresh(day(1))
    assert ScoreChange.objects.count() == 10
    buy(lives[0], day(1.1))
    refresh.refresh(day(1.1))
    buy(lives[0], day(1.2))
    refresh.refresh(day(1.2))
    refresh.refresh(day(9))
    assert (
        list(ScoreChange.objects.filter(member=lives[0].member).values_list("on", "r", "f", "m"))
        == [
            (clock.local_date(day(1)), 2, 2, 2)  # all others stand at the first cut, this one above it
        ]
        or ScoreChange.objects.filter(member=lives[0].member).count() == 1
    )


def test_every_pair_of_scores_has_exactly_one_cell_and_all_eleven_occur() -> None:
    cells = [rfm.cell(r=r, f=f, m=m) for r in range(1, 6) for f in range(1, 6) for m in range(1, 6)]
    assert len(set(cells)) == 11
    assert [rfm.cell(r=5, f=5, m=5), rfm.cell(r=1, f=1, m=1), rfm.cell(r=1, f=4, m=5)] == [
        "champions",
        "lost",
        "cannot_lose",
    ]


@pytest.mark.django_db
def test_the_scheduled_task_leaves_a_run_with_its_figures() -> None:
    life(0)
    with clock.frozen(day(1)):
        tasks.refresh_stats()
    run = TaskRun.objects.get(task="segments.refresh_stats")
    assert (run.figures["looked_at"], run.figures["as_of"], run.error) == (1, day(1).isoformat(), "")
