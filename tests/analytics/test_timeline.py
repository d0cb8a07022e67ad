"""One member's stream: every kind, newest first, no row lost or doubled between pages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from apps.analytics.timeline import KINDS, THEMES, timeline
from apps.core import audit
from apps.gateways.models import InboxMessage
from apps.members import known, tagging
from apps.members.models import Consent
from apps.orders import services as orders
from tests.console import world

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def house(clock, db):
    clock(NOON)
    return world.build(NOON)


def test_orders_refunds_stages_consents_messages_and_looks_stand_in_one_stream(house):
    member = house.members["mine"]
    orders.refund(
        order_id=house.orders["mine"].pk, source="test:1", amount_cents=500, refunded_at=NOON - timedelta(days=1)
    )
    audit.record("member.unmasked", object_type="member", object_id=member.pk, after={"reason": "call"})
    for key, title in (("news:1", "News"), ("touch:1", "the same as its touch")):
        InboxMessage.objects.create(member_id=member.pk, key=key, title=title, body="…", created_at=NOON)

    found = timeline(member_id=member.pk)

    assert sorted(row["kind"] for row in found.rows) == sorted(
        ["unmask", "inbox", "touch", "refund", "stage", "consent", "order", "joined"]
    )
    assert [row["at"] for row in found.rows] == sorted((row["at"] for row in found.rows), reverse=True)
    assert found.older == ""


def test_pages_follow_each_other_without_loss_even_when_many_things_share_one_moment(house):
    member = house.members["mine"]
    Consent.objects.bulk_create(
        Consent(member=member, purpose="care", channel="inbox", is_granted=True, source="t", text_version="1", at=NOON)
        for _ in range(25)
    )
    whole = timeline(member_id=member.pk, size=100).rows

    seen, cursor = [], ""
    while True:
        page = timeline(member_id=member.pk, cursor=cursor, size=4)
        seen += [(row["kind"], row["id"]) for row in page.rows]
        cursor = page.older
        if not cursor:
            break

    assert seen == [(row["kind"], row["id"]) for row in whole]
    assert len(set(seen)) == len(seen) == 30


def test_a_broken_cursor_begins_at_the_top(house):
    member = house.members["mine"]
    top = timeline(member_id=member.pk).rows

    for broken in ("x", "W10", "eyJhIjoxfQ", "é", "WyJmIiwxXQ"):
        assert timeline(member_id=member.pk, cursor=broken).rows == top


def test_a_page_is_one_statement(house, django_assert_num_queries):
    with django_assert_num_queries(1):
        timeline(member_id=house.members["mine"].pk)


def test_nothing_of_other_members_is_in_the_stream(house):
    ids = {row["id"] for row in timeline(member_id=house.members["mine"].pk, kinds=("order",)).rows}

    assert ids == {house.orders["mine"].pk}
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from orders_order")
        assert cursor.fetchone() == (3,)


def test_themes_part_the_stream_without_rest_and_without_overlap(house):
    assert sorted(kind for kinds in THEMES.values() for kind in kinds) == sorted(KINDS)


def test_the_stream_of_one_theme_is_paged_like_the_whole(house):
    member = house.members["mine"]
    Consent.objects.bulk_create(
        Consent(member=member, purpose="care", channel="inbox", is_granted=True, source="t", text_version="1", at=NOON)
        for _ in range(9)
    )
    seen, cursor = [], ""
    while True:
        page = timeline(member_id=member.pk, cursor=cursor, size=4, kinds=THEMES["consents"])
        seen += [(row["kind"], row["id"]) for row in page.rows]
        cursor = page.older
        if not cursor:
            break

    assert [kind for kind, _id in seen] == ["consent"] * 10
    assert len(set(seen)) == 10


def test_tags_given_and_taken_and_what_was_done_to_the_account_are_in_the_stream(house):
    member = house.members["mine"]
    tagging.set_tags(member_id=member.pk, tags=["茶"])
    tagging.set_tags(member_id=member.pk, tags=["咖啡"])
    known.add_by_hand(member_id=member.pk, kind="email", value="someone@example.com", reason="told at the till")
    audit.record("member.phone_changed", object_type="member", object_id=house.members["near"].pk)

    tags = timeline(member_id=member.pk, kinds=THEMES["tags"]).rows
    identity = timeline(member_id=member.pk, kinds=("account",)).rows

    assert sorted((row["kind"], row["facts"]["tag"]) for row in tags) == [("tag", "咖啡"), ("untag", "茶")]
    assert [row["facts"]["action"] for row in identity] == ["member.identity_added"]
    assert "someone@example.com" not in str(identity)
