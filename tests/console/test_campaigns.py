"""Campaigns on their pages: the form with what it would mean, the start, the second person, the result, the calendar."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.care import second_person
from apps.care.campaigns import calendar
from apps.care.journeys import stepping
from apps.care.models import Campaign, Touch
from apps.core import brand, clock, ids
from apps.core.models import Approval
from apps.members.models import Consent, Member
from apps.stores.models import Role
from tests.console.conftest import NOON

FIELDS: dict[str, Any] = {
    "name": "双十二", "segment": "", "purpose": "marketing", "day": "2026-12-12", "time": "10:00", "every": "", "holdout_percent": "0",
    "return_days": "14", "test_percent": "100", "test_days": "3", "baseline_percent": "10", "lift_percent": "20",
    "missing_nickname": "会员", "channel_A": "inbox", "template_A": "{{ nickname }}，新茶到店", "channel_B": "inbox",
    "template_B": "{{ nickname }}，到店有礼",
}  # fmt: skip


@pytest.fixture
def desk(at: Callable[..., Client]) -> Client:
    for member in Member.objects.all():
        Consent.objects.create(
            member=member, purpose="marketing", channel="inbox", is_granted=True, source="t", text_version="1", at=NOON
        )
    return at(Role.MARKETER)


def _made(desk: Client, **more: str) -> tuple[Campaign, str]:
    assert desk.post(reverse("console:campaign_new"), FIELDS | more).status_code == 302
    row = Campaign.objects.latest("pk")
    return row, ids.encode("cmp", row.pk)


def test_a_campaign_is_typed_previewed_started_sent_and_told(desk: Client) -> None:
    shown = desk.post(reverse("console:campaign_preview"), FIELDS).content.decode()
    assert [text for text in ("…，新茶到店", "…，到店有礼", "7,356人、15天") if text not in shown] == []
    assert Campaign.objects.count() == 0
    row, key = _made(desk, day="", time="")
    assert "草稿" in desk.get(reverse("console:campaign", args=[key])).content.decode()
    desk.post(reverse("console:campaign_start", args=[key]))
    row.refresh_from_db()
    assert row.started_at == NOON
    stepping.tick(NOON + timedelta(minutes=1))
    stepping.tick(NOON + timedelta(minutes=2))
    assert sorted(Touch.objects.filter(policy__journey=row.journey).values_list("state", flat=True)) == ["planned"] * 3
    page = desk.get(reverse("console:campaign", args=[key])).content.decode()
    assert [text for text in ("数据还不够下结论", "新茶到店", "停止") if text not in page] == []
    assert desk.post(reverse("console:campaign_act", args=[key, "stop"])).status_code == 302
    left = set(Touch.objects.filter(policy__journey=row.journey).values_list("state", "reason"))
    assert left == {("skipped", "stopped")}
    lines = desk.get(reverse("console:campaign_csv", args=[key])).content.decode("utf-8-sig").splitlines()
    assert (len(lines), lines[0][:20]) == (5, "variant,arm,members,")
    assert "已停止" in desk.get(reverse("console:campaigns"), {"state": "stopped"}).content.decode()
    desk.post(reverse("console:campaign_copy", args=[key]))
    assert Campaign.objects.filter(started_at=None).count() == 1


def test_what_is_wrong_stands_at_its_field_and_the_draft_is_kept(desk: Client) -> None:
    answer = desk.post(reverse("console:campaign_new"), FIELDS | {"template_B": "{{ nobody }}", "test_percent": "20"})
    assert (answer.status_code, "id_template_B_error" in answer.content.decode()) == (422, True)
    key = ids.encode("cmp", Campaign.objects.get().pk)
    assert desk.post(reverse("console:campaign_start", args=[key])).status_code == 422
    assert Campaign.objects.get().started_at is None


def test_the_second_person_reads_it_and_agrees(desk: Client, at: Callable[..., Client]) -> None:
    brand.write(second_person.SETTING, 3)
    row, key = _made(desk)
    desk.post(reverse("console:campaign_start", args=[key]))
    assert "等第二人同意" in desk.get(reverse("console:campaign", args=[key])).content.decode()
    approval = ids.encode("apr", Approval.objects.get().pk)
    decide = reverse("console:approval_decide", args=[approval])
    desk.post(decide, {"verdict": "agree"})
    row.refresh_from_db()
    assert row.started_at is None
    admin = at(Role.ADMIN)
    assert "新茶到店" in admin.get(reverse("console:approvals")).content.decode()
    admin.post(decide, {"verdict": "agree"})
    row.refresh_from_db()
    assert (row.started_at, row.journey.status) == (NOON, "live")


def test_the_calendar_counts_the_load_and_who_would_get_too_much_and_moves_a_draft(desk: Client) -> None:
    brand.write("care.throttle", {"inbox": 1})
    _row, _key = _made(desk)
    moved, key = _made(desk, name="周末", day="2026-12-19")
    _third, _k = _made(
        desk, name="老客", channel_B="sms", rule='{"all": [{"field": "orders", "op": "gte", "value": 99}]}'
    )
    desk.post(reverse("console:campaign_move", args=[key]), {"day": "2026-12-12"})
    moved.refresh_from_db()
    assert moved.plan["at"] == "2026-12-12T10:00"
    day = clock.local_date(NOON).replace(month=12, day=12)
    found = calendar.days(first=day, last=day)[day]
    assert [(one.name, one.members, one.is_draft) for one in found.entries] == [
        ("双十二", 3, True), ("周末", 3, True), ("老客", 0, True),
    ]  # fmt: skip
    assert (dict(found.load), found.often) == ({"inbox": 6, "sms": 0}, {2: 3})
    assert calendar.limits() == {"inbox": 60 * 14}
    for view in ("month", "week"):
        page = desk.get(reverse("console:campaign_calendar"), {"day": "2026-12-12", "view": view}).content.decode()
        assert [
            text
            for text in ("双十二", "3人 × 2条", "3位会员在2026-12-12会收到2条消息", "一天共840条")
            if text not in page
        ] == []
