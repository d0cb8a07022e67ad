"""Ready journeys: whole in both languages, taken over as drafts, and the care ladder lived through for thirty days."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from apps.care.journeys import editing, graph, ready
from apps.care.models import Journey, Policy, Step, Touch
from apps.core.errors import NotFound, ValidationFailed
from apps.coupons.models import Coupon
from apps.followups.models import Task
from apps.members import tag_lists
from apps.members.models import Member
from apps.segments import refresh
from apps.segments.tracks import services as tracks
from tests.care.conftest import CHINA, NOON, Shop
from tests.care.walks import standing, tick
from tests.coupons import making

pytestmark = pytest.mark.django_db


def furnished() -> None:
    """What the brand itself has to have."""
    making.template("back", per_member=9)
    steps = [
        {"key": "early", "name": "早", "months": -6, "days": 0},
        {"key": "late", "name": "晚", "months": 0, "days": 0},
    ]
    tag_lists.add_tag(name="群友")
    tracks.create(key="baby", name="孕育", anchor="预产期", steps=steps)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_one_passes_the_engines_own_check(language: str) -> None:
    furnished()
    brand = ready.of_brand(language=language)
    found = {one.key: graph.checked(one.build(brand)) for one in ready.READY}
    assert list(found) == [
        "welcome",
        "second",
        "birthday",
        "points",
        "coupons",
        "cart",
        "lapsing",
        "winback",
        "again",
        "served",
        "track",
        "autotag",
    ]
    advice = {key: [warning["code"] for warning in graph.warnings(one)] for key, one in found.items()}
    assert {key: codes for key, codes in advice.items() if codes} == {
        "points": ["no_end_on_order"], "track": ["no_end_on_order"],
        "served": ["no_holdout"], "autotag": ["no_holdout"],  # after-sales and tags are for everybody
    }  # fmt: skip
    texts = [node.data["template"] for one in found.values() for node in one.sends]
    has_chinese = [any("一" <= sign <= "鿿" for sign in text) for text in texts]
    assert has_chinese == [language != "en"] * len(texts)


def test_taken_over_it_is_a_draft_and_nothing_runs() -> None:
    furnished()
    made = [ready.take_over(key=key, language="en").key for key in ("welcome", "lapsing", "welcome")]
    assert made == ["welcome", "lapsing", "welcome-2"]
    assert set(Journey.objects.values_list("status", "version")) == {("draft", 0)}
    assert Policy.objects.count() == 0
    with pytest.raises(NotFound):
        ready.take_over(key="nothing")
    assert Journey.objects.count() == 3


def test_what_the_brand_lacks_is_said_when_it_is_published() -> None:
    for key, lacking in (("lapsing", "unknown_coupon"), ("track", "unknown_value"), ("autotag", "unknown_tag")):
        journey = ready.take_over(key=key)
        with pytest.raises(ValidationFailed) as refused:
            editing.publish(journey_id=journey.pk)
        assert lacking in [error["code"] for error in refused.value.facts["errors"]]  # type: ignore[attr-defined]
    assert set(Journey.objects.values_list("status", flat=True)) == {"draft"}


def day(number: int, hour: int = 10) -> datetime:
    """March 2026, shop time."""
    return datetime(2026, 3, 1, hour, tzinfo=CHINA) + timedelta(days=number - 1)


def lived(member: Member) -> list[tuple[str, str, int]]:
    """The member's steps: which, what came of it, on which day of March."""
    rows = Step.objects.filter(enrolment__member=member).order_by("id").values_list("node", "outcome", "at")
    return [(node, outcome, (at.astimezone(CHINA).date() - day(1).date()).days + 1) for node, outcome, at in rows]


def test_the_ladder_for_thirty_days(shop: Shop, clock: Callable[[datetime], datetime]) -> None:
    """Whoever buys is out at that moment; one unused coupon at most; when the budget is used up, staff are asked all the same."""
    clock(NOON)
    furnished()
    journey = ready.take_over(key="lapsing", language="zh-hans")
    draft = journey.draft | {"holdout_percent": 0}
    next(node for node in draft["nodes"] if node["key"] == "gift")["most"] = 3
    editing.save_draft(journey_id=journey.pk, draft=draft)
    editing.publish(journey_id=journey.pk)
    holder, never, reminded, gifted, late, unlucky = (shop.lapsing_member() for _ in range(6))
    template = making.Template.objects.get(key="back")
    making.coupon(template, holder, at=NOON)
    buys = {(13, reminded), (20, gifted), (24, late)}
    for number in range(10, 41):
        moment = clock(max(day(number), NOON) if number == 10 else day(number))
        for _, member in [buy for buy in buys if buy[0] == number]:
            shop.buys(member, at=moment - timedelta(minutes=30))
        if number % 10 == 0:
            refresh.refresh(moment)
        tick(moment)
        Touch.objects.filter(state="planned", send_at__lte=moment).update(state="sent", settled_at=moment)

    begin = [("remind", "planned", 10), ("rest", "done", 18)]
    told = [*begin, ("gift", "given", 18), ("tell", "planned", 18)]
    assert lived(never) == [*told, ("pause", "done", 25), ("staff", "assigned", 25), ("end", "done", 25)]
    assert lived(reminded) == begin[:1]
    assert lived(gifted) == told
    assert lived(late) == told
    without = [("pause", "done", 25), ("staff", "assigned", 25), ("end", "done", 25)]
    assert lived(holder) == [*begin, ("gift", "has_one", 18), *without]
    assert lived(unlucky) == [*begin, ("gift", "budget_used", 18), *without]
    assert [standing(member.pk)[1] for member in (never, reminded, gifted, late, holder, unlucky)] == [
        "done", "goal", "goal", "goal", "done", "done",
    ]  # fmt: skip
    assert sorted(Coupon.objects.values_list("member_id", flat=True)) == sorted(
        m.pk for m in (never, gifted, late, holder)
    )
    assert sorted(Task.objects.values_list("member_id", flat=True)) == sorted(m.pk for m in (never, holder, unlucky))
    assert sorted(Touch.objects.values_list("member_id", "policy__key", "state")) == sorted(
        [(m.pk, "lapsing.remind", "sent") for m in (never, reminded, gifted, late, holder, unlucky)]
        + [(m.pk, "lapsing.tell", "sent") for m in (never, gifted, late)]
    )


@pytest.mark.parametrize(("back", "expected"), [(11, [("wish", "planned")]), (13, [])])
def test_an_outage_over_a_birthday(
    shop: Shop, clock: Callable[[datetime], datetime], back: int, expected: list
) -> None:
    """Back within its window the wish goes out once; after it nobody is wished a happy birthday days late."""
    clock(day(9))
    member = shop.member(birthday=date(1992, 3, 10))
    journey = ready.take_over(key="birthday", language="zh-hans")
    editing.save_draft(journey_id=journey.pk, draft=journey.draft | {"holdout_percent": 0})
    editing.publish(journey_id=journey.pk)
    tick(day(9))
    for hour in (12, 13):  # and nothing in between
        tick(clock(day(back, hour)))
    assert [(node, outcome) for node, outcome, _ in lived(member) if node != "end"] == expected


def test_two_schedulers_with_clocks_apart_take_each_step_once(
    shop: Shop, clock: Callable[[datetime], datetime]
) -> None:
    clock(NOON)
    furnished()
    journey = ready.take_over(key="welcome", language="zh-hans")
    editing.save_draft(journey_id=journey.pk, draft=journey.draft | {"holdout_percent": 0})
    editing.publish(journey_id=journey.pk)
    member = shop.member()
    Member.objects.filter(pk=member.pk).update(joined_at=NOON - timedelta(minutes=30))
    for number in range(10, 16):
        for skew in (5, -5, 5, -5):  # minutes
            moment = clock(day(number, 12) + timedelta(minutes=skew))
            tick(moment)
            Touch.objects.filter(state="planned", send_at__lte=moment).update(state="sent", settled_at=moment)
    assert [(node, outcome) for node, outcome, _ in lived(member)] == [
        ("hello", "planned"), ("rest", "done"), ("invite", "planned"), ("end", "done"),
    ]  # fmt: skip
    assert sorted(Touch.objects.values_list("policy__key", "occurrence")) == [
        ("welcome.hello", "registered"), ("welcome.invite", "registered"),
    ]  # fmt: skip
