"""Events come in: once each, in any order, by our clock, without personal data."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta, timezone
from uuid import uuid4

import pytest
from django.db import connection

from apps.activity import batches, services
from apps.activity.errors import BatchMalformed, BatchTooLarge
from apps.activity.models import Event, Receipt, Visitor
from apps.core import clock as house_clock
from apps.members import services as members
from tests.activity.made import NOON, PHONE_ID, event, send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(clock):
    clock(NOON)


def codes(result) -> list[tuple[int, str]]:
    return [(index, code) for index, code, _message in result.rejected]


def test_a_batch_is_stored_and_its_repeat_changes_nothing():
    batch = [event(path=f"/my/{n}") | {"name": "page_viewed"} for n in range(3)]

    first, again = send(*batch), send(*reversed(batch))

    assert (first.accepted, first.duplicates, first.rejected) == (3, 0, [])
    assert (again.accepted, again.duplicates, again.rejected) == (0, 3, [])
    assert Event.objects.count() == Receipt.objects.count() == 3


def test_the_same_id_twice_in_one_batch_is_one_event_also_in_capitals():
    key = str(uuid4())

    result = send(event(event_id=key), event(event_id=key.upper()), event())

    assert (result.accepted, result.duplicates) == (2, 1)


def test_a_bad_event_is_refused_by_its_place_and_the_others_are_kept():
    good = event("added_to_cart", sku="P1", quantity=2)
    bad = [
        "nothing",
        event() | {"member_id": 7},
        event(event_id="1"),
        event(event_id="00000000-0000-0000-0000-000000000000"),
        event("page_seen", path="/"),
        event("code_opened", code="abcd"),
        event("added_to_cart"),
        event("added_to_cart", sku="P1", quantity=0),
        event("added_to_cart", sku="P1", colour="red"),
        event() | {"occurred_at": "2026-11-22T12:00:00"},
        event() | {"occurred_at": "yesterday"},
        event() | {"occurred_at": None},
        event(at=NOON + timedelta(minutes=6)),
        event(at=NOON - timedelta(days=7, seconds=1)),
        event("searched", query="羊毛\x00围巾"),
        event("searched", query="\ud83d"),
    ]

    result = send(good, *bad)

    assert result.accepted == 1
    assert codes(result) == list(
        enumerate(
            [
                "not_an_event", "not_an_event", "event_id_invalid", "event_id_invalid", "event_unknown",
                "event_reserved", "properties_invalid", "properties_invalid", "properties_invalid", "time_invalid",
                "time_invalid", "time_invalid", "time_in_future", "time_too_old", "character_invalid",
                "character_invalid",
            ],
            start=1,
        )
    )  # fmt: skip
    assert all(message for _index, _code, message in result.rejected)
    assert list(Event.objects.values_list("name", flat=True)) == ["added_to_cart"]
    assert Receipt.objects.count() == 1


def test_a_refused_event_may_be_sent_again_once_it_is_mended():
    key = str(uuid4())
    assert codes(send(event("searched", event_id=key))) == [(0, "properties_invalid")]

    assert send(event("searched", event_id=key, query="scarf")).accepted == 1


@pytest.mark.parametrize(
    "value",
    ["17000000000", "请打 170-0000-0000", "+8617000000000", "8617000000000", "170 0000 0000", "１７０００００００００",
     "a.b@example.com", "440101199001011234", "44010119900101123X"],
)  # fmt: skip
def test_what_looks_personal_refuses_its_event_wherever_it_stands(value: str):
    result = send(event("searched", query=value), event("custom.form_sent", note=value), event())

    assert (result.accepted, codes(result)) == (1, [(0, "personal_data"), (1, "personal_data")])


def test_a_phone_as_a_number_and_a_property_called_phone_are_refused_too():
    result = send(
        event("custom.called", number=17000000000),
        event("custom.called", contact_phone="later"),
        event("custom.called", minutes=3),
    )

    assert (result.accepted, codes(result)) == (1, [(0, "personal_data"), (1, "personal_data")])


def test_numbers_that_are_no_phones_pass():
    result = send(
        event("searched", query="69012345678901"),
        event("searched", query="2026-11-22"),
        event("custom.timed", ms=1795312800000),
    )

    assert (result.accepted, result.rejected) == (3, [])


def test_late_means_more_than_an_hour_after_it_happened():
    send(event(at=NOON - timedelta(hours=1)), event(at=NOON - timedelta(hours=1, seconds=1)))

    assert sorted(Event.objects.values_list("is_late", flat=True)) == [False, True]


def test_a_batch_out_of_order_keeps_each_events_own_time():
    moments = [NOON - timedelta(minutes=n) for n in (5, 60, 1, 30)]
    send(*[event(at=moment) for moment in moments])

    assert set(Event.objects.values_list("occurred_at", flat=True)) == set(moments)


def test_a_phone_with_a_wrong_clock_is_put_right_by_when_it_says_it_sent():
    wrong = NOON + timedelta(days=400)

    result = send(event(at=wrong - timedelta(minutes=10)), sent_at=wrong.isoformat())

    assert result.accepted == 1
    assert Event.objects.get().occurred_at == NOON - timedelta(minutes=10)


def test_a_clock_that_is_nearly_right_is_left_alone():
    send(event(at=NOON - timedelta(minutes=1)), sent_at=NOON - timedelta(seconds=20))
    send(event(at=NOON + timedelta(minutes=4)))

    assert set(Event.objects.values_list("occurred_at", flat=True)) == {NOON - timedelta(minutes=1), NOON}


def test_times_of_any_offset_are_the_same_moment():
    shanghai = timezone(timedelta(hours=8))
    send(event(at=NOON.astimezone(shanghai)))

    assert Event.objects.get().occurred_at == NOON


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_the_ends_of_the_calendar_are_refused_not_raised(text: str):
    result = send(event() | {"occurred_at": text})
    skewed = send(event() | {"occurred_at": text}, sent_at=NOON - timedelta(days=3))

    assert result.accepted == skewed.accepted == 0
    assert len(result.rejected) == len(skewed.rejected) == 1


def test_too_many_events_and_a_batch_that_cannot_be_read_store_nothing():
    with pytest.raises(BatchTooLarge):
        send(*[event() for _ in range(501)])
    with pytest.raises(BatchTooLarge):
        send(*[event("custom.essay", **{f"part_{part}": "长" * 200 for part in range(20)}) for _ in range(40)])
    with pytest.raises(BatchMalformed):
        send(event(), sent_at="today")
    with pytest.raises(BatchMalformed):
        send(event(), anonymous_id="' or 1=1")

    assert Event.objects.count() == Receipt.objects.count() == Visitor.objects.count() == 0


def test_five_hundred_events_are_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        assert send(*[event() for _ in range(500)], anonymous_id=PHONE_ID).accepted == 500


def test_an_event_of_a_member_belongs_to_the_member_and_one_of_an_unknown_or_erased_member_to_nobody():
    member = members.register(source="test")
    gone = members.register(source="test")
    members.Member.objects.filter(pk=gone).update(status="erased")

    send(event(), member_id=member, anonymous_id=PHONE_ID)
    send(event(), member_id=gone, anonymous_id="browser-0002")
    send(event(), member_id=10**9)

    assert list(Event.objects.order_by("id").values_list("member_id", "anonymous_id")) == [
        (member, PHONE_ID), (None, ""), (None, ""),
    ]  # fmt: skip


def test_who_has_switched_personalisation_off_is_counted_without_their_id():
    member = members.register(source="test")
    members.give_consent(
        member_id=member, purpose="profiling", channel="any", is_granted=False, source="t", text_version="1"
    )

    assert send(event(), member_id=member, anonymous_id=PHONE_ID).accepted == 1
    assert list(Event.objects.values_list("member_id", "anonymous_id")) == [(None, "")]


def test_a_child_is_counted_without_their_id_until_a_guardian_agrees():
    member = members.register(source="test", birthday=date(2015, 6, 1))
    send(event(), member_id=member, anonymous_id=PHONE_ID)
    assert services.stitch(anonymous_id=PHONE_ID, member_id=member) == 0

    members.give_guardian_consent(member_id=member, is_granted=True, source="staff:store", text_version="1")
    send(event(), member_id=member, anonymous_id=PHONE_ID)

    assert list(Event.objects.order_by("id").values_list("member_id", "anonymous_id")) == [
        (None, ""), (member, PHONE_ID),
    ]  # fmt: skip


def test_a_time_within_reach_is_never_older_than_what_is_remembered():
    """Else a repeat could come after its receipt was forgotten."""
    assert batches.OLDEST < services.REMEMBERED


@pytest.mark.django_db(transaction=True)
def test_eight_senders_of_the_same_batches_at_once_store_each_event_once():
    batch = [event() for _ in range(120)]
    turns = [batch[n * 7 :] + batch[: n * 7] for n in range(8)]

    def deliver(turn):
        try:
            with house_clock.frozen(NOON):
                return send(*turn)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(deliver, turns))

    assert sum(result.accepted for result in results) == 120
    assert sum(result.duplicates for result in results) == 7 * 120
    assert Event.objects.count() == Event.objects.values("event_id").distinct().count() == 120


def test_receipts_are_forgotten_after_eight_days_and_idle_visitors_after_400(clock):
    send(event(), anonymous_id=PHONE_ID)
    clock(NOON + timedelta(days=7, hours=23))
    assert services.purge() == {"receipts": 0, "visitors": 0}

    clock(NOON + timedelta(days=8, seconds=1))
    assert services.purge() == {"receipts": 1, "visitors": 0}
    clock(NOON + timedelta(days=400, seconds=1))
    assert services.purge() == {"receipts": 0, "visitors": 1}
