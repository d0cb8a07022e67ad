"""Life tracks: time alone moves a member on, each step once; a corrected date moves them without a word to anybody."""

import random
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta
from django.db import IntegrityError, InternalError, ProgrammingError, connection, transaction

from apps.core import clock
from apps.core.errors import NotFound, ValidationFailed
from apps.core.models import AuditEntry
from apps.events.models import Event as Fact
from apps.members.models import Consent, Member
from apps.segments import counting
from apps.segments.models import Placement, Track, TrackMove
from apps.segments.tracks import entries, errors, moving, services, shape

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=clock.SHOP_ZONE)
BABY = [
    {"key": "pregnant", "name": "孕期", "name_en": "Pregnant", "months": -9, "days": 0},
    {"key": "m0", "name": "0–6 月龄", "months": 0, "days": 0},
    {"key": "m6", "name": "6–12 月龄", "months": 6, "days": 0},
    {"key": "y1", "name": "1–3 岁", "months": 12, "days": 0},
]
END = {"months": 36, "days": 0}


@pytest.fixture
def track(db: None) -> Track:
    return services.create(key="baby", name="宝宝", anchor="预产期或生日", steps=BABY, ends=END)


def somebody(number: int = 1, **more: Any) -> int:
    return Member.objects.create(member_no=f"T{number}", joined_at=NOON - timedelta(days=9), **more).pk


def put(track: Track, member_id: int, anchor: date, at: datetime = NOON) -> Placement:
    with clock.frozen(at):
        return services.place(member_id=member_id, track_id=track.pk, anchor_on=anchor, source="staff", is_agreed=True)


def moves(placement: Placement) -> list[tuple[str, str, str]]:
    rows = TrackMove.objects.filter(placement=placement).order_by("id")
    return list(rows.values_list("before", "after", "cause"))


def midnight(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=clock.SHOP_ZONE)


def found(step: str, start: datetime, end: datetime, **more: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(*entries.entered(track="baby", step=step, start=start, end=end, **more))
        return sorted(cursor.fetchall())


def test_time_alone_moves_on_at_midnight_and_tells_each_step_once(track: Track) -> None:
    one, two = somebody(1), somebody(2)
    first = put(track, one, date(2026, 3, 12))
    twin = put(track, two, date(2026, 3, 12))
    assert (first.step, first.since, first.next_at) == ("pregnant", midnight(2025, 6, 12), midnight(2026, 3, 12))
    assert moving.tick(midnight(2026, 3, 12) - timedelta(microseconds=1)).counts() == {"moved": 0, "entered": 0}
    assert moving.tick(midnight(2026, 3, 12), chunk=1).counts() == {"moved": 2, "entered": 2}
    assert moving.tick(midnight(2026, 3, 12)).counts() == {"moved": 0, "entered": 0}
    first.refresh_from_db()
    assert (first.step, first.since, first.next_at) == ("m0", midnight(2026, 3, 12), midnight(2026, 9, 12))
    assert moves(first) == moves(twin) == [("", "pregnant", "placed"), ("pregnant", "m0", "time")]
    facts = Fact.objects.filter(name="track.step_entered").values_list("payload", flat=True)
    assert list(facts) == [{"track": "baby", "step": "m0", "entered": 1}] * 2, "one a chunk"
    assert found("m0", midnight(2026, 3, 11), midnight(2026, 3, 12)) == [
        (one, f"track:{first.pk}:m0", midnight(2026, 3, 12), True),
        (two, f"track:{twin.pk}:m0", midnight(2026, 3, 12), True),
    ]
    assert found("m0", midnight(2026, 3, 12), midnight(2026, 3, 13)) == [], "the window is open at its beginning"


def test_after_an_outage_every_step_passed_is_told_with_its_own_moment_and_the_end_lets_go(track: Track) -> None:
    place = put(track, somebody(), date(2026, 3, 12))
    assert moving.tick(midnight(2027, 3, 13)).counts() == {"moved": 1, "entered": 3}
    assert list(TrackMove.objects.filter(cause="time").order_by("id").values_list("after", "at")) == [
        ("m0", midnight(2026, 3, 12)), ("m6", midnight(2026, 9, 12)), ("y1", midnight(2027, 3, 12)),
    ]  # fmt: skip
    [entry] = found("m6", midnight(2026, 9, 1), midnight(2026, 10, 1))
    assert entry[3] is False, "they have moved on since"
    moving.tick(midnight(2029, 3, 12))
    place.refresh_from_db()
    assert (place.step, place.since, place.next_at) == ("", None, None)
    assert moves(place)[-1] == ("y1", "", "time")


def test_a_corrected_date_moves_without_firing_and_a_step_fires_once_a_place(track: Track) -> None:
    one = somebody()
    place = put(track, one, date(2026, 3, 12))
    moving.tick(midnight(2026, 3, 12))
    with clock.frozen(midnight(2026, 3, 14)):
        services.correct(member_id=one, placement_id=place.pk, anchor_on=date(2026, 4, 20))
    place.refresh_from_db()
    assert (place.step, place.next_at) == ("pregnant", midnight(2026, 4, 20))
    assert moving.tick(midnight(2026, 4, 20)).counts() == {"moved": 1, "entered": 0}
    assert moves(place)[2:] == [("m0", "pregnant", "corrected"), ("pregnant", "m0", "again")]
    with clock.frozen(midnight(2026, 4, 21)):
        services.correct(member_id=one, placement_id=place.pk, anchor_on=date(2025, 4, 20))
    place.refresh_from_db()
    assert (place.step, moves(place)[-1]) == ("y1", ("m0", "y1", "corrected"))
    whole = (midnight(2020, 1, 1), midnight(2030, 1, 1))
    assert [len(found(step["key"], *whole)) for step in BABY] == [1, 1, 0, 0]
    assert Fact.objects.filter(name="track.step_entered").count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        TrackMove.objects.create(
            placement=place, track=track, before="", after="m0", cause="time", at=NOON, recorded_at=NOON
        )
    for change in ({"after": "x"}, {"cause": "time"}):
        with pytest.raises((ProgrammingError, InternalError)), transaction.atomic():
            TrackMove.objects.filter(placement=place).update(**change)


def test_months_are_calendar_months_cut_to_their_last_day_in_python_and_in_the_database(track: Track) -> None:
    assert shape.border(date(2026, 1, 31), months=1, days=0) == date(2026, 2, 28)
    assert shape.border(date(2028, 1, 31), months=1, days=1) == date(2028, 3, 1)
    assert shape.border(date(2026, 1, 31), months=2, days=0) == date(2026, 3, 31)
    assert shape.border(date(2024, 2, 29), months=12, days=0) == date(2025, 2, 28)
    assert shape.border(date(2024, 2, 29), months=48, days=0) == date(2028, 2, 29)
    assert shape.border(date(2026, 3, 31), months=-1, days=0) == date(2026, 2, 28)
    dice = random.Random(7)
    with connection.cursor() as cursor:
        for _ in range(300):
            anchor = date(2023, 12, 25) + timedelta(days=dice.randrange(1600))
            months, days = dice.randint(-40, 40), dice.randint(-40, 40)
            cursor.execute("select (%s::date + make_interval(months => %s, days => %s))::date", [anchor, months, days])
            wanted = anchor + relativedelta(months=months) + timedelta(days=days)
            assert cursor.fetchone()[0] == shape.border(anchor, months=months, days=days) == wanted
    place = put(track, somebody(), date(2025, 8, 31))
    assert place.next_at == midnight(2026, 8, 31)
    assert (place.step, place.since) == ("m6", midnight(2026, 2, 28))


def test_steps_have_to_follow_each_other_whatever_the_day_is(track: Track) -> None:
    def wrong(steps: Any, ends: Any = None) -> list[tuple[str, str]]:
        with pytest.raises(ValidationFailed) as refusal:
            services.change(track_id=track.pk, steps=steps, ends=ends)
        return [(one["pointer"], one["code"]) for one in refusal.value.facts["errors"]]  # type: ignore[attr-defined]

    month, days = {"key": "a", "name": "a", "months": 1, "days": 0}, {"key": "b", "name": "b", "months": 0, "days": 31}
    assert wrong([month, days]) == [("/steps/1/months", "not_in_order")], "31 days are no month later in January"
    assert wrong([month, days | {"key": "a", "days": 40}]) == [("/steps/1/key", "repeated")]
    assert wrong([month | {"months": 601}]) == [("/steps/0/months", "out_of_bounds")]
    assert wrong([month], {"months": 1, "days": 0}) == [("/ends/months", "not_in_order")]
    assert wrong([]) == [("/steps", "wrong_count")]
    assert Track.objects.get().steps == BABY
    shape.check(steps=[month, days | {"days": 32}], ends=None)


def test_several_children_and_who_leaves_is_told_nothing_more(track: Track) -> None:
    one = somebody()
    first, second = put(track, one, date(2025, 1, 5)), put(track, one, date(2026, 3, 12))
    assert put(track, one, date(2026, 3, 12)).pk == second.pk
    assert (first.step, second.step) == ("y1", "pregnant")
    for name, op, days, fits in (
        ("track_ahead", "lte", 2, True), ("track_ahead", "lte", 1, False), ("track_days", "lte", 64, True),
        ("track_days", "lte", 63, False),
    ):  # fmt: skip
        rule = {"field": name, "key": "baby", "op": op, "value": days}
        answer = counting.why(rule, member_id=one, moment=NOON)
        assert answer is not None
        assert answer.is_in is fits, (name, days)
    with pytest.raises(errors.PlacedAlready):
        services.correct(member_id=one, placement_id=first.pk, anchor_on=date(2026, 3, 12))
    with clock.frozen(NOON):
        services.leave(member_id=one, placement_id=second.pk)
    assert moving.tick(midnight(2026, 4, 1)).counts() == {"moved": 0, "entered": 0}
    assert found("pregnant", midnight(2026, 1, 1), midnight(2026, 4, 1)) == []
    with pytest.raises(NotFound):
        services.leave(member_id=one, placement_id=second.pk)
    assert put(track, one, date(2026, 3, 12)).pk != second.pk, "who comes back begins anew"
    for number in range(8):
        put(track, one, date(2020, 1, 1) + timedelta(days=number))
    with pytest.raises(errors.TooManyPlaces):
        put(track, one, date(2019, 1, 1))
    assert Placement.objects.filter(left_at=None).count() == 10


def test_a_day_is_kept_by_agreement_only_never_of_an_unguarded_child_and_not_in_the_trail(track: Track) -> None:
    one, child = somebody(1), somebody(2, birth_year=2015, birth_month=5, birth_day=1)
    said: dict[str, Any] = {"track_id": track.pk, "source": "staff"}
    with clock.frozen(NOON):
        with pytest.raises(ValidationFailed):
            services.place(member_id=one, anchor_on=date(2026, 3, 12), is_agreed=False, **said)
        with pytest.raises(ValidationFailed):
            services.place(member_id=one, anchor_on=date(1900, 3, 12), is_agreed=True, **said)
        with pytest.raises(errors.NoPlaceForChildren):
            services.place(member_id=child, anchor_on=date(2026, 3, 12), is_agreed=True, **said)
        assert not Placement.objects.exists()
        Consent.objects.create(
            member_id=child, purpose="guardian", channel="any", is_granted=True, source="t", text_version="1", at=NOON
        )
        services.place(member_id=child, anchor_on=date(2026, 3, 12), is_agreed=True, **said)
        services.set_archived(track_id=track.pk, is_archived=True)
        with pytest.raises(NotFound):
            services.place(member_id=one, anchor_on=date(2026, 3, 12), is_agreed=True, **said)
    trail = [str(row) for row in AuditEntry.objects.filter(action__startswith="track.member").values()]
    assert len(trail) == 1
    assert "2026-03-12" not in trail[0]


def test_other_steps_move_everybody_at_once_without_firing(track: Track) -> None:
    place = put(track, somebody(), date(2026, 3, 1))
    assert place.step == "m0"
    early = [*BABY[:1], BABY[1] | {"key": "birth"}, BABY[1] | {"key": "d5", "days": 5}, *BABY[2:]]
    with clock.frozen(NOON):
        services.change(track_id=track.pk, steps=early)
    place.refresh_from_db()
    assert (place.step, place.next_at, moves(place)[1:]) == ("d5", midnight(2026, 9, 1), [("m0", "d5", "changed")])
    assert Fact.objects.filter(name="track.step_entered").count() == 0
