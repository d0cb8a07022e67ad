"""Coupons that members bring along from another system, and the welcome of who was welcomed twice."""

import pytest

from apps.core import approvals, brand, clock, jobs
from apps.core.models import Approval, Job, User
from apps.coupons import openings, templates, wallet, welcome
from apps.coupons.models import Coupon, Entry
from apps.flows import member_merged
from apps.members.models import Member, MemberImport, Opening
from apps.stores.models import Role
from tests.console import world
from tests.console.world import House
from tests.coupons import making
from tests.flows.test_coupon_stories import coupons, deliver, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def house() -> House:
    return world.build()


def test_one_mark_that_is_known_is_enough_to_be_known():
    making.template("hello")
    brand.write(welcome.SETTING, ["hello"])
    people = [Member.objects.create(member_no=f"N-{number}") for number in range(3)]
    marks = [bytes([number]) * 32 for number in range(4)]

    told = [
        len(welcome.greet(member_id=who.pk, marks=its))
        for who, its in zip(people, (marks[:2], marks[1:3], marks[2:]), strict=True)
    ]

    assert told == [1, 0, 0]


def moved_in(member: Member, *said: tuple[str, int]) -> MemberImport:
    file = MemberImport.objects.create(file_name="old.csv", digest="x", source="oldcrm", finished_at=clock.now())
    for line, (key, amount) in enumerate(said):
        Opening.objects.create(
            member=member, kind="coupon", key=key, amount=amount, source="oldcrm", line=line, taken_in=file
        )
    return file


def hand_in(file: MemberImport, by: User) -> object:
    handed = openings.hand_in(import_id=file.pk, user_id=by.pk)
    for job in Job.objects.filter(kind=openings.TAKE, state="queued"):
        jobs.run(job_id=job.pk)
    return handed


def test_coupons_of_a_file_are_issued_once_by_name_and_undone_with_it(house: House):
    admin, member = house.users[Role.ADMIN], house.members["mine"]
    thirty = making.template("thirty", per_member=1, most=9)
    templates.save(template_id=thirty.pk, draft=thirty.version.terms, name="满200减30", name_en="Thirty")
    file = moved_in(member, ("满200减30", 2), ("Nobody", 1))

    for _again in range(2):
        assert isinstance(hand_in(file, admin), Job)
    assert coupons(member) == [("thirty", "ready", None)] * 2
    assert {(row.channel, row.origin) for row in Coupon.objects.all()} == {("moved", "oldcrm")}
    assert [row.template.key for row in wallet.usable(member_id=member.pk)] == ["thirty", "thirty"]
    assert list(Opening.objects.filter(taken_at=None).values_list("key", flat=True)) == ["Nobody"]
    assert [(one.coupons, one.taken, one.may_hand_in) for one in openings.files()] == [(3, 2, True)]

    making.template("nobody", most=9)  # the name is known by now
    hand_in(file, admin)
    Coupon.objects.filter(template__key="nobody").update(state="used")
    assert openings.undo(import_id=file.pk, by=admin, note="wrong file") == 2
    assert openings.undo(import_id=file.pk, by=admin, note="wrong file") == 0
    assert [state for _key, state, _nth in coupons(member)] == ["used", "recalled", "recalled"]
    assert list(Entry.objects.values_list("kind", "by", "note")) == [("recalled", admin.pk, "wrong file")] * 2
    hand_in(file, admin)
    assert Coupon.objects.count() == 3


def test_above_the_day_of_who_handed_it_in_a_second_person_agrees_to_a_file_of_coupons(house: House):
    admin, other, member = house.users[Role.ADMIN], house.users[Role.MARKETER], house.members["mine"]
    making.template("thirty", making.terms({"kind": "amount", "cents": 30_000}), most=99)
    small, large = moved_in(member, ("thirty", 10)), moved_in(house.members["near"], ("thirty", 7))
    none = moved_in(house.members["far"])

    assert isinstance(hand_in(small, admin), Job)  # 300,000 of 500,000
    asked = hand_in(large, admin)
    assert isinstance(asked, Approval)
    assert (Coupon.objects.count(), hand_in(large, admin), hand_in(none, admin)) == (10, asked, None)

    approvals.decide(approval_id=asked.pk, user_id=other.pk, is_agreed=True)
    jobs.run(job_id=Job.objects.get(kind=openings.TAKE, state="queued").pk)
    assert Coupon.objects.filter(member=house.members["near"]).count() == 7


def welcomed(number: int) -> Member:
    made = person(number)
    deliver()
    return made


def test_who_was_welcomed_twice_keeps_one_welcome_until_the_merge_is_undone(db: None):
    for key in ("a", "b"):
        making.template(key, most=9)
    brand.write("coupons.at_registration", ["a", "b"])
    first, second = welcomed(1), welcomed(2)
    merge = member_merged.merge(
        survivor_id=second.pk, loser_id=first.pk, choices={}, source="test", reason="same person"
    )
    deliver()
    assert sorted(state for _key, state, _nth in coupons(second)) == ["ready", "ready", "recalled", "recalled"]
    kept = Coupon.objects.filter(state="ready").values_list("source", flat=True)
    assert {source.rpartition(":")[2] for source in kept} == {str(first.pk)}

    member_merged.unmerge(merge_id=merge)
    deliver()
    assert coupons(first) == coupons(second) == [("a", "ready", 1), ("b", "ready", 1)]

    Coupon.objects.filter(member=second, template__key="b").update(state="used")
    member_merged.merge(survivor_id=first.pk, loser_id=second.pk, choices={}, source="again", reason="same person")
    deliver()
    assert sorted(state for _key, state, _nth in coupons(first)) == ["ready", "recalled", "recalled", "used"]
