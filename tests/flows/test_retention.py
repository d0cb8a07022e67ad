"""Rows go when their declared age is over; a rehearsal only counts."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command

from apps.core import clock as house_clock
from apps.core.models import TaskRun
from apps.events.models import Event, StepRun
from apps.flows import job_files, retention
from apps.gateways.models import InboxMessage
from apps.members import services as members
from tests.workbooks_made import workbook

pytestmark = pytest.mark.django_db
NOON = house_clock.day_start(house_clock.local_date(house_clock.now())) + timedelta(hours=12)


def message(member_id: int, *, days: int) -> InboxMessage:
    return InboxMessage.objects.create(
        member_id=member_id, key=f"touch:{days}", title="a", body="b", created_at=NOON - timedelta(days=days)
    )


def fact(number: int, **times) -> Event:
    return Event.objects.create(name="test.done", key=f"test.done:{number}", **times)


def test_only_what_is_older_than_its_declared_age_goes(clock):
    clock(NOON)
    member_id = members.register(source="portal")
    message(member_id, days=731)
    kept = message(member_id, days=729)

    assert retention.run() == {"gateways.InboxMessage": 1}
    assert list(InboxMessage.objects.all()) == [kept]
    assert retention.run() == {}


def test_only_finished_facts_of_old_go_and_their_steps_with_them(clock):
    clock(NOON)
    old = NOON - timedelta(days=31)
    StepRun.objects.create(event=fact(1, finished_at=old), step="a.b")
    kept = [
        fact(2, finished_at=NOON - timedelta(days=29)),
        fact(3, created_at=old),
        fact(4, created_at=old, parked_at=old),
    ]

    assert retention.run() == {"events.Event": 1}
    assert list(Event.objects.order_by("pk")) == kept
    assert StepRun.objects.exists() is False


def test_a_rehearsal_counts_and_removes_nothing(clock):
    clock(NOON)
    message(members.register(source="portal"), days=731)

    call_command("purge_expired", "--dry-run", stdout=(said := io.StringIO()))

    assert "gateways.InboxMessage: 1 older than 730 days by created_at\n" in said.getvalue()
    assert InboxMessage.objects.count() == 1
    assert TaskRun.objects.exists() is False


def test_a_run_leaves_its_counts_for_the_page(clock):
    clock(NOON)
    message(members.register(source="portal"), days=731)

    call_command("purge_expired", stdout=(said := io.StringIO()))

    assert said.getvalue() == "gateways.InboxMessage: 1 removed\n"
    assert TaskRun.objects.get().figures == {"gateways.InboxMessage": 1}


def test_files_of_jobs_go_after_a_week(clock, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    folder = tmp_path / "jobs"
    folder.mkdir()
    (folder / "import-1-rejected.csv").write_text("17000000031")
    now = house_clock.now()

    clock(now + timedelta(days=6))
    assert job_files.remove_old() == 0
    clock(now + timedelta(days=8))
    assert job_files.remove_old() == 1
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("coding", ["utf-8", "gb18030"])
def test_a_name_is_found_across_the_seam_of_two_blocks(settings, tmp_path, coding: str):
    settings.MEDIA_ROOT = tmp_path
    folder = tmp_path / "imports"
    folder.mkdir()
    word = "灯塔看守人".encode(coding)
    (folder / "a.csv").write_bytes(b"x" * (job_files.BLOCK - 3) + word + b"x" * 50)
    (folder / "b.csv").write_bytes(b"x" * (job_files.BLOCK - 3) + word[:-1] + b"x" * 50)

    assert job_files.remove_naming(["灯塔看守人"]) == 1
    assert [path.name for path in folder.iterdir()] == ["b.csv"]


def test_an_uploaded_workbook_goes_with_whomever_it_may_name(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    folder = tmp_path / "imports"
    folder.mkdir()
    (folder / "workbook.csv").write_bytes(workbook([["member_no"], ["V1"]]))
    (folder / "plain.csv").write_text("member_no\nV1\n")

    assert job_files.remove_naming(["灯塔看守人"]) == 1
    assert [path.name for path in folder.iterdir()] == ["plain.csv"]
