"""States of a membership: who may go where, the cool-off, what is remembered of somebody who left."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.utils import DatabaseError

from apps.core import ciphers
from apps.core.errors import ValidationFailed
from apps.core.models import AuditEntry
from apps.members import departures, identities, selectors, services, states
from apps.members.errors import CoolOffOver, MemberStateWrong, PhoneBarred
from apps.members.models import Departure, Identity, Member, MemberKey, StateChange

PHONE = "17000000017"
E164 = "+8617000000017"


@pytest.fixture
def member_id(db) -> int:
    return services.register(source="portal", nickname="林小溪", phone=PHONE)


def status(member_id: int) -> str:
    return Member.objects.get(pk=member_id).status


def test_freezing_and_releasing_are_recorded_with_their_reason(member_id):
    states.freeze(member_id=member_id, cause="risk", reason="called from 17000000017, not her voice")
    assert status(member_id) == "frozen"
    states.release(member_id=member_id, cause="settled", reason="she came to the store")

    assert status(member_id) == "active"
    newest, oldest = states.history(member_id)
    assert (oldest.before, oldest.after, oldest.cause) == ("active", "frozen", "risk")
    assert oldest.reason == "called from [phone], not her voice"
    assert (newest.before, newest.after, newest.actor) == ("frozen", "active", "system")
    assert list(AuditEntry.objects.values_list("action", flat=True).order_by("id")) == [
        "member.freeze",
        "member.release",
    ]


@pytest.mark.parametrize(("cause", "reason"), [("risk", "  "), ("mood", "a good reason"), ("erased", "a good reason")])
def test_staff_must_name_a_cause_and_a_reason(member_id, cause, reason):
    with pytest.raises(ValidationFailed):
        states.freeze(member_id=member_id, cause=cause, reason=reason)

    assert status(member_id) == "active"
    assert StateChange.objects.count() == 0


@pytest.mark.parametrize(
    ("before", "move"),
    [
        ("frozen", "freeze"), ("blocked", "freeze"), ("blocked", "block"), ("active", "release"),
        ("cancelled", "freeze"), ("cancelled", "block"), ("cancelled", "release"), ("erased", "release"),
        ("merged", "freeze"), ("merged", "release"),
    ],
)  # fmt: skip
def test_a_move_that_the_state_does_not_allow_is_refused(member_id, before, move):
    survivor = services.register(source="portal")
    Member.objects.filter(pk=member_id).update(status=before, merged_into=survivor if before == "merged" else None)

    with pytest.raises(MemberStateWrong):
        getattr(states, move)(member_id=member_id, cause="dispute", reason="a good reason")

    assert status(member_id) == before
    assert StateChange.objects.count() == 0


def test_who_cancels_may_come_back_within_the_cool_off_to_the_state_they_left(member_id, clock, settings):
    settings.MEMBER_COOL_OFF_DAYS = 7
    states.freeze(member_id=member_id, cause="dispute", reason="a good reason")
    moment = clock(selectors.profile(member_id).joined_at + timedelta(days=1))

    assert states.cancel(member_id=member_id) == moment + timedelta(days=7)
    assert status(member_id) == "cancelled"
    clock(moment + timedelta(days=2))
    assert states.cancel(member_id=member_id) == moment + timedelta(days=7), "asking again does not begin anew"
    clock(moment + timedelta(days=7) - timedelta(seconds=1))
    assert states.come_back(member_id=member_id) == "frozen"

    assert status(member_id) == "frozen"


def test_after_the_cool_off_there_is_no_way_back(member_id, clock):
    ends = states.cancel(member_id=member_id)
    clock(ends)

    with pytest.raises(CoolOffOver):
        states.come_back(member_id=member_id)

    assert status(member_id) == "cancelled"
    assert StateChange.objects.count() == 1


def test_nobody_comes_back_who_did_not_cancel(member_id):
    with pytest.raises(MemberStateWrong):
        states.come_back(member_id=member_id)
    with pytest.raises(MemberStateWrong):
        states.depart(member_id=member_id)

    assert status(member_id) == "active"
    assert Departure.objects.count() == 0


def test_the_same_phone_begins_anew_as_an_empty_member_known_only_as_a_returner(member_id, clock, settings):
    settings.MEMBER_DEPARTURE_DAYS = 180
    moment = clock(selectors.profile(member_id).joined_at + timedelta(days=1))
    states.cancel(member_id=member_id)
    states.depart(member_id=member_id)
    Identity.objects.filter(member_id=member_id).delete()
    MemberKey.objects.filter(member_id=member_id).delete()

    again = services.register(source="portal", phone=PHONE)

    assert again != member_id
    assert selectors.profile(again).nickname == ""
    assert selectors.consents(again) == []
    assert departures.was_here(E164)
    assert not departures.is_barred(E164)
    kept = Departure.objects.get(digest=departures.phone_digest(E164))
    assert bytes(kept.digest) != identities.digest(kind="phone", value=E164), "the two indexes cannot be joined"
    assert kept.expires_at == moment + timedelta(days=180)
    clock(kept.expires_at)
    assert not departures.was_here(E164)
    assert departures.purge() == 2, "of the phone and of the number"


def test_who_was_blocked_cannot_walk_in_again_until_the_stated_time_is_over(member_id, clock):
    states.block(member_id=member_id, cause="abuse", reason="forty newcomer gifts")
    states.cancel(member_id=member_id)
    states.depart(member_id=member_id)
    Identity.objects.filter(member_id=member_id).delete()

    with pytest.raises(PhoneBarred):
        services.register(source="portal", phone=PHONE)
    assert Member.objects.count() == 1

    clock(Departure.objects.get(digest=departures.phone_digest(E164)).expires_at)
    assert services.register(source="portal", phone=PHONE) != member_id


def test_the_history_of_states_cannot_be_rewritten(member_id):
    states.freeze(member_id=member_id, cause="risk", reason="a good reason")

    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("update members_statechange set reason = ''")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_freeze_at_once_one_is_told_that_it_is_done():
    member_id = services.register(source="portal")

    def freeze(number: int) -> str:
        try:
            states.freeze(member_id=member_id, cause="risk", reason=f"clerk number {number}")
        except MemberStateWrong:
            return "refused"
        finally:
            connection.close()
        return "frozen"

    with ThreadPoolExecutor(4) as pool:
        said = list(pool.map(freeze, range(4)))

    assert sorted(said) == ["frozen", "refused", "refused", "refused"]
    assert StateChange.objects.count() == 1


def test_a_departure_needs_readable_phones_and_skips_those_whose_key_is_gone(member_id):
    MemberKey.objects.filter(member_id=member_id).update(wrapped=ciphers.new_person_key())

    assert departures.remember(member_id=member_id, was_blocked=False) == 1, "the number stands in the open"
