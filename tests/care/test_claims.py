"""The claim's statement follows what waits on the channel: nothing is paid for that no text asks for, and nothing is left out."""

from datetime import datetime, timedelta

import pytest

from apps.care import claims, dispatch, planning, services
from apps.care.models import Channel, Policy, Touch, Version
from tests.care.conftest import Shop

pytestmark = pytest.mark.django_db
AFTER_ORDER = {
    "trigger": "days_since_order",
    "params": {"days": 32, "window_days": 14},
    "template": "{{ brand }}有新品。",
}


def test_a_plain_sms_pays_for_no_other_channel_or_variable(shop: Shop, noon: datetime) -> None:
    shop.lapsing_member()
    shop.policy()
    services.plan(moment=noon)
    desk = claims.Desk("sms")

    (taken,), skipped = desk.take(limit=10, moment=noon, brand="B")

    assert (desk.names, taken.values, skipped) == (("nickname", "days_since_order"), ("林溪", "32"), 0)
    assert desk.shape == claims.Shape("sms", desk.names, ("stage_entered",), "care", has_chain=False)
    unused = ("gateways_", "segments_membercycle", "stores_store", "catalog_", "jsonb_array_elements", "onward")
    assert [word for word in unused if word in claims.statement(desk.shape)] == []


def test_versions_planned_meanwhile_are_taken_with_their_own_values_and_consents(shop: Shop, noon: datetime) -> None:
    members = [shop.lapsing_member(consents=(("care", "sms"), ("marketing", "sms"))) for _ in range(2)]
    shop.policy()
    shop.limits(day_cap=9, week_cap=9)
    services.plan(moment=noon)
    desk = claims.Desk("sms")
    assert len(desk.take(limit=1, moment=noon, brand="B")[0]) == 1

    newer = shop.policy("after-order", purpose="marketing", **AFTER_ORDER)
    planning.plan(moment=noon, only=newer)
    shop.consent(members[1].pk, purpose="marketing", given=False)

    (rest,), _ = desk.take(limit=10, moment=noon, brand="B")
    assert (rest.claim.version_id == newer.pk, desk.shape.purpose) == (False, "care")
    (fresh,), skipped = desk.take(limit=10, moment=noon, brand="B")
    assert (fresh.claim.version_id, fresh.claim.member_id, skipped) == (newer.pk, members[0].pk, 1)
    assert dict(zip(desk.names, fresh.values, strict=True)) == {
        "nickname": None, "days_since_order": None, "brand": "B",
    }  # fmt: skip


def test_what_becomes_due_among_the_older_is_taken_after_the_rest(shop: Shop, noon: datetime) -> None:
    for _ in range(3):
        shop.lapsing_member()
    shop.policy()
    services.plan(moment=noon)
    first, second, third = Touch.objects.order_by("id")
    desk = claims.Desk("sms")
    assert [one.claim.touch_id for one in desk.take(limit=2, moment=noon, brand="B")[0]] == [first.pk, second.pk]

    Touch.objects.filter(pk=first.pk).update(state="planned", send_at=noon - timedelta(hours=1))
    found = [[one.claim.touch_id for one in desk.take(limit=2, moment=noon, brand="B")[0]] for _ in range(3)]

    assert found == [[third.pk], [first.pk], []]


def test_who_posts_learns_which_policies_were_paused_meanwhile(shop: Shop) -> None:
    paused, live = shop.policy(), shop.policy("after-order", **AFTER_ORDER)
    switch = dispatch._Switch(under_way={paused.pk, live.pk})
    switch.look()
    assert switch.off == frozenset()
    Policy.objects.filter(pk=paused.policy_id).update(status=Policy.Status.PAUSED)
    switch.looked = 0.0
    switch.look()
    assert switch.off == {paused.pk}


def test_every_shape_is_a_statement_that_runs(shop: Shop, noon: datetime) -> None:
    for channel in Channel.values:
        for has_chain in (False, True):
            for purpose in ("care", ""):
                desk = claims.Desk(channel)
                desk._ids = {0}
                desk.shape = claims.Shape(
                    channel, claims.templates.VARIABLES, tuple(Version.Trigger.values), purpose, has_chain
                )
                assert desk._claim(limit=1, moment=noon, brand="B") == []
