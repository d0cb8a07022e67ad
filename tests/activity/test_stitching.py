"""Whose was it: what an anonymous id did before the log-in goes to the member, once, and to nobody else."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from threading import Event as Signal

import pytest
from django.db import connection, transaction

from apps.activity import services
from apps.activity.models import Event, Visitor
from apps.activity.privacy import ERASES
from apps.core import clock as house_clock
from apps.members import services as members
from tests.activity.made import NOON, PHONE_ID, event, send
from tests.waiting import somebody_waits, until

pytestmark = pytest.mark.django_db


@pytest.fixture
def lin(clock) -> int:
    clock(NOON)
    return members.register(source="test", nickname="林")


@pytest.fixture
def shen(lin: int) -> int:
    return members.register(source="test", nickname="沈")


def owners() -> list[int | None]:
    return list(Event.objects.order_by("id").values_list("member_id", flat=True))


def test_what_was_done_before_the_log_in_goes_to_the_member_once(lin: int):
    send(event(at=NOON - timedelta(days=2)), event(), anonymous_id=PHONE_ID)
    send(event(), anonymous_id="another-browser")

    assert services.stitch(anonymous_id=PHONE_ID, member_id=lin) == 2
    assert services.stitch(anonymous_id=PHONE_ID, member_id=lin) == 0

    assert owners() == [lin, lin, None]
    assert list(Event.objects.order_by("id").values_list("is_stitched", flat=True)) == [True, True, False]


def test_what_happened_more_than_thirty_days_before_stays_anonymous(lin: int, clock):
    clock(NOON - timedelta(days=31))
    send(event(), anonymous_id=PHONE_ID)
    clock(NOON)

    assert services.stitch(anonymous_id=PHONE_ID, member_id=lin) == 0
    assert owners() == [None]


def test_an_event_from_before_the_log_in_that_arrives_after_it_finds_its_member(lin: int, clock):
    services.stitch(anonymous_id=PHONE_ID, member_id=lin)
    clock(NOON + timedelta(hours=2))

    send(event(at=NOON - timedelta(minutes=1)), event(at=NOON + timedelta(hours=1)), anonymous_id=PHONE_ID)

    assert list(Event.objects.order_by("occurred_at").values_list("member_id", "is_stitched")) == [
        (lin, True), (None, False),
    ]  # fmt: skip


def test_what_was_done_logged_out_goes_to_the_same_member_at_the_next_log_in(lin: int, clock):
    services.stitch(anonymous_id=PHONE_ID, member_id=lin)
    clock(NOON + timedelta(hours=1))
    send(event(), anonymous_id=PHONE_ID)

    assert services.stitch(anonymous_id=PHONE_ID, member_id=lin) == 1


def test_a_second_member_on_the_device_gets_nothing_of_the_first_and_the_id_attributes_no_more(
    lin: int, shen: int, clock
):
    send(event(), anonymous_id=PHONE_ID)
    services.stitch(anonymous_id=PHONE_ID, member_id=lin)
    clock(NOON + timedelta(hours=1))
    send(event(), anonymous_id=PHONE_ID)

    assert services.stitch(anonymous_id=PHONE_ID, member_id=shen) == 0
    assert Visitor.objects.get().member_id == lin
    assert services.stitch(anonymous_id=PHONE_ID, member_id=lin) == 0

    send(event(at=NOON - timedelta(minutes=5)), anonymous_id=PHONE_ID)
    assert owners() == [lin, None, None]
    seen = Visitor.objects.get()
    assert (seen.member_id, seen.shared_at) == (lin, NOON + timedelta(hours=1))


def test_events_of_a_member_keep_their_member_whoever_logs_in_later(lin: int, shen: int):
    send(event(), member_id=lin, anonymous_id=PHONE_ID)

    assert services.stitch(anonymous_id=PHONE_ID, member_id=shen) == 0
    assert owners() == [lin]


def test_an_erased_or_unknown_member_and_a_broken_id_get_nothing(lin: int):
    send(event(), anonymous_id=PHONE_ID)
    members.Member.objects.filter(pk=lin).update(status="erased")

    for key, member in ((PHONE_ID, lin), (PHONE_ID, 10**9), ("", lin), ("x y", lin)):
        assert services.stitch(anonymous_id=key, member_id=member) == 0
    assert owners() == [None]
    assert Visitor.objects.get().member_id is None


def test_nothing_is_attributed_to_who_has_switched_personalisation_off(lin: int):
    send(event(), anonymous_id=PHONE_ID)
    members.give_consent(
        member_id=lin, purpose="profiling", channel="any", is_granted=False, source="t", text_version="1"
    )

    assert services.stitch(anonymous_id=PHONE_ID, member_id=lin) == 0
    assert owners() == [None]


def test_erasing_a_member_leaves_no_anonymous_trail_of_their_devices(lin: int, clock):
    services.stitch(anonymous_id=PHONE_ID, member_id=lin)
    clock(NOON + timedelta(hours=1))
    send(event(), anonymous_id=PHONE_ID)
    send(event(), anonymous_id="another-browser")

    for erase in ERASES:
        erase(lin)

    assert list(Event.objects.values_list("anonymous_id", flat=True)) == ["another-browser"]


class Overlap:
    """Two connections: the first acts and holds its transaction open until the second has acted or waits for a lock."""

    def __init__(self) -> None:
        self.has_acted = Signal()

    def play(self, first: Callable[[], int], second: Callable[[], int]) -> tuple[int, int]:
        with ThreadPoolExecutor(2) as pool:
            late = pool.submit(self._second, second)
            early = pool.submit(self._first, first, late)
            return early.result(30), late.result(30)

    def _first(self, act: Callable[[], int], late: Future[int]) -> int:
        try:
            with house_clock.frozen(NOON), transaction.atomic():
                done = act()
                self.has_acted.set()
                until(lambda: late.done() or somebody_waits())
            return done
        finally:
            self.has_acted.set()
            connection.close()

    def _second(self, act: Callable[[], int]) -> int:
        try:
            assert self.has_acted.wait(30)
            with house_clock.frozen(NOON):
                return act()
        finally:
            connection.close()


def come_in(browser: str) -> int:
    return send(*[event(at=NOON - timedelta(minutes=1)) for _ in range(5)], anonymous_id=browser).accepted


@pytest.mark.django_db(transaction=True)
def test_a_log_in_waits_for_events_that_are_just_coming_in(lin: int):
    stored, attributed = Overlap().play(
        lambda: come_in(PHONE_ID), lambda: services.stitch(anonymous_id=PHONE_ID, member_id=lin)
    )

    assert (stored, attributed) == (5, 5)
    assert owners() == [lin] * 5


@pytest.mark.django_db(transaction=True)
def test_events_that_come_in_during_a_log_in_find_their_member(lin: int):
    attributed, stored = Overlap().play(
        lambda: services.stitch(anonymous_id=PHONE_ID, member_id=lin), lambda: come_in(PHONE_ID)
    )

    assert (attributed, stored) == (0, 5)
    assert owners() == [lin] * 5
    assert Event.objects.filter(is_stitched=True).count() == 5


@pytest.mark.django_db(transaction=True)
def test_six_at_once_lose_no_event_and_double_none(lin: int):
    for turn in range(6):
        browser = f"browser-{turn:04d}"
        start = Barrier(6)

        def played(act: Callable[[], int], start: Barrier = start) -> int:
            try:
                start.wait()
                with house_clock.frozen(NOON):
                    return act()
            finally:
                connection.close()

        acts = [lambda browser=browser: come_in(browser)] * 5
        with ThreadPoolExecutor(6) as pool:
            list(
                pool.map(played, [*acts, lambda browser=browser: services.stitch(anonymous_id=browser, member_id=lin)])
            )

    assert Event.objects.count() == 6 * 25
    assert Event.objects.filter(member_id=lin, is_stitched=True).count() == 6 * 25


@pytest.mark.django_db(transaction=True)
def test_two_members_logging_in_at_once_on_one_device_give_the_trail_to_one_of_them(lin: int, shen: int):
    for turn in range(10):
        browser = f"browser-{turn:04d}"
        with house_clock.frozen(NOON):
            send(event(), event(), anonymous_id=browser)
        start = Barrier(2)

        def log_in(member: int, browser=browser, start=start) -> int:
            try:
                start.wait()
                with house_clock.frozen(NOON):
                    return services.stitch(anonymous_id=browser, member_id=member)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(log_in, (lin, shen))) == [0, 2]
