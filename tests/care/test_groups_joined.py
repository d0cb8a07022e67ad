"""Whoever joins a WeCom group: a moment of care and of journeys, and a thing that rules know (B2)."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from apps.care.models import Enrolment
from apps.community.models import Contact, Group, GroupMember
from apps.core import clock as house_clock
from apps.members import tag_lists
from apps.members.models import Member
from apps.segments import building, defining
from apps.segments.models import Membership
from tests.care.conftest import NOON, Shop
from tests.care.test_triggers import due, reason_when_sent
from tests.care.walks import journey, tick, walked

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
TAG = {"key": "tag", "kind": "tag", "add": ["群友"], "next": "end"}


class Rooms:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.rooms = {
            key: Group.objects.create(chat_id=key, key=key, name=key, owner="li", made_at=NOON, seen_at=NOON)
            for key in ("tea", "cake")
        }

    def join(
        self, member: Member | None, key: str = "tea", *, at: datetime = NOON - HOUR, who: str = ""
    ) -> GroupMember:
        contact, _new = Contact.objects.get_or_create(
            external_userid=who or f"wm{member.pk if member else 0}",
            defaults={"member": member, "first_at": at, "seen_at": at},
        )
        return GroupMember.objects.create(
            group=self.rooms[key], who=contact.external_userid, contact=contact, joined_at=at
        )


@pytest.fixture
def rooms(shop: Shop, noon: datetime) -> Rooms:
    return Rooms(shop)


def test_due_from_joining_on_as_long_as_they_are_in_it(rooms: Rooms) -> None:
    new, other, gone, old, staff = (rooms.shop.member() for _ in range(5))
    first = rooms.join(new)
    second = rooms.join(other, "cake")
    GroupMember.objects.filter(pk=rooms.join(gone).pk).update(left_at=NOON)
    late = rooms.join(old, at=NOON - timedelta(days=2))
    GroupMember.objects.filter(pk=rooms.join(staff).pk).update(is_staff=True)
    stamp = int((NOON - HOUR).timestamp())
    assert due("group_joined", group="tea") == [("M1", f"joined:{first.pk}:{stamp}", False)]
    assert due("group_joined") == [
        ("M1", f"joined:{first.pk}:{stamp}", False), ("M2", f"joined:{second.pk}:{stamp}", False),
    ]  # fmt: skip
    assert due("group_joined", last_run=NOON - timedelta(days=3))[-1][1:] == (
        f"joined:{late.pk}:{int((NOON - timedelta(days=2)).timestamp())}", True,
    )  # fmt: skip
    Group.objects.filter(key="tea").update(dismissed_at=NOON)
    assert [number for number, _, _ in due("group_joined")] == ["M2"]


@pytest.mark.parametrize(("leaves", "reason"), [(True, "group_left"), (False, "")])
def test_who_has_left_by_the_time_of_sending_gets_nothing(rooms: Rooms, leaves: bool, reason: str) -> None:
    row = rooms.join(rooms.shop.member())

    def change() -> None:
        GroupMember.objects.filter(pk=row.pk).update(left_at=NOON if leaves else None)

    assert reason_when_sent(rooms.shop, "group_joined", {"group": "tea"}, change) == reason


def test_joining_a_group_gives_a_tag_once_also_to_who_registers_after_it(rooms: Rooms) -> None:
    tag_lists.add_tag(name="群友", group_id=None)
    entry = {"kind": "trigger", "trigger": "group_joined", "params": {"group": "tea"}}
    journey(TAG, key="tagging", entry=entry, again={"kind": "each"})
    here, elsewhere, later = (rooms.shop.member() for _ in range(3))
    rooms.join(here)
    rooms.join(elsewhere, "cake")
    stranger = rooms.join(None, who="stranger")
    tick(NOON)
    tick(NOON + timedelta(minutes=6))
    assert walked(here.pk) == [("tag", "done"), ("end", "done")]
    assert list(Member.objects.filter(tags__contains=["群友"])) == [here]
    Contact.objects.filter(pk=stranger.contact_id).update(member=later)
    tick(NOON + timedelta(minutes=12))
    assert set(Member.objects.filter(tags__contains=["群友"])) == {here, later}
    assert Enrolment.objects.count() == 2


def test_a_segment_of_who_is_in_a_group_follows_joining_leaving_and_getting_known(
    rooms: Rooms, clock: Callable[[datetime], datetime]
) -> None:
    rule = {"field": "groups", "op": "gte", "value": 1, "where": {"groups": ["tea"]}, "within": {"last_days": 7}}
    segment = defining.create(key="tea", name="tea", rule=rule)
    one, two, three = (rooms.shop.member() for _ in range(3))

    def inside() -> set[int]:
        moment = clock(house_clock.now() + timedelta(minutes=1))
        building.build(moment)
        return set(Membership.objects.filter(segment=segment).values_list("member_id", flat=True))

    assert inside() == set()
    row = rooms.join(one)
    rooms.join(two, "cake")
    rooms.join(three, at=NOON - timedelta(days=9))
    assert inside() == {one.pk}
    GroupMember.objects.filter(pk=row.pk).update(left_at=NOON)
    assert inside() == set()
    GroupMember.objects.filter(pk=row.pk).update(left_at=None)
    Contact.objects.filter(pk=row.contact_id).update(member=two)
    assert inside() == {two.pk}
    Contact.objects.filter(pk=row.contact_id).update(member=None)
    assert inside() == set()
