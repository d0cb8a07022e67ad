"""What the house does by itself, and what its audit trail notes, is said in words, in both languages."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import translation

from apps.console import machine_words
from apps.core import audit, requests, runs
from apps.members import services as members
from apps.stores.access import rules
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House

pytestmark = pytest.mark.django_db
MODULES = [file.read_text() for file in Path("apps").rglob("*.py") if "/migrations/" not in str(file)]
CODE = "\n".join(MODULES)


# Of modules that hand an act's name through to `audit.record`: what else looks like one there.
NO_ACTS = {"points.achievement", "coupons.write_codes", *rules().permissions}


def handed_through() -> set[str]:
    """Names with a dot in modules whose `audit.record` gets its act from a variable."""
    by_name = [module for module in MODULES if re.search(r"audit\.record\(\s*[a-z_]+[,\s]", module)]
    return {name for module in by_name for name in re.findall(r'"([a-z_]+\.[a-z_]+)"', module)}


def test_every_scheduled_task_every_act_and_every_audited_table_has_words():
    tasks = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    acts = set(re.findall(r'audit\.record\(\s*"([a-z_.]+)"', CODE))
    acts |= handed_through() - NO_ACTS
    things = set(re.findall(r'object_type="([a-z_]+)"', CODE))
    with connection.cursor() as cursor:
        cursor.execute("select tgrelid::regclass::text from pg_trigger where tgfoid = 'core_audit_row'::regproc")
        things |= {row[0] for row in cursor.fetchall()}

    assert len(tasks) > 30
    assert len(acts) > 30
    assert len(things) > 20
    where = "words belong into apps/console/machine_words.py"
    assert tasks - machine_words.TASKS.keys() == set(), where
    assert acts - machine_words.ACTS.keys() == set(), where
    assert things - machine_words.OBJECTS.keys() == set(), where


def test_counts_of_a_run_are_words_and_what_is_nothing_is_left_out():
    counted = {
        "as_of": "2026-11-22", "scores_changed": 0, "stage_moves": 1200, "seconds": 0.25, "is_full": True, "sent": 3,
        "skipped": {"no_consent": 2, "quiet_hours": 0}, "core.RequestLine": 7, "demo-bag": 1,
    }  # fmt: skip

    with translation.override("en"):
        said = machine_words.figures(counted)

    assert said == [
        ("changes of stage", "1,200"), ("everybody anew", "yes"), ("Sent", "3"),
        ("skipped, No consent for this channel", "2"), ("Request log", "7"), ("demo-bag", "1"),
    ]  # fmt: skip


def test_jobs_audit_and_timeline_show_words(db):
    house: House = world.build()
    with runs.recorded("segments.refresh_stats") as figures:
        figures.update(looked_at=5, scores_changed=0)
    with requests.acting(actor="cli"):
        audit.record("tags.give", object_type="tag_act", object_id=1)
    mine = house.members["mine"]
    members.give_consent(
        member_id=mine.pk,
        purpose="marketing",
        channel="sms",
        source="portal:guardian",
        text_version="1",
        is_granted=True,
    )
    client = Client()
    world.enter(client, house.users[Role.ADMIN])

    jobs, trail = client.get("/console/jobs/").content.decode(), client.get("/console/audit/").content.decode()
    member = client.get(f"/console/members/{house.member_id('mine')}/").content.decode()

    assert "会员阶段与指标" in jobs
    assert "查看的会员 <b" in jobs
    assert "scores_changed" not in jobs
    assert "segments.refresh_stats" not in jobs
    assert "添加标签" in trail
    assert "服务器命令" in trail
    assert "会员页面 · 监护人" in member
    assert "portal:guardian" not in member
