"""The two commands, and the selectors behind the pages."""

import json
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.core import clock
from apps.members.models import Member
from apps.segments import export, refresh, selectors
from apps.segments.models import MemberStats
from tests.segments.histories import Life, buy, day, life, refund

pytestmark = pytest.mark.django_db


def named(number: str, *days: float) -> Life:
    one = life(*days)
    Member.objects.filter(pk=one.member.pk).update(member_no=number)
    return one


def run(*arguments: str) -> Any:
    out = StringIO()
    call_command("refresh_stats", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_the_export_is_exact_to_the_letter(tmp_path: Path) -> None:
    named("M-10", 0, 1)
    one = named("M-09", 0)
    refund(one, buy(one, day(35) + (day(1 / 86400) - day(0)), total=123_456), day(36), 3_351)
    named("会员,一")
    named("=1+1", 40)
    refresh.refresh(day(40))

    target = tmp_path / "stats.csv"
    call_command("export_stats", str(target), stderr=StringIO())

    assert target.read_bytes().decode().splitlines(keepends=True) == [
        "member_no,first_order_at,last_order_at,orders,net_total,r,f,m,cell,stage\n",
        "'=1+1,2026-02-10T12:00:00+08:00,2026-02-10T12:00:00+08:00,1,100.00,4,1,1,promising,new\n",
        "M-09,2026-01-01T12:00:00+08:00,2026-02-05T12:00:01+08:00,2,1301.05,2,2,4,at_risk,active\n",
        "M-10,2026-01-01T12:00:00+08:00,2026-01-02T12:00:00+08:00,2,200.00,1,2,2,lost,lapsing\n",
        '"会员,一",,,0,0.00,,,,,prospect\n',
    ]
    assert list(tmp_path.iterdir()) == [target]


def test_the_export_goes_to_any_stream_and_counts_its_rows() -> None:
    life(0), life()
    refresh.refresh(day(1))
    to = BytesIO()
    assert export.write_stats(to) == 2
    assert to.getvalue().count(b"\n") == 3


def test_an_export_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        call_command("export_stats", str(tmp_path / "nowhere" / "stats.csv"))


def test_refresh_by_hand_takes_a_moment_and_prints_its_figures() -> None:
    one = life(0)
    assert run("--as-of", "2026-01-31T12:00:00+08:00") | {"seconds": 0} == {
        "as_of": "2026-01-31T12:00:00+08:00",
        "is_full": True,
        "looked_at": 1,
        "changed": 1,
        "stage_moves": 1,
        "scores_changed": 1,
        "snapshot_taken": True,
        "seconds": 0,
    }
    assert one.stats.stage == "new"
    assert run("--as-of", "2026-01-31")["is_full"] is False  # the end of that shop day
    assert (one.stats.stage, one.stats.as_of) == ("lapsing", clock.parse("2026-01-31"))
    assert run("--as-of", "2026-01-31T12:00:00+08:00")["is_full"] is True  # back in time
    assert one.stats.stage == "new"


def test_a_moment_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="not a date or time: 'yesterday'"):
        call_command("refresh_stats", "--as-of", "yesterday")
    assert not MemberStats.objects.exists()


def test_pages_read_counts_moves_entries_history_and_the_matrix() -> None:
    one, other = life(0), life(0, 20)
    life()
    refresh.refresh(day(25))
    refresh.refresh(day(31))
    refresh.refresh(day(60))

    assert selectors.stage_counts() == {
        "prospect": 1, "new": 0, "active": 0, "lapsing": 2, "dormant": 0, "lost": 0, "won_back": 0,
    }  # fmt: skip
    assert selectors.stage_counts(store_ids=[]) == dict.fromkeys(selectors.stage_counts(), 0)
    assert selectors.stage_moves(start=day(30), end=day(60)) == [
        selectors.Move("active", "lapsing", 1),
        selectors.Move("new", "active", 1),
        selectors.Move("new", "lapsing", 1),
    ]
    entered = selectors.stage_entries(stage="lapsing", first=clock.local_date(day(30)), last=clock.local_date(day(60)))
    assert entered == {clock.local_date(day(30)): 1, clock.local_date(day(50)): 1}
    assert [(move.after, move.cause) for move in selectors.stage_history(member_id=other.member.pk)] == [
        ("lapsing", "time"),
        ("active", "time"),
        ("new", "first"),
    ]
    found = selectors.standing(member_id=one.member.pk)
    assert found is not None
    assert (found.orders, found.net_cents, found.stage, found.as_of) == (1, 10_000, "lapsing", day(31))
    assert selectors.standing(member_id=0) is None
    assert selectors.members_of(stage="lapsing") == [one.member.pk, other.member.pk]
    assert selectors.members_of(stage="lapsing", after_id=one.member.pk) == [other.member.pk]
    assert selectors.members_of(cell=found.cell, limit=1) == [one.member.pk]
