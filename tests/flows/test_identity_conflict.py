"""A proven identity on two records: merged where nothing speaks against it, else put before staff; never by itself against proofs."""

import pytest
from django.db import transaction

from apps.events import services as events
from apps.members import doubts, selectors, services, states
from apps.members.models import Doubt, Merge


@pytest.fixture
def two(db) -> tuple[int, int]:
    """Who came in by a mini-program, and the record of another one that has their union id."""
    mine, theirs = services.register(source="wechat:wx1"), services.register(source="wechat:wx2")
    services.add_identity(member_id=mine, kind="openid", namespace="wx1", value="o1", is_verified=True)
    services.add_identity(member_id=theirs, kind="openid", namespace="wx2", value="o2", is_verified=True)
    services.add_identity(member_id=theirs, kind="unionid", value="u1", is_verified=True)
    return mine, theirs


def tell(name: str, two: tuple[int, int], *, day: int = 1) -> None:
    with transaction.atomic():
        events.publish(name, key=f"{two}:{day}", lane=f"member:{two[0]}", member_id=two[0], other_id=two[1])


def test_one_wechat_person_on_two_records_becomes_one_member(two, run_flows):
    tell("member.unionid_conflict", two)
    run_flows()

    assert selectors.current_id(two[1]) == two[0]
    assert selectors.find_by_identity(kind="unionid", value="u1") == two[0]
    made = Merge.objects.get()
    assert (made.source.split(":")[0], made.actor) == ("unionid", "system")
    assert doubts.waiting() == []


def test_the_same_fact_on_two_days_is_one_merge(two, run_flows):
    tell("member.unionid_conflict", two)
    tell("member.unionid_conflict", two, day=2)
    run_flows()

    assert Merge.objects.count() == 1


def test_two_proven_phones_wait_for_a_person(two, run_flows):
    for member_id, phone in zip(two, ("17000000301", "17000000302"), strict=True):
        services.add_identity(member_id=member_id, kind="phone", value=phone, is_verified=True)

    tell("member.unionid_conflict", two)
    tell("member.unionid_conflict", two, day=2)
    run_flows()

    assert Merge.objects.count() == 0
    (case,) = doubts.waiting()
    assert (case.first_id, case.second_id, case.cause) == (*sorted(two), "unionid")


def test_a_number_of_a_record_with_the_same_app_waits_for_a_person(two, run_flows):
    services.add_identity(member_id=two[1], kind="openid", namespace="wx1", value="o9", is_verified=True)

    tell("member.phone_conflict", two)
    run_flows()

    assert Merge.objects.count() == 0
    assert [case.cause for case in doubts.waiting()] == ["phone"]


def test_a_frozen_record_is_not_thawed_or_hidden_by_a_merge_of_its_own(two, run_flows):
    states.freeze(member_id=two[1], cause="risk", reason="odd orders")

    tell("member.unionid_conflict", two)
    run_flows()

    assert Merge.objects.count() == 0
    assert len(doubts.waiting()) == 1


def test_a_pair_that_staff_found_to_be_two_people_is_not_asked_about_again(two):
    doubts.raise_doubt(member_ids=two, cause="unionid")

    assert doubts.decide_apart(member_ids=(two[1], two[0]))
    assert not doubts.decide_apart(member_ids=two)
    assert not doubts.raise_doubt(member_ids=two, cause="phone")

    assert doubts.waiting() == []
    assert Doubt.objects.get().state == "apart"
